//! ConfigMaps, Secrets and claims.

use serde_json::{Value, json};

use super::{Errors, immutable, list, text};
use crate::status::FieldError;

/// Most bytes in the data of a ConfigMap or Secret.
const MAX_DATA: usize = 1 << 20;

const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
     'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

fn keys(object: &Value, field: &str, errors: &mut Errors) {
    for key in object[field].as_object().into_iter().flatten().map(|(key, _)| key) {
        let path = format!("{field}[{key}]");
        if key.len() > 253 {
            errors.push(FieldError::invalid(path, json!(key), "must be no more than 253 bytes"));
        } else if key.is_empty()
            || !key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        {
            errors.push(FieldError::invalid(path, json!(key), KEY));
        } else if key == "." || key.starts_with("..") {
            errors.push(FieldError::invalid(path, json!(key), format!("may not be '{key}'")));
        }
    }
}

fn size(object: &Value, field: &str, factor: usize) -> usize {
    let values = object[field].as_object().into_iter().flatten();
    values.map(|(_, value)| value.as_str().map_or(0, str::len) * factor / 4).sum()
}

pub(super) fn config_map(object: &Value, errors: &mut Errors) {
    keys(object, "data", errors);
    keys(object, "binaryData", errors);
    for key in object["binaryData"].as_object().into_iter().flatten().map(|(key, _)| key) {
        if !object["data"][key].is_null() {
            let why = "duplicate of key present in binaryData";
            errors.push(FieldError::invalid(format!("data[{key}]"), json!(key), why));
        }
    }
    if size(object, "data", 4) + size(object, "binaryData", 3) > MAX_DATA {
        errors.push(FieldError::too_long("", MAX_DATA));
    }
}

pub(super) fn secret(object: &Value, errors: &mut Errors) {
    keys(object, "data", errors);
    if size(object, "data", 3) > MAX_DATA {
        errors.push(FieldError::too_long("data", MAX_DATA));
    }
    let needed: &[&str] = match text(object, "type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        _ => &[],
    };
    for key in needed {
        if object["data"][*key].is_null() {
            errors.push(FieldError::required(format!("data[{key}]"), ""));
        }
    }
}

/// A Secret's type stays; of what is immutable all stays.
pub(super) fn change(object: &Value, live: &Value, errors: &mut Errors) {
    if live["kind"] == "Secret" {
        immutable(object, live, "type", "type", errors);
    }
    if live["immutable"] != true {
        return;
    }
    if object["immutable"] != true {
        errors.push(FieldError::forbidden("immutable", "field is immutable when `immutable` is set"));
    }
    for field in ["data", "binaryData"] {
        if object[field] != live[field] {
            errors.push(FieldError::forbidden(field, "field is immutable when `immutable` is set"));
        }
    }
}

pub(super) fn claim(spec: &Value, errors: &mut Errors) {
    if list(spec, "accessModes").is_empty() {
        errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
    }
    let modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    for mode in list(spec, "accessModes").iter().filter_map(Value::as_str).filter(|m| !modes.contains(m)) {
        errors.push(FieldError::not_supported("spec.accessModes", json!(mode), &modes));
    }
    if spec["resources"]["requests"]["storage"].is_null() {
        errors.push(FieldError::required("spec.resources[storage]", ""));
    }
}

pub(super) fn claim_change(new: &Value, old: &Value, errors: &mut Errors) {
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        spec["resources"] = Value::Null;
        spec["volumeAttributesClassName"] = Value::Null;
        // The volume is chosen once; a class may be given to a claim that has none.
        if old["volumeName"].is_null() {
            spec["volumeName"] = Value::Null;
        }
        if old["storageClassName"].is_null() {
            spec["storageClassName"] = Value::Null;
        }
        spec
    };
    if fixed(new) != fixed(old) {
        errors.push(FieldError::forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        ));
    }
}
