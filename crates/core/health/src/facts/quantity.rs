//! Quantities in thousandths.

/// The thousandths of a Kubernetes quantity, rounded up as Go's `MilliValue` does: `250m` is 250, `1Gi` is 1073741824000. `None` where
/// it is none, or too large for 64 bits.
pub fn milli(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || number.len() > 24 {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (tens, twos) = exponents(suffix)?;
    // In thousandths.
    let tens = tens + 3 - i32::try_from(fraction.len()).ok()?;
    let scaled = digits.checked_mul(2i128.checked_pow(twos)?)?;
    let power = 10i128.checked_pow(tens.unsigned_abs())?;
    let value = if tens >= 0 { scaled.checked_mul(power)? } else { (scaled + power - 1) / power };
    let value = i64::try_from(value).ok()?;
    Some(if text.starts_with('-') { -value } else { value })
}

/// The powers of ten and of two that a suffix stands for.
fn exponents(suffix: &str) -> Option<(i32, u32)> {
    Some(match suffix {
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "" => (0, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => (suffix.strip_prefix(['e', 'E'])?.parse().ok().filter(|power| (-30..=30).contains(power))?, 0),
    })
}
