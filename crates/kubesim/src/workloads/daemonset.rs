//! DaemonSet: a pod on each node that its template fits.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::Controller;
use super::hash;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::podspec::{is_available, is_finished, is_ready};
use super::scheduler::template_fits;
use super::store::{Id, Store, id};
use super::template;
use super::value::{
    child, count_of, flag, generation, int, is_deleting, items, label, name, part, set, text, uid,
};

pub(super) const CONTROLLER: Controller =
    Controller { root: Kind::DaemonSet, watches: &[Kind::Pod, Kind::Node], plan, related };

const HASH: &str = "controller-revision-hash";

fn related(store: &Store, kind: Kind, _: &Value) -> Vec<Id> {
    if kind == Kind::Node { store.all(Kind::DaemonSet).map(|set| id(set)).collect() } else { Vec::new() }
}

fn plan(cx: &Cx<'_>, daemon_set: &Value) -> Plan {
    let mut plan = Plan::default();
    if is_deleting(daemon_set) {
        return plan;
    }
    let hash = hash::of_value(&part(daemon_set, "/spec/template"));
    let pod_shape = json!({"spec": part(daemon_set, "/spec/template/spec")});
    let nodes: Vec<&str> = cx
        .store
        .all(Kind::Node)
        .filter(|node| !flag(node, "/spec/unschedulable") && template_fits(&pod_shape, node))
        .map(|node| name(node))
        .collect();
    let mut by_node: BTreeMap<&str, Vec<&Arc<Value>>> = BTreeMap::new();
    for pod in cx.store.owned(uid(daemon_set), Kind::Pod) {
        if is_finished(pod) {
            plan.act(Action::Delete(Kind::Pod, Value::clone(pod), None));
        } else if !is_deleting(pod) {
            by_node.entry(node_of(pod)).or_default().push(pod);
        }
    }
    for node in &nodes {
        if !by_node.contains_key(node) {
            plan.act(Action::Create(Kind::Pod, new_pod(daemon_set, node, &hash)));
        }
    }
    for (node, pods) in &by_node {
        let keep = usize::from(nodes.contains(node));
        for pod in pods.iter().skip(keep) {
            plan.act(Action::Delete(Kind::Pod, Value::clone(pod), None));
        }
    }
    let pods: Vec<&Arc<Value>> =
        nodes.iter().filter_map(|node| by_node.get(node)?.first().copied()).collect();
    if text(daemon_set, "/spec/updateStrategy/type") != "OnDelete" {
        replace_old(cx, &mut plan, daemon_set, &pods, nodes.len(), &hash);
    }
    let status = status(cx, &mut plan, daemon_set, &pods, nodes.len(), &hash);
    plan.status(Kind::DaemonSet, daemon_set, status);
    plan
}

/// The node that a pod is on or is meant for.
fn node_of(pod: &Value) -> &str {
    let bound = text(pod, "/spec/nodeName");
    if !bound.is_empty() {
        return bound;
    }
    let term =
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0";
    text(pod, &format!("{term}/matchFields/0/values/0"))
}

fn new_pod(daemon_set: &Value, node: &str, hash: &str) -> Value {
    let template = daemon_set.pointer("/spec/template").unwrap_or(&Value::Null);
    let mut pod = template::pod(Kind::DaemonSet, daemon_set, template);
    template::set_meta(&mut pod, "generateName", format!("{}-", name(daemon_set)));
    template::set_label(&mut pod, HASH, hash);
    template::set_label(&mut pod, "pod-template-generation", &generation(daemon_set).to_string());
    let field = json!({"key": "metadata.name", "operator": "In", "values": [node]});
    if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
        let affinity = child(child(spec, "affinity"), "nodeAffinity");
        let required = child(affinity, "requiredDuringSchedulingIgnoredDuringExecution");
        match required.get_mut("nodeSelectorTerms").and_then(Value::as_array_mut) {
            Some(terms) => terms.iter_mut().for_each(|term| set(term, "matchFields", json!([field]))),
            None => {
                required.insert("nodeSelectorTerms".to_owned(), json!([{"matchFields": [field]}]));
            }
        }
    }
    pod
}

/// Gives up pods of an old template, as many as may be missing.
fn replace_old(
    cx: &Cx<'_>,
    plan: &mut Plan,
    daemon_set: &Value,
    pods: &[&Arc<Value>],
    nodes: usize,
    hash: &str,
) {
    let total = i64::try_from(nodes).unwrap_or(i64::MAX);
    let may_miss = daemon_set.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable");
    let may_miss = count_of(may_miss, total, true, 1).max(1);
    let min_ready = int(daemon_set, "/spec/minReadySeconds");
    let available = pods.iter().filter(|pod| is_available(cx, plan, pod, min_ready)).count();
    let mut room = may_miss - (total - i64::try_from(available).unwrap_or(i64::MAX));
    for pod in pods.iter().filter(|pod| label(pod, HASH) != hash) {
        let costs = i64::from(is_ready(pod));
        if costs <= room || costs == 0 {
            room -= costs;
            plan.act(Action::Delete(Kind::Pod, Value::clone(pod), None));
        }
    }
}

fn status(
    cx: &Cx<'_>,
    plan: &mut Plan,
    daemon_set: &Value,
    pods: &[&Arc<Value>],
    nodes: usize,
    hash: &str,
) -> Value {
    let min_ready = int(daemon_set, "/spec/minReadySeconds");
    let available = pods.iter().filter(|pod| is_available(cx, plan, pod, min_ready)).count();
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let mut status = json!({"currentNumberScheduled": pods.len(), "desiredNumberScheduled": nodes,
        "numberMisscheduled": 0, "numberReady": ready, "observedGeneration": generation(daemon_set)});
    for (field, count) in [
        ("updatedNumberScheduled", pods.iter().filter(|pod| label(pod, HASH) == hash).count()),
        ("numberAvailable", available),
        ("numberUnavailable", nodes.saturating_sub(available)),
    ] {
        if count > 0 {
            set(&mut status, field, count);
        }
    }
    if !items(daemon_set, "/status/conditions").is_empty() {
        set(&mut status, "conditions", part(daemon_set, "/status/conditions"));
    }
    status
}
