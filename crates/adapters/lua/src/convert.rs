//! Objects into Lua, and what a script returns out of it.

use std::collections::BTreeSet;

use mlua::{Lua, Table, Value as LuaValue};
use serde_json::{Map, Number, Value};

use crate::ScriptError;

/// How deep a returned value may nest.
const MAX_DEPTH: usize = 200;

/// A value for scripts: null is nothing, in maps and in lists; numbers are floats.
pub(crate) fn into_lua(lua: &Lua, value: &Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Null => LuaValue::Nil,
        Value::Bool(bool) => LuaValue::Boolean(*bool),
        Value::Number(number) => LuaValue::Number(number.as_f64().unwrap_or_default()),
        Value::String(text) => LuaValue::String(lua.create_string(text)?),
        Value::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (at, item) in items.iter().filter(|item| !item.is_null()).enumerate() {
                table.raw_set(at + 1, into_lua(lua, item)?)?;
            }
            LuaValue::Table(table)
        }
        Value::Object(map) => LuaValue::Table(map_into_lua(lua, map)?),
    })
}

/// A map for scripts.
pub(crate) fn map_into_lua(lua: &Lua, map: &Map<String, Value>) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, map.len())?;
    for (name, value) in map {
        table.raw_set(name.as_str(), into_lua(lua, value)?)?;
    }
    Ok(table)
}

/// Reads what a script returned, the way the peer writes it as JSON: an empty table is an empty list, and no table
/// may be in it twice.
pub(crate) struct Reader {
    seen: BTreeSet<usize>,
    left: usize,
}

impl Reader {
    /// A reader that ends with an error after so many values and bytes of text.
    pub(crate) fn new(limit: usize) -> Self {
        Self { seen: BTreeSet::new(), left: limit }
    }

    pub(crate) fn read(&mut self, value: &LuaValue, depth: usize) -> Result<Value, ScriptError> {
        if depth > MAX_DEPTH {
            return Err(ScriptError::Result(format!("it nests more than {MAX_DEPTH} levels deep")));
        }
        self.take(1)?;
        match value {
            LuaValue::Nil => Ok(Value::Null),
            LuaValue::Boolean(bool) => Ok(Value::Bool(*bool)),
            LuaValue::Integer(number) => Ok(Value::Number((*number).into())),
            LuaValue::Number(number) => float(*number),
            LuaValue::String(text) => self.text(text).map(Value::String),
            LuaValue::Table(table) => self.table(table, depth),
            other => Err(ScriptError::Result(format!("cannot encode {} to JSON", crate::kind_of(other)))),
        }
    }

    fn take(&mut self, count: usize) -> Result<(), ScriptError> {
        self.left = self.left.checked_sub(count).ok_or(ScriptError::ResultTooLarge)?;
        Ok(())
    }

    /// Bytes that are no UTF-8 become the replacement character, as in JSON of the peer.
    fn text(&mut self, text: &mlua::LuaString) -> Result<String, ScriptError> {
        let bytes = text.as_bytes();
        self.take(bytes.len())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<Value, ScriptError> {
        if !self.seen.insert(table.to_pointer() as usize) {
            return Err(ScriptError::Result("cannot encode recursively nested tables to JSON".to_owned()));
        }
        let (mut list, mut map) = (Vec::new(), Map::new());
        let mixed = || ScriptError::Result("cannot encode mixed or invalid key types".to_owned());
        for pair in table.pairs::<LuaValue, LuaValue>() {
            let (key, value) = pair.map_err(|error| ScriptError::Result(crate::runtime_text(&error)))?;
            match key {
                LuaValue::String(name) => {
                    map.insert(self.text(&name)?, self.read(&value, depth + 1)?);
                }
                LuaValue::Integer(_) | LuaValue::Number(_) => {
                    list.push((index(&key), self.read(&value, depth + 1)?))
                }
                _ => return Err(mixed()),
            }
        }
        match (list.is_empty(), map.is_empty()) {
            (true, true) => Ok(Value::Array(Vec::new())),
            (true, false) => Ok(Value::Object(map)),
            (false, false) => Err(mixed()),
            (false, true) => {
                list.sort_by_key(|(at, _)| *at);
                if list.iter().enumerate().any(|(at, (index, _))| *index != i64::try_from(at + 1).ok()) {
                    return Err(ScriptError::Result("cannot encode sparse array".to_owned()));
                }
                Ok(Value::Array(list.into_iter().map(|(_, value)| value).collect()))
            }
        }
    }
}

fn index(key: &LuaValue) -> Option<i64> {
    match key {
        LuaValue::Integer(number) => Some(*number),
        LuaValue::Number(number) if number.fract() == 0.0 => whole(*number),
        _ => None,
    }
}

fn whole(number: f64) -> Option<i64> {
    const GREATEST: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
    (number.fract() == 0.0 && number.abs() < GREATEST).then_some(number as i64)
}

fn float(number: f64) -> Result<Value, ScriptError> {
    if let Some(whole) = whole(number) {
        return Ok(Value::Number(whole.into()));
    }
    let text = crate::number::to_text(number);
    Number::from_f64(number)
        .map(Value::Number)
        .ok_or_else(|| ScriptError::Result(format!("json: unsupported value: {text}")))
}
