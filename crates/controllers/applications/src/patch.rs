//! The smallest patch from one JSON value to another.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What to send so that `old` becomes `new` under RFC 7386; `None` where they are equal.
/// Lists are replaced whole. A `null` inside `new` cannot be expressed and is treated as absent.
pub(crate) fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let mut patch = Map::new();
            for (key, value) in new.iter().filter(|(_, value)| !value.is_null()) {
                match old.get(key).filter(|old| !old.is_null()) {
                    None => drop(patch.insert(key.clone(), value.clone())),
                    Some(before) => {
                        if let Some(change) = merge_patch(before, value) {
                            patch.insert(key.clone(), change);
                        }
                    }
                }
            }
            for (key, _) in old.iter().filter(|(_, value)| !value.is_null()) {
                if new.get(key).is_none_or(Value::is_null) {
                    patch.insert(key.clone(), Value::Null);
                }
            }
            (!patch.is_empty()).then_some(Value::Object(patch))
        }
        _ => (old != new).then(|| new.clone()),
    }
}

/// The operations of a JSON patch (RFC 6902) that make the object `old`, which is at `path`, to `new`. A field that changes is replaced
/// whole: so nothing below it has to be there as `old` says. Nulls are absent.
pub(crate) fn operations(path: &str, old: &Value, new: &Value) -> Vec<Value> {
    let empty = Map::new();
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    let set = |map: &'_ Map<String, Value>, key: &str| map.get(key).filter(|value| !value.is_null()).cloned();
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let operation = |key: &String| {
        let path = format!("{path}/{}", escaped(key));
        match (set(old, key), set(new, key)) {
            (before, now) if before == now => None,
            (_, Some(value)) => Some(json!({"op": "add", "path": path, "value": value})),
            (_, None) => Some(json!({"op": "remove", "path": path})),
        }
    };
    keys.into_iter().filter_map(operation).collect()
}

/// A key in a JSON pointer.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_only_what_changes() {
        for (reason, old, new, patch) in [
            ("equal", json!({"a": {"b": 1}}), json!({"a": {"b": 1}}), None),
            ("added", json!({}), json!({"a": 1}), Some(json!({"a": 1}))),
            ("removed", json!({"a": 1, "b": 2}), json!({"b": 2}), Some(json!({"a": null}))),
            (
                "deep",
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 1, "c": 3}}),
                Some(json!({"a": {"c": 3}})),
            ),
            ("lists whole", json!({"a": [1, 2]}), json!({"a": [1]}), Some(json!({"a": [1]}))),
            ("null is absent", json!({"a": null}), json!({"b": null}), None),
            ("another type", json!({"a": "x"}), json!({"a": {"b": 1}}), Some(json!({"a": {"b": 1}}))),
        ] {
            assert_eq!(merge_patch(&old, &new), patch, "{reason}");
        }
    }

    #[test]
    fn operations_say_the_same() {
        let (old, new) = (
            json!({"same": 1, "deep": {"a": 1, "b": 2}, "null": null, "gone": 3, "none": null}),
            json!({"same": 1, "deep": {"a": 2, "b": 2}, "null": 5, "a/b~c": 6}),
        );
        let expected = json!([
            {"op": "add", "path": "/status/a~1b~0c", "value": 6},
            {"op": "add", "path": "/status/deep", "value": {"a": 2, "b": 2}},
            {"op": "remove", "path": "/status/gone"},
            {"op": "add", "path": "/status/null", "value": 5},
        ]);
        assert_eq!(Value::Array(operations("/status", &old, &new)), expected);
    }
}
