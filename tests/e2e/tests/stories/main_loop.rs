//! A plain application from its first sync to its rollback by git.

use e2e::{World, is_good};
use serde_json::json;

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: registry.example.com/web:1.0.0}
";
const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {level: info}\n";
const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const SETTINGS: &str = "/api/v1/namespaces/shop/configmaps/settings";

async fn first_sync(world: &World) {
    let commit = world.push(&[("apps/web/web.yaml", DEPLOYMENT), ("apps/web/config.yaml", CONFIG)]).unwrap();
    world.api.apply(&world.application("web", "apps/web", "shop")).await.unwrap();
    let app = world.until_good_at("web", &commit).await;
    let status = &app["status"];
    assert_eq!(status["sourceType"], "Directory");
    assert_eq!(status["history"][0]["revision"], json!(commit));
    assert_eq!(
        status["operationState"]["message"],
        "successfully synced (all tasks run); namespace shop created"
    );
    assert_eq!(status["summary"]["images"], json!(["registry.example.com/web:1.0.0"]));
    assert_eq!(status["resources"].as_array().unwrap().len(), 2);
}

pub(crate) async fn git_is_what_runs(world: &mut World) {
    first_sync(world).await;
    // A commit becomes the new state.
    let second = world.push(&[("apps/web/web.yaml", &DEPLOYMENT.replace("1.0.0", "1.1.0"))]).unwrap();
    world.until_good_at("web", &second).await;
    world
        .until(WEB, "runs the new image", |o| {
            o.unwrap()["spec"]["template"]["spec"]["containers"][0]["image"]
                == "registry.example.com/web:1.1.0"
        })
        .await;
    // A change by hand is undone.
    world.api.patch(SETTINGS, &json!({"data": {"level": "debug"}})).await.unwrap();
    world.until(SETTINGS, "is healed", |o| o.unwrap()["data"]["level"] == "info").await;
    // A file that goes takes its object along.
    world.repository.remove(&["apps/web/config.yaml"], "no settings").unwrap();
    world.pushed();
    world.until(SETTINGS, "is pruned", |o| o.is_none()).await;
    let pruned = world.repository.head().unwrap();
    world.until_good_at("web", &pruned).await;
    // git revert is a rollback.
    world.repository.revert(&pruned).unwrap();
    world.pushed();
    world.until(SETTINGS, "is back", |o| o.is_some()).await;
    world.until_app("web", "is good again", is_good).await;
}

mod tests {
    crate::on_kubesim!(git_is_what_runs);
}
