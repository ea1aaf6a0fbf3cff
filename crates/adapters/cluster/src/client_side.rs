//! Apply as kubectl does it on the client: a three-way patch between what was last applied, what is wanted, and
//! what is there.

use resource::Object;
use serde_json::{Map, Value};

use crate::{cluster::Cluster, error::WriteError, options::ApplyOptions, write::Applied};

/// What was applied last, as JSON. Source: kubectl.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const MERGE: &str = "application/merge-patch+json";
/// Tries against changes of others. Source: kubectl's `maxPatchRetry`.
const MAX_TRIES: u32 = 5;

pub(crate) async fn apply(
    cluster: &Cluster,
    object: &Object,
    options: &ApplyOptions,
) -> Result<Applied, WriteError> {
    let desired = annotated(object);
    let mut tries = 0;
    loop {
        tries += 1;
        let result = match cluster.live_of(object).await? {
            None => cluster.post(&desired, options).await,
            Some(live) => {
                let (form, patch) = patch(&desired, &live)?;
                if patch.as_object().is_some_and(Map::is_empty) {
                    return Ok(Applied { object: live, warnings: Vec::new(), created: false, sent: false });
                }
                cluster.patch_object(&desired, form, &patch, options).await
            }
        };
        match result {
            Err(
                WriteError::Precondition { .. }
                | WriteError::AlreadyExists { .. }
                | WriteError::NotFound { .. },
            ) if tries < MAX_TRIES => {}
            other => return other,
        }
    }
}

/// The manifest with itself in the annotation, as kubectl writes it: one line, and a line end.
fn annotated(object: &Object) -> Object {
    let mut plain = object.clone();
    plain.remove_annotation(LAST_APPLIED);
    plain.metadata_mut().remove("managedFields");
    let text = format!("{}\n", plain.to_value());
    plain.set_annotation(LAST_APPLIED, text);
    plain
}

fn patch(desired: &Object, live: &Object) -> Result<(&'static str, Value), WriteError> {
    // An annotation that cannot be read counts as none: nothing is deleted on its word.
    let original = live.annotation(LAST_APPLIED).and_then(|text| serde_json::from_str(text).ok());
    let original = original.unwrap_or_else(|| Value::Object(Map::new()));
    let (desired_value, live_value) = (desired.to_value(), live.to_value());
    match merge::Schemas::builtin().get(&desired.gvk()) {
        Some(schema) => merge::three_way_strategic(schema, &original, &desired_value, &live_value)
            .map(|patch| (STRATEGIC, patch))
            // The cause may quote values, and a Secret comes this way, too.
            .map_err(|_| WriteError::Invalid {
                key: desired.key(),
                message: "no patch leads from the live object to the manifest".to_owned(),
                causes: Vec::new(),
            }),
        None => Ok((MERGE, three_way(&original, &desired_value, &live_value))),
    }
}

/// The merge patch that gives `live` what `desired` says, and takes away what only `original` said.
fn three_way(original: &Value, desired: &Value, live: &Value) -> Value {
    let (Value::Object(desired), Value::Object(live)) = (desired, live) else { return desired.clone() };
    let none = Map::new();
    let original = original.as_object().unwrap_or(&none);
    let mut patch = Map::new();
    for name in original.keys().filter(|name| !desired.contains_key(*name) && live.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, want) in desired {
        match live.get(name) {
            Some(have) if have == want => {}
            Some(have) if want.is_object() && have.is_object() => {
                let inner = three_way(original.get(name).unwrap_or(&Value::Null), want, have);
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    patch.insert(name.clone(), inner);
                }
            }
            // A null in the manifest asks for nothing to be there, and nothing is.
            None if want.is_null() => {}
            Some(_) | None => {
                patch.insert(name.clone(), want.clone());
            }
        }
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn three_way_patches() {
        for (row, original, desired, live, expect) in [
            ("nothing to do", json!({"a": 1}), json!({"a": 1}), json!({"a": 1, "b": 2}), json!({})),
            ("changed", json!({"a": 1}), json!({"a": 2}), json!({"a": 1}), json!({"a": 2})),
            ("drifted", json!({"a": 1}), json!({"a": 1}), json!({"a": 3}), json!({"a": 1})),
            (
                "taken out",
                json!({"a": 1, "b": 1}),
                json!({"a": 1}),
                json!({"a": 1, "b": 1}),
                json!({"b": null}),
            ),
            ("taken out and gone", json!({"b": 1}), json!({}), json!({}), json!({})),
            ("another's field", json!({}), json!({}), json!({"b": 1}), json!({})),
            (
                "inner",
                json!({"s": {"a": 1, "b": 1}}),
                json!({"s": {"a": 2}}),
                json!({"s": {"a": 1, "b": 1, "c": 1}}),
                json!({"s": {"a": 2, "b": null}}),
            ),
            ("lists are whole", json!({}), json!({"l": [1]}), json!({"l": [1, 2]}), json!({"l": [1]})),
        ] {
            assert_eq!(three_way(&original, &desired, &live), expect, "{row}");
        }
    }

    #[test]
    fn the_annotation_holds_the_manifest_without_itself() {
        let object = Object::from_value(json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a",
            "annotations": {LAST_APPLIED: "old"}, "managedFields": []}}))
        .unwrap();
        let annotated = annotated(&object);
        assert_eq!(
            annotated.annotation(LAST_APPLIED),
            Some("{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"a\"}}\n")
        );
    }
}
