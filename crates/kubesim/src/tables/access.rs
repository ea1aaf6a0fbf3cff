//! Who may do what.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, list, name, text};

pub(super) const ACCOUNT: &[&str] = &["Name", "Secrets", "Age"];

pub(super) fn account(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(list(object, "secrets").len()), age(object, now)]
}

pub(super) const ROLE: &[&str] = &["Name", "Created At@"];

pub(super) fn role(object: &Value, _now: Timestamp) -> Vec<Value> {
    vec![name(object), object["metadata"]["creationTimestamp"].clone()]
}

pub(super) const BINDING: &[&str] = &["Name", "Role", "Age", "Users*", "Groups*", "ServiceAccounts*"];

pub(super) fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let role = &object["roleRef"];
    let of = |kind: &str| {
        let subjects = list(object, "subjects").iter().filter(|s| s["kind"] == kind);
        let names = subjects.map(|s| match text(s, "namespace") {
            namespace if kind == "ServiceAccount" => format!("{namespace}/{}", text(s, "name")),
            _ => text(s, "name"),
        });
        json!(names.collect::<Vec<_>>().join(", "))
    };
    vec![
        name(object),
        json!(format!("{}/{}", text(role, "kind"), text(role, "name"))),
        age(object, now),
        of("User"),
        of("Group"),
        of("ServiceAccount"),
    ]
}
