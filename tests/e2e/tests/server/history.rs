//! What happened to an application, what is said of its revisions, and when it may be synced.

use serde_json::{Value, json};

use crate::resources::with_objects;
use crate::stand::{Row, Stand};

async fn json(stand: &Stand, path: &str, token: &str) -> (u16, Value) {
    let answer = stand.get(path, token).await;
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_is_told() {
    let Some(stand) = with_objects().await else { return };
    let token = stand.account("dev", "p, dev, applications, get, default/app, allow").await;
    let patch = r#"app patch-resource app --kind ConfigMap --resource-name a --patch {"data":{"key":"2"}}"#;
    stand.types(&[(patch.into(), 0, "patched")]).await;
    let (_, events) = json(&stand, "/api/v1/applications/app/events", &token).await;
    let messages: Vec<&str> =
        events["items"].as_array().unwrap().iter().filter_map(|event| event["message"].as_str()).collect();
    assert!(messages.contains(&"admin patched resource /ConfigMap 'a'"), "{messages:?}");

    let (_, tree) = json(&stand, "/api/v1/applications/app/resource-tree", &token).await;
    let web = tree["nodes"].as_array().unwrap().iter().find(|node| node["kind"] == "Deployment").unwrap();
    let uid = web["uid"].as_str().unwrap();
    let of = |uid: &str, name: &str| {
        format!(
            "/api/v1/applications/app/events?resourceUID={uid}&resourceName={name}&resourceNamespace=default"
        )
    };
    assert_eq!(json(&stand, &of(uid, "web"), &token).await.0, 200);
    let (code, error) = json(&stand, &of("none", "web"), &token).await;
    assert_eq!((code, &error["message"]), (403, &json!("web not found as part of application app")));

    let app = stand
        .api
        .get("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/app")
        .await
        .unwrap()
        .unwrap();
    let commit = app["status"]["sync"]["revision"].as_str().unwrap();
    stand.repository.tag("v1.0", None).unwrap();
    let about = |revision: &str| format!("/api/v1/applications/app/revisions/{revision}/metadata");
    for revision in [commit, commit.get(..8).unwrap()] {
        let (code, said) = json(&stand, &about(revision), &token).await;
        assert_eq!(
            (code, &said["message"], &said["tags"]),
            (200, &json!("objects"), &json!(["v1.0"])),
            "{said}"
        );
    }
    let (code, error) = json(&stand, &about("main"), &token).await;
    assert_eq!((code, &error["message"]), (400, &json!("revision main must be resolved")));
    let (_, error) =
        json(&stand, &format!("/api/v1/applications/app/revisions/{commit}/chartdetails"), &token).await;
    assert_eq!(error["message"], "no chart found for application: app");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_are_shown() {
    let Some(stand) = with_objects().await else { return };
    let window = json!({"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]});
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/default";
    stand.api.patch(path, &json!({"spec": {"syncWindows": [window]}})).await.unwrap();
    let rows: Vec<Row> =
        vec![("app get app".into(), 0, "Sync Denied"), ("app get app".into(), 0, "deny:* * * * *:1h")];
    stand.types(&rows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_made_of_what_they_stand_beside() {
    let Some(stand) = with_objects().await else { return };
    let links = json!({
        "application.links": "- {title: Shop, url: 'https://shop.example/{{.app.metadata.name}}', if: app.spec.project == 'default'}\n\
                              - {title: None, url: 'https://none.example', if: app.spec.project == 'other'}",
        "resource.links": "- {title: Logs, url: 'https://logs.example/{{.cluster.server}}?{{.resource.kind}}', icon.class: fa-bug}\n\
                           - {title: Leak, url: 'https://leak.example/{{.resource.data.password}}', if: resource.kind == 'Secret'}",
    });
    stand.set(&links).await;
    let token = stand.account("dev", "p, dev, applications, get, default/app, allow").await;
    let (_, shown) = json(&stand, "/api/v1/applications/app/links", &token).await;
    assert_eq!(shown, json!({"items": [{"title": "Shop", "url": "https://shop.example/app"}]}));
    let path = "/api/v1/applications/app/resource/links?resourceName=password&namespace=default&kind=Secret&version=v1";
    let (_, shown) = json(&stand, path, &token).await;
    let urls: Vec<&str> =
        shown["items"].as_array().unwrap().iter().filter_map(|link| link["url"].as_str()).collect();
    assert_eq!(
        urls,
        ["https://logs.example/https://kubernetes.default.svc?Secret", "https://leak.example/++++++++"]
    );
}
