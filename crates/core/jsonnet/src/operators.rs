//! Operators on values.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::error::Fault;
use crate::library;
use crate::machine::{Machine, boolean, number, wrong_type};
use crate::syntax::{Binary, Expr};
use crate::text::Text;
use crate::value::{Env, Value};

type Result<T> = std::result::Result<T, Fault>;

impl Machine<'_> {
    pub(crate) fn binary(&mut self, operator: Binary, left: &Expr, right: &Expr, env: &Env) -> Result<Value> {
        let left = self.eval(left, env)?;
        match operator {
            Binary::And | Binary::Or => {
                if boolean(&left)? == (operator == Binary::Or) {
                    return Ok(left);
                }
                let right = self.eval(right, env)?;
                return boolean(&right).map(Value::Bool);
            }
            _ => {}
        }
        let right = self.eval(right, env)?;
        Ok(match operator {
            Binary::Plus => return self.plus(&left, &right),
            Binary::Modulo => return self.modulo(&left, &right),
            Binary::Minus => checked(number(&left)? - number(&right)?)?,
            Binary::Multiply => checked(number(&left)? * number(&right)?)?,
            Binary::Divide => {
                let (left, right) = (number(&left)?, number(&right)?);
                if right == 0.0 {
                    return Err(Fault::runtime("Division by zero."));
                }
                checked(left / right)?
            }
            Binary::ShiftLeft | Binary::ShiftRight | Binary::BitAnd | Binary::BitOr | Binary::BitXor => {
                bits(operator, number(&left)?, number(&right)?)?
            }
            Binary::Less => Value::Bool(self.compare(&left, &right)?.is_lt()),
            Binary::LessEqual => Value::Bool(self.compare(&left, &right)?.is_le()),
            Binary::Greater => Value::Bool(self.compare(&left, &right)?.is_gt()),
            Binary::GreaterEqual => Value::Bool(self.compare(&left, &right)?.is_ge()),
            Binary::Equal => Value::Bool(self.equals(&left, &right)?),
            Binary::Unequal => Value::Bool(!self.equals(&left, &right)?),
            Binary::In => {
                let Value::Object(object) = &right else { return Err(wrong_type(&right, "object")) };
                let Value::Text(name) = &left else { return Err(wrong_type(&left, "string")) };
                Value::Bool(object.layer_of(name.as_str(), object.layers.len()).is_some())
            }
            Binary::And | Binary::Or => right,
        })
    }

    pub(crate) fn plus(&mut self, left: &Value, right: &Value) -> Result<Value> {
        if let Value::Text(right) = right {
            let left = self.show(left)?;
            return self.concat(&left, right);
        }
        match (left, right) {
            (Value::Number(left), Value::Number(right)) => checked(left + right),
            (Value::Number(_), _) => Err(wrong_type(right, "number")),
            (Value::Text(left), _) => {
                let right = self.show(right)?;
                self.concat(left, &right)
            }
            (Value::Array(left), Value::Array(right)) => {
                self.room((left.items.len() + right.items.len()) * 8)?;
                self.step((left.items.len() + right.items.len()) as u64 / 8)?;
                Ok(Value::array(left.items.iter().chain(&right.items).map(Rc::clone).collect()))
            }
            (Value::Array(_), _) => Err(wrong_type(right, "array")),
            (Value::Object(left), Value::Object(right)) => {
                let layers: Vec<_> = left.layers.iter().chain(&right.layers).map(Rc::clone).collect();
                self.room(layers.len() * 8)?;
                self.step(layers.len() as u64 / 4)?;
                Ok(Value::Object(self.object(layers)))
            }
            (Value::Object(_), _) => Err(wrong_type(right, "object")),
            (Value::Null | Value::Bool(_) | Value::Function(_), _) => {
                Err(Fault::runtime(format!("Unexpected type {}", left.type_name())))
            }
        }
    }

    fn concat(&mut self, left: &Text, right: &Text) -> Result<Value> {
        let (left, right) = (left.as_str(), right.as_str());
        self.room_for_text(left.len() + right.len())?;
        Ok(Value::Text(Text::from([left, right].concat())))
    }

    pub(crate) fn modulo(&mut self, left: &Value, right: &Value) -> Result<Value> {
        match (left, right) {
            (Value::Number(left), Value::Number(right)) => {
                if *right == 0.0 {
                    return Err(Fault::runtime("Division by zero."));
                }
                checked(left % right)
            }
            (Value::Text(format), _) => library::format(self, format.as_str(), right),
            _ => Err(Fault::runtime(format!(
                "Operator % cannot be used on types {} and {}.",
                left.type_name(),
                right.type_name()
            ))),
        }
    }

    /// The order of two values of one type.
    pub(crate) fn compare(&mut self, left: &Value, right: &Value) -> Result<Ordering> {
        self.step(1)?;
        match (left, right) {
            (Value::Number(left), Value::Number(right)) => {
                Ok(left.partial_cmp(right).unwrap_or(Ordering::Equal))
            }
            (Value::Number(_), _) => Err(wrong_type(right, "number")),
            (Value::Text(left), Value::Text(right)) => Ok(left.as_str().cmp(right.as_str())),
            (Value::Text(_), _) => Err(wrong_type(right, "string")),
            (Value::Array(left), Value::Array(right)) => {
                for (left, right) in left.items.iter().zip(&right.items) {
                    let (left, right) = (self.force(left)?, self.force(right)?);
                    let order = self.deeper(|machine| machine.compare(&left, &right))?;
                    if order.is_ne() {
                        return Ok(order);
                    }
                }
                Ok(left.items.len().cmp(&right.items.len()))
            }
            (Value::Array(_), _) => Err(wrong_type(right, "array")),
            _ => Err(Fault::runtime(format!("Unexpected type {}", left.type_name()))),
        }
    }

    pub(crate) fn equals(&mut self, left: &Value, right: &Value) -> Result<bool> {
        self.step(1)?;
        match (left, right) {
            (Value::Null, Value::Null) => Ok(true),
            (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
            #[expect(clippy::float_cmp, reason = "equality is what is asked for")]
            (Value::Number(left), Value::Number(right)) => Ok(left == right),
            (Value::Text(left), Value::Text(right)) => Ok(left.as_str() == right.as_str()),
            (Value::Array(left), Value::Array(right)) => {
                if left.items.len() != right.items.len() {
                    return Ok(false);
                }
                for (left, right) in left.items.iter().zip(&right.items) {
                    let (left, right) = (self.force(left)?, self.force(right)?);
                    if !self.deeper(|machine| machine.equals(&left, &right))? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Object(left), Value::Object(right)) => {
                let names = left.shown();
                if names != right.shown() {
                    return Ok(false);
                }
                for name in names {
                    let (left, right) = (self.checked_field(left, &name)?, self.checked_field(right, &name)?);
                    if !self.deeper(|machine| machine.equals(&left, &right))? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Function(_), Value::Function(_)) => {
                Err(Fault::runtime("Cannot test equality of functions"))
            }
            _ => Ok(false),
        }
    }
}

/// A number that is one.
pub(crate) fn checked(number: f64) -> Result<Value> {
    if number.is_nan() {
        return Err(Fault::runtime("Not a number"));
    }
    if number.is_infinite() {
        return Err(Fault::runtime("Overflow"));
    }
    Ok(Value::Number(number))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "as the peer's int64, checked first"
)]
fn bits(operator: Binary, left: f64, right: f64) -> Result<Value> {
    for number in [left, right] {
        if !(i64::MIN as f64..=i64::MAX as f64).contains(&number) {
            return Err(Fault::runtime(format!(
                "Bitwise operator argument {} outside of range [{}, {}]",
                crate::number::shown(number),
                i64::MIN,
                i64::MAX
            )));
        }
    }
    let by = (right % 64.0).abs() as u32;
    if right < 0.0 && matches!(operator, Binary::ShiftLeft | Binary::ShiftRight) {
        return Err(Fault::runtime("Shift by negative exponent."));
    }
    let (left, right) = (left as i64, right as i64);
    let result = match operator {
        Binary::ShiftLeft => left.wrapping_shl(by),
        Binary::ShiftRight => left.wrapping_shr(by),
        Binary::BitAnd => left & right,
        Binary::BitOr => left | right,
        _ => left ^ right,
    };
    Ok(Value::Number(result as f64))
}
