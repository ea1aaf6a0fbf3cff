//! YAML as Helm's functions write and read it.

mod pretty;

use gotemplate::{CallError, FloatKind, Numbers, Run, Value};
use goyaml::ErrorKind;
use serde_json::Value as Json;

use crate::functions::dates::Stamp;
use crate::{base64, json};

pub(crate) use pretty::write as write_pretty;

/// Levels of nesting that are written.
const DEPTH: usize = 500;

/// `toYaml`: through JSON, as sigs.k8s.io/yaml does; without the line break at the end. **Errors**: what has no JSON; a limit.
pub(crate) fn write(value: &Value) -> Result<String, CallError> {
    let mut text = goyaml::to_string(&to_json(value, 0)?);
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// As JSON would be read again by YAML: whole floats below 1e21 are integers, as far as those go.
fn to_json(value: &Value, depth: usize) -> Result<Json, CallError> {
    if depth > DEPTH {
        return Err(Run::too_deep(DEPTH));
    }
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Int(_, number) => (*number).into(),
        Value::Uint(_, number) => (*number).into(),
        Value::Float(kind, number) => float(*kind, *number)?,
        Value::String(text) => text.to_text().into_owned().into(),
        Value::Bytes(bytes) => base64::encode(bytes).into(),
        Value::List(list) if list.is_nil() => Json::Null,
        Value::List(list) => {
            let items: Result<Vec<_>, _> = list.items().iter().map(|item| to_json(item, depth + 1)).collect();
            items?.into()
        }
        Value::Map(map) if map.is_nil() => Json::Null,
        Value::Map(map) => {
            let mut fields = serde_json::Map::new();
            for (key, item) in map.entries().iter() {
                fields.insert(key.to_text().into_owned(), to_json(item, depth + 1)?);
            }
            fields.into()
        }
        Value::Object(object) => {
            if let Some(Stamp(time)) = value.as_object::<Stamp>() {
                let text = time.format(b"2006-01-02T15:04:05.999999999Z07:00");
                return Ok(String::from_utf8_lossy(&text).into_owned().into());
            }
            if let Some(contents) = object.contents() {
                return to_json(&contents, depth + 1);
            }
            let shown = object.json_fields();
            if let (true, Some(text)) = (shown.is_empty(), object.text()) {
                return Ok(text.into());
            }
            let mut fields = serde_json::Map::new();
            for (name, value) in shown {
                fields.insert(name.into(), to_json(&value, depth + 1)?);
            }
            fields.into()
        }
        Value::Complex(..) | Value::Function(_) => {
            return Err(format!("json: unsupported type: {}", value.type_name()).into());
        }
    })
}

fn float(kind: FloatKind, number: f64) -> Result<Json, CallError> {
    let text = json::float(kind, number)?;
    if let Ok(number) = text.parse::<i64>() {
        return Ok(number.into());
    }
    if let Ok(number) = text.parse::<u64>() {
        return Ok(number.into());
    }
    let number = text.parse().unwrap_or(number);
    Ok(serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number))
}

/// `fromYaml` before it looks at the type. **Errors**: the peer's text.
pub(crate) fn read(text: &[u8]) -> Result<Value, String> {
    let limits = goyaml::Limits { depth: DEPTH, ..goyaml::Limits::default() };
    let json = goyaml::parse_one(text, &limits).map_err(|error| {
        let (library, words) = match error.kind() {
            kind @ ErrorKind::Number(_) => ("", kind.to_string()),
            // Not the library finds these, but what makes JSON of its result.
            ErrorKind::Key { printed, .. } if printed.starts_with("unsupported") => ("", printed.clone()),
            ErrorKind::Key { printed, .. } => ("yaml: ", printed.clone()),
            kind => ("yaml: ", kind.to_string()),
        };
        let line = line_of(&error, text).map(|line| format!("line {line}: ")).unwrap_or_default();
        format!("error converting YAML to JSON: {library}{line}{words}")
    })?;
    Value::from_json(&json, Numbers::Float).map_err(|error| error.to_string())
}

/// The line that Go's library names: none for the first, one too few where its parser speaks, and at the end of the text one too many.
fn line_of(error: &goyaml::Error, text: &[u8]) -> Option<usize> {
    let (ErrorKind::Syntax(words), Some(mark)) = (error.kind(), error.mark()) else { return None };
    let lines: Vec<&[u8]> = text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').collect();
    let line = match *words {
        "found unexpected end of stream" => lines.len(),
        "could not find expected ':'" => mark.line + 1,
        words if words.starts_with("did not find expected") => {
            let last = lines.last().map_or(0, |line| String::from_utf8_lossy(line).chars().count());
            let at_end = mark.line >= lines.len() && mark.column > last;
            return Some(if at_end { mark.line } else { mark.line - 1 }).filter(|line| *line > 0);
        }
        _ => mark.line,
    };
    (line > 1).then_some(line)
}
