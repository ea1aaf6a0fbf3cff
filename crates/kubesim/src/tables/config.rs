//! Configuration and storage.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, list, name, or, text};

fn entries(object: &Value, field: &str) -> usize {
    object[field].as_object().map_or(0, serde_json::Map::len)
}

pub(super) const CONFIG_MAP: &[&str] = &["Name", "Data", "Age"];

pub(super) fn config_map(object: &Value, now: Timestamp) -> Vec<Value> {
    let count = entries(object, "data") + entries(object, "binaryData");
    vec![name(object), json!(count), age(object, now)]
}

pub(super) const SECRET: &[&str] = &["Name", "Type", "Data", "Age"];

pub(super) fn secret(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(text(object, "type")), json!(entries(object, "data")), age(object, now)]
}

fn modes(list_of_modes: &[Value]) -> String {
    let short = |mode: &str| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    list_of_modes.iter().filter_map(Value::as_str).map(short).collect::<Vec<_>>().join(",")
}

/// The phase, or `Terminating`.
fn phase(object: &Value) -> String {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return "Terminating".to_owned();
    }
    text(&object["status"], "phase")
}

pub(super) const CLAIM: &[&str] = &[
    "Name",
    "Status",
    "Volume",
    "Capacity",
    "Access Modes",
    "StorageClass",
    "VolumeAttributesClass",
    "Age",
    "VolumeMode*",
];

pub(super) fn claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let volume = text(spec, "volumeName");
    let (capacity, access) = if volume.is_empty() {
        (String::new(), String::new())
    } else {
        (text(&status["capacity"], "storage"), modes(list(status, "accessModes")))
    };
    vec![
        name(object),
        json!(phase(object)),
        json!(volume),
        json!(capacity),
        json!(access),
        json!(text(spec, "storageClassName")),
        json!(or(text(spec, "volumeAttributesClassName"), "<unset>")),
        age(object, now),
        json!(or(text(spec, "volumeMode"), "<unset>")),
    ]
}

pub(super) const VOLUME: &[&str] = &[
    "Name",
    "Capacity",
    "Access Modes",
    "Reclaim Policy",
    "Status",
    "Claim",
    "StorageClass",
    "VolumeAttributesClass",
    "Reason",
    "Age",
    "VolumeMode*",
];

pub(super) fn volume(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let claim = &spec["claimRef"];
    let claim = if claim.is_object() {
        format!("{}/{}", text(claim, "namespace"), text(claim, "name"))
    } else {
        String::new()
    };
    vec![
        name(object),
        json!(text(&spec["capacity"], "storage")),
        json!(modes(list(spec, "accessModes"))),
        json!(text(spec, "persistentVolumeReclaimPolicy")),
        json!(phase(object)),
        json!(claim),
        json!(text(spec, "storageClassName")),
        json!(or(text(spec, "volumeAttributesClassName"), "<unset>")),
        json!(text(&object["status"], "reason")),
        age(object, now),
        json!(or(text(spec, "volumeMode"), "<unset>")),
    ]
}

pub(super) const STORAGE_CLASS: &[&str] =
    &["Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion?", "Age"];

pub(super) fn storage_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let default = object["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true";
    let mark = if default { " (default)" } else { "" };
    vec![
        json!(format!("{}{mark}", text(&object["metadata"], "name"))),
        json!(text(object, "provisioner")),
        json!(text(object, "reclaimPolicy")),
        json!(text(object, "volumeBindingMode")),
        json!(object["allowVolumeExpansion"] == true),
        age(object, now),
    ]
}
