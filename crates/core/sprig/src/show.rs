//! How Go prints values where a function asks for their text: `%v` and `%q`.

use gotemplate::{CallError, FloatKind, Run, Value};

/// Levels of nesting that are printed; past them, as for a map that holds itself, the run ends.
const DEPTH: usize = 500;

/// As `%v`.
pub(crate) fn plain(value: &Value) -> Result<Vec<u8>, CallError> {
    let mut out = Vec::new();
    write(value, 0, &mut out)?;
    Ok(out)
}

/// As Sprig's `toString`: strings and bytes as they are, what has a text by it, all else as [`plain`].
pub(crate) fn text(value: &Value) -> Result<Vec<u8>, CallError> {
    match value {
        Value::String(text) => Ok(text.as_bytes().to_vec()),
        Value::Bytes(bytes) => Ok(bytes.to_vec()),
        _ => plain(value),
    }
}

fn write(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), CallError> {
    if depth > DEPTH {
        return Err(Run::too_deep(DEPTH));
    }
    match value {
        Value::Nil => out.extend_from_slice(b"<nil>"),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Int(_, number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Uint(_, number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Float(kind, number) => out.extend_from_slice(float(*kind, *number).as_bytes()),
        Value::Complex(real, imaginary) => {
            let imaginary = float(FloatKind::Float64, *imaginary);
            let sign = if imaginary.starts_with(['+', '-']) { "" } else { "+" };
            let real = float(FloatKind::Float64, *real);
            out.extend_from_slice(format!("({real}{sign}{imaginary}i)").as_bytes());
        }
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => {
            let items: Vec<_> = bytes.iter().map(u8::to_string).collect();
            out.extend_from_slice(format!("[{}]", items.join(" ")).as_bytes());
        }
        Value::List(list) => {
            out.push(b'[');
            for (at, item) in list.items().iter().enumerate() {
                if at > 0 {
                    out.push(b' ');
                }
                write(item, depth + 1, out)?;
            }
            out.push(b']');
        }
        Value::Map(map) => {
            out.extend_from_slice(b"map[");
            for (at, (key, item)) in map.snapshot().iter().enumerate() {
                if at > 0 {
                    out.push(b' ');
                }
                out.extend_from_slice(key.as_bytes());
                out.push(b':');
                write(item, depth + 1, out)?;
            }
            out.push(b']');
        }
        Value::Object(object) => {
            if let Some(text) = object.text() {
                out.extend_from_slice(text.as_bytes());
                return Ok(());
            }
            if let Some(contents) = object.contents() {
                return write(&contents, depth + 1, out);
            }
            out.extend_from_slice(if object.is_pointer() { b"&{" } else { b"{" });
            for (at, name) in object.field_names().iter().enumerate() {
                if at > 0 {
                    out.push(b' ');
                }
                write(&object.field(name).unwrap_or_default(), depth + 1, out)?;
            }
            out.push(b'}');
        }
        // Go prints an address.
        Value::Function(_) => out.extend_from_slice(b"0x1"),
    }
    Ok(())
}

/// The shortest digits that read back as the number, and the exponent of the first.
pub(crate) fn digits(kind: FloatKind, number: f64) -> (String, i32) {
    #[expect(clippy::cast_possible_truncation, reason = "a float32 is kept as the float64 of the same value")]
    let text = match kind {
        FloatKind::Float32 => format!("{:e}", number.abs() as f32),
        FloatKind::Float64 => format!("{:e}", number.abs()),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// As `%v` prints floats.
pub(crate) fn float(kind: FloatKind, number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    general(kind, number)
}

/// The shortest digits of a finite number, with an exponent below -4 and from 6, as `strconv.FormatFloat(…, 'g', -1, …)`.
pub(crate) fn general(kind: FloatKind, number: f64) -> String {
    const END: i32 = 6;
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let (digits, exponent) = digits(kind, number);
    if (-4..END).contains(&exponent) {
        return format!("{sign}{}", positional(&digits, exponent));
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{first}{point}{rest}e{exponent_sign}{:02}", exponent.abs())
}

/// Digits written without an exponent.
pub(crate) fn positional(digits: &str, exponent: i32) -> String {
    let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    if exponent < 0 {
        return format!("0.{}{digits}", "0".repeat(places - 1));
    }
    let (whole, fraction) = digits.split_at(digits.len().min(places + 1));
    let zeros = "0".repeat((places + 1).saturating_sub(digits.len()));
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{whole}{zeros}{point}{fraction}")
}

/// As `time` quotes in its errors: whatever is not printable ASCII by its bytes.
pub(crate) fn quoted_ascii(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in bytes {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=b'\x7f' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}
