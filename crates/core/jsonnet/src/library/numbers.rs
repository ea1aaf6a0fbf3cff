//! Numbers.

use super::{Given, Native, Result};
use crate::error::Fault;
use crate::machine::Machine;
use crate::operators::checked;
use crate::value::Value;

const X: &[(&str, bool)] = &[("x", true)];
const N: &[(&str, bool)] = &[("n", true)];
const AB: &[(&str, bool)] = &[("a", true), ("b", true)];
const XY: &[(&str, bool)] = &[("x", true), ("y", true)];

pub(super) static TABLE: &[Native] = &[
    Native {
        name: "abs",
        parameters: N,
        run: |machine, given| Ok(Value::Number(expected(machine, given, "abs")?.abs())),
    },
    Native { name: "sign", parameters: N, run: sign },
    Native {
        name: "max",
        parameters: AB,
        run: |machine, given| extreme(machine, given, "max", |a, b| a > b),
    },
    Native {
        name: "min",
        parameters: AB,
        run: |machine, given| extreme(machine, given, "min", |a, b| a < b),
    },
    Native { name: "clamp", parameters: &[("x", true), ("minVal", true), ("maxVal", true)], run: clamp },
    Native {
        name: "pow",
        parameters: &[("x", true), ("n", true)],
        run: |machine, given| two(machine, given, f64::powf),
    },
    Native {
        name: "atan2",
        parameters: &[("y", true), ("x", true)],
        run: |machine, given| two(machine, given, f64::atan2),
    },
    Native { name: "hypot", parameters: XY, run: |machine, given| two(machine, given, f64::hypot) },
    Native { name: "ceil", parameters: X, run: |machine, given| one(machine, given, f64::ceil) },
    Native { name: "floor", parameters: X, run: |machine, given| one(machine, given, f64::floor) },
    Native { name: "round", parameters: X, run: |machine, given| one(machine, given, f64::round) },
    Native { name: "sqrt", parameters: X, run: |machine, given| one(machine, given, f64::sqrt) },
    Native { name: "sin", parameters: X, run: |machine, given| one(machine, given, f64::sin) },
    Native { name: "cos", parameters: X, run: |machine, given| one(machine, given, f64::cos) },
    Native { name: "tan", parameters: X, run: |machine, given| one(machine, given, f64::tan) },
    Native { name: "asin", parameters: X, run: |machine, given| one(machine, given, f64::asin) },
    Native { name: "acos", parameters: X, run: |machine, given| one(machine, given, f64::acos) },
    Native { name: "atan", parameters: X, run: |machine, given| one(machine, given, f64::atan) },
    Native { name: "log", parameters: X, run: |machine, given| one(machine, given, f64::ln) },
    Native { name: "log2", parameters: X, run: |machine, given| one(machine, given, |x| x.ln() / 2f64.ln()) },
    Native {
        name: "log10",
        parameters: X,
        run: |machine, given| one(machine, given, |x| x.ln() / 10f64.ln()),
    },
    Native { name: "exp", parameters: X, run: |machine, given| one(machine, given, f64::exp) },
    Native { name: "mantissa", parameters: X, run: |machine, given| one(machine, given, |x| split(x).0) },
    Native { name: "exponent", parameters: X, run: |machine, given| one(machine, given, |x| split(x).1) },
    Native {
        name: "deg2rad",
        parameters: X,
        run: |machine, given| one(machine, given, |x| x * std::f64::consts::PI / 180.0),
    },
    Native {
        name: "rad2deg",
        parameters: X,
        run: |machine, given| one(machine, given, |x| x * 180.0 / std::f64::consts::PI),
    },
    Native {
        name: "isEven",
        parameters: X,
        run: |machine, given| is(machine, given, |x| x.trunc() % 2.0 == 0.0),
    },
    Native {
        name: "isOdd",
        parameters: X,
        run: |machine, given| is(machine, given, |x| x.trunc() % 2.0 != 0.0),
    },
    Native {
        name: "isInteger",
        parameters: X,
        run: |machine, given| is(machine, given, |x| x.fract() == 0.0),
    },
    Native {
        name: "isDecimal",
        parameters: X,
        run: |machine, given| is(machine, given, |x| x.fract() != 0.0),
    },
    Native { name: "modulo", parameters: XY, run: modulo },
    Native {
        name: "mod",
        parameters: AB,
        run: |machine, given| {
            let (left, right) = (given.value(machine, 0)?, given.value(machine, 1)?);
            machine.modulo(&left, &right)
        },
    },
    Native { name: "xor", parameters: XY, run: |machine, given| logical(machine, given, |x, y| x != y) },
    Native { name: "xnor", parameters: XY, run: |machine, given| logical(machine, given, |x, y| x == y) },
];

fn one(machine: &mut Machine<'_>, given: &Given<'_>, function: fn(f64) -> f64) -> Result<Value> {
    checked(function(given.number(machine, 0)?))
}

fn two(machine: &mut Machine<'_>, given: &Given<'_>, function: fn(f64, f64) -> f64) -> Result<Value> {
    let (left, right) = (given.number(machine, 0)?, given.number(machine, 1)?);
    checked(function(left, right))
}

fn is(machine: &mut Machine<'_>, given: &Given<'_>, test: fn(f64) -> bool) -> Result<Value> {
    Ok(Value::Bool(test(given.number(machine, 0)?)))
}

fn logical(machine: &mut Machine<'_>, given: &Given<'_>, test: fn(bool, bool) -> bool) -> Result<Value> {
    let left = crate::machine::boolean(&given.value(machine, 0)?)?;
    let right = crate::machine::boolean(&given.value(machine, 1)?)?;
    Ok(Value::Bool(test(left, right)))
}

fn expected(machine: &mut Machine<'_>, given: &Given<'_>, name: &str) -> Result<f64> {
    match given.value(machine, 0)? {
        Value::Number(number) => Ok(number),
        other => Err(Fault::runtime(format!("std.{name} expected number, got {}", other.type_name()))),
    }
}

fn sign(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let number = expected(machine, given, "sign")?;
    Ok(Value::Number(if number == 0.0 { 0.0 } else { number.signum() }))
}

fn extreme(
    machine: &mut Machine<'_>,
    given: &Given<'_>,
    name: &str,
    better: fn(f64, f64) -> bool,
) -> Result<Value> {
    let mut side = |at: usize, which: &str| match given.value(machine, at)? {
        Value::Number(number) => Ok(number),
        other => Err(Fault::runtime(format!(
            "std.{name} {which} param expected number, got {}",
            other.type_name()
        ))),
    };
    let (left, right) = (side(0, "first")?, side(1, "second")?);
    Ok(Value::Number(if better(left, right) { left } else { right }))
}

/// For anything that has an order.
fn clamp(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let (value, low, high) = (given.value(machine, 0)?, given.value(machine, 1)?, given.value(machine, 2)?);
    if machine.compare(&value, &low)?.is_lt() {
        return Ok(low);
    }
    Ok(if machine.compare(&value, &high)?.is_gt() { high } else { value })
}

fn modulo(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let (left, right) = (given.number(machine, 0)?, given.number(machine, 1)?);
    machine.modulo(&Value::Number(left), &Value::Number(right))
}

/// Mantissa within [0.5, 1) and exponent, as C's `frexp`.
fn split(number: f64) -> (f64, f64) {
    if number == 0.0 || !number.is_finite() {
        return (number, 0.0);
    }
    let (mut mantissa, mut exponent) = (number, 0.0);
    if mantissa.abs() < f64::MIN_POSITIVE {
        mantissa *= 2f64.powi(54);
        exponent -= 54.0;
    }
    let bits = mantissa.to_bits();
    #[expect(clippy::cast_precision_loss, reason = "eleven bits")]
    let stored = ((bits >> 52) & 0x7ff) as f64;
    let fraction = f64::from_bits((bits & !(0x7ff << 52)) | (0x3fe << 52));
    (fraction, exponent + stored - 1022.0)
}
