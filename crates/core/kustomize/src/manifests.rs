//! Files of resources.

use serde_json::Value;

use crate::error::{Error, Fault};
use crate::resource::Resource;

/// What a text is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Resources: annotations are texts, whatever they look like.
    Resources,
    /// Patches: a null annotation deletes.
    Patches,
}

const ANNOTATIONS: &[&[&str]] = &[&["metadata", "annotations"], &["items", "*", "metadata", "annotations"]];

/// Reads all resources of a text, those in lists one by one.
///
/// **Shape**: documents are cut at lines of `---`, with or without a comment. Each must have a kind and, unless that ends in `List`, a name.
/// **Errors**: the first thing that is wrong; what cannot be written as JSON is kept as [`Resource::flaw`] and found out at the end, as in the
/// peer.
/// **Source**: kustomize `resource.Factory.SliceFromBytes` and kyaml `kio.ByteReader`, v0.21.2.
pub(crate) fn read(text: &[u8], limits: &goyaml::Limits, purpose: Purpose) -> Result<Vec<Resource>, Error> {
    let text = String::from_utf8_lossy(text);
    let text = if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text };
    let pieces = documents(&text)?;
    let verbatim = goyaml::Verbatim { maps: ANNOTATIONS, nulls: purpose == Purpose::Resources };
    let alone = pieces.len() == 1;
    let mut found: Vec<Resource> = Vec::new();
    for piece in pieces {
        let read = goyaml::parse_modern(piece.as_bytes(), limits, verbatim);
        let Some(document) = read.map_err(|error| malformed(&error))? else { continue };
        if document.value.is_null() {
            continue;
        }
        let Value::Object(mut map) = document.value else {
            if is_empty(&document.value) {
                continue;
            }
            return Err(missing_metadata(&document.value));
        };
        let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
        if alone && matches!(kind, "List" | "ResourceList") && map.contains_key("items") {
            if let Some(Value::Array(items)) = map.remove("items") {
                found.extend(
                    items
                        .into_iter()
                        .map(|item| Resource { flaw: document.flaw.clone(), ..Resource::new(item) }),
                );
            }
            continue;
        }
        let empty_nulls = document.empty.into_iter().collect();
        found.push(Resource { flaw: document.flaw, empty_nulls, ..Resource::new(Value::Object(map)) });
    }
    inline_lists(found)
}

/// Takes the items out of lists of any kind and puts them behind everything else.
fn inline_lists(found: Vec<Resource>) -> Result<Vec<Resource>, Error> {
    let mut queue: std::collections::VecDeque<Resource> = good(found)?.into();
    let mut resources = Vec::with_capacity(queue.len());
    while let Some(mut resource) = queue.pop_front() {
        let kind = resource.kind().to_owned();
        let items = match &mut resource.body {
            Value::Object(map) if kind.ends_with("List") => map.remove("items"),
            _ => None,
        };
        match items {
            None => resources.push(resource),
            Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                let items = items
                    .into_iter()
                    .map(|item| Resource { flaw: resource.flaw.clone(), ..Resource::new(item) });
                queue.extend(good(items.collect())?);
            }
            Some(other) => {
                let what = match other {
                    Value::Object(_) => "map[string]interface {}",
                    Value::String(_) => "string",
                    Value::Bool(_) => "bool",
                    _ => "int",
                };
                return Err(Error::invalid(format!("expected array in {kind}/items, but found {what}")));
            }
        }
    }
    Ok(resources)
}

/// Drops what is empty, refuses what has no kind or name.
fn good(found: Vec<Resource>) -> Result<Vec<Resource>, Error> {
    let mut good = Vec::with_capacity(found.len());
    for resource in found {
        if is_empty(&resource.body) {
            continue;
        }
        check_metadata(&resource)?;
        good.push(resource);
    }
    Ok(good)
}

/// Whether a resource has a kind, and a name unless it is a list.
pub(crate) fn check_metadata(resource: &Resource) -> Result<(), Error> {
    let body = &resource.body;
    let empty = |field: &str| body.get(field).is_none_or(is_empty);
    if !body.is_object() || (empty("kind") && empty("apiVersion") && empty("metadata")) {
        return Err(missing_metadata(body));
    }
    let text = |value: &Value| crate::patch::scalar_text(value).into_owned();
    let (kind, name) = (body.get("kind").map(text).unwrap_or_default(), &body["metadata"]["name"]);
    if kind.is_empty() {
        return Err(Error::invalid(format!("missing kind in object {}", summary(body))));
    }
    if !kind.ends_with("List") && (name.is_null() || text(name).is_empty()) {
        return Err(Error::invalid(format!("missing metadata.name in object {}", summary(body))));
    }
    Ok(())
}

fn missing_metadata(_: &Value) -> Error {
    Error::invalid("missing Resource metadata")
}

/// The metadata as Go prints the struct.
fn summary(body: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let map = |value: &Value| {
        let entries = value.as_object().into_iter().flatten();
        let entries: Vec<String> = entries.map(|(key, value)| format!("{key}:{}", text(value))).collect();
        format!("map[{}]", entries.join(" "))
    };
    let metadata = &body["metadata"];
    format!(
        "{{{{{} {}}} {{{{{} {}}} {} {}}}}}",
        text(&body["apiVersion"]),
        text(&body["kind"]),
        text(&metadata["name"]),
        text(&metadata["namespace"]),
        map(&metadata["labels"]),
        map(&metadata["annotations"]),
    )
}

/// Null, or an empty map, list or text.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn malformed(error: &goyaml::Error) -> Error {
    Error::Invalid {
        message: format!("MalformedYAMLError: {}", error.as_go(goyaml::Dialect::Yaml3)),
        fault: Fault::Yaml,
    }
}

/// Cuts a text at its separators; the line break in front of one stays.
fn documents(text: &str) -> Result<Vec<&str>, Error> {
    let mut pieces = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("\n---")).map(|at| at + from) {
        let line = text.get(at + 1..).unwrap_or_default();
        // The last line of a text separates nothing: there is nothing behind it.
        let Some(length) = line.find('\n') else { break };
        let line = line.get(..length).unwrap_or_default();
        let behind = line.strip_prefix("---").unwrap_or_default().trim();
        if !behind.is_empty() && !behind.starts_with('#') {
            return Err(Error::invalid(format!("invalid document separator: {}", line.trim())));
        }
        pieces.push(text.get(start..=at).unwrap_or_default());
        start = at + 1 + length + 1;
        from = start;
    }
    pieces.push(text.get(start..).unwrap_or_default());
    Ok(pieces)
}
