//! What readers see of Secrets: that there are values, and whether they are equal (A69).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde_json::{Value, json};

use crate::stand::Stand;

/// What stands in git, in an annotation that is to be masked, in the cluster, and in what kubectl remembers.
const CANARIES: [&str; 4] =
    ["c4n4ry-of-git", "c4n4ry-of-a-note", "c4n4ry-of-the-cluster", "c4n4ry-of-before"];
const SECRET: &str = "/api/v1/namespaces/default/secrets/s";
/// Of a masked value.
const PLACEHOLDER: &str = "++++++++";

fn files() -> [(&'static str, String); 2] {
    let own = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {"example.com/token": CANARIES[1]}},
        "stringData": {"password": CANARIES[0], "other": CANARIES[0]},
    });
    let data = json!({"password": base64::prelude::BASE64_STANDARD.encode(CANARIES[0])});
    let listed =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "in-a-list"}, "data": data});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [listed]});
    [("app/s.yaml", own.to_string()), ("app/list.yaml", list.to_string())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_has_the_value_of_a_secret() {
    let stand = Stand::begin().await.unwrap();
    let mask = json!({"data": {"resource.sensitive.mask.annotations": "example.com/token"}});
    stand.api.patch("/api/v1/namespaces/argocd/configmaps/argocd-cm", &mask).await.unwrap();
    let files = files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    stand.repository.commit(&files, "secrets").unwrap();
    stand.api.apply(&stand.application()).await.unwrap();
    let until = async |what: &str, status: &str| {
        testkit::eventually(what, e2e::PATIENCE, || async {
            let app = stand.api.get(&e2e::app_path("app")).await?.unwrap_or_default();
            Ok::<_, anyhow::Error>(app["status"]["sync"]["status"] == status)
        })
        .await;
    };
    until("the application is synced", "Synced").await;
    // Somebody changes it with kubectl.
    let last = json!({"stringData": {"password": CANARIES[3]}}).to_string();
    let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": last});
    let changed = json!({"metadata": {"annotations": annotations}, "stringData": {"password": CANARIES[2]}});
    stand.api.patch(SECRET, &changed).await.unwrap();
    until("the application differs", "OutOfSync").await;

    let login = json!({"username": "admin", "password": stand.password().await.unwrap()});
    let answer = stand.post("/api/v1/session", "", &login).await.text().await.unwrap();
    let token = serde_json::from_str::<Value>(&answer).unwrap()["token"].as_str().unwrap().to_owned();
    let app = "/api/v1/applications/app";
    for (path, shows) in [
        ("/api/v1/applications".to_owned(), ""),
        (format!("{app}?refresh=hard"), ""),
        (format!("{app}/manifests"), PLACEHOLDER),
        (format!("{app}/manifests?revision=main"), PLACEHOLDER),
        (format!("{app}/managed-resources"), PLACEHOLDER),
        (format!("{app}/resource-tree"), ""),
        (format!("{app}/resource?version=v1&kind=Secret&namespace=default&resourceName=s"), PLACEHOLDER),
        (format!("{app}/events"), ""),
    ] {
        let response = stand.get(&path, &token).await;
        let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
        assert!(status == 200 || (shows.is_empty() && status == 501), "{path}: {status} {text}");
        assert!(text.contains(shows), "{path}: {text}");
        for canary in CANARIES {
            let encoded = BASE64_STANDARD_NO_PAD.encode(canary);
            assert!(!text.contains(canary) && !text.contains(&encoded), "{path} shows {canary}: {text}");
        }
    }

    // Equal values have equal placeholders, and what differs has others.
    let text = stand.get(&format!("{app}/managed-resources"), &token).await.text().await.unwrap();
    let items: Value = serde_json::from_str(&text).unwrap();
    let items = items["items"].as_array().unwrap();
    let secret = items.iter().find(|item| item["name"] == "s").unwrap();
    let side = |side: &str| serde_json::from_str::<Value>(secret[side].as_str().unwrap()).unwrap();
    let (target, live) = (side("targetState"), side("liveState"));
    let value = |object: &Value, key: &str| {
        ["data", "stringData"]
            .iter()
            .find_map(|field| object[field][key].as_str().map(str::to_owned))
            .unwrap()
    };
    assert_eq!(value(&target, "other"), value(&live, "other"));
    assert_ne!(value(&target, "password"), value(&live, "password"));
}
