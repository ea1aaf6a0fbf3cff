//! `generators`, `transformers` and `validators`: the built-in kinds, configured by resources. Everything that would run a program, a
//! container or a library is refused.

mod iam_policy;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::accumulate::{Accumulator, Session, Target};
use crate::chart::Chart;
use crate::config::{Specs, WrittenSpec, specs};
use crate::decode::{Shape, Strictness, conform};
use crate::error::Error;
use crate::generate::{Generated, GeneratorArgs, flaw_of_keys, generate};
use crate::images::Image;
use crate::kustomization::{HelmChart, HelmGlobals, PatchEntry, PatchOptions, ReplacementEntry};
use crate::manifests::{self, Purpose};
use crate::origin::{ConfiguredBy, Origin};
use crate::patch::Selector;
use crate::replicas::Replica;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::shapes::{GENERATOR_PLUGIN, HELM_PLUGIN, IAM_POLICY, TRANSFORMER_PLUGIN, VALUE_TARGETS};
use crate::steps;
use crate::transform::{Action, Subjects, Transformer, ValueTarget};

/// The label with which a validator may mark what it saw.
const VALIDATED_BY: &str = "validated-by";

/// Something that makes resources, and where it is configured.
pub(crate) struct Generator {
    makes: Makes,
    origin: Option<Origin>,
}

enum Makes {
    Data(Generated, Box<GeneratorArgs>),
    Chart(Box<Chart>),
    Object(Value),
}

impl Generator {
    /// Makes its resources.
    pub(crate) fn generate(
        &self,
        session: &mut Session<'_>,
        target: &Target,
    ) -> Result<Vec<Resource>, Error> {
        let mut made = match &self.makes {
            Makes::Data(kind, args) => {
                let mut stopped = None;
                let mut read = |path: &str| {
                    session.read_file(&target.place, path).map(|text| text.to_vec()).inspect_err(|error| {
                        if error.is_final() {
                            stopped = Some(error.clone());
                        }
                    })
                };
                let body = generate(*kind, args, &mut read);
                if let Some(error) = stopped {
                    return Err(error);
                }
                let body = body.map_err(|error| Error::invalid(error.to_string()))?;
                let (behavior, needs_hash) = (args.behavior(), args.needs_hash());
                let flaw = flaw_of_keys(&body);
                vec![Resource { behavior, needs_hash, flaw, ..Resource::new(body) }]
            }
            Makes::Chart(chart) => chart.render(session, target)?,
            Makes::Object(body) => vec![Resource::new(body.clone())],
        };
        for resource in &mut made {
            resource.origin = crate::origin::join(target.place.root().as_str(), target.file);
            resource.made.clone_from(&self.origin);
        }
        Ok(made)
    }
}

/// All that a kustomization generates: its fields, then what `generators` names.
pub(crate) fn generators(session: &mut Session<'_>, target: &mut Target) -> Result<Vec<Generator>, Error> {
    let mut made = Vec::new();
    let k = &target.kustomization;
    let origin = |kind: &str| {
        let by = ConfiguredBy {
            api_version: "builtin".to_owned(),
            kind: kind.to_owned(),
            ..ConfiguredBy::default()
        };
        target.origin.as_ref().map(|origin| origin.configured(target.file, by))
    };
    for (kind, name, list) in [
        (Generated::ConfigMap, "ConfigMapGenerator", &k.config_map_generator),
        (Generated::Secret, "SecretGenerator", &k.secret_generator),
    ] {
        for args in list {
            let mut args = args.clone();
            args.inherit(k.generator_options.as_ref());
            made.push(Generator { makes: Makes::Data(kind, Box::new(args)), origin: origin(name) });
        }
    }
    let globals = k.helm_globals.clone().unwrap_or_default();
    for chart in &k.helm_charts {
        let mut chart = chart.clone();
        if chart.namespace.is_empty() {
            let own = &k.namespace;
            chart.namespace = if own.is_empty() { &target.chart_namespace } else { own }.clone();
        }
        let shown = chart.shown(&globals);
        let chart = Chart::new(session, target, chart, globals.clone())
            .map_err(|error| steps::trouble("HelmChartInflationGenerator", &shown, error))?;
        made.push(Generator {
            makes: Makes::Chart(Box::new(chart)),
            origin: origin("HelmChartInflationGenerator"),
        });
    }
    let paths = std::mem::take(&mut target.kustomization.generators);
    let configs =
        configs(session, target, &paths).map_err(|error| error.within("loading generator plugins"))?;
    for config in configs {
        let origin = config.made.as_ref().map(|origin| configured_by(&config, origin));
        let makes = generator(session, target, &config)
            .map_err(|error| error.within("failed to load generator").within("loading generator plugins"))?;
        made.push(Generator { makes, origin });
    }
    Ok(made)
}

/// What a list of paths or inline configurations changes.
pub(crate) fn transformers(
    session: &mut Session<'_>,
    target: &mut Target,
    paths: &[String],
) -> Result<Vec<Transformer>, Error> {
    let mut made = Vec::new();
    for config in configs(session, target, paths)? {
        let origin = config.made.as_ref().map(|origin| configured_by(&config, origin));
        let action = action(session, target, &config)?;
        made.push(Transformer { action, origin });
    }
    Ok(made)
}

/// Fails if a validator changed anything but its mark.
pub(crate) fn check_validated(before: &Resources, after: &Resources) -> Result<(), Error> {
    let unmarked = |resource: &Resource| {
        let mut body = resource.body.clone();
        if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut)
            && let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut)
            && labels.remove(VALIDATED_BY).is_some()
            && labels.is_empty()
        {
            metadata.remove("labels");
        }
        body
    };
    let same = before.list().len() == after.list().len()
        && before.list().iter().zip(after.list()).all(|(before, after)| before.body == unmarked(after));
    if same {
        return Ok(());
    }
    Err(Error::invalid("validator shouldn't modify the resource map"))
}

/// The resources that configure plugins.
fn configs(session: &mut Session<'_>, target: &mut Target, paths: &[String]) -> Result<Vec<Resource>, Error> {
    let mut sum = Accumulator::default();
    let mut files = Vec::new();
    for path in paths {
        match manifests::read(path.as_bytes(), &session.yaml, Purpose::Resources) {
            Ok(mut found) => {
                for resource in &mut found {
                    resource.made = target.origin.as_ref().map(|origin| origin.append(target.file));
                }
                sum.resources
                    .append(found, &session.scopes())
                    .map_err(|error| error.within("configuring external transformer"))?;
            }
            Err(error) if error.is_final() => return Err(error),
            Err(_) => files.push(path.clone()),
        }
    }
    let sum = session.accumulate_resources(target, sum, &files)?;
    Ok(sum.resources.into_list())
}

fn configured_by(config: &Resource, origin: &Origin) -> Origin {
    Origin {
        repo: origin.repo.clone(),
        reference: origin.reference.clone(),
        configured_in: origin.path.clone(),
        configured_by: Some(ConfiguredBy {
            api_version: config.api_version().to_owned(),
            kind: config.kind().to_owned(),
            name: config.name().to_owned(),
            namespace: config.namespace().to_owned(),
        }),
        path: String::new(),
    }
}

/// Refuses everything but the built-in kinds.
fn check_builtin(config: &Resource) -> Result<(), Error> {
    if config.api_version() == "builtin" {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "external plugins disabled; unable to load external plugin '{}'",
        config.original_id().gvk.kind
    )))
}

fn in_plugin(config: &Resource) -> impl Fn(Error) -> Error {
    let id = config.original_id();
    move |error| error.within(&format!("plugin {id} fails configuration"))
}

fn unknown(config: &Resource) -> Error {
    Error::invalid(format!("unable to load builtin {}", config.gvk()))
}

fn generator(session: &Session<'_>, target: &Target, config: &Resource) -> Result<Makes, Error> {
    check_builtin(config)?;
    let made = match config.kind() {
        "ConfigMapGenerator" => data(config, Generated::ConfigMap),
        "SecretGenerator" => data(config, Generated::Secret),
        "HelmChartInflationGenerator" => {
            read_config::<Value>(config.body.clone(), &HELM_PLUGIN).and_then(|value| {
                let read = |error: serde_json::Error| Error::invalid(error.to_string());
                let chart: HelmChart = serde_json::from_value(value.clone()).map_err(read)?;
                let globals: HelmGlobals = serde_json::from_value(value).map_err(read)?;
                Ok(Makes::Chart(Box::new(Chart::new(session, target, chart, globals)?)))
            })
        }
        "IAMPolicyGenerator" => read_config(config.body.clone(), &IAM_POLICY)
            .and_then(|args| iam_policy::object(&args))
            .map(Makes::Object),
        kind if KINDS.contains(&kind) => {
            return Err(Error::invalid(format!("plugin {} not a generator", config.original_id())));
        }
        _ => return Err(unknown(config)),
    };
    made.map_err(in_plugin(config))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedArgs {
    metadata: PluginMetadata,
    #[serde(flatten)]
    args: GeneratorArgs,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PluginMetadata {
    name: String,
    namespace: String,
}

fn data(config: &Resource, kind: Generated) -> Result<Makes, Error> {
    let NamedArgs { metadata, mut args } = read_config(config.body.clone(), &GENERATOR_PLUGIN)?;
    if args.name.is_empty() {
        args.name = metadata.name;
    }
    if args.namespace.is_empty() {
        args.namespace = metadata.namespace;
    }
    Ok(Makes::Data(kind, Box::new(args)))
}

/// The transformers that can be configured by a resource.
const KINDS: [&str; 14] = [
    "AnnotationsTransformer",
    "HashTransformer",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "SuffixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "ValueAddTransformer",
];

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Settings {
    metadata: PluginMetadata,
    field_specs: Option<Vec<WrittenSpec>>,
    unset_only: bool,
    set_role_binding_subjects: String,
    prefix: String,
    suffix: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    paths: Vec<String>,
    patches: String,
    path: String,
    patch: String,
    json_op: String,
    target: Option<Selector>,
    options: Option<PatchOptions>,
    image_tag: Image,
    replica: Replica,
    replacements: Vec<ReplacementEntry>,
    value: String,
    target_file_path: String,
    targets: Vec<ValueTarget>,
}

fn action(session: &Session<'_>, target: &Target, config: &Resource) -> Result<Action, Error> {
    check_builtin(config)?;
    if !KINDS.contains(&config.kind()) {
        const GENERATORS: [&str; 4] =
            ["ConfigMapGenerator", "SecretGenerator", "HelmChartInflationGenerator", "IAMPolicyGenerator"];
        return Err(if GENERATORS.contains(&config.kind()) {
            Error::invalid(format!("plugin {} not a transformer", config.original_id()))
        } else {
            unknown(config)
        });
    }
    let settings = read_config(config.body.clone(), &TRANSFORMER_PLUGIN);
    settings.and_then(|settings| configured(session, target, config, settings)).map_err(in_plugin(config))
}

fn configured(
    session: &Session<'_>,
    target: &Target,
    config: &Resource,
    own: Settings,
) -> Result<Action, Error> {
    let wanted = own.field_specs.is_some();
    let specs: Specs = specs(own.field_specs.unwrap_or_default());
    let entry = PatchEntry { path: own.path, patch: own.patch, target: own.target, options: own.options };
    let named = || if wanted { Ok(()) } else { Err(Error::invalid("fieldSpecs is not expected to be nil")) };
    Ok(match config.kind() {
        "AnnotationsTransformer" => Action::Entries { pairs: own.annotations, specs },
        "LabelTransformer" => Action::Entries { pairs: own.labels, specs },
        "HashTransformer" => Action::Hash,
        "ImageTagTransformer" => Action::Image { image: own.image_tag, specs },
        "NamespaceTransformer" => Action::Namespace {
            namespace: own.metadata.namespace,
            specs,
            unset_only: own.unset_only,
            subjects: Subjects::read(&own.set_role_binding_subjects)?,
        },
        "PatchJson6902Transformer" => {
            steps::json_patch(session, target, &PatchEntry { patch: own.json_op, ..entry })?
        }
        "PatchStrategicMergeTransformer" => {
            Action::MergeByName(steps::merge_patches(session, target, &own.paths, &own.patches)?)
        }
        "PatchTransformer" => steps::patch(session, target, &entry, &config.body)?,
        "PrefixTransformer" => {
            named()?;
            Action::Prefix { prefix: own.prefix, specs }
        }
        "SuffixTransformer" => {
            named()?;
            Action::Suffix { suffix: own.suffix, specs }
        }
        "PrefixSuffixTransformer" => {
            named()?;
            Action::All(vec![
                Action::Prefix { prefix: own.prefix, specs: specs.clone() },
                Action::Suffix { suffix: own.suffix, specs },
            ])
        }
        "ReplacementTransformer" => {
            Action::Replacements(steps::replacements(session, target, &own.replacements)?.into())
        }
        "ReplicaCountTransformer" => Action::Replicas { replica: own.replica, specs },
        _ => value_add(session, target, &own.value, &own.target_file_path, own.targets)?,
    })
}

fn value_add(
    session: &Session<'_>,
    target: &Target,
    value: &str,
    file: &str,
    mut targets: Vec<ValueTarget>,
) -> Result<Action, Error> {
    let value = match value.trim() {
        "" => target.place.root().name().unwrap_or_default(),
        value => value,
    };
    if !file.is_empty() {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Targets {
            targets: Vec<ValueTarget>,
        }
        let text = session.read_file(&target.place, file)?;
        let more = goyaml::parse_one(&text, &session.yaml).map_err(|error| {
            Error::invalid(format!("error converting YAML to JSON: {}", error.as_go(goyaml::Dialect::Yaml2)))
        })?;
        targets.extend(read_config::<Targets>(more, &VALUE_TARGETS)?.targets);
    }
    if targets.is_empty() {
        return Err(Error::invalid("must specify at least one target"));
    }
    for target in &targets {
        if target.field_path.is_empty() {
            return Err(Error::invalid("fieldPath cannot be empty"));
        }
        if target.file_path_position < 0 {
            return Err(Error::invalid(format!(
                "value of FilePathPosition ({}) cannot be negative",
                target.file_path_position
            )));
        }
    }
    Ok(Action::ValueAdd { value: value.to_owned(), targets })
}

/// Reads a configuration in which scalars may stand for texts and unknown fields are nothing.
pub(crate) fn read_config<T: DeserializeOwned>(value: Value, shape: &Shape) -> Result<T, Error> {
    let json =
        |error: String| Error::invalid(format!("error unmarshaling JSON: while decoding JSON: {error}"));
    let value = conform(value, shape, Strictness::Plugin).map_err(json)?;
    let value = if value.is_null() { Value::Object(serde_json::Map::new()) } else { value };
    serde_json::from_value(value).map_err(|error| json(error.to_string()))
}
