//! Applications in other namespaces than the controller's.

use e2e::{World, conditions, is_good};
use serde_json::{Value, json};
use testkit::eventually_some;

use crate::manifests::{config, config_map};

const TRACKING: &str = "argocd.argoproj.io/tracking-id";

fn path(namespace: &str, name: &str) -> String {
    format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications/{name}")
}

fn params(namespaces: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cmd-params-cm", "namespace": "argocd"},
        "data": {"application.namespaces": namespaces},
    })
}

fn project(sources: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "teams", "namespace": "argocd"},
        "spec": {
            "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}], "sourceNamespaces": sources,
        },
    })
}

async fn in_namespace(world: &World, namespace: &str, to: &str, project: &str) {
    let home = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    world.api.apply(&home).await.unwrap();
    let mut app = world.application("web", "web", to);
    app["metadata"]["namespace"] = json!(namespace);
    app["spec"]["project"] = json!(project);
    world.api.apply(&app).await.unwrap();
}

async fn until(world: &World, namespace: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
    eventually_some(what, e2e::PATIENCE, || async {
        let app = world.api.get(&path(namespace, "web")).await?.unwrap_or_default();
        if check(&app) {
            Ok(Some(app))
        } else {
            Err::<Option<Value>, _>(anyhow::anyhow!("it is {}", app["status"]))
        }
    })
    .await
}

async fn applications_of_one_name_live_in_many_namespaces(world: &mut World) {
    world.push(&[("web/c.yaml", &config("c", "x"))]).unwrap();
    world.api.apply(&project(&json!(["team-*"]))).await.unwrap();
    in_namespace(world, "team-a", "a", "teams").await;
    in_namespace(world, "other", "o", "teams").await;
    world.api.apply(&world.application("web", "web", "home")).await.unwrap();
    world.until_good("web").await;
    // Nobody looks after other namespaces before the settings say so.
    assert_eq!(world.api.get(&path("team-a", "web")).await.unwrap().unwrap()["status"], Value::Null);

    world.api.apply(&params("team-*,/^other$/")).await.unwrap();
    until(world, "team-a", "it is synced", is_good).await;
    let tracking =
        |object: Value| object["metadata"]["annotations"][TRACKING].as_str().unwrap_or_default().to_owned();
    let theirs = world.api.get(&config_map("a", "c")).await.unwrap().unwrap();
    assert_eq!(tracking(theirs), "team-a_web:/ConfigMap:a/c");
    let ours = world.api.get(&config_map("home", "c")).await.unwrap().unwrap();
    assert_eq!(tracking(ours), "web:/ConfigMap:home/c");

    // A project takes no applications but from where it says, whatever the settings say.
    let refused =
        "InvalidSpecError: application 'web' in namespace 'other' is not allowed to use project teams";
    until(world, "other", "it is refused", |app| conditions(app) == [refused]).await;
    assert_eq!(world.api.get(&config_map("o", "c")).await.unwrap(), None);
    world.api.apply(&project(&json!(["team-*", "other"]))).await.unwrap();
    until(world, "other", "it is synced", is_good).await;

    // Drift of each is healed by its own; a restart knows all of them.
    world.restart().await.unwrap();
    world.api.delete(&config_map("a", "c")).await.unwrap();
    world.until(&config_map("a", "c"), "is back", |object| object.is_some()).await;

    // Who is looked after no more is left alone.
    world.api.apply(&params("other")).await.unwrap();
    world.push(&[("web/c.yaml", &config("c", "y"))]).unwrap();
    let new = |object: Option<&Value>| object.is_some_and(|object| object["data"]["key"] == "y");
    world.until(&config_map("o", "c"), "is new", new).await;
    world.until(&config_map("home", "c"), "is new", new).await;
    assert!(!new(world.api.get(&config_map("a", "c")).await.unwrap().as_ref()));

    // A deletion takes what is this application's, and nothing of those that have its name elsewhere.
    world.api.delete(&path("other", "web")).await.unwrap();
    world.until(&path("other", "web"), "is gone", |object| object.is_none()).await;
    assert_eq!(world.api.get(&config_map("o", "c")).await.unwrap(), None);
    for namespace in ["a", "home"] {
        assert!(world.api.get(&config_map(namespace, "c")).await.unwrap().is_some(), "{namespace}");
    }
}

async fn a_project_that_takes_its_permission_back_stops_a_deletion(world: &mut World) {
    world.push(&[("web/c.yaml", &config("c", "x"))]).unwrap();
    world.api.apply(&project(&json!(["team-*"]))).await.unwrap();
    world.api.apply(&params("team-*")).await.unwrap();
    in_namespace(world, "team-a", "a", "teams").await;
    until(world, "team-a", "it is synced", is_good).await;
    world.api.apply(&project(&json!(["nobody"]))).await.unwrap();
    let why = "application 'web' in namespace 'team-a' is not allowed to use project teams";
    let says = |kind: &'static str| move |app: &Value| conditions(app) == [format!("{kind}: {why}")];
    until(world, "team-a", "it is refused", says("InvalidSpecError")).await;
    world.api.delete(&path("team-a", "web")).await.unwrap();
    until(world, "team-a", "its deletion waits", says("DeletionError")).await;
    assert!(world.api.get(&config_map("a", "c")).await.unwrap().is_some());
    world.api.apply(&project(&json!(["team-a"]))).await.unwrap();
    world.until(&path("team-a", "web"), "is gone", |object| object.is_none()).await;
    assert_eq!(world.api.get(&config_map("a", "c")).await.unwrap(), None);
}

mod tests {
    crate::on_kubesim!(
        applications_of_one_name_live_in_many_namespaces,
        a_project_that_takes_its_permission_back_stops_a_deletion,
    );
}
