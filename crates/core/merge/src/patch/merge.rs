//! JSON merge patches (RFC 7386).

use serde_json::{Map, Value};

/// Applies a JSON merge patch: maps are merged, null removes, everything else replaces.
///
/// **Source**: evanphx/json-patch v4.12, which the API server uses: unlike in RFC 7386, maps inside a list that comes
/// new lose their nulls too.
pub fn json_merge_patch(target: Value, patch: &Value) -> Value {
    match (target, patch) {
        (Value::Object(mut map), Value::Object(changes)) => {
            for (name, change) in changes {
                match map.get_mut(name) {
                    _ if change.is_null() => {
                        map.remove(name);
                    }
                    Some(slot) if !slot.is_null() => {
                        let before = std::mem::take(slot);
                        *slot = json_merge_patch(before, change);
                    }
                    _ => {
                        map.insert(name.clone(), without_nulls(change));
                    }
                }
            }
            Value::Object(map)
        }
        (Value::Object(_), patch) => patch.clone(),
        (_, patch) => without_nulls(patch),
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        scalar => scalar.clone(),
    }
}

/// The merge patch that turns `from` into `to`; an empty map where they are equal.
pub fn json_merge_diff(from: &Value, to: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (from, to) else { return to.clone() };
    let mut changes = Map::new();
    for (name, new) in after {
        match before.get(name) {
            Some(old) if old == new => {}
            Some(old @ Value::Object(_)) if new.is_object() => {
                changes.insert(name.clone(), json_merge_diff(old, new));
            }
            _ => {
                changes.insert(name.clone(), new.clone());
            }
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        changes.insert(name.clone(), Value::Null);
    }
    Value::Object(changes)
}

/// The three-way merge patch: what `modified` adds or changes in `current`, and what it dropped since `original`.
pub(crate) fn three_way(original: &Value, modified: &Value, current: &Value) -> Value {
    let changes = keep(json_merge_diff(current, modified), false);
    let deletions = keep(json_merge_diff(original, modified), true);
    overlay(deletions, changes)
}

/// The deletions of a merge patch, or all but them.
fn keep(patch: Value, deletions: bool) -> Value {
    let Value::Object(changes) = patch else { return patch };
    let mut kept = Map::new();
    for (name, change) in changes {
        match change {
            Value::Null => {
                if deletions {
                    kept.insert(name, Value::Null);
                }
            }
            // An empty map that was set is a value, not an empty change.
            Value::Object(map) if map.is_empty() => {
                if !deletions {
                    kept.insert(name, Value::Object(map));
                }
            }
            Value::Object(_) => {
                let below = keep(change, deletions);
                if below.as_object().is_some_and(|map| !map.is_empty()) {
                    kept.insert(name, below);
                }
            }
            other => {
                if !deletions {
                    kept.insert(name, other);
                }
            }
        }
    }
    Value::Object(kept)
}

/// Lays changes over deletions; where both name a field that is not a map on both sides, the change counts.
fn overlay(deletions: Value, changes: Value) -> Value {
    match (deletions, changes) {
        (Value::Object(mut all), Value::Object(changes)) => {
            for (name, change) in changes {
                let merged = match all.remove(&name) {
                    Some(below) => overlay(below, change),
                    None => change,
                };
                all.insert(name, merged);
            }
            Value::Object(all)
        }
        (_, changes) => changes,
    }
}
