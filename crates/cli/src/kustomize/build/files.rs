//! `--output DIR`: a file a resource.

use std::collections::BTreeSet;
use std::path::Path;

use ::kustomize::{Built, Gvk, is_cluster_wide};
use serde_json::Value;

/// Writes each resource into a file that is called after it: `apps_v1_deployment_web.yaml`, with the namespace before it where there are
/// several.
///
/// **Source**: kustomize v5.8.2, `commands/build/writer.go`.
pub(super) fn write(directory: &Path, built: &Built) -> Result<(), String> {
    let namespaces: BTreeSet<String> =
        built.resources.iter().filter_map(|resource| namespace(&resource.value)).collect();
    for resource in &built.resources {
        let name = file_name(&resource.value);
        let name = match namespace(&resource.value).filter(|_| namespaces.len() > 1) {
            Some(namespace) => format!("{}_{name}", namespace.to_lowercase()),
            None => name,
        };
        // The names come from strangers' files: a path is none of them.
        if name.contains(['/', '\0']) {
            return Err(format!("{name:?} is no name for a file"));
        }
        let path = directory.join(name);
        std::fs::write(&path, goyaml::to_string(&resource.value))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The namespace of a resource; none for one that lives outside of namespaces.
fn namespace(value: &Value) -> Option<String> {
    if is_cluster_wide(text(value, "/apiVersion"), text(value, "/kind")) {
        return None;
    }
    let namespace = text(value, "/metadata/namespace");
    Some(if namespace.is_empty() { "default" } else { namespace }.to_owned())
}

fn file_name(value: &Value) -> String {
    let gvk = Gvk::new(text(value, "/apiVersion"), text(value, "/kind"));
    let parts = [gvk.group.as_str(), &gvk.version, &gvk.kind];
    let there: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}_{}.yaml", there.join("_").to_lowercase(), text(value, "/metadata/name").to_lowercase())
}
