//! Applications that wait for others.

use e2e::{World, app_path, conditions};
use serde_json::{Value, json};

use crate::manifests::{config, config_map, deployment};

/// An automated Application that depends on others.
async fn depending(world: &World, name: &str, on: &str) {
    let mut app = world.application(name, name, name);
    app["metadata"]["annotations"] = json!({"capstan/depends-on": on});
    world.api.apply(&app).await.unwrap();
}

/// Why it rests, as its status has it.
fn rests(app: &Value, text: &str) -> bool {
    app["status"]["capstan"].to_string().contains(text)
}

async fn a_commit_goes_from_one_to_the_next(world: &mut World) {
    let both = |image: &str, value: &str| {
        [("db/web.yaml", deployment("db", image, 0)), ("shop/c.yaml", config("c", value))]
    };
    let push = |world: &World, image: &str, value: &str| {
        let files = both(image, value);
        world.push(&files.each_ref().map(|(path, text)| (*path, text.as_str()))).unwrap()
    };
    push(world, "db:1", "one");
    depending(world, "shop", "db").await;
    let absent = |app: &Value| rests(app, "there is no such application");
    world.until_app("shop", "waits for what is not there", absent).await;
    world.cluster.run_nodes(false);
    world.api.apply(&world.application("db", "db", "db")).await.unwrap();
    let waits = |app: &Value| {
        let told = rests(app, "a sync of it is under way") || rests(app, "it is Progressing");
        told && app["status"]["sync"]["status"] == "OutOfSync"
    };
    world.until_app("shop", "waits for the rollout", waits).await;
    assert_eq!(world.api.get(&config_map("shop", "c")).await.unwrap(), None);
    world.cluster.run_nodes(true);
    world.until_good("shop").await;

    // One commit changes both: what is well at the commit before is not well enough.
    world.cluster.run_nodes(false);
    push(world, "db:2", "two");
    world.until_app("shop", "waits again", waits).await;
    assert_eq!(world.api.get(&config_map("shop", "c")).await.unwrap().unwrap()["data"]["key"], "one");
    world.cluster.run_nodes(true);
    world.until(&config_map("shop", "c"), "follows", |o| o.unwrap()["data"]["key"] == "two").await;
    let app = world.until_good("shop").await;
    assert_eq!(conditions(&app), [""; 0]);
}

async fn a_cycle_is_named_and_stops_nobody_else(world: &mut World) {
    world.push(&[("a/c.yaml", &config("c", "1")), ("b/c.yaml", &config("c", "1"))]).unwrap();
    depending(world, "a", "b").await;
    depending(world, "b", "argocd/a").await;
    for (name, way) in [("a", "a → b → a"), ("b", "b → a → b")] {
        let told =
            |app: &Value| conditions(app).iter().any(|c| c.starts_with("SyncError") && c.contains(way));
        world.until_app(name, "names the cycle", told).await;
    }
    let free = json!({"metadata": {"annotations": {"capstan/depends-on": null}}});
    world.api.patch(&app_path("b"), &free).await.unwrap();
    world.until_good("b").await;
    let app = world.until_good("a").await;
    assert_eq!(conditions(&app), [""; 0]);
}

mod tests {
    crate::on_kubesim!(a_commit_goes_from_one_to_the_next, a_cycle_is_named_and_stops_nobody_else);
}
