//! Numbers as Go prints them.

/// As go-jsonnet prints a number: whole ones without a point, others with 17 digits (`%.17g`).
pub(crate) fn print(number: f64) -> String {
    #[expect(clippy::float_cmp, reason = "whether it is whole")]
    if number == number.floor() { format!("{number:.0}") } else { general(&format!("{number:.16e}"), 17) }
}

/// As Go's `%v` does.
pub(crate) fn shown(number: f64) -> String {
    general(&format!("{number:e}"), 6)
}

/// From `d.ddde-5` to the shorter form that `%g` takes: with an exponent below 1e-4 and from `10^most` on.
fn general(scientific: &str, most: i32) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific.to_owned() };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    let split = |at: usize| (digits.get(..at).unwrap_or(digits), digits.get(at..).unwrap_or_default());
    if exponent < -4 || exponent >= most {
        let (first, rest) = split(1);
        let point = if rest.is_empty() { "" } else { "." };
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}e{direction}{:02}", exponent.abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = usize::try_from(exponent + 1).unwrap_or(1);
    if digits.len() <= whole {
        return format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
    }
    let (before, after) = split(whole);
    format!("{sign}{before}.{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_in_go() {
        // Recorded from go-jsonnet and fmt.
        let rows = [
            (1.0, "1", "1"),
            (-0.5, "-0.5", "-0.5"),
            (0.1, "0.10000000000000001", "0.1"),
            (1e21, "1000000000000000000000", "1e+21"),
            (1.5e-7, "1.4999999999999999e-07", "1.5e-07"),
            (123.25, "123.25", "123.25"),
            (1e12, "1000000000000", "1e+12"),
            (1_114_112.0, "1114112", "1.114112e+06"),
            (100_000.0, "100000", "100000"),
            (0.001, "0.001", "0.001"),
        ];
        for (number, printed, in_messages) in rows {
            assert_eq!(print(number), printed, "{number}");
            assert_eq!(shown(number), in_messages, "{number}");
        }
    }
}
