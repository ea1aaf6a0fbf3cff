//! Syncs that run as service accounts of their project, by a controller that may write next to nothing itself.

use e2e::{On, World};
use kubesim::{Access, Rule};
use serde_json::{Value, json};

use crate::manifests::{config, config_map, text};

/// It reads everything, keeps its own records, and may impersonate service accounts.
fn rules() -> Vec<Rule> {
    let rule = |groups: &[&str], resources: &[&str], verbs: &[&str]| {
        let list = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        Rule { groups: list(groups), resources: list(resources), verbs: list(verbs), ..Rule::default() }
    };
    vec![
        rule(&["*"], &["*"], &["get", "list", "watch"]),
        rule(&["argoproj.io"], &["*"], &["patch"]),
        rule(&["coordination.k8s.io"], &["leases"], &["*"]),
        rule(&["", "events.k8s.io"], &["events"], &["create"]),
        rule(&[""], &["serviceaccounts"], &["impersonate"]),
    ]
}

/// The project, and its service account's rights: none where `rules` is empty.
async fn prepared(world: &World, rules: &Value) {
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "least", "namespace": "argocd"},
        "spec": {
            "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
            "destinationServiceAccounts": [{"server": "https://*", "namespace": "own", "defaultServiceAccount": "deployer"}],
        },
    });
    for name in ["own", "else"] {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        world.api.apply(&namespace).await.unwrap();
    }
    world.api.apply(&project).await.unwrap();
    grant(world, rules).await;
}

async fn grant(world: &World, rules: &Value) {
    let rbac = "rbac.authorization.k8s.io";
    let role = json!({
        "apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": {"name": "deployer", "namespace": "own"}, "rules": rules,
    });
    let binding = json!({
        "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": {"name": "deployer", "namespace": "own"},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "deployer"},
        "subjects": [{"kind": "ServiceAccount", "name": "deployer", "namespace": "own"}],
    });
    for object in [role, binding] {
        world.api.apply(&object).await.unwrap();
    }
}

/// Enough for maps and jobs.
fn some() -> Value {
    json!([
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "patch", "delete"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "patch", "delete"]},
    ])
}

async fn set(world: &World, key: &str, value: &str) {
    let patch = json!({"data": {format!("application.sync.impersonation.{key}"): value}});
    world.api.patch("/api/v1/namespaces/argocd/configmaps/argocd-cm", &patch).await.unwrap();
}

fn application(world: &World, name: &str, namespace: &str) -> Value {
    let mut app = world.application(name, name, namespace);
    app["spec"]["project"] = json!("least");
    app["spec"]["syncPolicy"]["syncOptions"] = json!([]);
    app
}

fn job(name: &str) -> String {
    let annotations = json!({"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"});
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "migrate:1"}]});
    text(&json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "annotations": annotations},
        "spec": {"template": {"spec": pod}},
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_has_the_rights_of_its_service_account_and_no_others() {
    let world = World::start_with(On::Kubesim, Access::Rules(rules())).await.unwrap().unwrap();
    prepared(&world, &some()).await;
    set(&world, "enabled", "true").await;
    world
        .push(&[
            ("own/c.yaml", &config("c", "x")),
            ("own/old.yaml", &config("old", "x")),
            ("own/job.yaml", &job("migrate")),
            ("other/c.yaml", &config("c", "x")),
        ])
        .unwrap();
    // What is applied, run as a hook and deleted again, pruned, and healed, the account does; the controller could not.
    world.api.apply(&application(&world, "own", "own")).await.unwrap();
    world.until_good("own").await;
    world.until("/apis/batch/v1/namespaces/own/jobs/migrate", "is tidied away", |job| job.is_none()).await;
    world.repository.remove(&["own/old.yaml"], "less").unwrap();
    world.pushed();
    world.until(&config_map("own", "old"), "is pruned", |object| object.is_none()).await;
    world.until_good("own").await;
    world.api.patch(&config_map("own", "c"), &json!({"data": {"key": "drift"}})).await.unwrap();
    let healed = |object: Option<&Value>| object.is_some_and(|object| object["data"]["key"] == "x");
    world.until(&config_map("own", "c"), "is healed", healed).await;

    // What the account may not do is refused in its name.
    let secret = text(
        &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}),
    );
    world.push(&[("own/s.yaml", &secret)]).unwrap();
    let refused = |app: &Value| {
        app["status"]["operationState"]["syncResult"]
            .to_string()
            .contains("system:serviceaccount:own:deployer")
    };
    world.until_app("own", "is refused the Secret", refused).await;

    // No account is for this destination: nothing is written.
    world.api.apply(&application(&world, "other", "else")).await.unwrap();
    let why = "failed to find a matching service account to impersonate: no matching service account found for destination \
               server https://kubernetes.default.svc and namespace else";
    let failed = |app: &Value| {
        let state = &app["status"]["operationState"];
        state["message"].as_str().unwrap_or_default().starts_with(why)
    };
    let app = world.until_app("other", "has no account", failed).await;
    assert_eq!(app["status"]["sync"]["status"], "OutOfSync", "it is compared all the same");
    assert_eq!(world.api.get(&config_map("else", "c")).await.unwrap(), None);

    // Where that is permitted, the controller does it itself, which may not here.
    set(&world, "enforced", "false").await;
    let itself =
        |app: &Value| app["status"]["operationState"]["syncResult"].to_string().contains("capstan-1");
    world.until_app("other", "is refused as the controller", itself).await;
    assert!(world.api.get(&config_map("else", "c")).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_cannot_be_read_is_named() {
    let world = World::start(On::Kubesim).await.unwrap().unwrap();
    prepared(&world, &some()).await;
    let rules = json!([{"server": "*", "namespace": "[a", "defaultServiceAccount": "deployer"}]);
    let project = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/least";
    world.api.patch(project, &json!({"spec": {"destinationServiceAccounts": rules}})).await.unwrap();
    set(&world, "enabled", "true").await;
    world.push(&[("own/c.yaml", &config("c", "x"))]).unwrap();
    let mut app = application(&world, "own", "own");
    app["spec"]["syncPolicy"].as_object_mut().unwrap().remove("automated");
    world.api.apply(&app).await.unwrap();
    world.until_app("own", "is compared", |app| app["status"]["sync"]["status"] == "OutOfSync").await;
    let app = world.sync("own", json!({})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Error");
    let said = app["status"]["operationState"]["message"].as_str().unwrap();
    assert!(said.contains("invalid glob pattern for destination namespace: \"[a\""), "{said}");
    assert_eq!(world.api.get(&config_map("own", "c")).await.unwrap(), None);
}

pub(crate) async fn a_service_account_may_what_its_bindings_say(world: &mut World) {
    prepared(world, &json!([])).await;
    set(world, "enabled", "true").await;
    world.push(&[("bound/c.yaml", &config("bound", "x"))]).unwrap();
    let mut app = application(world, "bound", "own");
    app["spec"]["syncPolicy"]["retry"] = json!({"limit": -1, "backoff": {"duration": "1s", "factor": 1}});
    world.api.apply(&app).await.unwrap();
    let refused = |app: &Value| {
        app["status"]["operationState"]["syncResult"]
            .to_string()
            .contains("system:serviceaccount:own:deployer")
    };
    world.until_app("bound", "is refused", refused).await;
    assert_eq!(world.api.get(&config_map("own", "bound")).await.unwrap(), None);
    grant(world, &some()).await;
    world.until_good("bound").await;
    assert!(world.api.get(&config_map("own", "bound")).await.unwrap().is_some());
    set(world, "enabled", "false").await;
    world.leave(&["bound"]).await.unwrap();
}

mod tests {
    crate::on_kubesim!(a_service_account_may_what_its_bindings_say);
}
