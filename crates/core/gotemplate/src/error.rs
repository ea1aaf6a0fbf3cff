//! Errors in Go's words.

use std::fmt;

use crate::budget::Exceeded;

/// A template that does not parse: `template: NAME:LINE: MESSAGE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    /// The name under which the text was parsed.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
    /// Go's message.
    pub message: String,
}

/// A template that failed while it ran. Its `Display` is Go's text:
/// `template: FILE:LINE:COLUMN: executing "NAME" at <CONTEXT>: MESSAGE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecError {
    /// The template that was running.
    pub name: String,
    /// Where. `None` where Go gives no place.
    pub place: Option<Box<Place>>,
    /// What, without the place. For a function that failed `error calling NAME: …`.
    pub message: String,
    /// The limit that was reached, if that is what ended the run.
    pub exceeded: Option<Exceeded>,
}

/// Where in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name under which the text was parsed (of the file, where `name` may be a `define` in it).
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Bytes before the place in its line, as Go counts.
    pub column: usize,
    /// The text of the node, as Go writes it anew.
    pub context: String,
}

impl fmt::Display for ExecError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(
                formatter,
                "template: {}:{}:{}: executing {} at <{}>: {}",
                place.file,
                place.line,
                place.column,
                crate::quote::quoted(self.name.as_bytes()),
                place.context,
                self.message
            ),
            None if self.name.is_empty() => write!(formatter, "template: {}", self.message),
            None => write!(formatter, "template: {}: {}", self.name, self.message),
        }
    }
}

impl std::error::Error for ExecError {}

/// Why a function failed. The engine puts `error calling NAME: ` before the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The function's own words.
    #[error("{0}")]
    Message(String),
    /// A limit was reached; not wrapped any further.
    #[error("{0}")]
    Exceeded(#[from] Exceeded),
    /// A template that the function ran failed. Where it failed by a limit, the limit is kept.
    #[error("{0}")]
    Exec(Box<ExecError>),
}

impl From<String> for CallError {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<&str> for CallError {
    fn from(message: &str) -> Self {
        Self::Message(message.into())
    }
}

impl From<ExecError> for CallError {
    fn from(error: ExecError) -> Self {
        Self::Exec(Box::new(error))
    }
}
