//! What happens in each run: three kinds of applications, a commit that changes, adds and removes, and two ends.
//!
//! - `one`: a Namespace, a CustomResourceDefinition and an object of it, a Secret, a Deployment, one object that is pruned last and
//!   one that must stay, in four waves; automated. In the end it is deleted with all it has.
//! - `root`: holds the Application `leaf`, which leaves git in the end and takes its objects along.
//! - `hand`: synced by hand, with a hook before and one after that goes when it has succeeded.

use std::time::Duration;

use anyhow::Result;
use e2e::{conditions, is_good};
use serde_json::{Value, json};
use testkit::eventually;

use crate::Rig;

const WAVE: &str = "argocd.argoproj.io/sync-wave";
const OPTIONS: &str = "argocd.argoproj.io/sync-options";
const COMPARE: &str = "argocd.argoproj.io/compare-options";
const HOOK: &str = "argocd.argoproj.io/hook";
const HOOK_DELETE_POLICY: &str = "argocd.argoproj.io/hook-delete-policy";

/// An object that goes with its application.
pub const A: &str = "/api/v1/namespaces/one~/configmaps/a";
/// One that leaves git.
pub const GONE: &str = "/api/v1/namespaces/one~/configmaps/gone";
const LAST: &str = "/api/v1/namespaces/one~/configmaps/last";
const STAYS: &str = "/api/v1/namespaces/one~/configmaps/stays";
const NEW: &str = "/api/v1/namespaces/one~/configmaps/new";
const SECRET: &str = "/api/v1/namespaces/one~/secrets/s";
const WEB: &str = "/apis/apps/v1/namespaces/one~/deployments/web";
const EXTRA: &str = "/api/v1/namespaces/one-extra~";
const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.faults~.example.com";
const WIDGET: &str = "/apis/faults~.example.com/v1/namespaces/one~/widgets/w";
const LEAF: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd~/applications/leaf~";
const IN_LEAF: &str = "/api/v1/namespaces/leaf~/configmaps/c";
const KEPT: &str = "/api/v1/namespaces/argocd~/configmaps/kept";
const IN_HAND: &str = "/api/v1/namespaces/hand~/configmaps/c";
const MIGRATE: &str = "/apis/batch/v1/namespaces/hand~/jobs/migrate";
/// A hook that goes when it has succeeded.
pub const SMOKE: &str = "/apis/batch/v1/namespaces/hand~/jobs/smoke";
const JOBS: &str = "/apis/batch/v1/namespaces/hand~/jobs";
const BACKUP: &str = "/apis/batch/v1/namespaces/one~/jobs/backup";
const REPORT: &str = "/apis/batch/v1/namespaces/one~/jobs/report";
const ONES_JOBS: &str = "/apis/batch/v1/namespaces/one~/jobs";

/// Every object that the applications are about, and the namespaces that come with them.
pub const OURS: [&str; 21] = [
    KEPT,
    A,
    GONE,
    LAST,
    STAYS,
    NEW,
    SECRET,
    WEB,
    EXTRA,
    CRD,
    WIDGET,
    LEAF,
    IN_LEAF,
    IN_HAND,
    MIGRATE,
    SMOKE,
    JOBS,
    BACKUP,
    REPORT,
    ONES_JOBS,
    "/api/v1/namespaces",
];

/// How long each part of the story waits for its outcome before it goes on regardless.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Until it is there.
    Patient,
    /// For so long.
    Hasty(Duration),
}

/// All of it, each part when the one before has come to its outcome.
///
/// # Errors
/// As [`play`] and [`end`].
pub async fn tell(rig: &Rig) -> Result<()> {
    play(rig, Pace::Patient).await?;
    end(rig).await
}

impl Pace {
    async fn keep<T>(self, wait: impl Future<Output = T>) {
        match self {
            Self::Patient => drop(wait.await),
            Self::Hasty(time) => drop(tokio::time::timeout(time, wait).await),
        }
    }
}

/// What a client does, again until it is heard.
async fn client<F: Future<Output = Result<T>>, T>(rig: &Rig, request: impl Fn() -> F) {
    let heard = || async { request().await.map(|_| true) };
    eventually("a client is heard", rig.patience(), heard).await;
}

/// A manifest.
#[expect(clippy::needless_pass_by_value, reason = "each is written where it is passed")]
pub fn object(
    api_version: &str,
    kind: &str,
    name: &str,
    annotations: &[(&str, &str)],
    more: Value,
) -> String {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    for (key, value) in annotations {
        object["metadata"]["annotations"][*key] = json!(value);
    }
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object.to_string()
}

/// A ConfigMap with one value.
pub fn config(name: &str, value: &str, annotations: &[(&str, &str)]) -> String {
    object("v1", "ConfigMap", name, annotations, json!({"data": {"key": value}}))
}

fn secret(value: &str) -> String {
    object("v1", "Secret", "s", &[], json!({"stringData": {"password": value}}))
}

fn deployment(image: &str) -> String {
    let container = json!({"name": "main", "image": image});
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template});
    object("apps/v1", "Deployment", "web", &[(WAVE, "1")], json!({ "spec": spec }))
}

fn job(name: &str, annotations: &[(&str, &str)]) -> String {
    let container = json!({"name": "main", "image": "registry.example.com/job:1"});
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [container]}});
    object("batch/v1", "Job", name, annotations, json!({"spec": {"template": template}}))
}

/// The definition of the kind Widget in a group, served by `v1`.
pub fn definition(group: &str) -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let spec = json!({
        "group": group, "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")}, "spec": spec,
    })
}

/// Runs the story. Git and the clients are never at fault; the controllers may be.
pub async fn play(rig: &Rig, pace: Pace) -> Result<()> {
    first(rig, pace).await?;
    second(rig, pace).await?;
    last(rig).await
}

/// Its first part: all is there.
pub async fn first(rig: &Rig, pace: Pace) -> Result<()> {
    rig.may_go(&[MIGRATE, SMOKE]);
    let leaf = rig.application("leaf", true).to_string();
    let mut crd = definition("faults~.example.com");
    crd["metadata"]["annotations"] = json!({WAVE: "-1"});
    let commit = rig.commit(
        &[
            ("one/extra.yaml", object("v1", "Namespace", "one-extra~", &[(WAVE, "-2")], json!({}))),
            ("one/crd.yaml", crd.to_string()),
            (
                "one/widget.yaml",
                object("faults~.example.com/v1", "Widget", "w", &[], json!({"spec": {"size": 1}})),
            ),
            ("one/secret.yaml", secret("one")),
            ("one/a.yaml", config("a", "1", &[])),
            ("one/gone.yaml", config("gone", "1", &[(WAVE, "1")])),
            ("one/last.yaml", config("last", "1", &[(OPTIONS, "PruneLast=true")])),
            (
                "one/stays.yaml",
                config("stays", "1", &[(OPTIONS, "Prune=false,Delete=false"), (COMPARE, "IgnoreExtraneous")]),
            ),
            ("one/web.yaml", deployment("registry.example.com/web:1")),
            ("one/backup.yaml", job("backup", &[(HOOK, "PreDelete")])),
            (
                "one/report.yaml",
                job("report", &[(HOOK, "PostDelete"), (HOOK_DELETE_POLICY, "HookSucceeded")]),
            ),
            ("root/leaf.yaml", leaf),
            // A source that comes to nothing would remove nothing.
            ("root/kept.yaml", config("kept", "1", &[])),
            ("leaf/c.yaml", config("c", "1", &[])),
            ("hand/c.yaml", config("c", "1", &[])),
            ("hand/migrate.yaml", job("migrate", &[(HOOK, "PreSync")])),
            ("hand/smoke.yaml", job("smoke", &[(HOOK, "PostSync"), (HOOK_DELETE_POLICY, "HookSucceeded")])),
        ],
        &[],
    )?;
    for (name, automated) in [("one", true), ("root", true), ("hand", false)] {
        let mut app = rig.application(name, automated);
        if name == "root" {
            app["spec"]["destination"]["namespace"] = json!(rig.at("argocd~"));
        }
        client(rig, || rig.api.apply(&app)).await;
    }
    by_hand(rig, "first", pace).await?;
    for name in ["one", "root", "leaf", "hand"] {
        good_at(rig, name, &commit, pace).await?;
    }
    Ok(())
}

/// Its second part: a commit that changes, adds and removes.
pub async fn second(rig: &Rig, pace: Pace) -> Result<()> {
    rig.may_go(&[GONE, LAST]);
    let commit = rig.commit(
        &[
            ("one/secret.yaml", secret("two")),
            ("one/a.yaml", config("a", "2", &[])),
            ("one/new.yaml", config("new", "2", &[])),
            ("one/web.yaml", deployment("registry.example.com/web:2")),
            ("leaf/c.yaml", config("c", "2", &[])),
            ("hand/c.yaml", config("c", "2", &[])),
        ],
        &["one/gone.yaml", "one/last.yaml", "one/stays.yaml"],
    )?;
    rig.pushed();
    second_is_done(rig, &commit, pace).await
}

/// What a person does after the second commit, and what comes of it.
pub async fn second_is_done(rig: &Rig, commit: &str, pace: Pace) -> Result<()> {
    // `root` is not about this commit, and need not show it.
    for name in ["one", "leaf"] {
        good_at(rig, name, commit, pace).await?;
    }
    by_hand(rig, "second", pace).await?;
    good_at(rig, "hand", commit, pace).await
}

/// Its last part: what goes.
pub async fn last(rig: &Rig) -> Result<()> {
    // The definition outlives its application.
    rig.may_go(&[A, NEW, GONE, LAST, SECRET, WEB, EXTRA, WIDGET, LEAF, IN_LEAF, BACKUP, REPORT]);
    let one = rig.app_path("one");
    client(rig, || rig.api.delete(&one)).await;
    rig.commit(&[], &["root/leaf.yaml"])?;
    rig.pushed();
    Ok(())
}

/// Waits until the story is over, with fair weather.
pub async fn end(rig: &Rig) -> Result<()> {
    let commit = rig.repository.head()?;
    let (one, leaf) = (rig.app_path("one"), rig.app_path("leaf"));
    for path in [&one, A, EXTRA, WIDGET, REPORT, SMOKE, &leaf, IN_LEAF] {
        rig.until(path, "gone", Value::is_null).await;
    }
    good_at(rig, "root", &commit, Pace::Patient).await?;
    // What became of a hook is told in a pass of its own.
    let lists = |app: &Value, name: &str| {
        app["status"]["resources"].as_array().into_iter().flatten().any(|r| r["name"] == name)
    };
    // A hook whose deletion was done and not answered is gone, and the next look says that nothing is left to be done.
    let settled = |app: &Value| {
        is_good(app) && lists(app, "migrate") && !lists(app, "smoke") && conditions(app).is_empty()
    };
    rig.until(&rig.app_path("hand"), "Synced and Healthy, its hooks tidied up", settled).await;
    Ok(())
}

async fn by_hand(rig: &Rig, mark: &str, pace: Pace) -> Result<()> {
    let retry = json!({"limit": 20, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "5s"}});
    let operation = json!({"sync": {}, "info": [{"name": "mark", "value": mark}], "retry": retry});
    let (hand, operation) = (rig.app_path("hand"), json!({ "operation": operation }));
    client(rig, || rig.api.patch(&hand, &operation)).await;
    let ended = |app: &Value| {
        let state = &app["status"]["operationState"];
        let ended = matches!(state["phase"].as_str(), Some("Succeeded" | "Failed" | "Error"));
        ended && state["operation"]["info"][0]["value"] == mark && app["operation"].is_null()
    };
    pace.keep(rig.until(&rig.app_path("hand"), &format!("through with its sync {mark}"), ended)).await;
    Ok(())
}

async fn good_at(rig: &Rig, name: &str, commit: &str, pace: Pace) -> Result<()> {
    pace.keep(rig.until_good_at(name, commit)).await;
    Ok(())
}
