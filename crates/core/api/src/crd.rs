//! The custom resource definitions that we install.

use serde_json::{Value, json};

use crate::names::{APP_PROJECT, APPLICATION, GROUP, VERSION};
use crate::schema::{PRESERVE, schema_of};
use crate::{AppProjectSpec, ApplicationSpec, DEFAULT_PROJECT, Operation};

/// The definitions of [`Application`](crate::Application) and [`AppProject`](crate::AppProject).
///
/// **Shape**: structural schemas without references, small enough for client-side apply (262,144 bytes of
/// annotation). **Source**: the peer's definitions, with its names, columns and lack of a status subresource. Ours
/// keep unknown fields below `spec` and `operation`, for they are reported and not dropped, and default
/// `spec.project` to `default`, which the peer requires to be written.
pub fn crds() -> Vec<Value> {
    vec![application(), app_project()]
}

fn application() -> Value {
    let mut spec = schema_of::<ApplicationSpec>();
    spec["properties"]["project"]["default"] = json!(DEFAULT_PROJECT);
    spec["required"] = json!(["destination"]);
    require_in_spec(&mut spec);
    let schema = json!({
        "description": "A set of manifests in git and the place in a cluster where they should be.",
        "type": "object",
        "required": ["metadata", "spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "operation": schema_of::<Operation>(),
            "status": {"type": "object", "description": "What is known.", PRESERVE: true},
        }
    });
    let columns = json!([
        {"name": "Sync Status", "type": "string", "jsonPath": ".status.sync.status"},
        {"name": "Health Status", "type": "string", "jsonPath": ".status.health.status"},
        {"name": "Revision", "type": "string", "jsonPath": ".status.sync.revision", "priority": 10},
        {"name": "Project", "type": "string", "jsonPath": ".spec.project", "priority": 10},
    ]);
    definition(APPLICATION, "application", &["app", "apps"], &schema, &columns)
}

fn app_project() -> Value {
    let schema = json!({
        "description": "What a group of applications may do.",
        "type": "object",
        "required": ["metadata", "spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": schema_of::<AppProjectSpec>(),
            "status": {"type": "object", "description": "Tokens that were issued.", PRESERVE: true},
        }
    });
    definition(APP_PROJECT, "appproject", &["appproj", "appprojs"], &schema, &json!([]))
}

fn require_in_spec(spec: &mut Value) {
    for (pointer, required) in [
        ("/properties/source", "repoURL"),
        ("/properties/sources/items", "repoURL"),
        ("/properties/ignoreDifferences/items", "kind"),
    ] {
        if let Some(schema) = spec.pointer_mut(pointer) {
            schema["required"] = json!([required]);
        }
    }
}

fn definition(kind: &str, singular: &str, short_names: &[&str], schema: &Value, columns: &Value) -> Value {
    let plural = format!("{singular}s");
    let name = format!("{plural}.{GROUP}");
    let mut version = json!({
        "name": VERSION, "served": true, "storage": true, "subresources": {},
        "schema": {"openAPIV3Schema": schema},
    });
    if columns.as_array().is_some_and(|columns| !columns.is_empty()) {
        version["additionalPrinterColumns"] = columns.clone();
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"},
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": singular,
                "shortNames": short_names,
            },
            "scope": "Namespaced",
            "versions": [version],
        }
    })
}

#[cfg(test)]
mod tests;
