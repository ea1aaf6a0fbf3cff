//! Roles and bindings.

use serde_json::{Value, json};

use super::{Errors, list, text};
use crate::{registry::Kind, status::FieldError};

pub(super) fn role(kind: &Kind, object: &Value, errors: &mut Errors) {
    for (at, rule) in list(object, "rules").iter().enumerate() {
        let path = format!("rules[{at}]");
        if list(rule, "verbs").is_empty() {
            errors
                .push(FieldError::required(format!("{path}.verbs"), "verbs must contain at least one value"));
        }
        let urls = !list(rule, "nonResourceURLs").is_empty();
        if urls {
            if kind.namespaced {
                let why = "namespaced rules cannot apply to non-resource URLs";
                errors.push(FieldError::invalid(
                    format!("{path}.nonResourceURLs"),
                    rule["nonResourceURLs"].clone(),
                    why,
                ));
            }
            continue;
        }
        if list(rule, "apiGroups").is_empty() {
            let why = "resource rules must supply at least one api group";
            errors.push(FieldError::required(format!("{path}.apiGroups"), why));
        }
        if list(rule, "resources").is_empty() {
            let why = "resource rules must supply at least one resource";
            errors.push(FieldError::required(format!("{path}.resources"), why));
        }
    }
}

pub(super) fn binding(kind: &Kind, object: &Value, errors: &mut Errors) {
    let role = &object["roleRef"];
    let kinds: &[&str] = if kind.namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&text(role, "kind")) {
        errors.push(FieldError::not_supported("roleRef.kind", json!(text(role, "kind")), kinds));
    }
    if text(role, "name").is_empty() {
        errors.push(FieldError::required("roleRef.name", ""));
    }
    for (at, subject) in list(object, "subjects").iter().enumerate() {
        let path = format!("subjects[{at}]");
        if text(subject, "name").is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        }
        let kinds = ["Group", "ServiceAccount", "User"];
        let given = text(subject, "kind");
        if !kinds.contains(&given) {
            errors.push(FieldError::not_supported(format!("{path}.kind"), json!(given), &kinds));
        }
        if given == "ServiceAccount" && !kind.namespaced && text(subject, "namespace").is_empty() {
            errors.push(FieldError::required(format!("{path}.namespace"), ""));
        }
    }
}

pub(super) fn binding_change(object: &Value, live: &Value, errors: &mut Errors) {
    let (new, old) = (&object["roleRef"], &live["roleRef"]);
    if new != old {
        let shown = json!({"APIGroup": new["apiGroup"], "Kind": new["kind"], "Name": new["name"]});
        errors.push(FieldError::invalid("roleRef", shown, "cannot change roleRef"));
    }
}
