//! Writing.

use gotemplate::{CallError, FloatKind, Run, Value};

use crate::functions::dates::Stamp;
use crate::{base64, show};

/// Levels of nesting that are written; past them, as for a map that holds itself, the run ends.
const DEPTH: usize = 500;

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `<`, `>` and `&` as `\u003c` and so on.
    Compact,
    /// The same on lines, indented by two blanks.
    Pretty,
    /// `<`, `>` and `&` as they are.
    Raw,
}

/// `json.Marshal`. **Errors**: Go's text; a limit.
pub(crate) fn write(value: &Value, style: Style) -> Result<Vec<u8>, CallError> {
    let mut writer = Writer { out: Vec::new(), style };
    writer.value(value, 0)?;
    Ok(writer.out)
}

/// A value as Go's `json.Marshal` writes it: `<`, `>` and `&` escaped, keys of maps in order.
///
/// # Errors
/// Go's text where there is no JSON for the value; a limit where it nests too deep.
pub fn to_json(value: &Value) -> Result<Vec<u8>, CallError> {
    write(value, Style::Compact)
}

struct Writer {
    out: Vec<u8>,
    style: Style,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), CallError> {
        if depth > DEPTH {
            return Err(Run::too_deep(DEPTH));
        }
        match value {
            Value::Nil => self.text("null"),
            Value::Bool(truth) => self.text(if *truth { "true" } else { "false" }),
            Value::Int(_, number) => self.text(&number.to_string()),
            Value::Uint(_, number) => self.text(&number.to_string()),
            Value::Float(kind, number) => self.text(&float(*kind, *number)?),
            Value::String(text) => self.string(text.as_bytes()),
            Value::Bytes(bytes) => self.string(base64::encode(bytes).as_bytes()),
            Value::List(list) if list.is_nil() => self.text("null"),
            Value::List(list) => {
                self.out.push(b'[');
                for (at, item) in list.items().iter().enumerate() {
                    self.separate(at, depth);
                    self.value(item, depth + 1)?;
                }
                self.close(b']', list.items().is_empty(), depth);
            }
            Value::Map(map) if map.is_nil() => self.text("null"),
            Value::Map(map) => {
                let entries = map.entries();
                self.out.push(b'{');
                for (at, (key, item)) in entries.iter().enumerate() {
                    self.separate(at, depth);
                    self.field(key.as_bytes());
                    self.value(item, depth + 1)?;
                }
                self.close(b'}', entries.is_empty(), depth);
            }
            Value::Object(object) => {
                if let Some(Stamp(time)) = value.as_object::<Stamp>() {
                    self.string(&time.format(b"2006-01-02T15:04:05.999999999Z07:00"));
                    return Ok(());
                }
                if let Some(contents) = object.contents().filter(|inner| !matches!(inner, Value::Object(_))) {
                    return self.value(&contents, depth);
                }
                let fields = object.json_fields();
                if let (true, Some(text)) = (fields.is_empty(), object.text()) {
                    self.string(text.as_bytes());
                    return Ok(());
                }
                self.out.push(b'{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    self.separate(at, depth);
                    self.field(name.as_bytes());
                    self.value(value, depth + 1)?;
                }
                self.close(b'}', fields.is_empty(), depth);
            }
            Value::Complex(..) | Value::Function(_) => {
                return Err(format!("json: unsupported type: {}", value.type_name()).into());
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn separate(&mut self, at: usize, depth: usize) {
        if at > 0 {
            self.out.push(b',');
        }
        self.line(depth + 1);
    }

    fn field(&mut self, key: &[u8]) {
        self.string(key);
        self.text(if self.style == Style::Pretty { ": " } else { ":" });
    }

    fn close(&mut self, bracket: u8, empty: bool, depth: usize) {
        if !empty {
            self.line(depth);
        }
        self.out.push(bracket);
    }

    fn line(&mut self, depth: usize) {
        if self.style == Style::Pretty {
            self.out.push(b'\n');
            self.out.extend(std::iter::repeat_n(b' ', depth * 2));
        }
    }

    fn string(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '"' => self.text("\\\""),
                    '\\' => self.text("\\\\"),
                    '\n' => self.text("\\n"),
                    '\r' => self.text("\\r"),
                    '\t' => self.text("\\t"),
                    '\x08' => self.text("\\b"),
                    '\x0c' => self.text("\\f"),
                    '<' | '>' | '&' if self.style != Style::Raw => self.escape(c),
                    '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => self.escape(c),
                    c => self.text(c.encode_utf8(&mut [0; 4])),
                }
            }
            for _ in chunk.invalid() {
                self.text("\\ufffd");
            }
        }
        self.out.push(b'"');
    }

    fn escape(&mut self, c: char) {
        self.text(&format!("\\u{:04x}", u32::from(c)));
    }
}

/// A float: without exponent between 1e-6 and 1e21. **Errors**: NaN and infinities.
pub(crate) fn float(kind: FloatKind, number: f64) -> Result<String, CallError> {
    if !number.is_finite() {
        return Err(format!("json: unsupported value: {}", show::float(kind, number)).into());
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let (digits, exponent) = show::digits(kind, number);
    if number == 0.0 || (-6..21).contains(&exponent) {
        return Ok(format!("{sign}{}", show::positional(&digits, exponent)));
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let plus = if exponent < 0 { "" } else { "+" };
    Ok(format!("{sign}{first}{point}{rest}e{plus}{exponent}"))
}
