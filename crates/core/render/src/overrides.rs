//! Parameters that stand beside the manifests: `.argocd-source.yaml` and `.argocd-source-<application>.yaml`.

use api::ApplicationSource;
use filetree::FileError;
use serde_json::{Map, Value};

use crate::{RenderError, Request};

/// The source with what the repository sets in it.
///
/// **Shape**: each file is a JSON merge patch on the source, the application's own last; `repoURL`, `path`, `chart` and `targetRevision`
/// stay as they are.
/// **Source**: Argo CD 3, `mergeSourceParameters`.
pub(crate) fn effective_source(request: &Request<'_>) -> Result<ApplicationSource, RenderError> {
    let mut names = vec![".argocd-source.yaml".to_owned()];
    if !request.application.is_empty() {
        names.push(format!(".argocd-source-{}.yaml", request.application));
    }
    let mut merged = request.source.clone();
    for name in names {
        // An application in another namespace has a slash in its name, and no file of its own then.
        let Ok(path) = request.path.join(&name) else { continue };
        let text = match request.tree.read(&path) {
            Ok(text) => text,
            Err(FileError::NotFound { .. } | FileError::NotAFile { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let limits = goyaml::Limits {
            depth: request.limits.yaml_depth,
            nodes: request.limits.yaml_nodes,
            ..goyaml::Limits::default()
        };
        let patch = goyaml::parse_one(&text, &limits)
            .map_err(|problem| RenderError::Yaml { path: path.to_string(), problem: Box::new(problem) })?;
        let malformed = |problem: String| RenderError::Malformed {
            path: path.to_string(),
            line: 1,
            field: String::new(),
            problem,
        };
        if !patch.is_object() && !patch.is_null() {
            return Err(malformed("expected a map of source parameters".to_owned()));
        }
        let mut value = serde_json::to_value(&merged).map_err(|error| malformed(error.to_string()))?;
        if patch.is_object() {
            apply_merge_patch(&mut value, patch);
        }
        merged = serde_json::from_value(value).map_err(|error| malformed(error.to_string()))?;
    }
    merged.repo_url.clone_from(&request.source.repo_url);
    merged.path.clone_from(&request.source.path);
    merged.chart.clone_from(&request.source.chart);
    merged.target_revision.clone_from(&request.source.target_revision);
    Ok(merged)
}

/// RFC 7386. Goes as deep as the YAML reader allows.
fn apply_merge_patch(value: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *value = patch;
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(map) = value else { return };
    for (key, change) in patch {
        if change.is_null() {
            map.remove(&key);
        } else {
            apply_merge_patch(map.entry(key).or_insert(Value::Null), change);
        }
    }
}
