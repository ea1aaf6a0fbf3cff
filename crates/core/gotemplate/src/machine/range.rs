//! Loops.

use std::rc::Rc;

use super::stack::Operand;
use super::{Fault, Machine};
use crate::program::LoopVariables;
use crate::value::{IntKind, List, Str, Type, UintKind, Value};

/// A loop that has not ended.
pub(super) struct Loop {
    variables: LoopVariables,
    over: Over,
    /// Dots that lie outside it.
    dots: usize,
}

/// What is left to loop over.
enum Over {
    Int {
        kind: IntKind,
        next: i64,
        end: i64,
    },
    Uint {
        kind: UintKind,
        next: u64,
        end: u64,
    },
    List {
        list: List,
        next: usize,
    },
    Bytes {
        bytes: Rc<[u8]>,
        next: usize,
    },
    /// The entries as they were when the loop began.
    Map {
        entries: std::vec::IntoIter<(Str, Value)>,
        boxed: bool,
    },
}

impl Over {
    /// The next index and element.
    fn next(&mut self) -> Option<(Operand, Operand)> {
        let number = |next: usize| Operand::plain(Value::int(i64::try_from(next).unwrap_or(i64::MAX)));
        match self {
            Self::Int { kind, next, end } => {
                let value = (*next < *end).then_some(*next)?;
                *next += 1;
                Some((Operand::default(), Operand::plain(Value::Int(*kind, value))))
            }
            Self::Uint { kind, next, end } => {
                let value = (*next < *end).then_some(*next)?;
                *next += 1;
                Some((Operand::default(), Operand::plain(Value::Uint(*kind, value))))
            }
            Self::List { list, next } => {
                let value = list.items().get(*next)?.clone();
                let index = number(*next);
                *next += 1;
                Some((index, Operand { value, boxed: list.kind().element == Type::Any }))
            }
            Self::Bytes { bytes, next } => {
                let value = Value::Uint(UintKind::Uint8, (*bytes.get(*next)?).into());
                let index = number(*next);
                *next += 1;
                Some((index, Operand::plain(value)))
            }
            Self::Map { entries, boxed } => {
                let (key, value) = entries.next()?;
                Some((Operand::plain(Value::String(key)), Operand { value, boxed: *boxed }))
            }
        }
    }
}

impl Machine<'_> {
    /// Pops what to loop over and begins the first round; false where there is none.
    pub(super) fn begin_loop(&mut self, variables: LoopVariables) -> Result<bool, Fault> {
        let value = self.stack.pop().value.opened();
        let two = variables.index != LoopVariables::NONE;
        let over = match value {
            Value::Nil => return Ok(false),
            Value::Int(..) | Value::Uint(..) if two => {
                return Err(
                    format!("can't use {} to iterate over more than one variable", shown(&value)).into()
                );
            }
            Value::Int(kind, end) => Over::Int { kind, next: 0, end },
            Value::Uint(kind, end) => Over::Uint { kind, next: 0, end },
            Value::List(list) => Over::List { list, next: 0 },
            Value::Bytes(bytes) => Over::Bytes { bytes, next: 0 },
            Value::Map(map) => {
                // Taking them is work that an early `break` does not undo.
                self.run.budget.step(map.len() as u64 / 8)?;
                Over::Map { boxed: map.kind().element == Type::Any, entries: map.snapshot().into_iter() }
            }
            value => return Err(format!("range can't iterate over {}", shown(&value)).into()),
        };
        self.loops.push(Loop { variables, over, dots: self.dots.len() });
        Ok(self.advance())
    }

    /// Ends a round and begins the next; false where there is none.
    pub(super) fn next_round(&mut self) -> bool {
        self.end_round();
        self.advance()
    }

    fn advance(&mut self) -> bool {
        let Some(innermost) = self.loops.last_mut() else { return false };
        let variables = innermost.variables;
        let Some((index, element)) = innermost.over.next() else {
            self.loops.pop();
            return false;
        };
        if variables.index != LoopVariables::NONE {
            self.store(variables.index, index);
        }
        if variables.element != LoopVariables::NONE {
            self.store(variables.element, element.clone());
        }
        self.dots.push(element);
        true
    }

    pub(super) fn end_round(&mut self) {
        if let Some(innermost) = self.loops.last() {
            self.dots.truncate(innermost.dots);
        }
    }

    pub(super) fn end_loop(&mut self) {
        self.end_round();
        self.loops.pop();
    }
}

/// `%v` in an error's text.
fn shown(value: &Value) -> String {
    let text = crate::format::shown(value, 'v');
    match value {
        // Go has followed the pointer by now.
        Value::Object(_) => text.strip_prefix('&').map_or(text.clone(), ToOwned::to_owned),
        _ => text,
    }
}
