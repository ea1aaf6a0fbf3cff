//! An operation works on its own commits, whatever became of the branch since; the status speaks of the branch.

use e2e::{World, app_path, conditions};
use serde_json::{Value, json};

use crate::manifests::{annotated, config, config_map, deployment};

const BROKEN: &str = "kind: [unclosed\n";

fn is_broken(app: &Value) -> bool {
    app["status"]["sync"]["status"] == "Unknown"
        && conditions(app).iter().any(|c| c.starts_with("ComparisonError") && c.contains("broken.yaml"))
}

async fn an_application_by_hand(world: &World, name: &str) {
    let mut app = world.application(name, name, name);
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
}

async fn a_rollback_works_while_head_is_broken(world: &mut World) {
    let first = world.push(&[("undo/c.yaml", &config("c", "one"))]).unwrap();
    an_application_by_hand(world, "undo").await;
    let app = world.sync("undo", json!({})).await.unwrap();
    let entry = app["status"]["history"][0].clone();
    world.push(&[("undo/c.yaml", &config("c", "two")), ("undo/new.yaml", &config("new", "x"))]).unwrap();
    let app = world.sync("undo", json!({})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded", "{}", app["status"]);
    world.push(&[("undo/broken.yaml", BROKEN)]).unwrap();
    world.until_app("undo", "says what is broken", is_broken).await;

    let sync = json!({"revision": entry["revision"], "source": entry["source"], "prune": true});
    let app = world.sync("undo", sync).await.unwrap();
    let state = &app["status"]["operationState"];
    assert_eq!(state["phase"], "Succeeded", "{state}");
    assert_eq!(state["syncResult"]["revision"], json!(first));
    assert_eq!(world.api.get(&config_map("undo", "c")).await.unwrap().unwrap()["data"]["key"], "one");
    assert_eq!(
        world.api.get(&config_map("undo", "new")).await.unwrap(),
        None,
        "pruned: that commit has it not"
    );
    assert!(is_broken(&app), "the status speaks of the branch: {}", app["status"]);
}

/// A wave that waits for a Deployment, and what comes after it.
fn two_waves(name: &str) -> [(String, String); 2] {
    [
        (format!("{name}/a.yaml"), deployment("a", "a:1", 0)),
        (format!("{name}/b.yaml"), annotated("b", "x", &[("sync-wave", "1")])),
    ]
}

async fn until_it_waits(world: &World, name: &str) {
    let waits = |app: &Value| {
        let message = app["status"]["operationState"]["message"].as_str().unwrap_or_default();
        message.contains("waiting for healthy")
    };
    world.until_app(name, "waits", waits).await;
}

async fn an_operation_under_way_ends_well_though_head_breaks(world: &mut World) {
    let files = two_waves("midway");
    let commit = world.push(&files.each_ref().map(|(path, text)| (path.as_str(), text.as_str()))).unwrap();
    world.cluster.run_nodes(false);
    world.api.apply(&world.application("midway", "midway", "midway")).await.unwrap();
    until_it_waits(world, "midway").await;
    world.push(&[("midway/broken.yaml", BROKEN)]).unwrap();
    world.until_app("midway", "says what is broken", is_broken).await;
    // Also by a controller that has only the record.
    world.restart().await.unwrap();
    world.cluster.run_nodes(true);
    let ended = |app: &Value| app["status"]["operationState"]["phase"] == "Succeeded";
    let app = world.until_app("midway", "has ended its operation", ended).await;
    assert_eq!(app["status"]["operationState"]["syncResult"]["revision"], json!(commit));
    assert!(world.api.get(&config_map("midway", "b")).await.unwrap().is_some(), "the second wave came");
    assert!(is_broken(&app), "{}", app["status"]);
}

async fn an_operation_can_be_ended_whatever_renders(world: &mut World) {
    let files = two_waves("ended");
    world.push(&files.each_ref().map(|(path, text)| (path.as_str(), text.as_str()))).unwrap();
    world.cluster.run_nodes(false);
    world.api.apply(&world.application("ended", "ended", "ended")).await.unwrap();
    until_it_waits(world, "ended").await;
    world.push(&[("ended/broken.yaml", BROKEN)]).unwrap();
    world.until_app("ended", "says what is broken", is_broken).await;
    let terminate = json!({"status": {"operationState": {"phase": "Terminating"}}});
    world.api.patch(&app_path("ended"), &terminate).await.unwrap();
    let over = |app: &Value| app["status"]["operationState"]["phase"] == "Failed";
    let app = world.until_app("ended", "is ended", over).await;
    assert_eq!(app["status"]["operationState"]["message"], "operation terminated");
}

async fn a_target_that_cannot_be_had_is_tried_again_by_the_policy(world: &mut World) {
    world.push(&[("absent/c.yaml", &config("c", "one"))]).unwrap();
    an_application_by_hand(world, "absent").await;
    world.until_app("absent", "is compared", |app| app["status"]["sync"]["status"] == "OutOfSync").await;
    let operation = json!({
        "sync": {"revision": "release"}, "info": [{"name": "mark", "value": "retried"}],
        "retry": {"limit": 20, "backoff": {"duration": "1s", "factor": 1}},
    });
    world.api.patch(&app_path("absent"), &json!({ "operation": operation })).await.unwrap();
    let retried = |app: &Value| {
        let state = &app["status"]["operationState"];
        state["phase"] == "Running" && state["message"].as_str().unwrap_or_default().contains("Retrying")
    };
    let app = world.until_app("absent", "waits to try again", retried).await;
    assert_eq!(app["status"]["sync"]["status"], "OutOfSync", "the branch is as good as ever");
    world.repository.branch("release").unwrap();
    let app = world.until_ended("absent", "retried").await;
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded", "{}", app["status"]);
    // Without a policy it ends at once, and says why.
    let app = world.sync("absent", json!({"revision": "nowhere"})).await.unwrap();
    let state = &app["status"]["operationState"];
    assert_eq!(state["phase"], "Error", "{state}");
    assert!(state["message"].as_str().unwrap().contains("nowhere"), "{state}");
}

mod tests {
    crate::on_kubesim!(
        a_rollback_works_while_head_is_broken,
        an_operation_under_way_ends_well_though_head_breaks,
        an_operation_can_be_ended_whatever_renders,
        a_target_that_cannot_be_had_is_tried_again_by_the_policy,
    );
}
