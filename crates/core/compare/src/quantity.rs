//! Quantities and durations, compared exactly and without floating point.

/// More digits than this are no quantity that a server takes.
const MAX_DIGITS: usize = 36;

/// A quantity in a form in which equal ones are identical: `sign × odd × 2^twos × 5^fives`, `odd` having neither factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity {
    negative: bool,
    odd: u128,
    twos: i64,
    fives: i64,
}

/// Reads a Kubernetes quantity: `500m`, `0.5`, `1Gi`, `12e3`, `1k`. `None` where it is none.
pub(crate) fn quantity(text: &str) -> Option<Quantity> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0
        || whole.len() + fraction.len() > MAX_DIGITS
        || fraction.contains('.')
    {
        return None;
    }
    let mut odd = digits(whole)?.checked_mul(10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?)?;
    odd = odd.checked_add(if fraction.is_empty() { 0 } else { digits(fraction)? })?;
    let (tens, mut twos) = exponent(suffix)?;
    let mut fives = tens - i64::try_from(fraction.len()).ok()?;
    twos += fives;
    if odd == 0 {
        return Some(Quantity { negative: false, odd: 0, twos: 0, fives: 0 });
    }
    while odd % 2 == 0 {
        (odd, twos) = (odd / 2, twos + 1);
    }
    while odd % 5 == 0 {
        (odd, fives) = (odd / 5, fives + 1);
    }
    Some(Quantity { negative, odd, twos, fives })
}

fn digits(text: &str) -> Option<u128> {
    if text.is_empty() { Some(0) } else { text.parse().ok() }
}

/// The powers of ten and of two that a suffix stands for.
fn exponent(suffix: &str) -> Option<(i64, i64)> {
    let decimal = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        "Ki" => return Some((0, 10)),
        "Mi" => return Some((0, 20)),
        "Gi" => return Some((0, 30)),
        "Ti" => return Some((0, 40)),
        "Pi" => return Some((0, 50)),
        "Ei" => return Some((0, 60)),
        _ => i64::from(suffix.strip_prefix(['e', 'E'])?.parse::<i16>().ok()?),
    };
    Some((decimal, 0))
}

/// Reads a Go duration into nanoseconds: `90s`, `1m30s`, `1.5h`. `None` where it is none.
pub(crate) fn duration(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at_checked(unit_end)?;
        let nanoseconds: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + fraction.len() == 0
            || whole.len() > 12
            || fraction.len() > 12
            || fraction.contains('.')
        {
            return None;
        }
        let part = |text: &str| digits(text).and_then(|value| i128::try_from(value).ok());
        let scale = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        total += part(whole)? * nanoseconds + part(fraction)? * nanoseconds / scale;
        rest = next;
    }
    Some(if negative { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_equal_by_value() {
        for (a, b, equal) in [
            ("0.5", "500m", true),
            ("1Gi", "1073741824", true),
            ("1024Mi", "1Gi", true),
            ("1000k", "1M", true),
            ("1e3", "1k", true),
            ("12E-3", "12m", true),
            ("1.5Gi", "1536Mi", true),
            ("0", "0Gi", true),
            ("-0", "0", true),
            ("100u", "0.1m", true),
            ("0.1", "100m", true),
            ("1Gi", "1G", false),
            ("-1", "1", false),
            // Closer than a double can tell apart.
            ("9007199254740993", "9007199254740992", false),
            ("0.10000000000000000001", "100m", false),
            ("9Ei", "9223372036854775808k", false),
        ] {
            assert_eq!(quantity(a).unwrap() == quantity(b).unwrap(), equal, "{a} and {b}");
        }
        for text in ["", "m", "1x", "1.2.3", "e3", "1Kii", "nginx", "1 Gi", "1e99999999", &"9".repeat(60)] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_equal_by_value() {
        for (text, nanoseconds) in [
            ("90s", Some(90_000_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("1.5m", Some(90_000_000_000)),
            ("0", Some(0)),
            ("-1h", Some(-3_600_000_000_000)),
            ("250ms", Some(250_000_000)),
            ("5", None),
            ("", None),
            ("s", None),
            ("1d", None),
        ] {
            assert_eq!(duration(text), nanoseconds, "{text}");
        }
    }
}
