//! Numbers as Go's `strconv` reads and writes them.

use super::Resolved;

/// Reads what starts with a digit or a sign. Underscores count for nothing.
pub(super) fn parse_number(text: &str) -> Resolved {
    let plain: std::borrow::Cow<'_, str> =
        if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if let Some(int) = parse_int(&plain) {
        return int;
    }
    if is_float(&plain)
        && let Some(float) = parse_float(&plain)
    {
        return Resolved::Float(float);
    }
    // An oddity of the library: the sign of a binary number may follow the prefix.
    match plain.strip_prefix("0b").map(|digits| i64::from_str_radix(digits, 2)) {
        Some(Ok(int)) => Resolved::Int(int),
        _ => Resolved::Text,
    }
}

/// As `strconv.ParseInt` and then `ParseUint` with base 0: `0x`, `0o`, `0b`, a leading zero for octal.
fn parse_int(text: &str) -> Option<Resolved> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, text.get(1..)?),
        b'+' => (false, true, text.get(1..)?),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    // Rust would take a second sign.
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(magnitude).map(Resolved::Int);
    }
    match i64::try_from(magnitude) {
        Ok(int) => Some(Resolved::Int(int)),
        // Go's unsigned numbers have no sign, not even a plus.
        Err(_) if signed => None,
        Err(_) => Some(Resolved::Uint(magnitude)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

/// Reads what starts with a point. Here an underscore must stand between digits.
pub(super) fn parse_fraction(text: &str) -> Option<f64> {
    if !text.contains('_') {
        return parse_float(text);
    }
    let between_digits = |three: &[u8]| {
        three.get(1) != Some(&b'_') || (three[0].is_ascii_digit() && three[2].is_ascii_digit())
    };
    let fits = !text.ends_with('_') && text.as_bytes().windows(3).all(between_digits);
    if fits { parse_float(&text.replace('_', "")) } else { None }
}

/// Reads a decimal number; what is too large for a float is none, so that `1e999` stays text.
fn parse_float(text: &str) -> Option<f64> {
    if !is_float(text) {
        return None;
    }
    text.parse::<f64>().ok().filter(|float| float.is_finite())
}

/// Writes a float as Go's `%g` with the fewest digits does: `0.1`, `1e+21`, `1.234567e+06`.
/// `digits` is the number in Rust's shortest `{:e}` form.
pub(crate) fn go_float(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let Some((mantissa, exponent)) = digits.split_once('e') else { return format!("{sign}{digits}") };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let all: String = mantissa.chars().filter(|&c| c != '.').collect();
    if !(-4..6).contains(&exponent) {
        let sign_of_exponent = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{sign_of_exponent}{:02}", exponent.abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or_default());
        return format!("{sign}0.{zeros}{all}");
    }
    let whole = usize::try_from(exponent + 1).unwrap_or_default();
    if all.len() <= whole {
        return format!("{sign}{all}{}", "0".repeat(whole - all.len()));
    }
    let (before, behind) = all.split_at_checked(whole).unwrap_or((all.as_str(), ""));
    format!("{sign}{before}.{behind}")
}
