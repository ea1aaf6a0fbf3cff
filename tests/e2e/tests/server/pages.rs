//! What is at paths of its own: health, the API's description, badges, webhooks.

use std::time::Duration;

use anyhow::Result;
use futures::StreamExt as _;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::stand::Stand;

/// Less than a repository waits for its next poll.
const SOON: Duration = Duration::from_secs(60);

/// How long a server of git may be silent.
const GIVEN_UP: Duration = Duration::from_secs(15);

impl Stand {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    async fn page(&self, path: &str) -> Result<(u16, String)> {
        let response = reqwest::get(self.url(path)).await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    /// Sends what GitHub sends after a push, signed with this secret.
    async fn pushed(&self, repository: &str, secret: &str) -> Result<u16> {
        let body = json!({"ref": "refs/heads/main", "repository": {"html_url": repository}}).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
        mac.update(body.as_bytes());
        let signature: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = self.http.post(self.url("/api/webhook"));
        let request = request
            .header("X-GitHub-Event", "push")
            .header("X-Hub-Signature-256", format!("sha256={signature}"));
        Ok(request.body(body).send().await?.status().as_u16())
    }

    /// Waits until the object of the application has this value.
    async fn until_value(&self, value: &str) {
        testkit::eventually("the object has its value", SOON, || async {
            let object = self.api.get("/api/v1/namespaces/default/configmaps/a").await?;
            Ok::<_, anyhow::Error>(object.is_some_and(|object| object["data"]["key"] == value))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_is_announced_runs_at_once() {
    let stand = Stand::begin().await.unwrap();
    let secret = "/api/v1/namespaces/argocd/secrets/argocd-secret";
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, "s3cret");
    stand.api.patch(secret, &json!({"data": {"webhook.github.secret": encoded}})).await.unwrap();
    let repository = stand.git.url(&stand.repository);
    stand.api.apply(&stand.application()).await.unwrap();
    stand.until_value("1").await;
    // The secret may have come after the settings were read.
    testkit::eventually("the secret is known", SOON, || async {
        Ok::<_, anyhow::Error>(stand.pushed("https://github.com/nobody/knows", "wrong").await? == 401)
    })
    .await;
    for n in 2..5 {
        let object =
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{key: '{n}'}}\n");
        stand.repository.commit(&[("app/a.yaml", &object)], "another").unwrap();
        // The same answer for what we know and for what we do not.
        assert_eq!(stand.pushed("https://github.com/nobody/knows", "s3cret").await.unwrap(), 200);
        let spelled =
            repository.trim_end_matches(".git").to_uppercase().replace("HTTP://", "http://someone@");
        assert_eq!(stand.pushed(&spelled, "s3cret").await.unwrap(), 200);
        stand.until_value(&n.to_string()).await;
    }
}

/// A thousand events of one repository, and as many of others: whoever they are of is asked once (A117).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_pushes_are_one_question() {
    let stand = Stand::begin().await.unwrap();
    let repository = stand.git.url(&stand.repository);
    stand.api.apply(&stand.application()).await.unwrap();
    stand.until_value("1").await;
    stand.git.set_fault(testkit::Fault::Hang);
    let begun = std::time::Instant::now();
    let hostile = format!("https://git.example.com/{}x", "(a+)+".repeat(10_000));
    let (stand, others) = (&stand, |n: usize| format!("https://git.example.com/{n}/[a-z]*.(x+)+$"));
    let events = (0..1000).flat_map(|n| [repository.clone(), others(n)]).chain([hostile]);
    let answers = events.map(|url| async move { stand.pushed(&url, "").await.unwrap() });
    let answers: Vec<u16> = futures::stream::iter(answers).buffer_unordered(50).collect().await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    testkit::eventually("the repository is asked", SOON, || async {
        Ok::<_, anyhow::Error>(stand.git.requests().hung > 0)
    })
    .await;
    // One that is not answered is given up some time.
    let given_up = usize::try_from(begun.elapsed().as_secs() / GIVEN_UP.as_secs()).unwrap();
    assert!(stand.git.requests().hung <= 1 + given_up, "it is asked once, and not before that ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_there_for_everybody() {
    let stand = Stand::begin().await.unwrap();
    assert_eq!(stand.page("/healthz").await.unwrap(), (200, "ok\n".to_owned()));
    assert_eq!(stand.page("/healthz?full=true").await.unwrap(), (200, "ok\n".to_owned()));
    let (status, text) = stand.page("/swagger.json").await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &document["swagger"]), (200, &json!("2.0")));
    assert!(document["paths"]["/api/v1/applications"]["get"].is_object());
    let (status, svg) = stand.page("/api/badge?name=none").await.unwrap();
    assert!(
        status == 200 && svg.contains(">Unknown<") && !svg.contains("Not Found"),
        "badges are off: {svg}"
    );
    let (status, _) = stand.page("/api/webhook").await.unwrap();
    assert_eq!(status, 405, "webhooks are posted");
    let big = vec![b' '; 2 * 1024 * 1024];
    let settings = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
    stand
        .api
        .patch(settings, &json!({"data": {"webhook.maxPayloadSizeMB": "1", "statusbadge.enabled": "true"}}))
        .await
        .unwrap();
    testkit::eventually("badges are on", SOON, || async {
        Ok::<_, anyhow::Error>(stand.page("/api/badge?name=none").await?.1.contains("Not Found"))
    })
    .await;
    let request =
        reqwest::Client::new().post(stand.url("/api/webhook")).header("X-GitHub-Event", "push").body(big);
    assert_eq!(request.send().await.unwrap().status(), 413);
    let request = reqwest::Client::new().post(stand.url("/api/webhook")).body("{}");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["x-frame-options"], "sameorigin");
    assert!(response.text().await.unwrap().starts_with("unknown webhook event"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_gets_the_fields_that_it_asks_for() {
    let stand = Stand::begin().await.unwrap();
    let login = json!({"username": "admin", "password": stand.password().await.unwrap()});
    let request = reqwest::Client::new().post(stand.url("/api/v1/session"));
    let request = request.header("content-type", "application/json").body(login.to_string());
    let answer: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    let token = answer["token"].as_str().unwrap();
    let all = stand.get("/api/v1/projects", token).await.text().await.unwrap();
    let head = serde_json::from_str::<Value>(&all).unwrap()["metadata"].take();
    for (path, expected) in [
        (
            "/api/v1/projects?fields=items.metadata.name",
            json!({"items": [{"metadata": {"name": "default"}}], "metadata": head}),
        ),
        ("/api/v1/projects?fields=-items", json!({ "metadata": head })),
        ("/api/v1/account?fields=items.name", json!({"items": [{"name": "admin"}]})),
    ] {
        let answer = stand.get(path, token).await.text().await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), expected, "{path}");
    }
}
