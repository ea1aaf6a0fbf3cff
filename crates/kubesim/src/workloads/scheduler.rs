//! Binds pods to nodes where there is no scheduler. It knows `nodeSelector`, and node affinity by node name as
//! DaemonSets use it; room and taints it doesn't.

use serde_json::Value;

use super::condition::{condition, find, since};
use super::engine::Controller;
use super::hash;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::podspec::is_active;
use super::store::{Id, Store, id};
use super::value::{flag, items, labels, name, part, set, text, text_map, uid};

pub(super) const CONTROLLER: Controller =
    Controller { root: Kind::Pod, watches: &[Kind::Node], plan, related };

/// A change of a node matters to the pods that wait for one.
fn related(store: &Store, _: Kind, _: &Value) -> Vec<Id> {
    store.all(Kind::Pod).filter(|pod| is_unbound(pod)).map(|pod| id(pod)).collect()
}

fn is_unbound(pod: &Value) -> bool {
    text(pod, "/spec/nodeName").is_empty() && is_active(pod) && items(pod, "/spec/schedulingGates").is_empty()
}

fn plan(cx: &Cx<'_>, pod: &Value) -> Plan {
    let mut plan = Plan::default();
    if !is_unbound(pod) {
        return plan;
    }
    let all: Vec<_> = cx.store.all(Kind::Node).collect();
    let fit: Vec<_> =
        all.iter().filter(|node| !flag(node, "/spec/unschedulable") && fits(pod, node)).collect();
    let pick = usize::try_from(hash::of_text(uid(pod))).unwrap_or_default() % fit.len().max(1);
    if let Some(node) = fit.get(pick) {
        plan.act(Action::Bind(pod.clone(), name(node).to_owned()));
        return plan;
    }
    let message = format!("0/{} nodes are available: no node matches the pod's node selector.", all.len());
    let unschedulable = condition("PodScheduled", false, "Unschedulable", &message);
    let mut conditions: Vec<Value> = items(pod, "/status/conditions").to_vec();
    conditions.retain(|c| text(c, "/type") != "PodScheduled");
    let stamp = cx.stamp();
    conditions.push(since(pod, unschedulable, &stamp));
    if find(pod, "PodScheduled").is_none_or(|c| text(c, "/message") != message) {
        let mut status = part(pod, "/status");
        set(&mut status, "conditions", conditions);
        plan.status(Kind::Pod, pod, status);
    }
    plan
}

fn fits(pod: &Value, node: &Value) -> bool {
    let have = labels(node);
    let selected = text_map(pod, "/spec/nodeSelector").iter().all(|(k, v)| have.get(k) == Some(v));
    let terms =
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let mut by_name = items(pod, terms).iter().flat_map(|term| items(term, "/matchFields"));
    let named = by_name.all(|field| items(field, "/values").iter().any(|v| v.as_str() == Some(name(node))));
    selected && named
}

/// Whether a workload's pods may run on a node, by its pod template.
pub(super) fn template_fits(template: &Value, node: &Value) -> bool {
    fits(template, node)
}
