//! `toYamlPretty`: as yaml.v3 writes with an indent of two. It knows Go's values, so floats look like floats (`1e+06`), and it folds nothing.

use gotemplate::{CallError, FloatKind, Run, Value};

use super::DEPTH;
use crate::functions::dates::Stamp;
use crate::show;

/// Without the line break at the end. **Errors**: a limit.
pub(crate) fn write(value: &Value) -> Result<String, CallError> {
    let mut out = String::new();
    node(value, 0, Place::Root, &mut out)?;
    Ok(out.strip_suffix('\n').unwrap_or(&out).to_owned())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    Field,
}

fn node(value: &Value, indent: usize, place: Place, out: &mut String) -> Result<(), CallError> {
    if indent > DEPTH {
        return Err(Run::too_deep(DEPTH));
    }
    // What begins on the line of its dash goes on there; below a field it begins on the next line.
    let begin = |at: usize, out: &mut String| {
        if at > 0 || place == Place::Field {
            if at == 0 {
                out.push('\n');
            }
            out.push_str(&"  ".repeat(indent));
        }
    };
    let blank = if place == Place::Root { "" } else { " " };
    let fields = match value {
        Value::Map(map) => sorted(map.snapshot()),
        // Of a struct, all fields in its order, whatever JSON calls them.
        Value::Object(object) if object.text().is_none() => match object.contents() {
            Some(contents) => return node(&contents, indent, place, out),
            None => {
                let names = object.field_names().iter();
                names.map(|name| (name.to_lowercase(), object.field(name).unwrap_or_default())).collect()
            }
        },
        _ => Vec::new(),
    };
    match value {
        Value::List(list) if !list.items().is_empty() => {
            for (at, item) in list.items().iter().enumerate() {
                if place == Place::Item && at == 0 {
                    out.push(' ');
                }
                begin(at, out);
                out.push('-');
                node(item, indent + 1, Place::Item, out)?;
            }
        }
        Value::Map(_) | Value::Object(_) if !fields.is_empty() => {
            for (at, (key, item)) in fields.into_iter().enumerate() {
                if place == Place::Item && at == 0 {
                    out.push(' ');
                }
                begin(at, out);
                out.push_str(&scalar(&key, indent));
                out.push(':');
                node(&item, indent + 1, Place::Field, out)?;
            }
        }
        other => {
            out.push_str(blank);
            out.push_str(&leaf(other, indent)?);
            out.push('\n');
        }
    }
    Ok(())
}

/// In the order that goyaml gives to keys: it is asked for each pair.
fn sorted(entries: Vec<(gotemplate::Str, Value)>) -> Vec<(String, Value)> {
    let mut fields = serde_json::Map::new();
    for (key, _) in &entries {
        fields.insert(key.to_text().into_owned(), serde_json::Value::Null);
    }
    let mut ordered: Vec<(String, Value)> =
        entries.into_iter().map(|(key, value)| (key.to_text().into_owned(), value)).collect();
    // One key a line, in order; a key is looked up by its line.
    let text = goyaml::to_string(&fields.into());
    let line_of = |key: &str| {
        let mut single = serde_json::Map::new();
        single.insert(key.to_owned(), serde_json::Value::Null);
        let line = goyaml::to_string(&single.into());
        text.find(&line).unwrap_or(usize::MAX)
    };
    ordered.sort_by_cached_key(|(key, _)| line_of(key));
    ordered
}

fn leaf(value: &Value, indent: usize) -> Result<String, CallError> {
    Ok(match value {
        Value::Nil => "null".into(),
        Value::List(list) if list.is_nil() => "[]".into(),
        Value::List(_) => "[]".into(),
        Value::Map(_) => "{}".into(),
        Value::Float(kind, number) => float(*kind, *number),
        Value::String(text) => scalar(&text.to_text(), indent),
        Value::Bytes(bytes) => {
            let items: Vec<_> = bytes.iter().map(u8::to_string).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(object) => match value.as_object::<Stamp>() {
            Some(Stamp(time)) => {
                String::from_utf8_lossy(&time.format(b"2006-01-02T15:04:05.999999999Z07:00")).into_owned()
            }
            None => scalar(&object.text().unwrap_or_default(), indent),
        },
        other => String::from_utf8_lossy(&show::plain(other)?).into_owned(),
    })
}

/// As `strconv.FormatFloat(…, 'g', -1, …)`, and YAML's words for what is no number.
fn float(kind: FloatKind, number: f64) -> String {
    if number.is_nan() {
        return ".nan".into();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-.inf".into() } else { ".inf".into() };
    }
    show::general(kind, number)
}

/// A string, quoted where it must be; text of several lines as a block.
fn scalar(text: &str, indent: usize) -> String {
    let written = goyaml::to_string(&serde_json::Value::String(text.to_owned()));
    let written = written.strip_suffix('\n').unwrap_or(&written);
    if written.starts_with('|') {
        let pad = "  ".repeat(indent.max(1));
        let mut lines = written.split('\n');
        let mut out = lines.next().unwrap_or_default().to_owned();
        for line in lines {
            out.push('\n');
            if let Some(line) = line.strip_prefix("  ") {
                out.push_str(&pad);
                out.push_str(line);
            } else {
                out.push_str(line);
            }
        }
        return out;
    }
    // What was folded is one line here.
    written.replace("\\\n  \\", "").replace("\n  ", " ")
}
