//! Kustomizations, as an application asks for them.

use api::ApplicationSourceKustomize;
use api::settings::KustomizeBuildOptions;
use filetree::TreePath;
use kustomize::{LoadRestrictor, Order};

use crate::context::Need;
use crate::environment::Environment;
use crate::manifests::Collector;
use crate::{RenderError, Rendered, Request, Tool};

mod components;
mod edits;

pub(crate) use components::FILES;
use edits::{Edits, Problem};

/// Renders a kustomization.
///
/// **Shape**: in the order of `kustomize build`. What the application asks for is written into the kustomization first, as by
/// `kustomize edit`, and is no part of the repository.
/// **Errors**: [`RenderError::Needs`] for bases and files that lie elsewhere; [`RenderError::BuildOptions`] where the operator's options
/// cannot be honoured; else Kustomize's own words.
/// **Source**: Argo CD 3.6, `util/kustomize`, `Build`. We differ in `version`: the peer refuses one that is not registered; the built-in
/// engine renders it and says so (test `versions_are_accepted`).
pub(crate) fn render(
    request: &Request<'_>,
    asked: &ApplicationSourceKustomize,
) -> Result<Rendered, RenderError> {
    let mut collector = Collector::new(request.limits);
    let settings = &request.context.kustomize;
    let (options, registered) = settings.options_of(&asked.version);
    if let Some(problem) = &options.refused {
        let version = settings.versions.get(&asked.version).and_then(Option::as_ref).map(|_| &asked.version);
        let key = version.map_or_else(
            || "kustomize.buildOptions".to_owned(),
            |version| format!("kustomize.buildOptions.{version}"),
        );
        return Err(RenderError::BuildOptions { key, problem: problem.clone() });
    }
    if !registered {
        let version = &asked.version;
        collector.warn(format!(
            "kustomize version {version} is not registered (argocd-cm: kustomize.path.{version}); the built-in engine rendered it"
        ));
    }
    let (edited, of_the_revision) = edited(request, asked)?;
    let built = build(request, asked, options, edited.as_deref())?;
    for warning in built.warnings {
        collector.warn(warning);
    }
    for resource in built.resources {
        collector.add_value(&resource.origin, None, resource.value)?;
    }
    let (manifests, warnings) = collector.finish();
    Ok(Rendered { tool: Tool::Kustomize, of_the_revision, manifests, warnings })
}

fn build(
    request: &Request<'_>,
    asked: &ApplicationSourceKustomize,
    options: &KustomizeBuildOptions,
    kustomization: Option<&[u8]>,
) -> Result<kustomize::Built, RenderError> {
    let context = request.context;
    let kube_version =
        if asked.kube_version.is_empty() { &context.kube_version } else { &asked.kube_version };
    let mut api_versions = if asked.api_versions.is_empty() {
        context.api_versions.as_ref().clone()
    } else {
        asked.api_versions.clone()
    };
    api_versions.extend(options.helm_api_versions.iter().cloned());
    let limits = kustomize::Limits {
        yaml_depth: request.limits.yaml_depth,
        yaml_nodes: request.limits.yaml_nodes,
        ..kustomize::Limits::default()
    };
    let probe = context.probe();
    let options = kustomize::Options {
        load_restrictor: if options.load_outside { LoadRestrictor::None } else { LoadRestrictor::RootOnly },
        enable_helm: options.enable_helm,
        order: if options.keep_order { Order::None } else { Order::Legacy },
        managed_by_label: options.managed_by_label,
        remotes: Some(&context.supplies.remotes),
        kustomization,
        limits,
        kube_version: Some(kube_version),
        api_versions: &api_versions,
        world: Some(context.world.as_ref()),
        cancelled: probe.as_ref(),
        ..kustomize::Options::default()
    };
    kustomize::build(request.tree, request.path, &options).map_err(|failure| match failure.error {
        kustomize::Error::Needs(needs) => RenderError::Needs(needs.into_iter().map(Need::Remote).collect()),
        kustomize::Error::File(error) => error.into(),
        error => RenderError::Kustomize { path: request.path.to_string(), error },
    })
}

/// The kustomization's text with what is asked for, and whether that depends on the commit; none where nothing is.
fn edited(
    request: &Request<'_>,
    asked: &ApplicationSourceKustomize,
) -> Result<(Option<Vec<u8>>, bool), RenderError> {
    if !has_edits(asked) {
        return Ok((None, false));
    }
    // With no file, or several, the build says what is wrong.
    let [file] = files(request)?.try_into().unwrap_or_else(|_| [TreePath::root()]);
    if file.is_root() {
        return Ok((None, false));
    }
    let text = request.tree.read(&file)?;
    let limits = goyaml::Limits {
        depth: request.limits.yaml_depth,
        nodes: request.limits.yaml_nodes,
        ..goyaml::Limits::default()
    };
    // So it does with what is no YAML.
    let Ok(kustomization) = goyaml::parse_one(&text, &limits) else { return Ok((None, false)) };
    let environment = Environment::of(request);
    let components = components::found(request, &asked.components, asked.ignore_missing_components)?;
    let written = (|| -> Result<_, Problem> {
        let mut edits = Edits::new(kustomization, &environment)?;
        edits.apply(asked)?;
        if !components.is_empty() {
            edits.add("components", components)?;
        }
        Ok((edits.of_the_revision, edits.into_value()))
    })();
    let (of_the_revision, kustomization) = written.map_err(|problem| problem.of(file.as_str()))?;
    Ok((Some(goyaml::to_string(&kustomization).into_bytes()), of_the_revision))
}

/// The kustomization files of the source's directory.
fn files(request: &Request<'_>) -> Result<Vec<TreePath>, RenderError> {
    let mut files = Vec::new();
    for name in FILES {
        let Ok(file) = request.path.join(name) else { continue };
        if request.tree.kind(&file)?.is_some_and(filetree::Kind::is_file) {
            files.push(file);
        }
    }
    Ok(files)
}

fn has_edits(asked: &ApplicationSourceKustomize) -> bool {
    let texts = [&asked.name_prefix, &asked.name_suffix, &asked.namespace];
    texts.iter().any(|text| !text.is_empty())
        || !asked.images.is_empty()
        || !asked.replicas.is_empty()
        || !asked.common_labels.is_empty()
        || !asked.common_annotations.is_empty()
        || !asked.patches.is_empty()
        || !asked.components.is_empty()
}

#[cfg(test)]
mod tests;
