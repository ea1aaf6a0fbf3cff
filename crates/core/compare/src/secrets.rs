//! Secrets: written as the server keeps them, and masked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use resource::Object;
use serde_json::{Map, Value};

use crate::managed::LAST_APPLIED;
use crate::rules::Rules;

/// What stands for a secret value; a different one on the other side has one more sign.
const PLACEHOLDER: &str = "++++++++";

/// What is wrong with a Secret of git. Names the field, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} of Secret {name} is not {expected}")]
pub struct SecretProblem {
    /// Name of the Secret.
    pub name: String,
    /// Path of the field, as in `data.password`.
    pub field: String,
    /// What it should be.
    pub expected: &'static str,
}

/// Checks what the server would refuse with a message that may hold the value: `data` of texts in base64,
/// `stringData` of texts.
///
/// # Errors
/// The first field that is wrong.
pub fn check_secret(object: &Object) -> Result<(), SecretProblem> {
    if !is_secret(object.as_map()) {
        return Ok(());
    }
    let problem = |field: String, expected| SecretProblem { name: object.name().to_owned(), field, expected };
    for field in ["data", "stringData"] {
        let Some(value) = object.as_map().get(field).filter(|value| !value.is_null()) else { continue };
        let Some(map) = value.as_object() else { return Err(problem(field.to_owned(), "a map")) };
        for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            let path = format!("{field}.{name}");
            let Some(text) = value.as_str() else { return Err(problem(path, "a string")) };
            if field == "data" && decode(text).is_none() {
                return Err(problem(path, "base64"));
            }
        }
    }
    Ok(())
}

pub(crate) fn is_secret(map: &Map<String, Value>) -> bool {
    map.get("apiVersion").and_then(Value::as_str) == Some("v1")
        && map.get("kind").and_then(Value::as_str) == Some("Secret")
}

/// Base64 as Go reads it: line breaks do not count.
fn decode(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    STANDARD.decode(compact).ok()
}

/// Writes a Secret as the server keeps it: `stringData` goes into `data` and wins there, base64 without line breaks.
/// What is malformed stays, for the server to refuse.
pub(crate) fn store(object: &mut Map<String, Value>) {
    if !is_secret(object) {
        return;
    }
    let (mut moved, mut left) = (Map::new(), Map::new());
    match object.remove("stringData") {
        Some(Value::Object(texts)) => {
            for (name, value) in texts {
                match value {
                    Value::String(text) => moved.insert(name, Value::String(STANDARD.encode(text))),
                    // The server reads null as the empty text.
                    Value::Null => moved.insert(name, Value::String(String::new())),
                    other => left.insert(name, other),
                };
            }
        }
        None | Some(Value::Null) => {}
        Some(other) => {
            object.insert("stringData".to_owned(), other);
        }
    }
    if !left.is_empty() {
        object.insert("stringData".to_owned(), Value::Object(left));
    }
    let no_data = object.get("data").is_none_or(Value::is_null);
    if !moved.is_empty() && no_data {
        object.insert("data".to_owned(), Value::Object(Map::new()));
    }
    if let Some(Value::Object(data)) = object.get_mut("data") {
        for value in data.values_mut() {
            if let Some(bytes) = value.as_str().and_then(decode) {
                *value = Value::String(STANDARD.encode(bytes));
            }
        }
        data.extend(moved);
    }
}

/// Both sides with secret values replaced by placeholders that tell whether they are equal, and nothing else.
///
/// **Shape.** A Secret is as the server keeps it: what was in `stringData` is in `data`. Each value there becomes `++++++++` on the git side, and
/// on the live side the same if it is equal, `+++++++++` if not; so do the last-applied annotation of a Secret, and the annotations of
/// `resource.sensitive.mask.annotations` on any kind. Values that are malformed are replaced as a whole.
/// **Source.** The peer's `HideSecretData`; there the configured annotations are masked on Secrets only.
pub fn mask(
    desired: Option<&Object>,
    live: Option<&Object>,
    rules: &Rules,
) -> (Option<Object>, Option<Object>) {
    let (mut desired, mut live) = (desired.cloned(), live.cloned());
    for object in [&mut desired, &mut live].into_iter().flatten() {
        store(object.as_map_mut());
    }
    mask_pair(
        desired.as_mut().map(Object::as_map_mut),
        live.as_mut().map(Object::as_map_mut),
        &rules.options.mask_annotations,
    );
    (desired, live)
}

/// As [`mask`], in place.
pub(crate) fn mask_pair<'a>(
    mut desired: Option<&'a mut Map<String, Value>>,
    mut live: Option<&'a mut Map<String, Value>>,
    annotations: &[String],
) {
    let secret = [&desired, &live].into_iter().flatten().any(|object| is_secret(object));
    if secret {
        let sides = (desired.as_deref().map(values), live.as_deref().map(values));
        for side in [(&mut desired, true), (&mut live, false)] {
            let (Some(object), is_desired) = side else { continue };
            for field in ["data", "stringData"] {
                match object.get_mut(field) {
                    Some(Value::Object(map)) => {
                        for (name, value) in map.iter_mut().filter(|(_, value)| !value.is_null()) {
                            *value = placeholder(differs(&sides, name) && !is_desired);
                        }
                    }
                    None | Some(Value::Null) => {}
                    Some(other) => *other = placeholder(differs(&sides, "") && !is_desired),
                }
            }
        }
    }
    let applied = secret || !annotations.is_empty();
    for name in annotations.iter().map(String::as_str).chain(applied.then_some(LAST_APPLIED)) {
        let pair = (
            desired.as_deref().and_then(|object| annotation(object, name)).cloned(),
            live.as_deref().and_then(|object| annotation(object, name)).cloned(),
        );
        let differ = matches!(&pair, (Some(a), Some(b)) if a != b);
        for (object, is_desired) in [(&mut desired, true), (&mut live, false)] {
            let value = object
                .as_mut()
                .and_then(|object| object.get_mut("metadata")?.get_mut("annotations")?.get_mut(name));
            if let Some(value) = value {
                *value = placeholder(differ && !is_desired);
            }
        }
    }
}

fn annotation<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get("metadata")?.get("annotations")?.get(name)
}

fn placeholder(different: bool) -> Value {
    Value::String(if different { format!("{PLACEHOLDER}+") } else { PLACEHOLDER.to_owned() })
}

/// What a Secret holds, in a form in which equal values are equal; a malformed field is kept under the empty name.
fn values(object: &Map<String, Value>) -> Map<String, Value> {
    let mut stored = object.clone();
    stored.entry("apiVersion").or_insert_with(|| Value::from("v1"));
    store(&mut stored);
    let mut all = Map::new();
    for field in ["data", "stringData"] {
        match stored.remove(field) {
            Some(Value::Object(map)) => all.extend(map),
            Some(other) => {
                all.insert(String::new(), other);
            }
            None => {}
        }
    }
    all
}

type Sides = (Option<Map<String, Value>>, Option<Map<String, Value>>);

/// Whether both sides have the key and differ in it.
fn differs(sides: &Sides, name: &str) -> bool {
    let value = |side: &Option<Map<String, Value>>| side.as_ref().and_then(|map| map.get(name)).cloned();
    match (value(&sides.0), value(&sides.1)) {
        (Some(a), Some(b)) => a != b,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
