//! The functions, by what they are about. Each file has a table of declarations and the code.

pub(crate) mod applicationsets;
pub(crate) mod certificates;
pub(crate) mod dates;
pub(crate) mod defaults;
pub(crate) mod dicts;
pub(crate) mod encodings;
pub(crate) mod lists;
pub(crate) mod merging;
pub(crate) mod numbers;
pub(crate) mod passwords;
pub(crate) mod paths;
pub(crate) mod random;
pub(crate) mod regexes;
pub(crate) mod serial;
pub(crate) mod strings;
pub(crate) mod types;
pub(crate) mod urls;
pub(crate) mod versions;
pub(crate) mod words;

use gotemplate::{CallError, Outcome, Value};

/// What the code of a function returns.
pub(crate) type Answer = Result<Outcome, CallError>;

/// Go's words for using a nil where it does not look.
pub(crate) const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

/// A value as an answer.
#[expect(clippy::unnecessary_wraps, reason = "functions answer with a result")]
pub(crate) fn give(value: impl Into<Value>) -> Answer {
    Ok(Outcome::Value(value.into()))
}

/// Bytes of an answer that is a string.
#[expect(clippy::unnecessary_wraps, reason = "functions answer with a result")]
pub(crate) fn give_bytes(bytes: Vec<u8>) -> Answer {
    Ok(Outcome::Value(Value::String(bytes.into())))
}

/// A failure in the function's own words.
pub(crate) fn refuse(message: impl Into<String>) -> Answer {
    Err(CallError::Message(message.into()))
}

/// A type assertion that fails, in Go's words.
pub(crate) fn not_a(value: &Value, wanted: &str) -> CallError {
    let found = match value {
        Value::Nil => "nil",
        other => other.type_name(),
    };
    CallError::Message(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}
