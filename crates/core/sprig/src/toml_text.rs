//! TOML as Helm's functions write and read it.
//!
//! **Source**: BurntSushi/toml 1.6: simple values of a table first, then its tables, both sorted; two blanks of indent a level.

mod complaint;

use std::collections::BTreeMap;

use gotemplate::{CallError, FloatKind, List, Run, Str, Value};
use toml::Value as Toml;

use crate::functions::dates::Stamp;
use crate::show;
use crate::time::{Zone, parse};

/// Levels of nesting.
const DEPTH: usize = 500;

/// `toml.Encoder`. **Errors**: its text; a limit.
pub(crate) fn write(value: &Value) -> Result<Vec<u8>, CallError> {
    let mut out = Vec::new();
    match value {
        Value::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        Value::Map(_) => entry(&mut Vec::new(), value, &mut out)?,
        Value::Object(object) if let Some(map @ Value::Map(_)) = object.contents() => {
            entry(&mut Vec::new(), &map, &mut out)?;
        }
        Value::List(list) if is_table_list(list)? => {
            return Err("toml: top-level values must be Go maps or structs".into());
        }
        // The library writes a lone value as it would stand behind a key.
        other => element(other, 0, &mut out)?,
    }
    Ok(out)
}

/// Whether a value is written as `[table]` or `[[table]]`.
fn is_table(value: &Value) -> Result<bool, CallError> {
    match value {
        Value::Map(map) => Ok(!map.is_nil()),
        Value::List(list) => is_table_list(list),
        Value::Object(object) => Ok(object.text().is_none()),
        _ => Ok(false),
    }
}

fn is_table_list(list: &List) -> Result<bool, CallError> {
    let mut all = !list.items().is_empty();
    for item in list.items() {
        match item {
            Value::Nil => return Err("toml: cannot encode array with nil element".into()),
            Value::Map(map) if !map.is_nil() => {}
            Value::Map(_) => return Err("toml: cannot encode array with nil element".into()),
            Value::List(inner) => {
                is_table_list(inner)?;
                all = false;
            }
            _ => all = false,
        }
    }
    Ok(all)
}

fn quoted(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn key_text(key: &Str) -> String {
    let bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.as_bytes().iter().all(bare) {
        key.to_text().into_owned()
    } else {
        quoted(key.as_bytes())
    }
}

fn newline(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b'\n');
    }
}

/// `path` is the keys down to the value.
fn entry(path: &mut Vec<Str>, value: &Value, out: &mut Vec<u8>) -> Result<(), CallError> {
    if path.len() > DEPTH {
        return Err(Run::too_deep(DEPTH));
    }
    let indent = "  ".repeat(path.len().saturating_sub(1));
    let full = |path: &[Str]| path.iter().map(key_text).collect::<Vec<_>>().join(".");
    match value {
        Value::Nil => Ok(()),
        Value::Map(map) if map.is_nil() => Ok(()),
        Value::Map(map) => {
            if path.len() == 1 {
                newline(out);
            }
            if !path.is_empty() {
                out.extend_from_slice(format!("{indent}[{}]", full(path)).as_bytes());
                newline(out);
            }
            table(path, &map.snapshot(), out)
        }
        Value::List(list) if is_table_list(list)? => {
            for item in list.items() {
                let Value::Map(map) = item else { continue };
                newline(out);
                out.extend_from_slice(format!("{indent}[[{}]]", full(path)).as_bytes());
                newline(out);
                table(path, &map.snapshot(), out)?;
            }
            Ok(())
        }
        Value::Object(object) if object.text().is_none() => {
            let fields = object.field_names().iter();
            let entries = fields.map(|name| (Str::from(*name), object.field(name).unwrap_or_default()));
            entry(path, &Value::map(entries.collect()), out)
        }
        Value::Complex(..) | Value::Function(_) => {
            Err(format!("unsupported type for key '{}': {}", full(path), value.kind().name()).into())
        }
        value => {
            let key = path.last().map(key_text).unwrap_or_default();
            out.extend_from_slice(format!("{indent}{key} = ").as_bytes());
            element(value, path.len(), out)?;
            newline(out);
            Ok(())
        }
    }
}

fn table(path: &mut Vec<Str>, entries: &[(Str, Value)], out: &mut Vec<u8>) -> Result<(), CallError> {
    for tables in [false, true] {
        for (key, value) in entries {
            if is_table(value)? == tables {
                path.push(key.clone());
                entry(path, value, out)?;
                path.pop();
            }
        }
    }
    Ok(())
}

/// A value on its line.
fn element(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), CallError> {
    if depth > DEPTH {
        return Err(Run::too_deep(DEPTH));
    }
    let text = match value {
        Value::String(text) => quoted(text.as_bytes()),
        Value::Float(kind, number) => float(*kind, *number),
        Value::Bytes(bytes) => {
            format!("[{}]", bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", "))
        }
        Value::List(list) => {
            out.push(b'[');
            for (at, item) in list.items().iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                element(item, depth + 1, out)?;
            }
            out.push(b']');
            return Ok(());
        }
        Value::Map(map) => return inline(&map.snapshot(), depth, out),
        Value::Object(object) => match (value.as_object::<Stamp>(), object.text()) {
            (Some(Stamp(time)), _) => {
                String::from_utf8_lossy(&time.format(b"2006-01-02T15:04:05.999999999Z07:00")).into_owned()
            }
            (None, Some(text)) => quoted(text.as_bytes()),
            (None, None) => {
                let names = object.field_names().iter();
                let fields = names.map(|name| (Str::from(*name), object.field(name).unwrap_or_default()));
                return inline(&fields.collect::<Vec<_>>(), depth, out);
            }
        },
        Value::Nil | Value::Complex(..) | Value::Function(_) => {
            return Err(format!("unexpected type: {}", value.type_name()).into());
        }
        other => String::from_utf8_lossy(&show::plain(other)?).into_owned(),
    };
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn inline(entries: &[(Str, Value)], depth: usize, out: &mut Vec<u8>) -> Result<(), CallError> {
    let mut parts = Vec::new();
    for tables in [false, true] {
        for (key, value) in entries {
            if matches!(value, Value::Nil) || is_table(value)? != tables {
                continue;
            }
            let mut part = format!("{} = ", key_text(key)).into_bytes();
            element(value, depth + 1, &mut part)?;
            parts.push(part);
        }
    }
    out.push(b'{');
    out.extend(parts.join(&b", "[..]));
    out.push(b'}');
    Ok(())
}

fn float(kind: FloatKind, number: f64) -> String {
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_nan() {
        return format!("{sign}nan");
    }
    if number.is_infinite() {
        return format!("{sign}inf");
    }
    let text = show::general(kind, number);
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}

/// `toml.Unmarshal`: integers are `int64`, dates are times.
///
/// **Errors**: in the peer's words where the mistake is a common one, else in those of the `toml` crate.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let words = |error: toml::de::Error| {
        complaint::complaint(text).unwrap_or_else(|| format!("toml: {}", error.message()))
    };
    let table: toml::Table = text.parse().map_err(words)?;
    from_toml(&Toml::Table(table), 0)
}

fn from_toml(value: &Toml, depth: usize) -> Result<Value, String> {
    if depth > DEPTH {
        return Err(format!("toml: nested deeper than {DEPTH} levels"));
    }
    Ok(match value {
        Toml::String(text) => text.as_str().into(),
        Toml::Integer(number) => Value::int64(*number),
        Toml::Float(number) => Value::float(*number),
        Toml::Boolean(truth) => (*truth).into(),
        Toml::Datetime(stamp) => datetime(&stamp.to_string())?,
        Toml::Array(items) => {
            let tables = !items.is_empty() && items.iter().all(Toml::is_table);
            let items: Result<Vec<_>, _> = items.iter().map(|item| from_toml(item, depth + 1)).collect();
            let kind = if tables { gotemplate::ListType::MAPS } else { gotemplate::ListType::ANY };
            List::new(kind, items?).into()
        }
        Toml::Table(fields) => {
            let mut entries = BTreeMap::new();
            for (key, value) in fields {
                entries.insert(Str::from(key.as_str()), from_toml(value, depth + 1)?);
            }
            Value::map(entries)
        }
    })
}

fn datetime(text: &str) -> Result<Value, String> {
    const LAYOUTS: [&[u8]; 4] =
        [b"2006-01-02T15:04:05Z07:00", b"2006-01-02T15:04:05", b"2006-01-02", b"15:04:05"];
    let time = LAYOUTS.iter().find_map(|layout| parse::parse(layout, text.as_bytes(), &Zone::Utc).ok());
    time.map(|time| Value::object(Stamp(time))).ok_or_else(|| format!("toml: not a date: {text}"))
}
