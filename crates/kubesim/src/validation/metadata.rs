//! Names, labels, annotations, owners and finalizers.

use serde_json::{Value, json};

use super::names;
use crate::{crd, registry::Kind, status::FieldError};

/// Most bytes in all annotations of an object together.
const MAX_ANNOTATIONS: usize = 256 << 10;

/// Finalizers that need no slash in objects of built-in kinds.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// What is wrong with the metadata of a new object.
pub(crate) fn check(kind: &Kind, object: &Value) -> Vec<FieldError> {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let mut errors: Vec<FieldError> = name_rules(kind)(name)
        .into_iter()
        .map(|why| FieldError::invalid("metadata.name", json!(name), why))
        .collect();
    if kind.namespaced {
        let namespace = metadata["namespace"].as_str().unwrap_or_default();
        let wrong = names::label_1123(namespace).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid("metadata.namespace", json!(namespace), why)));
    }
    errors.extend(common(kind, metadata));
    errors
}

/// What is wrong with a change of metadata.
pub(crate) fn check_update(kind: &Kind, object: &Value, live: &Value) -> Vec<FieldError> {
    let mut errors = common(kind, &object["metadata"]);
    let finalizers = |object: &Value| -> Vec<String> {
        let list = object["metadata"]["finalizers"].as_array();
        list.into_iter().flatten().filter_map(|f| f.as_str().map(str::to_owned)).collect()
    };
    if live["metadata"]["deletionTimestamp"].is_string() {
        let old = finalizers(live);
        let added: Vec<String> = finalizers(object).into_iter().filter(|f| !old.contains(f)).collect();
        if !added.is_empty() {
            let list: Vec<String> = added.iter().map(|f| format!("{f:?}")).collect();
            errors.push(FieldError::forbidden(
                "metadata.finalizers",
                format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    list.join(", ")
                ),
            ));
        }
    }
    errors
}

fn name_rules(kind: &Kind) -> fn(&str) -> Vec<String> {
    match &*kind.storage {
        "namespaces" => names::label_1123,
        "services" => names::label_1035,
        storage if storage.ends_with(".rbac.authorization.k8s.io") => names::path_segment,
        _ => names::subdomain,
    }
}

fn common(kind: &Kind, metadata: &Value) -> Vec<FieldError> {
    let mut errors = labels(&metadata["labels"], "metadata.labels");
    let mut bytes = 0;
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        let wrong = names::qualified_name(&key.to_lowercase()).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid("metadata.annotations", json!(key), why)));
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > MAX_ANNOTATIONS {
        errors.push(FieldError::too_long("metadata.annotations", MAX_ANNOTATIONS));
    }
    errors.extend(owners(metadata["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default()));
    let finalizers = || metadata["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for finalizer in finalizers() {
        let wrong = names::qualified_name(finalizer).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid("metadata.finalizers", json!(finalizer), why)));
    }
    // Definitions and what they define may have short ones.
    if kind.custom.is_none() && !crd::is_definition(kind) {
        for (at, finalizer) in finalizers().enumerate() {
            if !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer) {
                errors.push(FieldError::invalid(
                    format!("metadata.finalizers[{at}]"),
                    json!(finalizer),
                    "name is neither a standard finalizer name nor is it fully qualified",
                ));
            }
        }
    }
    errors
}

/// What is wrong with owner references; their fields are named without a place in the list, as the server does.
fn owners(owners: &[Value]) -> Vec<FieldError> {
    const PATH: &str = "metadata.ownerReferences";
    let mut errors = Vec::new();
    let mut controller: Option<String> = None;
    for owner in owners {
        let text = |field: &str| owner[field].as_str().unwrap_or_default();
        for field in ["apiVersion", "kind", "name", "uid"] {
            if text(field).is_empty() {
                let why =
                    if field == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                errors.push(FieldError::invalid(format!("{PATH}.{field}"), json!(""), why));
            }
        }
        if owner["controller"] != true {
            continue;
        }
        let name = format!("{}/{}", text("kind"), text("name"));
        if let Some(first) = &controller {
            let list: Vec<String> = owners.iter().map(in_go_order).collect();
            errors.push(FieldError::raw(
                PATH,
                format!(
                    "Invalid value: [{}]: Only one reference can have Controller set to true. Found \"true\" in \
                     references for {first} and {name}",
                    list.join(",")
                ),
            ));
        } else {
            controller = Some(name);
        }
    }
    errors
}

/// An owner reference as JSON, with its fields in the order of the Go struct.
fn in_go_order(owner: &Value) -> String {
    let fields = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"].into_iter();
    let given = fields.filter_map(|field| Some(format!("{field:?}:{}", owner.get(field)?)));
    format!("{{{}}}", given.collect::<Vec<_>>().join(","))
}

/// What is wrong with a map of labels.
pub(crate) fn labels(labels: &Value, field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        let wrong = names::qualified_name(key).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid(field, json!(key), why)));
        if let Some(why) = names::label_value(value.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid(field, value.clone(), why));
        }
    }
    errors
}
