//! Pods and pod templates.

use serde_json::{Value, json};

use super::{Fields, child, existing, items, set, set_text};

/// A pod.
pub(super) fn pod(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    pod_spec(spec);
    // Of pods alone; a template keeps what was written.
    let host = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["initContainers", "containers"] {
        for container in items(spec, list) {
            requests_from_limits(container);
            for port in items(container, "ports").filter(|_| host) {
                let number = port.get("containerPort").cloned().unwrap_or_default();
                set(port, "hostPort", number);
            }
        }
    }
    set(spec, "enableServiceLinks", json!(true));
    let class = quality(spec);
    if let Some(status) = child(map, "status") {
        set_text(status, "phase", "Pending");
        set(status, "qosClass", json!(class));
    }
}

/// What the admission plugins for priorities, tolerations and service accounts write.
pub(super) fn admit(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    set_text(spec, "serviceAccountName", "default");
    if let Some(name) = spec.get("serviceAccountName").cloned() {
        spec.insert("serviceAccount".to_owned(), name);
    }
    let class = spec.get("priorityClassName").and_then(Value::as_str).unwrap_or_default();
    let priority = match class {
        "system-node-critical" => 2_000_001_000_i64,
        "system-cluster-critical" => 2_000_000_000,
        _ => 0,
    };
    set(spec, "priority", json!(priority));
    set(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
    set(spec, "tolerations", json!([]));
    let Some(Value::Array(tolerations)) = spec.get_mut("tolerations") else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerates = |t: &Value| {
            let same = t["key"] == key || t["key"].as_str().is_none_or(str::is_empty);
            same && (t["effect"] == "NoExecute" || t["effect"].as_str().is_none_or(str::is_empty))
        };
        if !tolerations.iter().any(tolerates) {
            tolerations.push(
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
}

fn requests_from_limits(container: &mut Fields) {
    let Some(resources) = existing(container, "resources") else { return };
    let Some(Value::Object(limits)) = resources.get("limits").cloned() else { return };
    if let Some(requests) = child(resources, "requests") {
        for (name, limit) in limits {
            set(requests, &name, limit);
        }
    }
}

fn quality(spec: &Fields) -> &'static str {
    let lists = ["containers", "initContainers"];
    let containers: Vec<&Value> = lists.iter().filter_map(|l| spec.get(*l)?.as_array()).flatten().collect();
    let part = |container: &Value, part: &str, name: &str| {
        container["resources"][part][name].as_str().map(str::to_owned)
    };
    let names = ["cpu", "memory"];
    let none = containers
        .iter()
        .all(|c| names.iter().all(|n| part(c, "requests", n).is_none() && part(c, "limits", n).is_none()));
    if none {
        return "BestEffort";
    }
    let full = containers.iter().all(|c| {
        names.iter().all(|n| part(c, "limits", n).is_some() && part(c, "limits", n) == part(c, "requests", n))
    });
    if full { "Guaranteed" } else { "Burstable" }
}

/// What a pod and a template have in common.
pub(super) fn pod_spec(spec: &mut Fields) {
    set_text(spec, "dnsPolicy", "ClusterFirst");
    set_text(spec, "restartPolicy", "Always");
    set_text(spec, "schedulerName", "default-scheduler");
    set(spec, "securityContext", json!({}));
    set(spec, "terminationGracePeriodSeconds", json!(30));
    if let Some(name) = spec.get("serviceAccountName").cloned() {
        spec.insert("serviceAccount".to_owned(), name);
    } else if let Some(name) = spec.get("serviceAccount").cloned() {
        spec.insert("serviceAccountName".to_owned(), name);
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items(spec, list) {
            fill_container(container);
        }
    }
    for volume in items(spec, "volumes") {
        fill_volume(volume);
    }
}

fn fill_container(container: &mut Fields) {
    set_text(container, "terminationMessagePath", "/dev/termination-log");
    set_text(container, "terminationMessagePolicy", "File");
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = pull_policy(image);
    set_text(container, "imagePullPolicy", policy);
    for port in items(container, "ports") {
        set_text(port, "protocol", "TCP");
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = existing(container, name) {
            for (field, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                if probe.get(field).and_then(Value::as_i64).unwrap_or_default() == 0 {
                    probe.insert(field.to_owned(), json!(value));
                }
            }
            fill_handler(probe);
        }
    }
    if let Some(lifecycle) = existing(container, "lifecycle") {
        for name in ["postStart", "preStop"] {
            if let Some(handler) = existing(lifecycle, name) {
                fill_handler(handler);
            }
        }
    }
    for variable in items(container, "env") {
        if let Some(field) = existing(variable, "valueFrom").and_then(|v| existing(v, "fieldRef")) {
            set_text(field, "apiVersion", "v1");
        }
    }
}

fn fill_handler(handler: &mut Fields) {
    if let Some(get) = existing(handler, "httpGet") {
        set_text(get, "path", "/");
        set_text(get, "scheme", "HTTP");
    }
    if let Some(grpc) = existing(handler, "grpc") {
        set(grpc, "service", json!(""));
    }
}

/// `Always` for the tag `latest`, given or not.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    if last.contains('@') {
        return "IfNotPresent";
    }
    match last.split_once(':') {
        None | Some((_, "latest")) => "Always",
        Some(_) => "IfNotPresent",
    }
}

fn fill_volume(volume: &mut Fields) {
    if volume.keys().all(|field| field == "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        let Some(source) = existing(volume, source) else { continue };
        set(source, "defaultMode", json!(0o644));
        fill_field_references(source);
        for part in items(source, "sources") {
            if let Some(token) = existing(part, "serviceAccountToken") {
                set(token, "expirationSeconds", json!(3600));
            }
            if let Some(downward) = existing(part, "downwardAPI") {
                fill_field_references(downward);
            }
        }
    }
    if let Some(path) = existing(volume, "hostPath") {
        set(path, "type", json!(""));
    }
    if let Some(spec) = existing(volume, "ephemeral")
        .and_then(|e| existing(e, "volumeClaimTemplate"))
        .and_then(|t| existing(t, "spec"))
    {
        set(spec, "volumeMode", json!("Filesystem"));
    }
}

fn fill_field_references(source: &mut Fields) {
    for item in items(source, "items") {
        if let Some(field) = existing(item, "fieldRef") {
            set_text(field, "apiVersion", "v1");
        }
    }
}
