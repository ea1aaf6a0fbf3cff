//! Manifests that stories are about.

use serde_json::{Value, json};

/// A ConfigMap with one key.
pub(crate) fn config(name: &str, value: &str) -> String {
    annotated(name, value, &[])
}

/// A ConfigMap with one key and annotations of `argocd.argoproj.io/`.
pub(crate) fn annotated(name: &str, value: &str, annotations: &[(&str, &str)]) -> String {
    let annotations: serde_json::Map<String, Value> =
        annotations.iter().map(|(key, value)| (format!("argocd.argoproj.io/{key}"), json!(value))).collect();
    text(&json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "annotations": annotations}, "data": {"key": value},
    }))
}

/// A Deployment of two replicas in a wave.
pub(crate) fn deployment(name: &str, image: &str, wave: i32) -> String {
    text(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "annotations": {"argocd.argoproj.io/sync-wave": wave.to_string()}},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": format!("registry.example.com/{image}")}]},
            },
        },
    }))
}

/// The definition of a namespaced kind Widget in a group.
pub(crate) fn definition(group: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("widgets.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

/// A manifest as text; JSON is YAML.
pub(crate) fn text(manifest: &Value) -> String {
    manifest.to_string()
}

/// Where a ConfigMap lies.
pub(crate) fn config_map(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps/{name}")
}

/// Where a Deployment lies.
pub(crate) fn deployment_path(namespace: &str, name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
}
