//! Kinds whose defaults are a line or two.

use std::sync::Arc;

use base64::Engine;
use serde_json::{Map, Value, json};

use super::{Fields, child, existing, items, set, set_text};
use crate::store::State;

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn secret(map: &mut Fields) {
    set_text(map, "type", "Opaque");
    if let Some(Value::Object(plain)) = map.remove("stringData") {
        let data = map.entry("data").or_insert_with(|| Value::Object(Map::new()));
        for (key, value) in plain {
            let text = value.as_str().unwrap_or_default();
            data[key] = json!(base64::engine::general_purpose::STANDARD.encode(text));
        }
    }
}

pub(super) fn namespace(map: &mut Fields) {
    let name = map.get("metadata").and_then(|m| m.get("name")).cloned().unwrap_or_default();
    if let Some(labels) = child(map, "metadata").and_then(|m| child(m, "labels")) {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name);
    }
}

/// A new namespace is active, and kept until its content is gone.
pub(super) fn activate(map: &mut Fields) {
    if let Some(spec) = child(map, "spec") {
        set(spec, "finalizers", json!(["kubernetes"]));
    }
    if let Some(status) = child(map, "status") {
        set_text(status, "phase", "Active");
    }
}

pub(super) fn claim(map: &mut Fields) {
    if let Some(spec) = child(map, "spec") {
        set(spec, "volumeMode", json!("Filesystem"));
    }
    if let Some(status) = child(map, "status") {
        set_text(status, "phase", "Pending");
    }
}

pub(super) fn volume(map: &mut Fields) {
    if let Some(spec) = child(map, "spec") {
        set_text(spec, "persistentVolumeReclaimPolicy", "Retain");
        set(spec, "volumeMode", json!("Filesystem"));
        if let Some(path) = existing(spec, "hostPath") {
            set(path, "type", json!(""));
        }
    }
    if let Some(status) = child(map, "status") {
        set_text(status, "phase", "Pending");
    }
}

/// Says since when a new volume has its phase.
pub(super) fn date_phase(map: &mut Fields) {
    let created = map.get("metadata").and_then(|m| m.get("creationTimestamp")).cloned();
    if let (Some(created), Some(status)) = (created, child(map, "status")) {
        set(status, "lastPhaseTransitionTime", created);
    }
}

/// Limits of containers: the default is the maximum, the default request the default or else the minimum.
pub(super) fn limit_range(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    for item in items(spec, "limits") {
        if item.get("type").and_then(Value::as_str) != Some("Container") {
            continue;
        }
        for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
            let Some(Value::Object(given)) = item.get(from).cloned() else { continue };
            let Some(limits) = child(item, to) else { continue };
            for (resource, quantity) in given {
                set(limits, &resource, quantity);
            }
        }
    }
}

/// Keeps a volume or claim from being deleted while in use.
pub(super) fn protect(map: &mut Fields, finalizer: &str) {
    let Some(metadata) = child(map, "metadata") else { return };
    set(metadata, "finalizers", json!([]));
    if let Some(Value::Array(finalizers)) = metadata.get_mut("finalizers")
        && !finalizers.iter().any(|f| f == finalizer)
    {
        finalizers.push(json!(finalizer));
    }
}

pub(super) fn webhooks(map: &mut Fields, mutating: bool) {
    if map.get("webhooks").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        map.remove("webhooks");
    }
    for hook in items(map, "webhooks") {
        set_text(hook, "failurePolicy", "Fail");
        set_text(hook, "matchPolicy", "Equivalent");
        set(hook, "namespaceSelector", json!({}));
        set(hook, "objectSelector", json!({}));
        set(hook, "timeoutSeconds", json!(10));
        if mutating {
            set_text(hook, "reinvocationPolicy", "Never");
        }
        for rule in items(hook, "rules") {
            set_text(rule, "scope", "*");
        }
        if let Some(service) = existing(hook, "clientConfig").and_then(|config| existing(config, "service")) {
            set(service, "port", json!(443));
        }
    }
}

pub(super) fn endpoints(map: &mut Fields) {
    for subset in items(map, "subsets") {
        for port in items(subset, "ports") {
            set_text(port, "protocol", "TCP");
        }
    }
}

pub(super) fn endpoint_slice(map: &mut Fields) {
    for port in items(map, "ports") {
        set(port, "name", json!(""));
        set_text(port, "protocol", "TCP");
    }
}

pub(super) fn autoscaler(map: &mut Fields, version: &str) {
    let Some(spec) = child(map, "spec") else { return };
    set(spec, "minReplicas", json!(1));
    if version == "v2" {
        scaling_behavior(spec);
    }
    if version == "v2" && spec.get("metrics").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        spec.insert(
            "metrics".to_owned(),
            json!([{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 80}}}]),
        );
    }
}

/// How fast an autoscaler goes up and down, where it says anything about it.
fn scaling_behavior(spec: &mut Fields) {
    let Some(behavior) = existing(spec, "behavior") else { return };
    let policy = |kind: &str, value: u32| json!({"type": kind, "value": value, "periodSeconds": 15});
    if let Some(up) = child(behavior, "scaleUp") {
        set(up, "stabilizationWindowSeconds", json!(0));
        set(up, "selectPolicy", json!("Max"));
        set(up, "policies", json!([policy("Pods", 4), policy("Percent", 100)]));
    }
    if let Some(down) = child(behavior, "scaleDown") {
        set(down, "selectPolicy", json!("Max"));
        set(down, "policies", json!([policy("Percent", 100)]));
    }
}

pub(super) fn network_policy(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    for rules in ["ingress", "egress"] {
        for rule in items(spec, rules) {
            for port in items(rule, "ports") {
                set_text(port, "protocol", "TCP");
            }
        }
    }
    let egress = spec.get("egress").and_then(Value::as_array).is_some_and(|e| !e.is_empty());
    set(spec, "policyTypes", if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
}

pub(super) fn binding(map: &mut Fields) {
    if let Some(role) = existing(map, "roleRef") {
        set_text(role, "apiGroup", RBAC);
    }
    for subject in items(map, "subjects") {
        if subject.get("kind").and_then(Value::as_str).is_some_and(|k| k != "ServiceAccount") {
            set_text(subject, "apiGroup", RBAC);
        }
    }
}

pub(super) fn storage_class(map: &mut Fields) {
    set(map, "reclaimPolicy", json!("Delete"));
    set(map, "volumeBindingMode", json!("Immediate"));
}

/// A claim that names no class gets the default one, where there is one.
pub(super) fn default_class(state: &mut State, object: &mut Value) {
    if !object["spec"]["storageClassName"].is_null() {
        return;
    }
    let classes = state.collection(&Arc::from("storageclasses.storage.k8s.io"));
    let is_default = |class: &Map<String, Value>| {
        let annotations = class.get("metadata").and_then(|m| m.get("annotations"));
        annotations.is_some_and(|a| a["storageclass.kubernetes.io/is-default-class"] == "true")
    };
    let found = classes
        .objects
        .values()
        .find(|class| is_default(&class.object()))
        .map(|class| class.key.name.clone());
    if let (Some(name), Some(spec)) = (found, object.get_mut("spec").and_then(Value::as_object_mut)) {
        spec.insert("storageClassName".to_owned(), json!(name));
    }
}

pub(super) fn driver(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    set(spec, "attachRequired", json!(true));
    for field in ["podInfoOnMount", "requiresRepublish", "seLinuxMount", "storageCapacity"] {
        set(spec, field, json!(false));
    }
    set(spec, "fsGroupPolicy", json!("ReadWriteOnceWithFSType"));
    set(spec, "volumeLifecycleModes", json!(["Persistent"]));
}
