//! From JSON and back.

use std::collections::BTreeMap;

use super::{FloatKind, List, ListType, Map, Value};

/// What a JSON number becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Every number a `float64`, as values files give it to templates.
    Float,
    /// Without point or exponent an `int` (`uint64` past it), else a `float64`.
    Int,
    /// Without point or exponent an `int64` (`uint64` past it), else a `float64`, as Kubernetes' unstructured objects.
    Int64,
}

/// Why a value is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It nests deeper than [`Value::JSON_DEPTH`], or holds itself.
    #[error("the value nests deeper than {} levels", Value::JSON_DEPTH)]
    TooDeep,
    /// NaN and infinities have no JSON form.
    #[error("json: unsupported value: {0}")]
    Number(String),
    /// Functions and complex numbers.
    #[error("json: unsupported type: {0}")]
    Type(String),
}

impl Value {
    /// Levels of nesting that are read from and written to JSON. It is what a thread's smallest stack bears in a debug build.
    pub const JSON_DEPTH: usize = 500;

    /// Reads JSON. Objects become `map[string]interface {}`, arrays `[]interface {}`, null nil.
    ///
    /// **Errors**: nesting past [`Value::JSON_DEPTH`].
    pub fn from_json(json: &serde_json::Value, numbers: Numbers) -> Result<Self, JsonError> {
        read(json, numbers, 0)
    }

    /// Writes JSON: bytes as base64 (as `encoding/json`), invalid UTF-8 as U+FFFD, objects by their fields or, where they have a text and
    /// no fields, by that. Floats that are whole and small become JSON integers, as Go prints them.
    ///
    /// **Errors**: nesting past [`Value::JSON_DEPTH`], also by a map that holds itself; what JSON has no form for.
    pub fn to_json(&self) -> Result<serde_json::Value, JsonError> {
        write(self, 0)
    }
}

fn read(json: &serde_json::Value, numbers: Numbers, depth: usize) -> Result<Value, JsonError> {
    if depth > Value::JSON_DEPTH {
        return Err(JsonError::TooDeep);
    }
    Ok(match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => read_number(number, numbers),
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Array(items) => {
            let items =
                items.iter().map(|item| read(item, numbers, depth + 1)).collect::<Result<Vec<_>, _>>()?;
            let capacity = grown_capacity(items.len());
            Value::List(List::with_capacity(ListType::ANY, items, capacity))
        }
        serde_json::Value::Object(fields) => {
            let mut entries = BTreeMap::new();
            for (key, value) in fields {
                entries.insert(key.as_str().into(), read(value, numbers, depth + 1)?);
            }
            Value::map(entries)
        }
    })
}

/// The capacity of a Go slice that got its items one by one.
fn grown_capacity(len: usize) -> usize {
    if (1..=512).contains(&len) { len.next_power_of_two() } else { len }
}

fn read_number(number: &serde_json::Number, numbers: Numbers) -> Value {
    let float = || Value::float(number.as_f64().unwrap_or(f64::INFINITY));
    let signed = match numbers {
        Numbers::Float => return float(),
        Numbers::Int => Value::int,
        Numbers::Int64 => Value::int64,
    };
    if let Some(number) = number.as_i64() {
        signed(number)
    } else if let Some(number) = number.as_u64() {
        Value::Uint(super::UintKind::Uint64, number)
    } else {
        float()
    }
}

fn write(value: &Value, depth: usize) -> Result<serde_json::Value, JsonError> {
    if depth > Value::JSON_DEPTH {
        return Err(JsonError::TooDeep);
    }
    Ok(match value {
        Value::Nil => serde_json::Value::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Int(_, number) => (*number).into(),
        Value::Uint(_, number) => (*number).into(),
        Value::Float(kind, number) => write_float(*kind, *number)?,
        Value::String(text) => text.to_text().into_owned().into(),
        Value::Bytes(bytes) => base64(bytes).into(),
        Value::List(list) if list.is_nil() => serde_json::Value::Null,
        Value::List(list) => {
            list.items().iter().map(|item| write(item, depth + 1)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Value::Map(map) if map.is_nil() => serde_json::Value::Null,
        Value::Map(map) => write_map(map, depth)?,
        Value::Object(object) => {
            if let Some(contents) = object.contents() {
                return write(&contents, depth + 1);
            }
            let shown = object.json_fields();
            match object.text() {
                Some(text) if shown.is_empty() => text.into(),
                _ => {
                    let mut fields = serde_json::Map::new();
                    for (name, value) in shown {
                        fields.insert(name.into(), write(&value, depth + 1)?);
                    }
                    fields.into()
                }
            }
        }
        Value::Complex(..) | Value::Function(_) => return Err(JsonError::Type(value.type_name().into())),
    })
}

fn write_map(map: &Map, depth: usize) -> Result<serde_json::Value, JsonError> {
    let mut fields = serde_json::Map::new();
    for (key, value) in map.entries().iter() {
        fields.insert(key.to_text().into_owned(), write(value, depth + 1)?);
    }
    Ok(fields.into())
}

/// Whole numbers up to here are exact, and Go prints them without exponent.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within range")]
fn write_float(kind: FloatKind, number: f64) -> Result<serde_json::Value, JsonError> {
    if number.fract() == 0.0 && number.abs() <= EXACT && !(number == 0.0 && number.is_sign_negative()) {
        return Ok((number as i64).into());
    }
    let number = match kind {
        // The shortest digits of a float32 are fewer than those of the same float64.
        FloatKind::Float32 => (number as f32).to_string().parse().unwrap_or(number),
        FloatKind::Float64 => number,
    };
    serde_json::Number::from_f64(number).map(serde_json::Value::Number).ok_or_else(|| {
        JsonError::Number(if number.is_nan() {
            "NaN".into()
        } else {
            format!("{number:+}").replace("inf", "Inf")
        })
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().enumerate().fold(0_u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            text.push(if place <= chunk.len() { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    text
}
