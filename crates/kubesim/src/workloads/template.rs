//! Objects that controllers make: from a template, with an owner.

use serde_json::{Map, Value, json};

use super::kinds::Kind;
use super::value::{child, name, namespace, part, uid};

/// `metadata.ownerReferences` naming the managing controller.
pub(super) fn owner(kind: Kind, object: &Value) -> Value {
    json!([{"apiVersion": kind.api_version(), "kind": kind.name(), "name": name(object), "uid": uid(object),
        "controller": true, "blockOwnerDeletion": true}])
}

/// A pod of a workload's `spec.template`, owned by it, without a name yet.
pub(super) fn pod(kind: Kind, workload: &Value, template: &Value) -> Value {
    let mut metadata = Map::new();
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(content) = template.get("metadata").and_then(|m| m.get(field)) {
            metadata.insert(field.to_owned(), content.clone());
        }
    }
    metadata.insert("namespace".to_owned(), namespace(workload).into());
    metadata.insert("ownerReferences".to_owned(), owner(kind, workload));
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": part(template, "/spec")})
}

/// Sets one label.
pub(super) fn set_label(object: &mut Value, name: &str, content: &str) {
    set_in(object, "labels", name, content);
}

/// Sets one annotation.
pub(super) fn set_annotation(object: &mut Value, name: &str, content: &str) {
    set_in(object, "annotations", name, content);
}

/// Sets a field of `metadata`.
pub(super) fn set_meta(object: &mut Value, field: &str, content: impl Into<Value>) {
    if let Some(map) = object.as_object_mut() {
        child(map, "metadata").insert(field.to_owned(), content.into());
    }
}

fn set_in(object: &mut Value, field: &str, name: &str, content: &str) {
    if let Some(map) = object.as_object_mut() {
        child(child(map, "metadata"), field).insert(name.to_owned(), content.into());
    }
}
