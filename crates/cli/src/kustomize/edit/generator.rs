//! Generated ConfigMaps and Secrets: added, changed, removed.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::change;
use super::field::{map_of, text};
use crate::kustomize::Said;
use crate::kustomize::arguments::{
    AddConfigMapArgs, AddSecretArgs, GeneratorArgs, RemoveGeneratorArgs, SetGeneratorArgs,
};
use crate::kustomize::glob;

/// What is generated.
pub(super) struct Kind {
    field: &'static str,
    /// In messages.
    name: &'static str,
    proper_name: &'static str,
}

pub(super) const CONFIG_MAP: Kind =
    Kind { field: "configMapGenerator", name: "configmap", proper_name: "ConfigMap" };
pub(super) const SECRET: Kind = Kind { field: "secretGenerator", name: "secret", proper_name: "Secret" };

/// What `add` was told.
pub(super) struct Addition<'a> {
    generator: &'a GeneratorArgs,
    /// Of a ConfigMap.
    behavior: &'a str,
    /// Type of a Secret.
    kind: Option<&'a str>,
}

impl<'a> From<&'a AddConfigMapArgs> for Addition<'a> {
    fn from(arguments: &'a AddConfigMapArgs) -> Self {
        Self { generator: &arguments.generator, behavior: &arguments.behavior, kind: None }
    }
}

impl<'a> From<&'a AddSecretArgs> for Addition<'a> {
    fn from(arguments: &'a AddSecretArgs) -> Self {
        Self { generator: &arguments.generator, behavior: "", kind: Some(&arguments.kind) }
    }
}

pub(super) fn add(directory: &Path, kind: &Kind, new: &Addition<'_>) -> Result<Said, String> {
    let asked = new.generator;
    let files = expand(directory, &asked.from_file)
        .map_err(|error| format!("failed to expand file source: {error}"))?;
    let name = checked(new).map_err(|error| format!("failed to validate flags: {error}"))?;
    change(directory, |fields, _| {
        let mut list = fields.list(kind.field)?;
        let index = list.iter().position(|entry| is_it(entry, name, &asked.namespace)).unwrap_or_else(|| {
            let mut entry = map_of(&[("name", name), ("namespace", &asked.namespace)]);
            entry.extend(new.kind.map(|kind| ("type".to_owned(), Value::from(kind))));
            list.push(entry.into());
            list.len() - 1
        });
        let Some(entry) = list.get_mut(index).and_then(Value::as_object_mut) else {
            return Err(format!("invalid Kustomization: an entry of {} is no map", kind.field));
        };
        append(entry, "literals", &asked.from_literal);
        append(entry, "files", &files);
        let envs: Vec<String> =
            [&asked.from_env_file].into_iter().filter(|path| !path.is_empty()).cloned().collect();
        append(entry, "envs", &envs);
        if asked.disable_name_suffix_hash {
            entry.insert("options".to_owned(), json!({"disableNameSuffixHash": true}));
        }
        if !new.behavior.is_empty() {
            entry.insert("behavior".to_owned(), new.behavior.into());
        }
        check(directory, entry).map_err(|error| format!("failed to create {}: {error}", kind.name))?;
        fields.set(kind.field, list.into());
        Ok(())
    })
}

pub(super) fn set(directory: &Path, kind: &Kind, arguments: &SetGeneratorArgs) -> Result<Said, String> {
    let flags = |problem: &str| format!("failed to validate flags: {problem}");
    let [name] = arguments.words.as_slice() else { return Err(flags("name must be specified once")) };
    if arguments.from_literal.is_empty() && arguments.new_namespace.is_empty() {
        return Err(flags("at least one of [--from-literal, --new-namespace] must be specified"));
    }
    change(directory, |fields, _| {
        let failed = |problem: String| format!("failed to create {}: {problem}", kind.name);
        let mut list = fields.list(kind.field)?;
        let found = list.iter_mut().find(|entry| is_it(entry, name, &arguments.namespace));
        let Some(entry) = found.and_then(Value::as_object_mut) else {
            let proper = kind.proper_name;
            return Err(failed(format!(
                "could not set new {proper} value: unable to find {proper} with name {name:?}"
            )));
        };
        let mut literals: Vec<String> = strings(entry, "literals").into_iter().map(str::to_owned).collect();
        for new in &arguments.from_literal {
            let update = |problem: String| failed(format!("failed to update literal sources: {problem}"));
            let key = literal_key(new).map_err(update)?;
            for old in &literals {
                literal_key(old).map_err(update)?;
            }
            let Some(old) = literals.iter_mut().rfind(|old| literal_key(old) == Ok(key)) else {
                return Err(update(format!("key '{key}' not found in resource")));
            };
            old.clone_from(new);
        }
        if !arguments.from_literal.is_empty() {
            entry.insert("literals".to_owned(), literals.into());
        }
        if !arguments.new_namespace.is_empty() {
            entry.insert("namespace".to_owned(), arguments.new_namespace.as_str().into());
        }
        check(directory, entry)
            .map_err(|error| failed(format!("failed to validate {} structure: {error}", kind.proper_name)))?;
        fields.set(kind.field, list.into());
        Ok(())
    })
}

pub(super) fn remove(directory: &Path, kind: &Kind, arguments: &RemoveGeneratorArgs) -> Result<Said, String> {
    let name = kind.name;
    let names: Vec<&str> = match arguments.words.as_slice() {
        [] => return Err(format!("at least one {name} name must be specified")),
        [names] => names.split(',').collect(),
        several => {
            let words = several.join(" ");
            return Err(format!(
                "too many arguments: [{words}]; to provide multiple {name}s to remove, please separate {name} names by commas"
            ));
        }
    };
    change(directory, |fields, notes| {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let mut list = fields.list(kind.field)?;
        list.retain(|entry| {
            let gone = names.iter().find(|name| is_it(entry, name, &arguments.namespace));
            found.extend(gone);
            gone.is_none()
        });
        if found.is_empty() {
            return Err(format!("no specified {name}(s) were found in the kustomization.yaml file"));
        }
        let missing = names.iter().filter(|name| !found.contains(*name));
        notes.extend(missing.map(|missing| format!("{name} {missing} doesn't exist in kustomization file")));
        fields.set(kind.field, list.into());
        Ok(())
    })
}

/// Whether an entry has a name and a namespace, of which none is `default`.
fn is_it(entry: &Value, name: &str, namespace: &str) -> bool {
    let or_default =
        |namespace: &str| if namespace.is_empty() { "default".to_owned() } else { namespace.to_owned() };
    text(entry, "name") == name && or_default(text(entry, "namespace")) == or_default(namespace)
}

fn append(entry: &mut Map<String, Value>, field: &str, more: &[String]) {
    if !more.is_empty() {
        let mut list = entry.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        list.extend(more.iter().map(|item| Value::from(item.as_str())));
        entry.insert(field.to_owned(), list.into());
    }
}

fn strings<'v>(entry: &'v Map<String, Value>, field: &str) -> Vec<&'v str> {
    entry.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The name, if the flags go together.
fn checked<'a>(new: &Addition<'a>) -> Result<&'a str, String> {
    let GeneratorArgs { words, from_file, from_literal, from_env_file, .. } = new.generator;
    let [name] = words.as_slice() else { return Err("name must be specified once".to_owned()) };
    if from_env_file.is_empty() && from_file.is_empty() && from_literal.is_empty() {
        return Err("at least from-env-file, or from-file or from-literal must be set".to_owned());
    }
    if !from_env_file.is_empty() && (!from_file.is_empty() || !from_literal.is_empty()) {
        return Err("from-env-file cannot be combined with from-file or from-literal".to_owned());
    }
    if !["", "create", "merge", "replace"].contains(&new.behavior) {
        return Err("invalid behavior: must be one of \"create\", \"merge\", or \"replace\"".to_owned());
    }
    Ok(name)
}

/// Files by their patterns, each with the key before it. A key is for one file.
fn expand(directory: &Path, sources: &[String]) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    for source in sources {
        let (key, pattern) = match source.split('=').collect::<Vec<_>>().as_slice() {
            [key, pattern] => (*key, *pattern),
            other => ("", other.first().copied().unwrap_or_default()),
        };
        let found = glob::glob(directory, pattern)?;
        match (key, found.as_slice()) {
            ("", _) => files.extend(found),
            (key, [file]) => files.push(format!("{key}={file}")),
            (_, several) => {
                let several = several.join(" ");
                return Err(format!("'pattern '{source}' catches files [{several}], should catch only one"));
            }
        }
    }
    Ok(files)
}

/// The key of a literal that is to be set: one `=`, no more.
fn literal_key(literal: &str) -> Result<&str, String> {
    match literal.split('=').collect::<Vec<_>>().as_slice() {
        [key, _] => Ok(key),
        _ => Err("failed to update resource: invalid format: literal values must be specified in the key=value format".to_owned()),
    }
}

/// Whether the ConfigMap or Secret could be made: its files are there, and no key is there twice.
fn check(directory: &Path, entry: &Map<String, Value>) -> Result<(), String> {
    let mut all: Vec<String> = Vec::new();
    let loading = |what: &str, all: &[&str], problem: &str| {
        format!("loading KV pairs: {what} [{}]: {problem}", all.join(" "))
    };
    let read = |path: &str| {
        let full = directory.join(path);
        if full.is_dir() {
            return Err(format!("'{path}' must resolve to a file"));
        }
        std::fs::read(full).map_err(|error| format!("open {path}: {error}"))
    };
    let envs: Vec<&str> =
        strings(entry, "envs").into_iter().chain(entry.get("env").and_then(Value::as_str)).collect();
    for path in &envs {
        let text = read(path).map_err(|error| loading("env source files:", &envs, &error))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim_start);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        all.extend(lines.filter_map(|line| line.split('=').next().map(str::to_owned)));
    }
    for literal in strings(entry, "literals") {
        match literal.split_once('=') {
            Some((key, _)) if !key.is_empty() => all.push(key.to_owned()),
            _ => {
                let problem = format!("invalid literal source {literal}, expected key=value");
                return Err(loading("literal sources", &strings(entry, "literals"), &problem));
            }
        }
    }
    for source in strings(entry, "files") {
        let (key, path) = match source.split('=').collect::<Vec<_>>().as_slice() {
            [path] => (path.rsplit('/').next().unwrap_or_default(), *path),
            ["", path] => {
                return Err(format!("missing key name for file path {path:?} in source {source:?}"));
            }
            [key, ""] => return Err(format!("missing file path for key name {key:?} in source {source:?}")),
            [key, path] => (*key, *path),
            _ => return Err(format!("source {source:?} key name or file path contains '='")),
        };
        read(path).map_err(|error| loading("file sources:", &strings(entry, "files"), &error))?;
        all.push(key.to_owned());
    }
    let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
    let mut keys = BTreeSet::new();
    match all.into_iter().find(|key| !keys.insert(key.clone())) {
        Some(twice) => Err(format!("configmap {name} illegally repeats the key `{twice}`")),
        None => Ok(()),
    }
}
