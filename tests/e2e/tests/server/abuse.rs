//! Requests that mean harm, of people with some rights and of pages of others (A65, A72–A76, A101, A108 of the abuse cases).

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use reqwest::Method as Verb;
use serde_json::{Value, json};

use crate::stand::Stand;

/// An application `app` in the project `default`, the project `limited`, a cluster, and objects that nobody manages.
async fn stand() -> Stand {
    let stand = Stand::begin().await.unwrap();
    let named = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": kind, "spec": spec,
            "metadata": {"name": name, "namespace": "argocd"},
        })
    };
    let all = json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]});
    let app = json!({
        "project": "default", "source": {"repoURL": stand.git.url(&stand.repository), "path": "app"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
        "syncPolicy": {"automated": {}},
    });
    let far = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "far", "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "stringData": {"name": "far", "server": "https://127.0.0.1:1", "config": "{}"},
    });
    let foreign = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "foreign", "namespace": "default"}, "data": {"a": "1"},
    });
    for object in [named("AppProject", "limited", all), named("Application", "app", app), far, foreign] {
        stand.api.apply(&object).await.unwrap();
    }
    stand
}

const RIGHTS: &str = "p, dev, applications, get, */*, allow
p, dev, applications, sync, default/*, allow
p, dev, applications, update, default/*, allow
p, dev, applications, delete/*/ConfigMap/*/*, default/*, allow
p, dev, applications, update/*/ConfigMap/*/*, default/*, allow
p, keeper, clusters, get, https://127.0.0.1:1, allow
p, keeper, clusters, update, https://127.0.0.1:1, allow
p, namer, clusters, get, far, allow";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_rights_are_no_others() {
    let stand = stand().await;
    let (keeper, namer) = (stand.account("keeper", RIGHTS).await, stand.account("namer", RIGHTS).await);
    let dev = stand.account("dev", RIGHTS).await;
    let get = "/api/v1/applications/app";
    testkit::eventually("the application runs", e2e::PATIENCE, || async {
        let app: Value = serde_json::from_str(&stand.get(get, &dev).await.text().await?)?;
        Ok::<_, anyhow::Error>(app["status"]["sync"]["status"] == "Synced" && app["operation"].is_null())
    })
    .await;
    let target =
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"foreign","namespace":"default"}}"#
            .replace('"', "%22");
    let other = "resourceName=foreign&namespace=default&version=v1&kind=ConfigMap";
    let moved = r#"{"project":"limited","source":{"repoURL":"https://x.invalid/y","path":"p"},"destination":{"server":"https://kubernetes.default.svc","namespace":"d"}}"#;
    let cluster = "/api/v1/clusters/https%3A%2F%2F127.0.0.1%3A1";
    let renamed = r#"{"server":"https://kubernetes.default.svc","name":"far"}"#;
    for (reason, token, verb, place, body, status) in [
        ("it is in another project (A72)", &dev, "GET", "/api/v1/applications/app?project=limited", "", 404),
        ("and in another namespace", &dev, "GET", "/api/v1/applications/app?appNamespace=other", "", 403),
        (
            "manifests of one's own (A73)",
            &dev,
            "POST",
            "/api/v1/applications/app/sync",
            r#"{"manifests":["{}"]}"#,
            403,
        ),
        (
            "another revision of what syncs itself",
            &dev,
            "POST",
            "/api/v1/applications/app/sync",
            r#"{"revision":"other"}"#,
            400,
        ),
        ("an object that is not its own (A74)", &dev, "GET", &format!("{get}/resource?{other}"), "", 403),
        (
            "what it would become (A65)",
            &dev,
            "GET",
            &format!("{get}/server-side-diff?targetManifests={target}"),
            "",
            403,
        ),
        ("deleted", &dev, "DELETE", &format!("{get}/resource?{other}"), "{}", 403),
        (
            "patched",
            &dev,
            "POST",
            &format!("{get}/resource?{other}&patchType=application/merge-patch%2Bjson"),
            "\"{}\"",
            403,
        ),
        ("a cluster by its URL (A75)", &keeper, "GET", cluster, "", 200),
        (
            "the same with a slash behind",
            &keeper,
            "GET",
            "/api/v1/clusters/https%3A%2F%2F127.0.0.1%3A1%2F",
            "",
            200,
        ),
        ("by its name, which is the same one", &keeper, "GET", "/api/v1/clusters/far?id.type=name", "", 200),
        (
            "who may by a name may not: rights are of URLs",
            &namer,
            "GET",
            "/api/v1/clusters/far?id.type=name",
            "",
            403,
        ),
        (
            "the name counts, not the URL of another beside it",
            &keeper,
            "PUT",
            "/api/v1/clusters/far?id.type=name",
            renamed,
            400,
        ),
        ("to a project where one may not (A76)", &dev, "PUT", "/api/v1/applications/app/spec", moved, 403),
    ] {
        let request = reqwest::Client::new().request(verb.parse::<Verb>().unwrap(), stand.url(place));
        let request =
            request.bearer_auth(token).header("content-type", "application/json").body(body.to_owned());
        let answer = request.send().await.unwrap();
        let (told, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(told, status, "{reason}: {text}");
    }
    let there = stand.api.get("/api/v1/namespaces/default/configmaps/foreign").await.unwrap().unwrap();
    assert_eq!(there["data"], json!({"a": "1"}));
}

/// What is told of a new password to somebody who is in: it is too short.
const WRONG: u16 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_others_has_no_session() {
    let stand = stand().await;
    let token = stand.admin().await;
    let own = stand.url("").trim_end_matches('/').to_owned();
    stand.set(&json!({"url": "https://argocd.example.com"})).await;
    let (cookie, bearer) = (format!("argocd.token={token}"), format!("Bearer {token}"));
    let ask = async |origin: &str, (name, value): (&str, &str)| {
        let request = reqwest::Client::new().put(stand.url("/api/v1/account/password")).header(name, value);
        let request = if origin.is_empty() { request } else { request.header("origin", origin) };
        let body = json!({"name": "admin", "currentPassword": "x", "newPassword": "x"}).to_string();
        let request = request.header("content-type", "application/json").body(body);
        request.send().await.unwrap().status().as_u16()
    };
    let page = ("cookie", cookie.as_str());
    testkit::eventually("the URL of the settings is in force", e2e::PATIENCE, || async {
        Ok::<_, anyhow::Error>(ask("https://argocd.example.com", page).await == WRONG)
    })
    .await;
    for (reason, origin, who, status) in [
        ("a page of ours", own.as_str(), page, WRONG),
        ("no page", "", page, WRONG),
        ("another site", "https://evil.example", page, 403),
        ("a subdomain beside it", "https://evil.example.com", page, 403),
        ("another port", "http://127.0.0.1:1", page, 403),
        ("no site", "null", page, 403),
        (
            "a page that was given a token",
            "https://dashboard.example",
            ("authorization", bearer.as_str()),
            WRONG,
        ),
    ] {
        assert_eq!(ask(origin, who).await, status, "{reason}");
    }
}

/// The time that a read takes, again and again until `over`.
async fn reads(stand: &Stand, token: &str, over: &std::sync::atomic::AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let begun = Instant::now();
        let answer = stand.get("/api/v1/applications?fields=items.metadata.name", token).await;
        assert_eq!(answer.status(), 200);
        drop(answer.text().await.unwrap());
        times.push(begun.elapsed());
    }
    times
}

/// 200 logins at once (A101): half of them are right, half are of names that nobody has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_keep_nobody_from_reading() {
    let stand = stand().await;
    let (token, password) = (stand.admin().await, stand.password().await.unwrap());
    let mut slowest = Duration::ZERO;
    // On a machine that others keep busy, too, one of several rounds shows it.
    for round in 0..5 {
        let over = std::sync::atomic::AtomicBool::new(false);
        let logins = futures::future::join_all((0..200).map(|index| {
            let login = match index % 2 {
                0 => json!({"username": "admin", "password": password}),
                _ => json!({"username": format!("nobody-{round}-{index}"), "password": "wrong"}),
            };
            let stand = &stand;
            async move {
                let answer = stand.post("/api/v1/session", "", &login).await;
                let (status, text) = (answer.status(), answer.text().await.unwrap());
                let (expected, said) = match index % 2 {
                    0 => (200, "token"),
                    _ => (401, "Invalid username or password"),
                };
                assert!(status == expected && text.contains(said), "{login}: {status} {text}");
            }
        }));
        let logins = async {
            logins.await;
            over.store(true, Ordering::SeqCst);
        };
        let ((), mut times) = tokio::join!(logins, reads(&stand, &token, &over));
        times.sort();
        assert!(!times.is_empty());
        slowest = times[(times.len() * 99 / 100).min(times.len() - 1)];
        if slowest < Duration::from_secs(1) {
            return;
        }
    }
    assert!(slowest < Duration::from_secs(1), "of 100 reads one took {slowest:?}");
}
