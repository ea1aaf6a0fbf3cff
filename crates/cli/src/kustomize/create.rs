//! `kustomize create`: a kustomization where there was none.

use std::path::Path;

use serde_json::{Map, Value, json};
use yamledit::Stream;

use super::Said;
use super::arguments::CreateArgs;
use super::edit::{NAMES, pairs};
use super::glob;

/// How deep directories are searched for resources.
const MAX_DEPTH: usize = 64;

pub(super) fn create(directory: &Path, arguments: &CreateArgs) -> Result<Said, String> {
    let mut resources = match arguments.resources.as_str() {
        "" => Vec::new(),
        listed => glob::existing(directory, &listed.split(',').map(str::to_owned).collect::<Vec<_>>())?,
    };
    if NAMES.iter().any(|name| directory.join(name).exists()) {
        return Err("kustomization file already exists".to_owned());
    }
    if arguments.autodetect {
        let mut found = Vec::new();
        detect(directory, "", arguments.recursive, 0, &mut found)?;
        let new = found.into_iter().filter(|path| !resources.contains(path)).collect::<Vec<_>>();
        resources.extend(new);
    }
    let map = |text: &str, kind: &str| -> Result<Value, String> {
        Ok(json!(if text.is_empty() { Default::default() } else { pairs(text.split(','), kind)? }))
    };
    // In the order in which the real command writes them.
    let fields = [
        ("apiVersion", Value::from("kustomize.config.k8s.io/v1beta1")),
        ("kind", Value::from("Kustomization")),
        ("resources", resources.into()),
        ("namePrefix", arguments.nameprefix.as_str().into()),
        ("nameSuffix", arguments.namesuffix.as_str().into()),
        ("namespace", arguments.namespace.as_str().into()),
        ("commonLabels", map(&arguments.labels, "label")?),
        ("commonAnnotations", map(&arguments.annotations, "annotation")?),
    ];
    let mut stream = Stream::parse("").map_err(|error| error.to_string())?;
    let mut value = Map::new();
    for (name, field) in fields {
        let empty = field.as_str() == Some("")
            || field.as_array().is_some_and(Vec::is_empty)
            || field.as_object().is_some_and(Map::is_empty);
        if !empty {
            value.insert(name.to_owned(), field);
            stream.update(0, &Value::Object(value.clone())).map_err(|error| error.to_string())?;
        }
    }
    std::fs::write(directory.join(NAMES[0]), stream.text())
        .map_err(|error| format!("{}: {error}", NAMES[0]))?;
    Ok(Said::default())
}

/// Files of Kubernetes objects, and directories that have a kustomization.
fn detect(
    root: &Path,
    below: &str,
    recursive: bool,
    depth: usize,
    found: &mut Vec<String>,
) -> Result<(), String> {
    let directory = root.join(below);
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut names: Vec<String> = std::fs::read_dir(&directory)
        .map_err(failed)?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    for name in names {
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let full = root.join(&path);
        if full.is_dir() {
            if !recursive || depth >= MAX_DEPTH || full.is_symlink() {
                continue;
            }
            if NAMES.iter().any(|name| full.join(name).exists()) {
                found.push(path);
            } else {
                detect(root, &path, recursive, depth + 1, found)?;
            }
        } else if std::fs::read(&full).is_ok_and(|text| has_objects(&text)) {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a file is one of Kubernetes objects, every document of it.
fn has_objects(text: &[u8]) -> bool {
    let Ok(documents) = goyaml::parse_all(text, &goyaml::Limits::default()) else { return false };
    let text = |value: &Value, path: &str| {
        value.pointer(path).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
    };
    documents.iter().all(|document| {
        let value = &document.value;
        let list = text(value, "/kind")
            && value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        text(value, "/kind")
            && (list || text(value, "/metadata/name") || text(value, "/metadata/generateName"))
    })
}
