//! Go's `text/template` (Go 1.26), to the letter, on a budget.
//!
//! A text is parsed and compiled once ([`Templates::parse`]) and run as often as wanted ([`Templates::execute`]) on a [`Run`], which carries
//! the [`Budget`] and what functions may ask for. Neither parsing nor running uses the thread's stack for the template's depth; no input
//! panics. The crate knows nothing of YAML, charts or Kubernetes: dialects add [`Functions`].
//!
//! - [`Value`]: Go's values. Strings are bytes ([`Str`]), maps are references ([`Map`]), structs are [`Object`]s.
//! - [`Function`], [`Call`], [`Outcome`]: how functions are declared, what they see, and how they run templates ([`Execute`]).
//! - [`format`]: Go's `fmt`.
//! - [`ParseError`], [`ExecError`]: Go's texts, and their parts.
//!
//! HTML's contextual escaping (`html/template`) is not here.

mod budget;
mod builtins;
mod compile;
mod error;
pub mod format;
mod functions;
mod lexer;
mod machine;
mod node;
mod number;
mod parse;
mod program;
mod quote;
mod template;
mod unicode;
mod value;

pub use budget::{Budget, Exceeded, Limit, Limits};
pub use error::{CallError, ExecError, ParseError, Place};
pub use functions::{Call, Execute, Function, Functions, Native, Outcome, Run, Then};
pub use program::Template;
pub use template::{MissingKey, Parsed, Templates};
pub use value::{
    FloatKind, IntKind, JsonError, Kind, List, ListType, Map, MapType, Numbers, Object, Str, Type, UintKind,
    Value,
};
