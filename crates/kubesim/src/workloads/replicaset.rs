//! ReplicaSet: as many pods as asked for.

use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::{Controller, unrelated};
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::podspec::{give_up_order, is_active, is_available, is_ready};
use super::template;
use super::value::{generation, int, int_or, is_deleting, name, set, text_map, uid};

/// Pods made or given up in one pass, as in the peer: a big set goes up in several passes.
const BURST: usize = 500;

pub(super) const CONTROLLER: Controller =
    Controller { root: Kind::ReplicaSet, watches: &[Kind::Pod], plan, related: unrelated };

fn plan(cx: &Cx<'_>, set: &Value) -> Plan {
    let mut plan = Plan::default();
    let mut pods: Vec<&Arc<Value>> =
        cx.store.owned(uid(set), Kind::Pod).filter(|pod| is_active(pod)).collect();
    let wanted = usize::try_from(int_or(set, "/spec/replicas", 1)).unwrap_or_default();
    if !is_deleting(set) {
        for _ in pods.len()..wanted.min(pods.len() + BURST) {
            plan.act(Action::Create(Kind::Pod, new_pod(set)));
        }
        if pods.len() > wanted {
            pods.sort_by_cached_key(|pod| give_up_order(pod));
            for pod in pods.iter().take((pods.len() - wanted).min(BURST)) {
                plan.act(Action::Delete(Kind::Pod, Value::clone(pod), None));
            }
        }
    }
    let status = status(cx, &mut plan, set, &pods);
    plan.status(Kind::ReplicaSet, set, status);
    plan
}

fn new_pod(replica_set: &Value) -> Value {
    let template = replica_set.pointer("/spec/template").unwrap_or(&Value::Null);
    let mut pod = template::pod(Kind::ReplicaSet, replica_set, template);
    template::set_meta(&mut pod, "generateName", format!("{}-", name(replica_set)));
    pod
}

fn status(cx: &Cx<'_>, plan: &mut Plan, replica_set: &Value, pods: &[&Arc<Value>]) -> Value {
    let labels = text_map(replica_set, "/spec/template/metadata/labels");
    let min_ready = int(replica_set, "/spec/minReadySeconds");
    let labelled = |pod: &Value| {
        let have = text_map(pod, "/metadata/labels");
        labels.iter().all(|(k, v)| have.get(k) == Some(v))
    };
    let mut status = json!({"replicas": pods.len(), "observedGeneration": generation(replica_set)});
    for (field, count) in [
        ("fullyLabeledReplicas", pods.iter().filter(|p| labelled(p)).count()),
        ("readyReplicas", pods.iter().filter(|p| is_ready(p)).count()),
        ("availableReplicas", pods.iter().filter(|p| is_available(cx, plan, p, min_ready)).count()),
    ] {
        if count > 0 {
            set(&mut status, field, count);
        }
    }
    status
}
