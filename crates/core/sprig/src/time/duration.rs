//! Durations: nanoseconds in 64 bits.

use crate::show;

const SECOND: u64 = 1_000_000_000;

/// `Duration.String`: `1h15m30.5s`, `1.5ms`, `0s`.
pub(crate) fn text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let part = |whole: u64, fraction: u64, digits: usize| {
        let fraction = format!("{fraction:0digits$}");
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
    };
    match nanos {
        0 => "0s".into(),
        1..1_000 => format!("{sign}{nanos}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", part(nanos / 1_000, nanos % 1_000, 3)),
        1_000_000..SECOND => format!("{sign}{}ms", part(nanos / 1_000_000, nanos % 1_000_000, 6)),
        _ => {
            let seconds = nanos / SECOND;
            let text = format!("{}s", part(seconds % 60, nanos % SECOND, 9));
            match (seconds / 3600, seconds / 60 % 60) {
                (0, 0) => format!("{sign}{text}"),
                (0, minutes) => format!("{sign}{minutes}m{text}"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{text}"),
            }
        }
    }
}

/// `Duration.Round`, half away from zero.
pub(crate) fn rounded(nanos: i64, to: i64) -> i64 {
    let rest = nanos % to;
    let down = nanos - rest;
    if rest.unsigned_abs() * 2 < to.unsigned_abs() {
        return down;
    }
    down.saturating_add(if nanos < 0 { -to } else { to })
}

/// `time.ParseDuration`: `1m30s`, `1.5h`, `-250ms`, in nanoseconds. **Errors**: Go's text.
pub fn parse(text: &str) -> Result<i64, String> {
    let quoted = show::quoted_ascii(text.as_bytes());
    let invalid = || format!("time: invalid duration {quoted}");
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let split = |text: &'_ str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (whole, after) = rest.split_at(split(rest));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(split(after)),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {quoted}"));
        }
        let size = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => {
                let unit = show::quoted_ascii(unit.as_bytes());
                return Err(format!("time: unknown unit {unit} in duration {quoted}"));
            }
        };
        let part = whole.checked_mul(size).and_then(|whole| whole.checked_add(share(fraction, size)));
        total = part
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= 1 << 63)
            .ok_or_else(invalid)?;
        rest = after;
    }
    match negative {
        true => 0_i64.checked_sub_unsigned(total).ok_or_else(invalid),
        false => i64::try_from(total).map_err(|_| invalid()),
    }
}

/// A fraction of a unit.
#[expect(clippy::cast_precision_loss, reason = "as Go computes")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the unit")]
fn share(digits: &str, unit: u64) -> u64 {
    let digits = digits.get(..18).unwrap_or(digits);
    let Ok(value) = digits.parse::<u64>() else { return 0 };
    let scale = 10_f64.powi(i32::try_from(digits.len()).unwrap_or(0));
    (value as f64 * (unit as f64 / scale)) as u64
}
