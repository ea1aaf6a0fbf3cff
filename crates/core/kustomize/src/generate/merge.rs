//! What becomes of an object that is there already when another one is generated in its name.

use serde_json::{Map, Value};

use super::base64_lines;
use crate::patch::scalar_text;

/// Gives a generated object the labels, annotations, name and namespace of the one that it replaces; its own labels and annotations win.
///
/// **Source**: kustomize `Resource.CopyMergeMetaDataFieldsFrom`, api v0.21.2.
pub(crate) fn replace_by(old: &Value, new: &mut Value) {
    for field in ["labels", "annotations"] {
        let merged = texts(&old["metadata"][field], &new["metadata"][field]);
        set(new, field, merged);
    }
    let old = &old["metadata"];
    if let Some(metadata) = new["metadata"].as_object_mut() {
        metadata.insert("name".to_owned(), Value::String(scalar_text(&old["name"]).into_owned()));
        match old["namespace"].as_str() {
            Some(namespace) if !namespace.is_empty() => {
                metadata.insert("namespace".to_owned(), Value::from(namespace));
            }
            _ => {
                metadata.remove("namespace");
            }
        }
    }
}

/// The same, and adds the data of the old one where the new one has none of the key; `stringData` of an old Secret counts
/// as data. All that the old one has beside is lost.
///
/// **Source**: kustomize `resWrangler.appendReplaceOrMerge`, api v0.21.2. `Err` names a key whose value is no scalar.
pub(crate) fn merge_into(old: &Value, new: &mut Value) -> Result<(), String> {
    replace_by(old, new);
    let mut data = old["data"].clone();
    if new["kind"] == "Secret" && old["stringData"].is_object() {
        let mut encoded = data.as_object().cloned().unwrap_or_default();
        for (key, value) in old["stringData"].as_object().into_iter().flatten() {
            if value.is_object() || value.is_array() {
                return Err(format!("stringData value for key {key:?} must be a scalar"));
            }
            let text = if value.is_null() { "".into() } else { scalar_text(value) };
            encoded.insert(key.clone(), Value::String(base64_lines(text.as_bytes())));
        }
        data = Value::Object(encoded);
    }
    for (field, old) in [("data", &data), ("binaryData", &old["binaryData"])] {
        let merged = texts(old, &new[field]);
        if let Some(map) = new.as_object_mut() {
            map.remove(field);
            if !merged.is_empty() {
                map.insert(field.to_owned(), Value::Object(merged));
            }
        }
    }
    Ok(())
}

/// Two maps as texts; the second wins.
fn texts(old: &Value, new: &Value) -> Map<String, Value> {
    let both = [old, new].into_iter().filter_map(Value::as_object).flatten();
    let text = |value: &Value| if value.is_null() { String::new() } else { scalar_text(value).into_owned() };
    both.map(|(key, value)| (key.clone(), Value::String(text(value)))).collect()
}

fn set(object: &mut Value, field: &str, values: Map<String, Value>) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove(field);
        if !values.is_empty() {
            metadata.insert(field.to_owned(), Value::Object(values));
        }
    }
}
