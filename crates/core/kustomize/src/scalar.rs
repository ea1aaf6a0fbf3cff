//! What a plain scalar is when the peer's YAML library reads it: almost YAML 1.2, with the numbers of 1.1.
//!
//! **Source**: go.yaml.in/yaml/v3, `resolve`.

use serde_json::{Number, Value};

use crate::patch::scalar_text;

/// The value of a text that is written without quotes. What is no number, boolean or null is a text.
pub(crate) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let first = text.chars().next().unwrap_or_default();
    if first.is_ascii_digit() && text.get(4..5) == Some("-") {
        // A date, which becomes a time.
        let read =
            goyaml::parse_modern(text.as_bytes(), &goyaml::Limits::default(), goyaml::Verbatim::default());
        return read.ok().flatten().map_or_else(|| Value::String(text.to_owned()), |document| document.value);
    }
    let number = (first.is_ascii_digit() || matches!(first, '-' | '+' | '.')).then(|| number(text)).flatten();
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// What the peer says of a map with a key that is no text.
pub(crate) const UNWRITABLE_KEY: &str = "json: unsupported type: map[interface {}]interface {}";

/// Whether a text is one also without quotes, as the key of a map.
pub(crate) fn is_text(key: &str) -> bool {
    let infinite =
        matches!(key.trim_start_matches(['+', '-']), ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN");
    key != "<<" && !infinite && resolve(key).as_str() == Some(key)
}

/// A text in the place of a scalar: it keeps the type of what was there, and must fit it.
///
/// **Errors**: what the peer says when it writes such a value, as in ``cannot decode !!str `a` as a !!int``.
pub(crate) fn retyped(place: &Value, text: String) -> Result<Value, String> {
    if place.is_string() {
        return Ok(Value::String(text));
    }
    let value = resolve(&text);
    let fits = match (place, &value) {
        (Value::Null, Value::Null) | (Value::Bool(_), Value::Bool(_)) => true,
        (Value::Number(old), Value::Number(new)) => old.is_f64() || !new.is_f64(),
        _ => false,
    };
    if fits { Ok(value) } else { Err(format!("cannot decode {} `{text}` as a {}", tag(&value), tag(place))) }
}

/// A number or boolean in the place of a text that was written in quotes gets these quotes, and is a text, too.
///
/// **Source**: kyaml's `FieldSetter` keeps the style of what it overwrites. We do not know the style; a text must have had
/// quotes where it would be something else without.
pub(crate) fn styled(place: &Value, value: Value) -> Value {
    match place {
        Value::String(text) if (value.is_number() || value.is_boolean()) && !resolve(text).is_string() => {
            Value::String(scalar_text(&value).into_owned())
        }
        _ => value,
    }
}

fn tag(value: &Value) -> &'static str {
    match value {
        Value::Null => "!!null",
        Value::Bool(_) => "!!bool",
        Value::Number(number) if number.is_f64() => "!!float",
        Value::Number(_) => "!!int",
        Value::String(_) => "!!str",
        Value::Array(_) => "!!seq",
        Value::Object(_) => "!!map",
    }
}

fn number(text: &str) -> Option<Number> {
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(rest) => (-1_i128, rest),
        None => (1, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let whole =
        whole(digits).and_then(|magnitude| sign.checked_mul(i128::from(magnitude))).and_then(|value| {
            i64::try_from(value)
                .map(Number::from)
                .ok()
                .or_else(|| u64::try_from(value).map(Number::from).ok())
        });
    if whole.is_some() {
        return whole;
    }
    let decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'))
        && digits.chars().any(|c| c.is_ascii_digit());
    if !decimal { None } else { plain.parse().ok().and_then(Number::from_f64) }
}

/// Digits in base ten, or with the prefix of another base; a leading zero means eight where all digits fit.
fn whole(digits: &str) -> Option<u64> {
    let (radix, rest) = match digits.get(..2) {
        Some("0x" | "0X") => (16, digits.get(2..)?),
        Some("0o" | "0O") => (8, digits.get(2..)?),
        Some("0b" | "0B") => (2, digits.get(2..)?),
        Some(start) if start.starts_with('0') => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if rest.starts_with('+') { None } else { u64::from_str_radix(rest, radix).ok() }
}

pub(crate) const MAPPING: &str = "MappingNode";
pub(crate) const SEQUENCE: &str = "SequenceNode";
pub(crate) const SCALAR: &str = "ScalarNode";

/// What the peer calls a value: [`MAPPING`], [`SEQUENCE`] or [`SCALAR`].
pub(crate) fn node_kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => MAPPING,
        Value::Array(_) => SEQUENCE,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => SCALAR,
    }
}

/// What the peer says of a value of the wrong kind.
pub(crate) fn wrong_kind(expected: &str, found: &Value) -> String {
    format!("wrong node kind: expected {expected} but got {}", node_kind(found))
}

/// The same with the value itself, as most of its steps say it.
pub(crate) fn wrong_node(expected: &str, found: &Value) -> String {
    format!("{}: node contents:\n{}", wrong_kind(expected, found), goyaml::to_string(found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{resolve, retyped};

    #[test]
    fn plain_scalars_have_the_types_of_the_peers_library() {
        for (text, expected) in [
            ("8080", json!(8080)),
            ("-1", json!(-1)),
            ("0x10", json!(16)),
            ("010", json!(8)),
            ("0o10", json!(8)),
            ("1_000", json!(1000)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("089", json!(89.0)),
            ("1.2.3", json!("1.2.3")),
            ("yes", json!("yes")),
            ("true", json!(true)),
            ("~", json!(null)),
            ("2020-01-01", json!("2020-01-01T00:00:00Z")),
            ("-", json!("-")),
            (".", json!(".")),
        ] {
            assert_eq!(resolve(text), expected, "{text}");
        }
    }

    #[test]
    fn a_place_keeps_its_type() {
        for (place, text, expected) in [
            (json!("a"), "8080", Ok(json!("8080"))),
            (json!(1), "8080", Ok(json!(8080))),
            (json!(1), "a", Err("cannot decode !!str `a` as a !!int")),
            (json!(1), "1.5", Err("cannot decode !!float `1.5` as a !!int")),
            (json!(1.5), "2", Ok(json!(2))),
            (json!(true), "false", Ok(json!(false))),
            (json!(null), "a", Err("cannot decode !!str `a` as a !!null")),
        ] {
            assert_eq!(retyped(&place, text.to_owned()), expected.map_err(str::to_owned), "{place} {text}");
        }
    }
}
