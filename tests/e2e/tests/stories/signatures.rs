//! What runs was signed by somebody whom the project trusts.

use e2e::{World, conditions};
use serde_json::{Value, json};
use testkit::{Signer, SshKey};

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
    assert_eq!(world.api.get(&config_map("policy", "c")).await.unwrap(), None);
    patch(policy(json!([{"url": "*"}, {"url": "!*/config.git"}]), "head")).await;
    world.until_good_at("policy", &commit).await;
}

/// Of an annotated tag its own signature counts; in strict mode its commit's, too, and those of all before, up to a seal.
async fn tags_and_histories_are_held_against_their_policy(world: &mut World) {
    let Some(ada) = Signer::new("Ada <ada@example.com>").unwrap() else { return };
    let eve = Signer::new("Eve <eve@example.com>").unwrap().unwrap();
    trust(world, &[&ada, &eve]).await;
    world.api.apply(&project(&[])).await.unwrap();
    let mode = |mode: &str| {
        let policy = json!({"repos": [{"url": "*"}], "gpg": {"mode": mode, "keys": [ada.key()]}});
        json!({"spec": {"sourceIntegrity": {"git": {"policies": [policy]}}}})
    };
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/signed";
    world.api.patch(path, &mode("head")).await.unwrap();
    let files = |value: &str| [("tags/c.yaml".to_owned(), config("c", value))];
    let write = |value: &str, message: &str, by: Option<&Signer>| {
        let files = files(value);
        let files = files.each_ref().map(|(path, text)| (path.as_str(), text.as_str()));
        match by {
            Some(by) => world.repository.commit_signed(&files, message, by).unwrap(),
            None => world.repository.commit(&files, message).unwrap(),
        }
    };
    let says = |text: String| {
        move |app: &Value| {
            conditions(app).iter().any(|c| c.starts_with("ComparisonError") && c.contains(&text))
        }
    };
    // Nobody signed the commit; somebody signed the tag.
    let unsigned = write("one", "one", None);
    world.repository.tag_signed("v1", &ada).unwrap();
    world.repository.tag("v2", Some("not signed")).unwrap();
    world.pushed();
    let mut app = world.application("tags", "tags", "tags");
    app["spec"]["project"] = json!("signed");
    app["spec"]["source"]["targetRevision"] = json!("v1");
    world.api.apply(&app).await.unwrap();
    world.until_good_at("tags", &unsigned).await;
    app["spec"]["source"]["targetRevision"] = json!("v2");
    world.api.apply(&app).await.unwrap();
    let text = "Target revision v2 in Git is not signed, but a signature is required".to_owned();
    world.until_app("tags", "refuses the tag", says(text)).await;

    // In strict mode all that came before counts, up to a seal that is signed by somebody who may.
    app["spec"]["source"]["targetRevision"] = json!("v1");
    world.api.apply(&app).await.unwrap();
    world.api.patch(path, &mode("strict")).await.unwrap();
    let text = format!(
        "Failed verifying revision {unsigned} by 'Ada Example <ada@example.com>': unsigned (key_id=)"
    );
    world.until_app("tags", "refuses the tag's commit", says(text.clone())).await;
    app["spec"]["source"]["targetRevision"] = json!("main");
    world.api.apply(&app).await.unwrap();
    let seal = "reviewed\n\nArgocd-gpg-seal: what was before is good";
    write("two", seal, Some(&eve));
    world.pushed();
    let text_of_eve = format!("signed with unallowed key (key_id={})", eve.id());
    world.until_app("tags", "trusts no seal of others", says(text_of_eve)).await;
    world.until_app("tags", "looks behind it", says(text)).await;
    let sealed = write("three", seal, Some(&ada));
    world.pushed();
    world.until_good_at("tags", &sealed).await;
    let last = write("four", "four", Some(&ada));
    world.pushed();
    world.until_good_at("tags", &last).await;
    let bad = write("five", "five", None);
    write("six", "six", Some(&ada));
    world.pushed();
    world.until_app("tags", "finds what is in between", says(bad)).await;
    let live = world.api.get(&config_map("tags", "c")).await.unwrap().unwrap();
    assert_eq!(live["data"]["key"], "four");
}

/// Keys of SSH are trusted where the project names their fingerprints; the peer knows OpenPGP alone.
async fn commits_may_be_signed_by_ssh_keys(world: &mut World) {
    let Some(key) = SshKey::new("ed25519", "256").unwrap() else { return };
    let (id, public) = (key.fingerprint().unwrap(), key.public().unwrap());
    let metadata = json!({"name": "argocd-gpg-keys-cm", "namespace": "argocd"});
    let keys =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ada": public}});
    world.api.apply(&keys).await.unwrap();
    world.api.apply(&project(&["0000000000000000"])).await.unwrap();
    let files = [("ssh/c.yaml", &*config("c", "x"))];
    let commit = world.repository.commit_signed_by_ssh(&files, "by ssh", &key.file()).unwrap();
    world.pushed();
    let mut app = world.application("ssh", "ssh", "ssh");
    app["spec"]["project"] = json!("signed");
    world.api.apply(&app).await.unwrap();
    let text = format!(
        "Found good signature made with SSH ED25519 key {id}, but this key is not allowed in AppProject"
    );
    let says = |app: &Value| conditions(app) == [format!("ComparisonError: {text}")];
    world.until_app("ssh", "refuses a key that the project does not name", says).await;
    world.api.apply(&project(&[&id])).await.unwrap();
    world.until_good_at("ssh", &commit).await;
}

mod tests {
    crate::on_kubesim!(
        commits_may_be_signed_by_ssh_keys,
        only_what_is_signed_by_a_trusted_key_runs,
        a_policy_is_for_its_repositories,
        tags_and_histories_are_held_against_their_policy,
    );
}
