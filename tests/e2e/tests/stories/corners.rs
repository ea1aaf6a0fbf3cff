//! The corners of applying: what other writers own, what the server never shows, what an apply refuses.

use std::process::Command;

use e2e::{World, app_path, is_good};
use http::Method;
use serde_json::{Value, json};

use crate::manifests::{deployment, deployment_path, text};

async fn scaled_by_an_autoscaler(world: &World, name: &str, replicas: u64) {
    let path = format!("{}/scale?fieldManager=autoscaler", deployment_path(name, name));
    let scale = json!({"spec": {"replicas": replicas}});
    world.api.send(Method::PATCH, &path, "application/merge-patch+json", Some(&scale)).await.unwrap();
}

fn image(app: &Value) -> Value {
    app["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

/// Without self-heal an autoscaler's replicas stay; a rule for them must not undo that, nor a later commit where they are respected.
pub(crate) async fn an_ignore_rule_leaves_replicas_alone(world: &mut World) {
    for (name, respects) in [("scaled", false), ("respected", true)] {
        let (manifest, file) = (deployment(name, "web:1", 0), format!("{name}/d.yaml"));
        world.push(&[(&file, &manifest)]).unwrap();
        let mut app = world.application(name, name, name);
        app["spec"]["syncPolicy"]["automated"] = json!({"prune": true});
        if respects {
            app["spec"]["syncPolicy"]["syncOptions"] =
                json!(["CreateNamespace=true", "RespectIgnoreDifferences=true"]);
        }
        world.api.apply(&app).await.unwrap();
        world.until_good(name).await;
        scaled_by_an_autoscaler(world, name, 5).await;
        world.until_app(name, "differs", |app| app["status"]["sync"]["status"] == "OutOfSync").await;
        let rule = json!([{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]);
        world.api.patch(&app_path(name), &json!({"spec": {"ignoreDifferences": rule}})).await.unwrap();
        world.until_app(name, "is good by the rule", is_good).await;
        let path = deployment_path(name, name);
        assert_eq!(world.api.get(&path).await.unwrap().unwrap()["spec"]["replicas"], 5);
        if respects {
            let commit = world.push(&[(&file, &manifest.replace("web:1", "web:2"))]).unwrap();
            world.until_good_at(name, &commit).await;
            let live = world.api.get(&path).await.unwrap().unwrap();
            assert_eq!(live["spec"]["replicas"], 5, "{live}");
            assert_eq!(image(&live), "registry.example.com/web:2");
            // Where it has to be created, git's word counts.
            world.api.delete(&path).await.unwrap();
            world.until_app(name, "misses it", |app| app["status"]["sync"]["status"] == "OutOfSync").await;
            world.sync(name, json!({})).await.unwrap();
            assert_eq!(world.api.get(&path).await.unwrap().unwrap()["spec"]["replicas"], 2);
        }
    }
}

/// The config map of kubectl's and of the peer, as they applied it, with a key that git no longer has.
pub(crate) async fn a_field_that_left_git_goes_whoever_applied_it(world: &mut World) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "legacy"}});
    world.api.apply(&namespace).await.unwrap();
    let config = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "legacy"}, "data": data});
    let old = json!({"kept": "1", "gone": "1"});
    for (name, manager) in [("by-kubectl", "kubectl-client-side-apply"), ("by-peer", "argocd-controller")] {
        let object = config(name, old.clone());
        if let (Some(real), "by-kubectl") = (&world.cluster.real, name) {
            let file = world.repository.work().join("../by-kubectl.json");
            std::fs::write(&file, object.to_string()).unwrap();
            #[expect(clippy::disallowed_methods, reason = "the real kubectl is what the story is about")]
            let mut kubectl = Command::new(real.kubectl());
            let done = kubectl
                .arg("--kubeconfig")
                .arg(real.kubeconfig())
                .args(["apply", "-f"])
                .arg(&file)
                .status()
                .unwrap();
            assert!(done.success());
            continue;
        }
        let mut object = object;
        object["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": config(name, old.clone()).to_string()});
        let path = format!("/api/v1/namespaces/legacy/configmaps?fieldManager={manager}");
        world.api.send(Method::POST, &path, "application/json", Some(&object)).await.unwrap();
    }
    // Somebody else's field is none of ours.
    let path = "/api/v1/namespaces/legacy/configmaps/by-kubectl?fieldManager=other";
    world
        .api
        .send(Method::PATCH, path, "application/merge-patch+json", Some(&json!({"data": {"theirs": "1"}})))
        .await
        .unwrap();

    let wanted = |name: &str| text(&config(name, json!({"kept": "1"})));
    world.push(&[("legacy/a.yaml", &wanted("by-kubectl")), ("legacy/b.yaml", &wanted("by-peer"))]).unwrap();
    world.api.apply(&world.application("legacy", "legacy", "legacy")).await.unwrap();
    world.until_good("legacy").await;
    let data = async |name: &str| {
        world.api.get(&format!("/api/v1/namespaces/legacy/configmaps/{name}")).await.unwrap().unwrap()["data"]
            .clone()
    };
    assert_eq!(data("by-kubectl").await, json!({"kept": "1", "theirs": "1"}));
    assert_eq!(data("by-peer").await, json!({"kept": "1"}));
}

pub(crate) async fn string_data_is_synced_and_stays_so(world: &mut World) {
    let secret = |password: &str| {
        text(
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": password}, "data": {"user": "YQ=="}}),
        )
    };
    world.push(&[("secret/s.yaml", &secret("one"))]).unwrap();
    world.api.apply(&world.application("secret", "secret", "secret")).await.unwrap();
    world.until_good("secret").await;
    let path = "/api/v1/namespaces/secret/secrets/s";
    let live = world.api.get(path).await.unwrap().unwrap();
    assert_eq!(live["data"], json!({"password": "b25l", "user": "YQ=="}));
    let app = world.refresh("secret").await.unwrap();
    assert!(is_good(&app), "{}", app["status"]);
    let commit = world.push(&[("secret/s.yaml", &secret("two"))]).unwrap();
    let app = world.until_good_at("secret", &commit).await;
    assert_eq!(app["status"]["history"].as_array().unwrap().len(), 2, "one sync a commit");
    let live = world.api.get(path).await.unwrap().unwrap();
    assert_eq!(live["data"], json!({"password": "dHdv", "user": "YQ=="}));
    assert!(!app.to_string().contains("dHdv"), "no value in the status");
}

async fn duplicate_list_keys_are_applied_the_clients_way(world: &mut World) {
    let manifest = |value: &str| {
        deployment("twice", "twice:1", 0)
            .replace("\"name\":\"main\"", &format!("\"name\":\"main\",\"env\":[{{\"name\":\"A\",\"value\":\"1\"}},{{\"name\":\"A\",\"value\":\"{value}\"}}]"))
    };
    world.push(&[("twice/d.yaml", &manifest("2"))]).unwrap();
    world.api.apply(&world.application("twice", "twice", "twice")).await.unwrap();
    let app = world.until_good("twice").await;
    let message =
        app["status"]["operationState"]["syncResult"]["resources"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the client's way"), "{message}");
    let commit = world.push(&[("twice/d.yaml", &manifest("3"))]).unwrap();
    let app = world.until_good_at("twice", &commit).await;
    assert_eq!(app["status"]["history"].as_array().unwrap().len(), 2, "and are no endless difference");
}

mod tests {
    crate::on_kubesim!(
        an_ignore_rule_leaves_replicas_alone,
        a_field_that_left_git_goes_whoever_applied_it,
        string_data_is_synced_and_stays_so,
        duplicate_list_keys_are_applied_the_clients_way,
    );
}
