//! Services and ingresses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Errors, list, names, text};
use crate::status::FieldError;

pub(super) fn service(spec: &Value, errors: &mut Errors) {
    let kind = text(spec, "type");
    let ports = list(spec, "ports");
    let headless = text(spec, "clusterIP") == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    let allowed = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !allowed.contains(&kind) {
        errors.push(FieldError::not_supported("spec.type", json!(kind), &allowed));
    }
    if kind == "ExternalName" {
        let name = text(spec, "externalName");
        if name.is_empty() {
            let why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                       and must start and end with an alphanumeric character";
            errors.push(FieldError::invalid("spec.externalName", json!(name), why));
        }
    }
    let mut seen = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for (at, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{at}]");
        let name = text(port, "name");
        if name.is_empty() && ports.len() > 1 {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        } else if !name.is_empty() {
            for why in names::label_1123(name) {
                errors.push(FieldError::invalid(format!("{path}.name"), json!(name), why));
            }
            if !seen.insert(name.to_owned()) {
                errors.push(FieldError::duplicate(format!("{path}.name"), json!(name)));
            }
        }
        let number = port["port"].as_i64().unwrap_or_default();
        if !(1..=65_535).contains(&number) {
            let why = "must be between 1 and 65535, inclusive";
            errors.push(FieldError::invalid(format!("{path}.port"), json!(number), why));
        }
        let protocol = text(port, "protocol");
        let protocols = ["SCTP", "TCP", "UDP"];
        if !protocols.contains(&protocol) {
            errors.push(FieldError::not_supported(format!("{path}.protocol"), json!(protocol), &protocols));
        }
        if !numbers.insert((number, protocol.to_owned())) {
            errors.push(FieldError::duplicate(path, json!({"port": number, "protocol": protocol})));
        }
    }
    errors.extend(super::metadata::labels(&spec["selector"], "spec.selector"));
}

pub(super) fn service_change(new: &Value, old: &Value, errors: &mut Errors) {
    let addressed =
        |spec: &Value| text(spec, "type") != "ExternalName" && !text(spec, "clusterIP").is_empty();
    if addressed(old) && addressed(new) && new["clusterIP"] != old["clusterIP"] {
        errors.push(FieldError::invalid(
            "spec.clusterIPs[0]",
            new["clusterIPs"].clone(),
            "may not change once set",
        ));
    }
}

pub(super) fn ingress(spec: &Value, errors: &mut Errors) {
    if list(spec, "rules").is_empty() && !spec["defaultBackend"].is_object() {
        errors.push(FieldError::invalid(
            "spec",
            spec.clone(),
            "either `defaultBackend` or `rules` must be specified",
        ));
    }
    for (at, rule) in list(spec, "rules").iter().enumerate() {
        let host = text(rule, "host");
        if !host.is_empty() {
            let plain = host.strip_prefix("*.").unwrap_or(host);
            for why in names::subdomain(plain) {
                errors.push(FieldError::invalid(format!("spec.rules[{at}].host"), json!(host), why));
            }
        }
        for (place, path) in list(&rule["http"], "paths").iter().enumerate() {
            let field = format!("spec.rules[{at}].http.paths[{place}]");
            let kinds = ["Exact", "ImplementationSpecific", "Prefix"];
            match text(path, "pathType") {
                "" => errors
                    .push(FieldError::required(format!("{field}.pathType"), "pathType must be specified")),
                kind if !kinds.contains(&kind) => {
                    errors.push(FieldError::not_supported(format!("{field}.pathType"), json!(kind), &kinds));
                }
                kind => {
                    let given = text(path, "path");
                    if kind != "ImplementationSpecific" && !given.starts_with('/') {
                        let why = "must be an absolute path";
                        errors.push(FieldError::invalid(format!("{field}.path"), json!(given), why));
                    }
                }
            }
        }
    }
}
