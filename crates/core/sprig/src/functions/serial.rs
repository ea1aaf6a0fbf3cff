//! JSON, YAML and TOML.

use gotemplate::{Call, CallError, Function, List, ListType, Map, MapType, Type, Value};

use super::{Answer, give, give_bytes};
use crate::json::{self, Style};
use crate::{toml_text, yaml};

const ANY: &[Type] = &[Type::Any];
const STRING: &[Type] = &[Type::String];

/// Sprig's.
pub(crate) const TABLE: &[Function] = &[
    Function::new("toJson", ANY, |call| swallowed(call, Style::Compact)),
    Function::new("toPrettyJson", ANY, |call| swallowed(call, Style::Pretty)),
    Function::new("toRawJson", ANY, |call| written(call, Style::Raw)),
    Function::new("mustToJson", ANY, |call| written(call, Style::Compact)),
    Function::new("mustToPrettyJson", ANY, |call| written(call, Style::Pretty)),
    Function::new("mustToRawJson", ANY, |call| written(call, Style::Raw)),
    Function::new("fromJson", STRING, |call| {
        charge(call)?;
        give(json::read(call.bytes(0)).unwrap_or_default())
    }),
    Function::new("mustFromJson", STRING, |call| {
        charge(call)?;
        give(json::read(call.bytes(0))?)
    }),
];

/// Helm's, which never fail: what cannot be written is empty, and what cannot be read is a map with the field `Error`.
pub(crate) const HELM: &[Function] = &[
    Function::new("toYaml", ANY, |call| {
        let text = empty_on_failure(yaml::write(call.arg(0)).map(String::into_bytes))?;
        finished(call, text)
    }),
    Function::new("toYamlPretty", ANY, |call| {
        let text = empty_on_failure(yaml::write_pretty(call.arg(0)).map(String::into_bytes))?;
        finished(call, text)
    }),
    Function::new("toToml", ANY, |call| match toml_text::write(call.arg(0)) {
        Ok(text) => finished(call, text),
        Err(CallError::Message(message)) if matches!(call.arg(0), Value::Nil) => super::refuse(message),
        Err(CallError::Message(message)) => give(message),
        Err(error) => Err(error),
    }),
    Function::new("fromYaml", STRING, |call| {
        charge(call)?;
        give(map_of(
            not_nil(yaml::read(call.bytes(0)), || Value::map([].into())),
            "error unmarshaling JSON: while decoding JSON: ",
        ))
    }),
    Function::new("fromYamlArray", STRING, |call| {
        charge(call)?;
        give(list_of(
            not_nil(yaml::read(call.bytes(0)), || Value::list(Vec::new())),
            "error unmarshaling JSON: while decoding JSON: ",
        ))
    }),
    Function::new("fromJson", STRING, |call| {
        charge(call)?;
        give(map_of(json::read(call.bytes(0)), ""))
    }),
    Function::new("fromJsonArray", STRING, |call| {
        charge(call)?;
        give(list_of(json::read(call.bytes(0)), ""))
    }),
    Function::new("fromToml", STRING, |call| {
        charge(call)?;
        give(map_of(toml_text::read(&call.text(0)), ""))
    }),
];

/// What is read takes some times its text.
fn charge(call: &mut Call<'_>) -> Result<(), CallError> {
    let bytes = call.bytes(0).len();
    call.budget().step(bytes as u64 >> 4)?;
    Ok(call.budget().allocate(bytes.saturating_mul(8))?)
}

fn finished(call: &mut Call<'_>, text: Vec<u8>) -> Answer {
    call.budget().step(text.len() as u64 >> 4)?;
    call.budget().allocate(text.len())?;
    give_bytes(text)
}

fn empty_on_failure(result: Result<Vec<u8>, CallError>) -> Result<Vec<u8>, CallError> {
    match result {
        Err(CallError::Message(_)) => Ok(Vec::new()),
        other => other,
    }
}

fn swallowed(call: &mut Call<'_>, style: Style) -> Answer {
    let text = empty_on_failure(json::write(call.arg(0), style))?;
    finished(call, text)
}

fn written(call: &mut Call<'_>, style: Style) -> Answer {
    let text = json::write(call.arg(0), style)?;
    finished(call, text)
}

/// What Go says of a value that does not fit.
pub(crate) fn misfit(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

/// A null leaves Helm's empty map and list as they are, where YAML is read; JSON makes them nil.
fn not_nil(read: Result<Value, String>, empty: fn() -> Value) -> Result<Value, String> {
    read.map(|value| if matches!(value, Value::Nil) { empty() } else { value })
}

fn map_of(read: Result<Value, String>, context: &str) -> Value {
    let error = match read {
        Ok(map @ Value::Map(_)) => return map,
        Ok(Value::Nil) => return Map::nil(MapType::ANY).into(),
        Ok(other) => format!("{context}{}", misfit(&other, MapType::ANY.name)),
        Err(error) => error,
    };
    Value::map([("Error".into(), error.into())].into())
}

fn list_of(read: Result<Value, String>, context: &str) -> Value {
    let error = match read {
        Ok(list @ Value::List(_)) => return list,
        Ok(Value::Nil) => return List::nil(ListType::ANY).into(),
        Ok(other) => format!("{context}{}", misfit(&other, ListType::ANY.name)),
        Err(error) => error,
    };
    Value::list(vec![error.into()])
}
