//! Helm charts, as an application asks for them.

use std::sync::Arc;

use api::ApplicationSourceHelm;
use helm::{Capabilities, Chart, Given, HookEvent, KubeVersion, LoadLimits, Release, RenderLimits};
use serde_json::{Map, Value};

use crate::context::{Dependency, Locked, Need};
use crate::environment::Environment;
use crate::manifests::Collector;
use crate::value_files::{self, Place};
use crate::{RenderError, Rendered, Request, Tool};

/// Renders a chart.
///
/// **Shape**: custom resource definitions first (unless `skipCrds`), then manifests and hooks in Helm's order. Objects come from
/// `chart/templates/file.yaml`, as in Helm's comments.
/// **Values**: the chart's own, `valueFiles`, `values` or `valuesObject`, `parameters`, `fileParameters`, each over those before it.
/// Variables of the build environment are filled in in `valueFiles`, in the values of `parameters` and in the paths of
/// `fileParameters`.
/// **Errors**: [`RenderError::Needs`] for dependencies that are not in `charts/` and value files by http; else Helm's own words.
/// **Source**: Argo CD 3, `helmTemplate`: the arguments that it calls `helm template` with. We differ where it is undefined:
/// parameters are set in the order in which they are written (there, a map's), the last one of a name alone.
pub(crate) fn render(
    request: &Request<'_>,
    options: &ApplicationSourceHelm,
) -> Result<Rendered, RenderError> {
    let environment = Environment::of(request);
    let mut inputs = Inputs::new(request, &environment);
    let files = inputs.value_files(options)?;
    let parameters = inputs.parameters(options);
    let file_parameters = inputs.file_parameters(options)?;
    let load = LoadLimits::default();
    let chart = inputs.chart(&load)?;
    let of_the_revision = inputs.complete()?;

    let limits = RenderLimits::default();
    let own = own_values(options, &limits)?;
    let mut given: Vec<Given<'_>> = files.iter().map(|(name, text)| Given::File(name, text)).collect();
    given.extend(own.as_ref().map(Given::Map));
    for (text, as_string) in &parameters {
        given.push(if *as_string { Given::SetString(text) } else { Given::Set(text) });
    }
    let read_file = |path: &str| -> Result<String, String> {
        let text = file_parameters.iter().find(|(place, _)| place.shown() == path).map(|(_, text)| text);
        text.map(|text| String::from_utf8_lossy(text).into_owned())
            .ok_or_else(|| format!("open {path}: no such file"))
    };
    let set_files: Vec<String> = (options.file_parameters.iter().zip(&file_parameters))
        .map(|(parameter, (place, _))| format!("{}={}", parameter.name, escaped(place.shown())))
        .collect();
    given.extend(set_files.iter().map(|text| Given::SetFile(text, &read_file)));
    let values = helm::assemble(&given, &limits.yaml)?;

    let release = Release {
        name: if options.release_name.is_empty() {
            request.application.to_owned()
        } else {
            options.release_name.clone()
        },
        namespace: if options.namespace.is_empty() {
            request.context.namespace.clone()
        } else {
            options.namespace.clone()
        },
        revision: 1,
        is_upgrade: false,
    };
    let rendered = helm::render(&helm::Request {
        chart: &Arc::new(chart),
        release: &release,
        values: &values,
        capabilities: &capabilities(request, options)?,
        world: (request.context.world)(),
        lookup: None,
        include_crds: !options.skip_crds,
        skip_schema: options.skip_schema_validation,
        limits: &limits,
        cancelled: request.context.probe(),
        cache: request.context.templates.as_deref(),
    })?;
    collect(request, rendered, options.skip_tests, of_the_revision)
}

/// Gathers what the render depends on, and what is missing of it.
pub(crate) struct Inputs<'a, 'b> {
    request: &'b Request<'a>,
    environment: &'b Environment,
    of_the_revision: bool,
    needs: Vec<Need>,
}

type Text = Arc<[u8]>;

impl<'a, 'b> Inputs<'a, 'b> {
    pub(crate) fn new(request: &'b Request<'a>, environment: &'b Environment) -> Self {
        Self { request, environment, of_the_revision: false, needs: Vec::new() }
    }

    /// Whether they depend on the commit, once nothing is missing.
    pub(crate) fn complete(self) -> Result<bool, RenderError> {
        if self.needs.is_empty() { Ok(self.of_the_revision) } else { Err(RenderError::Needs(self.needs)) }
    }

    pub(crate) fn value_files(
        &mut self,
        options: &ApplicationSourceHelm,
    ) -> Result<Vec<(String, Text)>, RenderError> {
        let (places, depends) = value_files::resolve(
            self.request,
            self.environment,
            &options.value_files,
            options.ignore_missing_value_files,
        )?;
        self.of_the_revision |= depends;
        let mut files = Vec::with_capacity(places.len());
        for place in places {
            if let Some(text) = self.read("helm.valueFiles", &place)? {
                files.push((place.shown().to_owned(), text));
            }
        }
        Ok(files)
    }

    /// Each name's last value, where the name stands first, as `--set` takes it; and whether it stays a string.
    fn parameters(&mut self, options: &ApplicationSourceHelm) -> Vec<(String, bool)> {
        let mut parameters: Vec<(&str, &str, bool)> = Vec::new();
        for parameter in &options.parameters {
            let new = (parameter.name.as_str(), parameter.value.as_str(), parameter.force_string);
            match parameters.iter_mut().find(|known| known.0 == new.0 && known.2 == new.2) {
                Some(known) => *known = new,
                None => parameters.push(new),
            }
        }
        // Helm takes all of `--set` before any of `--set-string`.
        parameters.sort_by_key(|(_, _, as_string)| *as_string);
        let mut texts = Vec::with_capacity(parameters.len());
        for (name, value, as_string) in parameters {
            let value = self.environment.expand(value);
            self.of_the_revision |= value.of_the_revision;
            texts.push((format!("{name}={}", escaped(&value.text)), as_string));
        }
        texts
    }

    fn file_parameters(
        &mut self,
        options: &ApplicationSourceHelm,
    ) -> Result<Vec<(Place<'a>, Text)>, RenderError> {
        let mut files = Vec::with_capacity(options.file_parameters.len());
        for parameter in &options.file_parameters {
            let field = "helm.fileParameters";
            let (place, depends) = value_files::one(self.request, self.environment, field, &parameter.path)?;
            self.of_the_revision |= depends;
            let text = self.read(field, &place)?.unwrap_or_else(|| Text::from(Vec::new()));
            files.push((place, text));
        }
        Ok(files)
    }

    fn read(&mut self, field: &'static str, place: &Place<'_>) -> Result<Option<Text>, RenderError> {
        let text = value_files::read(self.request, field, place)?;
        if let (None, Place::Url(url)) = (&text, place) {
            self.needs.push(Need::File(url.clone()));
        }
        Ok(text)
    }

    /// The chart, with what it depends on from `charts/`, from elsewhere in the tree, and from what was fetched.
    fn chart(&mut self, limits: &LoadLimits) -> Result<Chart, RenderError> {
        let (tree, path) = (self.request.tree, self.request.path);
        let mut chart = Chart::from_tree(tree, path, limits)?;
        let missing: Vec<Dependency> =
            chart.missing_dependencies().into_iter().map(Dependency::from).collect();
        let mut wanted = Vec::new();
        for dependency in missing {
            if let Some(relative) = dependency.repository.strip_prefix("file://") {
                let place = path.join(relative).map_err(|error| RenderError::Entry {
                    field: "Chart.yaml: dependencies",
                    entry: dependency.repository.clone(),
                    problem: error.to_string(),
                })?;
                chart.add_dependency(Chart::from_tree(tree, &place, limits)?);
            } else if let Some(archive) = self.request.context.supplies.charts.get(&dependency) {
                chart.add_dependency(Chart::from_archive(archive, limits)?);
            } else {
                wanted.push(dependency);
            }
        }
        if !wanted.is_empty() {
            let lock = chart
                .lock()
                .map(|lock| Box::new(Locked { chart: chart.metadata().clone(), lock: lock.clone() }));
            self.needs.push(Need::Charts { wanted, lock });
        }
        Ok(chart)
    }
}

/// A value as `--set` takes it: a comma is part of it, unless it is in braces, which make a list.
fn escaped(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len());
    let mut before = None;
    for c in value.chars() {
        if c == ',' && before != Some('\\') {
            text.push('\\');
        }
        text.push(c);
        before = Some(c);
    }
    text
}

/// `valuesObject`, else `values`.
fn own_values(
    options: &ApplicationSourceHelm,
    limits: &RenderLimits,
) -> Result<Option<Map<String, Value>>, RenderError> {
    match &options.values_object {
        Some(Value::Object(map)) => Ok(Some(map.clone())),
        Some(Value::Null) | None if options.values.trim().is_empty() => Ok(None),
        Some(Value::Null) | None => {
            let text = options.values.as_bytes();
            Ok(Some(helm::assemble(&[Given::File("spec.source.helm.values", text)], &limits.yaml)?))
        }
        Some(_) => Err(RenderError::Entry {
            field: "helm.valuesObject",
            entry: String::new(),
            problem: "is not a map".to_owned(),
        }),
    }
}

fn capabilities(request: &Request<'_>, options: &ApplicationSourceHelm) -> Result<Capabilities, RenderError> {
    let version = match options.kube_version.as_str() {
        "" => request.context.kube_version.as_str(),
        asked => asked,
    };
    let versions = if options.api_versions.is_empty() {
        request.context.api_versions.as_ref()
    } else {
        &options.api_versions
    };
    let mut capabilities =
        Capabilities { kube_version: KubeVersion::parse(version)?, ..Capabilities::default() };
    capabilities.api_versions.extend(versions.iter().cloned());
    Ok(capabilities)
}

fn collect(
    request: &Request<'_>,
    rendered: helm::Rendered,
    skip_tests: bool,
    of_the_revision: bool,
) -> Result<Rendered, RenderError> {
    let mut collector = Collector::new(request.limits);
    rendered.warnings.iter().for_each(|warning| collector.warn(warning.clone()));
    let yaml = goyaml::Limits {
        depth: request.limits.yaml_depth,
        nodes: request.limits.yaml_nodes,
        ..goyaml::Limits::default()
    };
    for crd in &rendered.crds {
        let documents = goyaml::parse_all(crd.text.as_bytes(), &yaml)
            .map_err(|problem| RenderError::Yaml { path: crd.source.clone(), problem: Box::new(problem) })?;
        for mut document in documents {
            let value = std::mem::take(&mut document.value);
            collector.add_value(&crd.source, Some(&document), value)?;
        }
    }
    let manifests = rendered.manifests.into_iter();
    let left_out = |hook: &helm::Hook| skip_tests && hook.events.contains(&HookEvent::Test);
    let hooks = rendered.hooks.into_iter().filter(|hook| !left_out(hook)).map(|hook| hook.manifest);
    for manifest in manifests.chain(hooks) {
        let value = Arc::unwrap_or_clone(manifest.value);
        if !value.is_null() {
            collector.add_value(&manifest.source, None, value)?;
        }
    }
    let (manifests, warnings) = collector.finish();
    Ok(Rendered { tool: Tool::Helm, of_the_revision, manifests, warnings })
}

#[cfg(test)]
mod tests;
