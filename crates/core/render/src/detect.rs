//! Which tool a source is for.

use api::ApplicationSource;
use filetree::TreePath;

use crate::{RenderError, Request, Tool, kustomization, overrides};

/// Says which tool renders a source.
///
/// **Shape**: an explicit field (`helm`, `kustomize`, `directory`, `plugin`) wins, also one that `.argocd-source.yaml` sets; else a plugin
/// that wants the source, else a kustomization file, else `Chart.yaml`, else plain manifests. A tool that is off counts as absent, and its field as `directory`.
/// **Errors**: [`RenderError::SeveralTools`], [`RenderError::NoSuchPath`], and those of reading.
/// **Source**: Argo CD 3, `GetAppSourceType` and `util/app/discovery`. With both `Chart.yaml` and a kustomization in a directory the peer
/// takes Kustomize, since its walk comes to that file last; so do we (test `detects_tools`).
pub fn detect(request: &Request<'_>) -> Result<Tool, RenderError> {
    let source = overrides::effective_source(request)?;
    detect_with_evidence(request, &source).map(|(tool, _)| tool)
}

/// As [`detect`], with the file or field that decided.
pub(crate) fn detect_with_evidence(
    request: &Request<'_>,
    source: &ApplicationSource,
) -> Result<(Tool, String), RenderError> {
    let path = request.path;
    if !request.tree.kind(path)?.is_some_and(filetree::Kind::is_directory) {
        return Err(RenderError::NoSuchPath { path: path.to_string() });
    }
    if let Some((tool, field)) = explicit(source)? {
        let on = match tool {
            Tool::Helm => request.tools.helm,
            Tool::Kustomize => request.tools.kustomize,
            Tool::Directory | Tool::Plugin => true,
        };
        return Ok(if on { (tool, field) } else { (Tool::Directory, String::new()) });
    }
    if let Some(plugin) = crate::plugin::wants(request)? {
        return Ok((Tool::Plugin, plugin));
    }
    let has_file = |name: &str| -> Result<Option<TreePath>, RenderError> {
        // A name without a slash joins any path that is not at its longest already; there, no file can be.
        let Ok(file) = path.join(name) else { return Ok(None) };
        Ok(request.tree.kind(&file)?.filter(|kind| kind.is_file()).map(|_| file))
    };
    if request.tools.kustomize {
        for name in kustomization::FILES {
            if let Some(file) = has_file(name)? {
                return Ok((Tool::Kustomize, file.to_string()));
            }
        }
    }
    if request.tools.helm
        && let Some(file) = has_file("Chart.yaml")?
    {
        return Ok((Tool::Helm, file.to_string()));
    }
    Ok((Tool::Directory, String::new()))
}

fn explicit(source: &ApplicationSource) -> Result<Option<(Tool, String)>, RenderError> {
    let fields = [
        (source.kustomize.is_some(), Tool::Kustomize, "kustomize"),
        (source.helm.is_some(), Tool::Helm, "helm"),
        (source.directory.is_some(), Tool::Directory, "directory"),
        (source.plugin.is_some(), Tool::Plugin, "plugin"),
    ];
    let set: Vec<_> = fields.iter().filter(|(set, ..)| *set).collect();
    match set.as_slice() {
        [] => Ok(None),
        [(_, tool, field)] => Ok(Some((*tool, format!("field source.{field}")))),
        several => {
            let tools: Vec<&str> = several.iter().map(|(_, tool, _)| tool.as_str()).collect();
            Err(RenderError::SeveralTools { tools: tools.join(",") })
        }
    }
}
