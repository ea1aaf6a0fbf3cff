//! What of a source can be set, for people who set applications up.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{ApplicationSourceHelm, HelmFileParameter};
use filetree::{Entry, FileError, Kind};
use gotemplate::FloatKind;
use gotemplate::format::format_float;
use serde_json::{Map, Value};

use crate::chart::Inputs;
use crate::detect::detect_with_evidence;
use crate::environment::Environment;
use crate::value_files::Names;
use crate::{RenderError, Request, Tool, kustomization, overrides, plugin};

/// Bytes of the names and values of all parameters together: a name repeats every key above it.
const PARAMETERS_BYTES: usize = 8 << 20;

/// What of a source can be set.
#[derive(Debug, Clone, PartialEq)]
pub enum Details {
    /// Of plain manifests nothing is said.
    Directory,
    /// A chart.
    Helm(ChartValues),
    /// The images of a kustomization, sorted, each as often as a container has it.
    Kustomize(Vec<String>),
}

/// What of a chart can be set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChartValues {
    /// Files with values below the chart, from there.
    pub value_files: Vec<String>,
    /// The text of `values.yaml`.
    pub values: String,
    /// Single values by their paths, those of the source's value files over the chart's own.
    pub parameters: BTreeMap<String, String>,
    /// As in the source.
    pub file_parameters: Vec<HelmFileParameter>,
}

/// Finds what of a source can be set.
///
/// **Shape**: [`Details`]. What a plugin takes it says itself: the answer is the [`RenderError::Needs`] for its call, in every case.
/// **Errors**: [`RenderError`]; a chart is not rendered for it and its dependencies are not asked for, a kustomization is built.
/// **Source**: Argo CD 3.2, `reposerver/repository`, `GetAppDetails`. There, parameters are in no order; here they are sorted.
pub fn details(request: &Request<'_>) -> Result<Details, RenderError> {
    let source = overrides::effective_source(request)?;
    let (tool, _) = detect_with_evidence(request, &source)?;
    match tool {
        Tool::Directory => Ok(Details::Directory),
        Tool::Helm => chart(request, &source.helm.unwrap_or_default()).map(Details::Helm),
        Tool::Kustomize => {
            let built = kustomization::render(request, &source.kustomize.unwrap_or_default())?;
            let mut found = Vec::new();
            built.manifests.iter().for_each(|manifest| images(manifest.object.as_map(), &mut found));
            found.sort_unstable();
            Ok(Details::Kustomize(found))
        }
        // It is asked for, or nobody wants the source.
        Tool::Plugin => plugin::render(request, source.plugin.as_ref()).map(|_| Details::Directory),
    }
}

fn chart(request: &Request<'_>, options: &ApplicationSourceHelm) -> Result<ChartValues, RenderError> {
    let environment = Environment::of(request);
    let mut inputs = Inputs::new(request, &environment);
    let files = inputs.value_files(options)?;
    inputs.complete()?;
    let own = values(request)?;
    let mut parameters = Parameters::default();
    if let Some(text) = &own {
        parameters.read(request, "values.yaml", text)?;
    }
    for (name, text) in &files {
        parameters.read(request, name, text)?;
    }
    Ok(ChartValues {
        value_files: value_files(request)?,
        values: own.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default(),
        parameters: parameters.found,
        file_parameters: options.file_parameters.clone(),
    })
}

/// The chart's `values.yaml`; none where there is none, or it is a link that leaves the tree.
fn values(request: &Request<'_>) -> Result<Option<Arc<[u8]>>, RenderError> {
    let Ok(path) = request.path.join("values.yaml") else { return Ok(None) };
    match request.tree.read(&path) {
        Ok(text) => Ok(Some(text)),
        Err(FileError::NotFound { .. } | FileError::NotAFile { .. } | FileError::LeavesTree { .. }) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The YAML files below the chart with `values` in their names, in the order of a walk.
fn value_files(request: &Request<'_>) -> Result<Vec<String>, RenderError> {
    let mut names = Names::new(request.limits);
    let (mut found, mut ahead) = (Vec::new(), vec![request.path.clone()]);
    while let Some(path) = ahead.pop() {
        if path != *request.path && !request.tree.kind(&path)?.is_some_and(Kind::is_directory) {
            found.extend(path.relative_to(request.path).filter(|name| holds_values(name)).map(str::to_owned));
            continue;
        }
        let entries = request.tree.list(&path)?;
        names.count(entries.len(), "values.yaml")?;
        // A link to a directory is not gone into.
        let wanted = |entry: &&Entry| entry.kind.is_directory() || holds_values(&entry.name);
        ahead.extend(entries.iter().filter(wanted).rev().filter_map(|entry| path.join(&entry.name).ok()));
    }
    Ok(found)
}

fn holds_values(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    name.contains("values") && matches!(ending.as_deref(), Some("yaml" | "yml"))
}

/// Single values by their paths, as in `image.tag` and `hosts[0].name`.
#[derive(Default)]
struct Parameters {
    found: BTreeMap<String, String>,
    bytes: usize,
}

impl Parameters {
    fn read(&mut self, request: &Request<'_>, file: &str, text: &[u8]) -> Result<(), RenderError> {
        let limits = goyaml::Limits {
            depth: request.limits.yaml_depth,
            nodes: request.limits.yaml_nodes,
            ..goyaml::Limits::default()
        };
        let yaml = |problem| RenderError::Yaml { path: file.to_owned(), problem: Box::new(problem) };
        match goyaml::parse_one(text, &limits).map_err(yaml)? {
            Value::Object(map) => self.flatten("", &Value::Object(map)),
            Value::Null => Ok(()),
            _ => Err(RenderError::Malformed {
                path: file.to_owned(),
                line: 1,
                field: String::new(),
                problem: "expected a map of values".to_owned(),
            }),
        }
    }

    /// **Source**: `flatVals`, with values as Go's `%v` has them.
    fn flatten(&mut self, name: &str, value: &Value) -> Result<(), RenderError> {
        let text = match value {
            Value::Object(map) => {
                let below =
                    |key: &String| if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                return map.iter().try_for_each(|(key, value)| self.flatten(&below(key), value));
            }
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                return items.try_for_each(|(at, item)| self.flatten(&format!("{name}[{at}]"), item));
            }
            Value::Null => "<nil>".to_owned(),
            Value::Bool(truth) => truth.to_string(),
            Value::String(text) => text.clone(),
            Value::Number(number) => {
                format_float(number.as_f64().unwrap_or_default(), 'g', None, FloatKind::Float64)
            }
        };
        self.bytes += name.len() + text.len();
        if self.bytes > PARAMETERS_BYTES {
            return Err(RenderError::Limit {
                path: "values.yaml".to_owned(),
                what: "bytes of all parameters together",
                limit: PARAMETERS_BYTES as u64,
                name: "PARAMETERS_BYTES",
            });
        }
        self.found.insert(name.to_owned(), text);
        Ok(())
    }
}

/// **Source**: `getImages` of `util/kustomize`.
fn images(map: &Map<String, Value>, found: &mut Vec<String>) {
    for (key, value) in map {
        let of_containers = matches!(key.as_str(), "containers" | "initContainers");
        match value {
            Value::Array(items) if of_containers => {
                let named = items.iter().filter_map(|item| item.get("image")?.as_str());
                found.extend(named.map(str::to_owned));
            }
            Value::Array(items) => {
                items.iter().filter_map(Value::as_object).for_each(|map| images(map, found));
            }
            Value::Object(map) => images(map, found),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
