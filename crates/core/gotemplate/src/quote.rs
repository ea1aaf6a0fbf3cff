//! Go's quoted strings.

/// `%q` of a string whose bytes are text.
pub(crate) fn quoted(text: &str) -> String {
    format!("{text:?}")
}
