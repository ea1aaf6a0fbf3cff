//! Conditions, in the part of the language of `expr-lang/expr` that conditions of links are written in: literals, lists, fields
//! (`a.b`, `a?.b`, `a["b"]`), comparisons, `in`, `contains`, `startsWith`, `endsWith`, `matches`, `not`, `and`, `or`, `??`, `?:`, `+`,
//! `len`, `lower` and `upper`. What else the language has is an error that names it.

mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use goregex::Pattern;
use serde_json::Value;

use parser::{Expression, Operator};

/// What a condition says of some data. A name that is not there is nil.
pub(crate) fn evaluate(text: &str, data: &Value) -> Result<Value, String> {
    value(&parser::parse(text)?, data)
}

fn value(expression: &Expression, data: &Value) -> Result<Value, String> {
    match expression {
        Expression::Literal(value) => Ok(value.clone()),
        Expression::Name(name) => Ok(data.get(name).cloned().unwrap_or_default()),
        Expression::List(items) => items.iter().map(|item| value(item, data)).collect(),
        Expression::Field { of, name, optional } => {
            let (of, name) = (value(of, data)?, value(name, data)?);
            field(&of, &name, *optional)
        }
        Expression::Not(inner) => Ok(Value::Bool(!truth(&value(inner, data)?)?)),
        Expression::Negative(inner) => {
            let number = value(inner, data)?;
            match (number.as_i64().and_then(i64::checked_neg), number.as_f64()) {
                (Some(number), _) => Ok(Value::from(number)),
                (None, Some(number)) => Ok(Value::from(-number)),
                (None, None) => Err("what is behind - is no number".to_owned()),
            }
        }
        Expression::Call(name, argument) => call(name, &value(argument, data)?),
        Expression::Choice { condition, yes, no } => {
            value(if truth(&value(condition, data)?)? { yes } else { no }, data)
        }
        Expression::Two { operator, left, right } => two(*operator, left, right, data),
    }
}

fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("{value} is neither true nor false"))
}

fn field(of: &Value, name: &Value, optional: bool) -> Result<Value, String> {
    match (of, name) {
        (Value::Null, _) if optional => Ok(Value::Null),
        (Value::Object(map), Value::String(name)) => Ok(map.get(name).cloned().unwrap_or_default()),
        (Value::Array(items), Value::Number(index)) => {
            let index = index.as_i64().ok_or("an index is a whole number")?;
            let from_behind = i64::try_from(items.len()).unwrap_or(i64::MAX).saturating_add(index);
            let place = usize::try_from(if index < 0 { from_behind } else { index }).ok();
            place
                .and_then(|place| items.get(place))
                .cloned()
                .ok_or_else(|| format!("index out of range: {index}"))
        }
        (Value::Null, name) => Err(format!("cannot fetch {name} from <nil>")),
        (_, name) => Err(format!("cannot fetch {name} from what has no fields")),
    }
}

fn call(name: &str, argument: &Value) -> Result<Value, String> {
    match (name, argument) {
        ("len", Value::String(text)) => Ok(text.chars().count().into()),
        ("len", Value::Array(items)) => Ok(items.len().into()),
        ("len", Value::Object(map)) => Ok(map.len().into()),
        ("lower", Value::String(text)) => Ok(text.to_lowercase().into()),
        ("upper", Value::String(text)) => Ok(text.to_uppercase().into()),
        (name, argument) => Err(format!("{name} cannot be had of {argument}")),
    }
}

fn two(operator: Operator, left: &Expression, right: &Expression, data: &Value) -> Result<Value, String> {
    let left = value(left, data)?;
    // The right side is not looked at where the left one decides.
    match operator {
        Operator::Or if truth(&left)? => return Ok(Value::Bool(true)),
        Operator::And if !truth(&left)? => return Ok(Value::Bool(false)),
        Operator::Else if !left.is_null() => return Ok(left),
        _ => {}
    }
    let right = value(right, data)?;
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("{} is for texts, not for {value}", operator.as_str()))
    };
    let holds = match operator {
        Operator::Or | Operator::And => truth(&right)?,
        Operator::Else => return Ok(right),
        Operator::Plus => return plus(&left, &right),
        Operator::Equal => equal(&left, &right),
        Operator::Unequal => !equal(&left, &right),
        Operator::Less => order(&left, &right)?.is_lt(),
        Operator::AtMost => order(&left, &right)?.is_le(),
        Operator::More => order(&left, &right)?.is_gt(),
        Operator::AtLeast => order(&left, &right)?.is_ge(),
        Operator::In => is_in(&left, &right)?,
        Operator::NotIn => !is_in(&left, &right)?,
        Operator::Contains => text(&left)?.contains(&text(&right)?),
        Operator::StartsWith => text(&left)?.starts_with(&text(&right)?),
        Operator::EndsWith => text(&left)?.ends_with(&text(&right)?),
        Operator::Matches => {
            let pattern = Pattern::new(&text(&right)?)?;
            pattern.is_match(&text(&left)?)
        }
    };
    Ok(Value::Bool(holds))
}

/// Numbers are equal by what they are worth.
fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right).is_eq(),
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Result<std::cmp::Ordering, String> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Ok(left.cmp(right)),
        _ => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => Ok(left.total_cmp(&right)),
            _ => Err(format!("{left} and {right} have no order")),
        },
    }
}

fn plus(left: &Value, right: &Value) -> Result<Value, String> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Ok(format!("{left}{right}").into()),
        _ => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => Ok(Value::from(left + right)),
            _ => Err(format!("{left} and {right} cannot be added")),
        },
    }
}

fn is_in(left: &Value, right: &Value) -> Result<bool, String> {
    match right {
        Value::Null => Ok(false),
        Value::Array(items) => Ok(items.iter().any(|item| equal(item, left))),
        Value::Object(map) => Ok(left.as_str().is_some_and(|name| map.contains_key(name))),
        other => Err(format!("nothing is in {other}")),
    }
}
