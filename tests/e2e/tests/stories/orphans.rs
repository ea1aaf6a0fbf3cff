//! Objects of nobody.

use api::Application;
use e2e::{World, conditions};
use serde_json::{Value, json};

use crate::manifests::{config, config_map};

fn project(orphaned: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "tidy", "namespace": "argocd"},
        "spec": {
            "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "tidy"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}], "orphanedResources": orphaned,
            "namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}],
        },
    })
}

fn left(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "tidy"}})
}

fn warned(count: usize) -> impl Fn(&Value) -> bool {
    move |app| {
        let expected = [format!("OrphanedResourceWarning: Application has {count} orphaned resources")];
        conditions(app) == if count == 0 { &[][..] } else { &expected[..] }
    }
}

async fn what_belongs_to_nobody_is_counted(world: &mut World) {
    world.push(&[("tidy/c.yaml", &config("c", "x")), ("beside/d.yaml", &config("d", "x"))]).unwrap();
    let setting = json!({"warn": true, "ignore": [{"kind": "ConfigMap", "name": "known-*"}]});
    world.api.apply(&project(&setting)).await.unwrap();
    let mut app = world.application("tidy", "tidy", "tidy");
    app["spec"]["project"] = json!("tidy");
    world.api.apply(&app).await.unwrap();
    // Another application's object is nobody's orphan.
    world.api.apply(&world.application("beside", "beside", "tidy")).await.unwrap();
    world.until_good("beside").await;
    let app = world.until_good("tidy").await;
    assert_eq!(conditions(&app), [""; 0]);

    // A deployment and the pods below it, of which the project permits all; what it ignores and what it forbids.
    let labels = json!({"app": "left"});
    let pod =
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "left:1"}]}});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "left", "namespace": "tidy"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod},
    });
    for object in [
        left("ConfigMap", "left"),
        left("ConfigMap", "known-one"),
        left("Secret", "left"),
        left("ServiceAccount", "default"),
        left("ConfigMap", "kube-root-ca.crt"),
        deployment,
    ] {
        world.api.apply(&object).await.unwrap();
    }
    let app = world.until_app("tidy", "counts the map, the deployment, its set and pods", warned(5)).await;
    assert_eq!(app["status"]["sync"]["status"], "Synced");
    let found = world
        .controller
        .orphans(&Application::from_value(app).unwrap(), &|name| name == "tidy")
        .await
        .unwrap();
    let mut names: Vec<String> = found.iter().map(|key| format!("{}/{}", key.kind, key.name)).collect();
    names.retain(|name| !name.contains("/left-"));
    assert_eq!(
        names,
        ["ConfigMap/d", "ConfigMap/left", "Deployment/left"],
        "to whom only tidy exists, d is one, too"
    );

    // A restart counts the same.
    world.restart().await.unwrap();
    let app = world.refresh("tidy").await.unwrap();
    assert!(warned(5)(&app), "{:?}", conditions(&app));
    for path in [config_map("tidy", "left"), "/apis/apps/v1/namespaces/tidy/deployments/left".to_owned()] {
        world.api.delete(&path).await.unwrap();
    }
    world.until_app("tidy", "has nothing to count", warned(0)).await;

    world.api.apply(&left("ConfigMap", "left")).await.unwrap();
    world.until_app("tidy", "counts again", warned(1)).await;
    // An application that goes and leaves its object leaves an orphan.
    let beside = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/beside";
    world.api.patch(beside, &json!({"metadata": {"finalizers": null}})).await.unwrap();
    world.api.delete(beside).await.unwrap();
    world.until_app("tidy", "counts what was left", warned(2)).await;
    world.api.apply(&project(&json!({"ignore": []}))).await.unwrap();
    world.until_app("tidy", "is silent where warn is not set", warned(0)).await;
}

mod tests {
    crate::on_kubesim!(what_belongs_to_nobody_is_counted);
}
