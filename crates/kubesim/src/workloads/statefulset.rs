//! StatefulSet: pods with an identity, one after the other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::{Controller, unrelated};
use super::hash;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::podspec::{is_available, is_finished, is_ready};
use super::template;
use super::value::{
    generation, int, int_or, is_deleting, items, label, name, namespace, part, set, text, uid,
};

pub(super) const CONTROLLER: Controller = Controller {
    root: Kind::StatefulSet,
    watches: &[Kind::Pod, Kind::ControllerRevision, Kind::PersistentVolumeClaim],
    plan,
    related: unrelated,
};

const HASH: &str = "controller-revision-hash";
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// The revision that the template stands for, and the one that the pods below the partition keep.
struct Revisions {
    update: String,
    current: String,
}

fn plan(cx: &Cx<'_>, stateful_set: &Value) -> Plan {
    let mut plan = Plan::default();
    if is_deleting(stateful_set) {
        return plan;
    }
    let revisions = revisions(cx, &mut plan, stateful_set);
    let mut pods: Vec<(i64, &Arc<Value>)> = cx
        .store
        .owned(uid(stateful_set), Kind::Pod)
        .filter_map(|pod| Some((ordinal(stateful_set, pod)?, pod)))
        .collect();
    pods.sort_by_key(|(ordinal, _)| *ordinal);
    step(cx, &mut plan, stateful_set, &pods, &revisions);
    let status = status(cx, &mut plan, stateful_set, &pods, &revisions);
    plan.status(Kind::StatefulSet, stateful_set, status);
    plan
}

fn ordinal(stateful_set: &Value, pod: &Value) -> Option<i64> {
    name(pod).strip_prefix(name(stateful_set))?.strip_prefix('-')?.parse().ok()
}

fn revisions(cx: &Cx<'_>, plan: &mut Plan, stateful_set: &Value) -> Revisions {
    let template = part(stateful_set, "/spec/template");
    let hash = hash::of_value(&template);
    let update = format!("{}-{hash}", name(stateful_set));
    let known: Vec<_> = cx.store.owned(uid(stateful_set), Kind::ControllerRevision).collect();
    if !known.iter().any(|revision| name(revision) == update) {
        let number = known.iter().map(|r| int(r, "/revision")).max().unwrap_or_default() + 1;
        let mut revision = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision",
            "metadata": {"name": update, "namespace": namespace(stateful_set),
                "labels": part(stateful_set, "/spec/selector/matchLabels"),
                "ownerReferences": template::owner(Kind::StatefulSet, stateful_set)},
            "data": {"spec": {"template": template}}, "revision": number});
        template::set_label(&mut revision, "controller.kubernetes.io/hash", &hash);
        plan.act(Action::Create(Kind::ControllerRevision, revision));
    }
    let current = text(stateful_set, "/status/currentRevision");
    Revisions { current: if current.is_empty() { update.clone() } else { current.to_owned() }, update }
}

/// Makes, replaces and gives up pods: one at a time in order, or all at once where `podManagementPolicy` says so.
fn step(
    cx: &Cx<'_>,
    plan: &mut Plan,
    stateful_set: &Value,
    pods: &[(i64, &Arc<Value>)],
    revisions: &Revisions,
) {
    let first = int(stateful_set, "/spec/ordinals/start");
    let wanted = first..first + int_or(stateful_set, "/spec/replicas", 1);
    let parallel = text(stateful_set, "/spec/podManagementPolicy") == "Parallel";
    let min_ready = int(stateful_set, "/spec/minReadySeconds");
    let partition = int(stateful_set, "/spec/updateStrategy/rollingUpdate/partition");
    let pod_at = |wanted: i64| pods.iter().find(|(ordinal, _)| *ordinal == wanted).map(|(_, pod)| *pod);
    for ordinal in wanted.clone() {
        make_claims(cx, plan, stateful_set, ordinal);
        let settled = match pod_at(ordinal) {
            None => {
                plan.act(Action::Create(Kind::Pod, new_pod(cx, stateful_set, ordinal, partition, revisions)));
                false
            }
            Some(pod) if is_finished(pod) && !is_deleting(pod) => {
                plan.act(Action::Delete(Kind::Pod, Value::clone(pod), None));
                false
            }
            Some(pod) => !is_deleting(pod) && is_available(cx, plan, pod, min_ready),
        };
        if !settled && !parallel {
            return;
        }
    }
    let surplus = pods.iter().rev().filter(|(ordinal, _)| !wanted.contains(ordinal));
    for (_, pod) in surplus {
        if !is_deleting(pod) {
            plan.act(Action::Delete(Kind::Pod, Value::clone(pod), None));
        }
        if !parallel {
            return;
        }
    }
    if text(stateful_set, "/spec/updateStrategy/type") == "OnDelete" {
        return;
    }
    // From the highest ordinal down, one at a time.
    for ordinal in wanted.rev().filter(|ordinal| *ordinal >= partition) {
        let Some(pod) = pod_at(ordinal) else { return };
        if is_deleting(pod) {
            return;
        }
        if label(pod, HASH) != revisions.update {
            plan.act(Action::Delete(Kind::Pod, Value::clone(pod), None));
            return;
        }
        if !is_ready(pod) {
            return;
        }
    }
}

fn new_pod(cx: &Cx<'_>, stateful_set: &Value, ordinal: i64, partition: i64, revisions: &Revisions) -> Value {
    // Below the partition a lost pod comes back as it was, where that is still known.
    let old = (ordinal < partition && revisions.current != revisions.update)
        .then(|| cx.store.get(Kind::ControllerRevision, namespace(stateful_set), &revisions.current))
        .flatten();
    let (template, revision) = match old {
        Some(old) => (part(old, "/data/spec/template"), &revisions.current),
        None => (part(stateful_set, "/spec/template"), &revisions.update),
    };
    let pod_name = format!("{}-{ordinal}", name(stateful_set));
    let mut pod = template::pod(Kind::StatefulSet, stateful_set, &template);
    template::set_meta(&mut pod, "name", pod_name.as_str());
    template::set_label(&mut pod, HASH, revision);
    template::set_label(&mut pod, POD_NAME, &pod_name);
    template::set_label(&mut pod, POD_INDEX, &ordinal.to_string());
    if let Some(spec) = pod.get_mut("spec") {
        set(spec, "hostname", pod_name.as_str());
        if !text(stateful_set, "/spec/serviceName").is_empty() {
            set(spec, "subdomain", text(stateful_set, "/spec/serviceName"));
        }
        let claims = items(stateful_set, "/spec/volumeClaimTemplates");
        let mut volumes: Vec<Value> = items(spec, "/volumes").to_vec();
        volumes.retain(|volume| !claims.iter().any(|claim| name(claim) == text(volume, "/name")));
        volumes.extend(claims.iter().map(|claim| {
            json!({"name": name(claim), "persistentVolumeClaim": {"claimName": format!("{}-{pod_name}", name(claim))}})
        }));
        if !volumes.is_empty() {
            set(spec, "volumes", volumes);
        }
    }
    pod
}

fn make_claims(cx: &Cx<'_>, plan: &mut Plan, stateful_set: &Value, ordinal: i64) {
    for claim_template in items(stateful_set, "/spec/volumeClaimTemplates") {
        let claim_name = format!("{}-{}-{ordinal}", name(claim_template), name(stateful_set));
        if cx.store.get(Kind::PersistentVolumeClaim, namespace(stateful_set), &claim_name).is_some() {
            continue;
        }
        let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim_name, "namespace": namespace(stateful_set),
                "labels": part(stateful_set, "/spec/selector/matchLabels")},
            "spec": part(claim_template, "/spec")});
        for field in ["labels", "annotations"] {
            for (key, value) in super::value::text_map(claim_template, &format!("/metadata/{field}")) {
                match field {
                    "labels" => template::set_label(&mut claim, key, value),
                    _ => template::set_annotation(&mut claim, key, value),
                }
            }
        }
        plan.act(Action::Create(Kind::PersistentVolumeClaim, claim));
    }
}

fn status(
    cx: &Cx<'_>,
    plan: &mut Plan,
    stateful_set: &Value,
    pods: &[(i64, &Arc<Value>)],
    revisions: &Revisions,
) -> Value {
    let min_ready = int(stateful_set, "/spec/minReadySeconds");
    let alive = || pods.iter().map(|(_, pod)| *pod).filter(|pod| !is_finished(pod));
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let replicas = count(alive().count());
    let ready = count(alive().filter(|pod| is_ready(pod)).count());
    let at =
        |revision: &str| count(alive().filter(|p| !is_deleting(p) && label(p, HASH) == revision).count());
    let updated = at(&revisions.update);
    let wanted = int_or(stateful_set, "/spec/replicas", 1);
    let done = updated == replicas && ready == replicas && replicas == wanted;
    let current = if done { &revisions.update } else { &revisions.current };
    let mut status = json!({"replicas": replicas, "availableReplicas": count(
            alive().filter(|pod| is_available(cx, plan, pod, min_ready)).count()),
        "collisionCount": 0, "observedGeneration": generation(stateful_set),
        "currentRevision": current, "updateRevision": revisions.update});
    for (field, count) in
        [("readyReplicas", ready), ("updatedReplicas", updated), ("currentReplicas", at(current))]
    {
        if count > 0 {
            set(&mut status, field, count);
        }
    }
    status
}
