//! Operands, and their stack.

use crate::value::Value;

/// A value, and whether it lies in an interface. Go's `reflect` tells `interface {}` holding nil from no value at all, and says
/// `interface {}` for the type of what came out of a `map[string]interface {}`.
#[derive(Clone, Default)]
pub(super) struct Operand {
    pub(super) value: Value,
    pub(super) boxed: bool,
}

impl Operand {
    pub(super) fn plain(value: Value) -> Self {
        Self { value, boxed: false }
    }

    /// No value at all.
    pub(super) fn is_invalid(&self) -> bool {
        matches!(self.value, Value::Nil) && !self.boxed
    }

    /// The type as Go names it in errors.
    pub(super) fn type_name(&self) -> &str {
        if self.boxed { "interface {}" } else { self.value.type_name() }
    }
}

/// Operands; values by themselves, so that a function can be given a slice of them.
#[derive(Default)]
pub(super) struct Stack {
    values: Vec<Value>,
    boxed: Vec<bool>,
}

impl Stack {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn push(&mut self, operand: Operand) {
        self.values.push(operand.value);
        self.boxed.push(operand.boxed);
    }

    /// Nil where there is none, which the compiler sees to.
    pub(super) fn pop(&mut self) -> Operand {
        Operand { value: self.values.pop().unwrap_or_default(), boxed: self.boxed.pop().unwrap_or_default() }
    }

    pub(super) fn top(&self) -> Operand {
        Operand {
            value: self.values.last().cloned().unwrap_or_default(),
            boxed: self.boxed.last().copied().unwrap_or_default(),
        }
    }

    pub(super) fn unbox(&mut self) {
        if let Some(boxed) = self.boxed.last_mut() {
            *boxed = false;
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.boxed.truncate(len);
    }

    /// What lies from there on.
    pub(super) fn from(&self, base: usize) -> (&[Value], &[bool]) {
        (self.values.get(base..).unwrap_or_default(), self.boxed.get(base..).unwrap_or_default())
    }
}
