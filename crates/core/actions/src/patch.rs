//! What a changed object differs in, as merge patches.

use resource::Object;
use serde_json::{Map, Value};

/// What is to be sent for an object that should be otherwise. A part is `None` where nothing of it differs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Patches {
    /// All but the status.
    pub main: Option<Value>,
    /// The status, for its subresource, or for the object where the kind has none.
    pub status: Option<Value>,
}

/// The merge patches (RFC 7386) from `live` to `changed`. Fields that a server keeps for itself are left out.
///
/// **Source.** The peer's `patchResource`, which sends a changed status to its subresource.
pub fn patches(live: &Object, changed: &Object) -> Patches {
    let mut all = difference(live.as_map(), changed.as_map());
    if let Some(Value::Object(metadata)) = all.get_mut("metadata") {
        for field in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"] {
            metadata.remove(field);
        }
        if metadata.is_empty() {
            all.remove("metadata");
        }
    }
    let status = all.remove("status");
    Patches {
        main: (!all.is_empty()).then_some(Value::Object(all)),
        status: status.map(|status| Value::Object(Map::from_iter([("status".to_owned(), status)]))),
    }
}

fn difference(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, new) in new {
        match (old.get(name), new) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                patch.insert(name.clone(), Value::Object(difference(old, new)));
            }
            (_, new) => {
                patch.insert(name.clone(), new.clone());
            }
        }
    }
    patch
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_sent() {
        let object = |fields: Value| {
            let mut value =
                json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "resourceVersion": "7"}});
            value.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
            Object::from_value(value).unwrap()
        };
        let live = object(json!({"spec": {"a": 1, "b": {"c": [1, 2], "d": 2}}, "status": {"abort": true}}));
        for (row, changed, main, status) in [
            (
                "nothing",
                json!({"spec": {"a": 1, "b": {"c": [1, 2], "d": 2}}, "status": {"abort": true}}),
                None,
                None,
            ),
            (
                "a field",
                json!({"spec": {"a": 2, "b": {"c": [1], "d": 2}}, "status": {"abort": true}}),
                Some(json!({"spec": {"a": 2, "b": {"c": [1]}}})),
                None,
            ),
            (
                "what is gone",
                json!({"spec": {"b": {"c": [1, 2], "d": 2}}, "status": {}}),
                Some(json!({"spec": {"a": null}})),
                Some(json!({"status": {"abort": null}})),
            ),
            (
                "metadata",
                json!({"metadata": {"name": "x", "annotations": {"k": "v"}}, "spec": {"a": 1, "b": {"c": [1, 2], "d": 2}}, "status": {"abort": true}}),
                Some(json!({"metadata": {"annotations": {"k": "v"}}})),
                None,
            ),
        ] {
            assert_eq!(patches(&live, &object(changed)), Patches { main, status }, "{row}");
        }
    }
}
