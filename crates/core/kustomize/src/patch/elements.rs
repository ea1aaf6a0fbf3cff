//! Merging the items of an associative list.
//!
//! The peer works with lists of key values (`[["8080", "TCP"], …]`) and with setters that look items up by them. What it
//! does with items that lack a key, or have equal keys, follows from these setters, so they are made here as they are
//! there, and not as one would like them to be.
//!
//! **Source**: kyaml `yaml/walk/associative_sequence.go` and `yaml/fns.go`, v0.21.2.

use std::borrow::Cow;

use serde_json::Value;

use super::schema::NodeId;
use super::strategic::{DIRECTIVE, Merge, MergeError, Origin, Outcome};
use crate::scalar::MAPPING;

/// Merges the items of a patch's list into those of a target's.
pub(super) fn merge(
    merge: &mut Merge<'_>,
    mut target: Vec<Value>,
    patch: &Origin,
    item: Option<NodeId>,
    keys: &[String],
) -> Result<Vec<Value>, MergeError> {
    let own: Vec<&str> = keys.iter().map(String::as_str).collect();
    // Lists of scalars have no keys; the empty key stands for the item itself.
    let keys: &[&str] = if own.is_empty() { &[""] } else { &own };
    let new: &[Value] = match patch {
        Origin::Node(Value::Array(items)) => items,
        Origin::Node(_) | Origin::Missing | Origin::Same => &[],
    };
    if new.is_empty() && distinct(&target, keys) {
        return each(merge, target, matches!(patch, Origin::Same), item);
    }

    let mut wanted: Vec<Vec<String>> = Vec::new();
    for list in [new, &target] {
        for element in list {
            let values: Vec<String> = keys.iter().map(|key| key_text(element, key)).collect();
            if !wanted.contains(&values) {
                wanted.push(values);
            }
        }
    }
    if keys.len() > 1 {
        complete(&mut wanted);
    }
    let used = used_keys(keys, &wanted);
    let mut result: Vec<Value> = Vec::new();
    for values in &wanted {
        let values: Vec<&str> = pick(keys, &used, values);
        // The search leaves out keys for which this very item has no value.
        let (search_keys, search_values) = known(&used, &values);
        let place = position(&target, &search_keys, &search_values);
        let origin = match patch {
            Origin::Same => Origin::Same,
            Origin::Missing => Origin::Missing,
            Origin::Node(_) => position(new, &search_keys, &search_values)
                .map_or(Origin::Missing, |at| Origin::Node(new[at].clone())),
        };
        let outcome = merge.walk(place.map(|at| target[at].clone()), origin, item)?;
        let mut value = match outcome {
            Outcome::Clear | Outcome::Null => {
                // The directive is gone also where the item is found again below.
                if let (Origin::Same, Some(at)) = (patch, place)
                    && let Some(map) = target[at].as_object_mut()
                {
                    map.remove(DIRECTIVE);
                }
                Value::Null
            }
            Outcome::Patch(value) => value,
            Outcome::Target(value) => {
                if let Some(at) = place {
                    target[at] = value.clone();
                }
                value
            }
        };
        if is_empty(&value) {
            set(&mut target, None, &used, &values);
            continue;
        }
        if let Value::Object(map) = &mut value {
            for (key, text) in used.iter().zip(&values).filter(|(_, text)| !text.is_empty()) {
                map.entry(*key).or_insert_with(|| Value::String((*text).to_owned()));
            }
        }
        set(&mut result, Some(value), &used, &values);
    }
    if wanted.is_empty() {
        return Ok(target);
    }
    for element in target {
        if used != [""] && !element.is_object() && !element.is_null() {
            return Err(merge.wrong_kind(MAPPING, &element));
        }
        append(&mut result, element, &used);
    }
    Ok(result)
}

/// The common case: nothing to add, and no two items alike.
fn each(
    merge: &mut Merge<'_>,
    items: Vec<Value>,
    same: bool,
    item: Option<NodeId>,
) -> Result<Vec<Value>, MergeError> {
    let mut result = Vec::with_capacity(items.len());
    for element in items {
        let origin = if same { Origin::Same } else { Origin::Missing };
        match merge.walk(Some(element), origin, item)? {
            Outcome::Target(value) | Outcome::Patch(value) if !is_empty(&value) => result.push(value),
            Outcome::Target(_) | Outcome::Patch(_) | Outcome::Clear | Outcome::Null => {}
        }
    }
    Ok(result)
}

fn distinct(items: &[Value], keys: &[&str]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    items.iter().all(|element| {
        let fits = if keys == [""] { !is_container(element) } else { element.is_object() };
        let values: Vec<String> = keys.iter().map(|key| key_text(element, key)).collect();
        fits && values.iter().all(|value| !value.is_empty()) && seen.insert(values)
    })
}

fn is_container(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

/// Gives values that agree in what both have the rest of each other: `["80", ""]` beside `["80", "TCP"]`.
fn complete(wanted: &mut [Vec<String>]) {
    for i in 0..wanted.len() {
        for j in 0..wanted.len() {
            if let Some(values) = agree(&wanted[i], &wanted[j]) {
                wanted[i].clone_from(&values);
                wanted[j] = values;
            }
        }
    }
}

fn agree(one: &[String], other: &[String]) -> Option<Vec<String>> {
    let mut common = false;
    let mut values = Vec::with_capacity(one.len());
    for (a, b) in one.iter().zip(other) {
        if a == b {
            common = true;
        } else if !a.is_empty() && !b.is_empty() {
            return None;
        }
        values.push(if a.is_empty() { b.clone() } else { a.clone() });
    }
    common.then_some(values)
}

/// The keys that any item has; all of them, where none has any.
fn used_keys<'a>(keys: &[&'a str], wanted: &[Vec<String>]) -> Vec<&'a str> {
    let used: Vec<&str> = keys
        .iter()
        .enumerate()
        .filter(|(at, _)| wanted.iter().any(|values| !values[*at].is_empty()))
        .map(|(_, key)| *key)
        .collect();
    if used.is_empty() { keys.to_vec() } else { used }
}

fn pick<'a>(keys: &[&str], used: &[&str], values: &'a [String]) -> Vec<&'a str> {
    keys.iter().zip(values).filter(|(key, _)| used.contains(key)).map(|(_, value)| value.as_str()).collect()
}

/// Of keys and values, those that have a value; all, where none has.
fn known<'a>(keys: &[&'a str], values: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let (some_keys, some_values): (Vec<&str>, Vec<&str>) = keys
        .iter()
        .zip(values)
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (*key, *value))
        .unzip();
    if some_keys.is_empty() { (keys.to_vec(), values.to_vec()) } else { (some_keys, some_values) }
}

/// The first item that has all these values.
fn position(items: &[Value], keys: &[&str], values: &[&str]) -> Option<usize> {
    items.iter().position(|element| {
        if keys.first().is_none_or(|key| key.is_empty()) {
            return values.first().is_some_and(|value| text(element) == *value);
        }
        keys.iter().zip(values).all(|(key, value)| element.get(key).is_some_and(|have| text(have) == *value))
    })
}

/// Replaces the items that have these values by `element`, or removes them without one; appends it if there are none.
///
/// Items that are null or empty maps go in any case. A value that is empty matches whatever the item has under the key,
/// and where there are fewer values than keys, the last look-up counts again.
pub(super) fn set(items: &mut Vec<Value>, element: Option<Value>, keys: &[&str], values: &[&str]) {
    let for_maps =
        keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
    let mut found = false;
    let mut kept = Vec::with_capacity(items.len() + 1);
    for have in std::mem::take(items) {
        if is_empty(&have) {
            continue;
        }
        if for_maps && !have.is_object() {
            kept.push(have);
            continue;
        }
        if !matches(&have, keys, values) {
            if !values.is_empty() {
                kept.push(have);
            }
            continue;
        }
        found = true;
        kept.extend(element.clone());
    }
    if !found && let Some(element) = element {
        kept.push(element);
    }
    *items = kept;
}

fn matches(element: &Value, keys: &[&str], values: &[&str]) -> bool {
    let mut last = false;
    for (at, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(at) {
            last = match (key.is_empty(), value.is_empty()) {
                (true, _) => text(element) == *value,
                (false, true) => element.get(key).is_some(),
                (false, false) => element.get(key).is_some_and(|have| text(have) == *value),
            };
        }
        if !last {
            return false;
        }
    }
    true
}

/// Puts an item of the target behind the merged ones, or in the place of one with the same values.
fn append(result: &mut Vec<Value>, element: Value, keys: &[&str]) {
    if keys.first().is_none_or(|key| key.is_empty()) {
        let value = text(&element).into_owned();
        set(result, Some(element), &[""], &[&value]);
        return;
    }
    let mut values: Vec<String> = Vec::with_capacity(keys.len());
    for key in keys {
        match element.get(key) {
            Some(value) => values.push(text(value).into_owned()),
            None => result.push(element.clone()),
        }
    }
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    if keys.len() > 1 {
        set(result, None, keys, &values);
    }
    set(result, Some(element), keys, &values);
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// The text of an item's key, empty where there is none.
fn key_text(element: &Value, key: &str) -> String {
    let value = if key.is_empty() { Some(element) } else { element.get(key) };
    value.filter(|value| !value.is_null()).map(|value| text(value).into_owned()).unwrap_or_default()
}

/// A scalar as it is written in YAML; lists and maps have no text.
pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed("null"),
        Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Array(_) | Value::Object(_) => Cow::Borrowed(""),
    }
}
