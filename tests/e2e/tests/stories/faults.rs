//! What fails meanwhile loses nothing.

use e2e::{World, conditions, is_good};
use serde_json::json;
use testkit::Fault;

use crate::manifests::{config, config_map, deployment, deployment_path};

pub(crate) async fn an_unreachable_repository_changes_nothing(world: &mut World) {
    let (one, two) = (config("one", "a"), config("two", "a"));
    world.push(&[("gone/one.yaml", &one), ("gone/two.yaml", &two)]).unwrap();
    world.api.apply(&world.application("gone", "gone", "gone")).await.unwrap();
    world.until_good("gone").await;
    let version = |value: &serde_json::Value| value["metadata"]["resourceVersion"].clone();
    let (one, two) = (config_map("gone", "one"), config_map("gone", "two"));
    world.repository.remove(&["gone/two.yaml"], "while nobody can see it").unwrap();
    world.git.set_fault(Fault::Status(503));
    world.pushed();
    let said = |app: &serde_json::Value| {
        conditions(app).iter().any(|c| c.starts_with("ComparisonError") && c.contains("503"))
    };
    world.until_app("gone", "says that the repository cannot be read", said).await;
    // Drift is healed from what is known.
    world.api.patch(&one, &json!({"data": {"key": "by hand"}})).await.unwrap();
    world.until(&one, "is healed", |o| o.unwrap()["data"]["key"] == "a").await;
    let before = [world.api.get(&one).await.unwrap().unwrap(), world.api.get(&two).await.unwrap().unwrap()];
    // A restart knows no more than the record and what is on disk: still nothing is touched.
    world.restart().await.unwrap();
    world.refresh("gone").await.unwrap();
    world.until_app("gone", "says so after a restart", said).await;
    let after = [world.api.get(&one).await.unwrap().unwrap(), world.api.get(&two).await.unwrap().unwrap()];
    assert_eq!(before.each_ref().map(version), after.each_ref().map(version));

    world.git.set_fault(Fault::None);
    world.pushed();
    world.until(&two, "is pruned at last", |o| o.is_none()).await;
    let app = world.until_app("gone", "is good again", is_good).await;
    assert_eq!(conditions(&app), [""; 0]);
}

pub(crate) async fn a_killed_controller_finishes_its_operation(world: &mut World) {
    let files = [
        ("killed/a.yaml", deployment("first", "first:1", -1)),
        ("killed/b.yaml", deployment("second", "second:1", 0)),
        (
            "killed/c.yaml",
            config("third", "x")
                .replace("\"annotations\":{}", "\"annotations\":{\"argocd.argoproj.io/sync-wave\":\"1\"}"),
        ),
    ];
    world.push(&files.each_ref().map(|(path, text)| (*path, text.as_str()))).unwrap();
    world.cluster.run_nodes(false);
    world.api.apply(&world.application("killed", "killed", "killed")).await.unwrap();
    let waits = |app: &serde_json::Value| {
        let state = &app["status"]["operationState"];
        state["phase"] == "Running"
            && state["message"].as_str().unwrap_or_default().contains("Deployment/killed/first")
    };
    let app = world.until_app("killed", "waits for its first wave", waits).await;
    let started = app["status"]["operationState"]["startedAt"].clone();
    world.restart().await.unwrap();
    assert_eq!(world.api.get(&deployment_path("killed", "second")).await.unwrap(), None);
    world.cluster.run_nodes(true);
    let app = world.until_good("killed").await;
    let state = &app["status"]["operationState"];
    assert_eq!(state["startedAt"], started, "the same operation went on: {state}");
    assert_eq!(state["syncResult"]["resources"].as_array().unwrap().len(), 3);
    assert_eq!(app["status"]["history"].as_array().unwrap().len(), 1);
    let mut applied: Vec<String> =
        world.writes().into_iter().filter(|w| w.namespace == "killed").map(|w| w.text()).collect();
    applied.sort();
    let expected = [
        "patch configmaps killed/third",
        "patch deployments killed/first",
        "patch deployments killed/second",
    ];
    assert_eq!(applied, expected, "each object is applied once");
}

mod tests {
    crate::on_kubesim!(
        an_unreachable_repository_changes_nothing,
        a_killed_controller_finishes_its_operation,
        a_sync_keeps_its_retries_while_there_is_nothing_to_sync
    );
}

/// What was asked for is tried again as its policy says, and begins once its revision is there.
async fn a_sync_keeps_its_retries_while_there_is_nothing_to_sync(world: &mut World) {
    let mut app = world.application("patient", "patient", "patient");
    app["spec"]["source"]["targetRevision"] = json!("later");
    app["spec"]["syncPolicy"]["automated"] = json!({"enabled": false});
    world.api.apply(&app).await.unwrap();
    world
        .until_app("patient", "cannot be compared", |app| app["status"]["sync"]["status"] == "Unknown")
        .await;
    let retry = json!({"limit": 20, "backoff": {"duration": "1s", "maxDuration": "2s"}});
    let operation = json!({"sync": {}, "retry": retry, "initiatedBy": {"username": "tester"}});
    world.api.patch(&e2e::app_path("patient"), &json!({ "operation": operation })).await.unwrap();
    world
        .until_app("patient", "tries again", |app| {
            let message = app["status"]["operationState"]["message"].as_str().unwrap_or_default();
            message.contains("unable to resolve revision 'later'") && message.contains("Retrying attempt #2")
        })
        .await;
    world.repository.branch("later").unwrap();
    world.push(&[("patient/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")]).unwrap();
    let app = world.until_good("patient").await;
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded");
    // An application that is at fault itself is not tried again.
    world
        .api
        .patch(
            &e2e::app_path("patient"),
            &json!({"spec": {"project": "nowhere"}, "operation": {"sync": {}, "retry": retry}}),
        )
        .await
        .unwrap();
    world.until_app("patient", "is refused", |app| app["status"]["operationState"]["phase"] == "Error").await;
}
