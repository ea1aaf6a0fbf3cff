//! Reading objects as JSON: what is absent or of another type reads as empty.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Text at a JSON pointer, or `""`.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Number at a JSON pointer, or the default.
pub(super) fn int_or(value: &Value, pointer: &str, default: i64) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(default)
}

/// Number at a JSON pointer, or 0.
pub(super) fn int(value: &Value, pointer: &str) -> i64 {
    int_or(value, pointer, 0)
}

/// Whether there is `true` at a JSON pointer.
pub(super) fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

/// Items at a JSON pointer.
pub(super) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What is at a JSON pointer, or null.
pub(super) fn part(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).cloned().unwrap_or_default()
}

pub(super) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub(super) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub(super) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub(super) fn is_deleting(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

pub(super) fn generation(object: &Value) -> i64 {
    int(object, "/metadata/generation")
}

pub(super) fn label<'a>(object: &'a Value, name: &str) -> &'a str {
    lookup(object, "labels", name)
}

pub(super) fn annotation<'a>(object: &'a Value, name: &str) -> &'a str {
    lookup(object, "annotations", name)
}

fn lookup<'a>(object: &'a Value, field: &str, name: &str) -> &'a str {
    let map = object.get("metadata").and_then(|m| m.get(field));
    map.and_then(|m| m.get(name)).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn labels(object: &Value) -> BTreeMap<&str, &str> {
    text_map(object, "/metadata/labels")
}

/// Map of texts at a JSON pointer.
pub(super) fn text_map<'a>(value: &'a Value, pointer: &str) -> BTreeMap<&'a str, &'a str> {
    let map = value.pointer(pointer).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?))).collect()
}

/// Uid of the managing controller, or `""`.
pub(super) fn controller_uid(object: &Value) -> &str {
    let owners = items(object, "/metadata/ownerReferences");
    owners.iter().find(|o| flag(o, "/controller")).map_or("", |o| text(o, "/uid"))
}

/// `metadata.creationTimestamp`, for ordering: RFC 3339 in UTC sorts as text.
pub(super) fn created(object: &Value) -> &str {
    text(object, "/metadata/creationTimestamp")
}

/// A time at a JSON pointer.
pub(super) fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    text(value, pointer).parse().ok()
}

/// A time as the API writes it: whole seconds, UTC.
pub(super) fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Sets a field in a map value; other values stay as they are.
pub(super) fn set(value: &mut Value, field: &str, content: impl Into<Value>) {
    if let Some(map) = value.as_object_mut() {
        map.insert(field.to_owned(), content.into());
    }
}

/// The map at a field of a map, made where it is absent.
pub(super) fn child<'a>(map: &'a mut Map<String, Value>, field: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(field).or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made a map above"),
    }
}

/// A count that may be a percentage of `total`, as in `maxSurge`.
pub(super) fn count_of(value: Option<&Value>, total: i64, round_up: bool, default: i64) -> i64 {
    match value {
        Some(Value::Number(number)) => number.as_i64().unwrap_or(default),
        Some(Value::String(text)) => match text.strip_suffix('%').and_then(|p| p.parse::<i64>().ok()) {
            Some(percent) => (percent * total + if round_up { 99 } else { 0 }) / 100,
            None => text.parse().unwrap_or(default),
        },
        _ => default,
    }
}

/// Whether two values are the same once stored: servers leave out what is null or empty, or write it where it was not.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let within = |x: &Map<String, Value>, y: &Map<String, Value>| {
                x.iter().all(|(key, value)| same(value, y.get(key).unwrap_or(&Value::Null)))
            };
            within(x, y) && within(y, x)
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Null, other) | (other, Value::Null) => is_empty(other),
        _ => a == b,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_empty_is_as_good_as_absent() {
        for (a, b, wanted) in [
            (json!({"a": null, "b": {}, "c": ""}), json!({}), true),
            (json!({"a": [{"x": null}]}), json!({"a": [{}]}), true),
            (json!({"a": 0}), json!({}), false),
            (json!({"a": [1]}), json!({"a": [1, null]}), false),
            (json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), false),
        ] {
            assert_eq!((same(&a, &b), same(&b, &a)), (wanted, wanted), "{a} {b}");
        }
    }

    #[test]
    fn counts_may_be_percentages() {
        for (value, round_up, wanted) in
            [(json!("25%"), true, 1), (json!("25%"), false, 0), (json!(2), true, 2), (json!(null), true, 7)]
        {
            assert_eq!(count_of(Some(&value), 3, round_up, 7), wanted, "{value}");
        }
    }
}
