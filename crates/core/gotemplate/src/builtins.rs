//! Go's own functions.

use crate::functions::{Body, Function};
use crate::value::Type;

/// All of them.
pub(crate) const TABLE: &[Function] = &[
    Function::special("and", &[Type::Reflect], Body::And),
    Function::special("or", &[Type::Reflect], Body::Or),
    Function::special("call", &[Type::Reflect], Body::Call),
];
