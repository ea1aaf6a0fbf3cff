//! Objects, types, and what is of no type.

use std::rc::Rc;

use super::{Given, Native, Result, count};
use crate::error::Fault;
use crate::machine::{Machine, boolean};
use crate::syntax::Shown;
use crate::value::{Body, Field, Function, Layer, Lazy, Object, State, Value};

const O: &[(&str, bool)] = &[("o", true)];
const V: &[(&str, bool)] = &[("v", true)];
const X: &[(&str, bool)] = &[("x", true)];
const OF: &[(&str, bool)] = &[("o", true), ("f", true)];

pub(super) static TABLE: &[Native] = &[
    Native {
        name: "type",
        parameters: X,
        run: |machine, given| Ok(Value::text(given.value(machine, 0)?.type_name())),
    },
    Native { name: "isString", parameters: V, run: |machine, given| is(machine, given, "string") },
    Native { name: "isNumber", parameters: V, run: |machine, given| is(machine, given, "number") },
    Native { name: "isBoolean", parameters: V, run: |machine, given| is(machine, given, "boolean") },
    Native { name: "isObject", parameters: V, run: |machine, given| is(machine, given, "object") },
    Native { name: "isArray", parameters: V, run: |machine, given| is(machine, given, "array") },
    Native { name: "isFunction", parameters: V, run: |machine, given| is(machine, given, "function") },
    Native { name: "length", parameters: X, run: length },
    Native { name: "id", parameters: X, run: |machine, given| given.value(machine, 0) },
    Native { name: "trace", parameters: &[("str", true), ("rest", true)], run: trace },
    Native {
        name: "native",
        parameters: X,
        run: |machine, given| given.text(machine, 0).map(|_| Value::Null),
    },
    Native { name: "extVar", parameters: X, run: ext_var },
    Native { name: "equals", parameters: &[("x", true), ("y", true)], run: equals },
    Native { name: "primitiveEquals", parameters: &[("x", true), ("y", true)], run: primitive_equals },
    Native { name: "objectFields", parameters: O, run: |machine, given| fields(machine, given, false) },
    Native { name: "objectFieldsAll", parameters: O, run: |machine, given| fields(machine, given, true) },
    Native {
        name: "objectFieldsEx",
        parameters: &[("obj", true), ("hidden", true)],
        run: |machine, given| {
            let hidden = boolean(&given.value(machine, 1)?)?;
            fields(machine, given, hidden)
        },
    },
    Native { name: "objectHas", parameters: OF, run: |machine, given| has(machine, given, false) },
    Native { name: "objectHasAll", parameters: OF, run: |machine, given| has(machine, given, true) },
    Native {
        name: "objectHasEx",
        parameters: &[("obj", true), ("fname", true), ("hidden", true)],
        run: |machine, given| {
            let hidden = boolean(&given.value(machine, 2)?)?;
            has(machine, given, hidden)
        },
    },
    Native {
        name: "get",
        parameters: &[("o", true), ("f", true), ("default", false), ("inc_hidden", false)],
        run: get,
    },
    Native { name: "objectRemoveKey", parameters: &[("obj", true), ("key", true)], run: remove_key },
    Native { name: "mapWithKey", parameters: &[("func", true), ("obj", true)], run: map_with_key },
];

fn is(machine: &mut Machine<'_>, given: &Given<'_>, name: &str) -> Result<Value> {
    Ok(Value::Bool(given.value(machine, 0)?.type_name() == name))
}

fn length(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    Ok(count(match given.value(machine, 0)? {
        Value::Text(text) => text.length(),
        Value::Array(list) => list.items.len(),
        Value::Object(object) => object.names().iter().filter(|(_, shown)| *shown).count(),
        Value::Function(function) => match &*function {
            Function::Closure(code, _) => {
                code.parameters.iter().filter(|parameter| parameter.default.is_none()).count()
            }
            Function::Native(native) => native.parameters.iter().filter(|(_, required)| *required).count(),
        },
        other => return Err(Fault::runtime(format!("Unexpected type {}", other.type_name()))),
    }))
}

/// Says nothing: there is nobody to say it to.
fn trace(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    given.text(machine, 0)?;
    given.value(machine, 1)
}

fn ext_var(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let name = given.text(machine, 0)?;
    match machine.external(name.as_str())? {
        Some(value) => Ok(value),
        None => Err(Fault::runtime(format!("Undefined external variable: {}", name.as_str()))),
    }
}

fn equals(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let (left, right) = (given.value(machine, 0)?, given.value(machine, 1)?);
    machine.equals(&left, &right).map(Value::Bool)
}

fn primitive_equals(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let (left, right) = (given.value(machine, 0)?, given.value(machine, 1)?);
    if left.type_name() == right.type_name() && matches!(left, Value::Array(_) | Value::Object(_)) {
        let got = left.type_name();
        return Err(Fault::runtime(format!("primitiveEquals operates on primitive types, got {got}")));
    }
    machine.equals(&left, &right).map(Value::Bool)
}

fn fields(machine: &mut Machine<'_>, given: &Given<'_>, hidden: bool) -> Result<Value> {
    let object = given.object(machine, 0)?;
    machine.room_for_items(object.names().len())?;
    let names = object.names().iter().filter(|(_, shown)| hidden || *shown);
    Ok(Value::array(names.map(|(name, _)| Lazy::done(Value::text(name))).collect()))
}

fn shows(object: &Object, name: &str, hidden: bool) -> bool {
    let at = object.names().binary_search_by(|(other, _)| (**other).cmp(name));
    at.ok().and_then(|at| object.names().get(at)).is_some_and(|(_, shown)| hidden || *shown)
}

fn has(machine: &mut Machine<'_>, given: &Given<'_>, hidden: bool) -> Result<Value> {
    let object = given.object(machine, 0)?;
    let name = given.text(machine, 1)?;
    Ok(Value::Bool(shows(&object, name.as_str(), hidden)))
}

fn get(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let object = given.object(machine, 0)?;
    let name = given.text(machine, 1)?;
    let hidden = given.boolean_or(machine, 3, true)?;
    if shows(&object, name.as_str(), hidden) {
        return machine.checked_field(&object, name.as_str());
    }
    Ok(given.optional(machine, 2)?.unwrap_or(Value::Null))
}

/// The same fields but one, each as it is in the whole object.
fn remove_key(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let object = given.object(machine, 0)?;
    let key = given.text(machine, 1)?;
    machine.room_for_items(object.names().len())?;
    let mut fields = std::collections::BTreeMap::new();
    for (name, shown) in object.names().to_vec() {
        if &*name != key.as_str() {
            let shown = if shown { Shown::Inherit } else { Shown::Hidden };
            let value = Lazy::new(State::Field(Rc::clone(&object), Rc::clone(&name)));
            fields.insert(name, Field { shown, plus: false, body: Body::Value(value) });
        }
    }
    Ok(Value::Object(machine.object(vec![Layer::new(fields, None, None)])))
}

fn map_with_key(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let function = given.value(machine, 0)?;
    let Value::Function(function) = function else {
        let got = function.type_name();
        return Err(Fault::runtime(format!("std.mapWithKey first param must be function, got {got}")));
    };
    let object = given.value(machine, 1)?;
    let Value::Object(object) = object else {
        let got = object.type_name();
        return Err(Fault::runtime(format!("std.mapWithKey second param must be object, got {got}")));
    };
    machine.room_for_items(object.names().len().saturating_mul(3))?;
    let mut fields = std::collections::BTreeMap::new();
    for name in object.shown() {
        let value = Lazy::new(State::Field(Rc::clone(&object), Rc::clone(&name)));
        let arguments = vec![Lazy::done(Value::text(&name)), value];
        let body = Body::Value(Lazy::new(State::Call(Rc::clone(&function), arguments)));
        fields.insert(name, Field { shown: Shown::Inherit, plus: false, body });
    }
    Ok(Value::Object(machine.object(vec![Layer::new(fields, None, None)])))
}
