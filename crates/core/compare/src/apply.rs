//! What to send.

use merge::{FieldSet, PathElement};
use resource::{GroupKind, Object};
use serde_json::{Map, Value};

use crate::ignored;
use crate::managed;
use crate::pair::SERVER_FIELDS;
use crate::path::{self, Step, same_item};
use crate::rules::Rules;
use crate::same::is_empty;
use crate::secrets;

/// What to send by server-side apply.
///
/// **Shape.** Git's object, with `stringData` moved into `data`, and without the fields of `metadata` that are the
/// server's, `ownerReferences`, a `status` that counts for nothing, and the empty `rules` of an aggregated ClusterRole: a
/// manifest has no say in them.
/// With `respect_ignore` and an object that exists, each ignored field has live's value, and is not sent where live does
/// not have it; where the object is created, git's.
/// Either way an ignored field that git does not have and that we own is sent with live's value: to leave it out would
/// delete it, and a Deployment whose `replicas` were just handed to an autoscaler would go to 1.
/// **Source.** The peer's `RespectIgnoreDifferences`, which patches git's object with live's values; the last rule is ours.
pub fn apply_body(desired: &Object, live: Option<&Object>, rules: &Rules, respect_ignore: bool) -> Object {
    let mut body = sendable(desired, rules);
    let Some(live) = live else { return body };
    let source = live.to_value();
    let (in_live, _) = ignored::places(&source, live, Some(live), rules);
    let status = |place: &Vec<Step>| matches!(place.first(), Some(Step::Field(name)) if name == "status");
    let mut target = Value::Object(std::mem::take(body.as_map_mut()));
    if respect_ignore {
        let (in_desired, _) = ignored::places(&target, live, Some(live), rules);
        let gone: Vec<Vec<Step>> = in_desired
            .into_iter()
            .filter(|place| {
                let elsewhere = translate(place, &target, &source);
                // An item that the cluster does not have yet is created as git has it.
                elsewhere.is_some_and(|place| path::at(&source, &place).is_none())
            })
            .collect();
        path::remove(&mut target, &gone);
    }
    let mut owned: Option<(FieldSet, FieldSet)> = None;
    for place in in_live.iter().filter(|place| !status(place)) {
        let Some(value) = path::at(&source, place) else { continue };
        let known = translate(place, &source, &target).filter(|place| path::at(&target, place).is_some());
        match known {
            Some(known) if respect_ignore => replace(&mut target, &known, value),
            Some(_) => {}
            None => {
                let (ours, others) = owned.get_or_insert_with(|| owners(live));
                if owns(ours, &source, place) && !owns(others, &source, place) {
                    insert(&mut target, &source, place, value);
                }
            }
        }
    }
    if let Value::Object(map) = target {
        *body.as_map_mut() = map;
    }
    body
}

/// Git's object in the form in which it is sent, whatever the cluster has.
pub(crate) fn sendable(desired: &Object, rules: &Rules) -> Object {
    let mut body = desired.clone();
    secrets::store(body.as_map_mut());
    if let Some(Value::Object(metadata)) = body.as_map_mut().get_mut("metadata") {
        for field in SERVER_FIELDS {
            metadata.remove(field);
        }
        metadata.remove("ownerReferences");
    }
    let kind = desired.group_kind();
    if rules.ignores_status(&kind) {
        body.as_map_mut().remove("status");
    }
    // The control plane fills these in; an empty list of ours would fight with it.
    let map = body.as_map_mut();
    if is_aggregated(&kind, map) && map.get("rules").is_some_and(is_empty) {
        map.remove("rules");
    }
    body
}

/// Whether this is a ClusterRole whose rules are put together from others.
pub(crate) fn is_aggregated(kind: &GroupKind, map: &Map<String, Value>) -> bool {
    kind.group == "rbac.authorization.k8s.io"
        && kind.kind == "ClusterRole"
        && map.get("aggregationRule").is_some_and(|rule| !rule.is_null())
}

/// What we own, or will own once client-side applied fields are taken over; and what all others own: that stays when
/// we leave it out.
fn owners(live: &Object) -> (FieldSet, FieldSet) {
    let (mut ours, mut others) = (FieldSet::new(), FieldSet::new());
    let foldable = managed::foldable(live);
    for entry in managed::entries(live) {
        let folded = foldable.iter().any(|other| std::ptr::eq(other.raw(), entry.raw()));
        let set = if folded || entry.ours() { &mut ours } else { &mut others };
        set.extend(&entry.fields().unwrap_or_default());
    }
    (ours, others)
}

/// Whether a set has a place, something below it, or something above it as a whole.
fn owns(set: &FieldSet, root: &Value, place: &[Step]) -> bool {
    let (mut set, mut value) = (set, root);
    for step in place {
        let (node, next) = match step {
            Step::Field(name) => (set.get_field(name), value.get(name)),
            Step::Index(index) => {
                let item = value.get(*index);
                let node = set.nodes().iter().find(|node| match &node.element {
                    PathElement::Index(own) => own == index,
                    PathElement::Key(_) | PathElement::Value(_) => {
                        path::child(value, &node.element).is_some_and(|(own, _)| own == *index)
                    }
                    PathElement::Field(_) => false,
                });
                (node, item)
            }
        };
        let (Some(node), Some(next)) = (node, next) else { return false };
        if node.children.is_empty() {
            return true;
        }
        (set, value) = (&node.children, next);
    }
    true
}

/// The place in `to` that a place in `from` stands for: items of lists are found by what identifies them.
fn translate(place: &[Step], from: &Value, to: &Value) -> Option<Vec<Step>> {
    let (mut from, mut to) = (from, Some(to));
    let mut found = Vec::with_capacity(place.len());
    for step in place {
        match step {
            Step::Field(name) => {
                from = from.get(name)?;
                to = to.and_then(|to| to.get(name));
                found.push(step.clone());
            }
            Step::Index(index) => {
                let items = to?.as_array()?;
                from = from.get(*index)?;
                let index = same_item(items, from)?;
                to = items.get(index);
                found.push(Step::Index(index));
            }
        }
    }
    Some(found)
}

fn replace(target: &mut Value, place: &[Step], value: &Value) {
    let slot = place.iter().try_fold(target, |target, step| match step {
        Step::Field(name) => target.as_object_mut()?.get_mut(name),
        Step::Index(index) => target.as_array_mut()?.get_mut(*index),
    });
    if let Some(slot) = slot {
        slot.clone_from(value);
    }
}

/// Puts live's value where git has nothing. Maps above it are made; an item of a list is made only as a whole: where
/// git has no such item, what was ignored in it goes with it.
fn insert(target: &mut Value, source: &Value, place: &[Step], value: &Value) {
    let Some((last, parents)) = place.split_last() else { return };
    let (mut from, mut to) = (source, target);
    for step in parents {
        let next = match step {
            Step::Field(name) => {
                let Some(next) = from.get(name) else { return };
                from = next;
                let empty =
                    if from.is_array() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
                to.as_object_mut().map(|map| map.entry(name).or_insert(empty))
            }
            Step::Index(index) => {
                let Some(next) = from.get(*index) else { return };
                from = next;
                to.as_array_mut()
                    .and_then(|items| same_item(items, from).and_then(|index| items.get_mut(index)))
            }
        };
        let Some(next) = next else { return };
        to = next;
    }
    match (last, to) {
        (Step::Field(name), Value::Object(map)) => {
            map.insert(name.clone(), value.clone());
        }
        (Step::Index(_), Value::Array(items)) => items.push(value.clone()),
        _ => {}
    }
}
