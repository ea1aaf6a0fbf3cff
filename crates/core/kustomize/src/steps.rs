//! What a kustomization's own fields change, in the order in which that is done.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::accumulate::{Session, Target};
use crate::config::{Config, Specs, add, specs_of};
use crate::error::Error;
use crate::fieldspec::FieldSpec;
use crate::kustomization::{Label, PatchEntry, PatchOptions, ReplacementEntry};
use crate::manifests::{self, Purpose};
use crate::origin::ConfiguredBy;
use crate::patch::{Patches, Selector, classify, operations};
use crate::plugins;
use crate::replacements::Replacement;
use crate::resource::Resource;
use crate::transform::{Action, Subjects, Transformer};

/// All that a kustomization changes: its fields, then what `transformers` names. Everything is read before anything is changed.
///
/// **Source**: kustomize `internal/target/kusttarget_configplugin.go`, api v0.21.2.
pub(crate) fn transformers(
    session: &mut Session<'_>,
    target: &mut Target,
    config: &Config,
) -> Result<Vec<Transformer>, Error> {
    let mut steps = Steps { session, target, made: Vec::new() };
    steps.merges()?;
    steps.patches()?;
    let k = steps.target.kustomization.clone();
    if !k.namespace.is_empty() {
        let specs = Arc::clone(&config.namespace);
        let action = Action::Namespace {
            namespace: k.namespace,
            specs,
            unset_only: false,
            subjects: Subjects::Default,
        };
        steps.add("NamespaceTransformer", action);
    }
    if !k.name_prefix.is_empty() {
        let specs = Arc::clone(&config.name_prefix);
        steps.add("PrefixTransformer", Action::Prefix { prefix: k.name_prefix, specs });
    }
    if !k.name_suffix.is_empty() {
        let specs = Arc::clone(&config.name_suffix);
        steps.add("SuffixTransformer", Action::Suffix { suffix: k.name_suffix, specs });
    }
    if !k.labels.is_empty() || !k.common_labels.is_empty() {
        for label in k.labels {
            let specs =
                label_specs(&label, config).map_err(|error| error.within("failed to merge labels"))?;
            steps.add("LabelTransformer", Action::Entries { pairs: label.pairs, specs });
        }
        let specs = Arc::clone(&config.common_labels);
        steps.add("LabelTransformer", Action::Entries { pairs: k.common_labels, specs });
    }
    if !k.common_annotations.is_empty() {
        let specs = Arc::clone(&config.common_annotations);
        steps.add("AnnotationsTransformer", Action::Entries { pairs: k.common_annotations, specs });
    }
    for entry in &k.patches_json {
        steps.operations(entry)?;
    }
    for replica in k.replicas {
        steps.add(
            "ReplicaCountTransformer",
            Action::Replicas { replica, specs: Arc::clone(&config.replicas) },
        );
    }
    for image in k.images {
        steps.add("ImageTagTransformer", Action::Image { image, specs: Arc::clone(&config.images) });
    }
    if !k.replacements.is_empty() {
        // An empty list is none by the time that it is looked at.
        let mut entries = k.replacements.clone();
        for entry in &mut entries {
            entry.inline.targets.take_if(|targets| targets.is_empty());
        }
        let read = replacements(steps.session, steps.target, &entries);
        let shown = json!({"Replacements": k.replacements.iter().map(|entry| json!({"path": entry.path})).collect::<Vec<_>>()});
        let read = read.map_err(|error| trouble("ReplacementTransformer", &shown, error))?;
        steps.add("ReplacementTransformer", Action::Replacements(Arc::new(read)));
    }
    let mut made = steps.made;
    made.extend(plugins::transformers(session, target, &k.transformers)?);
    Ok(made)
}

/// What the peer says of a built-in transformer that it cannot make.
pub(crate) fn trouble(kind: &str, config: &Value, error: Error) -> Error {
    error
        .within(&format!("trouble configuring builtin {kind} with config: `\n{}`", goyaml::to_string(config)))
}

struct Steps<'s, 'o, 't> {
    session: &'s mut Session<'o>,
    target: &'t mut Target,
    made: Vec<Transformer>,
}

impl Steps<'_, '_, '_> {
    fn add(&mut self, kind: &str, action: Action) {
        let by = || ConfiguredBy {
            api_version: "builtin".to_owned(),
            kind: kind.to_owned(),
            ..ConfiguredBy::default()
        };
        let origin = self.target.origin.as_ref().map(|origin| origin.configured(self.target.file, by()));
        self.made.push(Transformer { action, origin });
    }

    fn merges(&mut self) -> Result<(), Error> {
        let paths = std::mem::take(&mut self.target.kustomization.patches_strategic_merge);
        if paths.is_empty() {
            return Ok(());
        }
        let patches = merge_patches(self.session, self.target, &paths, "");
        let patches = patches
            .map_err(|error| trouble("PatchStrategicMergeTransformer", &json!({"paths": &paths}), error))?;
        self.add("PatchStrategicMergeTransformer", Action::MergeByName(patches));
        Ok(())
    }

    fn patches(&mut self) -> Result<(), Error> {
        for entry in std::mem::take(&mut self.target.kustomization.patches) {
            let shown = shown_patch(&entry);
            let action = patch(self.session, self.target, &entry, &shown)
                .map_err(|error| trouble("PatchTransformer", &shown, error))?;
            self.add("PatchTransformer", action);
        }
        Ok(())
    }

    fn operations(&mut self, entry: &PatchEntry) -> Result<(), Error> {
        let mut shown = json!({"target": selector(entry.target.as_ref())});
        for (field, text) in [("path", &entry.path), ("jsonOp", &entry.patch)] {
            if !text.is_empty() {
                shown[field] = Value::from(text.as_str());
            }
        }
        let action = json_patch(self.session, self.target, entry)
            .map_err(|error| trouble("PatchJson6902Transformer", &shown, error))?;
        self.add("PatchJson6902Transformer", action);
        Ok(())
    }
}

/// The patches of `patchesStrategicMerge`: each text is a patch, or else the path of a file of some.
pub(crate) fn merge_patches(
    session: &Session<'_>,
    target: &Target,
    paths: &[String],
    inline: &str,
) -> Result<Vec<Resource>, Error> {
    if paths.is_empty() && inline.is_empty() {
        return Err(Error::invalid("empty file path and empty patch content"));
    }
    let read = |text: &[u8]| manifests::read(text, &session.yaml, Purpose::Patches);
    let mut patches = Vec::new();
    for path in paths {
        match read(path.as_bytes()) {
            Ok(found) => patches.extend(found),
            Err(error) if error.is_final() => return Err(error),
            Err(_) => patches.extend(read(&session.read_file(&target.place, path)?)?),
        }
    }
    if !inline.is_empty() {
        patches.extend(read(inline.as_bytes())?);
    }
    if patches.is_empty() {
        let message = format!("patch appears to be empty; files=[{}], Patch={inline}", paths.join(" "));
        return Err(Error::invalid(message));
    }
    Ok(patches)
}

/// An entry of `patches`; `shown` is it for messages.
///
/// **Source**: kustomize `PatchTransformer`, api v0.21.2.
pub(crate) fn patch(
    session: &Session<'_>,
    target: &Target,
    entry: &PatchEntry,
    shown: &Value,
) -> Result<Action, Error> {
    let inline = entry.patch.trim();
    let shown = || goyaml::to_string(shown);
    let (text, source) = match (inline.is_empty(), entry.path.is_empty()) {
        (true, true) => {
            return Err(Error::invalid(format!("must specify one of patch and path in\n{}", shown())));
        }
        (false, false) => {
            return Err(Error::invalid(format!("patch and path can't be set at the same time\n{}", shown())));
        }
        (false, true) => (inline.to_owned(), format!("[patch: {inline:?}]")),
        (true, false) => {
            let text = session.read_file(&target.place, &entry.path).map_err(|error| {
                error.within(&format!("failed to get the patch file from path({})", entry.path))
            })?;
            (String::from_utf8_lossy(&text).into_owned(), format!("[path: {:?}]", entry.path))
        }
    };
    let objects = manifests::read(text.as_bytes(), &session.yaml, Purpose::Patches);
    if let Err(error) = &objects
        && error.is_final()
    {
        return Err(error.clone());
    }
    let flaws: Vec<Option<String>> = objects.iter().flatten().map(|object| object.flaw.clone()).collect();
    let bodies = objects.map(|objects| objects.into_iter().map(|object| object.body).collect());
    let options = entry.options.unwrap_or_default();
    let PatchOptions { allow_name_change, allow_kind_change } = options;
    let found = classify(&text, bodies, &source).map_err(|error| Error::invalid(error.to_string()))?;
    Ok(match found {
        Patches::Nothing => Action::Nothing,
        Patches::Merge(bodies) => {
            let make =
                |(body, flaw)| Resource { allow_name_change, allow_kind_change, flaw, ..Resource::new(body) };
            let patches = bodies.into_iter().zip(flaws).map(make).collect();
            Action::Merge { patches, target: entry.target.clone(), source }
        }
        Patches::Operations(operations) => {
            Action::Operations { operations, target: entry.target.clone(), source, remembers: true }
        }
    })
}

/// An entry of `patchesJson6902`.
pub(crate) fn json_patch(
    session: &Session<'_>,
    target: &Target,
    entry: &PatchEntry,
) -> Result<Action, Error> {
    if entry.target.as_ref().is_none_or(|target| target.name.is_empty()) {
        return Err(Error::invalid("must specify the target name"));
    }
    let text = match (entry.path.is_empty(), entry.patch.is_empty()) {
        (true, true) => return Err(Error::invalid("empty file path and empty jsonOp")),
        (false, false) => return Err(Error::invalid("must specify a file path or jsonOp, not both")),
        (true, false) => entry.patch.clone(),
        (false, true) => {
            let text = session.read_file(&target.place, &entry.path)?;
            if text.is_empty() {
                return Err(Error::invalid(format!("patch file '{}' empty seems to be empty", entry.path)));
            }
            String::from_utf8_lossy(&text).into_owned()
        }
    };
    let found = operations(&text).map_err(|error| {
        // The command shows the JSON that a text of YAML becomes.
        let shown = match goyaml::parse_one(text.as_bytes(), &session.yaml) {
            Ok(value) if !text.starts_with('[') => value.to_string(),
            _ => text.clone(),
        };
        Error::invalid(error.to_string()).within(&format!("decoding {shown}"))
    })?;
    if found.as_array().is_none_or(Vec::is_empty) {
        let message = format!("patch appears to be empty; file={}, JsonOp={text}", entry.path);
        return Err(Error::invalid(message));
    }
    Ok(Action::Operations { operations: found, target: entry.target.clone(), source: text, remembers: false })
}

/// The entries of `replacements`, those in files among them.
pub(crate) fn replacements(
    session: &Session<'_>,
    target: &Target,
    entries: &[ReplacementEntry],
) -> Result<Vec<Replacement>, Error> {
    let mut read = Vec::new();
    for entry in entries {
        if entry.path.is_empty() {
            read.push(entry.inline.clone());
            continue;
        }
        if entry.inline.source.is_some()
            || entry.inline.targets.as_ref().is_some_and(|targets| !targets.is_empty())
        {
            return Err(Error::invalid("cannot specify both path and inline replacement"));
        }
        let text = session.read_file(&target.place, &entry.path)?;
        let value = goyaml::parse_one(&text, &session.yaml).map_err(|error| {
            Error::invalid(format!("error converting YAML to JSON: {}", error.as_go(goyaml::Dialect::Yaml2)))
        })?;
        let items = match value {
            Value::Array(items) => items,
            Value::Object(_) => vec![value],
            other => {
                let kind = match other {
                    Value::Null => "invalid",
                    Value::Bool(_) => "bool",
                    Value::String(_) => "string",
                    _ => "float64",
                };
                return Err(Error::invalid(format!(
                    "unsupported replacement type encountered within replacement path: {kind}"
                )));
            }
        };
        for item in items {
            let entry: ReplacementEntry = plugins::read_config(item, &crate::shapes::REPLACEMENT)?;
            read.push(entry.inline);
        }
    }
    Ok(read)
}

/// Where the pairs of an entry of `labels` go.
fn label_specs(label: &Label, config: &Config) -> Result<Specs, Error> {
    let mut specs = specs_of(&label.fields);
    add(&mut specs, &config.labels)?;
    if label.include_selectors {
        add(&mut specs, &config.common_labels)?;
        return Ok(specs);
    }
    if label.include_templates {
        add(&mut specs, &config.template_labels)
            .map_err(|error| error.within("failed to merge template fieldSpec"))?;
    }
    if label.include_volume_claim_templates {
        add(&mut specs, &config.claim_labels)
            .map_err(|error| error.within("failed to merge volumeClaimTemplate fieldSpec"))?;
    }
    add(&mut specs, &[FieldSpec::new("", "", "", "metadata/labels", true)])?;
    Ok(specs)
}

/// An entry of `patches` as the peer prints it.
fn shown_patch(entry: &PatchEntry) -> Value {
    let mut shown = json!({});
    for (field, text) in [("path", &entry.path), ("patch", &entry.patch)] {
        if !text.is_empty() {
            shown[field] = Value::from(text.as_str());
        }
    }
    if entry.target.is_some() {
        shown["target"] = selector(entry.target.as_ref());
    }
    if let Some(options) = entry.options {
        let mut on = json!({});
        for (field, flag) in
            [("allowNameChange", options.allow_name_change), ("allowKindChange", options.allow_kind_change)]
        {
            if flag {
                on[field] = Value::Bool(true);
            }
        }
        shown["options"] = on;
    }
    shown
}

fn selector(selector: Option<&Selector>) -> Value {
    let mut shown = json!({});
    let Some(selector) = selector else { return shown };
    for (field, text) in [
        ("group", &selector.group),
        ("version", &selector.version),
        ("kind", &selector.kind),
        ("name", &selector.name),
        ("namespace", &selector.namespace),
        ("annotationSelector", &selector.annotation_selector),
        ("labelSelector", &selector.label_selector),
    ] {
        if !text.is_empty() {
            shown[field] = Value::from(text.as_str());
        }
    }
    shown
}
