//! `kustomize edit fix --vars`: variables become replacements, and what used them holds places for what is put there.
//!
//! **Source**: kustomize v5.8.2, `kustomize/commands/edit/fix/convert.go`. Where we differ: replacements that were there stay, nothing is
//! written where one variable cannot be converted, bases of bases and components are looked into as well, and a patch without a target is
//! taken for what it patches (the real one selects everything then, and what it writes does not build).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use goyaml::{Limits, Node, NodeKind};
use serde_json::{Map, Value, json};

use super::field::{map_of, text};
use super::file::NAMES;

/// Files that one kustomization may come to.
const MOST_FILES: usize = 5_000;

/// Kustomizations within each other.
const MOST_LEVELS: usize = 64;

/// Replacements for all variables, and the texts of files that have places for them now.
pub(super) struct Converted {
    pub(super) replacements: Vec<Value>,
    files: Vec<(PathBuf, String)>,
}

impl Converted {
    /// Writes the files.
    pub(super) fn write(&self) -> Result<(), String> {
        for (path, text) in &self.files {
            std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// A file that a kustomization names, and the entry of `patches` that does so.
struct Named {
    path: PathBuf,
    /// As it is said in messages.
    shown: String,
    text: String,
    changed: bool,
    patch: Option<Value>,
}

/// Converts the variables of a kustomization, whose fields are not deprecated any more.
pub(super) fn convert(directory: &Path, kustomization: &Value) -> Result<Converted, String> {
    let mut files = Files { directory, found: Vec::new(), seen: BTreeSet::new() };
    files.gather(Path::new(""), kustomization, 0)?;
    let mut found = files.found;
    let mut replacements = Vec::new();
    for variable in kustomization.get("vars").and_then(Value::as_array).into_iter().flatten() {
        let name = text(variable, "name");
        let reference = format!("$({name})");
        let mut targets = Vec::new();
        for file in found.iter_mut().filter(|file| file.text.contains(&reference)) {
            let wrong = |problem: String| format!("error with {}: {problem}", file.shown);
            targets.extend(targets_in(file, &reference).map_err(wrong)?);
            file.text = file.text.replace(&reference, &format!("{name}_PLACEHOLDER"));
            file.changed = true;
        }
        let mut replacement = map_of(&[]);
        replacement.insert("source".to_owned(), source(variable).into());
        if !targets.is_empty() {
            replacement.insert("targets".to_owned(), targets.into());
        }
        replacements.push(replacement.into());
    }
    let changed = found.into_iter().filter(|file| file.changed);
    Ok(Converted { replacements, files: changed.map(|file| (file.path, file.text)).collect() })
}

/// What a variable is taken from.
fn source(variable: &Value) -> Map<String, Value> {
    let nothing = Value::Null;
    let object = variable.get("objref").unwrap_or(&nothing);
    let path = text(variable.get("fieldref").unwrap_or(&nothing), "fieldpath");
    let (group, version) = split_version(text(object, "apiVersion"));
    map_of(&[
        ("group", group),
        ("version", version),
        ("kind", text(object, "kind")),
        ("name", text(object, "name")),
        ("namespace", text(object, "namespace")),
        ("fieldPath", path),
    ])
}

fn split_version(version: &str) -> (&str, &str) {
    version.split_once('/').unwrap_or(("", version))
}

struct Files<'a> {
    directory: &'a Path,
    found: Vec<Named>,
    seen: BTreeSet<PathBuf>,
}

impl Files<'_> {
    /// The files of resources and patches that a kustomization in `at` names, those of its bases and components before its own patches.
    fn gather(&mut self, at: &Path, kustomization: &Value, depth: usize) -> Result<(), String> {
        let list = |field: &str| kustomization.get(field).and_then(Value::as_array).into_iter().flatten();
        for name in ["resources", "bases", "components"].into_iter().flat_map(list).filter_map(Value::as_str)
        {
            let path = at.join(name);
            if !self.directory.join(&path).is_dir() {
                self.add(&path, None)?;
            } else if depth < MOST_LEVELS {
                self.enter(&path, depth + 1)?;
            } else {
                return Err(format!("more than {MOST_LEVELS} bases within each other"));
            }
        }
        for patch in list("patches") {
            if let Some(path) = patch.get("path").and_then(Value::as_str) {
                self.add(&at.join(path), Some(patch))?;
            }
        }
        Ok(())
    }

    fn enter(&mut self, path: &Path, depth: usize) -> Result<(), String> {
        let full = self.directory.join(path);
        let is_new = full.canonicalize().is_ok_and(|full| self.seen.insert(full));
        let texts = NAMES.iter().filter(|_| is_new);
        for text in texts.filter_map(|name| std::fs::read(full.join(name)).ok()) {
            let read = goyaml::parse_one(&text, &Limits::default());
            let below = read.map_err(|error| format!("{}: {error}", path.display()))?;
            self.gather(path, &below, depth)?;
        }
        Ok(())
    }

    /// Adds a file, once. What is no text, or elsewhere, holds no places.
    fn add(&mut self, path: &Path, patch: Option<&Value>) -> Result<(), String> {
        if self.found.len() >= MOST_FILES {
            return Err(format!("more than {MOST_FILES} files"));
        }
        let full = self.directory.join(path);
        if let (Ok(real), Ok(text)) = (full.canonicalize(), std::fs::read_to_string(&full))
            && self.seen.insert(real)
        {
            let (shown, patch) = (path.display().to_string(), patch.cloned());
            self.found.push(Named { path: full, shown, text, changed: false, patch });
        }
        Ok(())
    }
}

/// Where a file's resources use a variable. A file that is no YAML has no such places.
fn targets_in(file: &Named, reference: &str) -> Result<Vec<Value>, String> {
    let Ok(outlines) = goyaml::outline(&file.text, &Limits::default()) else { return Ok(Vec::new()) };
    let mut targets = Vec::new();
    let alone = outlines.len() == 1;
    for outline in &outlines {
        let value = outline.value();
        let items = value.get("items").and_then(Value::as_array);
        let is_list = alone && matches!(text(value, "kind"), "List" | "ResourceList");
        match (items.filter(|_| is_list), field_of(outline.root(), "items").map(|items| items.kind())) {
            (Some(values), Some(NodeKind::Sequence(nodes))) => {
                for (node, value) in nodes.into_iter().zip(values) {
                    targets.extend(targets_of(node, value, file.patch.as_ref(), reference)?);
                }
            }
            _ => targets.extend(targets_of(outline.root(), value, file.patch.as_ref(), reference)?),
        }
    }
    Ok(targets)
}

fn field_of<'n>(node: Node<'n>, name: &str) -> Option<Node<'n>> {
    let NodeKind::Mapping(entries) = node.kind() else { return None };
    entries.into_iter().find(|(key, _)| key.key().as_deref() == Some(name)).map(|(_, value)| value)
}

fn targets_of(
    node: Node<'_>,
    value: &Value,
    patch: Option<&Value>,
    reference: &str,
) -> Result<Vec<Value>, String> {
    let mut places = Vec::new();
    find(node, value, reference, &mut Vec::new(), &mut places)?;
    let select = select(value, patch);
    let target = |(path, options): (String, Option<Value>)| {
        let mut target = json!({"select": select, "fieldPaths": [path]});
        if let (Some(target), Some(options)) = (target.as_object_mut(), options) {
            target.insert("options".to_owned(), options);
        }
        target
    };
    Ok(places.into_iter().map(target).collect())
}

/// What selects a resource; of a patch with a target, what that one selects, and what the patch makes of it.
fn select(value: &Value, patch: Option<&Value>) -> Value {
    let nothing = Value::Null;
    let metadata = value.get("metadata").unwrap_or(&nothing);
    let (name, namespace, kind) = (text(metadata, "name"), text(metadata, "namespace"), text(value, "kind"));
    let renames = |field: &str| patch.is_some_and(|patch| patch["options"][field] == true);
    let (names, kinds) = (renames("allowNameChange"), renames("allowKindChange"));
    match patch.and_then(|patch| patch.get("target")?.as_object()) {
        Some(target) if !(names && kinds) => {
            let own = map_of(&[
                ("namespace", namespace),
                ("name", if names { name } else { "" }),
                ("kind", if kinds { kind } else { "" }),
            ]);
            let mut target = target.clone();
            target.extend(own);
            Value::Object(target)
        }
        _ => {
            let (group, version) = split_version(text(value, "apiVersion"));
            let texts = [
                ("group", group),
                ("version", version),
                ("kind", kind),
                ("name", name),
                ("namespace", namespace),
            ];
            map_of(&texts).into()
        }
    }
}

/// The paths of texts that use a variable, and which piece of them it is, in the order of the file.
fn find(
    node: Node<'_>,
    value: &Value,
    reference: &str,
    path: &mut Vec<String>,
    places: &mut Vec<(String, Option<Value>)>,
) -> Result<(), String> {
    let node = match node.kind() {
        NodeKind::Alias(target) => target,
        _ => node,
    };
    match (node.kind(), value) {
        (NodeKind::Sequence(nodes), Value::Array(values)) => {
            for (index, (node, value)) in nodes.into_iter().zip(values).enumerate() {
                path.push(index.to_string());
                find(node, value, reference, path, places)?;
                path.pop();
            }
        }
        (NodeKind::Mapping(entries), Value::Object(map)) => {
            for (key, node) in entries {
                let Some(key) = key.key() else { continue };
                let Some(value) = map.get(&key) else { continue };
                path.push(if key.contains('.') { format!("[{key}]") } else { key });
                find(node, value, reference, path, places)?;
                path.pop();
            }
        }
        (_, Value::String(text)) if text.contains(reference) => {
            places.push((path.join("."), piece(text, reference)?));
        }
        _ => {}
    }
    Ok(())
}

/// Which piece of a text a variable is, and what parts the pieces; none where it is all of the text.
fn piece(text: &str, reference: &str) -> Result<Option<Value>, String> {
    let Some((before, after)) = text.split_once(reference) else { return Ok(None) };
    let (delimiter, index) = match (before.chars().next_back(), after.chars().next()) {
        (None, None) => return Ok(None),
        (None, Some(delimiter)) => (delimiter, 0),
        (Some(delimiter), None) => (delimiter, text.split(delimiter).count() - 1),
        (Some(delimiter), Some(other)) if delimiter == other => {
            let index = text.split(delimiter).position(|piece| piece == reference);
            (delimiter, index.unwrap_or_default())
        }
        (Some(_), Some(_)) => {
            return Err(format!("cannot convert all vars to replacements; {reference} is not delimited"));
        }
    };
    let mut options = json!({"delimiter": delimiter.to_string()});
    if let (Some(options), true) = (options.as_object_mut(), index > 0) {
        options.insert("index".to_owned(), index.into());
    }
    Ok(Some(options))
}
