//! `argocd-cmd-params-cm`, as far as it is about the server.

use std::io::Read as _;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::stand::Stand;

impl Stand {
    /// Puts keys of the server into `argocd-cmd-params-cm`; the last one is a mark by which it is seen that they are in force.
    async fn params(&self, mark: &str, data: Value) {
        let map = "/api/v1/namespaces/argocd/configmaps/argocd-cmd-params-cm";
        let marked = json!({"server.content.security.policy": mark});
        let data = merge::json_merge_patch(data, &marked);
        self.api.patch(map, &json!({ "data": data })).await.unwrap();
        testkit::eventually("the parameters are in force", e2e::PATIENCE, || async {
            let answer = reqwest::get(self.url("/healthz")).await?;
            Ok::<_, anyhow::Error>(answer.headers()["content-security-policy"] == mark)
        })
        .await;
    }
}

/// What is at a path, and whether it is packed.
async fn read(stand: &Stand, path: &str, accepts: &str) -> (bool, Vec<u8>) {
    let request = reqwest::Client::new().get(stand.url(path)).header("accept-encoding", accepts);
    let answer = request.send().await.unwrap();
    let packed = answer.headers().get("content-encoding").is_some_and(|coding| coding == "gzip");
    (packed, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_answers_are_packed_and_streams_are_not() {
    let stand = Stand::begin().await.unwrap();
    let token = stand.admin().await;
    let (plain, whole) = read(&stand, "/swagger.json", "identity").await;
    let (packed, bytes) = read(&stand, "/swagger.json", "br, gzip").await;
    assert!(!plain && packed && bytes.len() * 5 < whole.len(), "{} of {}", bytes.len(), whole.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == whole);
    assert!(!read(&stand, "/healthz", "gzip").await.0, "it is short");
    for path in ["/api/v1/stream/applications", "/api/v2/events?topic=applications"] {
        let request = reqwest::Client::new().get(stand.url(path)).header("accept-encoding", "gzip");
        let answer = request.bearer_auth(&token).send().await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers().get("content-encoding")),
            (StatusCode::OK, None),
            "{path}"
        );
    }
    stand.params("a", json!({"server.enable.gzip": "false"})).await;
    assert!(!read(&stand, "/swagger.json", "gzip").await.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_the_server_are_in_force_at_once() {
    let stand = Stand::begin().await.unwrap();
    let app = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "app", "namespace": "argocd"},
        "spec": {
            "project": "default", "source": {"repoURL": stand.git.url(&stand.repository), "path": "app"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
        },
    });
    stand.api.apply(&app).await.unwrap();
    let login = json!({"username": "admin", "password": stand.password().await.unwrap()}).to_string();
    let log_in = async |kind: &str| {
        let request = reqwest::Client::new().post(stand.url("/api/v1/session")).header("content-type", kind);
        let answer = request.body(login.clone()).send().await.unwrap();
        let cookie = answer.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned());
        (answer.status(), cookie.unwrap_or_default())
    };
    let (status, cookie) = log_in("application/json").await;
    assert!(status == 200 && cookie.contains("; path=/;"), "{cookie}");
    assert_eq!(log_in("application/vnd.ours+json").await.0, 415);
    let keys = json!({
        "server.x.frame.options": "allow-from https://portal.example.com", "server.basehref": "/argo-cd", "server.rootpath": "/later",
        "server.api.content.types": "application/json;application/vnd.ours+json",
        "server.sync.replace.allowed": "false",
    });
    stand.params("frame-ancestors https://portal.example.com;", keys).await;
    let answer = reqwest::get(stand.url("/healthz")).await.unwrap();
    assert_eq!(answer.headers()["x-frame-options"], "allow-from https://portal.example.com");
    let (status, cookie) = log_in("application/vnd.ours+json").await;
    assert!(status == 200 && cookie.contains("; path=/argo-cd;"), "{cookie}");
    let sync = async |options: &[&str]| {
        let wanted = json!({"syncOptions": {"items": options}});
        let answer = stand.post("/api/v1/applications/app/sync", &stand.admin().await, &wanted).await;
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, text) = sync(&["Replace=true"]).await;
    assert!(status == 400 && text.contains("sync with replace was disabled"), "{status} {text}");
    assert_eq!(sync(&["Replace=false"]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_do_everything_where_that_is_said_and_as_long() {
    let stand = Stand::begin().await.unwrap();
    let ask = async |authorization: &str, path: &str| {
        let request = reqwest::Client::new().get(stand.url(path)).header("authorization", authorization);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (lists, can) = ("/api/v1/applications", "/api/v1/account/can-i/exec/create/any/thing");
    assert_eq!(ask("", lists).await.0, 401);
    stand.params("open", json!({"server.disable.auth": "true"})).await;
    for who in ["", "Bearer nonsense", "Basic YTpi"] {
        let (status, text) = ask(who, lists).await;
        assert_eq!(status, 200, "{who}: {text}");
        assert_eq!(ask(who, can).await, (200, "{\"value\":\"yes\"}".to_owned()), "{who}");
    }
    stand.params("shut", json!({"server.disable.auth": "false"})).await;
    for who in ["", "Bearer nonsense"] {
        assert_eq!(ask(who, lists).await.0, 401, "{who}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_spoken_as_the_settings_say() {
    let stand = Stand::begin().await.unwrap();
    for (mark, keys, old) in [
        ("a", json!({}), true),
        ("b", json!({"server.tls.minversion": "1.3"}), false),
        ("c", json!({"server.tls.minversion": "1.2", "server.tls.ciphers": "TLS_NONE"}), false),
        ("d", json!({"server.tls.ciphers": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"}), true),
    ] {
        stand.params(mark, keys).await;
        let server = stand.another(Some(false)).await;
        for (newest, expected) in
            [(reqwest::tls::Version::TLS_1_2, old), (reqwest::tls::Version::TLS_1_3, true)]
        {
            let client =
                reqwest::Client::builder().tls_danger_accept_invalid_certs(true).tls_version_max(newest);
            let answer =
                client.build().unwrap().get(format!("https://{}/healthz", server.address())).send().await;
            assert_eq!(answer.is_ok(), expected, "{mark} {newest:?}: {answer:?}");
        }
    }
}
