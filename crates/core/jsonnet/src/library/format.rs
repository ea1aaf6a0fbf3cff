//! `std.format`: what stands behind `%` of a text.

use super::Result;
use crate::error::Fault;
use crate::machine::Machine;
use crate::value::Value;

/// Widths and precisions beyond this are refused: nobody needs them, and each is memory.
const MAX_WIDTH: usize = 10_000;

/// A part of a template.
enum Part {
    Text(String),
    Code(Code),
}

/// `%(key)#0- +8.3f`
#[derive(Default)]
struct Code {
    key: Option<String>,
    alternate: bool,
    zero: bool,
    left: bool,
    blank: bool,
    sign: bool,
    width: Size,
    precision: Option<Size>,
    /// One of `d o x e f g c s %`.
    letter: char,
    capitals: bool,
}

#[derive(Clone, Copy, Default)]
enum Size {
    #[default]
    None,
    Is(usize),
    /// `*`: an argument says.
    Given,
}

fn truncated<T>() -> Result<T> {
    Err(Fault::runtime("Truncated format code."))
}

fn parse(template: &str) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        parts.push(Part::Text(std::mem::take(&mut text)));
        parts.push(Part::Code(parse_code(&mut rest)?));
    }
    parts.push(Part::Text(text));
    Ok(parts)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn parse_code(rest: &mut Chars<'_>) -> Result<Code> {
    let mut code = Code::default();
    if rest.next_if_eq(&'(').is_some() {
        let mut key = String::new();
        loop {
            match rest.next() {
                None => return truncated(),
                Some(')') => break,
                Some(c) => key.push(c),
            }
        }
        code.key = Some(key);
    }
    while let Some(flag) = rest.next_if(|c| matches!(c, '#' | '0' | '-' | ' ' | '+')) {
        match flag {
            '#' => code.alternate = true,
            '0' => code.zero = true,
            '-' => code.left = true,
            ' ' => code.blank = true,
            _ => code.sign = true,
        }
    }
    code.width = parse_size(rest)?;
    if rest.next_if_eq(&'.').is_some() {
        code.precision = Some(parse_size(rest)?);
    }
    rest.next_if(|c| matches!(c, 'h' | 'l' | 'L'));
    let Some(letter) = rest.next() else { return truncated() };
    code.capitals = matches!(letter, 'X' | 'E' | 'F' | 'G');
    code.letter = match letter {
        'd' | 'i' | 'u' => 'd',
        'o' | 'c' | 's' | '%' => letter,
        'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => letter.to_ascii_lowercase(),
        other => return Err(Fault::runtime(format!("Unrecognised conversion type: {other}"))),
    };
    Ok(code)
}

fn parse_size(rest: &mut Chars<'_>) -> Result<Size> {
    if rest.next_if_eq(&'*').is_some() {
        return Ok(Size::Given);
    }
    let mut size = Size::None;
    while let Some(digit) = rest.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)) {
        let so_far = if let Size::Is(so_far) = size { so_far } else { 0 };
        size = Size::Is(checked_size(so_far.saturating_mul(10).saturating_add(digit as usize))?);
    }
    if rest.peek().is_none() { truncated() } else { Ok(size) }
}

fn checked_size(size: usize) -> Result<usize> {
    if size > MAX_WIDTH {
        return Err(Fault::limit_here("width of a format", MAX_WIDTH as u64));
    }
    Ok(size)
}

/// Fills values into a template: a list in order, an object by its keys, anything else as the one value.
pub(crate) fn format(machine: &mut Machine<'_>, template: &str, values: &Value) -> Result<Value> {
    machine.step(template.len() as u64 / 8)?;
    let parts = parse(template)?;
    let mut text = String::new();
    let mut next = 0;
    for part in &parts {
        let code = match part {
            Part::Text(plain) => {
                text.push_str(plain);
                continue;
            }
            Part::Code(code) => code,
        };
        let (width, precision, value, place) = match values {
            Value::Object(object) => {
                let star = |size: Size, what: &str| match size {
                    Size::Given => Err(Fault::runtime(format!("Cannot use * {what} with object."))),
                    Size::Is(size) => Ok(size),
                    Size::None => Ok(0),
                };
                let width = star(code.width, "field width")?;
                let precision = code.precision.map(|size| star(size, "precision")).transpose()?;
                if code.letter == '%' {
                    (width, precision, Value::Null, String::new())
                } else {
                    let Some(key) = &code.key else { return Err(Fault::runtime("Mapping keys required.")) };
                    if object.layer_of(key, object.layers.len()).is_none() {
                        return Err(Fault::runtime(format!("No such field: {key}")));
                    }
                    (width, precision, machine.checked_field(object, key)?, key.clone())
                }
            }
            _ => {
                let width = given_size(machine, values, &mut next, Some(code.width))?.unwrap_or(0);
                let precision = given_size(machine, values, &mut next, code.precision)?;
                if code.letter == '%' {
                    (width, precision, Value::Null, String::new())
                } else {
                    let value = argument(machine, values, next)?;
                    next += 1;
                    (width, precision, value, (next - 1).to_string())
                }
            }
        };
        let shown = one(machine, code, width, precision, &value, &place)?;
        let padding = " ".repeat(width.saturating_sub(shown.chars().count()));
        let padded = if code.left { [shown, padding].concat() } else { [padding, shown].concat() };
        machine.room_for_text(text.len() + padded.len())?;
        text.push_str(&padded);
    }
    let count = match values {
        Value::Object(_) => next,
        Value::Array(list) => list.items.len(),
        _ => 1,
    };
    if next < count {
        return Err(Fault::runtime(format!("Too many values to format: {count}, expected {next}")));
    }
    machine.make_text(text)
}

fn argument(machine: &mut Machine<'_>, values: &Value, at: usize) -> Result<Value> {
    let count = match values {
        Value::Array(list) => match list.items.get(at) {
            Some(item) => return machine.force(item),
            None => list.items.len(),
        },
        _ if at == 0 => return Ok(values.clone()),
        _ => 1,
    };
    Err(Fault::runtime(format!("Not enough values to format: {count}, expected more than {at}")))
}

fn given_size(
    machine: &mut Machine<'_>,
    values: &Value,
    next: &mut usize,
    size: Option<Size>,
) -> Result<Option<usize>> {
    match size {
        None => Ok(None),
        Some(Size::None) => Ok(Some(0)),
        Some(Size::Is(size)) => Ok(Some(size)),
        Some(Size::Given) => {
            let value = argument(machine, values, *next)?;
            *next += 1;
            checked_size(super::size(super::integer(&value)?)).map(Some)
        }
    }
}

/// One value, as its code asks for it; not yet as wide as it has to be.
fn one(
    machine: &mut Machine<'_>,
    code: &Code,
    width: usize,
    precision: Option<usize>,
    value: &Value,
    place: &str,
) -> Result<String> {
    match (code.letter, value) {
        ('%', _) => Ok("%".to_owned()),
        ('s', value) => Ok(machine.show(value)?.as_str().to_owned()),
        ('c', Value::Number(number)) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates, and is no character then"
            )]
            let c = char::from_u32(*number as u32);
            Ok(c.unwrap_or('\u{fffd}').to_string())
        }
        ('c', Value::Text(text)) if text.length() == 1 => Ok(text.as_str().to_owned()),
        ('c', Value::Text(text)) => {
            Err(Fault::runtime(format!("%c expected 1-sized string got: {}", text.length())))
        }
        ('c', other) => {
            Err(Fault::runtime(format!("%c expected number / string, got: {}", other.type_name())))
        }
        (_, Value::Number(number)) => Ok(numeric(code, width, precision, *number)),
        (_, other) => {
            Err(Fault::runtime(format!("Format required number at {place}, got {}", other.type_name())))
        }
    }
}

/// What is the same for all numbers.
struct Frame {
    /// Width that zeros fill; 0 for none.
    zeros: usize,
    blank: bool,
    sign: bool,
}

fn numeric(code: &Code, width: usize, precision: Option<usize>, number: f64) -> String {
    let zeros = if code.zero && !code.left { width } else { 0 };
    let frame = Frame { zeros, blank: code.blank, sign: code.sign };
    let digits = precision.unwrap_or(0);
    let whole = number.abs().floor();
    match code.letter {
        'd' => whole_number(number <= -1.0, &format!("{whole:.0}"), &frame, digits, ""),
        'o' => {
            let prefix = if code.alternate && whole != 0.0 { "0" } else { "" };
            let octal = [prefix, &in_radix(whole, 8.0)].concat();
            whole_number(number <= -1.0, &octal, &frame, digits, "")
        }
        'x' => {
            let floor = number.floor();
            let (mut hex, mut prefix) = (in_radix(floor.abs(), 16.0), if code.alternate { "0x" } else { "" });
            if code.capitals {
                hex = hex.to_ascii_uppercase();
                prefix = if code.alternate { "0X" } else { "" };
            }
            whole_number(floor < 0.0, &hex, &frame, digits, prefix)
        }
        'f' => decimal(number, &frame, code.alternate, true, precision.unwrap_or(6)),
        'e' => scientific(code, number, &frame, code.alternate, true, precision.unwrap_or(6)),
        _ => {
            let digits = precision.unwrap_or(6);
            let exponent = exponent_of(number);
            let as_exponent = i32::try_from(digits).unwrap_or(i32::MAX);
            if exponent < -4 || exponent >= as_exponent {
                return scientific(
                    code,
                    number,
                    &frame,
                    code.alternate,
                    code.alternate,
                    digits.saturating_sub(1),
                );
            }
            let before_point = usize::try_from(exponent + 1).unwrap_or(1).max(1);
            decimal(number, &frame, code.alternate, code.alternate, digits.saturating_sub(before_point))
        }
    }
}

fn in_radix(mut whole: f64, radix: f64) -> String {
    if whole == 0.0 {
        return "0".to_owned();
    }
    let mut digits = Vec::new();
    while whole >= 1.0 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a digit")]
        let digit = (whole % radix) as u32;
        digits.push(char::from_digit(digit, 16).unwrap_or('0'));
        whole = (whole / radix).floor();
    }
    digits.into_iter().rev().collect()
}

/// Sign, prefix, zeros, digits.
fn whole_number(negative: bool, digits: &str, frame: &Frame, least: usize, prefix: &str) -> String {
    let signed = usize::from(negative || frame.blank || frame.sign) + prefix.len();
    let length = frame.zeros.saturating_sub(signed).max(least);
    let zeros = "0".repeat(length.saturating_sub(digits.len()));
    let sign = match (negative, frame.sign, frame.blank) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    };
    [sign, prefix, &zeros, digits].concat()
}

/// With a point, rounded as the peer rounds: the number times a power of ten, plus a half, cut off.
fn decimal(number: f64, frame: &Frame, point: bool, trailing: bool, precision: usize) -> String {
    let magnitude = number.abs();
    let denominator = 10f64.powi(i32::try_from(precision).unwrap_or(i32::MAX));
    let numerator = magnitude * denominator + 0.5;
    let (whole, fraction) = ((numerator / denominator).floor(), numerator.floor() % denominator);
    let point_size = usize::from(precision > 0 || point);
    let frame = Frame { zeros: frame.zeros.saturating_sub(precision + point_size), ..*frame };
    let before = whole_number(number < 0.0, &format!("{whole:.0}"), &frame, 0, "");
    if precision == 0 {
        return if point { before + "." } else { before };
    }
    if !trailing && fraction <= 0.0 {
        return before;
    }
    let digits = format!("{fraction:0>precision$.0}");
    let digits = if trailing { digits.as_str() } else { digits.trim_end_matches('0') };
    [&before, ".", digits].concat()
}

#[expect(clippy::cast_possible_truncation, reason = "exponents are within ±324")]
fn exponent_of(number: f64) -> i32 {
    if number == 0.0 { 0 } else { (number.abs().ln() / 10f64.ln()).floor() as i32 }
}

fn scientific(
    code: &Code,
    number: f64,
    frame: &Frame,
    point: bool,
    trailing: bool,
    precision: usize,
) -> String {
    let exponent = exponent_of(number);
    let letter = if code.capitals { "E" } else { "e" };
    let signed = Frame { zeros: 3, blank: false, sign: true };
    let suffix = letter.to_owned() + &whole_number(exponent < 0, &exponent.abs().to_string(), &signed, 0, "");
    let mantissa = if exponent == -324 {
        number * 10.0 / 10f64.powi(exponent + 1)
    } else {
        number / 10f64.powi(exponent)
    };
    let frame = Frame { zeros: frame.zeros.saturating_sub(suffix.len()), ..*frame };
    decimal(mantissa, &frame, point, trailing, precision) + &suffix
}
