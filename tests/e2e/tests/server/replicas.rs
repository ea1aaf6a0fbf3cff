//! Several servers of one installation, one after another or side by side.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::{Identity, Server};

use crate::stand::Stand;

/// How long it may take until another server knows.
const PATIENCE: Duration = Duration::from_secs(30);
const CLUSTERS: &str = "/api/v1/clusters";

/// A client that trusts this certificate alone, or speaks plainly.
struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    fn plain(server: &Server) -> Self {
        Self { http: reqwest::Client::new(), base: format!("http://{}", server.address()) }
    }

    fn trusting(server: &Server, certificate: &str) -> Self {
        let certificate = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
        // A connection for each request: one that is open goes on with the certificate that it began with.
        let http = reqwest::Client::builder().add_root_certificate(certificate).pool_max_idle_per_host(0);
        let base = format!("https://localhost:{}", server.address().port());
        Self { http: http.build().unwrap(), base }
    }

    async fn log_in(&self, password: &str) -> Result<String, StatusCode> {
        let body = json!({"username": "admin", "password": password});
        let request = self.http.post(format!("{}/api/v1/session", self.base));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.unwrap();
        match response.status() {
            StatusCode::OK => {
                let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
                Ok(answer["token"].as_str().unwrap().to_owned())
            }
            status => Err(status),
        }
    }

    async fn get(&self, path: &str, token: &str) -> StatusCode {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(token);
        request.send().await.unwrap().status()
    }
}

/// Asks until it is so.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_ended_or_refused_the_others_know() {
    let stand = Stand::begin().await.unwrap();
    let password = stand.password().await.unwrap();
    let other = stand.another(Some(true)).await;
    let (first, second) = (Client::plain(&stand.server), Client::plain(&other));
    let token = first.log_in(&password).await.unwrap();
    assert_eq!(second.get(CLUSTERS, &token).await, StatusCode::OK);
    let logged_out = first.http.delete(format!("{}/api/v1/session", first.base)).bearer_auth(&token);
    let logged_out = logged_out.header("content-type", "application/json").send().await.unwrap();
    assert_eq!(logged_out.status(), StatusCode::OK);
    assert_eq!(first.get(CLUSTERS, &token).await, StatusCode::UNAUTHORIZED);
    until("another server hears of it", async || {
        second.get(CLUSTERS, &token).await == StatusCode::UNAUTHORIZED
    })
    .await;
    // One that is started after that has never known the session.
    drop(other);
    let third = stand.another(Some(true)).await;
    assert_eq!(Client::plain(&third).get(CLUSTERS, &token).await, StatusCode::UNAUTHORIZED);

    for _ in 0..5 {
        assert_eq!(first.log_in("wrong").await, Err(StatusCode::UNAUTHORIZED));
    }
    until("failed logins are not written down", async || {
        let record =
            stand.api.get("/api/v1/namespaces/argocd/secrets/capstan-sessions").await.unwrap().unwrap();
        let failures = BASE64_STANDARD.decode(record["data"]["failures"].as_str().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&failures).unwrap()[0]["count"] == 5
    })
    .await;
    let fourth = stand.another(Some(true)).await;
    assert_eq!(Client::plain(&fourth).log_in(&password).await, Err(StatusCode::UNAUTHORIZED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_come_from_secrets_and_stay() {
    let stand = Stand::begin().await.unwrap();
    let server = stand.another(None).await;
    let secret = stand.api.get("/api/v1/namespaces/argocd/secrets/argocd-secret").await.unwrap().unwrap();
    let made = BASE64_STANDARD.decode(secret["data"]["tls.crt"].as_str().unwrap()).unwrap();
    let made = String::from_utf8(made).unwrap();
    let health = async |server: &Server, certificate: &str| {
        let client = Client::trusting(server, certificate);
        let answer = client.http.get(format!("{}/healthz", client.base)).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    };
    assert!(health(&server, &made).await);
    let other = stand.another(None).await;
    assert!(health(&other, &made).await, "all replicas show the same, over restarts, too");
    // One of the user's own, as `kubectl create secret tls` makes it.
    let own = Identity::self_signed(vec!["localhost".to_owned()]).unwrap();
    let data = json!({"tls.crt": BASE64_STANDARD.encode(&own.certificate), "tls.key": BASE64_STANDARD.encode(&own.key)});
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "argocd-server-tls", "namespace": "argocd"}, "data": data,
    });
    stand.api.apply(&secret).await.unwrap();
    until("the user's certificate is not shown", async || health(&server, &own.certificate).await).await;
    // A key that is not its key: the one before stays.
    let wrong = Identity::self_signed(vec!["localhost".to_owned()]).unwrap();
    secret["data"]["tls.key"] = json!(BASE64_STANDARD.encode(&wrong.key));
    stand.api.apply(&secret).await.unwrap();
    // By the settings, the next server speaks plainly, below a path.
    let params = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cmd-params-cm", "namespace": "argocd"},
        "data": {"server.insecure": "true", "server.rootpath": "/argo-cd"},
    });
    stand.api.apply(&params).await.unwrap();
    until("settings do not come through", async || {
        let server = stand.another(None).await;
        let url = format!("http://{}/argo-cd/healthz", server.address());
        reqwest::get(url).await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    })
    .await;
    assert!(health(&server, &own.certificate).await);
}
