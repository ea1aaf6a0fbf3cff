//! The end of an application: its hooks, what it takes along, what it leaves, and what it waits for.

use e2e::{World, app_path, conditions};
use serde_json::{Value, json};

use crate::hooks::{JOBS, job, made, manual, names};
use crate::manifests::{config, config_map, definition, text};

fn finalizers(app: &Value) -> Vec<String> {
    let all = app["metadata"]["finalizers"].as_array().into_iter().flatten();
    all.map(|f| f.as_str().unwrap().replace(".argocd.argoproj.io", "")).collect()
}

fn waits_for(app: &Value, what: &str) -> bool {
    conditions(app).iter().any(|c| c.starts_with("DeletionError") && c.contains(what))
}

/// An application with a ConfigMap `settings` and these files beside it.
async fn installed(world: &World, name: &str, files: &[(&str, &str)]) -> Value {
    let mut all = vec![(format!("{name}/settings.yaml"), config("settings", "x"))];
    all.extend(files.iter().map(|(file, text)| (format!("{name}/{file}"), (*text).to_owned())));
    let all: Vec<(&str, &str)> = all.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    world.push(&all).unwrap();
    world.api.apply(&world.application(name, name, name)).await.unwrap();
    world.until_good(name).await
}

/// What an earlier installation left half deleted is no wish of this one's.
async fn deletions_from_before_the_installation_wait_for_a_word(world: &mut World) {
    for name in ["meant", "left"] {
        installed(world, name, &[]).await;
    }
    world.kill().await;
    for name in ["meant", "left"] {
        world.api.delete(&app_path(name)).await.unwrap();
    }
    // Times on objects are whole seconds.
    let asked = jiff::Timestamp::now().as_second();
    let later = || async { Ok::<_, ()>(jiff::Timestamp::now().as_second() > asked) };
    testkit::eventually("the next second", e2e::PATIENCE, later).await;
    // A Lease of its own is another installation.
    world.api.delete(e2e::LEASE).await.unwrap();
    world.succeed().await.unwrap();
    for name in ["meant", "left"] {
        let asks = |app: &Value| waits_for(app, "when this installation began");
        world.until_app(name, "asks before it goes on", asks).await;
        assert!(world.api.get(&config_map(name, "settings")).await.unwrap().is_some(), "{name}");
    }
    let now = jiff::Timestamp::now().to_string();
    let consent = json!({"metadata": {"annotations": {"argocd.argoproj.io/deletion-approved": now}}});
    world.api.patch(&app_path("meant"), &consent).await.unwrap();
    world.until(&app_path("meant"), "is gone", |o| o.is_none()).await;
    assert_eq!(world.api.get(&config_map("meant", "settings")).await.unwrap(), None);
    let kept = json!({"metadata": {"finalizers": null}});
    world.api.patch(&app_path("left"), &kept).await.unwrap();
    world.until(&app_path("left"), "is gone", |o| o.is_none()).await;
    assert!(world.api.get(&config_map("left", "settings")).await.unwrap().is_some());
}

/// Places of the first writes of this kind among all that controllers have made.
fn place(world: &World, namespace: &str, text: &str) -> usize {
    let found = world.writes().iter().position(|w| {
        let named = match w.verb.as_str() {
            "create" => format!("create {}", w.resource),
            _ => format!("{} {} {}", w.verb, w.resource, w.name),
        };
        w.namespace == namespace && w.code < 300 && named == text
    });
    assert!(found.is_some(), "{text} was not written");
    found.unwrap_or_default()
}

pub(crate) async fn hooks_run_before_and_after_a_deletion(world: &mut World) {
    let app = installed(
        world,
        "farewell",
        &[
            ("backup.yaml", &job("backup-", "backup:1", &[("hook", "PreDelete"), ("sync-wave", "1")])),
            ("quiet.yaml", &config_of_a_hook("quiet", "PreDelete")),
            (
                "report.yaml",
                &job(
                    "report",
                    "report:1",
                    &[("hook", "PostDelete"), ("hook-delete-policy", "HookSucceeded")],
                ),
            ),
            ("bill.yaml", &job("bill", "bill:1", &[("hook", "PostDelete"), ("sync-wave", "-1")])),
        ],
    )
    .await;
    assert_eq!(made(world, "farewell"), 0, "a sync runs none of them");
    let expected = [
        "resources-finalizer",
        "pre-delete-finalizer",
        "pre-delete-finalizer/cleanup",
        "post-delete-finalizer",
        "post-delete-finalizer/cleanup",
    ];
    assert_eq!(finalizers(&app), expected);
    world.api.delete(&app_path("farewell")).await.unwrap();
    world.until(&app_path("farewell"), "is gone", |o| o.is_none()).await;
    assert_eq!(world.api.get(&config_map("farewell", "settings")).await.unwrap(), None);
    assert_eq!(made(world, "farewell"), 3);
    let (before, gone) =
        (place(world, "farewell", "create jobs"), place(world, "farewell", "delete configmaps settings"));
    assert!(before < gone, "PreDelete comes before the deletion");
    assert!(place(world, "farewell", "delete jobs report") > gone);
    // What says so went after it had succeeded, and what stays is let go of.
    assert_eq!(names(world, "farewell").await, ["bill"]);
    let bill = world.api.get(&format!("{JOBS}/farewell/jobs/bill")).await.unwrap().unwrap();
    assert_eq!(bill["metadata"]["finalizers"], Value::Null);
}

/// A ConfigMap as a hook: a kind without health has succeeded as soon as it is there.
fn config_of_a_hook(name: &str, hook: &str) -> String {
    crate::manifests::annotated(name, "x", &[("hook", hook)])
}

async fn a_hook_that_fails_holds_up_the_deletion(world: &mut World) {
    let backup = |image: &str| job("backup", image, &[("hook", "PreDelete")]);
    installed(world, "held", &[("backup.yaml", &backup("backup:crash"))]).await;
    world.api.delete(&app_path("held")).await.unwrap();
    let held = |app: &Value| waits_for(app, "PreDelete hook batch/Job/held/backup has failed");
    world.until_app("held", "names the hook that failed", held).await;
    assert!(world.api.get(&config_map("held", "settings")).await.unwrap().is_some(), "nothing went");
    // It is tried again, as git has it then.
    world.push(&[("held/backup.yaml", &backup("backup:2"))]).unwrap();
    world.until(&app_path("held"), "is gone", |o| o.is_none()).await;
    assert_eq!(world.api.get(&config_map("held", "settings")).await.unwrap(), None);
    assert_eq!(made(world, "held"), 2);
}

pub(crate) async fn a_killed_controller_runs_no_hook_of_a_deletion_twice(world: &mut World) {
    installed(
        world,
        "once",
        &[
            ("before.yaml", &job("before-", "before:1", &[("hook", "PreDelete"), ("sync-wave", "-1")])),
            ("then.yaml", &job("then", "then:1", &[("hook", "PreDelete")])),
            ("after.yaml", &job("after-", "after:1", &[("hook", "PostDelete")])),
        ],
    )
    .await;
    world.cluster.run_nodes(false);
    world.api.delete(&app_path("once")).await.unwrap();
    let waits =
        |app: &Value| waits_for(app, "waiting for completion of PreDelete hook batch/Job/once/before-");
    world.until_app("once", "waits for its hook", waits).await;
    world.restart().await.unwrap();
    world.cluster.run_nodes(true);
    world.until(&app_path("once"), "is gone", |o| o.is_none()).await;
    assert_eq!(made(world, "once"), 3);
    assert_eq!(world.api.get(&config_map("once", "settings")).await.unwrap(), None);
}

async fn hooks_run_without_cascade_too(world: &mut World) {
    let hook = job("backup", "backup:1", &[("hook", "PreDelete")]);
    world.push(&[("lone/settings.yaml", &config("settings", "x")), ("lone/backup.yaml", &hook)]).unwrap();
    let mut app = world.application("lone", "lone", "lone");
    app["metadata"]["finalizers"] = json!([]);
    world.api.apply(&app).await.unwrap();
    let app = world.until_good("lone").await;
    assert_eq!(finalizers(&app), ["pre-delete-finalizer", "pre-delete-finalizer/cleanup"]);
    world.api.delete(&app_path("lone")).await.unwrap();
    world.until(&app_path("lone"), "is gone", |o| o.is_none()).await;
    assert!(world.api.get(&config_map("lone", "settings")).await.unwrap().is_some());
    assert_eq!((made(world, "lone"), names(world, "lone").await), (1, vec!["backup".to_owned()]));
}

async fn what_was_never_synced_has_its_hooks_run(world: &mut World) {
    world.push(&[("unborn/backup.yaml", &job("backup", "backup:1", &[("hook", "PreDelete")]))]).unwrap();
    manual(world, "unborn").await;
    let asked = json!({"metadata": {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}});
    world.api.patch(&app_path("unborn"), &asked).await.unwrap();
    let has = |app: &Value| finalizers(app).len() == 3;
    world.until_app("unborn", "has the finalizers of its hook", has).await;
    world.api.delete(&app_path("unborn")).await.unwrap();
    world.until(&app_path("unborn"), "is gone", |o| o.is_none()).await;
    assert_eq!(made(world, "unborn"), 1);
}

async fn what_git_has_no_more_is_not_asked_for(world: &mut World) {
    let hook = job("backup", "backup:1", &[("hook", "PreDelete")]);
    installed(world, "changed", &[("backup.yaml", &hook)]).await;
    world.repository.remove(&["changed/backup.yaml"], "less").unwrap();
    world.pushed();
    let less = |app: &Value| finalizers(app) == ["resources-finalizer"];
    world.until_app("changed", "has no finalizers of hooks any more", less).await;
}

async fn a_deletion_whose_hooks_cannot_be_had_says_so(world: &mut World) {
    let hook = job("backup", "backup:1", &[("hook", "PreDelete")]);
    installed(world, "lost", &[("backup.yaml", &hook)]).await;
    let broken = ("lost/broken.yaml", "apiVersion: v1\nkind: [\n");
    world.push(&[broken]).unwrap();
    let sees = |app: &Value| conditions(app).iter().any(|c| c.starts_with("ComparisonError"));
    world.until_app("lost", "cannot be rendered", sees).await;
    world.api.delete(&app_path("lost")).await.unwrap();
    let waits = |app: &Value| {
        waits_for(app, "the PreDelete hooks cannot be had from git")
            && waits_for(app, "broken.yaml")
            && waits_for(app, "remove its finalizers pre-delete-finalizer.argocd.argoproj.io")
    };
    let app = world.until_app("lost", "says what it waits for", waits).await;
    assert!(world.api.get(&config_map("lost", "settings")).await.unwrap().is_some());
    // As it says: without them it goes on.
    let rest: Vec<&Value> = app["metadata"]["finalizers"].as_array().unwrap().iter().collect();
    let rest: Vec<&Value> =
        rest.into_iter().filter(|f| !f.as_str().unwrap().starts_with("pre-delete")).collect();
    world.api.patch(&app_path("lost"), &json!({"metadata": {"finalizers": rest}})).await.unwrap();
    world.until(&app_path("lost"), "is gone", |o| o.is_none()).await;
    assert_eq!(made(world, "lost"), 0);
}

async fn a_root_leaves_the_finalizers_of_its_childrens_hooks(world: &mut World) {
    let child = world.application("kid", "kid", "kid");
    world
        .push(&[
            ("kid/settings.yaml", &config("settings", "x")),
            ("kid/backup.yaml", &job("backup", "backup:1", &[("hook", "PreDelete")])),
            ("family/kid.yaml", &text(&child)),
        ])
        .unwrap();
    world.api.apply(&world.application("family", "family", "argocd")).await.unwrap();
    world.until_good("kid").await;
    world.until_good("family").await;
    let family = world.refresh("family").await.unwrap();
    assert_eq!(family["status"]["sync"]["status"], "Synced");
    world.sync("family", json!({})).await.unwrap();
    let kid = world.app("kid").await.unwrap();
    assert!(finalizers(&kid).contains(&"pre-delete-finalizer".to_owned()), "{:?}", finalizers(&kid));
    world.api.delete(&app_path("family")).await.unwrap();
    world.until(&app_path("family"), "is gone", |o| o.is_none()).await;
    assert_eq!((world.api.get(&app_path("kid")).await.unwrap(), made(world, "kid")), (None, 1));
}

async fn definitions_outlive_their_application(world: &mut World) {
    installed(world, "definer", &[("crd.yaml", &text(&definition("left.example.com")))]).await;
    world.api.delete(&app_path("definer")).await.unwrap();
    world.until(&app_path("definer"), "is gone", |o| o.is_none()).await;
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.left.example.com";
    let live = world.api.get(path).await.unwrap().unwrap();
    assert_eq!(live["metadata"]["deletionTimestamp"], Value::Null);
    assert_eq!(world.api.get(&config_map("definer", "settings")).await.unwrap(), None);
}

async fn an_application_of_a_cluster_that_is_gone_may_go(world: &mut World) {
    let mut app = world.application("stray", "stray", "stray");
    app["spec"]["destination"] = json!({"name": "gone", "namespace": "stray"});
    app["metadata"]["finalizers"] =
        json!(["resources-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io"]);
    world.api.apply(&app).await.unwrap();
    world.api.delete(&app_path("stray")).await.unwrap();
    world.until(&app_path("stray"), "is gone", |o| o.is_none()).await;
}

async fn a_deletion_names_the_object_that_stays(world: &mut World) {
    let mut held: Value = serde_json::from_str(&config("held", "x")).unwrap();
    held["metadata"]["finalizers"] = json!(["example.com/held"]);
    installed(world, "stuck", &[("held.yaml", &text(&held))]).await;
    world.api.delete(&app_path("stuck")).await.unwrap();
    let named = |app: &Value| {
        waits_for(app, "/ConfigMap/stuck/held is being deleted since ") && waits_for(app, "example.com/held")
    };
    world.until_app("stuck", "names what holds it up", named).await;
    let free = json!({"metadata": {"finalizers": null}});
    world.api.patch(&config_map("stuck", "held"), &free).await.unwrap();
    world.until(&app_path("stuck"), "is gone", |o| o.is_none()).await;
}

mod tests {
    crate::on_kubesim!(
        hooks_run_before_and_after_a_deletion,
        a_hook_that_fails_holds_up_the_deletion,
        a_killed_controller_runs_no_hook_of_a_deletion_twice,
        hooks_run_without_cascade_too,
        what_was_never_synced_has_its_hooks_run,
        what_git_has_no_more_is_not_asked_for,
        a_deletion_whose_hooks_cannot_be_had_says_so,
        a_root_leaves_the_finalizers_of_its_childrens_hooks,
        definitions_outlive_their_application,
        an_application_of_a_cluster_that_is_gone_may_go,
        a_deletion_names_the_object_that_stays,
        deletions_from_before_the_installation_wait_for_a_word,
    );
}
