//! Back to what ran before, by the history's record.

use e2e::World;
use serde_json::json;

use crate::manifests::{config, config_map};

pub(crate) async fn a_history_entry_runs_again(world: &mut World) {
    let first = world
        .push(&[("rollback/c.yaml", &config("back", "one")), ("rollback/d.yaml", &config("old", "x"))])
        .unwrap();
    let mut app = world.application("rollback", "rollback", "rollback");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
    let app = world.sync("rollback", json!({"revision": "main"})).await.unwrap();
    assert_eq!(app["status"]["history"][0]["revision"], json!(first), "{}", app["status"]);
    world.push(&[("rollback/c.yaml", &config("back", "two"))]).unwrap();
    world.repository.remove(&["rollback/d.yaml"], "no old").unwrap();
    world.pushed();
    let app = world.sync("rollback", json!({"prune": true})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded", "{}", app["status"]);
    let (back, old) = (config_map("rollback", "back"), config_map("rollback", "old"));
    world.until(&old, "is pruned", |o| o.is_none()).await;

    let entry = &app["status"]["history"][0];
    let sync = json!({"revision": entry["revision"], "source": entry["source"], "prune": true});
    let app = world.sync("rollback", sync).await.unwrap();
    let status = &app["status"];
    assert_eq!(status["operationState"]["phase"], "Succeeded", "{status}");
    assert_eq!(status["operationState"]["syncResult"]["revision"], json!(first));
    assert_eq!(status["history"].as_array().unwrap().last().unwrap()["revision"], json!(first));
    assert_eq!(world.api.get(&back).await.unwrap().unwrap()["data"]["key"], "one");
    assert!(world.api.get(&old).await.unwrap().is_some(), "what was removed since is back");
    // It stands beside main, which it is compared with, and nobody corrects it by himself.
    let app = world.refresh("rollback").await.unwrap();
    assert_eq!(app["status"]["sync"]["status"], "OutOfSync");
    assert_eq!(app["status"]["sync"]["revision"], json!(world.repository.head().unwrap()));
    assert_eq!(world.api.get(&back).await.unwrap().unwrap()["data"]["key"], "one");
}

mod tests {
    crate::on_kubesim!(a_history_entry_runs_again);
}
