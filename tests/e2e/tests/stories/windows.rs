//! When a project lets its applications be synced.

use e2e::{World, app_path, conditions};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::manifests::{annotated, config, config_map};

const PROJECTS: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects";
const BLOCKED: &str = "Sync operation blocked by sync window";

/// A project that permits all, at the times that its windows say.
fn project(name: &str, windows: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": name, "namespace": "argocd", "labels": {"team": name}},
        "spec": {
            "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}], "syncWindows": windows,
        },
    })
}

fn always(kind: &str) -> Value {
    json!({"kind": kind, "schedule": "* * * * *", "duration": "1h", "applications": ["*"]})
}

async fn project_has(world: &World, name: &str, windows: Value) {
    world.api.patch(&format!("{PROJECTS}/{name}"), &json!({"spec": {"syncWindows": windows}})).await.unwrap();
}

fn in_project(world: &World, name: &str, project: &str) -> Value {
    let mut app = world.application(name, name, name);
    app["spec"]["project"] = json!(project);
    app
}

async fn automation_waits_for_its_window(world: &mut World) {
    world.push(&[("shut/c.yaml", &config("c", "x")), ("free/c.yaml", &config("c", "x"))]).unwrap();
    world.api.apply(&project("shut", &json!([always("deny")]))).await.unwrap();
    world.api.apply(&in_project(world, "shut", "shut")).await.unwrap();
    world.api.apply(&world.application("free", "free", "free")).await.unwrap();
    let compared = |app: &Value| app["status"]["sync"]["status"] == "OutOfSync";
    world.until_app("shut", "is compared", compared).await;
    // What another project's window says is no concern of this one.
    world.until_good("free").await;
    let app = world.refresh("shut").await.unwrap();
    assert_eq!(app["status"]["operationState"], Value::Null);
    assert_eq!(conditions(&app), [""; 0]);
    assert_eq!(world.api.get(&config_map("shut", "c")).await.unwrap(), None);
    project_has(world, "shut", json!([])).await;
    world.until_good("shut").await;
}

async fn somebodys_sync_is_held_until_a_window_lets_it(world: &mut World) {
    let wave = |name: &str, wave: &str| annotated(name, "x", &[("sync-wave", wave)]);
    world.push(&[("held/a.yaml", &wave("first", "0")), ("held/b.yaml", &wave("second", "1"))]).unwrap();
    world.api.apply(&project("held", &json!([always("deny")]))).await.unwrap();
    let mut app = in_project(world, "held", "held");
    app["spec"]["syncPolicy"].as_object_mut().unwrap().remove("automated");
    world.api.apply(&app).await.unwrap();
    let mark = world.begin_sync("held", json!({})).await.unwrap();
    let blocked = |app: &Value| {
        let state = &app["status"]["operationState"];
        state["phase"] == "Running" && state["message"] == BLOCKED
    };
    world.until_app("held", "is held", blocked).await;
    assert_eq!(world.api.get(&config_map("held", "first")).await.unwrap(), None);
    // Only allowed at another time, which says that somebody may sync all the same.
    let other = json!({"kind": "allow", "schedule": "0 0 29 2 *", "duration": "1s", "applications": ["*"], "manualSync": true});
    project_has(world, "held", json!([other])).await;
    let app = world.until_ended("held", &mark).await;
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded");
    assert!(world.api.get(&config_map("held", "second")).await.unwrap().is_some());

    // One that is held may be ended.
    project_has(world, "held", json!([always("deny")])).await;
    let mark = world.begin_sync("held", json!({})).await.unwrap();
    world.until_app("held", "is held again", blocked).await;
    let end = json!({"status": {"operationState": {"phase": "Terminating"}}});
    world.api.patch(&app_path("held"), &end).await.unwrap();
    let app = world.until_ended("held", &mark).await;
    assert_eq!(app["status"]["operationState"]["message"], "operation terminated");
}

async fn a_window_that_cannot_be_read_is_named_and_lets_nobody_sync(world: &mut World) {
    world.push(&[("odd/c.yaml", &config("c", "x"))]).unwrap();
    let window = json!({"kind": "allow", "schedule": "0 25 * * *", "duration": "1h", "applications": ["*"]});
    let glob = json!({"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["[odd"]});
    world.api.apply(&project("odd", &json!([window, glob]))).await.unwrap();
    world.api.apply(&in_project(world, "odd", "odd")).await.unwrap();
    let why =
        "invalid sync windows: cannot parse schedule '0 25 * * *': end of range (25) above maximum (23): 25";
    let expected = [
        format!("SyncError: not synced automatically: {why}"),
        format!("LintWarning: project odd: allow:0 25 * * *:1h: {why}"),
        "LintWarning: project odd: syncWindows[1].applications has \"[odd\", which matches nothing: a class that does not end".to_owned(),
    ];
    let app = world.until_app("odd", "names the windows", |app| conditions(app) == expected).await;
    assert_eq!(app["status"]["sync"]["status"], "OutOfSync", "it is compared all the same");
    world.begin_sync("odd", json!({})).await.unwrap();
    let held = |app: &Value| app["status"]["operationState"]["message"] == format!("{BLOCKED}: {why}");
    world.until_app("odd", "is held", held).await;
    assert_eq!(world.api.get(&config_map("odd", "c")).await.unwrap(), None);
    project_has(world, "odd", json!([always("allow")])).await;
    world.until_good("odd").await;
}

async fn a_window_opens_by_the_clock(world: &mut World) {
    world.push(&[("clock/c.yaml", &config("c", "x"))]).unwrap();
    // Nine o'clock in Berlin. It comes from a global project.
    let window = json!({"kind": "allow", "schedule": "0 9 * * *", "duration": "1h", "namespaces": ["cl*"], "timeZone": "Europe/Berlin"});
    world.api.apply(&project("house", &json!([window]))).await.unwrap();
    world.api.apply(&project("clock", &json!([]))).await.unwrap();
    let globals = json!({"data": {"globalProjects": "- labelSelector: {matchLabels: {team: clock}}\n  projectName: house\n"}});
    world.api.patch("/api/v1/namespaces/argocd/configmaps/argocd-cm", &globals).await.unwrap();
    let opens: Timestamp = "2031-03-11T08:00:00Z".parse().unwrap();
    let shortly_before = opens - SignedDuration::from_secs(3);
    world.restart_at(shortly_before.duration_since(Timestamp::now())).await.unwrap();
    world.api.apply(&in_project(world, "clock", "clock")).await.unwrap();
    let app = world.until_good("clock").await;
    let began: Timestamp = app["status"]["operationState"]["startedAt"].as_str().unwrap().parse().unwrap();
    assert!(began >= opens, "{began}");
    // The command line's own look at it knows what is inherited, too.
    let nothing = json!({"spec": {"sourceRepos": []}});
    world.api.patch(&format!("{PROJECTS}/clock"), &nothing).await.unwrap();
    let app = api::Application::from_value(app).unwrap();
    let what = applications::What { desired_only: true, ..applications::What::default() };
    let seen = Box::pin(world.controller.evaluate(&app, &what)).await.unwrap();
    assert_eq!(seen.desired.len(), 1);
}

mod tests {
    crate::on_kubesim!(
        automation_waits_for_its_window,
        somebodys_sync_is_held_until_a_window_lets_it,
        a_window_that_cannot_be_read_is_named_and_lets_nobody_sync,
        a_window_opens_by_the_clock,
    );
}
