//! Lists. The `must…` forms fail with the same words; Go tells them apart by how they fail only.

use std::borrow::Cow;

use gotemplate::{Call, CallError, Function, List, ListType, Map, Type, UintKind, Value};

use super::{Answer, NIL_POINTER, give, refuse};
use crate::{casts, equal};

const ANY: Type = Type::Any;

pub(crate) const TABLE: &[Function] = &[
    Function::variadic("list", &[], ANY, |call| give_list(call, call.args().to_vec())),
    Function::variadic("tuple", &[], ANY, |call| give_list(call, call.args().to_vec())),
    Function::new("append", &[ANY, ANY], append),
    Function::new("push", &[ANY, ANY], append),
    Function::new("mustAppend", &[ANY, ANY], append),
    Function::new("mustPush", &[ANY, ANY], append),
    Function::new("prepend", &[ANY, ANY], prepend),
    Function::new("mustPrepend", &[ANY, ANY], prepend),
    Function::new("first", &[ANY], first),
    Function::new("mustFirst", &[ANY], first),
    Function::new("last", &[ANY], last),
    Function::new("mustLast", &[ANY], last),
    Function::new("rest", &[ANY], rest),
    Function::new("mustRest", &[ANY], rest),
    Function::new("initial", &[ANY], initial),
    Function::new("mustInitial", &[ANY], initial),
    Function::new("reverse", &[ANY], reverse),
    Function::new("mustReverse", &[ANY], reverse),
    Function::new("compact", &[ANY], compact),
    Function::new("mustCompact", &[ANY], compact),
    Function::new("uniq", &[ANY], uniq),
    Function::new("mustUniq", &[ANY], uniq),
    Function::variadic("without", &[ANY], ANY, without),
    Function::variadic("mustWithout", &[ANY], ANY, without),
    Function::new("has", &[ANY, ANY], has),
    Function::new("mustHas", &[ANY, ANY], has),
    Function::variadic("slice", &[ANY], ANY, slice),
    Function::variadic("mustSlice", &[ANY], ANY, slice),
    Function::variadic("concat", &[], ANY, concat),
    Function::new("chunk", &[Type::Int, ANY], chunk),
    Function::new("mustChunk", &[Type::Int, ANY], chunk),
];

/// What an item of a new list counts for, in bytes.
const ITEM_BYTES: usize = 24;

/// The items of an argument that must be a slice; `what` is Go's complaint, before the kind.
fn items<'a>(call: &mut Call<'a>, at: usize, what: &str) -> Result<Cow<'a, [Value]>, CallError> {
    let items = match call.arg(at) {
        Value::List(list) => Cow::Borrowed(list.items()),
        Value::Bytes(bytes) => {
            call.budget().allocate(bytes.len().saturating_mul(ITEM_BYTES))?;
            bytes.iter().map(|byte| Value::Uint(UintKind::Uint8, u64::from(*byte))).collect::<Vec<_>>().into()
        }
        Value::Nil => return Err(NIL_POINTER.into()),
        other => return Err(format!("{what} {}", other.kind().name()).into()),
    };
    Ok(items)
}

fn give_list(call: &mut Call<'_>, items: Vec<Value>) -> Answer {
    call.budget().allocate(items.len() * ITEM_BYTES)?;
    give(Value::list(items))
}

fn nil_list() -> Value {
    List::nil(ListType::ANY).into()
}

fn append(call: &mut Call<'_>) -> Answer {
    let mut items = items(call, 0, "Cannot push on type")?.into_owned();
    items.push(call.arg(1).clone());
    give_list(call, items)
}

fn prepend(call: &mut Call<'_>) -> Answer {
    let items = items(call, 0, "Cannot prepend on type")?;
    give_list(call, std::iter::once(call.arg(1)).chain(items.iter()).cloned().collect())
}

fn first(call: &mut Call<'_>) -> Answer {
    give(items(call, 0, "Cannot find first on type")?.first().cloned().unwrap_or_default())
}

fn last(call: &mut Call<'_>) -> Answer {
    give(items(call, 0, "Cannot find last on type")?.last().cloned().unwrap_or_default())
}

fn rest(call: &mut Call<'_>) -> Answer {
    match items(call, 0, "Cannot find rest on type")?.split_first() {
        Some((_, rest)) => give_list(call, rest.to_vec()),
        None => give(nil_list()),
    }
}

fn initial(call: &mut Call<'_>) -> Answer {
    match items(call, 0, "Cannot find initial on type")?.split_last() {
        Some((_, initial)) => give_list(call, initial.to_vec()),
        None => give(nil_list()),
    }
}

fn reverse(call: &mut Call<'_>) -> Answer {
    let mut items = items(call, 0, "Cannot find reverse on type")?.into_owned();
    items.reverse();
    give_list(call, items)
}

fn compact(call: &mut Call<'_>) -> Answer {
    let mut items = items(call, 0, "Cannot compact on type")?.into_owned();
    items.retain(|item| !casts::is_empty(item));
    give_list(call, items)
}

fn uniq(call: &mut Call<'_>) -> Answer {
    let items = items(call, 0, "Cannot find uniq on type")?;
    let mut unique: Vec<Value> = Vec::new();
    for item in items.iter() {
        if !holds(call, &unique, item)? {
            unique.push(item.clone());
        }
    }
    give_list(call, unique)
}

fn without(call: &mut Call<'_>) -> Answer {
    let items = items(call, 0, "Cannot find without on type")?;
    let unwanted = call.args().get(1..).unwrap_or_default();
    let mut kept = Vec::new();
    for item in items.iter() {
        if !holds(call, unwanted, item)? {
            kept.push(item.clone());
        }
    }
    give_list(call, kept)
}

fn has(call: &mut Call<'_>) -> Answer {
    if matches!(call.arg(1), Value::Nil) {
        return give(false);
    }
    let items = items(call, 1, "Cannot find has on type")?;
    let needle = call.arg(0);
    give(holds(call, &items, needle)?)
}

fn holds(call: &mut Call<'_>, items: &[Value], wanted: &Value) -> Result<bool, CallError> {
    let mut steps = 0;
    let mut found = false;
    for item in items {
        if equal::deep(wanted, item, &mut steps)? {
            found = true;
            break;
        }
    }
    call.budget().step(steps)?;
    Ok(found)
}

fn slice(call: &mut Call<'_>) -> Answer {
    let items = items(call, 0, "list should be type of slice or array but")?;
    if items.is_empty() {
        return give(Value::Nil);
    }
    let start = if call.len() > 1 { casts::int(call.arg(1)) } else { 0 };
    let end =
        if call.len() > 2 { casts::int(call.arg(2)) } else { i64::try_from(items.len()).unwrap_or(i64::MAX) };
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let Some(part) = range.and_then(|(start, end)| items.get(start..end)) else {
        return refuse("reflect.Value.Slice: slice index out of bounds");
    };
    call.budget().allocate(part.len() * ITEM_BYTES)?;
    match call.arg(0) {
        Value::List(list) => give(List::new(list.kind(), part.to_vec())),
        _ => {
            let bytes = part.iter().map(|byte| u8::try_from(casts::int(byte)).unwrap_or_default());
            give(Value::Bytes(bytes.collect()))
        }
    }
}

fn concat(call: &mut Call<'_>) -> Answer {
    let mut all = Vec::new();
    for at in 0..call.len() {
        match call.arg(at) {
            Value::List(_) | Value::Bytes(_) | Value::Nil => {
                let items = items(call, at, "")?;
                call.budget().allocate(items.len() * ITEM_BYTES)?;
                all.extend(items.iter().cloned());
            }
            other => return refuse(format!("Cannot concat type {} as list", other.kind().name())),
        }
    }
    give(if all.is_empty() { nil_list() } else { Value::list(all) })
}

/// Go computes the number of chunks in floats, and so do we: sizes of 0 and below end where they end there.
#[expect(clippy::cast_precision_loss, reason = "as the peer counts")]
fn chunk(call: &mut Call<'_>) -> Answer {
    const MAKESLICE: &str = "runtime error: makeslice: len out of range";
    let size = call.int(0);
    let items = items(call, 1, "Cannot chunk type")?;
    let count = casts::truncated(((items.len() as f64 - 1.0) / size as f64).floor() + 1.0);
    call.budget().allocate(items.len() * ITEM_BYTES)?;
    let Ok(count) = usize::try_from(count) else { return refuse(MAKESLICE) };
    let mut chunks = Vec::new();
    for at in 0..count {
        let mut len = size;
        if at + 1 == count {
            len = casts::truncated((items.len() as f64 % size as f64).floor());
            if len == 0 {
                len = size;
            }
        }
        let Ok(len) = usize::try_from(len) else { return refuse(MAKESLICE) };
        let from = at * usize::try_from(size).unwrap_or(0);
        let part = items.get(from..from + len).unwrap_or_default().to_vec();
        chunks.push(Value::list(part));
    }
    give(List::new(ListType::LISTS, chunks))
}

/// As copystructure: lists and maps anew, all else shared.
pub(crate) fn deep_copy(call: &mut Call<'_>, value: &Value, depth: usize) -> Result<Value, CallError> {
    const DEPTH: usize = 500;
    if depth > DEPTH {
        return Err(gotemplate::Run::too_deep(DEPTH));
    }
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            call.budget().allocate(list.items().len() * ITEM_BYTES)?;
            let items: Result<Vec<_>, _> =
                list.items().iter().map(|item| deep_copy(call, item, depth + 1)).collect();
            Value::List(List::new(list.kind(), items?))
        }
        Value::Map(map) if !map.is_nil() => {
            call.budget().allocate(map.len() * 4 * ITEM_BYTES)?;
            let mut entries = std::collections::BTreeMap::new();
            for (key, item) in map.snapshot() {
                entries.insert(key, deep_copy(call, &item, depth + 1)?);
            }
            Value::Map(Map::new(map.kind(), entries))
        }
        other => other.clone(),
    })
}
