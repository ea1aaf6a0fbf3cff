//! Go's `fmt`: `Sprint`, `Sprintf`, `Sprintln`, for functions as well as for templates.

mod directive;
mod float;
mod printer;
mod walk;

use crate::budget::{Budget, Exceeded, Limit};
use crate::value::{Str, Value};

pub use float::format_float;
use printer::Printer;

/// `fmt.Sprint`: operands with their `%v`, a blank between two that are both no strings.
///
/// **Errors**: the budget's; also for a value that holds itself (Go's stack overflows there).
pub fn sprint(budget: &mut Budget, args: &[Value]) -> Result<Str, Exceeded> {
    printed(budget, |printer| {
        let mut after_string = true;
        for (at, arg) in args.iter().enumerate() {
            let string = matches!(arg, Value::String(_));
            if at > 0 && !string && !after_string {
                printer.push(b" ");
            }
            printer.print_arg(arg, 'v');
            after_string = string;
        }
    })
}

/// `fmt.Sprintln`: blanks between all operands, and a line feed at the end.
pub fn sprintln(budget: &mut Budget, args: &[Value]) -> Result<Str, Exceeded> {
    printed(budget, |printer| {
        for (at, arg) in args.iter().enumerate() {
            if at > 0 {
                printer.push(b" ");
            }
            printer.print_arg(arg, 'v');
        }
        printer.push(b"\n");
    })
}

/// `fmt.Sprintf`, with all that Go writes for what does not fit (`%!d(string=x)`). `%p` has no addresses to show: all are 0.
pub fn sprintf(budget: &mut Budget, format: &[u8], args: &[Value]) -> Result<Str, Exceeded> {
    printed(budget, |printer| directive::print_formatted(printer, format, args))
}

/// `strconv.Quote`: `%q` of a string.
#[must_use]
pub fn quoted(bytes: &[u8]) -> String {
    crate::quote::quoted(bytes)
}

fn printed(budget: &mut Budget, print: impl FnOnce(&mut Printer<'_>)) -> Result<Str, Exceeded> {
    let mut out = Vec::new();
    let limit = budget.allocation_left();
    let mut printer = Printer::new(&mut out, limit);
    print(&mut printer);
    let stopped = printer.stopped();
    match stopped {
        Some(Limit::Nesting) => return Err(too_deep()),
        // Charging what was asked for names the limit.
        Some(_) => budget.allocate(limit.saturating_add(1))?,
        None => budget.allocate(out.len())?,
    }
    Ok(out.into())
}

/// What `{{ }}` writes of a value, `fmt.Fprint` that is.
pub(crate) fn print_value(out: &mut Vec<u8>, value: &Value, limit: usize) -> Result<(), Exceeded> {
    let mut printer = Printer::new(out, limit);
    printer.print_arg(value, 'v');
    match printer.stopped() {
        Some(Limit::Nesting) => Err(too_deep()),
        // The machine charges the output, and finds that it is too long.
        _ => Ok(()),
    }
}

/// `%v` or another verb of a value, for the text of an error; cut where it is long.
pub(crate) fn shown(value: &Value, verb: char) -> String {
    const ENOUGH: usize = 1 << 16;
    let mut out = Vec::new();
    Printer::new(&mut out, ENOUGH).print_arg(value, verb);
    String::from_utf8_lossy(&out).into_owned()
}

fn too_deep() -> Exceeded {
    Exceeded { limit: Limit::Nesting, value: walk::MAX_NESTING as u64 }
}
