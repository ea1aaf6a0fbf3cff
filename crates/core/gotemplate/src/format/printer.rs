//! Flags, padding, and the verbs of everything that is no container.

use super::float;
use crate::budget::Limit;
use crate::quote;
use crate::unicode::{decode, is_print};
use crate::value::{FloatKind, Value};

/// The flags of a directive.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`.
    pub(super) plus_v: bool,
    /// `%#v`.
    pub(super) sharp_v: bool,
}

/// Writes values into a buffer that must not grow beyond a limit.
pub(super) struct Printer<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
    stopped: Option<Limit>,
    pub(super) flags: Flags,
    /// Inside `%!d(…)`, where methods are not called.
    pub(super) erroring: bool,
}

const LOWER: &[u8; 17] = b"0123456789abcdefx";
const UPPER: &[u8; 17] = b"0123456789ABCDEFX";

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, limit: usize) -> Self {
        let end = out.len().saturating_add(limit);
        Self { out, end, stopped: None, flags: Flags::default(), erroring: false }
    }

    pub(super) fn stopped(&self) -> Option<Limit> {
        self.stopped
    }

    pub(super) fn stop(&mut self, limit: Limit) {
        self.stopped = self.stopped.or(Some(limit));
    }

    /// Writes, but for one byte too many at most: so that the caller sees that it was too much.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.out.len() + bytes.len() > self.end {
            self.stop(Limit::Output);
            let left = self.end.saturating_add(1).saturating_sub(self.out.len());
            self.out.extend_from_slice(bytes.get(..left.min(bytes.len())).unwrap_or_default());
        } else {
            self.out.extend_from_slice(bytes);
        }
    }

    fn fill(&mut self, count: usize, zero: bool) {
        let count = count.min(self.end.saturating_add(1).saturating_sub(self.out.len()));
        self.out.resize(self.out.len() + count, if zero { b'0' } else { b' ' });
        if self.out.len() > self.end {
            self.stop(Limit::Output);
        }
    }

    fn pad_char_is_zero(&self) -> bool {
        self.flags.zero && !self.flags.minus
    }

    pub(super) fn pad(&mut self, bytes: &[u8]) {
        let zero = self.pad_char_is_zero();
        self.pad_with(bytes, zero);
    }

    fn pad_with(&mut self, bytes: &[u8], zero: bool) {
        let Some(width) = self.flags.width else { return self.push(bytes) };
        let missing = width.saturating_sub(count_runes(bytes));
        if !self.flags.minus {
            self.fill(missing, zero);
        }
        self.push(bytes);
        if self.flags.minus {
            self.fill(missing, false);
        }
    }

    pub(super) fn bad_verb(&mut self, verb: char, value: &Value) {
        self.erroring = true;
        self.push(b"%!");
        self.push(verb.encode_utf8(&mut [0; 4]).as_bytes());
        self.push(b"(");
        if matches!(value, Value::Nil) {
            self.push(b"<nil>");
        } else {
            self.push(value.type_name().as_bytes());
            self.push(b"=");
            self.print_arg(value, 'v');
        }
        self.push(b")");
        self.erroring = false;
    }

    /// A value that is no container; false if it is one.
    pub(super) fn print_scalar(&mut self, value: &Value, verb: char) -> bool {
        match value {
            Value::Bool(truth) => match verb {
                't' | 'v' => self.pad(if *truth { b"true" } else { b"false" }),
                _ => self.bad_verb(verb, value),
            },
            Value::Int(_, number) => self.integer(number.unsigned_abs(), *number < 0, true, verb, value),
            Value::Uint(_, number) => self.integer(*number, false, false, verb, value),
            Value::Float(kind, number) => self.float(*number, *kind, verb, value),
            Value::Complex(real, imaginary) => self.complex(*real, *imaginary, verb, value),
            Value::String(text) => self.string(text.as_bytes(), verb, value),
            Value::Bytes(bytes) => self.bytes(bytes, verb, value),
            Value::Function(_) => match verb {
                'v' if self.flags.sharp_v => self.push(format!("({})(0x0)", value.type_name()).as_bytes()),
                'v' | 'p' => self.push(b"0x0"),
                'b' | 'o' | 'd' | 'x' | 'X' => self.integer(0, false, false, verb, value),
                _ => self.bad_verb(verb, value),
            },
            Value::Nil | Value::List(_) | Value::Map(_) | Value::Object(_) => return false,
        }
        true
    }

    fn integer(&mut self, size: u64, negative: bool, signed: bool, verb: char, value: &Value) {
        match verb {
            'v' if self.flags.sharp_v && !signed => self.hex_with_prefix(size),
            'v' | 'd' => self.digits(size, negative, 10, verb, LOWER),
            'b' => self.digits(size, negative, 2, verb, LOWER),
            'o' | 'O' => self.digits(size, negative, 8, verb, LOWER),
            'x' => self.digits(size, negative, 16, verb, LOWER),
            'X' => self.digits(size, negative, 16, verb, UPPER),
            'c' | 'q' => {
                let code = if negative { -1 } else { i64::try_from(size).unwrap_or(-1) };
                if verb == 'c' {
                    self.pad(quote::to_char(code).encode_utf8(&mut [0; 4]).as_bytes());
                } else {
                    let text = quote::quoted_char(code, self.flags.plus);
                    self.pad(text.as_bytes());
                }
            }
            'U' => self.unicode(if negative { size.wrapping_neg() } else { size }),
            _ => self.bad_verb(verb, value),
        }
    }

    fn hex_with_prefix(&mut self, size: u64) {
        let sharp = std::mem::replace(&mut self.flags.sharp, true);
        self.digits(size, false, 16, 'v', LOWER);
        self.flags.sharp = sharp;
    }

    fn digits(&mut self, mut size: u64, negative: bool, base: u64, verb: char, alphabet: &[u8; 17]) {
        let flags = self.flags;
        let mut least = 0;
        if let Some(precision) = flags.precision {
            least = precision;
            if precision == 0 && size == 0 {
                return self.fill(flags.width.unwrap_or(0), false);
            }
        } else if let Some(width) = flags.width.filter(|_| flags.zero && !flags.minus) {
            least = width.saturating_sub(usize::from(negative || flags.plus || flags.space));
        }
        // From the last digit to the first.
        let mut reversed = Vec::with_capacity(24);
        loop {
            reversed.push(alphabet[usize::try_from(size % base).unwrap_or(0)]);
            size /= base;
            if size == 0 {
                break;
            }
        }
        if reversed.len() < least {
            reversed.resize(least.min(self.room()), b'0');
        }
        if flags.sharp {
            match base {
                2 => reversed.extend_from_slice(b"b0"),
                8 if reversed.last() != Some(&b'0') => reversed.push(b'0'),
                16 => reversed.extend_from_slice(&[alphabet[16], b'0']),
                _ => {}
            }
        }
        if verb == 'O' {
            reversed.extend_from_slice(b"o0");
        }
        if negative {
            reversed.push(b'-');
        } else if flags.plus {
            reversed.push(b'+');
        } else if flags.space {
            reversed.push(b' ');
        }
        reversed.reverse();
        self.pad_with(&reversed, false);
    }

    /// Bytes that may still be written, and a few more.
    fn room(&self) -> usize {
        self.end.saturating_sub(self.out.len()).saturating_add(64)
    }

    fn unicode(&mut self, size: u64) {
        let least = self.flags.precision.unwrap_or(4).max(4).min(self.room());
        let mut text = format!("U+{size:0>least$X}", least = least.min(60_000));
        if self.flags.sharp
            && let Some(character) =
                u32::try_from(size).ok().and_then(char::from_u32).filter(|c| is_print(*c))
        {
            text.push_str(&format!(" '{character}'"));
        }
        self.pad_with(text.as_bytes(), false);
    }

    fn float(&mut self, number: f64, kind: FloatKind, verb: char, value: &Value) {
        let (form, precision) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return self.bad_verb(verb, value),
        };
        self.float_digits(number, kind, form, precision);
    }

    fn float_digits(&mut self, number: f64, kind: FloatKind, form: char, precision: Option<usize>) {
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        let mut text =
            float::format_float(number, form, precision.map(|digits| digits.min(self.room())), kind);
        if !text.starts_with(['-', '+']) {
            text.insert(0, '+');
        }
        if flags.space && text.starts_with('+') && !flags.plus {
            text.replace_range(..1, " ");
        }
        if !number.is_finite() {
            if number.is_nan() && !flags.space && !flags.plus {
                text.remove(0);
            }
            return self.pad_with(text.as_bytes(), false);
        }
        if flags.sharp && form != 'b' {
            text = sharpened(&text, form, precision);
        }
        if flags.plus || !text.starts_with('+') {
            if let Some(width) = flags.width.filter(|width| flags.zero && !flags.minus && *width > text.len())
            {
                let (sign, digits) = text.split_at(1);
                self.push(sign.as_bytes());
                self.fill(width - text.len(), true);
                return self.push(digits.as_bytes());
            }
            return self.pad(text.as_bytes());
        }
        self.pad(text.get(1..).unwrap_or_default().as_bytes());
    }

    fn complex(&mut self, real: f64, imaginary: f64, verb: char, value: &Value) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(verb, value);
        }
        let plus = self.flags.plus;
        self.push(b"(");
        self.float(real, FloatKind::Float64, verb, value);
        self.flags.plus = true;
        self.float(imaginary, FloatKind::Float64, verb, value);
        self.flags.plus = plus;
        self.push(b"i)");
    }

    pub(super) fn string(&mut self, bytes: &[u8], verb: char, value: &Value) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(bytes),
            'v' | 's' => self.pad(self.truncated(bytes)),
            'x' => self.hex_bytes(bytes, LOWER),
            'X' => self.hex_bytes(bytes, UPPER),
            'q' => self.quoted(bytes),
            _ => self.bad_verb(verb, value),
        }
    }

    fn bytes(&mut self, bytes: &[u8], verb: char, value: &Value) {
        match verb {
            's' => self.pad(self.truncated(bytes)),
            'x' => self.hex_bytes(bytes, LOWER),
            'X' => self.hex_bytes(bytes, UPPER),
            'q' => self.quoted(bytes),
            'v' if self.flags.sharp_v => {
                self.push(b"[]byte{");
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.push(b", ");
                    }
                    self.hex_with_prefix((*byte).into());
                }
                self.push(b"}");
            }
            _ => {
                self.push(b"[");
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.push(b" ");
                    }
                    if self.stopped.is_some() {
                        return;
                    }
                    let element = Value::Uint(crate::value::UintKind::Uint8, (*byte).into());
                    self.integer((*byte).into(), false, false, verb, &element);
                }
                self.push(b"]");
            }
        }
        let _ = value;
    }

    fn truncated<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(precision) = self.flags.precision else { return bytes };
        let mut at = 0;
        for _ in 0..precision {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            at += decode(rest).1;
        }
        bytes.get(..at).unwrap_or(bytes)
    }

    fn quoted(&mut self, bytes: &[u8]) {
        let bytes = self.truncated(bytes);
        if self.flags.sharp && quote::can_backquote(bytes) {
            let raw = [b"`", bytes, b"`"].concat();
            return self.pad(&raw);
        }
        let text = quote::quoted_as(bytes, '"', self.flags.plus);
        self.pad(text.as_bytes());
    }

    fn hex_bytes(&mut self, bytes: &[u8], alphabet: &[u8; 17]) {
        let flags = self.flags;
        let bytes = bytes.get(..flags.precision.unwrap_or(bytes.len()).min(bytes.len())).unwrap_or_default();
        if bytes.is_empty() {
            let zero = self.pad_char_is_zero();
            return self.fill(flags.width.unwrap_or(0), zero);
        }
        let mut text = Vec::with_capacity(bytes.len().saturating_mul(2).min(self.room()));
        for (at, byte) in bytes.iter().enumerate() {
            if text.len() > self.room() {
                break;
            }
            if at > 0 && flags.space {
                text.push(b' ');
            }
            if flags.sharp && (at == 0 || flags.space) {
                text.extend_from_slice(&[b'0', alphabet[16]]);
            }
            text.extend_from_slice(&[alphabet[usize::from(byte >> 4)], alphabet[usize::from(byte & 15)]]);
        }
        self.pad(&text);
    }
}

/// How many characters Go counts: each byte that belongs to none is one.
fn count_runes(mut bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    let mut count = 0;
    while !bytes.is_empty() {
        bytes = bytes.get(decode(bytes).1..).unwrap_or_default();
        count += 1;
    }
    count
}

/// `%#g` and the like: with the point, and the zeros that `%g` leaves out. The text begins with its sign.
fn sharpened(text: &str, form: char, precision: Option<usize>) -> String {
    let mut missing = match form {
        'g' | 'G' | 'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let exponent =
        text.find(|c| matches!(c, 'p' | 'P') || (matches!(c, 'e' | 'E') && !matches!(form, 'x' | 'X')));
    let (number, tail) = text.split_at(exponent.unwrap_or(text.len()));
    let mut significant = false;
    for digit in number.chars().skip(1).filter(|digit| *digit != '.') {
        significant |= digit != '0';
        missing = missing.saturating_sub(usize::from(significant));
    }
    let mut sharp = String::from(number);
    if !number.contains('.') {
        // A lone zero counts.
        if number.get(1..) == Some("0") {
            missing = missing.saturating_sub(1);
        }
        sharp.push('.');
    }
    sharp.extend(std::iter::repeat_n('0', missing));
    sharp.push_str(tail);
    sharp
}
