use std::fmt::Write;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Characters of a hash suffix.
const LENGTH: usize = 10;

/// The suffix of an object's name, ten characters of its content's SHA-256.
///
/// **Shape**: of a ConfigMap `data` and `binaryData` count, of a Secret `type`, `data` and `stringData`; names do not. Of
/// any other object all of it counts; the peer hashes its own syntax tree there, which nobody can repeat, so that the
/// suffix of such an object differs from the peer's.
/// **Source**: kustomize `hasher`, api v0.21.2.
pub(crate) fn hash(object: &Value) -> String {
    let or_empty = |field: &str| match object.get(field) {
        None => Value::String(String::new()),
        Some(Value::Null) => Value::String("null".to_owned()),
        Some(Value::Bool(flag)) => Value::String(flag.to_string()),
        Some(Value::Number(number)) => Value::String(number.to_string()),
        // A list does not go into a map of Go's.
        Some(Value::Array(_)) => Value::Null,
        Some(value) => value.clone(),
    };
    let mut content = Map::new();
    let mut put = |name: &str, value: Value| content.insert(name.to_owned(), value);
    let (more, extra) = match object["kind"].as_str() {
        Some("ConfigMap") => ("ConfigMap", "binaryData"),
        Some("Secret") => {
            put("type", or_empty("type"));
            ("Secret", "stringData")
        }
        _ => return encode(&json_text(object)),
    };
    put("kind", Value::from(more));
    // The peer looks for a field of the name `metadata/name`, and finds none.
    put("name", Value::String(String::new()));
    put("data", or_empty("data"));
    if object.get(extra).is_some_and(|value| value.is_object() || value.is_array()) {
        put(extra, or_empty(extra));
    }
    encode(&json_text(&Value::Object(content)))
}

fn encode(text: &str) -> String {
    let mut hex = String::with_capacity(2 * LENGTH);
    for byte in Sha256::digest(text.as_bytes()).iter().take(LENGTH.div_ceil(2)) {
        // Writing to a string does not fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
    }
    // No vowels, and nothing that looks like one: a suffix is no word.
    hex.chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect()
}

/// JSON as Go writes it: keys sorted, and what it escapes.
pub(crate) fn json_text(value: &Value) -> String {
    goyaml::escape_json(value.to_string())
}
