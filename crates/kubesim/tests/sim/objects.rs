//! The API as its clients see it, through the in-process service.

use crate::support::{Api, name_of};
use serde_json::json;

#[tokio::test]
async fn objects_come_change_and_go() {
    let api = Api::new();
    let path = "/api/v1/namespaces/default/configmaps";
    let made = api.post(path, json!({"metadata": {"name": "a"}, "data": {"x": "1"}})).await.expect(201);
    assert_eq!((&made["kind"], &made["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
    api.post(path, json!({"metadata": {"name": "a"}})).await.fails(409, "configmaps \"a\" already exists");
    let mut changed = made.clone();
    changed["data"]["x"] = json!("2");
    let now = api.put(&format!("{path}/a"), changed.clone()).await.expect(200);
    assert_eq!(now["data"]["x"], "2");
    assert_ne!(now["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    api.put(&format!("{path}/a"), changed).await.fails(
        409,
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to \
         the latest version and try again",
    );
    let list = api.get(path).await.expect(200);
    assert_eq!(list["kind"], "ConfigMapList");
    assert!(list["items"].as_array().unwrap().iter().any(|i| name_of(i) == "a" && i.get("kind").is_none()));
    let gone = api.delete(&format!("{path}/a"), json!({})).await.expect(200);
    assert_eq!((&gone["status"], &gone["details"]["uid"]), (&json!("Success"), &made["metadata"]["uid"]));
    api.get(&format!("{path}/a")).await.fails(404, "configmaps \"a\" not found");
}
