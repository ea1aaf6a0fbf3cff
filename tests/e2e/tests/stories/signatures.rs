//! What runs was signed by somebody whom the project trusts.

use e2e::{World, conditions};
use serde_json::{Value, json};
use testkit::Signer;

use crate::manifests::{config, config_map};

fn project(keys: &[&str]) -> Value {
    let keys: Vec<Value> = keys.iter().map(|key| json!({"keyID": key})).collect();
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "signed", "namespace": "argocd"},
        "spec": {
            "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}], "signatureKeys": keys,
        },
    })
}

async fn trust(world: &World, keys: &[&Signer]) {
    let data: serde_json::Map<String, Value> =
        keys.iter().map(|key| (key.id().to_owned(), json!(key.public().unwrap()))).collect();
    let metadata = json!({"name": "argocd-gpg-keys-cm", "namespace": "argocd"});
    let keys = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
    world.api.apply(&keys).await.unwrap();
}

async fn only_what_is_signed_by_a_trusted_key_runs(world: &mut World) {
    let Some(ada) = Signer::new("Ada <ada@example.com>").unwrap() else { return };
    let eve = Signer::new("Eve <eve@example.com>").unwrap().unwrap();
    trust(world, &[&ada]).await;
    world.api.apply(&project(&[ada.key()])).await.unwrap();
    let signed = |world: &World, value: &str, by: &Signer| {
        let commit =
            world.repository.commit_signed(&[("signed/c.yaml", &config("c", value))], value, by).unwrap();
        world.pushed();
        commit
    };
    let first = signed(world, "one", &ada);
    let mut app = world.application("signed", "signed", "signed");
    app["spec"]["project"] = json!("signed");
    world.api.apply(&app).await.unwrap();
    world.until_good_at("signed", &first).await;

    let says = |text: String| move |app: &Value| conditions(app) == [format!("ComparisonError: {text}")];
    let runs =
        |value: &'static str| move |object: Option<&Value>| object.is_some_and(|o| o["data"]["key"] == value);
    let path = config_map("signed", "c");
    let commit = world.push(&[("signed/c.yaml", &config("c", "unsigned"))]).unwrap();
    let text = format!("Target revision {commit} in Git is not signed, but a signature is required");
    world.until_app("signed", "refuses what is not signed", says(text)).await;
    let commit = signed(world, "unknown", &eve);
    let id = eve.id();
    let text =
        format!("Could not verify commit signature on revision '{commit}': key {id} is not in the keyring");
    world.until_app("signed", "refuses a key that nobody knows", says(text)).await;
    // Known, and not the project's.
    trust(world, &[&ada, &eve]).await;
    let text =
        format!("Found good signature made with EDDSA key {id}, but this key is not allowed in AppProject");
    world.until_app("signed", "refuses a key of somebody else", says(text.clone())).await;
    // A sync that somebody asks for comes no further.
    let ended = world.sync("signed", json!({})).await.unwrap();
    let state = &ended["status"]["operationState"];
    assert_eq!((&state["phase"], &state["message"]), (&json!("Error"), &json!(text)));
    assert!(runs("one")(world.api.get(&path).await.unwrap().as_ref()));

    world.api.apply(&project(&[ada.key(), id])).await.unwrap();
    world.until_good_at("signed", &commit).await;
    world.until(&path, "runs what Eve signed", runs("unknown")).await;
    world.restart().await.unwrap();
    let last = signed(world, "last", &ada);
    world.until_good_at("signed", &last).await;
    world.until(&path, "runs what Ada signed", runs("last")).await;
}

async fn a_policy_is_for_its_repositories(world: &mut World) {
    let Some(ada) = Signer::new("Ada <ada@example.com>").unwrap() else { return };
    trust(world, &[&ada]).await;
    let policy = |repos: Value, mode: &str| {
        let policy = json!({"repos": repos, "gpg": {"mode": mode, "keys": [ada.key()]}});
        json!({"spec": {"sourceIntegrity": {"git": {"policies": [policy]}}}})
    };
    let patch = |patch: Value| {
        let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/signed";
        let api = &world.api;
        async move { api.patch(path, &patch).await.unwrap() }
    };
    world.api.apply(&project(&[])).await.unwrap();
    patch(policy(json!([{"url": "*"}]), "head")).await;
    let commit = world.push(&[("policy/c.yaml", &config("c", "x"))]).unwrap();
    let mut app = world.application("policy", "policy", "policy");
    app["spec"]["project"] = json!("signed");
    world.api.apply(&app).await.unwrap();
    let says = |text: String| move |app: &Value| conditions(app) == [format!("ComparisonError: {text}")];
    let unsigned = format!("Target revision {commit} in Git is not signed, but a signature is required");
    world.until_app("policy", "refuses what is not signed", says(unsigned)).await;
    patch(policy(json!([{"url": "*"}]), "strict")).await;
    let strict =
        "sourceIntegrity asks for mode strict, the whole history's signatures, which is not there yet";
    world.until_app("policy", "refuses what it cannot tell", says(strict.to_owned())).await;
    assert_eq!(world.api.get(&config_map("policy", "c")).await.unwrap(), None);
    patch(policy(json!([{"url": "*"}, {"url": "!*/config.git"}]), "head")).await;
    world.until_good_at("policy", &commit).await;
}

mod tests {
    crate::on_kubesim!(only_what_is_signed_by_a_trusted_key_runs, a_policy_is_for_its_repositories);
}
