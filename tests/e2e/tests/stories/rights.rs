//! A controller that may not do everything.

use e2e::{On, World, conditions};
use kubesim::{Access, Rule};
use serde_json::json;

use crate::manifests::{config, deployment, text};

/// Seed 000's ClusterRole, and what the controller's own namespace needs.
fn rules() -> Vec<Rule> {
    let rule = |groups: &[&str], resources: &[&str], verbs: &[&str]| {
        let list = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        Rule { groups: list(groups), resources: list(resources), verbs: list(verbs), ..Rule::default() }
    };
    let read = ["get", "list", "watch"];
    let all = ["get", "list", "watch", "create", "update", "patch", "delete"];
    vec![
        rule(&[""], &["pods", "pods/log"], &read),
        rule(&["apps"], &["deployments", "statefulsets", "daemonsets", "replicasets"], &all),
        rule(&["batch"], &["jobs"], &all),
        rule(&[""], &["services", "configmaps", "secrets"], &all),
        rule(&["networking.k8s.io"], &["ingresses"], &all),
        rule(&["argoproj.io"], &["*"], &all),
        rule(&["coordination.k8s.io"], &["leases"], &all),
        rule(&["", "events.k8s.io"], &["events"], &["create", "patch"]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named_and_stops_no_other_application() {
    let world = World::start_with(On::Kubesim, Access::Rules(rules())).await.unwrap().unwrap();
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": []});
    world
        .push(&[
            ("allowed/d.yaml", &deployment("web", "web:1", 0)),
            ("allowed/c.yaml", &config("c", "x")),
            ("forbidden/r.yaml", &text(&role)),
            ("forbidden/c.yaml", &config("f", "x")),
            ("namespace/c.yaml", &config("n", "x")),
        ])
        .unwrap();
    for name in ["forbidden", "namespace", "allowed"] {
        let to = if name == "namespace" { "new" } else { "default" };
        world.api.apply(&world.application(name, name, to)).await.unwrap();
    }
    world.until_good("allowed").await;
    let says = |words: [&'static str; 2]| {
        move |app: &serde_json::Value| {
            conditions(app).iter().any(|c| words.iter().all(|word| c.contains(word)))
        }
    };
    world
        .until_app(
            "forbidden",
            "names the missing right",
            says(["roles", "grant the verbs get, list and watch"]),
        )
        .await;
    world
        .until_app("namespace", "names the missing right", |app| {
            let message = app["status"]["operationState"]["message"].as_str().unwrap_or_default();
            message.contains("namespaces") && message.contains("create")
        })
        .await;
    let app = world.app("allowed").await.unwrap();
    assert_eq!(conditions(&app), [""; 0]);
}
