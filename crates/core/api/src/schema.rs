//! The schemas of our custom resources: structural ones, as a kube-apiserver wants them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Marks an object whose unknown fields are kept.
pub(crate) const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";

/// The structural schema of a wire type: no references, no nulls, unknown fields kept at every level.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    structural(&mut schema);
    if let Some(map) = schema.as_object_mut() {
        map.remove("$schema");
    }
    schema
}

/// Depth is that of our own types.
fn structural(schema: &mut Value) {
    let Value::Object(map) = schema else {
        // `true`: anything at all.
        *schema = json!({ PRESERVE: true });
        return;
    };
    drop_null(map);
    for key in ["title", "default", "required"] {
        map.remove(key);
    }
    if let Some(Value::String(description)) = map.get_mut("description") {
        *description = first_sentence(description);
    }
    match map.get("additionalProperties") {
        Some(Value::Bool(true)) => {
            map.remove("additionalProperties");
            map.insert(PRESERVE.to_owned(), Value::Bool(true));
        }
        Some(Value::Object(_)) => map.get_mut("additionalProperties").into_iter().for_each(structural),
        _ => {}
    }
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        for (name, property) in properties {
            structural(property);
            special(name, property);
        }
    }
    if let Some(items) = map.get_mut("items") {
        structural(items);
    }
    let is_typed = map.contains_key("type") || map.contains_key(PRESERVE);
    if !is_typed {
        map.insert(PRESERVE.to_owned(), Value::Bool(true));
    }
}

/// Fields that are free-form in Rust and not on the wire.
fn special(name: &str, property: &mut Value) {
    let Some(map) = property.as_object_mut() else { return };
    match name {
        "valuesObject" | "sourceIntegrity" => {
            map.insert("type".to_owned(), json!("object"));
        }
        "count" => {
            map.remove(PRESERVE);
            map.insert("x-kubernetes-int-or-string".to_owned(), json!(true));
        }
        _ => {}
    }
}

/// `T | null` becomes `T`: the API server drops nulls by itself.
fn drop_null(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get("type") {
        let first = types.iter().find(|word| *word != "null").cloned();
        map.insert("type".to_owned(), first.unwrap_or_else(|| json!("object")));
    }
    if let Some(Value::Array(branches)) = map.remove("anyOf") {
        let branch = branches.into_iter().find(|branch| branch.get("type") != Some(&json!("null")));
        for (key, value) in branch.as_ref().and_then(Value::as_object).into_iter().flatten() {
            map.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

fn first_sentence(text: &str) -> String {
    let line = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    line.split_inclusive(". ").next().unwrap_or_default().trim_end().to_owned()
}
