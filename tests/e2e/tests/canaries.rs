//! Secrets are planted wherever users keep them, everything about them is made to fail, and then every text that leaves the
//! controller is searched for them: its log down to `trace`, events, conditions, operations, `status` (reliability P9, A61–A69).
#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use e2e::{On, World, app_path, conditions};
use merge::json_merge_patch;
use serde_json::{Value, json};
use testkit::{GitServer, GitServerOptions};

/// The n-th canary: it looks different in JSON, in URLs and in base64.
fn canary(n: usize) -> String {
    format!("c4n4ry/{n:02}+\"x\"=é")
}

/// Every form in which a canary could be seen.
fn forms(canary: &str) -> Vec<String> {
    let json = json!(canary).to_string();
    let debug = format!("{canary:?}");
    let quoted = |text: &str| text.trim_matches('"').to_owned();
    let percent = |keep: &str| {
        let byte = |byte: &u8| match char::from(*byte) {
            c if c.is_ascii_alphanumeric() || keep.contains(c) => c.to_string(),
            _ => format!("%{byte:02X}"),
        };
        canary.as_bytes().iter().map(byte).collect::<String>()
    };
    let mut all = vec![canary.to_owned(), quoted(&json), quoted(&debug), percent("-_.~"), percent("-_.~/+=")];
    all.extend([STANDARD_NO_PAD.encode(canary), URL_SAFE_NO_PAD.encode(canary)]);
    all.push(STANDARD_NO_PAD.encode(STANDARD.encode(canary)));
    all
}

/// What the whole process logs.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Logged {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// An application that goes wrong about a canary, and what it says.
struct Case {
    name: &'static str,
    /// Its files, one to a document.
    files: Vec<Value>,
    /// Merged into the Application.
    with: Value,
    /// What its conditions or its operation say.
    says: &'static str,
}

fn secret(fields: &Value) -> Value {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    json_merge_patch(secret, fields)
}

fn case(name: &'static str, files: Vec<Value>, says: &'static str) -> Case {
    Case { name, files, with: json!({}), says }
}

/// What goes wrong with Secrets in git.
fn cases() -> Vec<Case> {
    let rule = |expression: &str| json!({"spec": {"ignoreDifferences": [{"group": "", "kind": "Secret", "jqPathExpressions": [expression]}]}});
    let plain = |n: usize| vec![secret(&json!({"stringData": {"k": canary(n)}}))];
    vec![
        case("not-base64", vec![secret(&json!({"data": {"k": canary(10)}}))], "data.k"),
        case("a-list", vec![secret(&json!({"data": {"k": [canary(11)]}}))], "data.k"),
        case("an-object", vec![secret(&json!({"stringData": {"k": {"deep": canary(12)}}}))], "stringData.k"),
        case("no-map", vec![secret(&json!({"data": canary(13)}))], "data"),
        case(
            "unknown-field",
            vec![secret(&json!({"stringdata": {"k": canary(14)}}))],
            ".stringdata: no field of a Secret",
        ),
        case(
            "in-a-list",
            vec![
                json!({"apiVersion": "v1", "kind": "List", "items": [secret(&json!({"data": {"k": canary(15)}}))]}),
            ],
            "data.k",
        ),
        case("bad-key", vec![secret(&json!({"stringData": {"a key": canary(16)}}))], "Secret"),
        Case { with: rule(".data.k | error"), ..case("a-rule-that-fails", plain(17), "") },
        Case { with: rule(".data.k | tonumber"), ..case("a-rule-that-quotes", plain(18), "") },
        case("large", vec![secret(&json!({"stringData": {"k": canary(19).repeat(100_000)}}))], "Secret"),
        case(
            "wrong-type",
            vec![secret(&json!({"type": "kubernetes.io/tls", "stringData": {"tls.key": canary(20)}}))],
            "Secret",
        ),
    ]
}

fn said(app: &Value) -> String {
    format!("{} {}", conditions(app).join(" "), app["status"]["operationState"])
}

async fn plant(world: &World, name: &str, kind: &str, data: Value) {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "stringData": data,
        "metadata": {"name": name, "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": kind}},
    });
    world.api.apply(&secret).await.unwrap();
}

/// Repositories and clusters whose credentials are wrong: they say so, and not what they are.
async fn wrong_credentials(world: &World, git: &GitServer) -> Vec<(String, &'static str)> {
    let url = git.url(&world.repository);
    let with = |info: &str, query: &str| format!("{}{query}", url.replacen("//", &format!("//{info}"), 1));
    let mut said = Vec::new();
    let repositories = [
        ("password", with("", ""), json!({"username": "git", "password": canary(1)})),
        ("bearer", with("", "?bearer"), json!({"bearerToken": canary(2)})),
        ("in-the-url", with("git:c4n4ry%2F03%2B@", ""), json!({})),
        ("sas", with("", "?sig=c4n4ry04"), json!({})),
        ("tls", with("", "?tls"), json!({"tlsClientCertData": canary(5), "tlsClientCertKey": canary(6)})),
        ("key", "ssh://git@127.0.0.1:9/config.git".to_owned(), json!({"sshPrivateKey": canary(7)})),
    ];
    for (name, url, data) in repositories {
        let data = json_merge_patch(data, &json!({"type": "git", "url": url}));
        plant(world, &format!("repo-{name}"), "repository", data).await;
        let mut app = world.application(name, "some", "canaries");
        app["spec"]["source"]["repoURL"] = json!(url);
        world.api.apply(&app).await.unwrap();
        said.push((name.to_owned(), "Error"));
    }
    let clusters = [
        ("token", json!({"bearerToken": canary(30)})),
        ("basic", json!({"username": "u", "password": canary(31)})),
        ("malformed", json!({"bearerToken": [canary(32)]})),
        ("certificate", json!({"tlsClientConfig": {"keyData": canary(33), "certData": canary(33)}})),
        (
            "program",
            json!({"execProviderConfig": {"command": "none", "env": {"TOKEN": canary(34)}, "args": [canary(35)]}}),
        ),
    ];
    for (n, (name, config)) in clusters.into_iter().enumerate() {
        let server = format!("https://127.0.0.1:{}", 1 + n);
        let data = json!({"name": name, "server": server, "config": config.to_string()});
        plant(world, &format!("cluster-{name}"), "cluster", data).await;
        let mut app = world.application(&format!("on-{name}"), "good", "canaries");
        app["spec"]["destination"]["server"] = json!(server);
        world.api.apply(&app).await.unwrap();
        said.push((format!("on-{name}"), "Error"));
    }
    said
}

async fn nothing_that_leaves_us_has_a_secret_in_it(world: &mut World, logged: &Logged) {
    let mask = json!({"data": {"resource.sensitive.mask.annotations": "example.com/token"}});
    world.api.patch("/api/v1/namespaces/argocd/configmaps/argocd-cm", &mask).await.unwrap();
    let auth = Some(("git".to_owned(), "right".to_owned()));
    let closed =
        GitServer::start(&world.repository, GitServerOptions { basic_auth: auth, ..Default::default() });
    let closed = closed.unwrap();

    let cases = cases();
    let mut files: Vec<(String, String)> = Vec::new();
    for case in &cases {
        let texts = case.files.iter().enumerate();
        files.extend(texts.map(|(n, file)| (format!("{}/{n}.yaml", case.name), file.to_string())));
    }
    let annotated = json!({"metadata": {"annotations": {"example.com/token": canary(40)}}, "stringData": {"k": canary(41)}, "immutable": true});
    files.push(("good/s.yaml".to_owned(), secret(&annotated).to_string()));
    let borrowed: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    world.push(&borrowed).unwrap();

    world.api.apply(&world.application("good", "good", "good")).await.unwrap();
    world.until_good("good").await;
    let mut expected = wrong_credentials(world, &closed).await;
    for case in cases {
        let mut app = world.application(case.name, case.name, case.name);
        app["spec"]["syncPolicy"]["retry"] = json!({"limit": 0});
        let app = json_merge_patch(app, &case.with);
        world.api.apply(&app).await.unwrap();
        expected.push((case.name.to_owned(), case.says));
    }
    // What may not change changes, by apply, by replace and by force; then somebody else changes it.
    let changed = json!({"metadata": {"annotations": {"example.com/token": canary(42)}}, "stringData": {"k": canary(43)}, "immutable": true});
    world.push(&[("good/s.yaml", &secret(&changed).to_string())]).unwrap();
    for options in [json!([]), json!(["Replace=true"]), json!(["ServerSideApply=true"])] {
        let app = world.sync("good", json!({"syncOptions": options, "revision": "main"})).await.unwrap();
        assert_eq!(app["status"]["operationState"]["phase"], "Failed", "{options}: {}", said(&app));
    }
    for (name, says) in &expected {
        world
            .until_app(name, &format!("says {says:?}"), |app| {
                let ended = app["status"]["sync"]["status"].is_string() || !conditions(app).is_empty();
                ended && said(app).contains(says)
            })
            .await;
    }

    let mut texts = vec![("the log".to_owned(), logged.text())];
    let events = world.api.get("/api/v1/namespaces/argocd/events").await.unwrap().unwrap();
    texts.push(("events".to_owned(), events.to_string()));
    for (name, _) in &expected {
        // The URL of a user is the user's to write: what we say of it is not.
        let app = world.api.get(&app_path(name)).await.unwrap().unwrap();
        let mut status = app["status"].clone();
        if let Some(compared) = status["sync"].as_object_mut() {
            compared.remove("comparedTo");
        }
        texts.push((format!("application {name}"), status.to_string()));
    }
    texts.push(("application good".to_owned(), world.app("good").await.unwrap()["status"].to_string()));
    assert!(texts[0].1.contains("TRACE") && texts[1].1.len() > 1000, "there is something to search");
    let mut canaries: Vec<String> = (0..50).flat_map(|n| forms(&canary(n))).collect();
    canaries.extend(["c4n4ry%2F03%2B".to_owned(), "c4n4ry/03+".to_owned(), "c4n4ry04".to_owned()]);
    let mut seen = Vec::new();
    for (place, text) in &texts {
        for canary in &canaries {
            if let Some((before, _)) = text.split_once(canary.as_str()) {
                let skipped = before.chars().count().saturating_sub(300);
                let around: String = before.chars().skip(skipped).collect();
                seen.push(format!("{place} has {canary} after: {around}"));
            }
        }
    }
    assert!(seen.is_empty(), "{}", seen.join("\n\n"));
}

fn listen() -> Logged {
    let logged = Logged::default();
    let writer = logged.clone();
    tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    logged
}

#[tokio::test(flavor = "multi_thread")]
async fn canaries() {
    let logged = listen();
    for on in [On::Kubesim, On::Real] {
        let Some(mut world) = World::start(on).await.unwrap() else { continue };
        nothing_that_leaves_us_has_a_secret_in_it(&mut world, &logged).await;
    }
}
