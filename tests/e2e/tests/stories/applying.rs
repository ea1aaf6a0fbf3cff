//! What an apply does to an object that others have their part in, or that the server has its own mind about.

use e2e::{World, is_good};
use serde_json::{Value, json};

use crate::manifests::{annotated, config, config_map, text};

/// `Replace=true` writes the object whole: what others had added goes, and it is the same object still.
pub(crate) async fn replace_alone_writes_whole_objects_and_deletes_none(world: &mut World) {
    let job = |image: &str| {
        text(&json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "j", "annotations": {"argocd.argoproj.io/sync-options": "Replace=true"}},
            "spec": {"suspend": true, "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}}},
        }))
    };
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "s", "annotations": {"argocd.argoproj.io/sync-options": "Replace=true"}},
        "spec": {"selector": {"app": "s"}, "ports": [{"name": "http", "port": 80}]},
    });
    let whole = |value: &str| annotated("c", value, &[("sync-options", "Replace=true")]);
    world.push(&[("whole/c.yaml", &whole("1")), ("whole/s.yaml", &text(&service))]).unwrap();
    let mut app = world.application("whole", "whole", "whole");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
    world.sync("whole", json!({})).await.unwrap();
    let path = config_map("whole", "c");
    let uid = |object: &Value| object["metadata"]["uid"].clone();
    let before = world.api.patch(&path, &json!({"data": {"theirs": "x"}})).await.unwrap();
    let address = "/api/v1/namespaces/whole/services/s";
    let at = world.api.get(address).await.unwrap().unwrap()["spec"]["clusterIP"].clone();
    world.push(&[("whole/c.yaml", &whole("2"))]).unwrap();
    let app = world.sync("whole", json!({})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded", "{}", app["status"]["operationState"]);
    let now = world.api.get(&path).await.unwrap().unwrap();
    assert_eq!(now["data"], json!({"key": "2"}));
    assert_eq!(uid(&now), uid(&before));
    assert_eq!(world.api.get(address).await.unwrap().unwrap()["spec"]["clusterIP"], at, "kept by the server");
    world.until_app("whole", "is in sync", |app| app["status"]["sync"]["status"] == "Synced").await;

    // What an update cannot change is refused, and not made anew: that would be Force.
    let path = "/apis/batch/v1/namespaces/whole/jobs/j";
    world.push(&[("whole/j.yaml", &job("job:1"))]).unwrap();
    world.sync("whole", json!({})).await.unwrap();
    let before = world.api.get(path).await.unwrap().unwrap();
    world.push(&[("whole/j.yaml", &job("job:2"))]).unwrap();
    let app = world.sync("whole", json!({})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Failed");
    assert!(app["status"]["operationState"].to_string().contains("immutable"), "{}", app["status"]);
    assert_eq!(uid(&world.api.get(path).await.unwrap().unwrap()), uid(&before));
}

/// Two ports of one number are two entries by their protocol; two of one number and protocol are a mistake that the server names.
pub(crate) async fn ports_of_one_number_are_told_apart_by_their_protocol(world: &mut World) {
    let service = |ports: Value| {
        text(&json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "dns"},
            "spec": {"selector": {"app": "dns"}, "ports": ports},
        }))
    };
    let (udp, tcp) = (
        json!({"name": "udp", "port": 53, "protocol": "UDP"}),
        // The server's default counts as if it were written.
        json!({"name": "tcp", "port": 53}),
    );
    world
        .push(&[("ports/s.yaml", &service(json!([udp, tcp]))), ("ports/c.yaml", &config("c", "1"))])
        .unwrap();
    let mut app = world.application("ports", "ports", "ports");
    app["spec"]["syncPolicy"]["retry"] = json!({"limit": 0});
    world.api.apply(&app).await.unwrap();
    world.until_good("ports").await;
    let path = "/api/v1/namespaces/ports/services/dns";
    let ports = |object: Option<&Value>| object.unwrap()["spec"]["ports"].clone();
    world.until(path, "has both", |o| ports(o).as_array().unwrap().len() == 2).await;
    let app = world.refresh("ports").await.unwrap();
    assert!(is_good(&app), "{}", app["status"]);

    let moved = json!({"name": "tcp", "port": 53, "targetPort": 5353});
    let commit = world.push(&[("ports/s.yaml", &service(json!([udp, moved])))]).unwrap();
    world.until_good_at("ports", &commit).await;
    world.until(path, "has the one changed", |o| ports(o)[1]["targetPort"] == 5353).await;
    world.until(path, "has the other as it was", |o| ports(o)[0]["targetPort"] == 53).await;

    let twice = service(json!([tcp, {"name": "again", "port": 53}]));
    world.push(&[("ports/s.yaml", &twice)]).unwrap();
    let failed = |app: &Value| app["status"]["operationState"]["phase"] == "Failed";
    let app = world.until_app("ports", "is refused", failed).await;
    let results = app["status"]["operationState"]["syncResult"]["resources"].as_array().unwrap();
    let said = results.iter().find(|r| r["kind"] == "Service").unwrap()["message"].as_str().unwrap();
    assert!(said.contains("53") && said.to_lowercase().contains("duplicate"), "{said}");
    world.until(path, "is as it was", |o| ports(o)[0]["protocol"] == "UDP").await;

    let good = world.push(&[("ports/s.yaml", &service(json!([tcp])))]).unwrap();
    world.until_good_at("ports", &good).await;
    world.until(path, "has the one that is left", |o| ports(o).as_array().unwrap().len() == 1).await;
}

/// What depends on a pruned object stays, goes after it, or goes before it: a finalizer holds the dependent still for a look.
pub(crate) async fn a_prune_treats_dependents_as_the_policy_says(world: &mut World) {
    for policy in ["foreground", "background", "orphan"] {
        let file = format!("{policy}/owner.yaml");
        world
            .push(&[(&file, &config("owner", "x")), (&format!("{policy}/c.yaml"), &config("rest", "x"))])
            .unwrap();
        let mut app = world.application(policy, policy, policy);
        app["spec"]["syncPolicy"] =
            json!({"syncOptions": ["CreateNamespace=true", format!("PrunePropagationPolicy={policy}")]});
        world.api.apply(&app).await.unwrap();
        world.sync(policy, json!({})).await.unwrap();
        let owner = config_map(policy, "owner");
        let uid = world.api.get(&owner).await.unwrap().unwrap()["metadata"]["uid"].clone();
        let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "blockOwnerDeletion": true});
        let dependent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "dependent", "namespace": policy, "ownerReferences": [reference], "finalizers": ["story.example.com/held"]}});
        world.api.apply(&dependent).await.unwrap();
        world.repository.remove(&[&file], "no owner").unwrap();
        world.pushed();
        let mark = world.begin_sync(policy, json!({"prune": true})).await.unwrap();

        let path = config_map(policy, "dependent");
        let is_going = |o: Option<&Value>| o.is_some_and(|o| o["metadata"]["deletionTimestamp"].is_string());
        match policy {
            "foreground" => {
                world.until(&path, "goes first", is_going).await;
                world.until(&owner, "waits for it", is_going).await;
            }
            "background" => {
                world.until(&owner, "goes at once", |o| o.is_none()).await;
                world.until(&path, "goes after it", is_going).await;
            }
            _ => {
                world.until(&owner, "goes alone", |o| o.is_none()).await;
                let left = world.api.get(&path).await.unwrap().unwrap();
                assert!(!is_going(Some(&left)), "{left}");
                assert_eq!(left["metadata"]["ownerReferences"], Value::Null);
            }
        }
        world.api.patch(&path, &json!({"metadata": {"finalizers": null}})).await.unwrap();
        world.until(&owner, "is gone", |o| o.is_none()).await;
        let app = world.until_ended(policy, &mark).await;
        assert_eq!(
            app["status"]["operationState"]["phase"], "Succeeded",
            "{}",
            app["status"]["operationState"]
        );
    }
}

/// Two applications have one object in git: it is said, and whoever insists fails instead of taking it.
async fn a_shared_object_is_named_and_can_be_insisted_on(world: &mut World) {
    world.push(&[("ours/c.yaml", &config("c", "ours")), ("theirs/c.yaml", &config("c", "theirs"))]).unwrap();
    for name in ["ours", "theirs"] {
        let mut app = world.application(name, name, "shared");
        app["spec"]["syncPolicy"] =
            json!({"syncOptions": ["CreateNamespace=true", "FailOnSharedResource=true"]});
        world.api.apply(&app).await.unwrap();
    }
    let shared = |app: &Value| e2e::conditions(app).iter().any(|c| c.starts_with("SharedResourceWarning"));
    world.sync("ours", json!({})).await.unwrap();
    world.until_app("theirs", "says that it is shared", shared).await;
    let app = world.sync("theirs", json!({})).await.unwrap();
    let state = &app["status"]["operationState"];
    assert_eq!(state["phase"], "Failed", "{state}");
    let said = state["syncResult"]["resources"][0]["message"].as_str().unwrap();
    assert!(said.contains("shared resource found") && said.contains("application ours"), "{said}");
    assert_eq!(world.api.get(&config_map("shared", "c")).await.unwrap().unwrap()["data"]["key"], "ours");
}

mod tests {
    crate::on_kubesim!(
        replace_alone_writes_whole_objects_and_deletes_none,
        ports_of_one_number_are_told_apart_by_their_protocol,
        a_prune_treats_dependents_as_the_policy_says,
        a_shared_object_is_named_and_can_be_insisted_on,
    );
}
