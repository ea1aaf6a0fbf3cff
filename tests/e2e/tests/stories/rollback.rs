//! Back to what ran before, by the history's record.

use std::time::Duration;

use e2e::{World, app_path, conditions, is_good};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

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

async fn an_automated_application_stays_where_it_went_back_to(world: &mut World) {
    world.push(&[("held/c.yaml", &config("c", "one"))]).unwrap();
    world.api.apply(&world.application("held", "held", "held")).await.unwrap();
    world.until_good("held").await;
    world.push(&[("held/c.yaml", &config("c", "two"))]).unwrap();
    let path = config_map("held", "c");
    world.until(&path, "is two", |o| o.is_some_and(|o| o["data"]["key"] == "two")).await;
    let app = world.until_good("held").await;

    let until = Timestamp::now() + Duration::from_secs(3600);
    let hold = json!({"capstan/hold-until": until.to_string(), "capstan/hold-reason": "incident 4711"});
    world.api.patch(&app_path("held"), &json!({"metadata": {"annotations": hold}})).await.unwrap();
    let told =
        |app: &Value| is_good(app) && app["status"]["capstan"]["why"].to_string().contains("incident 4711");
    world.until_app("held", "says that it is held though nothing differs", told).await;
    let entry = &app["status"]["history"][0];
    let app =
        world.sync("held", json!({"revision": entry["revision"], "source": entry["source"]})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded", "{}", app["status"]);
    let held = |app: &Value| {
        let told =
            conditions(app).iter().any(|c| c.starts_with("HoldWarning: ") && c.contains("incident 4711"));
        told && app["status"]["sync"]["status"] == "OutOfSync"
    };
    world.until_app("held", "is held, and says why", held).await;
    // Neither a refresh nor drift nor a restart moves it.
    world.api.patch(&path, &json!({"data": {"key": "by hand"}})).await.unwrap();
    world.restart().await.unwrap();
    world.refresh("held").await.unwrap();
    assert_eq!(world.api.get(&path).await.unwrap().unwrap()["data"]["key"], "by hand");
    // It goes on when the time is over.
    world.restart_at(SignedDuration::from_secs(3700)).await.unwrap();
    world.until(&path, "is two again", |o| o.unwrap()["data"]["key"] == "two").await;
    let app = world.until_good("held").await;
    assert_eq!(conditions(&app), [""; 0]);
}

mod tests {
    crate::on_kubesim!(a_history_entry_runs_again, an_automated_application_stays_where_it_went_back_to);
}
