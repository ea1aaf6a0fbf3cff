/// What is wrong with a message, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {why}", at = if at.is_empty() { "the message" } else { at })]
pub struct WireError {
    /// The field, as in `spec.source.repoURL`; empty for the whole message.
    pub at: String,
    /// What is wrong with it.
    pub why: String,
}

impl WireError {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { at: String::new(), why: why.into() }
    }

    /// The same, inside of a field.
    pub(crate) fn within(mut self, field: &str) -> Self {
        self.at = match self.at.as_str() {
            "" => field.to_owned(),
            inner if inner.starts_with('[') => format!("{field}{inner}"),
            inner => format!("{field}.{inner}"),
        };
        self
    }
}
