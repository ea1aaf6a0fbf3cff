//! What stands in for nothing: `default`, `empty`, `coalesce`, `ternary`, `required`, `fail`.

use gotemplate::{Call, Function, Type, Value};

use super::{Answer, give, refuse};
use crate::casts::is_empty;

pub(crate) const TABLE: &[Function] = &[
    Function::variadic("default", &[Type::Any], Type::Any, |call| {
        let given = call.arg(1);
        give(if is_empty(given) { call.arg(0).clone() } else { given.clone() })
    }),
    Function::new("empty", &[Type::Any], |call| give(is_empty(call.arg(0)))),
    Function::variadic("coalesce", &[], Type::Any, |call| {
        give(call.args().iter().find(|value| !is_empty(value)).cloned().unwrap_or_default())
    }),
    Function::variadic("all", &[], Type::Any, |call| give(!call.args().iter().any(is_empty))),
    Function::variadic("any", &[], Type::Any, |call| give(!call.args().iter().all(is_empty))),
    Function::new("ternary", &[Type::Any, Type::Any, Type::Bool], |call| {
        give(call.arg(usize::from(!call.bool(2))).clone())
    }),
    Function::new("fail", &[Type::String], |call| refuse(call.text(0))),
];

/// Helm's `required`, and its `fail`: their texts stand between [`crate::FAILURE_MARKS`].
pub(crate) const HELM: &[Function] = &[
    Function::new("required", &[Type::String, Type::Any], |call| {
        let value = call.arg(1);
        let nothing = matches!(value, Value::Nil) || matches!(value, Value::String(text) if text.is_empty());
        if nothing { marked(call) } else { give(value.clone()) }
    }),
    Function::new("fail", &[Type::String], marked),
];

fn marked(call: &mut Call<'_>) -> Answer {
    let (start, end) = crate::FAILURE_MARKS;
    refuse(format!("{start}{}{end}", call.text(0)))
}
