//! The smallest merge patch from one JSON value to another.

use serde_json::{Map, Value};

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

#[cfg(test)]
mod tests {
    use serde_json::json;

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
}
