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

/// Writes a float as Go's `%g` does: `0.1`, `1e+21`, `1.234567e+06`. `decimal` is the number in decimal, with or without exponent, in the
/// fewest digits that mean it.
pub(crate) fn go_float(decimal: &str) -> String {
    let (sign, unsigned) = decimal.strip_prefix('-').map_or(("", decimal), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let leading = digits.bytes().take_while(|&b| b == b'0').count();
    let digits = digits.trim_matches('0');
    if digits.is_empty() {
        return format!("{sign}0");
    }
    let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    // Of the first digit, as in scientific notation.
    let exponent = exponent.parse().unwrap_or(0_i64) + signed(whole.len()) - signed(leading) - 1;
    if !(-4..6).contains(&exponent) {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
        let point = if rest.is_empty() { "" } else { "." };
        let sign_of_exponent = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}e{sign_of_exponent}{:02}", exponent.abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or_default());
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = usize::try_from(exponent + 1).unwrap_or_default();
    match digits.split_at_checked(whole) {
        Some((before, behind)) if !behind.is_empty() => format!("{sign}{before}.{behind}"),
        _ => format!("{sign}{digits}{}", "0".repeat(whole - digits.len())),
    }
}
