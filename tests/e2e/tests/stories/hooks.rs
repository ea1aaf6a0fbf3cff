//! Hooks: when they run, how often, and what is left of them.

use std::time::Duration;

use e2e::World;
use kubesim::{FaultAction, FaultRule, Faults};
use serde_json::{Value, json};

use crate::manifests::{config, config_map, deployment, deployment_path, text};

pub(crate) const JOBS: &str = "/apis/batch/v1/namespaces";

/// A Job whose container has this image, with annotations of `argocd.argoproj.io/`, and a name or the begin of one (`migrate-`).
pub(crate) fn job(name: &str, image: &str, annotations: &[(&str, &str)]) -> String {
    let annotations: serde_json::Map<String, Value> =
        annotations.iter().map(|(key, value)| (format!("argocd.argoproj.io/{key}"), json!(value))).collect();
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"annotations": annotations},
        "spec": {
            "backoffLimit": 0,
            "template": {"spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": format!("registry.example.com/{image}")}],
            }},
        },
    });
    let field = if name.ends_with('-') { "generateName" } else { "name" };
    job["metadata"][field] = json!(name);
    text(&job)
}

/// An Application that syncs only when it is told to.
pub(crate) async fn manual(world: &World, name: &str) {
    let mut app = world.application(name, name, name);
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
}

/// What the last operation says of its hooks: `PreSync migrate Succeeded`.
fn hooks_of(app: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let results = app["status"]["operationState"]["syncResult"]["resources"].as_array().into_iter().flatten();
    results
        .filter(|r| !r["hookType"].is_null())
        .map(|r| format!("{} {} {}", text(&r["hookType"]), text(&r["name"]), text(&r["hookPhase"])))
        .collect()
}

/// How many Jobs the controllers have made in a namespace.
pub(crate) fn made(world: &World, namespace: &str) -> usize {
    let writes = world.writes().into_iter();
    writes
        .filter(|w| (&*w.namespace, &*w.verb, &*w.resource) == (namespace, "create", "jobs") && w.code < 300)
        .count()
}

pub(crate) async fn names(world: &World, namespace: &str) -> Vec<String> {
    let list = world.api.get(&format!("{JOBS}/{namespace}/jobs")).await.unwrap().unwrap();
    let names = list["items"].as_array().unwrap().iter();
    names.map(|o| o["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn hooks_run_in_their_phases(world: &mut World) {
    world
        .push(&[
            ("phases/before.yaml", &job("migrate-", "migrate:1", &[("hook", "PreSync")])),
            ("phases/web.yaml", &deployment("web", "web:1", 0)),
            (
                "phases/after.yaml",
                &job("smoke", "smoke:1", &[("hook", "PostSync"), ("hook-delete-policy", "HookSucceeded")]),
            ),
            ("phases/alarm.yaml", &job("alarm", "alarm:1", &[("hook", "SyncFail")])),
            ("phases/never.yaml", &job("never", "never:1", &[("hook", "Skip")])),
        ])
        .unwrap();
    manual(world, "phases").await;
    let app = world.sync("phases", json!({})).await.unwrap();
    let state = &app["status"]["operationState"];
    assert_eq!(state["phase"], "Succeeded", "{}", state["message"]);
    let hooks = hooks_of(&app);
    assert_eq!(hooks.len(), 2, "{hooks:?}");
    assert!(hooks[0].starts_with("PreSync migrate-") && hooks[0].ends_with(" Succeeded"), "{hooks:?}");
    assert_eq!(hooks[1], "PostSync smoke Succeeded");
    world.until(&format!("{JOBS}/phases/jobs/smoke"), "has succeeded, and goes", |o| o.is_none()).await;
    let left = names(world, "phases").await;
    assert_eq!(left.len(), 1, "{left:?}");
    let path = format!("{JOBS}/phases/jobs/{}", left[0]);
    world.until(&path, "is let go of", |o| o.unwrap()["metadata"]["finalizers"].is_null()).await;
    assert!(left[0].contains("-presync-"), "{left:?}");
    let app = world.refresh("phases").await.unwrap();
    assert_eq!(app["status"]["sync"]["status"], "Synced", "hooks are no difference");
    // What is left of one is shown as the peer shows it.
    let resources = app["status"]["resources"].as_array().unwrap();
    let hook = json!({
        "group": "batch", "version": "v1", "kind": "Job", "namespace": "phases", "name": left[0], "hook": true, "requiresPruning": true,
    });
    assert_eq!((resources.len(), &resources[1]), (2, &hook));
    assert_eq!(resources[0]["kind"], "Deployment");

    // The next operation runs them again, a selective one does not.
    assert_eq!(made(world, "phases"), 2);
    world.sync("phases", json!({})).await.unwrap();
    assert_eq!(made(world, "phases"), 4);
    let web = json!([{"group": "apps", "kind": "Deployment", "name": "web"}]);
    let app = world.sync("phases", json!({"resources": web})).await.unwrap();
    assert_eq!((hooks_of(&app), made(world, "phases")), (Vec::new(), 4));

    // And they end with their application.
    world.api.delete(&e2e::app_path("phases")).await.unwrap();
    world.until(&e2e::app_path("phases"), "is gone", |o| o.is_none()).await;
    assert_eq!(names(world, "phases").await, Vec::<String>::new());
}

/// The answer to a write and its event overtake each other: whichever comes first, a hook is tidied up.
async fn hooks_are_tidied_up_though_nothing_happens_any_more(world: &mut World) {
    let sim = world.cluster.sim.clone().unwrap();
    let late = FaultAction::DelayEvents(Duration::from_secs(2));
    sim.set_faults(Faults::default().rule(FaultRule::new(late).verb("watch").resource("applications")));
    world.restart().await.unwrap();
    let smoke = job("smoke", "smoke:1", &[("hook", "PostSync"), ("hook-delete-policy", "HookSucceeded")]);
    world.push(&[("late/smoke.yaml", &smoke), ("late/c.yaml", &config("c", "1"))]).unwrap();
    world.cluster.run_nodes(false);
    manual(world, "late").await;
    let mark = world.begin_sync("late", json!({})).await.unwrap();
    let path = format!("{JOBS}/late/jobs/smoke");
    world.until(&path, "runs", |o| o.is_some_and(|o| o["status"]["active"] == 1)).await;
    // Its end is seen, and cannot be told before the last event of the cluster has passed.
    let refuse = FaultAction::Refuse { status: 500, retry_after: None };
    sim.set_faults(Faults::default().rule(FaultRule::new(refuse).verb("patch").resource("applications")));
    world.cluster.run_nodes(true);
    world.until(&path, "is over", |o| o.is_some_and(|o| o["status"]["succeeded"] == 1)).await;
    testkit::eventually("its end could not be told", e2e::PATIENCE, || async {
        let refused = world.requests().into_iter().filter(|r| r.resource == "applications" && r.code == 500);
        Ok::<_, anyhow::Error>(refused.count() > 0)
    })
    .await;
    sim.set_faults(Faults::default());
    let app = world.until_ended("late", &mark).await;
    assert_eq!(hooks_of(&app), ["PostSync smoke Succeeded"]);
    world.until(&path, "has succeeded, and goes", |o| o.is_none()).await;
}

pub(crate) async fn a_hook_that_fails_stops_the_sync(world: &mut World) {
    let migrate = |image: &str| job("migrate", image, &[("hook", "PreSync")]);
    world
        .push(&[
            ("fails/before.yaml", &migrate("migrate:crash")),
            ("fails/web.yaml", &deployment("web", "web:1", 0)),
            ("fails/alarm.yaml", &job("alarm", "alarm:1", &[("hook", "SyncFail")])),
        ])
        .unwrap();
    manual(world, "fails").await;
    let app = world.sync("fails", json!({})).await.unwrap();
    let state = &app["status"]["operationState"];
    let message = state["message"].as_str().unwrap();
    assert_eq!(state["phase"], "Failed");
    assert!(message.contains("batch/Job/fails/migrate failed: "), "{message}");
    assert_eq!(hooks_of(&app), ["PreSync migrate Failed", "SyncFail alarm Succeeded"]);
    assert_eq!(world.api.get(&deployment_path("fails", "web")).await.unwrap(), None);

    // The failed Job is still there to be read; the next sync makes another one in its place.
    let failed = world.api.get(&format!("{JOBS}/fails/jobs/migrate")).await.unwrap().unwrap();
    world.push(&[("fails/before.yaml", &migrate("migrate:2"))]).unwrap();
    let app = world.sync("fails", json!({})).await.unwrap();
    let state = &app["status"]["operationState"];
    assert_eq!(state["phase"], "Succeeded", "{}", state["message"]);
    let again = world.api.get(&format!("{JOBS}/fails/jobs/migrate")).await.unwrap().unwrap();
    assert_ne!(failed["metadata"]["uid"], again["metadata"]["uid"]);
    assert!(world.api.get(&deployment_path("fails", "web")).await.unwrap().is_some());
}

pub(crate) async fn a_killed_controller_runs_no_hook_twice(world: &mut World) {
    world
        .push(&[
            ("twice/before.yaml", &job("migrate-", "migrate:1", &[("hook", "PreSync")])),
            ("twice/named.yaml", &job("backup", "backup:1", &[("hook", "PreSync"), ("sync-wave", "-1")])),
            ("twice/web.yaml", &deployment("web", "web:1", 0)),
        ])
        .unwrap();
    manual(world, "twice").await;
    world.cluster.run_nodes(false);
    let mark = world.begin_sync("twice", json!({})).await.unwrap();
    let waits = |app: &Value| {
        let message = app["status"]["operationState"]["message"].as_str().unwrap_or_default();
        message == "waiting for completion of hook batch/Job/twice/backup"
    };
    world.until_app("twice", "waits for its hook", waits).await;
    world.restart().await.unwrap();
    world.cluster.run_nodes(true);
    let app = world.until_ended("twice", &mark).await;
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded");
    assert_eq!(made(world, "twice"), 2);
}

async fn ending_an_operation_ends_its_hook(world: &mut World) {
    world
        .push(&[
            ("ended/before.yaml", &job("migrate", "migrate:1", &[("hook", "PreSync")])),
            ("ended/web.yaml", &deployment("web", "web:1", 0)),
        ])
        .unwrap();
    manual(world, "ended").await;
    world.cluster.run_nodes(false);
    let mark = world.begin_sync("ended", json!({})).await.unwrap();
    let path = format!("{JOBS}/ended/jobs/migrate");
    world.until(&path, "runs", |o| o.is_some()).await;
    let waits = |app: &Value| app["status"]["operationState"]["syncResult"]["resources"].is_array();
    world.until_app("ended", "has it on record", waits).await;
    let end = json!({"status": {"operationState": {"phase": "Terminating"}}});
    world.api.patch(&e2e::app_path("ended"), &end).await.unwrap();
    world.until_ended("ended", &mark).await;
    world.until(&path, "is gone", |o| o.is_none()).await;
    assert_eq!(world.api.get(&deployment_path("ended", "web")).await.unwrap(), None);
}

async fn a_sync_that_takes_too_long_is_ended_with_its_hook(world: &mut World) {
    world
        .push(&[
            ("slow/before.yaml", &job("migrate", "migrate:1", &[("hook", "PreSync")])),
            ("slow/web.yaml", &deployment("web", "web:1", 0)),
        ])
        .unwrap();
    let params = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cmd-params-cm", "namespace": "argocd"},
        "data": {"controller.sync.timeout.seconds": "2"},
    });
    world.api.apply(&params).await.unwrap();
    manual(world, "slow").await;
    world.cluster.run_nodes(false);
    let app = world.sync("slow", json!({"retry": {"limit": 3}})).await.unwrap();
    let state = &app["status"]["operationState"];
    let message = state["message"].as_str().unwrap();
    assert_eq!(state["phase"], "Failed");
    assert_eq!(
        message,
        "operation terminated, triggered by controller sync timeout of 2s: waiting for completion of hook batch/Job/slow/migrate"
    );
    let path = format!("{JOBS}/slow/jobs/migrate");
    world.until(&path, "is gone", |o| o.is_none()).await;
    assert_eq!(world.api.get(&deployment_path("slow", "web")).await.unwrap(), None);
}

async fn a_hook_that_somebody_deletes_has_failed(world: &mut World) {
    world
        .push(&[
            ("robbed/before.yaml", &job("migrate", "migrate:1", &[("hook", "PreSync")])),
            ("robbed/web.yaml", &deployment("web", "web:1", 0)),
        ])
        .unwrap();
    manual(world, "robbed").await;
    world.cluster.run_nodes(false);
    let mark = world.begin_sync("robbed", json!({})).await.unwrap();
    let path = format!("{JOBS}/robbed/jobs/migrate");
    let waits = |app: &Value| hooks_of(app) == ["PreSync migrate Running"];
    world.until_app("robbed", "waits for its hook", waits).await;
    world.api.delete(&path).await.unwrap();
    let app = world.until_ended("robbed", &mark).await;
    let state = &app["status"]["operationState"];
    assert_eq!(state["phase"], "Failed");
    assert!(
        state["message"].as_str().unwrap().contains("it was deleted while it ran"),
        "{}",
        state["message"]
    );
    world.until(&path, "is let go of, and gone", |o| o.is_none()).await;
    assert_eq!(
        (made(world, "robbed"), world.api.get(&deployment_path("robbed", "web")).await.unwrap()),
        (1, None)
    );
}

async fn what_takes_a_finished_hook_away_takes_no_result(world: &mut World) {
    world
        .push(&[
            ("brief/a.yaml", &job("first", "first:1", &[("hook", "PreSync"), ("sync-wave", "-1")])),
            ("brief/b.yaml", &job("second", "second:1", &[("hook", "PreSync")])),
            ("brief/web.yaml", &config("settings", "x")),
        ])
        .unwrap();
    manual(world, "brief").await;
    world.cluster.run_nodes(false);
    let mark = world.begin_sync("brief", json!({})).await.unwrap();
    let first = format!("{JOBS}/brief/jobs/first");
    world
        .until_app("brief", "waits for its first hook", |app| hooks_of(app) == ["PreSync first Running"])
        .await;
    // Nobody sees how it ends before it goes, as the controller of Jobs has it at the end of their time to live.
    world.kill().await;
    world.cluster.run_nodes(true);
    world.until(&first, "has ended", |o| o.is_some_and(|job| job["status"]["succeeded"] == 1)).await;
    world.api.delete(&first).await.unwrap();
    world.succeed().await.unwrap();
    let app = world.until_ended("brief", &mark).await;
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded");
    assert_eq!(hooks_of(&app), ["PreSync first Succeeded", "PreSync second Succeeded"]);
    world.until(&first, "is let go of, and gone", |o| o.is_none()).await;
    assert_eq!(made(world, "brief"), 2);
}

async fn what_is_not_the_applications_hook_stays(world: &mut World) {
    let foreign = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "foreign"}});
    world.api.apply(&foreign).await.unwrap();
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "foreign"}, "data": {"key": "theirs"},
    });
    world.api.apply(&settings).await.unwrap();
    let mut hook = settings.clone();
    hook["metadata"]["annotations"] = json!({"argocd.argoproj.io/hook": "PreSync"});
    hook["data"]["key"] = json!("ours");
    world.push(&[("foreign/c.yaml", &text(&hook))]).unwrap();
    manual(world, "foreign").await;
    let app = world.sync("foreign", json!({})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Failed");
    let result = &app["status"]["operationState"]["syncResult"]["resources"][0]["message"];
    assert!(result.as_str().unwrap().contains("not a hook of this application"), "{result}");
    let live = world.api.get(&config_map("foreign", "settings")).await.unwrap().unwrap();
    assert_eq!(live["data"]["key"], "theirs");
}

pub(crate) async fn helms_hooks_run_as_the_peers(world: &mut World) {
    let helm = |name: &str, hook: &str, more: Value| {
        let mut annotations = json!({"helm.sh/hook": hook});
        annotations.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let mut job: Value = serde_json::from_str(&job(name, "hook:1", &[])).unwrap();
        job["metadata"]["annotations"] = annotations;
        text(&job)
    };
    world
        .push(&[
            ("helmed/Chart.yaml", "apiVersion: v2\nname: helmed\nversion: 1.0.0\n"),
            ("helmed/templates/web.yaml", &deployment("web", "web:1", 0)),
            (
                "helmed/templates/before.yaml",
                &helm("before", "pre-install,pre-upgrade", json!({"helm.sh/hook-weight": "-5"})),
            ),
            (
                "helmed/templates/after.yaml",
                &helm("after", "post-upgrade", json!({"helm.sh/hook-delete-policy": "hook-succeeded"})),
            ),
            ("helmed/templates/test.yaml", &helm("checks", "test", json!({}))),
            ("helmed/templates/end.yaml", &helm("end", "pre-delete", json!({}))),
        ])
        .unwrap();
    world.api.apply(&world.application("helmed", "helmed", "helmed")).await.unwrap();
    let app = world.until_good("helmed").await;
    assert_eq!(hooks_of(&app), ["PreSync before Succeeded", "PostSync after Succeeded"]);
    world.until(&format!("{JOBS}/helmed/jobs/after"), "has succeeded, and goes", |o| o.is_none()).await;
    assert_eq!(names(world, "helmed").await, ["before"]);
    // The one for the end runs then.
    world.api.delete(&e2e::app_path("helmed")).await.unwrap();
    world.until(&e2e::app_path("helmed"), "is gone", |o| o.is_none()).await;
    assert_eq!(made(world, "helmed"), 3);
}

mod tests {
    crate::on_kubesim!(
        hooks_run_in_their_phases,
        a_hook_that_fails_stops_the_sync,
        a_killed_controller_runs_no_hook_twice,
        ending_an_operation_ends_its_hook,
        a_sync_that_takes_too_long_is_ended_with_its_hook,
        a_hook_that_somebody_deletes_has_failed,
        what_takes_a_finished_hook_away_takes_no_result,
        what_is_not_the_applications_hook_stays,
        helms_hooks_run_as_the_peers,
        hooks_are_tidied_up_though_nothing_happens_any_more,
    );
}
