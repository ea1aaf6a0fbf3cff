//! Compiled templates: flat lists of instructions.

use std::sync::Arc;

use crate::functions::Function;
use crate::node::{NodeId, Source};
use crate::number::Number;
use crate::value::{Str, Value};

/// One template, parsed and compiled. `Send` and `Sync`, so it can be kept between runs and shared between threads.
#[derive(Debug)]
pub struct Template {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<Source>,
    pub(crate) ops: Vec<Op>,
    /// Names of fields, by [`Path`].
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) constants: Vec<Constant>,
    /// For variables of which only the run shows which are set: slots, innermost first.
    pub(crate) candidates: Vec<Box<[u32]>>,
    /// Variables, `$` included.
    pub(crate) slots: usize,
    /// Whether it is blanks and comments only.
    pub(crate) empty: bool,
}

impl Template {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that its text was parsed under: the file, where this is a `define` in it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.source.name
    }
}

/// A literal.
#[derive(Debug)]
pub(crate) enum Constant {
    Bool(bool),
    /// With whether its form makes it a float where the type is open.
    Number(Number, bool),
    String(Str),
}

/// Fields in a row: a stretch of [`Template::names`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path {
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// An index of an instruction.
pub(crate) type Target = u32;

/// An instruction. Those with a node make it the one that errors are told of, where Go does so.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// Writes a stretch of the text.
    Text {
        start: u32,
        end: u32,
    },
    /// Only makes the node current.
    At(NodeId),
    /// Pops and writes.
    Print(NodeId),
    /// Pops.
    Drop,
    /// The top forgets that it was in an interface.
    Unbox,
    /// Pushes dot.
    Dot(NodeId),
    /// Pushes a field of dot.
    DotPath(NodeId, Path),
    /// Pushes a variable.
    Variable(NodeId, u32),
    /// As `Variable`, for one of [`Template::candidates`].
    Candidate(NodeId, u32),
    /// Replaces the top by a field of it.
    Fields(NodeId, Path),
    /// Pushes a literal.
    Constant(NodeId, u32),
    /// Copies the top to a variable.
    Store(u32),
    /// As `Store`, to the first of the candidates that is set.
    StoreCandidate(u32),
    /// Begins the call of a function; the node is its name.
    Begin {
        node: NodeId,
        function: &'static Function,
        call: CallShape,
    },
    /// Pops the receiver and begins the call of its method; it is an error if there is none. No value at all has no methods and no
    /// fields either: the arguments are passed over.
    BeginMethod {
        name: u32,
        call: CallShape,
        end: Target,
    },
    /// For `and` and `or`: variables declared in the arguments are not set yet.
    Clear {
        from: u32,
        to: u32,
    },
    /// Checks the top by the type of a parameter.
    Arg {
        at: u32,
        end: Target,
    },
    /// Pushes a literal as a parameter wants it.
    ArgConstant {
        node: NodeId,
        constant: u32,
        at: u32,
        end: Target,
    },
    /// Pushes nil as a parameter wants it.
    ArgNil {
        node: NodeId,
        at: u32,
        end: Target,
    },
    /// Calls, and pushes the result.
    Call(NodeId),
    /// Pops; jumps if it is not true.
    JumpUnless(Target),
    Jump(Target),
    /// Pops; if true it becomes dot, else jumps.
    With(Target),
    /// Restores dot.
    EndWith,
    /// Pops and begins a loop; jumps if there is nothing to loop over.
    Range {
        loop_id: LoopVariables,
        otherwise: Target,
    },
    /// The next round, at `body`, or the end of the loop: goes on behind it.
    Next {
        body: Target,
    },
    /// Ends the innermost loop.
    Break(Target),
    /// Ends the round of the innermost loop.
    Continue(Target),
    /// Sees whether the template is there, and not too deep.
    CheckTemplate(NodeId),
    /// Runs a template; pops its dot if there is one.
    Invoke {
        node: NodeId,
        with_data: bool,
    },
    /// Ends the template.
    Return,
    Fail(NodeId, Failure),
}

/// The arguments of a call as written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallShape {
    /// Arguments behind the function.
    pub(crate) args: u32,
    /// Whether the value of the preceding command comes last.
    pub(crate) piped: bool,
}

/// The variables of a loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoopVariables {
    /// An index into the program's variables, or [`LoopVariables::NONE`].
    pub(crate) index: u32,
    /// As `index`.
    pub(crate) element: u32,
}

impl LoopVariables {
    pub(crate) const NONE: u32 = u32::MAX;
}

/// What is wrong by its form, but an error only when it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The node has arguments.
    NotAFunction,
    NilCommand,
    /// The variable of the node is declared nowhere.
    Undefined,
}

impl Constant {
    /// The value where the type is open. **Errors**: Go's message.
    pub(crate) fn value(&self, text: &str) -> Result<Value, String> {
        Ok(match self {
            Self::Bool(truth) => Value::Bool(*truth),
            Self::String(text) => Value::String(text.clone()),
            Self::Number(number, float) => match (number.complex, number.float, number.int) {
                (Some((real, imaginary)), ..) => Value::Complex(real, imaginary),
                (None, Some(value), _) if *float => Value::float(value),
                (None, _, Some(value)) => Value::int(value),
                (None, _, None) => return Err(format!("{text} overflows int")),
            },
        })
    }
}

/// Whether a number is a float where the type is open.
pub(crate) fn looks_float(text: &str) -> bool {
    let hex =
        text.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x")) && !text.contains(['p', 'P']);
    !hex && !text.starts_with('\'') && text.contains(['.', 'e', 'E', 'p', 'P'])
}
