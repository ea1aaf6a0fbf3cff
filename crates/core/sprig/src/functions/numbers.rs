//! Arithmetic. Arguments are whatever [`casts`] can read.

use gotemplate::{Call, CallError, Function, List, ListType, Type, Value};

use super::{Answer, give, refuse};
use crate::decimal::{Decimal, Operation};
use crate::{casts, show};

const ANY: Type = Type::Any;
const INT: Type = Type::Int;

pub(crate) const TABLE: &[Function] = &[
    Function::new("atoi", &[Type::String], |call| give(Value::int(atoi(&call.text(0))))),
    Function::new("int", &[ANY], |call| give(Value::int(casts::int(call.arg(0))))),
    Function::new("int64", &[ANY], |call| give(Value::int64(casts::int(call.arg(0))))),
    Function::new("float64", &[ANY], |call| give(Value::float(casts::float(call.arg(0))))),
    Function::new("toDecimal", &[ANY], |call| {
        let text = show::plain(call.arg(0))?;
        let number = str::from_utf8(&text).ok().and_then(|text| casts::parse_int(text, 8));
        give(Value::int64(number.unwrap_or(0)))
    }),
    Function::new("add1", &[ANY], |call| give(Value::int64(casts::int(call.arg(0)).wrapping_add(1)))),
    Function::variadic("add", &[], ANY, |call| folded(call, 0, i64::wrapping_add)),
    Function::variadic("mul", &[ANY], ANY, |call| folded(call, 1, i64::wrapping_mul)),
    Function::new("sub", &[ANY, ANY], |call| {
        give(Value::int64(casts::int(call.arg(0)).wrapping_sub(casts::int(call.arg(1)))))
    }),
    Function::new("div", &[ANY, ANY], |call| divided(call, i64::wrapping_div)),
    Function::new("mod", &[ANY, ANY], |call| divided(call, i64::wrapping_rem)),
    Function::variadic("max", &[ANY], ANY, |call| chosen(call, i64::max)),
    Function::variadic("biggest", &[ANY], ANY, |call| chosen(call, i64::max)),
    Function::variadic("min", &[ANY], ANY, |call| chosen(call, i64::min)),
    Function::variadic("maxf", &[ANY], ANY, |call| {
        chosen_float(call, |a, b| if go_less(a, b) { b } else { a })
    }),
    Function::variadic("minf", &[ANY], ANY, |call| {
        chosen_float(call, |a, b| if go_less(b, a) { b } else { a })
    }),
    Function::new("add1f", &[ANY], |call| exact(call, None, &[Value::int(1)], Decimal::plus)),
    Function::variadic("addf", &[], ANY, |call| exact(call, Some(0.0), &[], Decimal::plus)),
    Function::variadic("subf", &[ANY], ANY, |call| exact(call, None, &[], Decimal::minus)),
    Function::variadic("mulf", &[ANY], ANY, |call| exact(call, None, &[], Decimal::times)),
    Function::variadic("divf", &[ANY], ANY, |call| exact(call, None, &[], Decimal::over)),
    Function::new("floor", &[ANY], |call| give(Value::float(casts::float(call.arg(0)).floor()))),
    Function::new("ceil", &[ANY], |call| give(Value::float(casts::float(call.arg(0)).ceil()))),
    Function::variadic("round", &[ANY, INT], Type::Float64, round),
    Function::new("until", &[INT], |call| {
        let count = call.int(0);
        steps(call, 0, count, count.signum() | 1).map(ints).and_then(give)
    }),
    Function::new("untilStep", &[INT, INT, INT], |call| {
        steps(call, call.int(0), call.int(1), call.int(2)).map(ints).and_then(give)
    }),
    Function::variadic("seq", &[], INT, seq),
];

/// As `strconv.Atoi` whose error nobody looks at: 0, or the nearest where the number is too large.
fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn folded(call: &mut Call<'_>, start: i64, fold: fn(i64, i64) -> i64) -> Answer {
    give(Value::int64(call.args().iter().map(casts::int).fold(start, fold)))
}

fn divided(call: &mut Call<'_>, divide: fn(i64, i64) -> i64) -> Answer {
    match (casts::int(call.arg(0)), casts::int(call.arg(1))) {
        (_, 0) => refuse("runtime error: integer divide by zero"),
        (a, b) => give(Value::int64(divide(a, b))),
    }
}

fn chosen(call: &mut Call<'_>, choose: fn(i64, i64) -> i64) -> Answer {
    give(Value::int64(call.args().iter().map(casts::int).reduce(choose).unwrap_or(0)))
}

fn chosen_float(call: &mut Call<'_>, choose: fn(f64, f64) -> f64) -> Answer {
    let number = call.args().iter().map(casts::float).reduce(|a, b| match (a.is_nan(), b.is_nan()) {
        // An infinity of the wanted sign wins over NaN in Go.
        (false, true) if choose(a, -a) == a && a.is_infinite() => a,
        (true, false) if choose(b, -b) == b && b.is_infinite() => b,
        (true, _) | (_, true) => f64::NAN,
        _ => choose(a, b),
    });
    give(Value::float(number.unwrap_or(0.0)))
}

/// Less, where a zero with a sign is less than one without.
fn go_less(a: f64, b: f64) -> bool {
    a < b || (a == 0.0 && b == 0.0 && a.is_sign_negative() && !b.is_sign_negative())
}

fn exact(call: &mut Call<'_>, start: Option<f64>, more: &[Value], operation: Operation) -> Answer {
    let mut result = start.map(Decimal::from_float).transpose()?;
    for value in call.args().iter().chain(more) {
        let number = Decimal::from_float(casts::float(value))?;
        call.budget().step(1)?;
        result = Some(match result {
            None => number,
            Some(result) => operation(&result, &number)?,
        });
    }
    give(Value::float(result.map_or(0.0, |result| result.to_float())))
}

fn round(call: &mut Call<'_>) -> Answer {
    let on = if call.len() > 2 { call.float(2) } else { 0.5 };
    #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
    let power = 10_f64.powf(call.int(1) as f64);
    let digit = power * casts::float(call.arg(0));
    let rounded = if digit - digit.trunc() >= on { digit.ceil() } else { digit.floor() };
    give(Value::float(rounded / power))
}

/// The numbers from `start` to before `stop`.
fn steps(call: &mut Call<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, CallError> {
    let towards = if stop < start { step < 0 } else { step > 0 };
    if !towards {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    call.budget().allocate(usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(24))?;
    call.budget().step(count)?;
    let mut numbers = Vec::new();
    let mut at = start;
    for _ in 0..count {
        numbers.push(at);
        at = at.wrapping_add(step);
    }
    Ok(numbers)
}

fn ints(numbers: Vec<i64>) -> Value {
    List::new(ListType::INTS, numbers.into_iter().map(Value::int).collect()).into()
}

fn seq(call: &mut Call<'_>) -> Answer {
    let direction = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match call.len() {
        1 => (1, call.int(0), direction(1, call.int(0))),
        2 => (call.int(0), call.int(1), direction(call.int(0), call.int(1))),
        3 => (call.int(0), call.int(2), call.int(1)),
        _ => return give(""),
    };
    let one = direction(start, end);
    if call.len() == 3 && one < 0 && step > 0 {
        return give("");
    }
    let numbers = steps(call, start, end.wrapping_add(one), step)?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    give(texts.join(" "))
}
