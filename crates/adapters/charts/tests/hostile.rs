//! Servers that mean no good: A13–A22 and what is near them. Each row is a misdeed and its outcome.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use charts::{ChartError, Freshness, LAYER_HELM_CHART, LAYER_TAR_GZIP, Remote};
use std::fmt::Write;
use std::io::Write as _;
use std::time::{Duration, Instant};
use support::{plain_registry, remote, small};
use testkit::{
    ChartRepository, OciRegistry, RegistryLogin, WebBody, WebReply, WebServer, WebTls, digest, index_of,
};

/// Far more than the limits of [`small`], and than the pause between two pieces.
const LONG: Duration = Duration::from_secs(20);

/// What is said when the patience was short.
const LATE: &str = "did not come within 0.4 s";

/// Resolves and fetches. `expected` says whether it is waited for to the end of a short patience, or as long as it takes.
async fn have(remote: &Remote, chart: &str, revision: &str, expected: &str) -> Result<usize, ChartError> {
    let patience = if expected.contains(LATE) { Duration::from_millis(400) } else { LONG };
    let dir = tempfile::tempdir().unwrap();
    let charts = small(dir.path(), patience);
    let found = charts.resolve(remote, chart, revision, Freshness::Known).await?;
    charts.fetch(remote, &found.value).await.map(|archive| archive.bytes.len())
}

fn drip() -> WebReply {
    WebReply {
        status: 200,
        headers: Vec::new(),
        body: WebBody::Drip(b"a".to_vec(), Duration::from_millis(20)),
    }
}

fn flood() -> WebReply {
    WebReply { status: 200, headers: Vec::new(), body: WebBody::Drip(vec![b' '; 60 << 10], Duration::ZERO) }
}

fn short() -> WebReply {
    let reply = WebReply { status: 200, headers: Vec::new(), body: WebBody::Short(b"half".to_vec()) };
    reply.with("content-length", "900")
}

fn hang() -> WebReply {
    WebReply { body: WebBody::Hang, ..WebReply::default() }
}

fn gzipped(content: &[u8]) -> WebReply {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(content).unwrap();
    WebReply::ok(gzip.finish().unwrap()).with("content-encoding", "gzip")
}

fn versions(count: usize) -> String {
    let mut text = "apiVersion: v1\nentries:\n  app:\n".to_owned();
    for n in 0..count {
        writeln!(text, "  - version: 1.0.{n}\n    urls: [app.tgz]").unwrap();
    }
    text
}

fn fails(got: Result<usize, ChartError>, part: &str, why: &str, begun: Instant) {
    let error = got.expect_err(why).to_string();
    assert!(error.contains(part), "{why}: {error}");
    assert!(error.len() < 1000 && !error.contains('\u{1b}') && !error.contains("hush"), "{why}: {error:?}");
    assert!(begun.elapsed() < LONG, "{why}: it took too long");
}

#[tokio::test]
async fn indexes() {
    let bomb = vec![b' '; 10 << 20];
    let aliases = {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for n in 1..9 {
            let one = format!("*a{}", n - 1);
            writeln!(text, "a{n}: &a{n} [{}]", vec![one; 9].join(",")).unwrap();
        }
        format!("{text}entries: {{app: [*a8]}}\n")
    };
    let rows = [
        (flood(), "index.yaml has more than 65536 bytes", "A22: more than the limit, of no announced length"),
        (
            WebReply::ok("x").with("content-length", "524288000"),
            "index.yaml has more than 65536 bytes",
            "A22: 500 MiB announced",
        ),
        (WebReply::ok(versions(101)), "more than 100 versions", "A22: too many versions"),
        (drip(), "did not come within 0.4 s", "A22: a byte now and then"),
        (hang(), "did not come within 0.4 s", "no answer"),
        (gzipped(&bomb), "index.yaml has more than 65536 bytes", "a bomb"),
        (WebReply::ok("x").with("content-encoding", "gzip"), "is not the gzip", "no gzip"),
        (
            WebReply::ok("x").with("content-encoding", "br"),
            "unknown content encoding",
            "an encoding that nobody asked for",
        ),
        (short(), "not reachable", "less than announced"),
        (WebReply::ok("<html>Sign in</html>"), "did not answer as a chart repository", "a page"),
        (WebReply::ok(aliases), "did not answer as a chart repository", "a bomb of aliases"),
        (WebReply::ok("[".repeat(60_000)), "did not answer as a chart repository", "nesting"),
        (
            WebReply::ok("{\"entries\":".repeat(5_000)),
            "did not answer as a chart repository",
            "nesting in JSON",
        ),
        (WebReply::ok("entries:\n  other: []\n"), "is not in the index", "another chart"),
        (
            WebReply::new(304, ""),
            "did not answer as a chart repository",
            "not modified, though nothing is known",
        ),
        (WebReply::new(206, versions(1)), "HTTP status 206", "a part"),
        (
            WebReply::new(500, "\u{1b}[31mred\u{202e}").with("content-type", "text/plain"),
            "\\u{1b}[31mred",
            "escapes",
        ),
        (
            WebReply::new(401, "").with("www-authenticate", "x".repeat(9000)),
            "authentication failed",
            "a long challenge",
        ),
        (
            WebReply::ok(versions(1)).with("etag", "x".repeat(9000)),
            "not found",
            "a long tag is left out, the index is good",
        ),
    ];
    for (reply, expected, why) in rows {
        let repository = ChartRepository::start(WebTls::Off, None).unwrap();
        repository.reply("/index.yaml", reply);
        let begun = Instant::now();
        fails(have(&remote(&repository.url()), "app", "*", expected).await, expected, why, begun);
    }
    let good = ChartRepository::start(WebTls::Off, None).unwrap();
    good.reply("/index.yaml", gzipped(versions(1).as_bytes()));
    good.put("/app.tgz", "one");
    assert_eq!(have(&remote(&good.url()), "app", "*", "").await, Ok(3), "gzip itself is welcome");
}

#[tokio::test]
async fn archives_of_an_index() {
    let good = digest(b"good");
    let rows = [
        (WebReply::ok("good"), good.as_str(), Ok(4), "as it should be"),
        (WebReply::ok("good"), "", Ok(4), "no digest"),
        (WebReply::ok("evil"), &good, Err("has the digest"), "another content"),
        (WebReply::ok(""), &good, Err("has the digest"), "nothing"),
        (short(), &good, Err("not reachable"), "less than announced"),
        (flood(), &good, Err("the archive has more than 1024 bytes"), "A15: more than the limit"),
        (
            WebReply::ok("x").with("content-length", "10737418240"),
            &good,
            Err("more than 1024 bytes"),
            "10 GiB announced",
        ),
        (drip(), &good, Err("did not come within 0.4 s"), "a byte now and then"),
        (hang(), &good, Err("did not come within 0.4 s"), "no answer"),
        (WebReply::new(404, ""), &good, Err("not found"), "none"),
        (WebReply::redirect("http://127.0.0.1:1/"), &good, Err("not reachable"), "sent on to nobody"),
        (WebReply::redirect("data:text/plain,good"), &good, Err("not https"), "sent on to no server"),
    ];
    for (reply, digest, expected, why) in rows {
        let repository = ChartRepository::start(WebTls::Off, None).unwrap();
        repository.index(&[("app", "1.0.0", "app.tgz", digest)]);
        repository.reply("/app.tgz", reply);
        let begun = Instant::now();
        match (
            have(&remote(&repository.url()), "app", "1.0.0", expected.err().unwrap_or_default()).await,
            expected,
        ) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected, "{why}"),
            (got, Err(part)) => fails(got, part, why, begun),
            (Err(error), Ok(_)) => panic!("{why}: {error}"),
        }
    }
}

#[tokio::test]
async fn urls_in_an_index() {
    let repository = ChartRepository::start(WebTls::Off, None).unwrap();
    repository.put("/app.tgz", "one");
    let rows = [
        ("file:///etc/passwd", "cannot be had by file", "a file"),
        ("ftp://127.0.0.1/x", "cannot be had by ftp", "another scheme"),
        ("http://[", "cannot be read", "no URL"),
        ("oci://127.0.0.1:1/../x:1", "cannot be had by oci", "a registry's name with dots"),
        ("oci://user:hush@127.0.0.1/x:1", "cannot be had by oci", "credentials in it"),
        ("", "has no URL", "none"),
    ];
    for (url, expected, why) in rows {
        repository.index(&[("app", "1.0.0", url, "")]);
        let begun = Instant::now();
        fails(have(&remote(&repository.url()), "app", "1.0.0", expected).await, expected, why, begun);
    }
    let secure = ChartRepository::start(WebTls::Server, None).unwrap();
    secure.put("/index.yaml", index_of(&[("app", "1.0.0", &format!("{}/app.tgz", repository.url()), "")]));
    let remote = support::trusting(remote(&secure.url()), secure.server().ca_pem().unwrap());
    fails(have(&remote, "app", "1.0.0", "").await, "plain http", "from https to http", Instant::now());
}

fn manifest(layers: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"x","digest":"{}","size":2}},"layers":[{layers}]}}"#,
        digest(b"{}")
    )
}

fn layer(media_type: &str, digest: &str, size: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
}

#[tokio::test]
async fn manifests() {
    let good = digest(b"good");
    let chart = |digest: &str, size: &str| manifest(&layer(LAYER_HELM_CHART, digest, size));
    let nested = format!(
        r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
        layer("application/vnd.oci.image.index.v1+json", &good, "1")
    );
    let eleven = vec![layer(LAYER_HELM_CHART, &good, "4"); 11].join(",");
    let padded = format!("{}{}", chart(&good, "4"), " ".repeat(4096));
    let rows: Vec<(String, Result<usize, &str>, &str)> = vec![
        (chart(&good, "4"), Ok(4), "as it should be"),
        (chart(&digest(b"evil"), "4"), Err("has the digest"), "A21: another content"),
        (chart(&good, "3"), Err("more than 3 bytes"), "A21: larger than it says"),
        (chart(&good, "5"), Err("4 bytes, where the manifest says 5"), "A21: smaller than it says"),
        (chart(&good, "10737418240"), Err("more than 1024 bytes"), "A21: 10 GiB declared"),
        (chart(&good, "-1"), Err("negative size"), "a negative size"),
        (chart(&good, "1e99"), Err("cannot be read"), "a size that is none"),
        (chart("sha256:0", "4"), Err("a layer's digest is not a digest"), "half a digest"),
        (chart("sha512:00", "4"), Err("a layer's digest is not a digest"), "another algorithm"),
        (chart("sha256:../../../../etc/passwd", "4"), Err("a layer's digest is not a digest"), "a path"),
        (
            manifest(&layer("application/octet-stream", &good, "4")),
            Err("not a Helm chart"),
            "A21: wrong media type",
        ),
        (
            manifest(&layer(LAYER_TAR_GZIP, &good, "4")),
            Err("not a Helm chart"),
            "an artifact that is no chart",
        ),
        (manifest(""), Err("not a Helm chart"), "no layers"),
        (manifest(&eleven), Err("11 layers"), "too many layers"),
        (nested, Err("an index of manifests"), "A21: an index is not followed, however deep"),
        (padded, Err("the manifest has more than 4096 bytes"), "A21: a manifest of 5 MiB"),
        ("[".repeat(4000), Err("cannot be read"), "nesting"),
        ("<html>".to_owned(), Err("cannot be read"), "a page"),
        (r#"{"schemaVersion":1}"#.to_owned(), Err("version 1"), "an old version"),
    ];
    for (manifest, expected, why) in rows {
        let registry = OciRegistry::start(WebTls::Off, RegistryLogin::Open).unwrap();
        registry.put_manifest("ns/app", "1.0.0", manifest.as_bytes());
        let blobs = ["good", "evil"].map(|name| digest(name.as_bytes()));
        for blob in blobs {
            registry.reply(&format!("/v2/ns/app/blobs/{blob}"), WebReply::ok("good"));
        }
        let remote = plain_registry(&format!("{}/ns", registry.host()));
        let begun = Instant::now();
        match (have(&remote, "app", "1.0.0", "").await, expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected, "{why}"),
            (got, Err(part)) => {
                fails(got, part, why, begun);
                let large = registry.server().asked().iter().any(|asked| asked.contains("/blobs/"));
                assert!(
                    !large || why.contains("than it says") || why.contains("content"),
                    "{why}: refused before"
                );
            }
            (Err(error), Ok(_)) => panic!("{why}: {error}"),
        }
    }
}

#[tokio::test]
async fn artifacts() {
    let good = digest(b"good");
    let row = |types: &[&str]| {
        manifest(&types.iter().map(|kind| layer(kind, &good, "4")).collect::<Vec<_>>().join(","))
    };
    let rows = [
        (row(&[LAYER_TAR_GZIP]), Ok(4), "one layer"),
        (row(&[LAYER_TAR_GZIP, "application/vnd.dev.sigstore.bundle+json"]), Ok(4), "a signature beside it"),
        (row(&[LAYER_HELM_CHART]), Ok(4), "a chart"),
        (row(&[LAYER_TAR_GZIP, LAYER_TAR_GZIP]), Err("not a single layer"), "two"),
        (row(&["application/vnd.other.tar+gzip"]), Err("not allowed"), "a type that is not allowed"),
        (row(&["application/json"]), Err("not a single layer"), "no files"),
    ];
    for (manifest, expected, why) in rows {
        let registry = OciRegistry::start(WebTls::Off, RegistryLogin::Open).unwrap();
        registry.put_manifest("ns/app", "1.0.0", manifest.as_bytes());
        registry.put_blob("ns/app", b"good");
        let remote = plain_registry(&format!("{}/ns/app", registry.host()));
        match (have(&remote, "", "1.0.0", "").await, expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected, "{why}"),
            (got, Err(part)) => fails(got, part, why, Instant::now()),
            (Err(error), Ok(_)) => panic!("{why}: {error}"),
        }
    }
}

#[tokio::test]
async fn registries() {
    let bearer =
        |realm: &str| WebReply::new(401, "").with("www-authenticate", format!("Bearer realm=\"{realm}\""));
    let list = "/v2/ns/app/tags/list";
    let tag = "/v2/ns/app/manifests/1.0.0";
    let tags = |tags: usize| serde_json::json!({ "tags": vec!["1.0.0"; tags] }).to_string();
    let lying = WebReply::ok(manifest("")).with("docker-content-digest", digest(b"another"));
    let rows = [
        (list, WebReply::ok(tags(51)), "*", "more than 50 tags", "too many tags"),
        (
            list,
            WebReply::ok(tags(10)).with("link", "</v2/ns/app/tags/list>; rel=\"next\""),
            "*",
            "more than 50 tags",
            "pages in a circle",
        ),
        (
            list,
            WebReply::ok(tags(0)).with("link", "</v2/ns/app/tags/list>; rel=\"next\""),
            "*",
            "without any tags",
            "empty pages in a circle",
        ),
        (
            list,
            WebReply::ok(tags(1)).with("link", "<http://127.0.0.1:1/>; rel=\"next\""),
            "*",
            "goes on at another server",
            "a page elsewhere",
        ),
        (list, WebReply::ok("{\"tags\":7}"), "*", "cannot be read", "no list"),
        (
            list,
            WebReply::ok(serde_json::json!({ "tags": ["../1.0.0", "1.0.0?x", "\u{1b}"] }).to_string()),
            "*",
            "has no version",
            "tags that are none",
        ),
        (list, flood(), "*", "more than 4096 bytes", "a list without end"),
        (list, hang(), "*", "did not come within 0.4 s", "no answer"),
        (tag, lying, "1.0.0", "has the digest", "a header that lies"),
        (tag, drip(), "1.0.0", "did not come within 0.4 s", "a byte now and then"),
        (
            tag,
            bearer("http://127.0.0.1:1/token"),
            "1.0.0",
            "not reachable",
            "a token server that is not there",
        ),
        (
            tag,
            bearer("file:///etc/passwd"),
            "1.0.0",
            "cannot be had by file",
            "a token server that is a file",
        ),
        (tag, bearer("http://["), "1.0.0", "no URL that can be read", "a token server without a URL"),
        (tag, bearer("/v2/ns/app/manifests/big"), "1.0.0", "gave no token", "a token that is none"),
        (tag, WebReply::new(401, ""), "1.0.0", "authentication failed", "no word of how"),
        (tag, WebReply::new(429, "").with("retry-after", "9"), "1.0.0", "not reachable", "too often"),
    ];
    for (path, reply, revision, expected, why) in rows {
        let registry = OciRegistry::start(WebTls::Off, RegistryLogin::Open).unwrap();
        registry.push_chart("ns/app", "1.0.0", b"good");
        registry.push_chart("ns/app", "big", b"hush");
        registry.reply(path, reply);
        let remote = support::login(plain_registry(&format!("{}/ns", registry.host())), "user", "hush");
        let begun = Instant::now();
        fails(have(&remote, "app", revision, expected).await, expected, why, begun);
    }
}

/// A server that repeats all that it was sent, as debugging proxies do.
#[tokio::test]
async fn echoes() {
    let echo = |request: &testkit::WebRequest| {
        if request.path() == "/token" {
            return WebReply::ok(r#"{"token":"hush-token"}"#);
        }
        let bearer = "Bearer realm=\"/token\"";
        if request.path().starts_with("/v2/") && request.header("authorization").is_empty() {
            return WebReply::new(401, "").with("www-authenticate", bearer);
        }
        let text = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
        WebReply::new(500, text.collect::<String>()).with("content-type", "text/plain")
    };
    let server = WebServer::start(WebTls::Off, echo).unwrap();
    let repository = support::login(remote(&server.url()), "user", "hush");
    // What `user:hush` is in base64.
    let encoded = "dXNlcjpodXNo";
    let registry = support::login(plain_registry(&server.authority()), "user", "hush");
    for remote in [repository, registry] {
        let error = have(&remote, "app", "1.0.0", "").await.unwrap_err().to_string();
        assert!(error.contains("***"), "{error}");
        assert!(!error.contains("hush") && !error.contains(encoded), "{error}");
    }
    let sent = server.requests();
    assert_eq!(sent[0].header("authorization"), format!("Basic {encoded}"));
    assert_eq!(sent.last().unwrap().header("authorization"), "Bearer hush-token");
}
