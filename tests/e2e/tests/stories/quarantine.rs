//! An application that ends processes does so three times, and no others suffer from it.

use e2e::{PATIENCE, World, conditions};
use testkit::eventually;

use crate::manifests::{config, config_map};

/// A program that takes as long as it may.
const ENDLESS: &str = "local f(n) = if n < 0 then 0 else f(n + 1) tailstrict; {a: f(0)}";

async fn who_ends_processes_is_not_rendered(world: &mut World) {
    world.push(&[("bad/x.jsonnet", ENDLESS), ("good/c.yaml", &config("c", "1"))]).unwrap();
    for name in ["bad", "good"] {
        world.api.apply(&world.application(name, name, name)).await.unwrap();
    }
    world.until_good("good").await;
    let renders = world.data_dir().join("renders");
    // What a process leaves behind that is ended now.
    let left = std::cell::RefCell::new(String::new());
    eventually("a render is on record", PATIENCE, || async {
        let mut app = world.app("bad").await?;
        app["metadata"]["annotations"]["argocd.argoproj.io/refresh"] = "hard".into();
        let patch = serde_json::json!({"metadata": {"annotations": app["metadata"]["annotations"]}});
        world.api.patch(&e2e::app_path("bad"), &patch).await?;
        for file in std::fs::read_dir(&renders)? {
            let text = std::fs::read_to_string(file?.path()).unwrap_or_default();
            if text.contains("\"application\":\"bad\"") {
                *left.borrow_mut() = text;
                return Ok(true);
            }
        }
        Err(anyhow::anyhow!("there is none"))
    })
    .await;
    world.retire().await.unwrap();
    let patch = serde_json::json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": null}}});
    world.api.patch(&e2e::app_path("bad"), &patch).await.unwrap();
    for process in 1..=3 {
        std::fs::write(renders.join(format!("{process}-0.0")), &*left.borrow()).unwrap();
    }
    world.succeed().await.unwrap();
    let told = |app: &serde_json::Value| {
        conditions(app)
            .iter()
            .any(|c| c.starts_with("ComparisonError") && c.contains("3 times within an hour"))
    };
    world.until_app("bad", "is told that it is not rendered", told).await;
    world.api.delete(&config_map("good", "c")).await.unwrap();
    world.until(&config_map("good", "c"), "is healed: the others go on", |o| o.is_some()).await;

    // A new revision is rendered again.
    world
        .push(&[("bad/x.jsonnet", "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'mended'}}")])
        .unwrap();
    world.until_good("bad").await;
}

mod tests {
    crate::on_kubesim!(who_ends_processes_is_not_rendered);
}
