//! Deployment: ReplicaSets, one a pod template, and the way from one to the next.

mod rollout;
mod status;

use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::Controller;
use super::hash;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::store::{Id, Store};
use super::template;
use super::value::{
    annotation, child, controller_uid, count_of, created, flag, int, int_or, is_deleting, label, name,
    namespace, part, text, text_map, uid,
};

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of a Deployment that its ReplicaSets do not take over.
const NOT_COPIED: [&str; 4] = ["kubectl.kubernetes.io/last-applied-configuration", REVISION, DESIRED, MAX];

pub(super) const CONTROLLER: Controller =
    Controller { root: Kind::Deployment, watches: &[Kind::ReplicaSet, Kind::Pod], plan, related };

/// A pod matters to its ReplicaSet; to the Deployment above only where the last old one must go first.
fn related(store: &Store, kind: Kind, pod: &Value) -> Vec<Id> {
    let owner = |object: &Value, wanted: Kind| {
        store.with_uid(controller_uid(object)).filter(|(kind, _)| *kind == wanted).map(|(_, id)| id.clone())
    };
    let deployment = (kind == Kind::Pod)
        .then(|| store.get_by_id(Kind::ReplicaSet, &owner(pod, Kind::ReplicaSet)?))
        .flatten()
        .and_then(|set| owner(set, Kind::Deployment));
    let recreates = |id: &Id| {
        let found = store.get_by_id(Kind::Deployment, id);
        found.is_some_and(|deployment| text(deployment, "/spec/strategy/type") == "Recreate")
    };
    deployment.into_iter().filter(recreates).collect()
}

/// A Deployment with its ReplicaSets: the one of its template, and the others, oldest first.
struct Rollout<'a> {
    deployment: &'a Value,
    new: Option<&'a Arc<Value>>,
    old: Vec<&'a Arc<Value>>,
    replicas: i64,
    max_surge: i64,
    max_unavailable: i64,
}

impl Rollout<'_> {
    fn all(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.old.iter().chain(&self.new).copied()
    }

    /// The sum of a number over all ReplicaSets.
    fn sum(&self, pointer: &str) -> i64 {
        self.all().map(|set| int(set, pointer)).sum()
    }
}

fn plan(cx: &Cx<'_>, deployment: &Value) -> Plan {
    let mut plan = Plan::default();
    if is_deleting(deployment) {
        return plan;
    }
    let rollout = read(cx, deployment);
    let paused = flag(deployment, "/spec/paused");
    let mut made = None;
    if let Some(new) = rollout.new {
        settle_revision(&mut plan, &rollout, new);
    } else if !paused {
        let set = new_set(&rollout);
        made = Some(name(&set).to_owned());
        plan.act(Action::Create(Kind::ReplicaSet, set));
    }
    rollout::scale(cx, &mut plan, &rollout, paused);
    if !paused {
        forget_history(&mut plan, &rollout);
    }
    status::report(cx, &mut plan, &rollout, made.as_deref());
    plan
}

fn read<'a>(cx: &Cx<'a>, deployment: &'a Value) -> Rollout<'a> {
    let mut old: Vec<_> =
        cx.store.owned(uid(deployment), Kind::ReplicaSet).filter(|set| !is_deleting(set)).collect();
    old.sort_by_key(|set| (created(set), name(set)));
    let hash = template_hash(deployment);
    let template = deployment.pointer("/spec/template").unwrap_or(&Value::Null);
    let new = old.iter().position(|set| label(set, HASH) == hash || template_without_hash(set) == *template);
    let new = new.map(|i| old.remove(i));
    let replicas = int_or(deployment, "/spec/replicas", 1);
    let recreate = text(deployment, "/spec/strategy/type") == "Recreate";
    let rolling = |field: &str| deployment.pointer("/spec/strategy/rollingUpdate").and_then(|r| r.get(field));
    let max_surge = if recreate { 0 } else { count_of(rolling("maxSurge"), replicas, true, 1) };
    let mut max_unavailable =
        if recreate { 0 } else { count_of(rolling("maxUnavailable"), replicas, false, 0).min(replicas) };
    if !recreate && max_surge == 0 && max_unavailable == 0 {
        // Otherwise nothing could move; as in the peer.
        max_unavailable = 1;
    }
    Rollout { deployment, new, old, replicas, max_surge, max_unavailable }
}

fn template_hash(deployment: &Value) -> String {
    hash::of_value(&part(deployment, "/spec/template"))
}

fn template_without_hash(set: &Value) -> Value {
    let mut template = part(set, "/spec/template");
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    template
}

fn new_set(rollout: &Rollout<'_>) -> Value {
    let deployment = rollout.deployment;
    let hash = template_hash(deployment);
    let mut template = part(deployment, "/spec/template");
    template::set_label(&mut template, HASH, &hash);
    let mut selector = part(deployment, "/spec/selector");
    if let Some(map) = selector.as_object_mut() {
        child(map, "matchLabels").insert(HASH.to_owned(), hash.as_str().into());
    }
    let mut set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
            "name": format!("{}-{hash}", name(deployment)), "namespace": namespace(deployment),
            "labels": part(&template, "/metadata/labels"),
            "ownerReferences": template::owner(Kind::Deployment, deployment)},
        "spec": {"replicas": rollout::new_replicas(rollout, 0), "selector": selector, "template": template}});
    if int(deployment, "/spec/minReadySeconds") > 0 {
        super::value::set(&mut set["spec"], "minReadySeconds", int(deployment, "/spec/minReadySeconds"));
    }
    for (key, value) in wanted_annotations(rollout, next_revision(rollout)) {
        template::set_annotation(&mut set, &key, &value);
    }
    set
}

fn revision(object: &Value) -> i64 {
    annotation(object, REVISION).parse().unwrap_or_default()
}

/// One more than that of any older ReplicaSet; what the template's own one has stays if it is the highest.
fn next_revision(rollout: &Rollout<'_>) -> i64 {
    let highest_old = rollout.old.iter().map(|set| revision(set)).max().unwrap_or_default();
    rollout.new.map_or(0, |new| revision(new)).max(highest_old + 1)
}

fn wanted_annotations(rollout: &Rollout<'_>, revision: i64) -> Vec<(String, String)> {
    let own = text_map(rollout.deployment, "/metadata/annotations");
    let mut wanted: Vec<_> = own
        .into_iter()
        .filter(|(key, _)| !NOT_COPIED.contains(key))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    wanted.push((REVISION.to_owned(), revision.to_string()));
    wanted.push((DESIRED.to_owned(), rollout.replicas.to_string()));
    wanted.push((MAX.to_owned(), (rollout.replicas + rollout.max_surge).to_string()));
    wanted
}

/// Writes the revision on the new ReplicaSet and on the Deployment where they do not have it.
fn settle_revision(plan: &mut Plan, rollout: &Rollout<'_>, new: &Value) {
    let next = next_revision(rollout);
    let missing: serde_json::Map<String, Value> = wanted_annotations(rollout, next)
        .into_iter()
        .filter(|(key, value)| annotation(new, key) != value)
        .map(|(key, value)| (key, value.into()))
        .collect();
    if !missing.is_empty() {
        plan.act(Action::Patch(Kind::ReplicaSet, new.clone(), json!({"metadata": {"annotations": missing}})));
    }
    if revision(rollout.deployment) != next {
        let patch = json!({"metadata": {"annotations": {REVISION: next.to_string()}}});
        plan.act(Action::Patch(Kind::Deployment, rollout.deployment.clone(), patch));
    }
}

/// Deletes ReplicaSets past `revisionHistoryLimit` that have no pods any more, oldest first.
fn forget_history(plan: &mut Plan, rollout: &Rollout<'_>) {
    let keep = int_or(rollout.deployment, "/spec/revisionHistoryLimit", 10);
    let too_many = rollout.old.len().saturating_sub(usize::try_from(keep).unwrap_or_default());
    let mut oldest = rollout.old.clone();
    oldest.sort_by_key(|set| revision(set));
    let empty = |set: &Value| int_or(set, "/spec/replicas", 1) == 0 && int(set, "/status/replicas") == 0;
    for set in oldest.into_iter().take(too_many).filter(|set| empty(set)) {
        plan.act(Action::Delete(Kind::ReplicaSet, Value::clone(set), None));
    }
}
