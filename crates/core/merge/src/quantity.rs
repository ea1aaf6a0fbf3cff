//! Quantities in the form in which the API server writes them.

use serde_json::Value;

/// Powers of ten go by thousands from nano to exa.
const DECIMAL: [(&str, u32); 10] =
    [("n", 0), ("u", 3), ("m", 6), ("", 9), ("k", 12), ("M", 15), ("G", 18), ("T", 21), ("P", 24), ("E", 27)];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Decimal,
    Exponent,
    Binary,
}

/// `1000m` is `1`, `1024Mi` is `1Gi`, `0.5` is `500m`; none where the value is no quantity, or one beyond 10^20.
///
/// **Source**: apimachinery's `resource.Quantity`. Fractions below a nano are rounded up, as there.
pub(crate) fn canonical(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let (nanos, form) = parse(&text)?;
    Some(write(nanos, form))
}

/// The value in billionths.
fn parse(text: &str) -> Option<(i128, Form)> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits_end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(digits_end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty())
        || whole.len() > 20
        || fraction.len() > 20
        || fraction.contains('.')
    {
        return None;
    }
    let mantissa: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let places = u32::try_from(fraction.len()).ok()?;
    let (scaled, form) = if let Some(power) = BINARY.iter().skip(1).position(|known| *known == suffix) {
        let factor = 1024_i128.checked_pow(u32::try_from(power).ok()? + 1)?;
        (mantissa.checked_mul(factor)?.checked_mul(10_i128.pow(9))?, Form::Binary)
    } else if let Some((_, power)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        (mantissa.checked_mul(10_i128.pow(*power))?, Form::Decimal)
    } else {
        let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        let power = u32::try_from(exponent.checked_add(9)?).ok().filter(|power| *power <= 36)?;
        (mantissa.checked_mul(10_i128.pow(power))?, Form::Exponent)
    };
    let divisor = 10_i128.checked_pow(places)?;
    let nanos = scaled / divisor + i128::from(scaled % divisor != 0);
    Some((if text.starts_with('-') { -nanos } else { nanos }, form))
}

fn write(nanos: i128, form: Form) -> String {
    const UNIT: i128 = 1_000_000_000;
    if nanos == 0 {
        return "0".to_owned();
    }
    let small = nanos.abs() < 1024 * UNIT;
    if form == Form::Binary && !small && nanos % UNIT == 0 {
        let mut value = nanos / UNIT;
        let mut power = 0;
        while value % 1024 == 0 && power + 1 < BINARY.len() {
            value /= 1024;
            power += 1;
        }
        return format!("{value}{}", BINARY[power]);
    }
    let mut value = nanos;
    let mut power = 0;
    while value % 1000 == 0 && power + 1 < DECIMAL.len() {
        value /= 1000;
        power += 1;
    }
    match form {
        Form::Exponent if power != 3 => format!("{value}e{}", i64::try_from(power).unwrap_or(0) * 3 - 9),
        Form::Exponent | Form::Decimal | Form::Binary => format!("{value}{}", DECIMAL[power].0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::canonical;

    #[test]
    fn writes_quantities_as_the_server_does() {
        let rows = [
            (json!("1000m"), "1"),
            (json!("0.5"), "500m"),
            (json!("1024Mi"), "1Gi"),
            (json!("1536Mi"), "1536Mi"),
            (json!("512"), "512"),
            (json!("1000"), "1k"),
            (json!(1), "1"),
            (json!(0.1), "100m"),
            (json!("0.5Gi"), "512Mi"),
            (json!("1000Ki"), "1000Ki"),
            (json!("1Ki"), "1Ki"),
            (json!("0.5Ki"), "512"),
            (json!("1e3"), "1e3"),
            (json!("-1500m"), "-1500m"),
            (json!("0"), "0"),
            (json!("128974848"), "128974848"),
        ];
        for (from, to) in rows {
            assert_eq!(canonical(&from).as_deref(), Some(to), "{from}");
        }
        for not in [json!("many"), json!(""), json!("1Qi"), json!(null), json!("1.2.3")] {
            assert_eq!(canonical(&not), None, "{not}");
        }
    }
}
