//! From the text of a file to objects.

use filetree::TreePath;
use goyaml::Document;
use resource::Object;
use serde_json::Value;

use crate::{Limits, MAX_WARNINGS, Manifest, Origin, RenderError};

/// Gathers objects, within limits.
pub(crate) struct Collector<'a> {
    limits: &'a Limits,
    manifests: Vec<Manifest>,
    rendered_bytes: usize,
    warnings: Vec<String>,
    more_warnings: usize,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self { limits, manifests: Vec::new(), rendered_bytes: 0, warnings: Vec::new(), more_warnings: 0 }
    }

    pub(crate) fn warn(&mut self, warning: String) {
        if self.warnings.len() < MAX_WARNINGS { self.warnings.push(warning) } else { self.more_warnings += 1 }
    }

    pub(crate) fn finish(mut self) -> (Vec<Manifest>, Vec<String>) {
        if self.more_warnings > 0 {
            self.warnings.push(format!("and {} warnings more", self.more_warnings));
        }
        (self.manifests, self.warnings)
    }

    /// Adds the objects of a file.
    ///
    /// **Errors**: what is wrong in a file that means to be a manifest. A file of YAML that is none is left out with a warning: no
    /// document in it looks like an object, and it does not have all of `apiVersion:`, `kind:` and `metadata:` somewhere.
    /// **Source**: Argo CD 3, `getObjsFromYAMLOrJSON`. A broken `.json` file is always an error there, and one that is no manifest is
    /// taken for an OCI manifest and dropped. We are stricter where silence would prune: a document with `apiVersion` and `metadata` but
    /// no `kind` is an error (test `errors_name_file_line_and_field`).
    pub(crate) fn add_file(&mut self, path: &TreePath, text: &[u8]) -> Result<(), RenderError> {
        let yaml = goyaml::Limits {
            bytes: text.len().max(goyaml::Limits::default().bytes),
            depth: self.limits.yaml_depth,
            nodes: self.limits.yaml_nodes,
            ..goyaml::Limits::default()
        };
        let json = path.name().is_some_and(|name| name.ends_with(".json"));
        let documents = match goyaml::parse_all(text, &yaml) {
            Ok(documents) => documents,
            Err(problem) if json || means_to_be_manifest(text, problem.mark().map(|mark| mark.line)) => {
                return Err(RenderError::Yaml { path: path.to_string(), problem: Box::new(problem) });
            }
            Err(problem) => {
                self.warn(format!("{path}: left out, since it is no Kubernetes manifest ({problem})"));
                return Ok(());
            }
        };
        if json && let Some(second) = documents.get(1) {
            return Err(RenderError::SeveralObjects { path: path.to_string(), line: second.start.line });
        }
        let any_object = documents.iter().any(|document| means_to_be_object(&document.value));
        if !any_object && (json || !has_manifest_words(text, &[""])) {
            if !documents.is_empty() {
                self.warn(format!("{path}: left out, since it is no Kubernetes manifest"));
            }
            return Ok(());
        }
        documents.into_iter().try_for_each(|document| self.add_document(path, document))
    }

    /// Adds the objects of a text that is nothing but objects: documents that are empty or null are left out, all others have to be some.
    pub(crate) fn add_text(&mut self, origin: &str, text: &[u8]) -> Result<(), RenderError> {
        let yaml = goyaml::Limits {
            bytes: text.len().max(goyaml::Limits::default().bytes),
            depth: self.limits.yaml_depth,
            nodes: self.limits.yaml_nodes,
            ..goyaml::Limits::default()
        };
        let documents = goyaml::parse_all(text, &yaml)
            .map_err(|problem| RenderError::Yaml { path: origin.to_owned(), problem: Box::new(problem) })?;
        for mut document in documents {
            let value = std::mem::take(&mut document.value);
            if !value.is_null() {
                self.add_value(origin, Some(&document), value)?;
            }
        }
        Ok(())
    }

    fn add_document(&mut self, path: &TreePath, mut document: Document) -> Result<(), RenderError> {
        for (field, mark) in document.duplicate_keys() {
            let line = mark.line;
            self.warn(format!("{path}: line {line}: {field} is there more than once; the last one counts"));
        }
        let value = std::mem::take(&mut document.value);
        self.add_value(path.as_str(), Some(&document), value)
    }

    /// Adds the objects of a value: one, or those of a list. `document` tells their lines where they were written by hand.
    ///
    /// **Errors**: what is no object, and limits.
    pub(crate) fn add_value(
        &mut self,
        path: &str,
        document: Option<&Document>,
        value: Value,
    ) -> Result<(), RenderError> {
        // Values still to add, the next one last, each with its place in the document.
        let mut ahead = vec![(value, Vec::new())];
        while let Some((mut value, field)) = ahead.pop() {
            match value.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => {
                    for (index, item) in items.into_iter().enumerate().rev() {
                        let mut field: Vec<String> = field.clone();
                        field.extend(["items".to_owned(), index.to_string()]);
                        ahead.push((item, field));
                    }
                }
                // An empty list of Go is null in YAML.
                Some(Value::Null) if value.get("spec").is_none() && value.get("status").is_none() => {}
                Some(other) => {
                    if let Some(items) = value.get_mut("items") {
                        *items = other;
                    }
                    self.add_object(path, document, &field, value)?;
                }
                None => self.add_object(path, document, &field, value)?,
            }
        }
        Ok(())
    }

    fn add_object(
        &mut self,
        path: &str,
        document: Option<&Document>,
        field: &[String],
        value: Value,
    ) -> Result<(), RenderError> {
        let bytes = json_bytes(&value);
        self.rendered_bytes = self.rendered_bytes.saturating_add(bytes);
        let counts = [
            ("bytes of an object", bytes, self.limits.object_bytes, "object_bytes"),
            (
                "bytes of all objects together",
                self.rendered_bytes,
                self.limits.rendered_bytes,
                "rendered_bytes",
            ),
            ("objects", self.manifests.len() + 1, self.limits.objects, "objects"),
        ];
        if let Some((what, _, limit, name)) = counts.into_iter().find(|(_, count, limit, _)| count > limit) {
            return Err(RenderError::Limit { path: path.to_owned(), what, limit: limit as u64, name });
        }
        let line = line_of(document, field, &[]);
        let object = check_names(&value).and_then(|()| {
            Object::from_value(value).map_err(|error| match error {
                resource::NotAnObject::Field { field, expected } => {
                    (field, format!("is missing or is not {expected}"))
                }
                resource::NotAnObject::NotAMap { .. } => ("", error.to_string()),
            })
        });
        let object = object.map_err(|(wrong, problem)| {
            let parts: Vec<&str> = wrong.split('.').filter(|part| !part.is_empty()).collect();
            let mut names = field.to_vec();
            names.extend(parts.iter().map(|&part| part.to_owned()));
            RenderError::Malformed {
                path: path.to_owned(),
                line: line_of(document, field, &parts),
                field: names.join("."),
                problem,
            }
        })?;
        self.manifests.push(Manifest { object, origin: Origin { path: path.to_owned(), line } });
        Ok(())
    }
}

/// Every object has a name, or a prefix for one; and both it and its namespace are text.
fn check_names(value: &Value) -> Result<(), (&'static str, String)> {
    let Some(map) = value.as_object().filter(|_| has_kind(value)) else { return Ok(()) };
    let Some(metadata) = map.get("metadata").filter(|metadata| !metadata.is_null()) else {
        return Err(("metadata", "is missing".to_owned()));
    };
    let Some(metadata) = metadata.as_object() else { return Ok(()) };
    for (field, name) in [
        ("metadata.name", "name"),
        ("metadata.generateName", "generateName"),
        ("metadata.namespace", "namespace"),
    ] {
        if metadata.get(name).is_some_and(|value| !value.is_string() && !value.is_null()) {
            return Err((field, "is not a string".to_owned()));
        }
    }
    let named = ["name", "generateName"]
        .iter()
        .any(|name| metadata.get(*name).and_then(Value::as_str).is_some_and(|text| !text.is_empty()));
    if named { Ok(()) } else { Err(("metadata.name", "is missing".to_owned())) }
}

/// Line of a field, or of the nearest thing around it that is written.
fn line_of(document: Option<&Document>, field: &[String], below: &[&str]) -> usize {
    let Some(document) = document else { return 1 };
    let mut pointer: Vec<&str> = field.iter().map(String::as_str).chain(below.iter().copied()).collect();
    loop {
        if let Some(mark) = document.locate(&pointer) {
            return mark.line;
        }
        if pointer.pop().is_none() {
            return document.start.line;
        }
    }
}

fn has_kind(value: &Value) -> bool {
    value.get("kind").and_then(Value::as_str).is_some_and(|kind| !kind.is_empty())
}

/// Whether a document is an object, or one with a slip in its `kind`.
fn means_to_be_object(value: &Value) -> bool {
    let is_map = |field: &str| value.get(field).is_some_and(Value::is_object);
    has_kind(value) || (value.get("apiVersion").is_some_and(Value::is_string) && is_map("metadata"))
}

/// The peer's test for a file without objects: does it look like a manifest? `quotes` are those that the words may have.
fn has_manifest_words(text: &[u8], quotes: &[&str]) -> bool {
    let text = String::from_utf8_lossy(text);
    let has = |word: &str| quotes.iter().any(|quote| text.contains(&format!("{word}{quote}:")));
    ["apiVersion", "kind", "metadata"].iter().all(|word| has(word))
}

/// Whether a file that cannot be read was meant to be read: it looks like a manifest, or there was an object before the broken line. A
/// manifest that breaks must never be taken for a file of no interest, since what it wanted would be pruned.
fn means_to_be_manifest(text: &[u8], broken: Option<usize>) -> bool {
    let utf16 = matches!(text, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
    let shown = String::from_utf8_lossy(text);
    let before = shown.lines().take(broken.unwrap_or(usize::MAX));
    utf16
        || has_manifest_words(text, &["", "\"", "'"])
        || before.into_iter().any(|line| line.starts_with("kind:"))
}

/// Bytes of a value as JSON, escapes not counted.
fn json_bytes(value: &Value) -> usize {
    let (mut bytes, mut ahead) = (0_usize, vec![value]);
    while let Some(value) = ahead.pop() {
        bytes += match value {
            Value::Null | Value::Bool(true) => 4,
            Value::Bool(false) => 5,
            Value::Number(number) => number.to_string().len(),
            Value::String(text) => text.len() + 2,
            Value::Array(items) => {
                ahead.extend(items);
                items.len().max(1) + 1
            }
            Value::Object(map) => {
                ahead.extend(map.values());
                map.keys().map(|key| key.len() + 4).sum::<usize>().max(1) + 1
            }
        };
    }
    bytes
}
