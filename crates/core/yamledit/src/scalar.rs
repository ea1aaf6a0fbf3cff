//! Scalars as text: which quotes a string needs.

use goyaml::{Limits, Style};
use serde_json::Value;

/// Where a scalar stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Around {
    /// Among lines, where indentation says what belongs to what.
    Block,
    /// In brackets.
    Flow,
    /// In brackets, all strings in double quotes.
    Json,
}

/// Whether readers of YAML 1.1 and of 1.2 both read these words, without quotes and outside of brackets, as the string that they are.
///
/// **Shape**: false for what either takes for a number, a truth value, null, a date, a time to base 60, a merge or `=`, and for what the
/// syntax takes for something else.
/// **Source**: the resolution rules of YAML 1.1 (types repository) and 1.2 (core schema), and what Go's yaml.v2 and yaml.v3 make of them.
pub fn plain_is_safe(text: &str) -> bool {
    is_plain(text, false) && !looks_typed(text)
}

/// Writes a scalar on one line. `style` is that of the scalar in whose place it comes.
pub(crate) fn inline(value: &Value, style: Style, around: Around) -> String {
    match value {
        Value::String(text) => string(text, style, around),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        // `Value` displays as JSON, which is YAML.
        other => other.to_string(),
    }
}

/// Writes a string on one line, in the wanted style where that can say it.
pub(crate) fn string(text: &str, style: Style, around: Around) -> String {
    let plain = is_plain(text, around == Around::Flow) && !looks_typed(text);
    let single = text.chars().all(|c| is_printable(c) && !is_break(c));
    match style {
        _ if around == Around::Json => json(text),
        Style::DoubleQuoted => double_quoted(text),
        Style::SingleQuoted if single => single_quoted(text),
        Style::SingleQuoted => double_quoted(text),
        _ if plain => text.to_owned(),
        _ if single && text.contains(['"', '\\']) => single_quoted(text),
        _ => double_quoted(text),
    }
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn json(text: &str) -> String {
    Value::from(text).to_string()
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) && !is_break(c) => out.push(c),
            c if u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// Whether a text can stand without quotes, whatever it means then.
fn is_plain(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let second_is_word = text.chars().nth(1).is_some_and(|c| !matches!(c, ' ' | '\t'));
    let starts = match first {
        '-' => second_is_word && !text.starts_with("---"),
        '?' | ':' | ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
        | '@' | '`' => false,
        _ => !text.starts_with("..."),
    };
    starts
        && text.chars().all(|c| is_printable(c) && !is_break(c))
        && !text.starts_with(' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        // Some readers end a scalar in brackets at any of these.
        && !(flow && text.contains([',', '[', ']', '{', '}', ':', '?', '#']))
}

/// Whether some reader takes the words for something else than a string.
fn looks_typed(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "y", "n", "yes", "no", "true", "false", "on", "off", "null", "~", "=", "<<", ".inf", "+.inf",
        "-.inf", ".nan",
    ];
    let limits = Limits::default();
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        || is_number(text)
        || is_date(text)
        // Dots, digits and signs cover what is left of YAML 1.1: `1.`, `0x_`.
        || text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'_' | b'.' | b'+' | b'-' | b':')) && is_number_like(text)
        || !matches!(goyaml::parse_one(text.as_bytes(), &limits), Ok(Value::String(read)) if read == text)
}

/// Integers to any base, floats, and both to base 60, with YAML 1.1's underscores.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    let based = |prefix: &str, digits: &str| {
        lower
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c == '_' || digits.contains(c)))
    };
    if based("0x", "0123456789abcdef") || based("0o", "01234567") || based("0b", "01") {
        return true;
    }
    let (mantissa, exponent) = lower.split_once('e').map_or((lower.as_str(), None), |(m, e)| (m, Some(e)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    let is_mantissa = mantissa.bytes().any(|byte| byte.is_ascii_digit())
        && mantissa.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.'))
        && mantissa.matches('.').count() <= 1;
    (is_mantissa && exponent_fits) || is_base60(unsigned)
}

fn is_base60(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let word =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    whole.contains(':')
        && parts.next().is_some_and(word)
        && parts.all(|part| word(part) && part.len() <= 2)
        && fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

/// Two dots make a version, not a number; one or none makes what a lenient reader may take for one.
fn is_number_like(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    unsigned.matches('.').count() <= 1 && !unsigned.contains(['-', '+'])
}

/// A date, alone or before a time.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, least: usize, most: usize| {
        part.is_some_and(|part| {
            (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    digits(parts.next(), 4, 4) && digits(parts.next(), 1, 2) && {
        let rest = parts.next().unwrap_or_default();
        let day = rest.bytes().take_while(u8::is_ascii_digit).count();
        (1..=2).contains(&day)
            && rest.get(day..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['t', 'T', ' ', '\t']))
    }
}

#[cfg(test)]
mod tests;
