//! What comes first, what waits, what stays.

use e2e::{World, app_path, conditions};
use serde_json::{Value, json};

use crate::manifests::{annotated, config, config_map, definition, deployment, deployment_path, text};

pub(crate) async fn a_definition_and_its_object_come_in_one_sync(world: &mut World) {
    let widget = json!({"apiVersion": "story.example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "widgets"}});
    world
        .push(&[
            ("crd/a.yaml", &text(&widget)),
            ("crd/b.yaml", &text(&definition("story.example.com"))),
            ("crd/c.yaml", &text(&namespace)),
        ])
        .unwrap();
    let mut app = world.application("crd", "crd", "widgets");
    app["spec"]["syncPolicy"]["syncOptions"] = json!([]);
    world.api.apply(&app).await.unwrap();
    let app = world.until_good("crd").await;
    assert_eq!(app["status"]["resources"].as_array().unwrap().len(), 3);
    assert_eq!(app["status"]["operationState"]["retryCount"], Value::Null, "the first attempt did it");
    let path = "/apis/story.example.com/v1/namespaces/widgets/widgets/w";
    assert_eq!(world.api.get(path).await.unwrap().unwrap()["spec"]["size"], 1);
}

pub(crate) async fn a_namespace_is_made_with_its_labels(world: &mut World) {
    world.push(&[("labelled/c.yaml", &config("c", "x"))]).unwrap();
    let mut app = world.application("labelled", "labelled", "labelled");
    app["spec"]["syncPolicy"]["managedNamespaceMetadata"] =
        json!({"labels": {"team": "red"}, "annotations": {"a": "b"}});
    world.api.apply(&app).await.unwrap();
    world.until_good("labelled").await;
    let namespace = world.api.get("/api/v1/namespaces/labelled").await.unwrap().unwrap();
    assert_eq!(namespace["metadata"]["labels"]["team"], "red");
    assert_eq!(namespace["metadata"]["annotations"]["a"], "b");
}

async fn a_wave_waits_for_the_one_before(world: &mut World) {
    world
        .push(&[
            ("waves/a.yaml", &deployment("early", "early:1", -5)),
            ("waves/b.yaml", &config("middle", "x")),
            ("waves/c.yaml", &deployment("late", "late:1", 3)),
        ])
        .unwrap();
    world.cluster.run_nodes(false);
    world.api.apply(&world.application("waves", "waves", "waves")).await.unwrap();
    world
        .until_app("waves", "waits for its first wave", |app| {
            app["status"]["operationState"]["message"]
                .as_str()
                .unwrap_or_default()
                .contains("waiting for healthy state")
        })
        .await;
    assert!(world.api.get(&deployment_path("waves", "early")).await.unwrap().is_some());
    assert_eq!(world.api.get(&config_map("waves", "middle")).await.unwrap(), None);
    world.cluster.run_nodes(true);
    world.until_good("waves").await;
    let order: Vec<String> =
        world.writes().into_iter().filter(|w| w.namespace == "waves").map(|w| w.name).collect();
    assert_eq!(order, ["early", "middle", "late"]);
}

async fn waves_are_apart_by_the_setting_and_a_restart_counts_on(world: &mut World) {
    let wave = |name: &str, wave: &str| annotated(name, "x", &[("sync-wave", wave)]);
    world
        .push(&[
            ("apart/a.yaml", &wave("first", "0")),
            ("apart/b.yaml", &wave("second", "1")),
            ("apart/c.yaml", &wave("third", "2")),
        ])
        .unwrap();
    let params = |seconds: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cmd-params-cm", "namespace": "argocd"},
            "data": {"controller.sync.wave.delay.seconds": seconds},
        })
    };
    world.api.apply(&params("3600")).await.unwrap();
    world.api.apply(&world.application("apart", "apart", "apart")).await.unwrap();
    let waits_after = |wave: &'static str| {
        move |app: &Value| {
            let state = &app["status"]["operationState"];
            let record = state["operation"]["info"][0]["value"].as_str().unwrap_or_default();
            state["message"] == "waiting for 3600 s between waves" && record.starts_with(wave)
        }
    };
    world.until_app("apart", "pauses", waits_after("Sync 0 ")).await;
    assert_eq!(world.api.get(&config_map("apart", "second")).await.unwrap(), None);
    // Another controller goes by the record: here the first wave was long ago, and the second is not.
    world.kill().await;
    let record = json!([{"name": "last wave", "value": "Sync 0 2024-01-01T00:00:00Z"}]);
    let patch = json!({"status": {"operationState": {"operation": {"info": record}}}});
    world.api.patch(&app_path("apart"), &patch).await.unwrap();
    world.succeed().await.unwrap();
    world.until_app("apart", "pauses after the second", waits_after("Sync 1 ")).await;
    assert!(world.api.get(&config_map("apart", "second")).await.unwrap().is_some());
    assert_eq!(world.api.get(&config_map("apart", "third")).await.unwrap(), None);
    world.api.apply(&params("0")).await.unwrap();
    let app = world.until_good("apart").await;
    assert_eq!(
        app["status"]["operationState"]["operation"]["info"],
        Value::Null,
        "nothing is left of the record"
    );
}

async fn what_is_pruned_goes_in_reverse_and_is_waited_for(world: &mut World) {
    let wave = |name: &str, wave: &str| annotated(name, "x", &[("sync-wave", wave)]);
    let mut held: Value = serde_json::from_str(&wave("second", "1")).unwrap();
    held["metadata"]["finalizers"] = json!(["example.com/held"]);
    world
        .push(&[
            ("back/a.yaml", &wave("first", "0")),
            ("back/b.yaml", &text(&held)),
            ("back/c.yaml", &config("stays", "x")),
        ])
        .unwrap();
    world.api.apply(&world.application("back", "back", "back")).await.unwrap();
    world.until_good("back").await;
    world.repository.remove(&["back/a.yaml", "back/b.yaml"], "less").unwrap();
    world.pushed();
    let waits = |app: &Value| {
        let state = &app["status"]["operationState"];
        state["phase"] == "Running"
            && state["message"]
                == "waiting for deletion of /ConfigMap/back/second (its finalizers: example.com/held)"
    };
    world.until_app("back", "waits for what it pruned first", waits).await;
    let first = world.api.get(&config_map("back", "first")).await.unwrap().unwrap();
    assert_eq!(first["metadata"]["deletionTimestamp"], Value::Null);
    let free = json!({"metadata": {"finalizers": null}});
    world.api.patch(&config_map("back", "second"), &free).await.unwrap();
    let app = world.until_good("back").await;
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded");
    assert_eq!(world.api.get(&config_map("back", "first")).await.unwrap(), None);
    let deleted = world.writes().into_iter().filter(|w| w.namespace == "back" && w.verb == "delete");
    assert_eq!(deleted.map(|w| w.name).collect::<Vec<_>>(), ["second", "first"]);
    // With nothing to do behind it, a sync ends although what it pruned stays.
    let mut held: Value = serde_json::from_str(&config("last", "x")).unwrap();
    held["metadata"]["finalizers"] = json!(["example.com/held"]);
    world.push(&[("back/d.yaml", &text(&held))]).unwrap();
    world.pushed();
    let results = |app: &Value| {
        let state = &app["status"]["operationState"];
        let results = state["syncResult"]["resources"].as_array().cloned().unwrap_or_default();
        let last = results.iter().find(|result| result["name"] == "last");
        format!("{} {}", state["phase"], last.map_or(&Value::Null, |last| &last["status"]))
    };
    world.until_app("back", "makes it", |app| results(app) == r#""Succeeded" "Synced""#).await;
    world.repository.remove(&["back/d.yaml"], "none").unwrap();
    world.pushed();
    world.until_app("back", "ends its sync", |app| results(app) == r#""Succeeded" "Pruned""#).await;
    let last = world.api.get(&config_map("back", "last")).await.unwrap().unwrap();
    assert_ne!(last["metadata"]["deletionTimestamp"], Value::Null);
    world.api.patch(&config_map("back", "last"), &free).await.unwrap();
    world.until_good("back").await;
}

async fn objects_stay_that_say_so(world: &mut World) {
    world
        .push(&[
            ("stay/a.yaml", &annotated("no-prune", "x", &[("sync-options", "Prune=false")])),
            ("stay/b.yaml", &annotated("no-delete", "x", &[("sync-options", "Delete=false")])),
            (
                "stay/c.yaml",
                &annotated("last", "x", &[("sync-options", "PruneLast=true"), ("sync-wave", "-1")]),
            ),
            ("stay/d.yaml", &config("goes", "x")),
            ("stay/e.yaml", &config("rest", "x")),
        ])
        .unwrap();
    world.api.apply(&world.application("stay", "stay", "stay")).await.unwrap();
    world.until_good("stay").await;
    world.repository.remove(&["stay/a.yaml", "stay/c.yaml", "stay/d.yaml"], "less").unwrap();
    world.pushed();
    world.until(&config_map("stay", "last"), "is pruned", |o| o.is_none()).await;
    let deletes = |world: &World| -> Vec<String> {
        world
            .writes()
            .into_iter()
            .filter(|w| w.verb == "delete" && w.namespace == "stay")
            .map(|w| w.name)
            .collect()
    };
    assert_eq!(deletes(world), ["goes", "last"]);
    let app = world
        .until_app("stay", "has ended", |app| {
            app["status"]["operationState"]["phase"] == "Succeeded" && app["operation"].is_null()
        })
        .await;
    assert_eq!(app["status"]["sync"]["status"], "OutOfSync", "what stays is not in git");
    world.api.delete(&app_path("stay")).await.unwrap();
    world.until(&app_path("stay"), "is gone", |o| o.is_none()).await;
    let mut rest = deletes(world).split_off(2);
    rest.sort();
    assert_eq!(rest, ["no-prune", "rest"], "Prune=false is no word about deletion, Delete=false is");
    assert!(world.api.get(&config_map("stay", "no-delete")).await.unwrap().is_some());
}

async fn replace_and_force_change_what_an_apply_cannot(world: &mut World) {
    let job = |image: &str, options: &str| {
        text(&json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "job", "annotations": {"argocd.argoproj.io/sync-options": options}},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}}},
        }))
    };
    world.push(&[("force/job.yaml", &job("registry.example.com/job:1", ""))]).unwrap();
    let mut app = world.application("force", "force", "force");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
    world.sync("force", json!({})).await.unwrap();
    let path = "/apis/batch/v1/namespaces/force/jobs/job";
    let image = |o: Option<&Value>, tag: &str| {
        o.is_some_and(|o| {
            o["spec"]["template"]["spec"]["containers"][0]["image"]
                == format!("registry.example.com/job:{tag}")
        })
    };
    world.push(&[("force/job.yaml", &job("registry.example.com/job:2", ""))]).unwrap();
    let app = world.sync("force", json!({})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Failed");
    let message =
        app["status"]["operationState"]["syncResult"]["resources"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("immutable"), "{message}");
    world.until(path, "is as it was", |o| image(o, "1")).await;
    world.push(&[("force/job.yaml", &job("registry.example.com/job:2", "Force=true"))]).unwrap();
    let app = world.sync("force", json!({})).await.unwrap();
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded", "{}", app["status"]["operationState"]);
    world.until(path, "is made anew", |o| image(o, "2")).await;
    world.push(&[("force/job.yaml", &job("registry.example.com/job:3", "Force=true,Replace=true"))]).unwrap();
    world.sync("force", json!({})).await.unwrap();
    world.until(path, "is replaced", |o| image(o, "3")).await;
}

async fn a_sync_touches_only_what_it_is_told_to(world: &mut World) {
    world
        .push(&[
            ("part/a.yaml", &config("a", "1")),
            ("part/b.yaml", &config("b", "1")),
            ("part/c.yaml", &config("c", "1")),
        ])
        .unwrap();
    let mut app = world.application("part", "part", "part");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true", "ApplyOutOfSyncOnly=true"]});
    world.api.apply(&app).await.unwrap();
    let writes = |world: &World| -> Vec<String> {
        world.writes().into_iter().filter(|w| w.namespace == "part").map(|w| w.name).collect()
    };
    let only_b = json!({"resources": [{"kind": "ConfigMap", "name": "b"}]});
    let app = world.sync("part", only_b).await.unwrap();
    assert_eq!(writes(world), ["b"], "a selective sync");
    assert_eq!(app["status"]["history"], Value::Null, "is no entry in the history");
    world.sync("part", json!({})).await.unwrap();
    assert_eq!(writes(world)[1..], ["a", "c"], "ApplyOutOfSyncOnly");
    let dry = world.sync("part", json!({"dryRun": true})).await.unwrap();
    assert_eq!(dry["status"]["operationState"]["phase"], "Succeeded");
    assert_eq!(writes(world).len(), 3, "a dry run writes nothing");
}

async fn a_newer_commit_supersedes_a_retry(world: &mut World) {
    let bad = text(
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 99999}]}}),
    );
    let good = bad.replace("99999", "80");
    world.push(&[("retry/s.yaml", &bad)]).unwrap();
    let mut app = world.application("retry", "retry", "retry");
    app["spec"]["syncPolicy"]["retry"] = json!({"limit": 5, "backoff": {"duration": "1h"}});
    world.api.apply(&app).await.unwrap();
    let app = world
        .until_app("retry", "waits to try again", |app| {
            app["status"]["operationState"]["message"]
                .as_str()
                .unwrap_or_default()
                .contains("Retrying attempt #1 in 180s")
        })
        .await;
    assert_eq!(app["status"]["operationState"]["phase"], "Running");
    let fixed = world.push(&[("retry/s.yaml", &good)]).unwrap();
    world.until_good_at("retry", &fixed).await;
}

async fn a_retry_succeeds_once_the_cluster_takes_it(world: &mut World) {
    world.push(&[("again/c.yaml", &config("c", "x"))]).unwrap();
    let mut app = world.application("again", "again", "again");
    app["spec"]["syncPolicy"]["syncOptions"] = json!([]);
    app["spec"]["syncPolicy"]["retry"] =
        json!({"limit": -1, "backoff": {"duration": "50ms", "maxDuration": "50ms"}});
    world.api.apply(&app).await.unwrap();
    world
        .until_app("again", "has tried twice", |app| {
            app["status"]["operationState"]["retryCount"].as_i64().unwrap_or_default() >= 2
        })
        .await;
    world
        .api
        .apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "again"}}))
        .await
        .unwrap();
    let app = world.until_good("again").await;
    assert_eq!(app["status"]["operationState"]["phase"], "Succeeded");
    assert_eq!(conditions(&app), [""; 0]);
}

async fn a_terminated_operation_ends_and_writes_no_more(world: &mut World) {
    world
        .push(&[
            ("stop/a.yaml", &deployment("a", "a:1", 0)),
            ("stop/b.yaml", &config("b", "x").replace("{}", "{\"argocd.argoproj.io/sync-wave\":\"1\"}")),
        ])
        .unwrap();
    world.cluster.run_nodes(false);
    let mut app = world.application("stop", "stop", "stop");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
    let mark = world.begin_sync("stop", json!({})).await.unwrap();
    world
        .until_app("stop", "waits", |app| {
            app["status"]["operationState"]["message"]
                .as_str()
                .unwrap_or_default()
                .contains("waiting for healthy")
        })
        .await;
    world
        .api
        .patch(&app_path("stop"), &json!({"status": {"operationState": {"phase": "Terminating"}}}))
        .await
        .unwrap();
    let app = world.until_ended("stop", &mark).await;
    assert_eq!(app["status"]["operationState"]["phase"], "Failed");
    assert_eq!(app["status"]["operationState"]["message"], "operation terminated");
    world.cluster.run_nodes(true);
    world
        .until_app("stop", "is healthy as far as it is there", |app| {
            app["status"]["resources"][1]["health"]["status"] == "Healthy"
        })
        .await;
    assert_eq!(world.api.get(&config_map("stop", "b")).await.unwrap(), None, "the second wave never came");
}

async fn a_retry_that_waits_can_be_terminated(world: &mut World) {
    world.push(&[("halt/c.yaml", &config("c", "x"))]).unwrap();
    let mut app = world.application("halt", "halt", "nowhere");
    app["spec"]["syncPolicy"] =
        json!({"automated": {}, "retry": {"limit": 5, "backoff": {"duration": "3m"}}});
    world.api.apply(&app).await.unwrap();
    world
        .until_app("halt", "waits to try again", |app| {
            app["status"]["operationState"]["message"].as_str().unwrap_or_default().contains("Retrying")
        })
        .await;
    world
        .api
        .patch(&app_path("halt"), &json!({"status": {"operationState": {"phase": "Terminating"}}}))
        .await
        .unwrap();
    world.until_app("halt", "is ended", |app| app["status"]["operationState"]["phase"] == "Failed").await;
}

mod tests {
    crate::on_kubesim!(
        a_definition_and_its_object_come_in_one_sync,
        a_namespace_is_made_with_its_labels,
        a_wave_waits_for_the_one_before,
        objects_stay_that_say_so,
        waves_are_apart_by_the_setting_and_a_restart_counts_on,
        what_is_pruned_goes_in_reverse_and_is_waited_for,
        replace_and_force_change_what_an_apply_cannot,
        a_sync_touches_only_what_it_is_told_to,
        a_newer_commit_supersedes_a_retry,
        a_retry_succeeds_once_the_cluster_takes_it,
        a_terminated_operation_ends_and_writes_no_more,
        a_retry_that_waits_can_be_terminated,
    );
}
