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
/// **Source**: apimachinery's `resource.Quantity`, which keeps a text that looks canonical enough to it (`1500e0`,
/// `+3`). Fractions below a nano are rounded up, as there.
pub(crate) fn canonical(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let parts = Parts::of(&text)?;
    if parts.looks_canonical() {
        return Some(text);
    }
    Some(write(parts.nanos()?, parts.form))
}

/// A quantity taken apart.
struct Parts<'a> {
    negative: bool,
    /// Digits before the point, without leading zeros.
    whole: &'a str,
    /// Digits after the point.
    fraction: &'a str,
    /// The power of ten, or of two for the binary form, that the suffix stands for.
    power: i32,
    form: Form,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let digits_end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(digits_end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let crooked = (whole.is_empty() && fraction.is_empty()) || fraction.contains('.');
        if crooked || whole.len() > 20 || fraction.len() > 20 {
            return None;
        }
        let binary = BINARY.iter().skip(1).position(|known| *known == suffix);
        let decimal = DECIMAL.iter().find(|(known, _)| *known == suffix);
        let (power, form) = match (binary, decimal) {
            (Some(index), _) => (10 * (i32::try_from(index).ok()? + 1), Form::Binary),
            (None, Some((_, power))) => (i32::try_from(*power).ok()? - 9, Form::Decimal),
            (None, None) => (suffix.strip_prefix(['e', 'E'])?.parse().ok()?, Form::Exponent),
        };
        Some(Self {
            negative: text.starts_with('-'),
            whole: whole.trim_start_matches('0'),
            fraction,
            power,
            form,
        })
    }

    /// The value in billionths; the binary form ends at 2^63 - 1 units.
    fn nanos(&self) -> Option<i128> {
        let mantissa: i128 = format!("0{}{}", self.whole, self.fraction).parse().ok()?;
        let divisor = 10_i128.pow(u32::try_from(self.fraction.len()).ok()?);
        let scaled = if self.form == Form::Binary {
            mantissa.checked_mul(1_i128 << self.power)?.checked_mul(UNIT)?
        } else {
            let power = u32::try_from(self.power.checked_add(9)?).ok().filter(|power| *power <= 36)?;
            mantissa.checked_mul(10_i128.pow(power))?
        };
        let nanos = scaled / divisor + i128::from(scaled % divisor != 0);
        let nanos = if self.form == Form::Binary { nanos.min(i128::from(i64::MAX) * UNIT) } else { nanos };
        Some(if self.negative { -nanos } else { nanos })
    }

    /// Whether the peer sends the text back as it came.
    fn looks_canonical(&self) -> bool {
        let (whole, fraction) = (if self.whole.is_empty() { "0" } else { self.whole }, self.fraction);
        let length = i32::try_from(whole.len() + fraction.len()).unwrap_or(i32::MAX);
        let Ok(mantissa) = format!("{whole}{fraction}").parse::<u64>() else { return false };
        match self.form {
            Form::Binary => {
                let precision = 14 - length - self.power * 3 / 10;
                fraction.is_empty() && precision >= 0 && mantissa % 8 != 0
            }
            Form::Decimal | Form::Exponent => {
                let scale = self.power - i32::try_from(fraction.len()).unwrap_or(i32::MAX);
                let thousands = format!("{whole}{fraction}").ends_with("000");
                length <= 18 && scale >= -9 && scale % 3 == 0 && !thousands && !whole.starts_with('0')
            }
        }
    }
}

/// Billionths in one.
const UNIT: i128 = 1_000_000_000;

fn write(nanos: i128, form: Form) -> String {
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
            (json!("1500e0"), "1500e0"),
            (json!("+3"), "+3"),
            (json!("1000e3"), "1e6"),
            (json!("123456789Ti"), "9223372036854775807"),
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
