//! Durations as Go writes them.

use std::time::Duration;

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no duration: {reason} (a duration is written like 30s, 5m or 1h30m)")]
pub struct DurationError {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// Most bytes of a duration's text.
const LONGEST_TEXT: usize = 128;

/// Reads a duration.
///
/// **Shape**: `1h30m`, `1.5s`, `300ms`, `0`; a plain whole number is seconds, as in the retry backoff and the
/// settings of the peer. **Units**: h, m, s, ms, us, µs, ns. **Errors**: a negative one, an unknown unit, more than
/// 292 years (Go's own limit). **Source**: Go's `time.ParseDuration`; the seconds are the peer's addition.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let fail = |reason| DurationError { text: text.chars().take(LONGEST_TEXT).collect(), reason };
    if text.len() > LONGEST_TEXT {
        return Err(fail("it is too long"));
    }
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(fail("it is empty"));
    }
    if trimmed.starts_with('-') {
        return Err(fail("it is negative"));
    }
    let mut rest = trimmed.strip_prefix('+').unwrap_or(trimmed);
    let mut nanos: u128 = 0;
    if rest.bytes().all(|b| b.is_ascii_digit()) && !rest.is_empty() {
        nanos = rest
            .parse::<u128>()
            .ok()
            .and_then(|s| s.checked_mul(NANOS_PER_SECOND))
            .ok_or_else(|| fail("it is too long"))?;
        rest = "";
    }
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(fail("a number is missing"));
        }
        let unit_end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let unit: u128 = match unit {
            "h" => 3_600 * NANOS_PER_SECOND,
            "m" => 60 * NANOS_PER_SECOND,
            "s" => NANOS_PER_SECOND,
            "ms" => 1_000_000,
            "us" | "µs" | "μs" => 1_000,
            "ns" => 1,
            "" => return Err(fail("a unit is missing")),
            _ => return Err(fail("the unit is unknown")),
        };
        let part = in_unit(whole, fraction, unit).ok_or_else(|| fail("it is too long"))?;
        nanos = nanos.checked_add(part).ok_or_else(|| fail("it is too long"))?;
        rest = after;
    }
    match u64::try_from(nanos) {
        Ok(nanos) if i64::try_from(nanos).is_ok() => Ok(Duration::from_nanos(nanos)),
        _ => Err(fail("it is too long")),
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Digits beyond a nanosecond are dropped, as in Go.
fn in_unit(whole: &str, fraction: &str, unit: u128) -> Option<u128> {
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = whole.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanos = nanos.checked_add(u128::from(digit - b'0') * place)?;
    }
    Some(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads_and_plain_seconds() {
        for (text, millis) in [
            ("5s", 5_000),
            ("3m", 180_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("300ms", 300),
            ("2us", 0),
            ("0", 0),
            ("0s", 0),
            ("180", 180_000),
            ("+1m", 60_000),
            (" 90s ", 90_000),
        ] {
            assert_eq!(parse_duration(text).map(|d| d.as_millis()), Ok(millis), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_with_a_reason() {
        for (text, reason) in [
            ("", "it is empty"),
            ("-5s", "it is negative"),
            ("5x", "the unit is unknown"),
            ("5d", "the unit is unknown"),
            ("s", "a number is missing"),
            ("1h30", "a unit is missing"),
            ("five minutes", "a number is missing"),
            ("3000000h", "it is too long"),
            ("99999999999999999999999999999999999999999", "it is too long"),
        ] {
            assert_eq!(parse_duration(text).map_err(|e| e.reason), Err(reason), "{text}");
        }
    }
}
