//! Comparisons.

use std::cmp::Ordering;

use crate::error::CallError;
use crate::functions::{Call, Outcome};
use crate::value::{Kind, Value};

/// Kinds that can be compared with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Bool,
    Complex,
    Int,
    Float,
    String,
    Uint,
}

fn basic(value: &Value) -> Option<Basic> {
    match value {
        Value::Bool(_) => Some(Basic::Bool),
        Value::Int(..) => Some(Basic::Int),
        Value::Uint(..) => Some(Basic::Uint),
        Value::Float(..) => Some(Basic::Float),
        Value::Complex(..) => Some(Basic::Complex),
        Value::String(_) => Some(Basic::String),
        Value::Object(object) if !object.is_pointer() => match object.kind() {
            Kind::String => Some(Basic::String),
            Kind::Int(_) => Some(Basic::Int),
            _ => None,
        },
        _ => None,
    }
}

/// What stands for an object of a basic kind.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) => object.plain().unwrap_or_else(|| value.clone()),
        value => value.clone(),
    }
}

fn incompatible(a: &Value, b: &Value) -> CallError {
    format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name()).into()
}

const BAD_TYPE: &str = "invalid type for comparison";

fn compare_numbers(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(_, a), Value::Int(_, b)) => Some(a.cmp(b)),
        (Value::Uint(_, a), Value::Uint(_, b)) => Some(a.cmp(b)),
        (Value::Int(_, a), Value::Uint(_, b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(_, a), Value::Int(_, b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Float(_, a), Value::Float(_, b)) => a.partial_cmp(b),
        _ => None,
    }
}

fn is_integer(kind: Option<Basic>) -> bool {
    matches!(kind, Some(Basic::Int | Basic::Uint))
}

fn equal(a: &Value, b: &Value) -> Result<bool, CallError> {
    let (kind_a, kind_b) = (basic(a), basic(b));
    if kind_a != kind_b && !(is_integer(kind_a) && is_integer(kind_b)) {
        return match (a, b) {
            (Value::Nil, _) | (_, Value::Nil) => Ok(false),
            _ => Err(incompatible(a, b)),
        };
    }
    if kind_a.is_some() {
        return Ok(match (&plain(a), &plain(b)) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
            (a, b) => compare_numbers(a, b) == Some(Ordering::Equal),
        });
    }
    let (nil_a, nil_b) = (is_nil(a), is_nil(b));
    let (shape_a, shape_b) = (a.kind(), b.kind());
    if shape_a != shape_b && shape_a != Kind::Invalid && shape_b != Kind::Invalid {
        let (a_shown, b_shown) = (crate::format::shown(a, 's'), crate::format::shown(b, 'v'));
        let (a, b) = (a.type_name(), b.type_name());
        return Err(format!("non-comparable types {a_shown}: {a}, {b}: {b_shown}").into());
    }
    if nil_a || nil_b {
        return Ok(nil_a == nil_b);
    }
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => Ok(a.equals(b.as_ref())),
        _ => Err(format!("non-comparable type {}: {}", crate::format::shown(b, 's'), b.type_name()).into()),
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, CallError> {
    let (Some(kind_a), Some(kind_b)) = (basic(a), basic(b)) else { return Err(BAD_TYPE.into()) };
    if kind_a != kind_b && !(is_integer(Some(kind_a)) && is_integer(Some(kind_b))) {
        return Err(incompatible(a, b));
    }
    match (&plain(a), &plain(b)) {
        (Value::Bool(_) | Value::Complex(..), _) => Err(BAD_TYPE.into()),
        (Value::String(a), Value::String(b)) => Ok(a < b),
        (a, b) => Ok(compare_numbers(a, b) == Some(Ordering::Less)),
    }
}

fn less_or_equal(a: &Value, b: &Value) -> Result<bool, CallError> {
    Ok(less(a, b)? || equal(a, b)?)
}

/// Comparing texts takes time by their length.
fn charge(call: &mut Call<'_>) -> Result<(), CallError> {
    let shortest = call.args().iter().map(|arg| arg.as_bytes().map_or(0, <[u8]>::len)).min();
    Ok(call.budget().step(shortest.unwrap_or(0) as u64 >> 10)?)
}

pub(super) fn eq(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let Some((first, others)) = call.args().split_first() else { return Ok(false.into()) };
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    charge(call)?;
    for other in others {
        if equal(first, other)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

pub(super) fn ne(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    charge(call)?;
    Ok((!equal(call.arg(0), call.arg(1))?).into())
}

pub(super) fn lt(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    charge(call)?;
    Ok(less(call.arg(0), call.arg(1))?.into())
}

pub(super) fn le(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    charge(call)?;
    Ok(less_or_equal(call.arg(0), call.arg(1))?.into())
}

pub(super) fn gt(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    charge(call)?;
    Ok((!less_or_equal(call.arg(0), call.arg(1))?).into())
}

pub(super) fn ge(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    charge(call)?;
    Ok((!less(call.arg(0), call.arg(1))?).into())
}
