//! Answers over REST beside those of the peer's own server, on one cluster, for the same session.

use std::net::Ipv4Addr;
use std::time::Duration;

use reqwest::Method as Verb;
use serde_json::{Value, json};
use testkit::PeerServer;

use crate::stand::Stand;

/// What is asked of both; a body behind the place makes it a POST, or what stands before it.
const ASKED: &[&str] = &[
    "/api/v1/applications",
    "/api/v1/applications?projects=default",
    "/api/v1/applications?projects=other",
    "/api/v1/applications?name=app&fields=items.metadata.name,items.spec",
    "/api/v1/applications?selector=a%3Db",
    "/api/v1/applications/app",
    "/api/v1/applications/app?project=default",
    "/api/v1/applications/app?project=other",
    "/api/v1/applications/absent",
    "/api/v1/applications/absent?project=default",
    "/api/v1/applications/app/links",
    "/api/v1/applications/app/syncwindows",
    "/api/v1/projects",
    "/api/v1/projects/limited",
    "/api/v1/projects/absent",
    "/api/v1/projects/limited/detailed",
    "/api/v1/projects/limited/globalprojects",
    "/api/v1/projects/limited/events",
    "/api/v1/projects/limited/links",
    "/api/v1/projects/limited/syncwindows",
    "/api/v1/clusters",
    "/api/v1/clusters/in-cluster?id.type=name",
    "/api/v1/clusters/https%3A%2F%2Ffar.example.com",
    "/api/v1/clusters/absent?id.type=name",
    "/api/v1/clusters/https%3A%2F%2Fabsent",
    "/api/v1/repositories",
    "/api/v1/repositories/https%3A%2F%2Fabsent",
    "/api/v1/repocreds",
    "/api/v1/certificates",
    "/api/v1/certificates?certType=ssh",
    "/api/v1/gpgkeys",
    "/api/v1/account",
    "/api/v1/account/admin",
    "/api/v1/account/absent",
    "/api/v1/account/can-i/applications/get/*",
    "/api/v1/account/can-i/nothing/get/*",
    "/api/v1/settings",
    "/api/v1/notifications/triggers",
    "/api/v1/notifications/services",
    "/api/v1/notifications/templates",
    "/api/v1/session/userinfo",
    "/api/v1/session {\"username\":\"admin\",\"password\":\"x\"}",
    "/api/v1/session {}",
    "/api/v1/applications {\"metadata\":{\"name\":\"x\"},\"spec\":{\"project\":\"absent\"}}",
    "/api/v1/projects {}",
    "/api/v1/projects {\"project\":{\"metadata\":{\"name\":\"p\"},\"spec\":{\"destinations\":[{\"server\":\"!*\"}]}}}",
    "/api/v1/account/absent/token {}",
    "/api/v1/applications/absent/sync {}",
    "PUT /api/v1/account/password {\"name\":\"admin\",\"currentPassword\":\"x\",\"newPassword\":\"yyyyyyyyyy\"}",
    "PUT /api/v1/applications/app/spec {\"project\":\"absent\"}",
    "PATCH /api/v1/applications/app {\"name\":\"app\",\"patch\":\"{}\",\"patchType\":\"what\"}",
];

/// What is not compared: the peer has no controller that tells it of clusters, and no repository server; see docs/server.md for the rest.
const NOT_COMPARED: &[&str] = &[
    "/metadata/resourceVersion",
    "/metadata/managedFields",
    "/connectionState",
    "/info",
    "/serverVersion",
    "/resourceOverrides/apiextensions.k8s.io~1CustomResourceDefinition",
];

/// How long watches may take to tell both of the same.
const LATE: Duration = Duration::from_secs(5);
/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(100);

/// An answer: its status, and its JSON without what is not compared.
async fn answer(http: &reqwest::Client, address: &str, asked: &str, token: &str) -> (u16, Value) {
    let (verb, rest) = match asked.split_once(' ') {
        Some((verb, rest)) if !verb.starts_with('/') => (verb.parse().unwrap(), rest),
        Some(_) => (Verb::POST, asked),
        None => (Verb::GET, asked),
    };
    let (path, body) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut request = http.request(verb, format!("http://{address}{path}")).bearer_auth(token);
    if !body.is_empty() {
        request = request.header("content-type", "application/json").body(body.to_owned());
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "text": text }));
    let alone = value.get("items").is_none();
    let all = if alone { std::slice::from_mut(&mut value) } else { &mut [] };
    all.iter_mut().for_each(strip);
    if let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(strip);
        if path.contains("/notifications/") {
            // The peer's come as a hash table has them.
            items.sort_by_key(Value::to_string);
        }
    }
    strip(&mut value);
    (status, value)
}

fn strip(value: &mut Value) {
    for place in NOT_COMPARED {
        let (parent, name) = place.rsplit_once('/').unwrap();
        if let Some(map) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
            map.remove(&name.replace("~1", "/"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_is_what_the_peers_server_answers() {
    let stand = Stand::begin().await.unwrap();
    stand.api.apply(&PeerServer::definition()).await.unwrap();
    plant(&stand).await;
    let serving = stand.sim().serve_https((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let kubeconfig = stand.home.path().join("kubeconfig");
    std::fs::write(&kubeconfig, serving.kubeconfig()).unwrap();
    let started = tokio::task::spawn_blocking(move || PeerServer::start(&kubeconfig, "argocd"));
    let Some(peer) = started.await.unwrap().unwrap() else { return };
    let (token, http, ours) =
        (stand.admin().await, reqwest::Client::new(), stand.server.address().to_string());
    let mut different = Vec::new();
    for asked in ASKED {
        // Both hear of what was made by watches.
        let begun = tokio::time::Instant::now();
        loop {
            let ours = answer(&http, &ours, asked, &token).await;
            let peers = answer(&http, peer.address(), asked, &token).await;
            if ours == peers {
                break;
            }
            if begun.elapsed() > LATE {
                different
                    .push(format!("{asked}\n  peer {} {}\n  ours {} {}", peers.0, peers.1, ours.0, ours.1));
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Objects of each kind.
async fn plant(stand: &Stand) {
    let labelled = |name: &str, kind: &str, data: Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "stringData": data,
            "metadata": {"name": name, "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": kind}},
        })
    };
    let object = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": kind, "spec": spec,
            "metadata": {"name": name, "namespace": "argocd", "labels": {"a": "b"}},
        })
    };
    let notifications = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "argocd-notifications-cm", "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}},
        "data": {
            "service.slack": "token: $slack-token", "service.webhook.github": "url: https://api.github.com",
            "template.app-synced": "message: '{{.app.metadata.name}}'", "template.dots.in.it": "message: x",
            "trigger.on-synced": "- when: app.status.sync.status == 'Synced'\n  send: [app-synced]", "context": "a: b",
        },
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "stringData": {"slack-token": "t"},
        "metadata": {"name": "argocd-notifications-secret", "namespace": "argocd"},
    });
    let far = json!({"tlsClientConfig": {"insecure": true}, "bearerToken": "t"}).to_string();
    let role = json!({"name": "ci", "policies": ["p, proj:limited:ci, applications, get, limited/*, allow"]});
    let window = json!({"kind": "deny", "schedule": "0 0 1 1 *", "duration": "1h", "applications": ["*"]});
    for object in [
        notifications,
        secret,
        labelled(
            "far",
            "cluster",
            json!({"name": "far", "server": "https://far.example.com", "config": far}),
        ),
        labelled(
            "creds",
            "repo-creds",
            json!({"url": "https://git.example.com/", "username": "u", "password": "p"}),
        ),
        object(
            "AppProject",
            "limited",
            json!({
                "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "web-*"}], "roles": [role],
                "syncWindows": [window], "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
            }),
        ),
        object(
            "Application",
            "app",
            json!({
                "project": "default", "source": {"repoURL": stand.git.url(&stand.repository), "path": "app"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
                "syncPolicy": {"automated": {"prune": false, "selfHeal": true}, "syncOptions": []},
            }),
        ),
    ] {
        stand.api.apply(&object).await.unwrap();
    }
}
