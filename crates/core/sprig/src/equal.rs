//! `reflect.DeepEqual`.

use std::rc::Rc;

use gotemplate::{CallError, Run, Value};

/// Levels of nesting that are compared.
const DEPTH: usize = 500;

/// Whether both are of one type and equal, whatever they hold. `steps` counts the values looked at.
pub(crate) fn deep(a: &Value, b: &Value, steps: &mut u64) -> Result<bool, CallError> {
    at_depth(a, b, 0, steps)
}

fn at_depth(a: &Value, b: &Value, depth: usize, steps: &mut u64) -> Result<bool, CallError> {
    if depth > DEPTH {
        return Err(Run::too_deep(DEPTH));
    }
    *steps += 1;
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(kind, a), Value::Int(other, b)) => kind == other && a == b,
        (Value::Uint(kind, a), Value::Uint(other, b)) => kind == other && a == b,
        #[expect(clippy::float_cmp, reason = "as Go compares")]
        (Value::Float(kind, a), Value::Float(other, b)) => kind == other && a == b,
        #[expect(clippy::float_cmp, reason = "as Go compares")]
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            let same_shape = a.kind().name == b.kind().name
                && a.is_nil() == b.is_nil()
                && a.items().len() == b.items().len();
            if !same_shape {
                return Ok(false);
            }
            for (a, b) in a.items().iter().zip(b.items()) {
                if !at_depth(a, b, depth + 1, steps)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.same(b) {
                return Ok(true);
            }
            if a.kind().name != b.kind().name || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            for (key, a) in a.snapshot() {
                match b.get_bytes(key.as_bytes()) {
                    Some(b) if at_depth(&a, &b, depth + 1, steps)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Object(a), Value::Object(b)) => {
            Rc::ptr_eq(a, b) || (a.type_name() == b.type_name() && a.equals(b.as_ref()))
        }
        // Go: functions are equal where both are nil, and these never are.
        _ => false,
    })
}
