//! Texts.

use super::{Given, Native, Result, count, integer, size};
use crate::error::Fault;
use crate::machine::{Machine, wrong_type};
use crate::text::Text;
use crate::value::{Lazy, Value};

const STR: &[(&str, bool)] = &[("str", true)];
const AB: &[(&str, bool)] = &[("a", true), ("b", true)];
const CHARS: &[(&str, bool)] = &[("str", true), ("chars", true)];
const LIMITED: &[(&str, bool)] = &[("str", true), ("c", true), ("maxsplits", true)];

pub(super) static TABLE: &[Native] = &[
    Native { name: "substr", parameters: &[("str", true), ("from", true), ("len", true)], run: substr },
    Native {
        name: "startsWith",
        parameters: AB,
        run: |machine, given| affix(machine, given, |a, b| a.starts_with(b)),
    },
    Native {
        name: "endsWith",
        parameters: AB,
        run: |machine, given| affix(machine, given, |a, b| a.ends_with(b)),
    },
    Native { name: "stringChars", parameters: STR, run: chars },
    Native { name: "split", parameters: &[("str", true), ("c", true)], run: split },
    Native {
        name: "splitLimit",
        parameters: LIMITED,
        run: |machine, given| split_limit(machine, given, false),
    },
    Native {
        name: "splitLimitR",
        parameters: LIMITED,
        run: |machine, given| split_limit(machine, given, true),
    },
    Native { name: "strReplace", parameters: &[("str", true), ("from", true), ("to", true)], run: replace },
    Native {
        name: "isEmpty",
        parameters: STR,
        run: |machine, given| Ok(Value::Bool(given.text(machine, 0)?.as_str().is_empty())),
    },
    Native { name: "trim", parameters: STR, run: trim },
    Native {
        name: "lstripChars",
        parameters: CHARS,
        run: |machine, given| strip(machine, given, true, false),
    },
    Native {
        name: "rstripChars",
        parameters: CHARS,
        run: |machine, given| strip(machine, given, false, true),
    },
    Native { name: "stripChars", parameters: CHARS, run: |machine, given| strip(machine, given, true, true) },
    Native {
        name: "asciiLower",
        parameters: STR,
        run: |machine, given| cased(machine, given, str::to_ascii_lowercase),
    },
    Native {
        name: "asciiUpper",
        parameters: STR,
        run: |machine, given| cased(machine, given, str::to_ascii_uppercase),
    },
    Native { name: "findSubstr", parameters: &[("pat", true), ("str", true)], run: find },
    Native { name: "equalsIgnoreCase", parameters: &[("str1", true), ("str2", true)], run: same_folded },
    Native { name: "char", parameters: &[("n", true)], run: char_of },
    Native { name: "codepoint", parameters: STR, run: codepoint },
    Native { name: "toString", parameters: &[("a", true)], run: to_string },
    Native { name: "parseInt", parameters: STR, run: parse_int },
    Native {
        name: "parseOctal",
        parameters: STR,
        run: |machine, given| parse_radix(machine, given, 8, "octal"),
    },
    Native {
        name: "parseHex",
        parameters: STR,
        run: |machine, given| parse_radix(machine, given, 16, "hexadecimal"),
    },
    Native { name: "parseJson", parameters: STR, run: parse_json },
    Native { name: "parseYaml", parameters: STR, run: parse_yaml },
    Native { name: "format", parameters: &[("str", true), ("vals", true)], run: format_native },
];

fn format_native(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let template = given.text(machine, 0)?;
    let values = given.value(machine, 1)?;
    super::format(machine, template.as_str(), &values)
}

fn substr(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let fault = |which: &str, what: &str, got: &str| {
        Err(Fault::runtime(format!("substr {which} parameter should be {what}, got {got}")))
    };
    let (text, from, length) = (given.value(machine, 0)?, given.value(machine, 1)?, given.value(machine, 2)?);
    let Value::Text(text) = text else { return fault("first", "a string", text.type_name()) };
    let Value::Number(from) = from else { return fault("second", "a number", from.type_name()) };
    if from.fract() != 0.0 {
        return fault("second", "an integer", &format!("{from:.6}"));
    }
    if from < 0.0 {
        return fault("second", "greater than zero", &format!("{from:.6}"));
    }
    let Value::Number(whole) = length else { return fault("third", "a number", length.type_name()) };
    let Ok(length) = integer(&length) else { return fault("third", "an integer", &format!("{whole:.6}")) };
    if length < 0 {
        return fault("third", "greater than zero", &length.to_string());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be whole and positive"
    )]
    let from = from.min(1e15) as usize;
    machine.make_text(text.slice(from, from + size(length)).to_owned())
}

fn affix(machine: &mut Machine<'_>, given: &Given<'_>, test: fn(&str, &str) -> bool) -> Result<Value> {
    let (text, part) = (measured(machine, given, 0)?, measured(machine, given, 1)?);
    Ok(Value::Bool(test(text.as_str(), part.as_str())))
}

/// A text, which the peer takes the length of first.
fn measured(machine: &mut Machine<'_>, given: &Given<'_>, at: usize) -> Result<Text> {
    match given.value(machine, at)? {
        Value::Text(text) => Ok(text),
        other => Err(Fault::runtime(format!("Unexpected type {}", other.type_name()))),
    }
}

fn texts<'a>(machine: &mut Machine<'_>, parts: impl Iterator<Item = &'a str>) -> Result<Value> {
    let mut found = Vec::new();
    for part in parts {
        machine.room_for_items(2)?;
        found.push(Lazy::done(machine.make_text(part.to_owned())?));
    }
    Ok(Value::array(found))
}

fn chars(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let text = given.text(machine, 0)?;
    texts(
        machine,
        (0..).zip(text.as_str().chars()).scan(0, |at, (_, c)| {
            let from = *at;
            *at += c.len_utf8();
            text.as_str().get(from..*at)
        }),
    )
}

fn checked_text(
    machine: &mut Machine<'_>,
    given: &Given<'_>,
    at: usize,
    name: &str,
    which: &str,
) -> Result<Text> {
    match given.value(machine, at)? {
        Value::Text(text) => Ok(text),
        other => {
            let got = other.type_name();
            Err(Fault::runtime(format!("{name} {which} parameter must be a String, got {got}")))
        }
    }
}

fn split(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let text = checked_text(machine, given, 0, "std.split", "first")?;
    let separator = checked_text(machine, given, 1, "std.split", "second")?;
    if separator.as_str().is_empty() {
        return Err(Fault::runtime("std.split second parameter must have length 1 or greater, got 0"));
    }
    texts(machine, text.as_str().split(separator.as_str()))
}

fn split_limit(machine: &mut Machine<'_>, given: &Given<'_>, from_right: bool) -> Result<Value> {
    let name = if from_right { "std.splitLimitR" } else { "std.splitLimit" };
    let (text, separator) = (given.text(machine, 0)?, given.text(machine, 1)?);
    let most = given.integer(machine, 2)?;
    if most < -1 {
        return Err(Fault::runtime(format!(
            "{name} third parameter should be -1 or non-negative, got {most}"
        )));
    }
    let (text, separator) = (text.as_str(), separator.as_str());
    if separator.is_empty() {
        return Err(Fault::runtime(format!(
            "{name} second parameter should have length 1 or greater, got 0"
        )));
    }
    let parts = if most == -1 { usize::MAX } else { size(most) + 1 };
    if from_right {
        let mut found: Vec<&str> = text.rsplitn(parts, separator).collect();
        found.reverse();
        return texts(machine, found.into_iter());
    }
    texts(machine, text.splitn(parts, separator))
}

fn replace(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let (text, from, to) = (given.text(machine, 0)?, given.text(machine, 1)?, given.text(machine, 2)?);
    if from.as_str().is_empty() {
        return Err(Fault::runtime("'from' string must not be zero length."));
    }
    let found = text.as_str().matches(from.as_str()).count();
    machine.room_for_text(text.as_str().len().saturating_add(found.saturating_mul(to.as_str().len())))?;
    machine.make_text(text.as_str().replace(from.as_str(), to.as_str()))
}

fn trim(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let text = given.text(machine, 0)?;
    machine.make_text(text.as_str().trim().to_owned())
}

fn strip(machine: &mut Machine<'_>, given: &Given<'_>, left: bool, right: bool) -> Result<Value> {
    let text = match given.value(machine, 0)? {
        Value::Text(text) => text,
        other => {
            return Err(Fault::runtime(format!("Unexpected type {}, expected string", other.type_name())));
        }
    };
    if text.as_str().is_empty() {
        return Ok(Value::Text(text));
    }
    let mut strips: Vec<String> = Vec::new();
    match given.value(machine, 1)? {
        Value::Text(chars) => strips.extend(chars.as_str().chars().map(String::from)),
        Value::Array(list) => {
            for item in &list.items {
                if let Value::Text(item) = machine.force(item)? {
                    strips.push(item.as_str().to_owned());
                }
            }
        }
        _ => return Err(Fault::runtime("std.member first argument must be an array or a string")),
    }
    machine.step(text.as_str().len() as u64)?;
    let is_stripped = |c: char| strips.iter().any(|strip| strip.chars().eq([c]));
    let mut rest = text.as_str();
    if left {
        rest = rest.trim_start_matches(is_stripped);
    }
    if right {
        rest = rest.trim_end_matches(is_stripped);
    }
    machine.make_text(rest.to_owned())
}

fn cased(machine: &mut Machine<'_>, given: &Given<'_>, change: fn(&str) -> String) -> Result<Value> {
    let text = measured(machine, given, 0)?;
    machine.make_text(change(text.as_str()))
}

fn find(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let mut text = |at: usize, which: &str| match given.value(machine, at)? {
        Value::Text(text) => Ok(text),
        other => {
            let got = other.type_name();
            Err(Fault::runtime(format!("findSubstr {which} parameter should be a string, got {got}")))
        }
    };
    let (pattern, text) = (text(0, "first")?, text(1, "second")?);
    let (pattern, text) = (pattern.as_str(), text.as_str());
    if pattern.is_empty() {
        return Ok(Value::array(Vec::new()));
    }
    machine.step(text.len() as u64 * (1 + pattern.len() as u64 / 64))?;
    let mut found = Vec::new();
    for (place, (at, _)) in text.char_indices().enumerate() {
        if text.get(at..).is_some_and(|rest| rest.starts_with(pattern)) {
            machine.room_for_items(1)?;
            found.push(Lazy::done(count(place)));
        }
    }
    Ok(Value::array(found))
}

fn same_folded(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let (left, right) = (given.text(machine, 0)?, given.text(machine, 1)?);
    let folded = |text: &Text| text.as_str().to_lowercase();
    Ok(Value::Bool(folded(&left) == folded(&right)))
}

fn char_of(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let number = given.number(machine, 0)?;
    let shown = crate::number::shown(number);
    if number > 1_114_111.0 {
        return Err(Fault::runtime(format!("Invalid unicode codepoint, got {shown}")));
    }
    if number < 0.0 {
        return Err(Fault::runtime(format!("Codepoints must be >= 0, got {shown}")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    let point = number as u32;
    machine.make_text(char::from_u32(point).unwrap_or('\u{fffd}').to_string())
}

fn codepoint(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let text = given.text(machine, 0)?;
    let mut chars = text.as_str().chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Ok(Value::Number(f64::from(u32::from(only)))),
        _ => {
            let length = text.length();
            Err(Fault::runtime(format!("codepoint takes a string of length 1, got length {length}")))
        }
    }
}

fn to_string(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let value = given.value(machine, 0)?;
    machine.show(&value).map(Value::Text)
}

fn parse_int(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let text = given.text(machine, 0)?;
    match text.as_str().parse::<i64>() {
        #[expect(clippy::cast_precision_loss, reason = "as the peer's float64")]
        Ok(number) => Ok(Value::Number(number as f64)),
        Err(_) => Err(Fault::runtime(format!("{} is not a base 10 integer", text.as_str()))),
    }
}

fn parse_radix(machine: &mut Machine<'_>, given: &Given<'_>, radix: u32, name: &str) -> Result<Value> {
    let text = given.text(machine, 0)?;
    if text.as_str().is_empty() {
        return Err(Fault::runtime(format!("Not an integer: {:?}", text.as_str())));
    }
    let mut number = 0.0;
    for c in text.as_str().chars() {
        let Some(digit) = c.to_digit(radix) else {
            return Err(Fault::runtime(format!("{} is not a base {radix} integer", text.as_str())));
        };
        number = number * f64::from(radix) + f64::from(digit);
    }
    machine.step(1)?;
    if f64::is_infinite(number) {
        return Err(Fault::runtime(format!("{name} number is too large")));
    }
    Ok(Value::Number(number))
}

fn parse_json(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let text = given.text(machine, 0)?;
    machine.room_for_text(text.as_str().len().saturating_mul(8))?;
    match serde_json::from_str(text.as_str()) {
        Ok(json) => machine.json_to_value(&json),
        Err(problem) => Err(Fault::runtime(format!("failed to parse JSON: {problem}"))),
    }
}

/// A stream (there is a line `---`) is a list of its documents, else it is the one document.
fn parse_yaml(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let text = given.text(machine, 0)?;
    machine.room_for_text(text.as_str().len().saturating_mul(8))?;
    let stream = text.as_str().lines().any(|line| line.trim_end() == "---");
    let documents = goyaml::parse_all(text.as_str().as_bytes(), &goyaml::Limits::default())
        .map_err(|problem| Fault::runtime(format!("failed to parse YAML: {problem}")))?;
    let mut values = Vec::new();
    for document in &documents {
        values.push(machine.json_to_value(&document.value)?);
    }
    if stream {
        return Ok(Value::array(values.into_iter().map(Lazy::done).collect()));
    }
    match values.into_iter().next() {
        Some(value) => Ok(value),
        None if text.as_str().is_empty() => Err(wrong_type(&Value::Null, "YAML")),
        None => Ok(Value::Null),
    }
}
