//! Values that a user gives: files, and what is set one by one.
//!
//! In all of these maps a number that came from YAML or JSON is a float, and one from `--set` an integer, as they are in Helm; templates
//! can tell them apart.

mod set;
mod tree;

#[cfg(test)]
mod tests;

use crate::error::Error;
use serde_json::{Map, Number, Value};

pub(crate) use tree::{Node, Table, ToTemplate};

/// One thing that a user gives; they are taken in the order in which they stand.
///
/// `helm template` takes all files first, then all of `--set-json`, `--set`, `--set-string`, `--set-file`, `--set-literal`.
#[derive(Clone, Copy)]
pub enum Given<'a> {
    /// A values file: its name, for errors, and its text.
    File(&'a str, &'a [u8]),
    /// Values that are no file.
    Map(&'a Map<String, Value>),
    /// `--set`.
    Set(&'a str),
    /// `--set-string`.
    SetString(&'a str),
    /// `--set-json`.
    SetJson(&'a str),
    /// `--set-literal`.
    SetLiteral(&'a str),
    /// `--set-file`: the text, and how to read a file. An error of the reader is passed on as it is.
    SetFile(&'a str, &'a dyn Fn(&str) -> Result<String, String>),
}

/// Puts together what a user gives. Later values win; maps are merged; null stays, for it takes the chart's own value away.
///
/// **Errors**: [`Error::Values`], in Helm's words.
/// **Source**: Helm 3.22, `cli/values.Options.MergeValues`.
pub fn assemble(given: &[Given<'_>], limits: &goyaml::Limits) -> Result<Map<String, Value>, Error> {
    let mut values = Map::new();
    for one in given {
        let (flag, text, reading) = match one {
            Given::File(name, text) => {
                let map = crate::go_json::yaml_map(text, limits, "map[string]interface {}")
                    .map_err(|message| Error::Values(format!("failed to parse {name}: {message}")))?;
                merge(&mut values, floats(map));
                continue;
            }
            Given::Map(map) => {
                merge(&mut values, floats((*map).clone()));
                continue;
            }
            Given::Set(text) => ("--set", text, set::Reading::Typed),
            Given::SetString(text) => ("--set-string", text, set::Reading::Text),
            Given::SetJson(text) => ("--set-json", text, set::Reading::Json),
            Given::SetLiteral(text) => ("--set-literal", text, set::Reading::Literal),
            Given::SetFile(text, read) => ("--set-file", text, set::Reading::File(*read)),
        };
        set::parse_into(text, &mut values, &reading).map_err(|message| {
            Error::Values(match one {
                Given::SetJson(text) => format!("failed parsing --set-json data {text}"),
                _ => format!("failed parsing {flag} data: {message}"),
            })
        })?;
    }
    Ok(values)
}

/// Puts `over` on top of `values`, map into map.
fn merge(values: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (values.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                values.insert(key, value);
            }
        }
    }
}

fn floats(mut map: Map<String, Value>) -> Map<String, Value> {
    map.values_mut().for_each(numbers_to_floats);
    map
}

/// What a reader of JSON in Go makes of numbers.
fn numbers_to_floats(value: &mut Value) {
    match value {
        Value::Number(number) if !number.is_f64() => {
            if let Some(float) = number.as_f64().and_then(Number::from_f64) {
                *number = float;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(numbers_to_floats),
        Value::Object(map) => map.values_mut().for_each(numbers_to_floats),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
