//! `strconv.FormatFloat`.

use crate::value::FloatKind;

/// No finite float has more digits than this behind the point, or in front of it; what is asked for beyond are zeros.
const MOST_DIGITS: usize = 1_100;

/// A float's text.
///
/// **Shape**: as `strconv.FormatFloat`: `form` is one of `b e E f g G x X`; `precision` is digits behind the point, for `g` significant
/// digits, `None` for the fewest that read back as the same float. Infinities are `+Inf` and `-Inf`.
/// **Source**: Go 1.26, `strconv/ftoa.go`.
#[must_use]
pub fn format_float(number: f64, form: char, precision: Option<usize>, kind: FloatKind) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let mut text = String::new();
    if number.is_sign_negative() {
        text.push('-');
    }
    let number = number.abs();
    match form {
        'e' | 'E' => {
            let digits = decimal(number, precision.map(|digits| digits.saturating_add(1)), kind);
            let precision = precision.unwrap_or(digits.digits.len().saturating_sub(1));
            push_exponent_form(&mut text, &digits, precision, form);
        }
        'f' => match precision {
            Some(precision) => {
                let exact = precision.min(MOST_DIGITS);
                text.push_str(&format!("{number:.exact$}"));
                if precision > exact {
                    text.extend(std::iter::repeat_n('0', precision - exact));
                }
            }
            None => push_plain(&mut text, &decimal(number, None, kind)),
        },
        'g' | 'G' => push_general(&mut text, number, precision, form, kind),
        'b' => push_binary(&mut text, number, kind),
        'x' | 'X' => push_hex(&mut text, number, precision, form, kind),
        _ => {
            text.clear();
            text.push('%');
            text.push(form);
        }
    }
    text
}

/// Digits without zeros at the end, and where the point is: `0.digits × 10^point`. Zero has no digits.
struct Decimal {
    digits: String,
    point: i32,
}

/// The given number of significant digits, correctly rounded, or the fewest that do.
fn decimal(number: f64, significant: Option<usize>, kind: FloatKind) -> Decimal {
    if number == 0.0 {
        return Decimal { digits: String::new(), point: 0 };
    }
    let text = match (significant, kind) {
        (Some(significant), _) => {
            let behind = significant.clamp(1, MOST_DIGITS) - 1;
            format!("{number:.behind$e}")
        }
        (None, kind) => shortest(number, kind),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = digits.replace('.', "");
    Decimal { digits: digits.trim_end_matches('0').into(), point: exponent.parse::<i32>().unwrap_or(0) + 1 }
}

/// The fewest digits that read back as the same float; of two that are as near, the even one, where Rust takes the greater.
fn shortest(number: f64, kind: FloatKind) -> String {
    let (text, ties_from) = match kind {
        FloatKind::Float64 => (format!("{number:e}"), 15),
        FloatKind::Float32 => (format!("{:e}", to_f32(number)), 6),
    };
    let behind = text.find('e').unwrap_or(0).saturating_sub(2);
    // With fewer digits no float lies in the middle of two.
    if behind + 1 < ties_from {
        return text;
    }
    let even = format!("{number:.behind$e}");
    let same = match kind {
        FloatKind::Float64 => even.parse() == Ok(number),
        FloatKind::Float32 => even.parse() == Ok(to_f32(number)),
    };
    if same { even } else { text }
}

#[expect(clippy::cast_possible_truncation, reason = "a float32 kept in a float64")]
fn to_f32(number: f64) -> f32 {
    number as f32
}

fn push_exponent_form(text: &mut String, decimal: &Decimal, precision: usize, form: char) {
    let mut digits = decimal.digits.chars();
    text.push(digits.next().unwrap_or('0'));
    if precision > 0 {
        text.push('.');
        text.extend(digits.chain(std::iter::repeat('0')).take(precision));
    }
    let exponent = if decimal.digits.is_empty() { 0 } else { decimal.point - 1 };
    text.push_str(&format!("{form}{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()));
}

fn push_plain(text: &mut String, decimal: &Decimal) {
    let count = i32::try_from(decimal.digits.len()).unwrap_or(i32::MAX);
    if decimal.point <= 0 {
        text.push('0');
        if count > 0 {
            text.push('.');
            text.extend((decimal.point..0).map(|_| '0'));
            text.push_str(&decimal.digits);
        }
        return;
    }
    let point = usize::try_from(decimal.point).unwrap_or(0);
    match decimal.digits.split_at_checked(point) {
        Some((whole, "")) => text.push_str(whole),
        Some((whole, behind)) => text.push_str(&format!("{whole}.{behind}")),
        None => {
            text.push_str(&decimal.digits);
            text.extend((count..decimal.point).map(|_| '0'));
        }
    }
}

fn push_general(text: &mut String, number: f64, precision: Option<usize>, form: char, kind: FloatKind) {
    let significant = precision.map(|digits| digits.max(1));
    let decimal = decimal(number, significant, kind);
    let count = decimal.digits.len();
    let point = i64::from(decimal.point);
    let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let threshold = match significant {
        None => 6,
        Some(digits) if digits > count && size(count) >= point => size(count),
        Some(digits) => size(digits),
    };
    let exponent = point - 1;
    if exponent < -4 || exponent >= threshold {
        let precision = significant.unwrap_or(count).min(count).saturating_sub(1);
        push_exponent_form(text, &decimal, precision, if form == 'g' { 'e' } else { 'E' });
    } else {
        push_plain(text, &decimal);
    }
}

/// Mantissa and exponent of two, as the bits have them.
fn parts(number: f64, kind: FloatKind) -> (u64, i32, u32) {
    match kind {
        FloatKind::Float64 => {
            let bits = number.to_bits();
            let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
            let fraction = bits & ((1 << 52) - 1);
            if exponent == 0 { (fraction, -1022, 52) } else { (fraction | 1 << 52, exponent - 1023, 52) }
        }
        FloatKind::Float32 => {
            let bits = to_f32(number).to_bits();
            let exponent = i32::try_from((bits >> 23) & 0xff).unwrap_or(0);
            let fraction = u64::from(bits & ((1 << 23) - 1));
            if exponent == 0 { (fraction, -126, 23) } else { (fraction | 1 << 23, exponent - 127, 23) }
        }
    }
}

fn push_binary(text: &mut String, number: f64, kind: FloatKind) {
    let (mantissa, exponent, bits) = parts(number, kind);
    let exponent = exponent - i32::try_from(bits).unwrap_or(0);
    text.push_str(&format!("{mantissa}p{exponent:+}"));
}

fn push_hex(text: &mut String, number: f64, precision: Option<usize>, form: char, kind: FloatKind) {
    let (mut mantissa, mut exponent, bits) = parts(number, kind);
    if mantissa == 0 {
        exponent = 0;
    }
    // One bit before the point, sixty behind it.
    mantissa <<= 60 - bits;
    while mantissa != 0 && mantissa & (1 << 60) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(digits) = precision.filter(|digits| *digits < 15) {
        let shift = u32::try_from(digits * 4).unwrap_or(0);
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut digits = format!("{:015x}", mantissa & ((1 << 60) - 1));
    match precision {
        None => digits.truncate(digits.trim_end_matches('0').len()),
        Some(wanted) => {
            digits.truncate(wanted);
            digits.extend(std::iter::repeat_n('0', wanted.saturating_sub(15)));
        }
    }
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let hex = format!("0x{}{point}{digits}p{sign}{:02}", mantissa >> 60, exponent.abs());
    text.push_str(&if form == 'X' { hex.to_ascii_uppercase() } else { hex });
}
