//! The annotation of client-side apply, which the API server honours for the manager `kubectl`.

use serde_json::Value;

use crate::comparison::compare;
use crate::conform::misfits;
use crate::field_set::field_set_of;
use crate::set::FieldSet;
use crate::types::TypeRef;
use crate::values::go_json;

/// Where client-side apply keeps what was applied last.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Most bytes of all annotations together; past it the server leaves the annotation out.
const MAX_ANNOTATIONS_BYTES: usize = 256 * 1024;

fn annotation(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"][LAST_APPLIED].as_str().filter(|text| !text.is_empty())
}

/// The fields that client-side apply set last and that still have its values: no conflict for its successor.
pub(crate) fn still_ours(ty: &TypeRef, live: &Value) -> Option<FieldSet> {
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    if last["apiVersion"] != live["apiVersion"]
        || !misfits(ty, &last).is_empty()
        || !misfits(ty, live).is_empty()
    {
        return None;
    }
    let set = field_set_of(ty, &last).ok()?;
    let change = compare(ty, &last, live).ok()?;
    Some(set.difference(&change.modified).difference(&change.added).difference(&change.removed))
}

/// Keeps the annotation in step with what was applied, where the object has one.
pub(crate) fn refresh(object: &mut Value, applied: &Value) {
    if annotation(object).is_none() {
        return;
    }
    let mut applied = applied.clone();
    if let Some(metadata) = applied.get_mut("metadata").and_then(Value::as_object_mut) {
        let left = metadata.get_mut("annotations").and_then(Value::as_object_mut).map(|annotations| {
            annotations.remove(LAST_APPLIED);
            annotations.len()
        });
        if left == Some(0) {
            // Go writes empty annotations of a dynamic object as `{}`; an absent field stays absent.
            metadata.insert("annotations".to_owned(), Value::Object(serde_json::Map::new()));
        }
    }
    let mut text = String::new();
    go_json::write(&mut text, &applied);
    text.push('\n');
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.insert(LAST_APPLIED.to_owned(), Value::String(text));
        let bytes: usize = annotations
            .iter()
            .map(|(name, value)| name.len() + value.as_str().unwrap_or_default().len())
            .sum();
        if bytes > MAX_ANNOTATIONS_BYTES {
            annotations.remove(LAST_APPLIED);
        }
    }
}
