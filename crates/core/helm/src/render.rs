//! One render: from a chart and values to manifests.

use crate::cache::Cache;
use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::coalesce::{Coalesce, Nulls, ValuesBudget};
use crate::engine::{self, Lookup};
use crate::error::Error;
use crate::manifests::{Hook, Manifest, sort};
use crate::parts::{Part, Parts, in_range};
use crate::schema::{self, SchemaLimits};
use crate::values::Table;
use gotemplate::{Budget, Run, Value};
use serde_json::Map;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Longest name of a release. Helm has the same limit.
const MAX_RELEASE_NAME: usize = 53;

/// `.Release`, as far as a caller has a say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `.Release.Name`.
    pub name: String,
    /// `.Release.Namespace`.
    pub namespace: String,
    /// `.Release.Revision`; `helm template` says 1.
    pub revision: i64,
    /// `.Release.IsUpgrade`; `.Release.IsInstall` is the opposite.
    pub is_upgrade: bool,
}

/// What one render may cost, besides what reading the chart may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderLimits {
    /// Of all templates together.
    pub templates: gotemplate::Limits,
    /// Bytes of the texts of all templates together. Parsed, they take about ten times as much.
    pub template_bytes: usize,
    /// Entries of maps that are copied while values are put together.
    pub values: u64,
    /// Of each schema.
    pub schema: SchemaLimits,
    /// Of each document.
    pub yaml: goyaml::Limits,
}

impl Default for RenderLimits {
    /// 32 MiB of templates, 10 million entries of values; for the rest the defaults of each.
    fn default() -> Self {
        Self {
            templates: gotemplate::Limits::default(),
            template_bytes: 32 << 20,
            values: 10_000_000,
            schema: SchemaLimits::default(),
            yaml: goyaml::Limits::default(),
        }
    }
}

/// Everything that a render depends on, and nothing else does.
pub struct Request<'a> {
    /// The chart.
    pub chart: &'a Arc<Chart>,
    /// The release.
    pub release: &'a Release,
    /// What the user gives, as [`crate::assemble`] makes it.
    pub values: &'a Map<String, serde_json::Value>,
    /// The cluster, as far as it is known.
    pub capabilities: &'a Capabilities,
    /// Time, chance, certificates.
    pub world: Rc<sprig::Host>,
    /// `lookup`; without one it finds nothing.
    pub lookup: Option<Rc<Lookup>>,
    /// Whether `crds/` is part of the result.
    pub include_crds: bool,
    /// `--skip-schema-validation`.
    pub skip_schema: bool,
    /// What it may cost.
    pub limits: &'a RenderLimits,
    /// Asked every few thousand steps whether to stop.
    pub cancelled: Option<Rc<dyn Fn() -> bool>>,
    /// What was parsed before.
    pub cache: Option<&'a Cache>,
}

/// A file of `crds/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crd {
    /// `chart/crds/x.yaml`.
    pub source: String,
    /// The file as it is.
    pub text: String,
}

/// What a chart makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// In the order in which Helm installs them.
    pub manifests: Vec<Manifest>,
    /// Likewise.
    pub hooks: Vec<Hook>,
    /// The chart's own first, then those of subcharts. Empty unless asked for.
    pub crds: Vec<Crd>,
    /// `NOTES.txt` of the outermost chart.
    pub notes: String,
    /// The values that templates saw, subcharts' included.
    pub values: Map<String, serde_json::Value>,
    /// What Helm would log.
    pub warnings: Vec<String>,
}

/// Renders a chart as `helm template` does.
///
/// **Shape**: see [`Rendered`]; [`crate::print`] makes Helm's stream of it.
/// **Errors**: the first one; see [`Error`]. Nothing of the result is usable then.
/// **Source**: Helm 3.22.0, `action.Install` with `ClientOnly`. We differ where it would ask the network (schemas) or crash (budgets).
pub fn render(request: &Request<'_>) -> Result<Rendered, Error> {
    let chart = request.chart;
    let prepared = prepare(request)?;
    let Prepared { parts, values, json, mut warnings } = prepared;
    let files = run_templates(request, &parts, &values)?;
    let notes_path = format!("{}/templates/NOTES.txt", chart.name());
    let (notes, files): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(path, _)| path.ends_with("NOTES.txt"));
    let notes = notes.into_iter().find(|(path, _)| **path == *notes_path).map(|(_, text)| text);
    let sorted = sort(files, &request.limits.yaml, request.cache)?;
    warnings.extend(sorted.warnings);
    let mut crds = Vec::new();
    if request.include_crds {
        find_crds(&parts, Parts::ROOT, &mut crds)?;
    }
    Ok(Rendered {
        manifests: sorted.manifests,
        hooks: sorted.hooks,
        crds,
        notes: notes.unwrap_or_default(),
        values: json,
        warnings,
    })
}

/// What each template prints, by its path (`chart/templates/x.yaml`), before anybody looks whether that is a manifest. Partials are not
/// among them.
///
/// **Errors**: as [`render`].
pub fn templates(request: &Request<'_>) -> Result<Vec<(Arc<str>, String)>, Error> {
    let prepared = prepare(request)?;
    run_templates(request, &prepared.parts, &prepared.values)
}

/// The name that `--name-template` makes: Sprig's functions, and no data.
///
/// **Errors**: [`Error::Template`], [`Error::Exceeded`]. Whether the name is one, [`render`] says.
/// **Source**: Helm 3.22.0, `action.TemplateName`.
pub fn name_from_template(
    template: &str,
    world: Rc<sprig::Host>,
    limits: &gotemplate::Limits,
) -> Result<String, Error> {
    const NAME: &str = "name-template";
    let mut templates = gotemplate::Templates::new(sprig::functions(sprig::Dialect::Sprig));
    templates.parse(NAME, template).map_err(|error| Error::Template(error.to_string()))?;
    let mut run = Run::new(Budget::new(limits.clone())).with(world);
    templates.execute(&mut run, NAME, &Value::Nil).map_err(|error| {
        let message = error.to_string();
        match error.exceeded {
            Some(limit) => Error::Exceeded { message, limit },
            None => Error::Template(message),
        }
    })
}

/// What is known before templates run.
struct Prepared {
    parts: Parts,
    values: Table,
    json: Map<String, serde_json::Value>,
    warnings: Vec<String>,
}

fn prepare(request: &Request<'_>) -> Result<Prepared, Error> {
    let chart = request.chart;
    let metadata = &chart.metadata;
    let mut warnings = chart.warnings.clone();
    if !matches!(metadata.kind.as_str(), "" | "application") {
        return Err(Error::Chart(format!("{} charts are not installable", metadata.kind)));
    }
    if metadata.deprecated {
        warnings.push("WARNING: This chart is deprecated".to_owned());
    }
    let missing = chart.missing_dependencies();
    if !missing.is_empty() {
        let names = missing.iter().map(|dependency| dependency.name.clone()).collect();
        return Err(Error::MissingDependencies(names));
    }
    check_release_name(&request.release.name)?;

    let user = Table::from_user(request.values);
    let mut budget = ValuesBudget::new(request.limits.values);
    let parts = Parts::new(chart, &user, &mut budget, &mut warnings)?;
    let values = Coalesce { parts: &parts, budget: &mut budget, warnings: &mut warnings }.values(
        Parts::ROOT,
        &user,
        Nulls::Delete,
    )?;
    let json = values.to_json();
    if !request.skip_schema {
        let mut problems = String::new();
        check_schemas(&parts, Parts::ROOT, &json, &request.limits.schema, &mut warnings, &mut problems);
        if !problems.is_empty() {
            return Err(Error::Schema(problems));
        }
    }
    let found = &request.capabilities.kube_version.version;
    if !metadata.kube_version.is_empty() && !in_range(&metadata.kube_version, found) {
        return Err(Error::KubeVersion { wanted: metadata.kube_version.clone(), found: found.clone() });
    }
    Ok(Prepared { parts, values, json, warnings })
}

fn run_templates(
    request: &Request<'_>,
    parts: &Parts,
    values: &Table,
) -> Result<Vec<(Arc<str>, String)>, Error> {
    let Release { name, namespace, revision, is_upgrade } = request.release;
    let release = BTreeMap::from([
        ("Name".into(), name.as_str().into()),
        ("Namespace".into(), namespace.as_str().into()),
        ("IsUpgrade".into(), (*is_upgrade).into()),
        ("IsInstall".into(), (!is_upgrade).into()),
        ("Revision".into(), Value::int(*revision)),
        ("Service".into(), "Helm".into()),
    ]);
    let mut budget = Budget::new(request.limits.templates.clone());
    if let Some(cancelled) = request.cancelled.clone() {
        budget = budget.cancel_when(move || cancelled());
    }
    let run = Run::new(budget).with(Rc::clone(&request.world));
    let world = engine::World {
        release: &release,
        capabilities: request.capabilities,
        lookup: request.lookup.clone(),
        cache: request.cache,
        template_bytes: request.limits.template_bytes,
    };
    engine::render(parts, values, &world, run)
}

/// As Helm: at most 53 bytes of small letters, digits, `-` and `.`, with a letter or digit at both ends of each part.
fn check_release_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::ReleaseName(format!("release name {name:?}: no name provided")));
    }
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.first().is_some_and(alphanumeric)
            && bytes.last().is_some_and(alphanumeric)
            && bytes.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
    };
    if name.len() <= MAX_RELEASE_NAME && name.split('.').all(part) {
        return Ok(());
    }
    Err(Error::ReleaseName(format!(
        "release name {name:?}: invalid release name, must match regex \
         ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53"
    )))
}

/// Looks at the values of each chart by its schema, if it has one.
fn check_schemas(
    parts: &Parts,
    part: Part,
    values: &Map<String, serde_json::Value>,
    limits: &SchemaLimits,
    warnings: &mut Vec<String>,
    problems: &mut String,
) {
    if let Some(schema) = &parts.chart(part).schema {
        let all = serde_json::Value::Object(values.clone());
        if let Err(problem) = schema::validate(schema, &all, limits, warnings) {
            problems.push_str(&format!("{}:\n{problem}", parts.name(part)));
            if !problem.ends_with('\n') && problem.starts_with("- ") {
                problems.push('\n');
            }
        }
    }
    for child in parts.children(part) {
        if let Some(serde_json::Value::Object(below)) = values.get(parts.name(*child)) {
            check_schemas(parts, *child, below, limits, warnings, problems);
        }
    }
}

fn find_crds(parts: &Parts, part: Part, crds: &mut Vec<Crd>) -> Result<(), Error> {
    for file in parts.chart(part).files.crds()? {
        let source = format!("{}/{}", parts.path(part), file.name);
        crds.push(Crd { source, text: String::from_utf8_lossy(&file.content).into_owned() });
    }
    for child in parts.children(part) {
        find_crds(parts, *child, crds)?;
    }
    Ok(())
}
