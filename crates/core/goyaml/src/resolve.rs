//! Which type a scalar has, by its words: YAML 1.1 as yaml.v2 understands it.

mod number;
mod timestamp;

pub(crate) use number::go_float;
use number::{parse_fraction, parse_number};
use timestamp::is_timestamp;
pub(crate) use timestamp::rfc3339;

/// What a scalar turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    /// Beyond [`i64::MAX`] only.
    Uint(u64),
    /// May be infinite or no number.
    Float(f64),
    /// As it is written; it stays text.
    Timestamp,
    Text,
}

impl Resolved {
    /// Go's short tag for it.
    pub(crate) fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Text => "!!str",
        }
    }
}

/// Resolves a scalar by its words alone. `timestamps` is false where an explicit tag asks for another type.
pub(crate) fn resolve(text: &str, timestamps: bool) -> Resolved {
    // The first byte tells what is worth a look.
    let Some(&first) = text.as_bytes().first() else { return Resolved::Null };
    if !matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.' | b'~') && !first.is_ascii_alphabetic() {
        return Resolved::Text;
    }
    if let Some(known) = resolve_word(text) {
        return known;
    }
    match first {
        b'.' => parse_fraction(text).map_or(Resolved::Text, Resolved::Float),
        b'0'..=b'9' if timestamps && is_timestamp(text) => Resolved::Timestamp,
        b'0'..=b'9' | b'+' | b'-' => parse_number(text),
        _ => Resolved::Text,
    }
}

fn resolve_word(text: &str) -> Option<Resolved> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// Whether a text is a truth value in YAML 1.1 alone.
pub(crate) fn is_word_of_old(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// Whether a text is a number to base 60 (`1:30`), which YAML 1.1 has and Go's library does not read, but quotes on the way out.
pub(crate) fn is_base60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit())
        || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    {
        return false;
    }
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    let sixty = |part: &str| match part.as_bytes() {
        [unit] => unit.is_ascii_digit(),
        [ten, unit] => (b'0'..=b'5').contains(ten) && unit.is_ascii_digit(),
        _ => false,
    };
    middle.iter().all(|part| sixty(part))
        && sixty(last)
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}
