//! `kustomize edit add`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::field::{Fields, map_of};
use super::metadata::{options, pairs};
use super::{change, generator};
use crate::kustomize::Said;
use crate::kustomize::arguments::{AddCommand, AddLabelArgs, PatchArgs, Words};
use crate::kustomize::glob;

pub(super) fn add(directory: &Path, command: &AddCommand) -> Result<Said, String> {
    match command {
        AddCommand::Resource(arguments) => {
            let found =
                paths(directory, &arguments.words, arguments.no_verify, "must specify a resource file")?;
            add_paths(directory, ("resources", Some("bases"), "resource"), found)
        }
        AddCommand::Component(words) => {
            let found = paths(directory, &words.words, false, "must specify a component file")?;
            add_paths(directory, ("components", None, "component"), found)
        }
        AddCommand::Base(words) => add_base(directory, words),
        AddCommand::Patch(arguments) => add_patch(directory, arguments),
        AddCommand::Label(arguments) => add_label(directory, arguments),
        AddCommand::Annotation(arguments) => {
            let new = metadata(&arguments.words, "annotation")?;
            change(directory, |fields, _| {
                let mut map = fields.map("commonAnnotations")?;
                merge(&mut map, new, "annotation", arguments.force)?;
                fields.set("commonAnnotations", map.into());
                Ok(())
            })
        }
        AddCommand::Configmap(arguments) => {
            generator::add(directory, &generator::CONFIG_MAP, &generator::Addition::from(arguments))
        }
        AddCommand::Secret(arguments) => {
            generator::add(directory, &generator::SECRET, &generator::Addition::from(arguments))
        }
        AddCommand::Transformer(words) => add_files(
            directory,
            ("transformers", "transformer"),
            words,
            "must specify a yaml file which contains a transformer plugin resource",
        ),
        AddCommand::Generator(words) => add_files(
            directory,
            ("generators", "generator"),
            words,
            "must specify a yaml file which contains a generator plugin resource",
        ),
        AddCommand::Configuration(words) => add_files(
            directory,
            ("configurations", "configuration"),
            words,
            "must specify a yaml file which contains a configuration resource",
        ),
        AddCommand::Buildmetadata(words) => {
            let options = options(&words.words)?;
            change(directory, |fields, _| {
                fields.add_strings("buildMetadata", None, options, |option| {
                    Err(format!("buildMetadata option {option} already in kustomization file"))
                })
            })
        }
    }
}

/// What patterns lead to: files and directories here, or repositories elsewhere, which are taken as they are.
fn paths(directory: &Path, words: &[String], as_they_are: bool, none: &str) -> Result<Vec<String>, String> {
    if words.is_empty() {
        return Err(none.to_owned());
    }
    if as_they_are {
        return Ok(words.to_vec());
    }
    glob::existing(directory, words)
}

/// Adds paths to a list that is called `field`, formerly `old`, of what is called `kind`.
fn add_paths(
    directory: &Path,
    (field, old, kind): (&str, Option<&str>, &str),
    found: Vec<String>,
) -> Result<Said, String> {
    if found.is_empty() {
        return Ok(Said::default());
    }
    change(directory, |fields, notes| {
        let own = fields.file;
        let found = found.into_iter().filter(|path| path != own).collect();
        fields.add_strings(field, old, found, |path| {
            notes.push(format!("{kind} {path} already in kustomization file"));
            Ok(())
        })
    })
}

fn add_files(
    directory: &Path,
    (field, kind): (&str, &str),
    words: &Words,
    none: &str,
) -> Result<Said, String> {
    if words.words.is_empty() {
        return Err(none.to_owned());
    }
    let (mut found, mut unmatched) = (Vec::new(), Vec::new());
    for pattern in &words.words {
        let files = glob::glob(directory, pattern)?;
        if files.is_empty() {
            unmatched.push(format!("{pattern} has no match"));
        }
        found.extend(files);
    }
    let mut said = Said::default();
    if !found.is_empty() {
        said = change(directory, |fields, notes| {
            fields.add_strings(field, None, found, |path| {
                notes.push(format!("{kind} {path} already in kustomization file"));
                Ok(())
            })
        })?;
    }
    said.notes.splice(0..0, unmatched);
    Ok(said)
}

fn add_base(directory: &Path, words: &Words) -> Result<Said, String> {
    let [bases] = words.words.as_slice() else { return Err("must specify a base directory".to_owned()) };
    change(directory, |fields, _| {
        for base in bases.split(',') {
            if !directory.join(base).exists() {
                return Err(format!("{base} does not exist"));
            }
            fields.add_strings("resources", Some("bases"), vec![base.to_owned()], |base| {
                Err(format!("base {base} already in kustomization file"))
            })?;
        }
        Ok(())
    })
}

/// A patch as the flags say it.
pub(super) fn patch(arguments: &PatchArgs) -> Value {
    let target = map_of(&[
        ("group", &arguments.group),
        ("version", &arguments.version),
        ("kind", &arguments.kind),
        ("name", &arguments.name),
        ("namespace", &arguments.namespace),
        ("annotationSelector", &arguments.annotation_selector),
        ("labelSelector", &arguments.label_selector),
    ]);
    let mut patch = map_of(&[("path", &arguments.path), ("patch", &arguments.patch)]);
    if !target.is_empty() {
        patch.insert("target".to_owned(), target.into());
    }
    patch.into()
}

pub(super) fn check_patch(arguments: &PatchArgs) -> Result<(), String> {
    if !arguments.path.is_empty() && !arguments.patch.is_empty() {
        return Err("patch and path can't be set at the same time".to_owned());
    }
    Ok(())
}

fn add_patch(directory: &Path, arguments: &PatchArgs) -> Result<Said, String> {
    check_patch(arguments)?;
    if arguments.path.is_empty() && arguments.patch.is_empty() {
        return Err("must provide either patch or path".to_owned());
    }
    let patch = patch(arguments);
    change(directory, |fields, notes| {
        let mut list = fields.list("patches")?;
        if list.contains(&patch) {
            notes.push(format!("patch {patch} already in kustomization file"));
        } else {
            list.push(patch);
            fields.set("patches", list.into());
        }
        Ok(())
    })
}

fn metadata(words: &[String], kind: &str) -> Result<BTreeMap<String, String>, String> {
    if words.is_empty() {
        return Err(format!("must specify {kind}"));
    }
    pairs(words.iter().map(String::as_str), kind)
}

fn merge(
    map: &mut Map<String, Value>,
    new: BTreeMap<String, String>,
    kind: &str,
    force: bool,
) -> Result<(), String> {
    for (key, value) in new {
        if map.contains_key(&key) && !force {
            return Err(format!("{kind} {key} already in kustomization file. Use --force to override."));
        }
        map.insert(key, value.into());
    }
    Ok(())
}

fn add_label(directory: &Path, arguments: &AddLabelArgs) -> Result<Said, String> {
    if arguments.words.is_empty() {
        return Err("must specify label".to_owned());
    }
    if !arguments.without_selector && arguments.include_templates {
        return Err("--without-selector flag must be specified for --include-templates to work".to_owned());
    }
    let new = metadata(&arguments.words, "label")?;
    change(directory, |fields, _| {
        if arguments.without_selector {
            return add_to_labels(fields, new, arguments);
        }
        let mut map = fields.map("commonLabels")?;
        merge(&mut map, new, "label", arguments.force)?;
        fields.set("commonLabels", map.into());
        Ok(())
    })
}

/// Into the first entry of `labels` with the same switches, or a new one.
fn add_to_labels(
    fields: &mut Fields,
    new: BTreeMap<String, String>,
    arguments: &AddLabelArgs,
) -> Result<(), String> {
    let mut list = fields.list("labels")?;
    let switch = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_bool).unwrap_or(false);
    let same = |entry: &&mut Value| {
        !switch(entry, "includeSelectors") && switch(entry, "includeTemplates") == arguments.include_templates
    };
    match list.iter_mut().find(same).and_then(Value::as_object_mut) {
        Some(entry) => {
            let mut map = entry.get("pairs").and_then(Value::as_object).cloned().unwrap_or_default();
            merge(&mut map, new, "label", arguments.force)?;
            entry.insert("pairs".to_owned(), map.into());
        }
        None => {
            let mut entry = Map::from_iter([("pairs".to_owned(), json!(new))]);
            if arguments.include_templates {
                entry.insert("includeTemplates".to_owned(), true.into());
            }
            list.push(entry.into());
        }
    }
    fields.set("labels", list.into());
    Ok(())
}
