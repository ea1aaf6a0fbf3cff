//! Lists.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Given, Native, Result, as_array, count, size};
use crate::error::Fault;
use crate::machine::{Machine, boolean, wrong_type};
use crate::value::{Array, Function, Lazy, State, Thunk, Value};

const ONE: &[(&str, bool)] = &[("arr", true)];
const FUNC_ARR: &[(&str, bool)] = &[("func", true), ("arr", true)];
const ARR_KEY: &[(&str, bool)] = &[("arr", true), ("keyF", false)];
const SETS: &[(&str, bool)] = &[("a", true), ("b", true), ("keyF", false)];
const BEST: &[(&str, bool)] = &[("arr", true), ("keyF", false), ("onEmpty", false)];

pub(super) static TABLE: &[Native] = &[
    Native { name: "makeArray", parameters: &[("sz", true), ("func", true)], run: make_array },
    Native { name: "range", parameters: &[("from", true), ("to", true)], run: range },
    Native { name: "map", parameters: FUNC_ARR, run: map },
    Native { name: "mapWithIndex", parameters: FUNC_ARR, run: map_with_index },
    Native { name: "filter", parameters: FUNC_ARR, run: filter },
    Native { name: "flatMap", parameters: FUNC_ARR, run: flat_map },
    Native { name: "foldl", parameters: &[("func", true), ("arr", true), ("init", true)], run: foldl },
    Native { name: "foldr", parameters: &[("func", true), ("arr", true), ("init", true)], run: foldr },
    Native { name: "join", parameters: &[("sep", true), ("arr", true)], run: join },
    Native { name: "reverse", parameters: ONE, run: reverse },
    Native { name: "flattenArrays", parameters: &[("arrs", true)], run: flatten },
    Native { name: "member", parameters: &[("arr", true), ("x", true)], run: member },
    Native { name: "contains", parameters: &[("arr", true), ("elem", true)], run: contains },
    Native { name: "count", parameters: &[("arr", true), ("x", true)], run: occurrences },
    Native { name: "find", parameters: &[("value", true), ("arr", true)], run: find },
    Native { name: "remove", parameters: &[("arr", true), ("elem", true)], run: remove },
    Native { name: "removeAt", parameters: &[("arr", true), ("i", true)], run: remove_at },
    Native { name: "repeat", parameters: &[("what", true), ("count", true)], run: repeat },
    Native {
        name: "slice",
        parameters: &[("indexable", true), ("index", true), ("end", true), ("step", true)],
        run: slice_native,
    },
    Native {
        name: "sort",
        parameters: ARR_KEY,
        run: |machine, given| sorted(machine, given, 0, 1).map(Value::array),
    },
    Native { name: "uniq", parameters: ARR_KEY, run: uniq },
    Native { name: "set", parameters: ARR_KEY, run: set },
    Native { name: "setMember", parameters: &[("x", true), ("arr", true), ("keyF", false)], run: set_member },
    Native { name: "setUnion", parameters: SETS, run: |machine, given| merge(machine, given, Keep::Union) },
    Native { name: "setInter", parameters: SETS, run: |machine, given| merge(machine, given, Keep::Both) },
    Native { name: "setDiff", parameters: SETS, run: |machine, given| merge(machine, given, Keep::Left) },
    Native { name: "all", parameters: ONE, run: |machine, given| quantified(machine, given, "all") },
    Native { name: "any", parameters: ONE, run: |machine, given| quantified(machine, given, "any") },
    Native { name: "sum", parameters: ONE, run: |machine, given| sum(machine, given).map(Value::Number) },
    Native { name: "avg", parameters: ONE, run: average },
    Native {
        name: "minArray",
        parameters: BEST,
        run: |machine, given| best(machine, given, Ordering::Greater),
    },
    Native { name: "maxArray", parameters: BEST, run: |machine, given| best(machine, given, Ordering::Less) },
];

fn later(function: &Rc<Function>, given: Vec<Thunk>) -> Thunk {
    Lazy::new(State::Call(Rc::clone(function), given))
}

fn numbered(at: usize) -> Thunk {
    Lazy::done(count(at))
}

fn make_array(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let items = size(given.integer(machine, 0)?);
    let function = given.function(machine, 1)?;
    machine.room_for_items(items.saturating_mul(2))?;
    Ok(Value::array((0..items).map(|at| later(&function, vec![numbered(at)])).collect()))
}

fn range(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let (from, to) = (given.integer(machine, 0)?, given.integer(machine, 1)?);
    machine.room_for_items(size(to - from + 1))?;
    #[expect(clippy::cast_precision_loss, reason = "numbers of 32 bits")]
    Ok(Value::array((from..=to).map(|number| Lazy::done(Value::Number(number as f64))).collect()))
}

/// The items of a list, or the characters of a text.
fn items(machine: &mut Machine<'_>, value: &Value) -> Result<Option<Vec<Thunk>>> {
    Ok(match value {
        Value::Array(array) => {
            machine.room_for_items(array.items.len())?;
            Some(array.items.clone())
        }
        Value::Text(text) => {
            machine.room_for_items(text.length().saturating_mul(2))?;
            let mut buffer = [0; 4];
            let mut one = |c: char| Lazy::done(Value::text(c.encode_utf8(&mut buffer)));
            Some(text.as_str().chars().map(&mut one).collect())
        }
        _ => None,
    })
}

fn mapped(
    machine: &mut Machine<'_>,
    given: &Given<'_>,
    name: &str,
    call: impl Fn(&Rc<Function>, usize, Thunk) -> Thunk,
) -> Result<Value> {
    let function = given.value(machine, 0)?;
    let Value::Function(function) = function else {
        return Err(Fault::runtime(format!(
            "std.{name} first param must be function, got {}",
            function.type_name()
        )));
    };
    let list = given.value(machine, 1)?;
    let Some(items) = items(machine, &list)? else {
        let got = list.type_name();
        return Err(Fault::runtime(format!("std.{name} second param must be array / string, got {got}")));
    };
    machine.room_for_items(items.len().saturating_mul(2))?;
    Ok(Value::array(items.into_iter().enumerate().map(|(at, item)| call(&function, at, item)).collect()))
}

fn map(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    mapped(machine, given, "map", |function, _, item| later(function, vec![item]))
}

fn map_with_index(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    mapped(machine, given, "mapWithIndex", |function, at, item| later(function, vec![numbered(at), item]))
}

fn filter(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 1)?;
    let function = given.function(machine, 0)?;
    let mut kept = Vec::new();
    for item in &list.items {
        let takes = machine.call_with(&function, [Rc::clone(item)])?;
        if boolean(&takes)? {
            kept.push(Rc::clone(item));
        }
    }
    Ok(Value::array(kept))
}

fn flat_map(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let function = given.function(machine, 0)?;
    let list = given.value(machine, 1)?;
    let Some(items) = items(machine, &list)? else {
        let got = list.type_name();
        return Err(Fault::runtime(format!("std.flatMap second param must be array / string, got {got}")));
    };
    let (mut found, mut text) = (Vec::new(), String::new());
    for item in items {
        let made = machine.call_with(&function, [item])?;
        match (&list, &made) {
            (Value::Array(_), _) => {
                let made = as_array(&made)?;
                machine.room_for_items(made.items.len())?;
                found.extend(made.items.iter().map(Rc::clone));
            }
            (_, Value::Text(made)) => {
                machine.room_for_text(text.len() + made.as_str().len())?;
                text.push_str(made.as_str());
            }
            _ => return Err(wrong_type(&made, "string")),
        }
    }
    if matches!(list, Value::Array(_)) { Ok(Value::array(found)) } else { machine.make_text(text) }
}

fn folded(machine: &mut Machine<'_>, given: &Given<'_>, right: bool) -> Result<Value> {
    let function = given.function(machine, 0)?;
    let list = given.value(machine, 1)?;
    let Some(mut items) = items(machine, &list)? else {
        let name = if right { "foldr" } else { "foldl" };
        let got = list.type_name();
        return Err(Fault::runtime(format!("{name} second parameter should be string or array, got {got}")));
    };
    if right {
        items.reverse();
    }
    let mut running = Rc::clone(given.thunk(2)?);
    for item in items {
        let pair = if right { [item, running] } else { [running, item] };
        running = Lazy::done(machine.call_with(&function, pair)?);
    }
    machine.force(&running)
}

fn foldl(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    folded(machine, given, false)
}

fn foldr(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    folded(machine, given, true)
}

fn join(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 1)?;
    match given.value(machine, 0)? {
        Value::Text(separator) => {
            let mut text = String::new();
            let mut first = true;
            for item in &list.items {
                match machine.force(item)? {
                    Value::Null => continue,
                    Value::Text(part) => {
                        if !first {
                            text.push_str(separator.as_str());
                        }
                        text.push_str(part.as_str());
                    }
                    other => return Err(wrong_type(&other, "string")),
                }
                machine.room(text.len())?;
                machine.step(1)?;
                first = false;
            }
            machine.make_text(text)
        }
        Value::Array(separator) => {
            let mut found = Vec::new();
            let mut first = true;
            for item in &list.items {
                match machine.force(item)? {
                    Value::Null => continue,
                    Value::Array(part) => {
                        machine.room_for_items(separator.items.len() + part.items.len())?;
                        if !first {
                            found.extend(separator.items.iter().map(Rc::clone));
                        }
                        found.extend(part.items.iter().map(Rc::clone));
                    }
                    other => return Err(wrong_type(&other, "array")),
                }
                first = false;
            }
            Ok(Value::array(found))
        }
        other => {
            let got = other.type_name();
            Err(Fault::runtime(format!("join first parameter should be string or array, got {got}")))
        }
    }
}

fn reverse(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 0)?;
    machine.room_for_items(list.items.len())?;
    Ok(Value::array(list.items.iter().rev().map(Rc::clone).collect()))
}

fn flatten(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let lists = given.array(machine, 0)?;
    let mut found = Vec::new();
    for list in &lists.items {
        let list = as_array(&machine.force(list)?)?;
        machine.room_for_items(list.items.len())?;
        found.extend(list.items.iter().map(Rc::clone));
    }
    Ok(Value::array(found))
}

/// Where a value is in a list.
fn places(machine: &mut Machine<'_>, list: &Array, wanted: &Value, all: bool) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    for (at, item) in list.items.iter().enumerate() {
        let item = machine.force(item)?;
        if machine.equals(&item, wanted)? {
            found.push(at);
            if !all {
                break;
            }
        }
    }
    Ok(found)
}

fn member(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let wanted = given.value(machine, 1)?;
    match given.value(machine, 0)? {
        Value::Text(text) => {
            let Value::Text(wanted) = wanted else { return Err(wrong_type(&wanted, "string")) };
            Ok(Value::Bool(text.as_str().contains(wanted.as_str())))
        }
        Value::Array(list) => Ok(Value::Bool(!places(machine, &list, &wanted, false)?.is_empty())),
        _ => Err(Fault::runtime("std.member first argument must be an array or a string")),
    }
}

fn contains(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 0)?;
    let wanted = given.value(machine, 1)?;
    Ok(Value::Bool(!places(machine, &list, &wanted, false)?.is_empty()))
}

fn occurrences(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 0)?;
    let wanted = given.value(machine, 1)?;
    Ok(count(places(machine, &list, &wanted, true)?.len()))
}

fn find(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.value(machine, 1)?;
    let Value::Array(list) = list else {
        let got = list.type_name();
        return Err(Fault::runtime(format!("find second parameter should be an array, got {got}")));
    };
    let wanted = given.value(machine, 0)?;
    Ok(Value::array(places(machine, &list, &wanted, true)?.into_iter().map(numbered).collect()))
}

fn without(machine: &mut Machine<'_>, list: &Array, at: usize) -> Result<Value> {
    machine.room_for_items(list.items.len())?;
    let kept = list.items.iter().enumerate().filter(|(other, _)| *other != at);
    Ok(Value::array(kept.map(|(_, item)| Rc::clone(item)).collect()))
}

fn remove(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 0)?;
    let wanted = given.value(machine, 1)?;
    match places(machine, &list, &wanted, false)?.first() {
        Some(at) => without(machine, &list, *at),
        None => Ok(Value::Array(list)),
    }
}

fn remove_at(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 0)?;
    let at = given.integer(machine, 1)?;
    match usize::try_from(at) {
        Ok(at) if at < list.items.len() => without(machine, &list, at),
        _ => Err(Fault::runtime(format!("Index {at} out of bounds, not within [0, {})", list.items.len()))),
    }
}

fn repeat(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let times = size(given.integer(machine, 1)?);
    match given.value(machine, 0)? {
        Value::Text(text) => {
            machine.room_for_text(text.as_str().len().saturating_mul(times))?;
            machine.make_text(text.as_str().repeat(times))
        }
        Value::Array(list) => {
            machine.room_for_items(list.items.len().saturating_mul(times))?;
            let all = (0..times).flat_map(|_| list.items.iter().map(Rc::clone));
            Ok(Value::array(all.collect()))
        }
        _ => Err(Fault::runtime("std.repeat first argument must be an array or a string")),
    }
}

fn slice_native(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let target = given.value(machine, 0)?;
    let parts = [given.value(machine, 1)?, given.value(machine, 2)?, given.value(machine, 3)?];
    slice(machine, &target, &parts)
}

/// `target[index:end:step]`; what is null is not given.
pub(crate) fn slice(machine: &mut Machine<'_>, target: &Value, parts: &[Value]) -> Result<Value> {
    let length = match target {
        Value::Text(text) => text.length(),
        Value::Array(array) => array.items.len(),
        other => {
            let got = other.type_name();
            return Err(Fault::runtime(format!("std.slice accepts a string or an array, but got: {got}")));
        }
    };
    let whole = |at: usize| match parts.get(at) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => super::integer(value).map(Some),
    };
    let (index, end, step) = (whole(0)?, whole(1)?, whole(2)?);
    if let Some(step) = step.filter(|step| *step <= 0) {
        return Err(Fault::runtime(format!("got {step} but step must be greater than 0")));
    }
    // What is negative counts from the end.
    let from_end = |place: i64| {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        size(if place < 0 { (length + place).max(0) } else { place })
    };
    let (from, to) = (index.map_or(0, from_end), end.map_or(length, from_end).min(length));
    let step = step.map_or(1, size);
    match target {
        Value::Text(text) => {
            let taken = text.slice(from, to);
            let taken = if step == 1 { taken.to_owned() } else { taken.chars().step_by(step).collect() };
            machine.make_text(taken)
        }
        Value::Array(array) => {
            let taken = array.items.get(from.min(to)..to).unwrap_or_default();
            machine.room_for_items(taken.len())?;
            Ok(Value::array(taken.iter().step_by(step).map(Rc::clone).collect()))
        }
        _ => Ok(Value::Null),
    }
}

fn key_of(machine: &mut Machine<'_>, key: Option<&Rc<Function>>, item: &Thunk) -> Result<Value> {
    match key {
        Some(function) => machine.call_with(function, [Rc::clone(item)]),
        None => machine.force(item),
    }
}

fn keyed(machine: &mut Machine<'_>, list: &Array, key: Option<&Rc<Function>>) -> Result<Vec<(Value, Thunk)>> {
    machine.room_for_items(list.items.len())?;
    list.items.iter().map(|item| Ok((key_of(machine, key, item)?, Rc::clone(item)))).collect()
}

/// A stable merge sort that may fail; what it needs of the stack grows with the logarithm.
fn merge_sort(machine: &mut Machine<'_>, mut items: Vec<(Value, Thunk)>) -> Result<Vec<(Value, Thunk)>> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = items.split_off(items.len() / 2);
    let left = merge_sort(machine, items)?;
    let right = merge_sort(machine, right)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        let next = if machine.compare(b, a)?.is_lt() { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

fn sorted(machine: &mut Machine<'_>, given: &Given<'_>, list: usize, key: usize) -> Result<Vec<Thunk>> {
    let list = given.array(machine, list)?;
    let key = given.key(machine, key)?;
    let items = keyed(machine, &list, key.as_ref())?;
    Ok(merge_sort(machine, items)?.into_iter().map(|(_, item)| item).collect())
}

fn distinct(machine: &mut Machine<'_>, items: Vec<Thunk>, key: Option<&Rc<Function>>) -> Result<Value> {
    let mut kept: Vec<Thunk> = Vec::new();
    let mut last: Option<Value> = None;
    for item in items {
        let this = key_of(machine, key, &item)?;
        let same = match &last {
            Some(last) => machine.equals(last, &this)?,
            None => false,
        };
        if !same {
            kept.push(item);
            last = Some(this);
        }
    }
    Ok(Value::array(kept))
}

fn uniq(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 0)?;
    let key = given.key(machine, 1)?;
    distinct(machine, list.items.clone(), key.as_ref())
}

fn set(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let items = sorted(machine, given, 0, 1)?;
    let key = given.key(machine, 1)?;
    distinct(machine, items, key.as_ref())
}

fn set_member(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let key = given.key(machine, 2)?;
    let wanted = key_of(machine, key.as_ref(), given.thunk(0)?)?;
    let list = given.array(machine, 1)?;
    let (mut from, mut to) = (0, list.items.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let Some(item) = list.items.get(middle) else { break };
        let item = key_of(machine, key.as_ref(), item)?;
        match machine.compare(&item, &wanted)? {
            Ordering::Less => from = middle + 1,
            Ordering::Greater => to = middle,
            Ordering::Equal => return Ok(Value::Bool(true)),
        }
    }
    Ok(Value::Bool(false))
}

#[derive(Clone, Copy, PartialEq)]
enum Keep {
    Union,
    Both,
    Left,
}

/// Goes through two sorted lists side by side.
fn merge(machine: &mut Machine<'_>, given: &Given<'_>, keep: Keep) -> Result<Value> {
    let (left, right) = (given.array(machine, 0)?, given.array(machine, 1)?);
    let key = given.key(machine, 2)?;
    let left = keyed(machine, &left, key.as_ref())?;
    let right = keyed(machine, &right, key.as_ref())?;
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    let mut kept = Vec::new();
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => machine.compare(a, b)?,
        };
        let from_left = if order.is_le() { left.next() } else { None };
        let from_right = if order.is_ge() { right.next() } else { None };
        let taken = match (keep, order) {
            (Keep::Union, Ordering::Greater) => from_right,
            (Keep::Union, _) | (Keep::Both, Ordering::Equal) | (Keep::Left, Ordering::Less) => from_left,
            (Keep::Both | Keep::Left, _) => None,
        };
        kept.extend(taken.map(|(_, item)| item));
    }
    Ok(Value::array(kept))
}

fn quantified(machine: &mut Machine<'_>, given: &Given<'_>, name: &str) -> Result<Value> {
    let list = given.value(machine, 0)?;
    let Value::Array(list) = list else {
        let got = list.type_name();
        return Err(Fault::runtime(format!("{name}() parameter should be an array, got {got}")));
    };
    let decisive = name == "any";
    for item in &list.items {
        let item = machine.force(item)?;
        let Value::Bool(item) = item else {
            let shown = machine.show(&item)?;
            let got = item.type_name();
            return Err(Fault::runtime(format!(
                "element \"{}\" of type {got} is not a boolean",
                shown.as_str()
            )));
        };
        if item == decisive {
            return Ok(Value::Bool(decisive));
        }
    }
    Ok(Value::Bool(!decisive))
}

fn sum(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<f64> {
    let list = given.array(machine, 0)?;
    let mut sum = 0.0;
    for item in &list.items {
        sum += crate::machine::number(&machine.force(item)?)?;
    }
    Ok(sum)
}

fn average(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let list = given.array(machine, 0)?;
    if list.items.is_empty() {
        return Err(Fault::runtime("Cannot calculate average of an empty array."));
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let count = list.items.len() as f64;
    Ok(Value::Number(sum(machine, given)? / count))
}

fn best(machine: &mut Machine<'_>, given: &Given<'_>, worse: Ordering) -> Result<Value> {
    let list = given.array(machine, 0)?;
    let key = given.key(machine, 1)?;
    let items = keyed(machine, &list, key.as_ref())?;
    let mut best: Option<(Value, Thunk)> = None;
    for (value, item) in items {
        let better = match &best {
            Some((best, _)) => machine.compare(best, &value)? == worse,
            None => true,
        };
        if better {
            best = Some((value, item));
        }
    }
    match best {
        Some((_, item)) => machine.force(&item),
        None if given.is_given(2) => given.value(machine, 2),
        None => Err(Fault::runtime("Expected at least one element in array. Got none")),
    }
}
