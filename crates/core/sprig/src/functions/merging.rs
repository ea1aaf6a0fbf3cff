//! `merge` and `mergeOverwrite`.
//!
//! **Source**: dario.cat/mergo 1.0.1 as Sprig calls it. The first map is changed in place, and what it takes from the others is shared with
//! them, not copied. Corners that are kept: without overwriting, what is empty (`""`, 0, false, an empty list or map) is replaced; a list
//! put where nil or nothing was makes an empty list first; a nil overwrites only when overwriting.

use gotemplate::{Call, CallError, Function, Kind, List, Map, MapType, Run, Type, Value};

use super::{Answer, give};

const MAP: Type = Type::Map;

pub(crate) const TABLE: &[Function] = &[
    Function::variadic("merge", &[MAP], MAP, |call| swallowed(merged(call, false))),
    Function::variadic("mustMerge", &[MAP], MAP, |call| merged(call, false)),
    Function::variadic("mergeOverwrite", &[MAP], MAP, |call| swallowed(merged(call, true))),
    Function::variadic("mustMergeOverwrite", &[MAP], MAP, |call| merged(call, true)),
];

/// Two values that do not go together.
const MISMATCH: &str = "src and dst must be of same type";

fn swallowed(answer: Answer) -> Answer {
    match answer {
        Err(CallError::Message(message)) if message == MISMATCH => give(""),
        other => other,
    }
}

/// Levels of nesting that are followed; deeper ones, as of maps that hold themselves, end the run.
const DEPTH: usize = 500;

fn merged(call: &mut Call<'_>, overwrite: bool) -> Answer {
    let mut into = call.map(0)?.clone();
    for at in 1..call.len() {
        let from = call.map(at)?;
        if into.is_nil() && !from.is_nil() {
            into = Map::new(MapType::ANY, std::collections::BTreeMap::new());
        }
        if !from.same(&into) {
            merge_map(call, &into, from, overwrite, 0)?;
        }
    }
    give(into)
}

fn merge_map(
    call: &mut Call<'_>,
    into: &Map,
    from: &Map,
    overwrite: bool,
    depth: usize,
) -> Result<(), CallError> {
    if depth > DEPTH {
        return Err(Run::too_deep(DEPTH));
    }
    let entries = from.snapshot();
    call.budget().step(entries.len() as u64)?;
    for (key, value) in entries {
        let old = into.get_bytes(key.as_bytes());
        if matches!(value, Value::Nil) {
            if overwrite {
                call.set(into, key, Value::Nil)?;
            }
            continue;
        }
        let is_list = value.kind() == Kind::Slice;
        match (&value, &old) {
            (Value::Map(from), Some(Value::Map(old))) if !old.is_nil() => {
                merge_map(call, old, from, overwrite, depth + 1)?;
            }
            (Value::Map(_), Some(Value::Object(object))) if !overwrite && object.is_pointer() => {
                return Err(MISMATCH.into());
            }
            _ => {}
        }
        if is_list {
            if overwrite || into.is_empty() {
                call.set(into, key.clone(), value.clone())?;
            } else if matches!(old, None | Some(Value::Nil)) {
                let empty = match &value {
                    Value::List(list) => Value::List(List::new(list.kind(), Vec::new())),
                    _ => Value::Bytes(std::rc::Rc::new([])),
                };
                call.set(into, key.clone(), empty)?;
            }
        }
        let has_old = old.as_ref().is_some_and(|old| !is_blank(old));
        let both_maps = matches!((&value, &old), (Value::Map(_), Some(Value::Map(_))));
        if has_old && (is_list || both_maps) {
            continue;
        }
        if overwrite || !has_old {
            call.set(into, key, value)?;
        }
    }
    Ok(())
}

/// What mergo takes for empty.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Object(_) | Value::Function(_) | Value::Complex(..) => false,
        other => !other.truth(),
    }
}
