//! How objects end: finalizers, owners, namespaces, definitions.

use crate::support::Api;
use serde_json::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn make(api: &Api, name: &str, owner: Option<&Value>, blocks: bool) -> Value {
    let mut body = json!({"metadata": {"name": name}});
    if let Some(owner) = owner {
        body["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap",
            "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], "blockOwnerDeletion": blocks}]);
    }
    api.post(MAPS, body).await.expect(201)
}

async fn is_there(api: &Api, name: &str) -> bool {
    api.get(&format!("{MAPS}/{name}")).await.code == 200
}

#[tokio::test]
async fn an_object_waits_for_its_finalizers() {
    let api = Api::new();
    let path = format!("{MAPS}/a");
    api.post(MAPS, json!({"metadata": {"name": "a", "finalizers": ["x.y/z"]}})).await.expect(201);
    let marked = api.delete(&path, json!({})).await.expect(200);
    assert_eq!(marked["metadata"]["deletionTimestamp"], "2026-01-01T00:00:00Z");
    api.patch(&path, "merge-patch+json", json!({"metadata": {"finalizers": ["x.y/z", "a.b/c"]}})).await.fails(
        422,
        "ConfigMap \"a\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is \
         being deleted, found new finalizers []string{\"a.b/c\"}",
    );
    api.patch(&path, "merge-patch+json", json!({"metadata": {"finalizers": null}})).await.expect(200);
    assert!(!is_there(&api, "a").await);
}

#[tokio::test]
async fn dependents_follow_their_owner_as_the_policy_says() {
    for (policy, leaf_stays) in [("Background", false), ("Foreground", false), ("Orphan", true)] {
        let api = Api::new();
        let owner = make(&api, "owner", None, false).await;
        let child = make(&api, "child", Some(&owner), true).await;
        make(&api, "leaf", Some(&child), true).await;
        let options = json!({"propagationPolicy": policy});
        api.delete(&format!("{MAPS}/owner"), options).await.expect(200);
        assert!(!is_there(&api, "owner").await, "{policy}");
        assert_eq!(is_there(&api, "child").await, leaf_stays, "{policy}");
        assert_eq!(is_there(&api, "leaf").await, leaf_stays, "{policy}");
    }
}

#[tokio::test]
async fn a_blocking_dependent_holds_a_foreground_deletion() {
    let api = Api::new();
    let owner = make(&api, "owner", None, false).await;
    let mut body = json!({"metadata": {"name": "child", "finalizers": ["x.y/z"]}});
    body["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner",
        "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true}]);
    api.post(MAPS, body).await.expect(201);
    api.delete(&format!("{MAPS}/owner"), json!({"propagationPolicy": "Foreground"})).await.expect(200);
    let held = api.get(&format!("{MAPS}/owner")).await.expect(200);
    assert_eq!(held["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    api.patch(&format!("{MAPS}/child"), "merge-patch+json", json!({"metadata": {"finalizers": null}}))
        .await
        .expect(200);
    assert!(!is_there(&api, "child").await && !is_there(&api, "owner").await);
}

#[tokio::test]
async fn a_latecomer_does_not_hold_a_foreground_deletion() {
    let api = Api::new();
    let owner = make(&api, "owner", None, false).await;
    let child = make(&api, "child", Some(&owner), true).await;
    let patch = json!({"metadata": {"finalizers": ["x.y/z"]}});
    api.patch(&format!("{MAPS}/child"), "merge-patch+json", patch).await.expect(200);
    api.delete(&format!("{MAPS}/owner"), json!({"propagationPolicy": "Foreground"})).await.expect(200);
    make(&api, "late", Some(&owner), true).await;
    assert!(!is_there(&api, "late").await && is_there(&api, "owner").await);
    let patch = json!({"metadata": {"finalizers": null, "uid": child["metadata"]["uid"]}});
    api.patch(&format!("{MAPS}/child"), "merge-patch+json", patch).await.expect(200);
    assert!(!is_there(&api, "owner").await);
}

#[tokio::test]
async fn an_object_whose_owner_never_was_goes() {
    let api = Api::new();
    let ghost = json!({"metadata": {"name": "ghost", "uid": "00000000-0000-4000-8000-000000000000"}});
    make(&api, "orphan", Some(&ghost), false).await;
    assert!(!is_there(&api, "orphan").await);
}

#[tokio::test]
async fn an_owner_of_several_may_go_alone() {
    let api = Api::new();
    let (one, two) = (make(&api, "one", None, false).await, make(&api, "two", None, false).await);
    let reference = |owner: &Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]});
    let owners = json!([reference(&one), reference(&two)]);
    api.post(MAPS, json!({"metadata": {"name": "both", "ownerReferences": owners}})).await.expect(201);
    api.delete(&format!("{MAPS}/one"), json!({})).await.expect(200);
    let left = api.get(&format!("{MAPS}/both")).await.expect(200);
    assert_eq!(left["metadata"]["ownerReferences"], json!([reference(&two)]));
}

#[tokio::test]
async fn preconditions_protect() {
    let api = Api::new();
    let made = make(&api, "a", None, false).await;
    let path = format!("{MAPS}/a");
    let uid = made["metadata"]["uid"].as_str().unwrap();
    api.delete(&path, json!({"preconditions": {"uid": "other"}})).await.fails(
        409,
        &format!(
            "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (other) does not match the \
             UID in record ({uid}). The object might have been deleted and then recreated"
        ),
    );
    assert_eq!(api.delete(&path, json!({"preconditions": {"resourceVersion": "1"}})).await.code, 409);
    let options =
        json!({"preconditions": {"uid": uid, "resourceVersion": made["metadata"]["resourceVersion"]}});
    api.delete(&format!("{path}?dryRun=All"), options.clone()).await.expect(200);
    assert!(is_there(&api, "a").await);
    api.delete(&path, options).await.expect(200);
    assert!(!is_there(&api, "a").await);
}

#[tokio::test]
async fn a_namespace_takes_its_content_along() {
    let api = Api::new();
    let inside = "/api/v1/namespaces/n/configmaps";
    api.post(inside, json!({"metadata": {"name": "a"}})).await.fails(404, "namespaces \"n\" not found");
    api.post("/api/v1/namespaces", json!({"metadata": {"name": "n"}})).await.expect(201);
    api.post(inside, json!({"metadata": {"name": "a"}})).await.expect(201);
    api.post(inside, json!({"metadata": {"name": "held", "finalizers": ["x.y/z"]}})).await.expect(201);
    let dying = api.delete("/api/v1/namespaces/n", json!({})).await.expect(200);
    assert_eq!(dying["status"]["phase"], "Terminating");
    api.get(&format!("{inside}/a")).await.fails(404, "configmaps \"a\" not found");
    api.post(inside, json!({"metadata": {"name": "late"}})).await.fails(
        403,
        "configmaps \"late\" is forbidden: unable to create new content in namespace n because it is being terminated",
    );
    api.get("/api/v1/namespaces/n").await.expect(200);
    let patch = json!({"metadata": {"finalizers": null}});
    api.patch(&format!("{inside}/held"), "merge-patch+json", patch).await.expect(200);
    api.get("/api/v1/namespaces/n").await.fails(404, "namespaces \"n\" not found");
    api.delete("/api/v1/namespaces/default", json!({}))
        .await
        .fails(403, "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

#[tokio::test]
async fn pods_get_the_time_to_end() {
    let api = Api::new();
    let pods = "/api/v1/namespaces/default/pods";
    let spec = json!({"containers": [{"name": "c", "image": "x:1"}], "terminationGracePeriodSeconds": 7});
    api.post(pods, json!({"metadata": {"name": "p"}, "spec": spec})).await.expect(201);
    let binding = json!({"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}});
    api.post(&format!("{pods}/p/binding"), binding).await.expect(201);
    let ending = api.delete(&format!("{pods}/p"), json!({})).await.expect(200);
    assert_eq!(ending["metadata"]["deletionGracePeriodSeconds"], 7);
    assert_eq!(ending["metadata"]["deletionTimestamp"], "2026-01-01T00:00:07Z");
    api.delete(&format!("{pods}/p"), json!({"gracePeriodSeconds": 0})).await.expect(200);
    api.get(&format!("{pods}/p")).await.fails(404, "pods \"p\" not found");
}
