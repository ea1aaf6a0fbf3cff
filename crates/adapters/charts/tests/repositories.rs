//! Helm repositories: an index, and archives that it names.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use charts::{ChartError, Charts, FileRequest, Freshness, Options, Proxy, Remote, Secret, Tls};
use std::fs;
use std::time::Instant;
use support::{charts, login, remote, trusting};
use testkit::{ChartRepository, WebReply, WebServer, WebTls, digest, index_of};

const KNOWN: Freshness = Freshness::Known;

fn now() -> Freshness {
    Freshness::Since(Instant::now())
}

/// Resolves and fetches; what the archive holds.
async fn have(charts: &Charts, remote: &Remote, revision: &str) -> Result<String, ChartError> {
    let found = charts.resolve(remote, "app", revision, KNOWN).await?;
    let archive = charts.fetch(remote, &found.value).await?;
    Ok(String::from_utf8(archive.bytes.to_vec()).unwrap())
}

fn repository(tls: WebTls, login: Option<(&str, &str)>) -> ChartRepository {
    let repository = ChartRepository::start(tls, login).unwrap();
    repository.put("/charts/app-1.0.0.tgz", "one");
    repository.put("/charts/app-1.2.0.tgz", "two");
    repository.index(&[
        ("app", "1.0.0", "charts/app-1.0.0.tgz", &digest(b"one")),
        ("app", "1.2.0", "/charts/app-1.2.0.tgz", ""),
    ]);
    repository
}

#[tokio::test]
async fn charts_are_resolved_fetched_and_kept() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let (kept, remote) = (charts(dir.path()), remote(&repository.url()));
    for (revision, expected) in
        [("1.0.0", "one"), ("^1", "two"), ("", "two"), ("~1.0", "one"), ("1.0.0", "one")]
    {
        assert_eq!(have(&kept, &remote, revision).await.unwrap(), expected, "{revision}");
    }
    let asked = ["GET /index.yaml", "GET /charts/app-1.0.0.tgz", "GET /charts/app-1.2.0.tgz"];
    assert_eq!(repository.server().asked(), asked);

    let found = kept.resolve(&remote, "app", "1.0.0", KNOWN).await.unwrap();
    assert_eq!((found.value.version(), found.value.revision().as_str()), ("1.0.0", "1.0.0"));
    assert_eq!(found.value.digest().unwrap().to_string(), digest(b"one"));
    let archive = kept.fetch(&remote, &found.value).await.unwrap();
    assert_eq!(fs::read(&archive.path).unwrap(), b"one");
    assert_eq!(kept.charts(&remote, KNOWN).await.unwrap().value, ["app"]);
    assert_eq!(kept.versions(&remote, "app", KNOWN).await.unwrap().value, ["1.0.0", "1.2.0"]);

    let error = kept.resolve(&remote, "other", "", KNOWN).await.unwrap_err();
    assert!(error.to_string().contains("chart \"other\" is not in the index"), "{error}");
    let error = kept.resolve(&remote, "app", "^9", KNOWN).await.unwrap_err();
    assert!(error.to_string().contains("has no version \"^9\" (2 versions are known)"), "{error}");
}

#[tokio::test]
async fn an_index_is_asked_for_once_an_interval_and_sent_only_when_it_changed() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let (charts, remote) = (charts(dir.path()), remote(&repository.url()));
    let interval = now();
    for _ in 0..3 {
        charts.resolve(&remote, "app", "*", interval).await.unwrap();
    }
    assert_eq!(repository.server().requests().len(), 1, "one question an interval");
    let before = charts.resolve(&remote, "app", "*", now()).await.unwrap();
    let requests = repository.server().requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].header("if-none-match").starts_with('"'), "the second asks for what is new");

    repository.index(&[("app", "2.0.0", "x", "")]);
    assert_eq!(charts.resolve(&remote, "app", "*", KNOWN).await.unwrap(), before);
    assert_eq!(charts.resolve(&remote, "app", "*", now()).await.unwrap().value.version(), "2.0.0");
    assert_eq!(charts.counters().values().next().unwrap().requests, 3);
}

#[tokio::test]
async fn what_is_not_known_yet_is_asked_for() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let remote = remote(&repository.url());
    assert_eq!(have(&charts(dir.path()), &remote, "1.0.0").await.unwrap(), "one");
    repository.index(&[("app", "1.3.0", "charts/app-1.0.0.tgz", "")]);
    // After a restart the index from before is known, and lacks what was published since.
    let again = charts(dir.path());
    assert_eq!(have(&again, &remote, "1.3.0").await.unwrap(), "one");
    let asked = repository.server().requests().len();
    for _ in 0..3 {
        assert!(matches!(have(&again, &remote, "1.4.0").await, Err(ChartError::NoVersion { .. })));
    }
    assert_eq!(repository.server().requests().len(), asked, "it was asked just now");

    repository.reply("/index.yaml", WebReply::new(503, ""));
    let empty = tempfile::tempdir().unwrap();
    let first = charts(empty.path());
    for _ in 0..3 {
        assert!(matches!(have(&first, &remote, "1.3.0").await, Err(ChartError::Unavailable { .. })));
    }
    assert_eq!(repository.server().requests().len(), asked + 1, "a failure is not asked for at once again");
    assert!(first.resolve(&remote, "app", "", now()).await.is_err());
    assert_eq!(repository.server().requests().len(), asked + 2, "but for those who need to know");
}

#[tokio::test]
async fn while_a_server_fails_its_last_answer_stays_with_the_error() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let remote = remote(&repository.url());
    let first = charts(dir.path());
    assert_eq!(have(&first, &remote, "1.0.0").await.unwrap(), "one");
    repository.reply("/index.yaml", WebReply::new(503, "later").with("retry-after", "7"));
    let interval = now();
    for charts in [first.clone(), charts(dir.path())] {
        for _ in 0..2 {
            let answer = charts.resolve(&remote, "app", "1.x", interval).await.unwrap();
            assert_eq!(answer.value.version(), "1.2.0");
            assert!(matches!(answer.error, Some(ChartError::Unavailable { .. })), "{:?}", answer.error);
            assert_eq!(answer.error.unwrap().retry_after().unwrap().as_secs(), 7);
        }
    }
    let failed = repository.server().asked().iter().filter(|asked| *asked == "GET /index.yaml").count();
    assert_eq!(failed, 3, "a failure is an answer for the interval, too: one for each process and the first");
    drop(repository);
    // After a restart, without any server.
    let again = charts(dir.path());
    assert_eq!(have(&again, &remote, "1.0.0").await.unwrap(), "one");
    let error = have(&again, &remote, "1.2.0").await.unwrap_err();
    assert!(matches!(error, ChartError::Unavailable { .. }), "never fetched: {error}");
}

#[tokio::test]
async fn a_broken_file_is_dropped_and_fetched_again() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let (charts, remote) = (charts(dir.path()), remote(&repository.url()));
    for revision in ["1.0.0", "1.2.0"] {
        let found = charts.resolve(&remote, "app", revision, KNOWN).await.unwrap();
        let archive = charts.fetch(&remote, &found.value).await.unwrap();
        fs::write(&archive.path, "bad").unwrap();
        assert_eq!(charts.fetch(&remote, &found.value).await.unwrap().bytes, archive.bytes, "{revision}");
        assert_eq!(fs::read(&archive.path).unwrap(), archive.bytes);
        fs::remove_file(&archive.path).unwrap();
        assert_eq!(charts.fetch(&remote, &found.value).await.unwrap().bytes, archive.bytes, "{revision}");
    }
    for file in fs::read_dir(dir.path().join("answers")).unwrap() {
        fs::write(file.unwrap().path(), "{}\nbad").unwrap();
    }
    let restarted = support::charts(dir.path());
    assert_eq!(have(&restarted, &remote, "1.0.0").await.unwrap(), "one");
}

#[tokio::test]
async fn a_cache_that_is_deleted_is_filled_again() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let (charts, remote) = (charts(dir.path()), remote(&repository.url()));
    assert_eq!(have(&charts, &remote, "1.0.0").await.unwrap(), "one");
    for folder in ["", "archives", "answers"] {
        fs::remove_dir_all(dir.path().join(folder)).unwrap();
        let before = repository.server().asked().len();
        for _ in 0..3 {
            assert_eq!(have(&charts, &remote, "1.0.0").await.unwrap(), "one", "without {folder:?}");
        }
        assert_eq!(
            repository.server().asked()[before..],
            ["GET /charts/app-1.0.0.tgz"],
            "without {folder:?}"
        );
    }
    // Nobody who starts then has to ask for it.
    let before = repository.server().asked().len();
    let restarted = support::charts(dir.path());
    assert_eq!(have(&restarted, &remote, "1.0.0").await.unwrap(), "one");
    assert_eq!(repository.server().asked()[before..], ["GET /index.yaml"]);
}

#[tokio::test]
async fn an_operator_may_take_what_is_not_as_the_index_says() {
    let repository = repository(WebTls::Off, None);
    repository.index(&[("app", "1.0.0", "charts/app-1.0.0.tgz", &digest(b"packed before"))]);
    let remote = remote(&repository.url());
    for (accept_index_mismatch, expected) in [(false, None), (true, Some("one"))] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { accept_index_mismatch, ..Options::new(dir.path()) };
        let charts = Charts::new(options).unwrap();
        for _ in 0..2 {
            match have(&charts, &remote, "1.0.0").await {
                Ok(text) => assert_eq!(Some(text.as_str()), expected),
                Err(error) => {
                    assert!(expected.is_none() && error.to_string().contains("has the digest"), "{error}")
                }
            }
        }
    }
}

#[tokio::test]
async fn all_who_ask_at_once_share_a_question_and_a_download() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let (charts, remote) = (charts(dir.path()), remote(&repository.url()));
    let all = futures::future::join_all((0..20).map(|_| {
        let (charts, remote) = (charts.clone(), remote.clone());
        tokio::spawn(async move { have(&charts, &remote, "1.0.0").await })
    }));
    assert!(all.await.into_iter().all(|got| got.unwrap().unwrap() == "one"));
    assert_eq!(repository.server().asked(), ["GET /index.yaml", "GET /charts/app-1.0.0.tgz"]);
}

#[tokio::test]
async fn who_goes_away_does_not_take_the_question_along() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let (charts, remote) = (charts(dir.path()), remote(&repository.url()));
    repository.reply("/index.yaml", WebReply { body: testkit::WebBody::Hang, ..WebReply::default() });
    let asker = tokio::spawn({
        let (charts, remote) = (charts.clone(), remote.clone());
        async move { have(&charts, &remote, "1.0.0").await }
    });
    testkit::eventually("a request", support::TIMEOUTS.answer, async || {
        Ok::<_, ChartError>(!repository.server().requests().is_empty())
    })
    .await;
    asker.abort();
    assert!(asker.await.unwrap_err().is_cancelled());
    repository.index(&[("app", "1.0.0", "charts/app-1.0.0.tgz", &digest(b"one"))]);
    assert_eq!(have(&charts, &remote, "1.0.0").await.unwrap(), "one");
}

#[tokio::test]
async fn a_hard_refresh_fetches_again() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let (charts, remote) = (charts(dir.path()), remote(&repository.url()));
    assert_eq!(have(&charts, &remote, "1.2.0").await.unwrap(), "two");
    repository.put("/charts/app-1.2.0.tgz", "two, moved");
    assert_eq!(
        have(&charts, &remote, "1.2.0").await.unwrap(),
        "two",
        "kept by version where there is no digest"
    );
    let found = charts.resolve(&remote, "app", "1.2.0", KNOWN).await.unwrap();
    charts.forget(&remote, "app", &found.value);
    assert_eq!(have(&charts, &remote, "1.2.0").await.unwrap(), "two, moved");
}

#[tokio::test]
async fn credentials_are_wanted_and_shown_nowhere() {
    let repository = repository(WebTls::Off, Some(("me", "hush")));
    let url = repository.url();
    let in_url = url.replace("http://", "http://me:hush@");
    let rows = [
        (login(remote(&url), "me", "hush"), true, "name and password"),
        (remote(&in_url), true, "in the URL"),
        (login(remote(&url), "me", "hush2"), false, "a wrong password"),
        (login(remote(&in_url), "me", "hush2"), false, "the Secret goes before the URL"),
        (remote(&url), false, "none"),
    ];
    for (remote, expected, why) in rows {
        let dir = tempfile::tempdir().unwrap();
        let got = have(&charts(dir.path()), &remote, "1.0.0").await;
        match (&got, expected) {
            (Ok(text), true) => assert_eq!(text, "one", "{why}"),
            (Err(ChartError::Unauthorized { .. }), false) => {}
            _ => panic!("{why}: {got:?}"),
        }
        let shown = format!("{got:?} {remote:?} {:?}", got.as_ref().err().map(ToString::to_string));
        assert!(!shown.contains("hush"), "{why}: {shown}");
    }
}

#[tokio::test]
async fn what_one_fetched_another_has_to_fetch_as_well() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, Some(("me", "hush"))));
    let charts = charts(dir.path());
    let mine = login(remote(&repository.url()), "me", "hush");
    assert_eq!(have(&charts, &mine, "1.0.0").await.unwrap(), "one");
    let found = charts.resolve(&mine, "app", "1.0.0", KNOWN).await.unwrap().value;
    let theirs = remote(&repository.url());
    assert!(matches!(have(&charts, &theirs, "1.0.0").await, Err(ChartError::Unauthorized { .. })));
    let error = charts.fetch(&theirs, &found).await.unwrap_err();
    assert!(matches!(error, ChartError::Unauthorized { .. }), "also who knows the digest: {error}");
}

#[tokio::test]
async fn servers_are_trusted_as_the_secret_says() {
    let (plain, mutual) = (repository(WebTls::Server, None), repository(WebTls::Mutual, None));
    let insecure = |url: &str| {
        let mut remote = remote(url);
        remote.tls.insecure = true;
        remote
    };
    let with_client = |mut remote: Remote, client: &ChartRepository| {
        let (certificate, key) = client.server().client().unwrap();
        remote.tls = Tls {
            client_cert: Some(certificate.to_owned()),
            client_key: Some(Secret::new(key)),
            ..remote.tls
        };
        remote
    };
    let own = plain.server().ca_pem().unwrap();
    let rows = [
        (remote(&plain.url()), Some("not trusted"), "an unknown certificate"),
        (trusting(remote(&plain.url()), own), None, "a certificate for the host"),
        (
            trusting(remote(&plain.url()), mutual.server().ca_pem().unwrap()),
            Some("not trusted"),
            "another one",
        ),
        (trusting(remote(&plain.url()), "nonsense"), Some("CA certificates"), "a certificate that is none"),
        (insecure(&plain.url()), None, "any certificate"),
        (insecure(&mutual.url()), Some("not"), "no client certificate"),
        (with_client(insecure(&mutual.url()), &mutual), None, "a client certificate"),
        (
            with_client(trusting(remote(&mutual.url()), mutual.server().ca_pem().unwrap()), &mutual),
            None,
            "both",
        ),
    ];
    for (remote, expected, why) in rows {
        let dir = tempfile::tempdir().unwrap();
        match (have(&charts(dir.path()), &remote, "1.0.0").await, expected) {
            (Ok(text), None) => assert_eq!(text, "one", "{why}"),
            (Err(error), Some(part)) => {
                assert!(error.to_string().contains(part), "{why}: {error}");
                assert!(!error.to_string().contains("PRIVATE"), "{why}");
            }
            (got, _) => panic!("{why}: {got:?}"),
        }
    }
}

#[tokio::test]
async fn credentials_go_to_another_host_only_where_asked_for() {
    // A53.
    let elsewhere = ChartRepository::start(WebTls::Off, None).unwrap();
    elsewhere.put("/app.tgz", "one");
    let repository = ChartRepository::start(WebTls::Off, Some(("me", "hush"))).unwrap();
    let absolute = format!("{}/app.tgz", elsewhere.url());
    let with_user = absolute.replace("http://", "http://evil:user@");
    repository.reply("/moved.tgz", WebReply::redirect(&absolute));
    repository.index(&[
        ("app", "1.0.0", &absolute, &digest(b"one")),
        ("app", "2.0.0", "moved.tgz", &digest(b"one")),
        ("app", "3.0.0", &with_user, &digest(b"one")),
    ]);
    let rows = [
        ("1.0.0", false, false, "an entry on another host"),
        ("1.0.0", true, true, "passCredentials"),
        ("2.0.0", false, false, "a redirection"),
        ("2.0.0", true, false, "a redirection never takes them along"),
        ("3.0.0", false, false, "an index cannot say who we are"),
    ];
    for (revision, pass_credentials, expected, why) in rows {
        let dir = tempfile::tempdir().unwrap();
        let remote = Remote { pass_credentials, ..login(remote(&repository.url()), "me", "hush") };
        assert_eq!(have(&charts(dir.path()), &remote, revision).await.unwrap(), "one", "{why}");
        let last = elsewhere.server().requests().pop().unwrap();
        assert_eq!(!last.header("authorization").is_empty(), expected, "{why}");
    }
}

#[tokio::test]
async fn redirections_are_followed_within_bounds() {
    let repository = repository(WebTls::Off, Some(("me", "hush")));
    let secure = ChartRepository::start(WebTls::Server, None).unwrap();
    secure.reply("/index.yaml", WebReply::redirect(format!("{}/index.yaml", repository.url())));
    let moved = WebReply::redirect("/index.yaml");
    repository.reply("/moved/index.yaml", moved);
    repository.reply("/loop/index.yaml", WebReply::redirect("/loop/index.yaml"));
    repository.reply("/file/index.yaml", WebReply::redirect("file:///etc/passwd"));
    repository.reply("/none/index.yaml", WebReply::new(302, ""));
    let own = |path: &str| login(remote(&format!("{}{path}", repository.url())), "me", "hush");
    let rows = [
        (own("/moved"), None, "on the same server, credentials and all"),
        (own("/loop"), Some("more than 5 times"), "in a circle"),
        (own("/file"), Some("not https"), "to a file"),
        (own("/none"), Some("to nowhere"), "to nowhere"),
        (
            Remote { allow_http: true, ..trusting(remote(&secure.url()), secure.server().ca_pem().unwrap()) },
            Some("from https to plain http"),
            "from https to http, also where http is allowed",
        ),
    ];
    for (remote, expected, why) in rows {
        let dir = tempfile::tempdir().unwrap();
        match (charts(dir.path()).resolve(&remote, "app", "1.0.0", KNOWN).await, expected) {
            (Ok(found), None) => assert_eq!(found.value.version(), "1.0.0", "{why}"),
            (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{why}: {error}"),
            (got, _) => panic!("{why}: {got:?}"),
        }
    }
}

#[tokio::test]
async fn plain_http_is_spoken_only_where_allowed() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let remote = Remote { allow_http: false, ..remote(&repository.url()) };
    let error = have(&charts(dir.path()), &remote, "1.0.0").await.unwrap_err();
    assert!(matches!(error, ChartError::Refused { .. }), "{error}");
    assert!(repository.server().requests().is_empty());
}

#[tokio::test]
async fn a_proxy_is_used_where_it_applies() {
    let repository = repository(WebTls::Off, None);
    let index = index_of(&[("app", "9.0.0", "x", "")]);
    let proxy = WebServer::start(WebTls::Off, move |_| WebReply::ok(index.clone())).unwrap();
    let through = |url: String, no_proxy: Option<&str>| Remote {
        proxy: Some(Proxy { url: Secret::new(url), no_proxy: no_proxy.map(str::to_owned) }),
        ..remote(&repository.url())
    };
    let with_user = proxy.url().replace("http://", "http://me:hush@");
    let rows = [
        (through(proxy.url(), None), Ok("9.0.0"), "the proxy answers"),
        (through(with_user.clone(), None), Ok("9.0.0"), "with a password"),
        (through(with_user, Some("example.com,127.0.0.1")), Ok("1.2.0"), "a host that goes without"),
        (through(String::new(), None), Ok("1.2.0"), "an empty one is none"),
        (
            through("http://me:hush@[x".to_owned(), None),
            Err("the proxy is no URL"),
            "one that cannot be read",
        ),
        (
            through("http://me:hush@127.0.0.1:1".to_owned(), None),
            Err("not reachable"),
            "one that is not there",
        ),
    ];
    for (remote, expected, why) in rows {
        let dir = tempfile::tempdir().unwrap();
        let got = charts(dir.path()).resolve(&remote, "app", "*", KNOWN).await;
        match (got, expected) {
            (Ok(got), Ok(version)) => assert_eq!(got.value.version(), version, "{why}"),
            (Err(error), Err(part)) => {
                let error = error.to_string();
                assert!(error.contains(part) && !error.contains("hush"), "{why}: {error}");
            }
            (got, _) => panic!("{why}: {got:?}"),
        }
    }
    assert!(proxy.requests()[1].header("proxy-authorization").starts_with("Basic "));
}

#[tokio::test]
async fn queries_of_the_repository_go_along_and_are_masked() {
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, None));
    let remote = remote(&format!("{}/?token=hush", repository.url()));
    assert_eq!(have(&charts(dir.path()), &remote, "1.0.0").await.unwrap(), "one");
    let asked = ["GET /index.yaml?token=hush", "GET /charts/app-1.0.0.tgz?token=hush"];
    assert_eq!(repository.server().asked(), asked);
    let error = have(&charts(dir.path()), &remote, "7").await.unwrap_err();
    assert!(!error.to_string().contains("hush"), "{error}");
}

#[tokio::test]
async fn values_files_come_by_the_schemes_that_are_allowed() {
    // A55.
    let (dir, repository) = (tempfile::tempdir().unwrap(), repository(WebTls::Off, Some(("me", "hush"))));
    repository.put("/values.yaml", "a: 1");
    let kept = charts(dir.path());
    let tls = Tls::default();
    let with_user = repository.url().replace("http://", "http://me:hush@");
    let both: &[&str] = &["https", "http"];
    let rows = [
        (format!("{with_user}/values.yaml"), both, Ok("a: 1"), "a user in the URL"),
        (
            format!("{}/values.yaml", repository.url()),
            both,
            Err("authentication failed"),
            "nothing of ours is sent",
        ),
        (format!("{with_user}/none.yaml"), both, Err("not found"), "not there"),
        (
            format!("{with_user}/values.yaml?x=hush"),
            &["https"],
            Err("values files by http are not allowed"),
            "https only",
        ),
        ("secrets://x/y".to_owned(), both, Err("values files by secrets are not allowed"), "a plugin's"),
        (
            "secrets://x/y".to_owned(),
            &["secrets"],
            Err("charts cannot be had by secrets"),
            "allowed, not known",
        ),
        ("file:///etc/passwd".to_owned(), &["file"], Err("charts cannot be had by file"), "a file"),
        ("oci://127.0.0.1/a".to_owned(), &["oci"], Err("come by https or http"), "a registry"),
        ("hush".to_owned(), both, Err("cannot be read"), "no URL"),
    ];
    for (url, schemes, expected, why) in rows {
        let request = FileRequest { url: &url, schemes, tls: &tls };
        match (kept.fetch_file(request, KNOWN).await, expected) {
            (Ok(got), Ok(text)) => assert_eq!(got.value, text, "{why}"),
            (Err(error), Err(part)) => {
                let error = error.to_string();
                assert!(error.contains(part) && !error.contains("hush"), "{why}: {error}");
            }
            (got, _) => panic!("{why}: {got:?}"),
        }
    }
    let url = format!("{with_user}/values.yaml");
    let request = FileRequest { url: &url, schemes: both, tls: &tls };
    drop(repository);
    let again = charts(dir.path()).fetch_file(request, now()).await.unwrap();
    assert!(again.value == "a: 1" && again.error.is_some(), "kept while the server is away");
}
