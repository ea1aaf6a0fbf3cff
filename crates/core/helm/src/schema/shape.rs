//! What a schema is made of: where others are inside of it, and of which types its keywords are.

use super::document::Draft;
use super::failure::quote_all;
use serde_json::{Map, Value};

/// Keywords whose value is a schema.
const ONE: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value is a list of schemas.
const LISTS: &[&str] = &["allOf", "anyOf", "items", "oneOf", "prefixItems"];
/// Keywords whose value is a map of schemas.
const MAPS: &[&str] =
    &["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];
/// Keywords that only hold schemas for references.
const SHELVES: &[&str] = &["$defs", "definitions"];

/// All schemas directly inside of one.
pub(super) fn children<'s>(schema: &'s Value, mut each: impl FnMut(&'s Value)) {
    walk(schema, &mut |_, _, child| each(child));
}

/// As [`children`], with keyword and name, without those that nobody may refer to.
pub(super) fn named_children<'s>(
    schema: &'s Value,
    mut each: impl FnMut(&'s str, Option<String>, &'s Value),
) {
    walk(schema, &mut |keyword, name, child| {
        if !SHELVES.contains(&keyword) {
            each(keyword, name, child);
        }
    });
}

fn walk<'s>(schema: &'s Value, each: &mut dyn FnMut(&'s str, Option<String>, &'s Value)) {
    let Value::Object(map) = schema else { return };
    for (keyword, value) in map {
        let keyword = keyword.as_str();
        match value {
            Value::Array(items) if LISTS.contains(&keyword) => {
                for (at, item) in items.iter().enumerate() {
                    each(keyword, Some(at.to_string()), item);
                }
            }
            Value::Object(map) if MAPS.contains(&keyword) => {
                for (name, child) in map.iter().filter(|(_, child)| !child.is_array()) {
                    each(keyword, Some(name.clone()), child);
                }
            }
            // Draft 4 has booleans here and nowhere else.
            Value::Bool(_) if matches!(keyword, "additionalItems" | "additionalProperties") => {}
            value if ONE.contains(&keyword) && !value.is_array() => each(keyword, None, value),
            _ => {}
        }
    }
}

/// The patterns that a schema itself uses.
pub(super) fn patterns(map: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let own = map.get("pattern").and_then(Value::as_str);
    let keys = map.get("patternProperties").and_then(Value::as_object);
    own.into_iter().chain(keys.into_iter().flat_map(|keys| keys.keys().map(String::as_str)))
}

/// Why a schema is none.
pub(super) struct Problem {
    /// Its JSON pointer in the schema.
    pub(super) keyword: String,
    pub(super) words: String,
}

const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

/// What is wrong with a schema itself, if anything.
pub(super) fn problem(schema: &Value, draft: Draft) -> Option<Problem> {
    let map = match schema {
        Value::Object(map) => map,
        Value::Bool(_) if draft > Draft::Four => return None,
        other => {
            let want = if draft > Draft::Four { "boolean or object" } else { "object" };
            return Some(Problem {
                keyword: String::new(),
                words: format!("got {}, want {want}", type_name(other)),
            });
        }
    };
    if draft < Draft::Y2019 && map.contains_key("$ref") {
        return None;
    }
    map.iter().find_map(|(keyword, value)| {
        keyword_problem(keyword, value, draft).map(|words| Problem { keyword: format!("/{keyword}"), words })
    })
}

fn keyword_problem(keyword: &str, value: &Value, draft: Draft) -> Option<String> {
    let want = |fits: bool, want: &str| (!fits).then(|| format!("got {}, want {want}", type_name(value)));
    match keyword {
        "type" => match value {
            Value::String(name) => {
                let known = TYPES.contains(&name.as_str());
                (!known).then(|| format!("value must be one of {}", quote_all(TYPES)))
            }
            Value::Array(names) => names
                .iter()
                .any(|name| !name.as_str().is_some_and(|name| TYPES.contains(&name)))
                .then(|| format!("value must be one of {}", quote_all(TYPES))),
            _ => Some(format!("got {}, want string or array", type_name(value))),
        },
        "properties" | "patternProperties" | "definitions" | "$defs" | "dependencies"
        | "dependentSchemas" | "dependentRequired" => want(value.is_object(), "object"),
        "required" if draft == Draft::Four && value.as_array().is_some_and(Vec::is_empty) => {
            Some("minItems: got 0, want 1".to_owned())
        }
        "required" => {
            let fits = value.as_array().is_some_and(|names| names.iter().all(Value::is_string));
            want(fits, "array")
        }
        "enum" => want(value.is_array(), "array"),
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
            if value.as_array().is_some_and(Vec::is_empty) {
                return Some("minItems: got 0, want 1".to_owned());
            }
            want(value.is_array(), "array")
        }
        "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties" | "minProperties"
        | "maxContains" | "minContains" => {
            let Some(number) = value.as_f64() else {
                return Some(format!("got {}, want integer", type_name(value)));
            };
            if number.fract() != 0.0 {
                return Some("got number, want integer".to_owned());
            }
            (number < 0.0).then(|| format!("minimum: got {}, want 0", super::failure::number(number)))
        }
        "items" if draft >= Draft::Y2020 => want(!value.is_array(), "boolean or object"),
        "minimum" | "maximum" => want(value.is_number(), "number"),
        "exclusiveMinimum" | "exclusiveMaximum" if draft == Draft::Four => {
            want(value.is_boolean(), "boolean")
        }
        "exclusiveMinimum" | "exclusiveMaximum" => want(value.is_number(), "number"),
        "multipleOf" => match value.as_f64() {
            Some(number) if number <= 0.0 => {
                Some(format!("exclusiveMinimum: got {}, want 0", super::failure::number(number)))
            }
            number => want(number.is_some(), "number"),
        },
        "pattern" | "$ref" | "format" | "title" | "description" | "$comment" => {
            want(value.is_string(), "string")
        }
        "uniqueItems" => want(value.is_boolean(), "boolean"),
        _ => None,
    }
}

/// `null`, `boolean`, `number`, `string`, `array` or `object`.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
