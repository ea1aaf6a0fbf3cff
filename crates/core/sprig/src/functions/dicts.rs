//! Dictionaries. Go's order of keys is random; ours is that of their bytes.

use std::collections::BTreeMap;

use gotemplate::{Call, Function, Map, MapType, Str, Type, Value};

use super::{Answer, give, lists, refuse};
use crate::show;

const MAP: Type = Type::Map;
const STRING: Type = Type::String;

pub(crate) const TABLE: &[Function] = &[
    Function::variadic("dict", &[], Type::Any, dict),
    Function::new("get", &[MAP, STRING], |call| {
        give(call.map(0)?.get_bytes(call.bytes(1)).unwrap_or_else(|| "".into()))
    }),
    Function::new("set", &[MAP, STRING, Type::Any], |call| {
        let map = call.map(0)?;
        let key = Str::from(call.bytes(1));
        call.set(map, key, call.arg(2).clone())?;
        give(map.clone())
    }),
    Function::new("unset", &[MAP, STRING], |call| {
        let map = call.map(0)?;
        call.unset(map, &call.text(1))?;
        give(map.clone())
    }),
    Function::new("hasKey", &[MAP, STRING], |call| give(call.map(0)?.get_bytes(call.bytes(1)).is_some())),
    Function::variadic("pluck", &[STRING], MAP, pluck),
    Function::variadic("keys", &[], MAP, keys),
    Function::new("values", &[MAP], |call| {
        let values: Vec<Value> = call.map(0)?.entries().values().cloned().collect();
        call.budget().allocate(values.len() * 24)?;
        give(Value::list(values))
    }),
    Function::variadic("pick", &[MAP], STRING, |call| filtered(call, true)),
    Function::variadic("omit", &[MAP], STRING, |call| filtered(call, false)),
    Function::variadic("dig", &[], Type::Any, dig),
    Function::new("deepCopy", &[Type::Any], deep_copy),
    Function::new("mustDeepCopy", &[Type::Any], deep_copy),
];

/// About what an entry takes beside key and value.
const ENTRY_BYTES: usize = 96;

fn dict(call: &mut Call<'_>) -> Answer {
    let args = call.args();
    call.budget().allocate(args.len() / 2 * ENTRY_BYTES)?;
    let mut entries = BTreeMap::new();
    for pair in args.chunks(2) {
        let [key, rest @ ..] = pair else { continue };
        let key = match key {
            Value::String(text) => text.clone(),
            other => show::text(other)?.into(),
        };
        entries.insert(key, rest.first().cloned().unwrap_or_else(|| "".into()));
    }
    give(Value::map(entries))
}

fn pluck(call: &mut Call<'_>) -> Answer {
    let mut found = Vec::new();
    for at in 1..call.len() {
        found.extend(call.map(at)?.get_bytes(call.bytes(0)));
    }
    give(Value::list(found))
}

fn keys(call: &mut Call<'_>) -> Answer {
    let mut keys: Vec<Str> = Vec::new();
    for at in 0..call.len() {
        keys.extend(call.map(at)?.entries().keys().cloned());
    }
    call.budget().allocate(keys.len() * 24)?;
    give(Value::strings(keys))
}

fn filtered(call: &mut Call<'_>, keep: bool) -> Answer {
    let map = call.map(0)?;
    let names = call.args().get(1..).unwrap_or_default();
    call.budget().allocate(map.len() * ENTRY_BYTES)?;
    call.budget().step(names.len() as u64)?;
    let named = |key: &Str| names.iter().any(|name| name.as_bytes() == Some(key.as_bytes()));
    let entries = map.snapshot().into_iter().filter(|(key, _)| named(key) == keep).collect();
    give(Map::new(MapType::ANY, entries))
}

fn dig(call: &mut Call<'_>) -> Answer {
    let [keys @ .., default, dict] = call.args() else {
        return refuse("dig needs at least three arguments");
    };
    if keys.is_empty() {
        return refuse("dig needs at least three arguments");
    }
    let mut at = plain_map(dict)?.clone();
    let mut path = Vec::new();
    for key in keys {
        match key {
            Value::String(key) => path.push(key),
            other => return Err(crate::functions::not_a(other, "string")),
        }
    }
    for (place, key) in path.iter().enumerate() {
        let Some(step) = at.get_bytes(key.as_bytes()) else { return give(default.clone()) };
        if place + 1 == path.len() {
            return give(step);
        }
        at = plain_map(&step)?.clone();
    }
    give(default.clone())
}

/// A `map[string]interface {}`: named types of that shape are not enough for Go's assertion.
fn plain_map(value: &Value) -> Result<&Map, gotemplate::CallError> {
    value
        .as_map()
        .filter(|map| map.kind().name == MapType::ANY.name)
        .ok_or_else(|| crate::functions::not_a(value, MapType::ANY.name))
}

fn deep_copy(call: &mut Call<'_>) -> Answer {
    let value = call.arg(0);
    if matches!(value, Value::Nil) {
        return refuse("reflect: call of reflect.Value.Type on zero Value");
    }
    give(lists::deep_copy(call, value, 0)?)
}
