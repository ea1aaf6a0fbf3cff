//! What is wrong with a question.

use api::nearest;

/// A part of a question that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {position}){}", hint(.nearest.as_deref(), .known))]
pub struct QueryError {
    /// Where it is, in characters from the beginning of the text.
    pub position: usize,
    /// What is wrong there.
    pub message: String,
    /// What could stand there; empty where that is no list of names.
    pub known: Vec<&'static str>,
    /// The one of them that may have been meant.
    pub nearest: Option<String>,
}

fn hint(nearest: Option<&str>, known: &[&str]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean {nearest}?"),
        None if known.is_empty() => String::new(),
        None => format!("; known are {}", known.join(", ")),
    }
}

impl QueryError {
    /// Something that is no list of names.
    pub(crate) fn new(position: usize, message: impl Into<String>) -> Self {
        Self { position, message: message.into(), known: Vec::new(), nearest: None }
    }

    /// A name that is none of these.
    pub(crate) fn unknown(position: usize, what: &str, name: &str, known: &[&'static str]) -> Self {
        let message = format!("{:?} is no {what}", shortened(name));
        let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
        Self { position, message, known: known.to_vec(), nearest }
    }
}

/// A text that is not longer than what people read in a message.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
