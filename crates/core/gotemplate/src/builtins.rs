//! Go's own functions.

mod compare;
mod escape;

use std::rc::Rc;

use crate::error::CallError;
use crate::format;
use crate::functions::{Body, Call, Function, Outcome};
use crate::value::{List, Type, UintKind, Value};

/// All of them.
pub(crate) const TABLE: &[Function] = &[
    Function::special("and", &[Type::Reflect], Body::And),
    Function::special("or", &[Type::Reflect], Body::Or),
    Function::special("call", &[Type::Reflect], Body::Call),
    Function::new("not", &[Type::Reflect], not),
    Function::new("len", &[Type::Reflect], len),
    Function::variadic("index", &[Type::Reflect], Type::Reflect, index),
    Function::variadic("slice", &[Type::Reflect], Type::Reflect, slice),
    Function::variadic("print", &[], Type::Any, print),
    Function::variadic("printf", &[Type::String], Type::Any, printf),
    Function::variadic("println", &[], Type::Any, println),
    Function::variadic("html", &[], Type::Any, escape::html),
    Function::variadic("js", &[], Type::Any, escape::js),
    Function::variadic("urlquery", &[], Type::Any, escape::url_query),
    Function::variadic("eq", &[Type::Reflect], Type::Reflect, compare::eq),
    Function::new("ne", &[Type::Reflect, Type::Reflect], compare::ne),
    Function::new("lt", &[Type::Reflect, Type::Reflect], compare::lt),
    Function::new("le", &[Type::Reflect, Type::Reflect], compare::le),
    Function::new("gt", &[Type::Reflect, Type::Reflect], compare::gt),
    Function::new("ge", &[Type::Reflect, Type::Reflect], compare::ge),
];

fn not(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok((!call.arg(0).truth()).into())
}

fn len(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let count = match &call.arg(0).clone().opened() {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.items().len(),
        Value::Map(map) => map.len(),
        Value::Nil if call.is_boxed(0) => return Err("len of nil pointer".into()),
        Value::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        value => return Err(format!("len of type {}", pointed_at(value)).into()),
    };
    Ok(count_value(count).into())
}

fn count_value(count: usize) -> Value {
    Value::int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The type, of what a pointer points at.
fn pointed_at(value: &Value) -> &str {
    match value {
        Value::Object(_) => value.type_name().trim_start_matches('*'),
        _ => value.type_name(),
    }
}

/// An index up to a limit.
fn position(index: &Value, limit: usize) -> Result<usize, CallError> {
    let number = match index {
        Value::Int(_, number) => *number,
        // As Go converts.
        Value::Uint(_, number) => number.cast_signed(),
        Value::Nil => return Err("cannot index slice/array with nil".into()),
        value => return Err(format!("cannot index slice/array with type {}", value.type_name()).into()),
    };
    match usize::try_from(number) {
        Ok(position) if position <= limit => Ok(position),
        _ => Err(format!("index out of range: {number}").into()),
    }
}

fn index(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let Some((item, indexes)) = call.args().split_first() else { return Ok(Value::Nil.into()) };
    if matches!(item, Value::Nil) {
        return Err("index of untyped nil".into());
    }
    let mut item = item.clone();
    for index in indexes {
        item = match &item.opened() {
            Value::Nil => return Err("index of nil pointer".into()),
            Value::List(list) => {
                let at = position(index, list.items().len())?;
                list.items().get(at).cloned().ok_or("reflect: slice index out of range")?
            }
            Value::Bytes(bytes) => {
                let at = position(index, bytes.len())?;
                let byte = bytes.get(at).ok_or("reflect: slice index out of range")?;
                Value::Uint(UintKind::Uint8, (*byte).into())
            }
            Value::String(text) => {
                let at = position(index, text.len())?;
                let byte = text.as_bytes().get(at).ok_or("reflect: string index out of range")?;
                Value::Uint(UintKind::Uint8, (*byte).into())
            }
            Value::Map(map) => match index {
                Value::String(key) => {
                    map.get_bytes(key.as_bytes()).unwrap_or_else(|| map.kind().element.zero())
                }
                Value::Nil => return Err("value is nil; should be of type string".into()),
                index => {
                    return Err(format!("value has type {}; should be string", index.type_name()).into());
                }
            },
            value => return Err(format!("can't index item of type {}", pointed_at(value)).into()),
        };
    }
    Ok(item.into())
}

fn slice(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let Some((item, indexes)) = call.args().split_first() else { return Ok(Value::Nil.into()) };
    if matches!(item, Value::Nil) {
        return Err("slice of untyped nil".into());
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()).into());
    }
    let (length, capacity) = match item {
        Value::String(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".into()),
        Value::String(text) => (text.len(), text.len()),
        Value::Bytes(bytes) => (bytes.len(), bytes.len()),
        Value::List(list) => (list.items().len(), list.capacity()),
        value => return Err(format!("can't slice item of type {}", pointed_at(value)).into()),
    };
    let mut bounds = [0, length, capacity];
    for (at, (bound, index)) in bounds.iter_mut().zip(indexes).enumerate() {
        // Go looks into the interface for `index`, but not here.
        if call.is_boxed(at + 1) {
            return Err("cannot index slice/array with type interface {}".into());
        }
        *bound = position(index, capacity)?;
    }
    let [from, to, capacity] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}").into());
    }
    if to > capacity {
        return Err(format!("invalid slice index: {to} > {capacity}").into());
    }
    let size = if matches!(item, Value::List(_)) { size_of::<Value>() } else { 1 };
    call.budget().allocate((to - from) * size)?;
    Ok(match item {
        Value::String(text) => Value::String(text.as_bytes().get(from..to).unwrap_or_default().into()),
        Value::Bytes(bytes) => Value::Bytes(Rc::from(bytes.get(from..to).unwrap_or_default())),
        Value::List(list) => {
            let mut items = list.items().get(from..to.min(length)).unwrap_or_default().to_vec();
            items.resize(to - from, list.kind().element.zero());
            Value::List(List::with_capacity(list.kind(), items, capacity - from))
        }
        _ => Value::Nil,
    }
    .into())
}

fn print(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let args = call.args();
    Ok(format::sprint(call.budget(), args)?.into())
}

fn println(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let args = call.args();
    Ok(format::sprintln(call.budget(), args)?.into())
}

fn printf(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let (format, args) = (call.bytes(0), call.args().get(1..).unwrap_or_default());
    Ok(format::sprintf(call.budget(), format, args)?.into())
}

/// `call`: the machine gives it the function and its arguments.
pub(crate) fn call(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let Some((callee, args)) = call.args().split_first() else { return Err("call of nil".into()) };
    let function = match callee {
        Value::Function(function) => *function,
        Value::Nil => return Err("call of nil".into()),
        value => return Err(format!("non-function {} of type {}", call.callee(), value.type_name()).into()),
    };
    let (given, wanted, name) = (args.len(), function.params.len(), call.callee());
    if function.rest.is_some() {
        if given < wanted {
            return Err(format!("wrong number of args for {name}: got {given} want at least {wanted}").into());
        }
    } else if given != wanted {
        return Err(format!("wrong number of args for {name}: got {given} want {wanted}").into());
    }
    for (at, arg) in args.iter().enumerate() {
        let wanted = function.params.get(at).copied().or(function.rest).unwrap_or(Type::Any);
        if !crate::machine::assignable(arg, wanted) {
            let (got, wanted) = (arg.type_name(), wanted.name());
            return Err(format!("arg {at}: value has type {got}; should be {wanted}").into());
        }
    }
    call.delegate(function, args)
}
