//! `string.format`, with the flags of C.

use mlua::{Error, Lua, MultiValue, Result, Value};

use crate::number::{self, scientific, with_exponent};
use crate::strings::text_of_number;

/// Wider fields and more digits than this are refused, as in C Lua.
const MAX_WIDTH: usize = 99;

/// One `%…` of a format.
#[derive(Default)]
struct Directive {
    minus: bool,
    plus: bool,
    space: bool,
    hash: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// Formats `args`; an error where one is missing, of a wrong type, or the result longer than `limit` bytes.
pub(crate) fn format(lua: &Lua, text: &[u8], args: MultiValue, limit: usize) -> Result<Vec<u8>> {
    let mut args = args.into_iter();
    let mut bytes = text.iter().copied().peekable();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        if bytes.next_if_eq(&b'%').is_some() {
            out.push(b'%');
            continue;
        }
        let mut directive = Directive::default();
        while let Some(flag) = bytes.next_if(|byte| b"-+ #0".contains(byte)) {
            match flag {
                b'-' => directive.minus = true,
                b'+' => directive.plus = true,
                b' ' => directive.space = true,
                b'#' => directive.hash = true,
                _ => directive.zero = true,
            }
        }
        let mut digits = || {
            let mut number = None::<usize>;
            while let Some(digit) = bytes.next_if(u8::is_ascii_digit) {
                let next = number.unwrap_or(0).saturating_mul(10).saturating_add(usize::from(digit - b'0'));
                number = Some(next);
            }
            number
        };
        directive.width = digits().unwrap_or(0);
        if bytes.next_if_eq(&b'.').is_some() {
            let mut number = 0usize;
            while let Some(digit) = bytes.next_if(u8::is_ascii_digit) {
                number = number.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
            }
            directive.precision = Some(number);
        }
        if directive.width > MAX_WIDTH || directive.precision.is_some_and(|digits| digits > MAX_WIDTH) {
            return Err(Error::runtime("invalid format (width or precision too long)"));
        }
        let verb =
            bytes.next().ok_or_else(|| Error::runtime("invalid option in format (it ends with '%')"))?;
        let arg = args.next().ok_or_else(|| Error::runtime("bad argument to format (no value)"))?;
        out.extend(directive.say(lua, verb, &arg)?);
        if out.len() > limit {
            return Err(Error::runtime("the result of format is too long"));
        }
    }
    Ok(out)
}

impl Directive {
    fn say(&self, lua: &Lua, verb: u8, arg: &Value) -> Result<Vec<u8>> {
        Ok(match verb {
            b'd' | b'i' | b'u' => self.whole(numeric(arg)?),
            b'c' => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as C does it")]
                let byte = numeric(arg)? as i64 as u8;
                self.pad(vec![byte])
            }
            b'x' | b'X' | b'o' => self.unsigned(verb, numeric(arg)?),
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => self.float(verb, numeric(arg)?),
            b'q' => quoted(&text(lua, arg)?),
            b's' => {
                let mut text = text(lua, arg)?;
                if let Some(most) = self.precision {
                    text.truncate(most);
                }
                self.pad(text)
            }
            other => {
                let other = char::from(other);
                return Err(Error::runtime(format!("invalid option '%{other}' to 'format'")));
            }
        })
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "as C does it")]
    fn whole(&self, number: f64) -> Vec<u8> {
        let number = number as i64;
        let mut digits = number.unsigned_abs().to_string();
        if let Some(least) = self.precision {
            digits = format!("{digits:0>least$}");
        }
        self.signed(self.sign(number < 0), &digits, self.precision.is_none())
    }

    #[expect(clippy::cast_possible_truncation, reason = "as C does it")]
    fn unsigned(&self, verb: u8, number: f64) -> Vec<u8> {
        let number = number as i64;
        let (mut digits, prefix) = match verb {
            b'x' => (format!("{number:x}"), "0x"),
            b'X' => (format!("{number:X}"), "0X"),
            _ => (format!("{number:o}"), "0"),
        };
        if let Some(least) = self.precision {
            digits = format!("{digits:0>least$}");
        }
        let prefix = if self.hash && number != 0 { prefix } else { "" };
        self.signed(prefix, &digits, self.precision.is_none())
    }

    fn float(&self, verb: u8, number: f64) -> Vec<u8> {
        let sign = self.sign(number.is_sign_negative() && !number.is_nan());
        if !number.is_finite() {
            let word = if number.is_nan() { "nan" } else { "inf" };
            return self.signed(sign, word, false);
        }
        let size = number.abs();
        let digits = self.precision.unwrap_or(6);
        let body = match verb {
            b'f' | b'F' => format!("{size:.digits$}"),
            b'e' | b'E' => exponent(size, digits),
            _ => self.general(size, digits.max(1)),
        };
        let body = if verb.is_ascii_uppercase() { body.to_ascii_uppercase() } else { body };
        self.signed(sign, &body, true)
    }

    /// `%g`: the shorter of the two, without zeros at the end.
    fn general(&self, size: f64, digits: usize) -> String {
        let (body, power) = scientific(&format!("{size:.0$e}", digits - 1));
        let digits = i32::try_from(digits).unwrap_or(i32::MAX);
        let trimmed = |body: String| match self.hash || !body.contains('.') {
            true => body,
            false => body.trim_end_matches('0').trim_end_matches('.').to_owned(),
        };
        if power < -4 || power >= digits {
            return with_exponent(&trimmed(body), power);
        }
        let behind = usize::try_from(digits - 1 - power).unwrap_or(0);
        trimmed(format!("{size:.behind$}"))
    }

    /// A sign in front, and zeros between where they are wanted.
    fn signed(&self, sign: &str, digits: &str, zeros: bool) -> Vec<u8> {
        if self.zero && zeros && !self.minus {
            let room = self.width.saturating_sub(sign.len());
            return format!("{sign}{digits:0>room$}").into_bytes();
        }
        self.pad(format!("{sign}{digits}").into_bytes())
    }

    fn pad(&self, mut text: Vec<u8>) -> Vec<u8> {
        let missing = self.width.saturating_sub(text.len());
        if self.minus {
            text.extend(std::iter::repeat_n(b' ', missing));
            return text;
        }
        let mut padded = vec![b' '; missing];
        padded.append(&mut text);
        padded
    }
}

/// C's `%e`.
fn exponent(size: f64, digits: usize) -> String {
    let (body, power) = scientific(&format!("{size:.digits$e}"));
    with_exponent(&body, power)
}

fn numeric(arg: &Value) -> Result<f64> {
    #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are floats")]
    let found = match arg {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        Value::String(text) => {
            std::str::from_utf8(&text.as_bytes()).ok().and_then(|text| number::parse(text, None))
        }
        _ => None,
    };
    found.ok_or_else(|| {
        Error::runtime(format!("bad argument to format (number expected, got {})", crate::kind_of(arg)))
    })
}

fn text(lua: &Lua, arg: &Value) -> Result<Vec<u8>> {
    Ok(match arg {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Integer(_) | Value::Number(_) => text_of_number(arg),
        other => {
            let tostring: mlua::Function = lua.globals().get("tostring")?;
            tostring.call::<mlua::LuaString>(other.clone())?.as_bytes().to_vec()
        }
    })
}

/// A text that Lua reads back as the same.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for byte in text {
        match byte {
            b'"' | b'\\' | b'\n' => out.extend([b'\\', *byte]),
            b'\r' => out.extend(b"\\r"),
            0 => out.extend(b"\\000"),
            other => out.push(*other),
        }
    }
    out.push(b'"');
    out
}
