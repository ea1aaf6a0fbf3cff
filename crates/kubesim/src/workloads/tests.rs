//! Plans from what is in the store, without any API server.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::Controller;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::store::{Store, id};
use super::value::{name, uid};
use super::{autoscaler, cronjob, deployment, disruption};

fn store(objects: &[(Kind, &Value)]) -> Store {
    let mut store = Store::default();
    for (kind, object) in objects {
        store.put(*kind, Arc::new(Value::clone(object))).expect("news");
    }
    store
}

fn plan(controller: Controller, store: &Store, now: &str, root: &Value) -> Plan {
    let cx = Cx {
        store,
        now: now.parse().expect("a time"),
        instant: tokio::time::Instant::now(),
        deadlines: &RefCell::default(),
        nodes: None,
    };
    (controller.plan)(&cx, root)
}

fn owned(kind: &str, name: &str, owner: &Value, more: &Value) -> Value {
    let mut object = json!({"kind": kind, "metadata": {"name": name, "namespace": "n", "uid": name,
        "resourceVersion": "1", "ownerReferences": [{"uid": uid(owner), "controller": true}]}});
    object["status"] = more["status"].clone();
    object["spec"] = more["spec"].clone();
    object
}

fn deployment(strategy: &str) -> Value {
    json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "n", "uid": "web", "resourceVersion": "1",
            "annotations": {"deployment.kubernetes.io/revision": "2"}},
        "spec": {"replicas": 2, "strategy": {"type": strategy}, "template": {"metadata": {"labels": {"app": "web"}}}}})
}

#[test]
fn the_last_old_pod_of_a_recreated_deployment_wakes_it() {
    for (strategy, wakes) in [("Recreate", 1), ("RollingUpdate", 0)] {
        let root = deployment(strategy);
        let set = owned("ReplicaSet", "old", &root, &json!({"spec": {"replicas": 0}}));
        let pod = owned("Pod", "old-pod", &set, &json!({"spec": {}}));
        let store = store(&[(Kind::Deployment, &root), (Kind::ReplicaSet, &set)]);
        let woken = (deployment::CONTROLLER.related)(&store, Kind::Pod, &pod);
        assert_eq!(woken, vec![id(&root); wakes], "{strategy}");
    }
}

/// The replicas that a rolling update gives its sets next, by set: old and new have these spec and available numbers.
fn next_sizes(
    replicas: i64,
    surge: &Value,
    unavailable: &Value,
    old: (i64, i64),
    new: (i64, i64),
) -> (i64, i64) {
    let mut root = deployment("RollingUpdate");
    root["spec"]["replicas"] = replicas.into();
    root["spec"]["strategy"]["rollingUpdate"] = json!({"maxSurge": surge, "maxUnavailable": unavailable});
    let set = |name: &str, revision: &str, (spec, available): (i64, i64), template: Value| {
        let mut set = owned(
            "ReplicaSet",
            name,
            &root,
            &json!({"spec": {"replicas": spec, "template": template},
            "status": {"replicas": spec, "availableReplicas": available}}),
        );
        set["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": revision});
        set
    };
    let old_set = set("old", "1", old, json!({}));
    let new_set = set("new", "2", new, root["spec"]["template"].clone());
    let store =
        store(&[(Kind::Deployment, &root), (Kind::ReplicaSet, &old_set), (Kind::ReplicaSet, &new_set)]);
    let plan = plan(deployment::CONTROLLER, &store, "2026-01-01T00:00:00Z", &root);
    let size = |wanted: &str, before: i64| {
        let patched = plan.actions.iter().find_map(|action| match action {
            Action::Patch(Kind::ReplicaSet, set, patch) if name(set) == wanted => {
                patch["spec"]["replicas"].as_i64()
            }
            _ => None,
        });
        patched.unwrap_or(before)
    };
    (size("old", old.0), size("new", new.0))
}

#[test]
fn a_rolling_update_keeps_to_its_limits() {
    for (reason, replicas, surge, unavailable, old, new, wanted) in [
        ("surges first", 4, json!(1), json!(0), (4, 4), (0, 0), (4, 1)),
        ("waits for what surged", 4, json!(1), json!(0), (4, 4), (1, 0), (4, 1)),
        ("trades one for one", 4, json!(1), json!(0), (4, 4), (1, 1), (3, 1)),
        ("goes on", 4, json!(1), json!(0), (3, 3), (1, 1), (3, 2)),
        ("may miss some at once", 4, json!(0), json!("50%"), (4, 4), (0, 0), (2, 0)),
        ("takes unhealthy ones first", 4, json!(1), json!(0), (4, 3), (1, 1), (3, 1)),
        ("zero and zero count as one missing", 2, json!(0), json!(0), (2, 2), (0, 0), (1, 0)),
        ("a bad image does not go on", 2, json!("25%"), json!("25%"), (2, 2), (1, 0), (2, 1)),
    ] {
        assert_eq!(next_sizes(replicas, &surge, &unavailable, old, new), wanted, "{reason}");
    }
}

#[test]
fn a_cron_job_starts_what_is_due() {
    for (reason, spec, now, wanted) in [
        ("not yet", json!({"schedule": "*/5 * * * *"}), "2026-01-01T00:04:59Z", None),
        ("due", json!({"schedule": "*/5 * * * *"}), "2026-01-01T00:05:01Z", Some("c-29453765")),
        (
            "only the last of several",
            json!({"schedule": "*/5 * * * *"}),
            "2026-01-01T00:20:01Z",
            Some("c-29453780"),
        ),
        ("suspended", json!({"schedule": "*/5 * * * *", "suspend": true}), "2026-01-01T00:05:01Z", None),
        (
            "past its deadline",
            json!({"schedule": "0 * * * *", "startingDeadlineSeconds": 10}),
            "2026-01-01T01:05:00Z",
            None,
        ),
    ] {
        let cron = json!({"kind": "CronJob", "spec": spec, "metadata": {"name": "c", "namespace": "n", "uid": "c",
            "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}});
        let plan = plan(cronjob::CONTROLLER, &store(&[(Kind::CronJob, &cron)]), now, &cron);
        let made = plan.actions.iter().find_map(|action| match action {
            Action::Create(Kind::Job, job) => Some(name(job)),
            _ => None,
        });
        assert_eq!(made, wanted, "{reason}");
    }
}

#[test]
fn old_news_and_the_dead_stay_out_of_the_store() {
    let pod = |version: &str| {
        Arc::new(json!({"metadata": {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": version}}))
    };
    let mut store = Store::default();
    assert!(store.put(Kind::Pod, pod("5")).is_ok());
    assert!(store.put(Kind::Pod, pod("4")).is_err(), "older");
    assert!(store.put(Kind::Pod, pod("5")).is_err(), "the same");
    assert!(store.put(Kind::Pod, pod("6")).is_ok());
    assert!(store.remove(Kind::Pod, &("n".to_owned(), "p".to_owned())).is_some());
    assert!(store.put(Kind::Pod, pod("7")).is_err(), "the answer of a write that raced with the deletion");
}

#[test]
fn a_budget_says_how_many_pods_may_go() {
    let pod = |name: &str, ready: bool| {
        let status = if ready { "True" } else { "False" };
        json!({
            "metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": "1", "labels": {"app": "web"}},
            "status": {"conditions": [{"type": "Ready", "status": status}]},
        })
    };
    let (a, b, c) = (pod("a", true), pod("b", true), pod("c", false));
    for (reason, spec, wanted) in [
        ("a count", json!({"minAvailable": 1}), (1, 1)),
        ("a share", json!({"minAvailable": "50%"}), (2, 0)),
        ("unavailable", json!({"maxUnavailable": 2}), (1, 1)),
    ] {
        let mut budget = json!({"metadata": {"name": "p", "namespace": "n", "uid": "p", "resourceVersion": "1"}, "spec": spec});
        budget["spec"]["selector"] = json!({"matchLabels": {"app": "web"}});
        let store =
            store(&[(Kind::Pod, &a), (Kind::Pod, &b), (Kind::Pod, &c), (Kind::PodDisruptionBudget, &budget)]);
        assert_eq!((disruption::CONTROLLER.related)(&store, Kind::Pod, &a), [id(&budget)], "{reason}");
        let plan = plan(disruption::CONTROLLER, &store, "2026-01-01T00:00:00Z", &budget);
        let status = plan.actions.iter().find_map(|action| match action {
            Action::Status(Kind::PodDisruptionBudget, budget) => Some(&budget["status"]),
            _ => None,
        });
        let status = status.expect(reason);
        let found = (&status["desiredHealthy"], &status["disruptionsAllowed"], &status["expectedPods"]);
        assert_eq!(found, (&json!(wanted.0), &json!(wanted.1), &json!(3)), "{reason}");
    }
}

#[test]
fn an_autoscaler_keeps_its_target_between_its_bounds() {
    for (reason, replicas, wanted) in
        [("below", 1, Some(2)), ("above", 9, Some(5)), ("inside", 3, None), ("scaled to zero", 0, None)]
    {
        let mut target = deployment("RollingUpdate");
        target["spec"]["replicas"] = replicas.into();
        let scaler = json!({"metadata": {"name": "s", "namespace": "n", "uid": "s", "resourceVersion": "1"},
            "spec": {"minReplicas": 2, "maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}});
        let store = store(&[(Kind::Deployment, &target), (Kind::HorizontalPodAutoscaler, &scaler)]);
        let woken = (autoscaler::CONTROLLER.related)(&store, Kind::Deployment, &target);
        assert_eq!(woken, [id(&scaler)], "{reason}");
        let plan = plan(autoscaler::CONTROLLER, &store, "2026-01-01T00:00:00Z", &scaler);
        let scaled = plan.actions.iter().find_map(|action| match action {
            Action::Patch(Kind::Deployment, _, patch) => patch["spec"]["replicas"].as_i64(),
            _ => None,
        });
        assert_eq!(scaled, wanted, "{reason}");
    }
}
