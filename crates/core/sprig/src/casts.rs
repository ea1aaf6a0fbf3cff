//! Numbers from whatever a template has, as spf13/cast 1.7 makes them: what cannot be read is 0.

use gotemplate::Value;

/// As `cast.ToInt64`, and on 64-bit machines `cast.ToInt`.
pub(crate) fn int(value: &Value) -> i64 {
    match value {
        Value::Int(_, number) => *number,
        Value::Uint(_, number) => number.cast_signed(),
        Value::Float(_, number) => truncated(*number),
        Value::Bool(truth) => i64::from(*truth),
        Value::String(text) => {
            text.as_str().and_then(|text| parse_int(without_zero_decimals(text), 0)).unwrap_or(0)
        }
        _ => 0,
    }
}

/// As `cast.ToFloat64`.
#[expect(clippy::cast_precision_loss, reason = "as Go converts")]
pub(crate) fn float(value: &Value) -> f64 {
    match value {
        Value::Int(_, number) => *number as f64,
        Value::Uint(_, number) => *number as f64,
        Value::Float(_, number) => *number,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::String(text) => text.as_str().and_then(parse_float).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// A float to an integer as amd64 does it: what does not fit is the smallest.
#[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
pub(crate) fn truncated(number: f64) -> i64 {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if (-END..END).contains(&number) { number as i64 } else { i64::MIN }
}

/// `1.00` is read as 1.
fn without_zero_decimals(text: &str) -> &str {
    let bare = text.trim_end_matches('0');
    match bare.strip_suffix('.') {
        Some(whole) if bare.len() < text.len() => whole,
        _ => text,
    }
}

/// `strconv.ParseInt` of 64 bits; base 0 takes Go's prefixes and underscores.
pub(crate) fn parse_int(text: &str, base: u32) -> Option<i64> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (digits, radix, underscores) = if base == 0 { prefixed(rest) } else { (rest, base, false) };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let clean;
    let digits = if underscores && digits.contains('_') {
        // One between digits, or behind the prefix.
        let behind_prefix = digits.len() < rest.len() && radix != 10;
        let lone = |part: &str| part.is_empty();
        let parts: Vec<&str> = digits.split('_').collect();
        let first_is_fine = behind_prefix || parts.first().is_some_and(|part| !part.is_empty());
        if !first_is_fine || parts.iter().skip(1).any(|part| lone(part)) {
            return None;
        }
        clean = parts.concat();
        clean.as_str()
    } else {
        digits
    };
    let number = u64::from_str_radix(digits, radix).ok()?;
    match negative {
        true => 0_i64.checked_sub_unsigned(number),
        false => i64::try_from(number).ok(),
    }
}

fn prefixed(text: &str) -> (&str, u32, bool) {
    let lower = text.get(..2).unwrap_or_default().to_ascii_lowercase();
    let after = |n: usize| text.get(n..).unwrap_or_default();
    match lower.as_str() {
        "0x" => (after(2), 16, true),
        "0b" => (after(2), 2, true),
        "0o" => (after(2), 8, true),
        _ if text.len() > 1 && text.starts_with('0') => (after(1), 8, true),
        _ => (text, 10, true),
    }
}

/// `strconv.ParseFloat` of 64 bits; `None` also for what is too large.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        return parse_hex_float(unsigned.get(2..)?)
            .map(|number| if text.starts_with('-') { -number } else { number });
    }
    let lone = |part: &str| {
        !part.starts_with(|c: char| c.is_ascii_digit()) || !part.ends_with(|c: char| c.is_ascii_digit())
    };
    let number: f64 = match unsigned.contains('_') {
        // One between two digits.
        true if unsigned.split('_').any(lone) => return None,
        true => text.replace('_', "").parse().ok()?,
        false => text.parse().ok()?,
    };
    (number.is_finite() || unsigned.starts_with(['i', 'I', 'n', 'N'])).then_some(number)
}

/// `1.8p-3`, where the exponent must be.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}").replace('_', "");
    if digits.is_empty() || digits.len() > 13 {
        return None;
    }
    let bits = u64::from_str_radix(&digits, 16).ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 52 bits")]
    let number = bits as f64 * 2_f64.powi(shift);
    number.is_finite().then_some(number)
}

/// As Sprig's `empty`: nil, false, 0, and what has no length.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => !object.truth(),
        _ => !value.truth(),
    }
}
