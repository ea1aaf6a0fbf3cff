//! The parts of a real cluster that fail: etcd and the API server themselves (F5), webhooks and policies of some objects (F6), a whole
//! cluster that is somebody's destination (F15). What does not need them goes on; the rest is done when they are back.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use e2e::{Gate, Remote, conditions};
use faults::story::{config, definition, object};
use faults::{Rig, Weather};
use serde_json::{Value, json};
use testkit::eventually;

use crate::rivals::fight;
use crate::{Ground, all, etcd, git, undisturbed};

/// Rows about git that the real server is asked, too.
const GIT: usize = 1;

const NEEDS: [&str; 3] = [
    "/apis/needs~.example.com/v2/namespaces/needs~/widgets/stays",
    "/apis/needs~.example.com/v2/namespaces/needs~/widgets/goes",
    "/api/v1/namespaces/needs~/configmaps/goes-too",
];
const FREE: [&str; 2] = ["/api/v1/namespaces/free~/configmaps/a", "/api/v1/namespaces/free~/configmaps/b"];
const NAMESPACES: &str = "/api/v1/namespaces";

fn widget(name: &str) -> String {
    object("needs~.example.com/v2", "Widget", name, &[], json!({"spec": {"size": 1}}))
}

fn conversion(broken: bool) -> Value {
    if !broken {
        return json!({"spec": {"conversion": {"strategy": "None", "webhook": null}}});
    }
    let service = json!({"namespace": "default", "name": "nobody", "path": "/"});
    let webhook = json!({"clientConfig": {"service": service}, "conversionReviewVersions": ["v1"]});
    json!({"spec": {"conversion": {"strategy": "Webhook", "webhook": webhook}}})
}

/// F6: objects of one kind cannot be read any more. Only who has some is concerned, and loses nothing.
async fn a_broken_conversion(ground: Ground) -> Result<Vec<String>> {
    let rig = ground.rig(Weather::fair()).await?;
    let mut definition = definition(&rig.at("needs~.example.com"));
    let mut second = definition["spec"]["versions"][0].clone();
    (second["name"], second["storage"]) = (json!("v2"), json!(false));
    definition["spec"]["versions"].as_array_mut().context("no versions")?.push(second);
    rig.api.apply(&definition).await?;
    rig.start("1", rig.line("1").await?, false).await?;
    let files = [
        ("needs/stays.yaml", widget("stays")),
        ("needs/goes.yaml", widget("goes")),
        ("needs/c.yaml", config("goes-too", "1", &[])),
        ("free/a.yaml", config("a", "1", &[])),
        ("free/b.yaml", config("b", "1", &[])),
    ];
    let commit = rig.commit(&files, &[])?;
    for name in ["needs", "free"] {
        rig.api.apply(&rig.application(name, true)).await?;
    }
    for name in ["needs", "free"] {
        rig.until_good_at(name, &commit).await;
    }
    let crd = rig.at("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.needs~.example.com");
    rig.api.patch(&crd, &conversion(true)).await?;
    eventually("nobody can read them", rig.patience(), || async {
        Ok::<_, ()>(rig.api.get(&rig.at(NEEDS[0])).await.is_err())
    })
    .await;
    rig.start("2", rig.line("2").await?, false).await?;
    rig.may_go(&[FREE[1]]);
    rig.commit(
        &[("free/a.yaml", config("a", "2", &[]))],
        &["needs/goes.yaml", "needs/c.yaml", "free/b.yaml"],
    )?;
    rig.pushed();
    rig.until(FREE[1], "pruned as ever", Value::is_null).await;
    let told = |app: &Value| conditions(app).iter().any(|c| c.contains("needs") && c.contains("Widget"));
    rig.until(&rig.app_path("needs"), "told what it cannot see", told).await;
    let mut wrong = rig.judgement(&[&NEEDS[..], &FREE, &[NAMESPACES]].concat());

    rig.may_go(&NEEDS[1..]);
    rig.api.patch(&crd, &conversion(false)).await?;
    // A sync that failed is not repeated at the same commit.
    let commit = rig.commit(&[("needs/new.yaml", config("new", "1", &[]))], &[])?;
    rig.pushed();
    rig.until_good_at("needs", &commit).await;
    for path in &NEEDS[1..] {
        rig.until(path, "pruned at last", Value::is_null).await;
    }
    wrong.extend(rig.judgement(&[&NEEDS[..], &FREE, &[NAMESPACES, NEW]].concat()));
    rig.leave().await?;
    Ok(wrong)
}

const NEW: &str = "/api/v1/namespaces/needs~/configmaps/new";

const CUSTOM: [&str; 3] = [
    "/apis/custom~.example.com/v1/namespaces/custom~/widgets/stays",
    "/apis/custom~.example.com/v1/namespaces/custom~/widgets/goes",
    "/api/v1/namespaces/custom~/configmaps/c",
];

/// F6: a definition is deleted in the middle of a sync, and its objects with it, and made anew. Only who has some is concerned, says so,
/// and comes to the end that it would have come to.
pub(crate) async fn a_kind_that_goes(ground: Ground) -> Result<Vec<String>> {
    let rig = ground.rig(Weather::fair()).await?;
    let definition = definition(&rig.at("custom~.example.com"));
    rig.api.apply(&definition).await?;
    let line = rig.line("1").await?;
    rig.start("1", line.clone(), false).await?;
    let widget = |name: &str, size: u32| {
        let spec = json!({"spec": {"size": size}});
        object("custom~.example.com/v1", "Widget", name, &[("argocd.argoproj.io/sync-wave", "1")], spec)
    };
    let files = [
        ("custom/c.yaml", config("c", "1", &[])),
        ("custom/stays.yaml", widget("stays", 1)),
        ("custom/goes.yaml", widget("goes", 1)),
        ("free/a.yaml", config("a", "1", &[])),
        ("free/b.yaml", config("b", "1", &[])),
    ];
    let commit = rig.commit(&files, &[])?;
    for name in ["custom", "free"] {
        rig.api.apply(&rig.application(name, true)).await?;
    }
    for name in ["custom", "free"] {
        rig.until_good_at(name, &commit).await;
    }
    rig.may_go(&[CUSTOM[1]]);
    let files = [("custom/c.yaml", config("c", "2", &[])), ("custom/stays.yaml", widget("stays", 2))];
    let commit = rig.commit(&files, &["custom/goes.yaml"])?;
    rig.pushed();
    rig.until(CUSTOM[2], "synced", |c| c["data"]["key"] == "2").await;
    let path = rig.api.path_of(&definition).await?;
    rig.api.delete(&path).await?;
    rig.until(&path, "gone", Value::is_null).await;

    let told = |app: &Value| app["status"].to_string().contains("Widget") && !e2e::is_good(app);
    rig.until(&rig.app_path("custom"), "told that its kind is gone", told).await;
    rig.may_go(&[FREE[1]]);
    let free = rig.commit(&[("free/a.yaml", config("a", "2", &[]))], &["free/b.yaml"])?;
    rig.pushed();
    rig.until_good_at("free", &free).await;
    rig.until(FREE[1], "pruned as ever", Value::is_null).await;

    rig.api.apply(&definition).await?;
    rig.until_good_at("custom", &commit).await;
    rig.until(CUSTOM[0], "made anew as git has it", |widget| widget["spec"]["size"] == 2).await;
    rig.until(CUSTOM[1], "gone", Value::is_null).await;
    rig.until(CUSTOM[2], "as it was", |c| c["data"]["key"] == "2").await;
    let mut wrong = rig.judgement(&[&CUSTOM[..], &FREE, &[NAMESPACES]].concat());
    // The server took it away in between.
    let anew = format!("P8: created 2 times: {}", rig.at(CUSTOM[0]));
    wrong.retain(|what| !what.ends_with(&anew));
    rig.leave().await?;
    Ok(wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_goes_in_mid_sync_is_waited_for() {
    let wrong = a_kind_that_goes(Ground::Kubesim).await.unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A policy, or a webhook that nobody answers, for ConfigMaps of one namespace.
fn denials(rig: &Rig) -> [Value; 3] {
    let name = rig.at("denied~");
    let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": name}});
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]});
    let kinds = json!({"namespaceSelector": selector, "resourceRules": [rule]});
    let no = json!({"expression": "object.metadata.name != 'one'", "message": "one is not wanted here"});
    let group = "admissionregistration.k8s.io/v1";
    let policy = json!({"failurePolicy": "Fail", "matchConstraints": kinds, "validations": [no]});
    let webhook = json!({
        "name": "nobody.example.com", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": "https://127.0.0.1:9/"}, "namespaceSelector": selector, "rules": [rule],
        "matchConditions": [{"name": "two", "expression": "object.metadata.name == 'two'"}], "timeoutSeconds": 1,
    });
    [
        json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": policy}),
        json!({"apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
               "spec": {"policyName": name, "validationActions": ["Deny"]}}),
        json!({"apiVersion": group, "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name}, "webhooks": [webhook]}),
    ]
}

/// F6: what admission denies fails with its words, and is done once it does not; nobody else is concerned.
async fn a_denial(ground: Ground) -> Result<Vec<String>> {
    let rig = ground.rig(Weather::fair()).await?;
    let denials = denials(&rig);
    for denial in &denials {
        rig.api.apply(denial).await?;
    }
    // The server has learned of a policy once it denies.
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rig.at("denied~")}});
    rig.api.apply(&namespace).await?;
    let probe = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": rig.at("denied~")}});
    for name in ["one", "two"] {
        let path =
            rig.at(&format!("/api/v1/namespaces/denied~/configmaps/{name}?fieldManager=probe&dryRun=All"));
        eventually("it is denied", rig.patience(), || async {
            let kind = "application/apply-patch+yaml";
            Ok::<_, ()>(rig.api.send(http::Method::PATCH, &path, kind, Some(&probe(name))).await.is_err())
        })
        .await;
    }
    rig.start("1", rig.line("1").await?, false).await?;
    let files = [
        ("denied/one.yaml", config("one", "1", &[])),
        ("denied/two.yaml", config("two", "1", &[])),
        ("denied/three.yaml", config("three", "1", &[])),
        ("free/a.yaml", config("a", "1", &[])),
    ];
    let commit = rig.commit(&files, &[])?;
    for name in ["denied", "free"] {
        rig.api.apply(&rig.application(name, true)).await?;
    }
    rig.until_good_at("free", &commit).await;
    let told = |app: &Value| {
        let state = app["status"]["operationState"].to_string();
        state.contains("one is not wanted here") && state.contains("failed calling webhook")
    };
    rig.until(&rig.app_path("denied"), "told why", told).await;
    for denial in &denials {
        rig.api.delete(&rig.api.path_of(denial).await?).await?;
    }
    rig.until_good_at("denied", &commit).await;
    let denied = ["one", "two", "three"].map(|name| format!("/api/v1/namespaces/denied~/configmaps/{name}"));
    let ours: Vec<&str> = denied.iter().map(String::as_str).chain([FREE[0], NAMESPACES]).collect();
    let wrong = rig.judgement(&ours);
    rig.leave().await?;
    Ok(wrong)
}

/// F15: the real cluster is the destination of a controller elsewhere, and goes away for a while, in two ways; then its token is
/// wrong, and right again.
async fn a_cluster_that_is_away(ground: Ground) -> Result<Vec<String>> {
    let Ground::Real(cluster, _) = &ground else { anyhow::bail!("no real cluster") };
    let (rig, there) = (Rig::new(Weather::fair()).await?, ground.rig(Weather::fair()).await?);
    let remote = Remote::real(cluster).await?;
    rig.api.apply(&remote.secret("far", &[])).await?;
    rig.start("1", rig.line("1").await?, false).await?;
    let object = |name: &str| there.at(&format!("/api/v1/namespaces/far~/configmaps/{name}"));
    let mut far = rig.application("far", true);
    far["spec"]["destination"] = json!({"name": "far", "namespace": there.at("far~")});
    let all_of_it = [
        ("far/a.yaml", config("a", "0", &[])),
        ("far/gone-0.yaml", config("gone-0", "1", &[])),
        ("far/gone-1.yaml", config("gone-1", "1", &[])),
        ("far/gone-2.yaml", config("gone-2", "1", &[])),
        ("near/a.yaml", config("a", "0", &[])),
    ];
    let commit = rig.commit(&all_of_it, &[])?;
    rig.api.apply(&far).await?;
    rig.api.apply(&rig.application("near", true)).await?;
    rig.until_good_at("far", &commit).await;
    rig.until_good_at("near", &commit).await;
    let ways: [(Gate, Option<&str>); 3] =
        [(Gate::Shut, None), (Gate::Silent, None), (Gate::Open, Some("wrong"))];
    for (n, (gate, token)) in ways.into_iter().enumerate() {
        let away = |app: &Value| conditions(app).iter().any(|c| c.contains("cannot be reached"));
        remote.set_gate(gate);
        if let Some(token) = token {
            rig.api.apply(&remote.secret_with_token("far", token, &[])).await?;
            // The Secret is on its way to the controller still, which may do what comes next with the token that it has.
            rig.until(&rig.app_path("far"), "told of the token", away).await;
        }
        let value = format!("{}", n + 1);
        let files = ["far/a.yaml", "near/a.yaml"].map(|path| (path, config("a", &value, &[])));
        let commit = rig.commit(&files, &[&format!("far/gone-{n}.yaml")])?;
        rig.pushed();
        rig.until_good_at("near", &commit).await;
        rig.until(&rig.app_path("far"), "told that its cluster is away", away).await;
        anyhow::ensure!(there.api.get(&object(&format!("gone-{n}"))).await?.is_some(), "it is gone already");
        remote.set_gate(Gate::Open);
        rig.api.apply(&remote.secret("far", &[])).await?;
        rig.until_good_at("far", &commit).await;
        there.until(&object(&format!("gone-{n}")), "pruned at last", Value::is_null).await;
        let left = there.api.get(&there.at("/api/v1/namespaces/far~/configmaps")).await?.unwrap_or_default();
        let ours = |o: &&Value| o["metadata"]["name"] != "kube-root-ca.crt";
        let left = left["items"].as_array().into_iter().flatten().filter(ours).count();
        anyhow::ensure!(left == 3 - n, "{left} are left");
    }
    let near = "/api/v1/namespaces/near/configmaps/a";
    let wrong = rig.judgement(&[near, NAMESPACES]);
    there.leave().await?;
    Ok(wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_in_the_cluster_stops_only_its_own() {
    let Some(ground) = Ground::real().await.unwrap() else { return };
    let run =
        |name: &str, run: futures::future::BoxFuture<'static, Result<Vec<String>>>| (name.to_owned(), run);
    let runs = [
        run("a broken conversion", Box::pin(a_broken_conversion(ground.clone()))),
        run("a kind that goes", Box::pin(a_kind_that_goes(ground.clone()))),
        run("a denial", Box::pin(a_denial(ground.clone()))),
        run("a cluster that is away", Box::pin(a_cluster_that_is_away(ground.clone()))),
        run("a rival", Box::pin(fight(ground.clone()))),
    ];
    let count = runs.len();
    let (twin, wrong, sources) =
        tokio::join!(undisturbed(&ground), all(runs.into_iter(), count), git::fail(&ground, GIT));
    // These stop everybody else.
    let twin = twin.unwrap();
    let runs = [
        run("etcd fails", Box::pin(etcd::fails(ground.clone(), Arc::clone(&twin)))),
        run("etcd is put back", Box::pin(etcd::is_put_back(ground, twin))),
    ];
    let wrong = [wrong, sources, all(runs.into_iter(), 1).await].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
