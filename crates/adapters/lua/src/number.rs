//! Numbers as texts, the way the peer's Lua has them.

/// A whole number prints without a point, up to what 64 bits hold; another one as short as it can be read back, with
/// an exponent below 10^-4 and from 10^6 on.
pub(crate) fn to_text(number: f64) -> String {
    const GREATEST: f64 = 9_223_372_036_854_775_808.0;
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if number.fract() == 0.0 && number.abs() < GREATEST {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        let whole = number as i64;
        return whole.to_string();
    }
    shortest(number)
}

/// A float as Go prints it.
fn shortest(number: f64) -> String {
    let (digits, power) = scientific(&format!("{number:e}"));
    if (-4..6).contains(&power) { format!("{number}") } else { with_exponent(&digits, power) }
}

/// The digits and the power of ten of a number that Rust wrote with an exponent.
pub(crate) fn scientific(text: &str) -> (String, i32) {
    let (digits, power) = text.split_once('e').unwrap_or((text, "0"));
    (digits.to_owned(), power.parse().unwrap_or_default())
}

/// The form of C and Go, which has a sign and at least two digits of the exponent.
pub(crate) fn with_exponent(digits: &str, power: i32) -> String {
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.unsigned_abs())
}

/// Reads a number the way the peer's `tonumber` does: with a point it is a float, without one whole digits of the
/// base, so that `1e2` is none.
pub(crate) fn parse(text: &str, base: Option<u32>) -> Option<f64> {
    let text = text.trim_matches([' ', '\n', '\t']);
    if text.contains('.') {
        let known = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
        return if text.bytes().all(known) { text.parse().ok() } else { None };
    }
    match (base, text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))) {
        (None, Some(digits)) => whole(digits, 16),
        (base, _) => whole(text, base.unwrap_or(10)),
    }
}

/// Reads digits of a base from 2 to 36.
#[expect(clippy::cast_precision_loss, reason = "Lua's numbers are floats")]
fn whole(digits: &str, base: u32) -> Option<f64> {
    if !(2..=36).contains(&base) {
        return None;
    }
    i64::from_str_radix(digits, base).ok().map(|number| number as f64)
}
