//! Registries: charts in Helm's own form, and artifacts.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use charts::{ChartError, Charts, Freshness, LAYER_HELM_CHART, LAYER_TAR_GZIP, Remote, RepositoryUrl};
use std::time::Instant;
use support::{charts, login, plain_registry, remote, trusting};
use testkit::{ChartRepository, OciRegistry, RealRegistry, RegistryLogin, WebReply, WebTls, digest};

const KNOWN: Freshness = Freshness::Known;

fn now() -> Freshness {
    Freshness::Since(Instant::now())
}

async fn have(charts: &Charts, remote: &Remote, chart: &str, revision: &str) -> Result<String, ChartError> {
    let found = charts.resolve(remote, chart, revision, KNOWN).await?;
    let archive = charts.fetch(remote, &found.value).await?;
    Ok(String::from_utf8(archive.bytes.to_vec()).unwrap())
}

fn registry(tls: WebTls, login: RegistryLogin) -> OciRegistry {
    let registry = OciRegistry::start(tls, login).unwrap();
    for tag in
        ["1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1", "1.9.0_build.7", "latest", "0.9.0", "sha256-abc.sig"]
    {
        registry.push_chart("ns/app", tag, tag.as_bytes());
    }
    registry
}

#[tokio::test]
async fn charts_are_tags_below_the_registrys_path() {
    let registry = registry(WebTls::Off, RegistryLogin::Open);
    let pin = registry.push_chart("ns/app", "pinned", b"pinned");
    let host = registry.host();
    let rows = [
        ("1.2.0", Ok(("1.2.0", "1.2.0")), "exact"),
        ("1.9.0+build.7", Ok(("1.9.0+build.7", "1.9.0_build.7")), "a plus is an underscore in a tag"),
        ("^1", Ok(("1.10.0", "1.10.0")), "a range, over all pages of the list"),
        ("~1.9", Ok(("1.9.0+build.7", "1.9.0_build.7")), "a range that a tag with an underscore is in"),
        ("", Ok(("1.10.0", "1.10.0")), "the highest that is no pre-release"),
        (">=2.0.0-0", Ok(("2.0.0-rc.1", "2.0.0-rc.1")), "a pre-release that is asked for"),
        ("latest", Ok(("latest", "latest")), "a tag that is no version"),
        (&pin, Ok((&pin, "pinned")), "a digest"),
        ("^7", Err("has no version \"^7\" (9 versions are known)"), "a range with nothing in it"),
        ("7.0.0", Err("not found"), "no such tag"),
        ("not a tag", Err("has no version"), "neither version nor tag"),
        ("sha256:00", Err("has no version"), "half a digest"),
    ];
    for form in [host.clone(), format!("oci://{host}")] {
        for (revision, expected, why) in &rows {
            let dir = tempfile::tempdir().unwrap();
            let kept = charts(dir.path());
            let remote = plain_registry(&format!("{form}/ns"));
            let found = kept.resolve(&remote, "app", revision, KNOWN).await;
            match (found, expected) {
                (Ok(found), Ok((version, content))) => {
                    assert_eq!(found.value.revision(), *version, "{why}");
                    let archive = kept.fetch(&remote, &found.value).await.unwrap();
                    assert_eq!(
                        (&archive.bytes[..], archive.media_type.as_str()),
                        (content.as_bytes(), LAYER_HELM_CHART)
                    );
                }
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{why}: {error}"),
                (got, _) => panic!("{why}: {got:?}"),
            }
        }
    }
}

#[tokio::test]
async fn artifacts_are_the_url_itself() {
    let registry = registry(WebTls::Off, RegistryLogin::Open);
    let first = registry.push("ns/files", "main", LAYER_TAR_GZIP, b"files");
    registry.push("ns/files", "1.5.0", LAYER_TAR_GZIP, b"released");
    let dir = tempfile::tempdir().unwrap();
    let charts = charts(dir.path());
    let remote = plain_registry(&format!("oci://{}/ns/files", registry.host()));
    let found = charts.resolve(&remote, "", "main", KNOWN).await.unwrap().value;
    assert_eq!((found.revision(), found.version()), (first, "main"), "its revision is the manifest's digest");
    assert_eq!(charts.fetch(&remote, &found).await.unwrap().media_type, LAYER_TAR_GZIP);
    assert_eq!(have(&charts, &remote, "", "1.x").await.unwrap(), "released");

    // A tag that moves.
    let second = registry.push("ns/files", "main", LAYER_TAR_GZIP, b"newer");
    assert_eq!(have(&charts, &remote, "", "main").await.unwrap(), "files");
    let moved = charts.resolve(&remote, "", "main", now()).await.unwrap().value;
    assert_eq!(moved.revision(), second);
    assert_eq!(charts.fetch(&remote, &moved).await.unwrap().bytes, "newer");
    let before = registry.server().requests().len();
    charts.resolve(&remote, "", "main", now()).await.unwrap();
    assert_eq!(
        registry.server().asked()[before..],
        ["HEAD /v2/ns/files/manifests/main"],
        "it did not move again"
    );
    drop(registry);
    let stale = charts.resolve(&remote, "", "main", now()).await.unwrap();
    assert_eq!((stale.value, stale.error.is_some()), (moved, true));
    let chart = plain_registry(&format!("oci://{}/ns/files", "127.0.0.1:1"));
    assert!(charts.resolve(&chart, "", "main", KNOWN).await.is_err());
}

#[tokio::test]
async fn a_version_of_a_chart_is_asked_for_once() {
    let (dir, registry) = (tempfile::tempdir().unwrap(), registry(WebTls::Off, RegistryLogin::Open));
    let remote = plain_registry(&format!("{}/ns", registry.host()));
    let charts = charts(dir.path());
    for _ in 0..3 {
        let found = charts.resolve(&remote, "app", "1.0.0", now()).await.unwrap();
        charts.fetch(&remote, &found.value).await.unwrap();
    }
    assert_eq!(registry.server().requests().len(), 2, "{:?}", registry.server().asked());
    drop(registry);
    let restarted = support::charts(dir.path());
    assert_eq!(have(&restarted, &remote, "app", "1.0.0").await.unwrap(), "1.0.0", "without the registry");
}

#[tokio::test]
async fn registries_say_how_they_want_to_be_asked() {
    let rows = [
        (RegistryLogin::Open, None, Ok(()), "everybody"),
        (RegistryLogin::Open, Some("hush"), Ok(()), "credentials that nobody asked for"),
        (RegistryLogin::Basic, Some("secret"), Ok(()), "basic"),
        (RegistryLogin::Basic, Some("hush"), Err("authentication failed"), "basic, a wrong password"),
        (RegistryLogin::Basic, None, Err("authentication failed"), "basic, none"),
        (RegistryLogin::Token, Some("secret"), Ok(()), "a token"),
        (RegistryLogin::Token, Some("hush"), Err("authentication failed"), "a token, a wrong password"),
        (RegistryLogin::Token, None, Err("authentication failed"), "a token, none"),
    ];
    for (how, password, expected, why) in rows {
        let (dir, registry) = (tempfile::tempdir().unwrap(), registry(WebTls::Off, how));
        let open = plain_registry(&format!("{}/ns", registry.host()));
        let remote = password.map_or(open.clone(), |password| login(open, "user", password));
        let charts = charts(dir.path());
        match (have(&charts, &remote, "app", "^1").await, expected) {
            (Ok(text), Ok(())) => assert_eq!(text, "1.10.0", "{why}"),
            (Err(error), Err(part)) => {
                let error = error.to_string();
                let secret = ["hush", "let-me-in"].iter().any(|secret| error.contains(secret));
                assert!(error.contains(part) && !secret, "{why}: {error}");
            }
            (got, _) => panic!("{why}: {got:?}"),
        }
        let requests = registry.server().requests();
        let basic = requests.iter().filter(|request| request.header("authorization").starts_with("Basic"));
        if how == RegistryLogin::Open {
            assert_eq!(basic.count(), 0, "{why}: a password goes only where it is wanted");
        } else if how == RegistryLogin::Token && expected.is_ok() {
            assert_eq!(basic.count(), 1, "{why}: one token serves all requests");
            assert_eq!(requests[1].target, "/token?service=registry&scope=repository%3Ans%2Fapp%3Apull");
        }
    }
}

#[tokio::test]
async fn registries_are_trusted_as_the_secret_says() {
    let registry = registry(WebTls::Mutual, RegistryLogin::Token);
    let (certificate, key) = registry.server().client().unwrap();
    let known = || {
        let mut remote = remote(&format!("{}/ns", registry.host()));
        remote = trusting(login(remote, "user", "secret"), registry.server().ca_pem().unwrap());
        remote.tls.client_cert = Some(certificate.to_owned());
        remote.tls.client_key = Some(charts::Secret::new(key));
        remote
    };
    let mut stranger = known();
    stranger.tls.client_cert = None;
    stranger.tls.client_key = None;
    let mut half = known();
    half.tls.client_key = None;
    let rows = [
        (known(), None, "certificates both ways, a token"),
        (stranger, Some("not"), "no certificate of ours"),
        (half, Some("come together"), "half a certificate"),
        (Remote { force_http: true, ..known() }, Some("not"), "plain http with a server of https"),
    ];
    for (remote, expected, why) in rows {
        let dir = tempfile::tempdir().unwrap();
        match (have(&charts(dir.path()), &remote, "app", "1.0.0").await, expected) {
            (Ok(text), None) => assert_eq!(text, "1.0.0", "{why}"),
            (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{why}: {error}"),
            (got, _) => panic!("{why}: {got:?}"),
        }
    }
}

#[tokio::test]
async fn blobs_that_lie_elsewhere_are_fetched_without_credentials() {
    let storage = ChartRepository::start(WebTls::Off, None).unwrap();
    storage.put("/blob", "1.0.0");
    let registry = registry(WebTls::Off, RegistryLogin::Basic);
    let blob = format!("/v2/ns/app/blobs/{}", digest(b"1.0.0"));
    registry
        .reply(&blob, WebReply::new(307, "").with("location", format!("{}/blob?signed=1", storage.url())));
    let dir = tempfile::tempdir().unwrap();
    let remote = login(plain_registry(&format!("{}/ns", registry.host())), "user", "secret");
    assert_eq!(have(&charts(dir.path()), &remote, "app", "1.0.0").await.unwrap(), "1.0.0");
    assert_eq!(storage.server().requests()[0].header("authorization"), "");
}

#[tokio::test]
async fn an_index_may_name_a_registry() {
    let registry = registry(WebTls::Off, RegistryLogin::Open);
    let closed = self::registry(WebTls::Off, RegistryLogin::Basic);
    let moved = registry.push_chart("ns/app", "moved", b"moved");
    let repository = ChartRepository::start(WebTls::Off, None).unwrap();
    let at = |registry: &OciRegistry, tag: &str| format!("oci://{}/ns/app:{tag}", registry.host());
    repository.index(&[
        ("app", "1.0.0", &at(&registry, "1.0.0"), &digest(b"1.0.0")),
        ("app", "1.2.0", &at(&registry, "1.2.0"), ""),
        ("app", "1.10.0", &at(&registry, "1.10.0"), &digest(b"another")),
        ("app", "2.0.0", &at(&closed, "1.0.0"), ""),
        ("app", "3.0.0", &format!("oci://{}/ns/app", registry.host()), ""),
        ("app", "4.0.0", &at(&registry, "moved"), &moved),
    ]);
    // The registry of this test speaks plain http, which the Secret allows for all.
    let open = Remote { force_http: true, ..login(remote(&repository.url()), "user", "secret") };
    let passing = Remote { pass_credentials: true, ..open.clone() };
    let rows = [
        (&open, "1.0.0", Ok("1.0.0"), "with the archive's digest"),
        (&open, "1.2.0", Ok("1.2.0"), "without"),
        (&open, "1.10.0", Err("has the digest"), "with a wrong one"),
        (&open, "2.0.0", Err("authentication failed"), "credentials stay here"),
        (&passing, "2.0.0", Ok("1.0.0"), "passCredentials"),
        (&open, "4.0.0", Ok("moved"), "with the manifest's digest"),
        (&open, "3.0.0", Err("charts cannot be had by oci"), "no tag"),
    ];
    for (remote, revision, expected, why) in rows {
        let dir = tempfile::tempdir().unwrap();
        match (have(&charts(dir.path()), remote, "app", revision).await, expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected, "{why}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{why}: {error}"),
            (got, _) => panic!("{why}: {got:?}"),
        }
    }
}

#[tokio::test]
async fn names_that_no_registry_has_are_not_asked_for() {
    let (dir, registry) = (tempfile::tempdir().unwrap(), registry(WebTls::Off, RegistryLogin::Open));
    let remote = plain_registry(&format!("{}/ns", registry.host()));
    for chart in [
        "..",
        "../app",
        "a//b",
        "APP",
        "app?x",
        "app#x",
        "app:1",
        "app@sha256:0",
        "%2e%2e",
        "a b",
        "\u{202e}",
    ] {
        let error = have(&charts(dir.path()), &remote, chart, "1.0.0").await.unwrap_err();
        assert!(matches!(error, ChartError::Url(_)), "{chart}: {error}");
    }
    let url = RepositoryUrl::parse(&registry.host()).unwrap();
    let bare = Remote { force_http: true, ..Remote::new(url) };
    assert_eq!(
        have(&charts(dir.path()), &bare, "ns/app", "1.0.0").await.unwrap(),
        "1.0.0",
        "a path in the chart"
    );
    assert_eq!(registry.server().requests().len(), 2, "only the last was asked");
}

#[tokio::test]
async fn the_real_registry_serves_charts() {
    let started = tokio::task::spawn_blocking(|| {
        let registry = RealRegistry::start().unwrap()?;
        for tag in ["1.0.0", "1.10.0", "1.9.0_b.1", "2.0.0-rc.1"] {
            registry.push_chart("ns/app", tag, tag.as_bytes()).unwrap();
        }
        let pin = registry.push_chart("ns/app", "pinned", b"pinned").unwrap();
        Some((registry, pin))
    });
    // Without Go there is none, which it has said.
    let Some((registry, pin)) = started.await.unwrap() else { return };
    let dir = tempfile::tempdir().unwrap();
    let charts = charts(dir.path());
    let remote = plain_registry(&format!("{}/ns", registry.host()));
    let rows = [("1.0.0", "1.0.0"), ("1.x", "1.10.0"), ("~1.9", "1.9.0_b.1"), (&pin, "pinned")];
    for (revision, expected) in rows {
        assert_eq!(have(&charts, &remote, "app", revision).await.unwrap(), expected, "{revision}");
    }
    let artifact = plain_registry(&format!("oci://{}/ns/app", registry.host()));
    let first = charts.resolve(&artifact, "", "pinned", KNOWN).await.unwrap();
    let again = charts.resolve(&artifact, "", "pinned", now()).await.unwrap();
    assert_eq!((first.value.revision(), again.value.revision()), (pin.clone(), pin));
    let error = have(&charts, &remote, "none", "1.0.0").await.unwrap_err();
    assert!(matches!(error, ChartError::NotFound { .. }), "{error}");
}
