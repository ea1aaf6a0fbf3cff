//! What Argo CD adds to Sprig for ApplicationSets: `normalize`, and YAML whose errors end the run.
//!
//! **Source**: Argo CD 3.x, `applicationset/utils/template_functions.go`. `slugify` is not here: it spells every script in Latin letters
//! by tables of its own.

use gotemplate::{Call, CallError, Function, Map, MapType, Type, Value};

use super::serial::misfit;
use super::{Answer, give};
use crate::{case, yaml};

const STRING: &[Type] = &[Type::String];

pub(crate) const TABLE: &[Function] = &[
    Function::new("normalize", STRING, normalize),
    Function::new("toYaml", &[Type::Any], |call| {
        let text = yaml::write(call.arg(0))?;
        call.budget().allocate(text.len())?;
        give(text)
    }),
    Function::new("fromYaml", STRING, |call| match read(call)? {
        Value::Nil => give(Map::new(MapType::ANY, [].into())),
        map @ Value::Map(_) => give(map),
        other => Err(unfit(&other, MapType::ANY.name)),
    }),
    Function::new("fromYamlArray", STRING, |call| match read(call)? {
        Value::Nil => give(Value::list(Vec::new())),
        list @ Value::List(_) => give(list),
        other => Err(unfit(&other, "[]interface {}")),
    }),
];

fn read(call: &mut Call<'_>) -> Result<Value, CallError> {
    let bytes = call.bytes(0);
    call.budget().allocate(bytes.len().saturating_mul(8))?;
    Ok(yaml::read(bytes)?)
}

fn unfit(value: &Value, wanted: &str) -> CallError {
    format!("error unmarshaling JSON: while decoding JSON: {}", misfit(value, wanted)).into()
}

/// A DNS name: lower case, `-` for what such names have not, at most 253 bytes, no `-` or `.` at its ends.
fn normalize(call: &mut Call<'_>) -> Answer {
    let text = call.text(0);
    call.budget().allocate(text.len())?;
    let name = text.chars().map(case::lower).map(|c| match c {
        'a'..='z' | '0'..='9' | '.' | '-' => c,
        _ => '-',
    });
    let name: String = name.take(253).collect();
    give(name.trim_matches(['-', '.']))
}
