//! Pods and the pods in templates.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Errors, list, names, not_negative, text};
use crate::status::FieldError;

const NOT_CHANGED: &str = "pod updates may not change fields other than \
     `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
     additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
     previously negative)";

/// The spec of a pod, found at `path`.
pub(super) fn check(spec: &Value, path: &str, errors: &mut Errors) {
    check_with(spec, path, &[], errors);
}

/// The same for a pod that also has the volumes of these claims.
pub(super) fn check_with(spec: &Value, path: &str, claims: &[Value], errors: &mut Errors) {
    let mut volumes = volumes(spec, path, errors);
    volumes.extend(claims.iter().map(|claim| text(&claim["metadata"], "name").to_owned()));
    if list(spec, "containers").is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut seen = BTreeSet::new();
    for kind in ["containers", "initContainers"] {
        for (at, container) in list(spec, kind).iter().enumerate() {
            let path = format!("{path}.{kind}[{at}]");
            let name = text(container, "name");
            if !name.is_empty() && !seen.insert(name.to_owned()) {
                // Said last, as the server does.
                check_container(container, &path, &volumes, errors);
                errors.push(FieldError::duplicate(format!("{path}.name"), json!(name)));
                continue;
            }
            check_container(container, &path, &volumes, errors);
        }
    }
    let policies = ["Always", "OnFailure", "Never"];
    choice(spec, "restartPolicy", path, &policies, errors);
    let policies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
    choice(spec, "dnsPolicy", path, &policies, errors);
    not_negative(spec, "terminationGracePeriodSeconds", path, errors);
    let account = text(spec, "serviceAccountName");
    if !account.is_empty() {
        for why in names::subdomain(account) {
            errors.push(FieldError::invalid(format!("{path}.serviceAccountName"), json!(account), why));
        }
    }
    for (key, value) in spec["nodeSelector"].as_object().into_iter().flatten() {
        for why in names::qualified_name(key) {
            errors.push(FieldError::invalid(format!("{path}.nodeSelector"), json!(key), why));
        }
        if let Some(why) = names::label_value(value.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid(format!("{path}.nodeSelector"), value.clone(), why));
        }
    }
}

fn choice(object: &Value, field: &str, path: &str, allowed: &[&str], errors: &mut Errors) {
    let value = text(object, field);
    if !value.is_empty() && !allowed.contains(&value) {
        errors.push(FieldError::not_supported(format!("{path}.{field}"), json!(value), allowed));
    }
}

fn volumes(spec: &Value, path: &str, errors: &mut Errors) -> BTreeSet<String> {
    let mut names_seen = BTreeSet::new();
    for (at, volume) in list(spec, "volumes").iter().enumerate() {
        let path = format!("{path}.volumes[{at}]");
        let name = text(volume, "name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        } else {
            for why in names::label_1123(name) {
                errors.push(FieldError::invalid(format!("{path}.name"), json!(name), why));
            }
            if !names_seen.insert(name.to_owned()) {
                errors.push(FieldError::duplicate(format!("{path}.name"), json!(name)));
            }
        }
        let sources = volume.as_object().map_or(0, |v| v.keys().filter(|k| *k != "name").count());
        if sources > 1 {
            let second = volume.as_object().and_then(|v| v.keys().filter(|k| *k != "name").nth(1));
            let field = format!("{path}.{}", second.map_or("", String::as_str));
            errors.push(FieldError::forbidden(field, "may not specify more than 1 volume type"));
        }
    }
    names_seen
}

fn check_container(container: &Value, path: &str, volumes: &BTreeSet<String>, errors: &mut Errors) {
    let name = text(container, "name");
    if name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    } else {
        for why in names::label_1123(name) {
            errors.push(FieldError::invalid(format!("{path}.name"), json!(name), why));
        }
    }
    let image = text(container, "image");
    if image.is_empty() {
        errors.push(FieldError::required(format!("{path}.image"), ""));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(format!("{path}.image"), json!(image), why));
    }
    choice(container, "imagePullPolicy", path, &["Always", "IfNotPresent", "Never"], errors);
    ports(container, path, errors);
    for (at, variable) in list(container, "env").iter().enumerate() {
        let path = format!("{path}.env[{at}]");
        if text(variable, "name").is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        }
        if !text(variable, "value").is_empty() && variable["valueFrom"].is_object() {
            let why = "may not be specified when `value` is not empty";
            errors.push(FieldError::invalid(format!("{path}.valueFrom"), json!(""), why));
        }
    }
    for (at, mount) in list(container, "volumeMounts").iter().enumerate() {
        let path = format!("{path}.volumeMounts[{at}]");
        let name = text(mount, "name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        } else if !volumes.contains(name) {
            errors.push(FieldError::not_found(format!("{path}.name"), json!(name)));
        }
        if text(mount, "mountPath").is_empty() {
            errors.push(FieldError::required(format!("{path}.mountPath"), ""));
        }
    }
}

fn ports(container: &Value, path: &str, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for (at, port) in list(container, "ports").iter().enumerate() {
        let path = format!("{path}.ports[{at}]");
        let name = text(port, "name");
        if !name.is_empty() {
            if name.len() > 15 {
                let why = "must be no more than 15 characters";
                errors.push(FieldError::invalid(format!("{path}.name"), json!(name), why));
            } else if !seen.insert(name.to_owned()) {
                errors.push(FieldError::duplicate(format!("{path}.name"), json!(name)));
            }
        }
        match port["containerPort"].as_i64().unwrap_or_default() {
            0 => errors.push(FieldError::required(format!("{path}.containerPort"), "")),
            1..=65_535 => {}
            other => errors.push(FieldError::invalid(
                format!("{path}.containerPort"),
                json!(other),
                "must be between 1 and 65535, inclusive",
            )),
        }
        choice(port, "protocol", &path, &["SCTP", "TCP", "UDP"], errors);
    }
}

/// Of a pod's spec only a few fields may change.
pub(super) fn change(new: &Value, old: &Value, errors: &mut Errors) {
    for kind in ["containers", "initContainers"] {
        if list(new, kind).len() != list(old, kind).len() {
            let why = "pod updates may not add or remove containers";
            errors.push(FieldError::forbidden(format!("spec.{kind}"), why));
            return;
        }
    }
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        for kind in ["containers", "initContainers"] {
            for container in spec[kind].as_array_mut().into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
        for field in
            ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"]
        {
            spec[field] = Value::Null;
        }
        spec
    };
    if fixed(new) != fixed(old) {
        errors.push(FieldError::forbidden("spec", NOT_CHANGED));
    }
}
