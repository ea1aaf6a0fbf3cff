//! One scalar as a JSON value or as the name of a field.

use serde_json::{Number, Value};

use crate::ErrorKind;
use crate::node::Scalar;
use crate::resolve::{Resolved, go_float, is_word_of_old, resolve, rfc3339};

/// Prefix of the tags that are written `!!…`.
const STANDARD: &str = "tag:yaml.org,2002:";

/// Characters of a value that an error message quotes.
const QUOTED_CHARACTERS: usize = 40;

/// Makes the JSON value of a scalar. Takes its text unless an alias may read it again.
pub(super) fn scalar_value(scalar: &mut Scalar<'_>, shared: bool) -> Result<Value, ErrorKind> {
    Ok(match resolve_scalar(scalar)? {
        Resolved::Null => Value::Null,
        Resolved::Bool(bool) => Value::Bool(bool),
        Resolved::Int(int) => Value::Number(int.into()),
        Resolved::Uint(uint) => Value::Number(uint.into()),
        Resolved::Float(float) => Value::Number(number(float)?),
        Resolved::Timestamp | Resolved::Text => Value::String(if is_binary(scalar) {
            binary_text(&scalar.text)?
        } else if shared {
            scalar.text.clone().into_owned()
        } else {
            std::mem::take(&mut scalar.text).into_owned()
        }),
    })
}

/// Makes the JSON value of a scalar as yaml.v3 resolves it.
/// Takes its text unless an alias may read it again.
pub(super) fn scalar_value_modern(scalar: &mut Scalar<'_>, shared: bool) -> Result<Value, ErrorKind> {
    Ok(match resolve_scalar_modern(scalar)? {
        Resolved::Null => Value::Null,
        Resolved::Bool(bool) => Value::Bool(bool),
        Resolved::Int(int) => Value::Number(int.into()),
        Resolved::Uint(uint) => Value::Number(uint.into()),
        Resolved::Float(float) => Value::Number(number(float)?),
        Resolved::Timestamp => Value::String(rfc3339(&scalar.text)),
        Resolved::Text if is_binary(scalar) => Value::String(binary_text(&scalar.text)?),
        Resolved::Text if shared => Value::String(scalar.text.clone().into_owned()),
        Resolved::Text => Value::String(std::mem::take(&mut scalar.text).into_owned()),
    })
}

/// Whether yaml.v3 takes a scalar for text, so that it can be a field name.
pub(super) fn is_text_modern(scalar: &Scalar<'_>) -> bool {
    matches!(resolve_scalar_modern(scalar), Ok(Resolved::Text)) && !is_binary(scalar)
}

/// Whether yaml.v3 takes a scalar for null.
pub(super) fn is_null_modern(scalar: &Scalar<'_>) -> bool {
    matches!(resolve_scalar_modern(scalar), Ok(Resolved::Null))
}

fn resolve_scalar_modern(scalar: &Scalar<'_>) -> Result<Resolved, ErrorKind> {
    if scalar.tag.is_empty() && scalar.resolvable && is_word_of_old(&scalar.text) {
        return Ok(Resolved::Text);
    }
    resolve_scalar(scalar)
}

/// Why a key is no field name.
pub(crate) enum KeyError {
    /// The scalar itself is wrong.
    Scalar(ErrorKind),
    /// JSON has no such key.
    No(&'static str),
}

impl From<ErrorKind> for KeyError {
    fn from(kind: ErrorKind) -> Self {
        Self::Scalar(kind)
    }
}

/// The field name that a scalar key stands for. JSON has text only: `y: 1` is `{"true": 1}`.
pub(crate) fn key_text(scalar: &Scalar<'_>) -> Result<String, KeyError> {
    Ok(match resolve_scalar(scalar)? {
        Resolved::Null => return Err(KeyError::No("unsupported map key of type: null")),
        Resolved::Uint(_) => return Err(KeyError::No("unsupported map key of type: uint64")),
        Resolved::Bool(bool) => bool.to_string(),
        Resolved::Int(int) => int.to_string(),
        Resolved::Float(float) => float_key(float),
        Resolved::Timestamp | Resolved::Text if is_binary(scalar) => binary_text(&scalar.text)?,
        Resolved::Timestamp | Resolved::Text => scalar.text.clone().into_owned(),
    })
}

/// sigs.k8s.io/yaml writes keys with the precision of a 32-bit float.
#[expect(clippy::cast_possible_truncation, reason = "the loss is what the peer does")]
fn float_key(float: f64) -> String {
    let float = float as f32;
    if float.is_nan() {
        ".nan".to_owned()
    } else if float.is_infinite() {
        if float > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        go_float(&format!("{float:e}"))
    }
}

/// Type of a scalar, by its tag where it has one.
pub(super) fn resolve_scalar(scalar: &Scalar<'_>) -> Result<Resolved, ErrorKind> {
    let text = &*scalar.text;
    if scalar.tag.is_empty() {
        return Ok(if scalar.resolvable { resolve(text, true) } else { Resolved::Text });
    }
    let wanted = scalar.tag.strip_prefix(STANDARD).unwrap_or_default();
    if !matches!(wanted, "bool" | "int" | "float" | "null" | "timestamp") {
        return Ok(Resolved::Text);
    }
    let resolved = resolve(text, wanted == "timestamp");
    match (wanted, resolved) {
        #[expect(clippy::cast_precision_loss, reason = "asked for by the tag, as in the peer")]
        ("float", Resolved::Int(int)) => Ok(Resolved::Float(int as f64)),
        (wanted, resolved) if resolved.tag().strip_prefix("!!") == Some(wanted) => Ok(resolved),
        (wanted, resolved) => Err(ErrorKind::Tag {
            from: resolved.tag(),
            value: text.chars().take(QUOTED_CHARACTERS).collect(),
            tag: format!("!!{wanted}"),
        }),
    }
}

/// A float as JSON text made by Go would be read: whole numbers are integers where they fit.
fn number(float: f64) -> Result<Number, ErrorKind> {
    if float.is_nan() {
        return Err(ErrorKind::Number("NaN"));
    }
    if float.is_infinite() {
        return Err(ErrorKind::Number(if float > 0.0 { "+Inf" } else { "-Inf" }));
    }
    Ok(whole(float).or_else(|| Number::from_f64(float)).unwrap_or_else(|| 0.into()))
}

/// A whole number that JSON text writes with all its digits, as an integer. Not beyond 64 bits.
pub(crate) fn whole(float: f64) -> Option<Number> {
    if float.fract() != 0.0 || float.abs() >= 1e21 {
        return None;
    }
    // Rust's shortest form of a whole float is the one Go writes: digits, then zeros.
    let digits = format!("{float}");
    let int = digits.parse::<i64>().map(Number::from);
    int.or_else(|_| digits.parse::<u64>().map(Number::from)).ok()
}

pub(super) fn is_binary(scalar: &Scalar<'_>) -> bool {
    scalar.tag.strip_prefix(STANDARD) == Some("binary")
}

/// Decodes base64; bytes that are no UTF-8 become U+FFFD one by one, as when Go writes JSON.
pub(super) fn binary_text(text: &str) -> Result<String, ErrorKind> {
    let bytes = decode_base64(text).ok_or(ErrorKind::Binary)?;
    let mut decoded = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Ok(decoded)
}

/// Standard alphabet, padding required, line breaks ignored, as Go's `StdEncoding`.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    let (groups, rest) = digits.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for (i, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|&&b| b == b'=').count();
        if padding > 2 || (padding > 0 && i + 1 < groups.len()) {
            return None;
        }
        let mut bits = 0_u32;
        for &digit in group.iter().take(4 - padding) {
            bits = bits << 6 | u32::from(base64_digit(digit)?);
        }
        bits <<= 6 * padding;
        let [_, a, b, c] = bits.to_be_bytes();
        bytes.extend([a, b, c].iter().take(3 - padding));
    }
    Some(bytes)
}

fn base64_digit(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
