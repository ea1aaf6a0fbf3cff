//! How objects hang together on the network.

use std::collections::BTreeSet;

use resource::Object;
use serde_json::{Value, json};

use super::addresses;
use crate::read::{at, below, items, text};

pub(super) fn service(object: &Object) -> Value {
    let balanced = text(object, &["spec", "type"]) == "LoadBalancer";
    let ingress = if balanced { addresses(object) } else { Value::Null };
    json!({"targetLabels": texts(at(object, &["spec", "selector"])), "ingress": ingress})
}

pub(super) fn ingress(object: &Object) -> Value {
    let namespace = object.namespace().unwrap_or_default();
    let default = ["backend", "defaultBackend"].into_iter().filter_map(|name| at(object, &["spec", name]));
    let rules = items(object, &["spec", "rules"]).iter();
    let paths = rules.filter_map(|rule| below(rule, &["http", "paths"])?.as_array()).flatten();
    let backends = default.chain(paths.filter_map(|path| path.get("backend")));
    let name = |backend: &Value| {
        let name = below(backend, &["service", "name"]).or_else(|| backend.get("serviceName"));
        name.and_then(Value::as_str).map(str::to_owned)
    };
    let services: BTreeSet<String> = backends.filter_map(name).collect();
    let targets = services.into_iter().map(|name| (namespace.to_owned(), name));
    json!({"targetRefs": references(targets), "ingress": addresses(object)})
}

pub(super) fn virtual_service(object: &Object) -> Value {
    let own = object.namespace().unwrap_or_default();
    let rules = items(object, &["spec", "http"]).iter();
    let routes = rules.filter_map(|rule| rule.get("route")?.as_array()).flatten();
    let hosts = routes.filter_map(|route| below(route, &["destination", "host"])?.as_str());
    let targets = hosts.map(|host| {
        let mut parts = host.split('.');
        let name = parts.next().unwrap_or_default();
        (parts.next().unwrap_or(own).to_owned(), name.to_owned())
    });
    json!({ "targetRefs": references(targets.collect::<BTreeSet<_>>().into_iter()) })
}

pub(super) fn service_entry(object: &Object) -> Option<Value> {
    let labels = texts(at(object, &["spec", "workloadSelector", "labels"]));
    if labels.is_null() {
        return None;
    }
    let pods = json!([{ "kind": "Pod" }]);
    Some(json!({"targetLabels": labels, "targetRefs": pods}))
}

/// A map of texts; null where it is none.
fn texts(value: Option<&Value>) -> Value {
    let map = value.and_then(Value::as_object).filter(|map| !map.is_empty());
    match map {
        Some(map) if map.values().all(Value::is_string) => json!(map),
        _ => Value::Null,
    }
}

fn references(targets: impl Iterator<Item = (String, String)>) -> Value {
    let all: Vec<Value> = targets
        .map(|(namespace, name)| json!({"kind": "Service", "namespace": namespace, "name": name}))
        .collect();
    if all.is_empty() { Value::Null } else { json!(all) }
}
