//! Format strings.

use super::printer::{Flags, Printer};
use crate::unicode::decode;
use crate::value::Value;

/// Widths, precisions and argument numbers beyond this are errors.
const TOO_LARGE: usize = 1_000_000;

/// Reading a format string.
struct Reader<'f> {
    format: &'f [u8],
    at: usize,
    /// The argument that comes next.
    arg: usize,
    args: usize,
    /// Whether all argument numbers of this directive were good.
    good: bool,
    /// Whether any directive had an argument number.
    reordered: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// A number; one that is too large takes the rest of the format with it, as in Go.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            let so_far = number.unwrap_or(0_usize);
            if so_far > TOO_LARGE {
                self.at = self.format.len();
                return None;
            }
            number = Some(so_far * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        if self.at >= self.format.len() && number.is_none() {
            self.at = self.format.len();
        }
        number
    }

    /// `[3]`; whether there was one that can be read.
    fn arg_number(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let close = if rest.len() < 3 { None } else { rest.iter().position(|byte| *byte == b']') };
        let Some(close) = close else {
            self.good = false;
            self.at += 1;
            return false;
        };
        let digits = rest.get(1..close).unwrap_or_default();
        let number = str::from_utf8(digits)
            .ok()
            .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse::<usize>().ok())
            .filter(|number| *number <= TOO_LARGE * 10 + 9);
        self.at += close + 1;
        match number {
            Some(number) if (1..=self.args).contains(&number) => {
                self.arg = number - 1;
                true
            }
            Some(_) => {
                self.good = false;
                true
            }
            None => {
                self.good = false;
                false
            }
        }
    }

    /// The argument of a `*`.
    fn star(&mut self, args: &[Value]) -> Option<i64> {
        let value = args.get(self.arg)?;
        self.arg += 1;
        let number = match value {
            Value::Int(_, number) => *number,
            Value::Uint(_, number) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        (number.unsigned_abs() <= TOO_LARGE as u64).then_some(number)
    }
}

/// `fmt.Sprintf`.
pub(super) fn print_formatted(printer: &mut Printer<'_>, format: &[u8], args: &[Value]) {
    let mut reader = Reader { format, at: 0, arg: 0, args: args.len(), good: true, reordered: false };
    while reader.at < format.len() {
        if printer.stopped().is_some() {
            return;
        }
        let rest = format.get(reader.at..).unwrap_or_default();
        let plain = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
        printer.push(rest.get(..plain).unwrap_or_default());
        reader.at += plain;
        if reader.at >= format.len() {
            break;
        }
        reader.at += 1;
        if !directive(printer, &mut reader, args) {
            break;
        }
    }
    if !reader.reordered && reader.arg < args.len() {
        extra(printer, args.get(reader.arg..).unwrap_or_default());
    }
}

fn extra(printer: &mut Printer<'_>, args: &[Value]) {
    printer.flags = Flags::default();
    printer.push(b"%!(EXTRA ");
    for (at, arg) in args.iter().enumerate() {
        if at > 0 {
            printer.push(b", ");
        }
        if matches!(arg, Value::Nil) {
            printer.push(b"<nil>");
        } else {
            printer.push(arg.type_name().as_bytes());
            printer.push(b"=");
            printer.print_arg(arg, 'v');
        }
    }
    printer.push(b")");
}

/// What follows a `%`; false at the end of the format.
fn directive(printer: &mut Printer<'_>, reader: &mut Reader<'_>, args: &[Value]) -> bool {
    reader.good = true;
    let mut flags = Flags::default();
    while let Some(byte) = reader.peek() {
        match byte {
            b'#' => flags.sharp = true,
            b'0' => flags.zero = true,
            b'+' => flags.plus = true,
            b'-' => flags.minus = true,
            b' ' => flags.space = true,
            _ => break,
        }
        reader.at += 1;
    }
    // A plain verb takes its argument at once.
    if let Some(verb) = reader.peek().filter(u8::is_ascii_lowercase)
        && let Some(arg) = args.get(reader.arg)
    {
        reader.at += 1;
        reader.arg += 1;
        printer.flags = flags;
        print_verb(printer, char::from(verb), arg);
        return true;
    }
    let mut after_number = reader.arg_number();
    if reader.peek() == Some(b'*') {
        reader.at += 1;
        let width = reader.star(args);
        if width.is_none() {
            printer.push(b"%!(BADWIDTH)");
        }
        if width.is_some_and(|width| width < 0) {
            flags.minus = true;
            flags.zero = false;
        }
        flags.width = width.and_then(|width| usize::try_from(width.unsigned_abs()).ok());
        after_number = false;
    } else {
        flags.width = reader.number();
        if after_number && flags.width.is_some() {
            reader.good = false;
        }
    }
    if reader.peek() == Some(b'.') && reader.at + 1 < reader.format.len() {
        reader.at += 1;
        if after_number {
            reader.good = false;
        }
        after_number = reader.arg_number();
        if reader.peek() == Some(b'*') {
            reader.at += 1;
            flags.precision = reader.star(args).and_then(|precision| usize::try_from(precision).ok());
            if flags.precision.is_none() {
                printer.push(b"%!(BADPREC)");
            }
            after_number = false;
        } else {
            flags.precision = Some(reader.number().unwrap_or(0));
        }
    }
    if !after_number {
        reader.arg_number();
    }
    printer.flags = flags;
    let rest = reader.format.get(reader.at..).unwrap_or_default();
    if rest.is_empty() {
        printer.push(b"%!(NOVERB)");
        return false;
    }
    let (verb, length) = decode(rest);
    let verb = verb.unwrap_or(char::REPLACEMENT_CHARACTER);
    reader.at += length;
    match args.get(reader.arg) {
        _ if verb == '%' => printer.push(b"%"),
        _ if !reader.good => complain(printer, verb, "(BADINDEX)"),
        None => complain(printer, verb, "(MISSING)"),
        Some(arg) => {
            print_verb(printer, verb, arg);
            reader.arg += 1;
        }
    }
    true
}

fn complain(printer: &mut Printer<'_>, verb: char, what: &str) {
    printer.push(format!("%!{verb}{what}").as_bytes());
}

fn print_verb(printer: &mut Printer<'_>, verb: char, arg: &Value) {
    if matches!(verb, 'v' | 'w') {
        let flags = &mut printer.flags;
        flags.sharp_v = std::mem::take(&mut flags.sharp);
        flags.plus_v = std::mem::take(&mut flags.plus);
    }
    printer.print_arg(arg, verb);
}
