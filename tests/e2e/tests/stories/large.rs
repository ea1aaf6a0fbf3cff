//! Applications of very many objects: what they cost, counted and not timed, and that their status fits into their object.

use std::time::Duration;

use api::names::annotation::SYNC_OPTIONS;
use e2e::{World, app_path};
use serde_json::{Value, json};

use crate::cost::until_calm;
use crate::manifests::{annotated, config, config_map, deployment, deployment_path, text};

/// Objects without a status.
const CONFIGS: usize = 150;
/// Objects whose status changes.
const DEPLOYMENTS: usize = 10;
/// Objects with names as long as they may be: their results alone are larger than what etcd takes.
const LONG: usize = 2_400;
/// As many whose results do not fit on record.
const MANY: usize = 700;
/// What a status must stay below, in bytes.
const MIB: usize = 1 << 20;

fn files() -> String {
    let configs = (0..CONFIGS).map(|n| config(&format!("c-{n}"), "1"));
    let deployments = (0..DEPLOYMENTS).map(|n| deployment(&format!("d-{n}"), "app:1", 0));
    configs.chain(deployments).collect::<Vec<_>>().join("\n---\n")
}

/// An application that is not healed, so that what differs stays so.
fn unhealed(world: &World, name: &str) -> Value {
    let mut app = world.application(name, name, name);
    app["spec"]["syncPolicy"]["automated"] = json!({"prune": true});
    app
}

async fn each_object_is_compared_once_for_each_change(world: &mut World) {
    world.push(&[("counted/all.yaml", &files())]).unwrap();
    world.api.apply(&unhealed(world, "counted")).await.unwrap();
    world.until_good("counted").await;
    until_calm(world).await;
    let compared = world.controller.metrics().comparisons();
    let all = (CONFIGS + DEPLOYMENTS) as u64;
    // A Deployment is annotated by its controller after it was applied.
    assert!(
        (all..=all + 2 * DEPLOYMENTS as u64).contains(&compared),
        "{compared} comparisons of {all} objects"
    );

    // One changes: it alone is compared, and one write says so.
    let (metrics, sim) = (world.controller.metrics(), world.cluster.sim.clone().unwrap());
    sim.clear_requests();
    let change = json!({"data": {"key": "2"}});
    world.api.patch(&config_map("counted", "c-7"), &change).await.unwrap();
    let is = |status: &'static str| move |app: &Value| app["status"]["sync"]["status"] == status;
    world.until_app("counted", "differs", is("OutOfSync")).await;
    until_calm(world).await;
    assert_eq!(metrics.comparisons(), compared + 1);
    let quiet = |r: &e2e::Seen| {
        matches!(r.verb.as_str(), "watch") || matches!(r.resource.as_str(), "leases" | "events")
    };
    let requests: Vec<_> = world.requests().into_iter().filter(|r| !quiet(r)).collect();
    let texts: Vec<String> = requests.iter().map(e2e::Seen::text).collect();
    assert_eq!(
        texts,
        ["patch applications argocd/counted"],
        "who wrote it is known, so that no dry run is needed"
    );
    world.api.patch(&config_map("counted", "c-7"), &json!({"data": {"key": "1"}})).await.unwrap();
    world.until_app("counted", "is synced", is("Synced")).await;

    // Statuses change that say nothing new about health.
    until_calm(world).await;
    let (compared, passes, written) = (metrics.comparisons(), metrics.passes(), metrics.status_writes());
    for n in 0..DEPLOYMENTS * 3 {
        let path = format!("{}/status", deployment_path("counted", &format!("d-{}", n % DEPLOYMENTS)));
        let mut live = world.api.get(&path).await.unwrap().unwrap();
        let conditions = live["status"]["conditions"].as_array_mut().unwrap();
        conditions.retain(|condition| condition["type"] != "Looked");
        conditions.push(json!({"type": "Looked", "status": "True", "message": n.to_string()}));
        let patch = json!({"status": {"conditions": conditions}});
        world.api.patch(&path, &patch).await.unwrap();
    }
    until_calm(world).await;
    assert_eq!(metrics.comparisons(), compared, "no comparison");
    assert_eq!(metrics.passes(), passes, "and no pass");
    assert_eq!(metrics.status_writes(), written);

    // Nor do updates that the settings name, however many: the last one is seen when somebody looks.
    let ignored = json!({"data": {"resource.customizations.ignoreResourceUpdates.ConfigMap":
        "jqPathExpressions: ['.metadata.annotations.leader']"}});
    world.api.patch("/api/v1/namespaces/argocd/configmaps/argocd-cm", &ignored).await.unwrap();
    world.refresh("counted").await.unwrap();
    until_calm(world).await;
    let passes = metrics.passes();
    for n in 0..5 {
        let elected = json!({"metadata": {"annotations": {"leader": n.to_string()}}});
        world.api.patch(&config_map("counted", "c-7"), &elected).await.unwrap();
    }
    until_calm(world).await;
    assert_eq!(metrics.passes(), passes, "the rule names what changed");
    let more = json!({"metadata": {"annotations": {"leader": "x", "other": "x"}}});
    world.api.patch(&config_map("counted", "c-7"), &more).await.unwrap();
    until_calm(world).await;
    assert!(metrics.passes() > passes, "no rule names it");

    // A restart compares each object once and writes none.
    world.restart().await.unwrap();
    world.refresh("counted").await.unwrap();
    until_calm(world).await;
    assert_eq!(world.controller.metrics().comparisons(), all);
    world.leave(&["counted"]).await.unwrap();
}

/// Two waves, each with more results than fit on record: a controller that comes back between them applies nothing twice.
pub(crate) async fn a_large_status_fits_into_its_object(world: &mut World) {
    let name = |n: usize| format!("{}-{n:05}", "long".repeat(55));
    let manifest = |n: usize| {
        let annotations =
            json!({SYNC_OPTIONS: "Prune=false", "argocd.argoproj.io/sync-wave": (n % 2).to_string()});
        let metadata = json!({"name": name(n), "annotations": annotations});
        text(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": "1"}}))
    };
    let files: Vec<(String, String)> = (0..LONG / 100)
        .map(|part| {
            let all: Vec<String> = (part * 100..part * 100 + 100).map(manifest).collect();
            (format!("big/{part}.yaml"), all.join("\n---\n"))
        })
        .collect();
    world.push(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>()).unwrap();
    world.api.apply(&unhealed(world, "big")).await.unwrap();
    let good = |app: &Value| e2e::is_good(app);
    let app = testkit::eventually_some("the large application is good", Duration::from_secs(300), || async {
        let app = world.app("big").await?;
        if good(&app) {
            Ok(Some(app))
        } else {
            Err(anyhow::anyhow!("{}", app["status"]["operationState"]["message"]))
        }
    })
    .await;
    let bytes = |value: &Value| value.to_string().len();
    assert!(bytes(&app["status"]) < MIB, "{} bytes", bytes(&app["status"]));
    let state = &app["status"]["operationState"];
    let (listed, results) = (&app["status"]["resources"], &state["syncResult"]["resources"]);
    let length = |list: &Value| list.as_array().map_or(0, Vec::len);
    assert!((500..LONG).contains(&length(listed)), "{} resources", length(listed));
    assert!((200..LONG).contains(&length(results)), "{} results", length(results));
    let left_out = format!("{} results are not listed", LONG - length(results));
    assert!(state["message"].as_str().unwrap().contains(&left_out), "{}", state["message"]);
    let said = format!("not all of the {LONG} resources");
    assert!(
        e2e::conditions(&app).iter().any(|condition| condition.contains(&said)),
        "{:?}",
        e2e::conditions(&app)
    );
    assert_eq!(length(&app["status"]["history"]), 1, "history stays");
    let applied =
        world.writes().iter().filter(|w| w.resource == "configmaps" && w.namespace == "big").count();
    assert_eq!(applied, LONG, "each was applied once");
    // One more differs and is listed.
    let last = name(LONG - 1);
    world.api.patch(&config_map("big", &last), &json!({"data": {"key": "2"}})).await.unwrap();
    let app = world.until_app("big", "differs", |app| app["status"]["sync"]["status"] == "OutOfSync").await;
    let differing: Vec<&Value> =
        app["status"]["resources"].as_array().unwrap().iter().filter(|r| r["status"] != "Synced").collect();
    assert_eq!(differing.iter().map(|r| &r["name"]).collect::<Vec<_>>(), [&json!(last)]);
    assert!(bytes(&app["status"]) < MIB);
    world.api.delete(&app_path("big")).await.unwrap();
}

/// What was applied and is waited for comes to no good, when its result is not on record any more: the operation fails by it.
async fn a_broken_object_whose_result_was_left_out_ends_its_operation(world: &mut World) {
    let claim = |name: &str| {
        // Of a volume that nobody makes.
        let resources = json!({"requests": {"storage": "1Gi"}});
        let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": resources, "volumeName": "none"});
        text(
            &json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}),
        )
    };
    let path = |name: &str| format!("/api/v1/namespaces/parted/persistentvolumeclaims/{name}");
    let long = (0..MANY).map(|n| config(&format!("{}-{n:05}", "long".repeat(55)), "1"));
    let first = long.chain([claim("lost"), claim("gone")]).collect::<Vec<_>>().join("\n---\n");
    let next = annotated("next", "1", &[("sync-wave", "1")]);
    let hook = annotated("alarm", "1", &[("hook", "SyncFail")]);
    world.push(&[("parted/a.yaml", &first), ("parted/b.yaml", &next), ("parted/c.yaml", &hook)]).unwrap();
    let mut app = world.application("parted", "parted", "parted");
    app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]});
    world.api.apply(&app).await.unwrap();
    world.begin_sync("parted", json!({})).await.unwrap();
    let waits = |app: &Value| {
        let state = &app["status"]["operationState"];
        let message = state["message"].as_str().unwrap_or_default();
        let left_out = state["operation"]["info"].as_array().into_iter().flatten();
        message.starts_with("waiting for healthy state")
            && left_out.into_iter().any(|info| info["name"] == "results left out")
    };
    let app = world.until_app("parted", "waits for its first wave", waits).await;
    let listed = |app: &Value, name: &str| {
        let results = app["status"]["operationState"]["syncResult"]["resources"].as_array().unwrap();
        results.iter().find(|result| result["name"] == name).cloned()
    };
    assert_eq!((listed(&app, "lost"), listed(&app, "gone")), (None, None), "their results are left out");

    let failed = |app: &Value| app["status"]["operationState"]["phase"] == "Failed";
    world
        .api
        .patch(&format!("{}/status", path("lost")), &json!({"status": {"phase": "Lost"}}))
        .await
        .unwrap();
    let app = world.until_app("parted", "fails by what is lost", failed).await;
    let message = &app["status"]["operationState"]["message"];
    let why = "reason: /PersistentVolumeClaim/parted/lost is degraded";
    assert!(message.as_str().unwrap().contains(why), "{message}");
    assert_eq!(listed(&app, "lost").unwrap()["hookPhase"], "Failed");
    assert!(world.api.get(&config_map("parted", "alarm")).await.unwrap().is_some(), "the alarm was raised");

    // Another attempt, and an object that somebody deletes meanwhile.
    world
        .api
        .patch(&format!("{}/status", path("lost")), &json!({"status": {"phase": "Bound"}}))
        .await
        .unwrap();
    world.begin_sync("parted", json!({})).await.unwrap();
    world.until_app("parted", "waits again", waits).await;
    let no_finalizers = json!({"metadata": {"finalizers": null}});
    world.api.patch(&path("gone"), &no_finalizers).await.unwrap();
    world.api.delete(&path("gone")).await.unwrap();
    let app = world.until_app("parted", "fails by what is gone", failed).await;
    let message = &app["status"]["operationState"]["message"];
    assert!(message.as_str().unwrap().contains("parted/gone was applied and is gone"), "{message}");
    assert_eq!(world.api.get(&config_map("parted", "next")).await.unwrap(), None);
}

/// Very many are pruned, and some of them do not go at once: the next wave waits for these, whatever of the record was left out.
async fn what_is_on_its_way_out_stays_on_record(world: &mut World) {
    let long = |n: usize| format!("{}-{n:05}", "long".repeat(55));
    let of_wave = |name: &str, wave: &str| annotated(name, "1", &[("sync-wave", wave)]);
    let held = |name: &str| {
        let mut manifest: Value = serde_json::from_str(&of_wave(name, "1")).unwrap();
        manifest["metadata"]["finalizers"] = json!(["example.com/held"]);
        text(&manifest)
    };
    // One at each end of every order of names.
    let (ends, names) = (["aaa", "zzz"], (0..MANY).map(long));
    let pruned: Vec<String> = names.map(|name| of_wave(&name, "1")).chain(ends.map(held)).collect();
    world
        .push(&[
            ("leaves/all.yaml", &pruned.join("\n---\n")),
            ("leaves/before.yaml", &of_wave("before", "0")),
            ("leaves/stays.yaml", &config("stays", "1")),
        ])
        .unwrap();
    world.api.apply(&unhealed(world, "leaves")).await.unwrap();
    world.until_good("leaves").await;
    world.repository.remove(&["leaves/all.yaml", "leaves/before.yaml"], "less").unwrap();
    world.pushed();
    let waits = |app: &Value| {
        let message = app["status"]["operationState"]["message"].as_str().unwrap_or_default();
        message.starts_with("waiting for deletion of")
    };
    let app = world.until_app("leaves", "waits for what it pruned", waits).await;
    let results = app["status"]["operationState"]["syncResult"]["resources"].as_array().unwrap();
    assert!(results.len() < MANY, "{} results are on record", results.len());
    for name in ends {
        assert!(results.iter().any(|result| result["name"] == name), "{name} is not on record");
    }
    assert!(world.api.get(&config_map("leaves", "before")).await.unwrap().is_some());
    for name in ends {
        let free = json!({"metadata": {"finalizers": null}});
        world.api.patch(&config_map("leaves", name), &free).await.unwrap();
    }
    world.until_good("leaves").await;
    assert_eq!(world.api.get(&config_map("leaves", "before")).await.unwrap(), None);
}

mod tests {
    crate::on_kubesim!(
        each_object_is_compared_once_for_each_change,
        a_large_status_fits_into_its_object,
        a_broken_object_whose_result_was_left_out_ends_its_operation,
        what_is_on_its_way_out_stays_on_record
    );
}
