//! The library, `std`: what is written in Rust, and [`PRELUDE`], which is written with it.

mod arrays;
mod bytes;
mod format;
mod numbers;
mod objects;
mod printing;
mod texts;
mod toml;

use std::rc::Rc;

use crate::error::Fault;
use crate::machine::{Machine, boolean, number, wrong_type};
use crate::syntax::Shown;
use crate::text::Text;
use crate::value::{Array, Function, Layer, Object, Thunk, Value};

pub(crate) use arrays::slice;
pub(crate) use bytes::bytes;
pub(crate) use format::format;

/// The name of [`PRELUDE`] as a file.
pub(crate) const NAME: &str = "<std>";

/// The part of the library that is a program.
pub(crate) const PRELUDE: &str = include_str!("prelude.jsonnet");

type Result<T> = std::result::Result<T, Fault>;

/// A function of the library.
pub(crate) struct Native {
    pub(crate) name: &'static str,
    /// Names, and whether each has to be given.
    pub(crate) parameters: &'static [(&'static str, bool)],
    pub(crate) run: fn(&mut Machine<'_>, &Given<'_>) -> Result<Value>,
}

/// All functions that are written in Rust, as one object.
pub(crate) fn natives() -> Rc<Layer> {
    let tables = [arrays::TABLE, bytes::TABLE, numbers::TABLE, objects::TABLE, printing::TABLE, texts::TABLE];
    let functions = tables.into_iter().flatten();
    let functions = functions.map(|it| (Rc::from(it.name), Value::Function(Rc::new(Function::Native(it)))));
    let pi = (Rc::from("pi"), Value::Number(std::f64::consts::PI));
    Layer::of_values(functions.chain([pi]), Shown::Hidden)
}

/// The arguments of a function of the library.
pub(crate) struct Given<'a>(pub(crate) &'a [Option<Thunk>]);

impl Given<'_> {
    pub(crate) fn thunk(&self, at: usize) -> Result<&Thunk> {
        let given = self.0.get(at).and_then(Option::as_ref);
        given.ok_or_else(|| Fault::runtime(format!("Missing argument: {at}")))
    }

    pub(crate) fn is_given(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(Option::is_some)
    }

    pub(crate) fn value(&self, machine: &mut Machine<'_>, at: usize) -> Result<Value> {
        let thunk = self.thunk(at)?;
        machine.force(thunk)
    }

    pub(crate) fn optional(&self, machine: &mut Machine<'_>, at: usize) -> Result<Option<Value>> {
        if self.is_given(at) { self.value(machine, at).map(Some) } else { Ok(None) }
    }

    pub(crate) fn number(&self, machine: &mut Machine<'_>, at: usize) -> Result<f64> {
        number(&self.value(machine, at)?)
    }

    pub(crate) fn boolean_or(&self, machine: &mut Machine<'_>, at: usize, default: bool) -> Result<bool> {
        self.optional(machine, at)?.map_or(Ok(default), |value| boolean(&value))
    }

    /// A whole number of 32 bits.
    pub(crate) fn integer(&self, machine: &mut Machine<'_>, at: usize) -> Result<i64> {
        integer(&self.value(machine, at)?)
    }

    pub(crate) fn text(&self, machine: &mut Machine<'_>, at: usize) -> Result<Text> {
        match self.value(machine, at)? {
            Value::Text(text) => Ok(text),
            other => Err(wrong_type(&other, "string")),
        }
    }

    pub(crate) fn array(&self, machine: &mut Machine<'_>, at: usize) -> Result<Rc<Array>> {
        as_array(&self.value(machine, at)?)
    }

    pub(crate) fn object(&self, machine: &mut Machine<'_>, at: usize) -> Result<Rc<Object>> {
        match self.value(machine, at)? {
            Value::Object(object) => Ok(object),
            other => Err(wrong_type(&other, "object")),
        }
    }

    pub(crate) fn function(&self, machine: &mut Machine<'_>, at: usize) -> Result<Rc<Function>> {
        as_function(&self.value(machine, at)?)
    }

    /// A function, if there is one.
    pub(crate) fn key(&self, machine: &mut Machine<'_>, at: usize) -> Result<Option<Rc<Function>>> {
        self.optional(machine, at)?.map(|value| as_function(&value)).transpose()
    }
}

pub(crate) fn as_array(value: &Value) -> Result<Rc<Array>> {
    if let Value::Array(array) = value { Ok(Rc::clone(array)) } else { Err(wrong_type(value, "array")) }
}

fn as_function(value: &Value) -> Result<Rc<Function>> {
    if let Value::Function(function) = value {
        Ok(Rc::clone(function))
    } else {
        Err(wrong_type(value, "function"))
    }
}

pub(crate) fn integer(value: &Value) -> Result<i64> {
    let number = number(value)?;
    if number.fract() != 0.0 || !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
        let shown = crate::number::shown(number);
        return Err(Fault::runtime(format!("Expected an integer, but got {shown}")));
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    Ok(number as i64)
}

/// As a count or a place; what is negative is zero.
pub(crate) fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn count(count: usize) -> Value {
    Value::Number(count as f64)
}
