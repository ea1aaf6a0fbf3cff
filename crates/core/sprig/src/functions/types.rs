//! What a value is.

use gotemplate::{Call, Function, Type};

use super::{Answer, give};
use crate::equal;

pub(crate) const TABLE: &[Function] = &[
    Function::new("typeOf", &[Type::Any], |call| give(call.arg(0).type_name())),
    Function::new("typeIs", &[Type::String, Type::Any], |call| {
        give(call.bytes(0) == call.arg(1).type_name().as_bytes())
    }),
    Function::new("typeIsLike", &[Type::String, Type::Any], |call| {
        let (wanted, name) = (call.bytes(0), call.arg(1).type_name().as_bytes());
        give(wanted == name || Some(wanted) == name.strip_prefix(b"*"))
    }),
    Function::new("kindOf", &[Type::Any], |call| give(call.arg(0).kind().name())),
    Function::new("kindIs", &[Type::String, Type::Any], |call| {
        give(call.bytes(0) == call.arg(1).kind().name().as_bytes())
    }),
    Function::new("deepEqual", &[Type::Any, Type::Any], deep_equal),
];

fn deep_equal(call: &mut Call<'_>) -> Answer {
    let mut steps = 0;
    let equal = equal::deep(call.arg(0), call.arg(1), &mut steps)?;
    call.budget().step(steps)?;
    give(equal)
}
