//! `values.schema.json`: JSON Schema, drafts 4, 6, 7, 2019-09 and 2020-12 (where nothing else is said).
//!
//! Our own, because texts, budgets and references must be Helm's, ours, and none: nothing outside of the document is ever loaded, a chain
//! or circle of references ends by a limit, and a pattern takes linear time.
//!
//! **Source**: Helm 3.22, `chartutil/jsonschema.go` with santhosh-tekuri/jsonschema 6.0. We differ: the order of errors is that of names
//! (there it varies), a `$ref` to another host or file is an error instead of a request, and of the rules for schemas themselves only
//! those are checked that matter to their meaning.

mod document;
mod evaluate;
mod failure;
mod formats;
mod shape;

#[cfg(test)]
mod tests;

use serde_json::Value;

/// What looking at values may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaLimits {
    /// Bytes of a schema.
    pub bytes: usize,
    /// Schemas looked at in each other, references included. It is what a thread's smallest stack bears in a debug build.
    pub depth: usize,
    /// Schemas that are looked at for a value, and values compared.
    pub steps: u64,
    /// Bytes of memory for each compiled pattern.
    pub pattern_bytes: usize,
    /// Errors that are told.
    pub errors: usize,
}

impl Default for SchemaLimits {
    /// 5 MiB, 200 levels, 5 million steps, 1 MiB a pattern, 1,000 errors.
    fn default() -> Self {
        Self { bytes: 5 << 20, depth: 200, steps: 5_000_000, pattern_bytes: 1 << 20, errors: 1000 }
    }
}

/// Looks at values by a schema. Warnings are for references that are taken as "anything".
///
/// **Errors**: one line an error, with a newline behind each, as in Helm; or why the schema is none.
pub(crate) fn validate(
    schema: &[u8],
    values: &Value,
    limits: &SchemaLimits,
    warnings: &mut Vec<String>,
) -> Result<(), String> {
    if schema.len() > limits.bytes {
        return Err(format!("the schema has {} bytes, the limit is {}", schema.len(), limits.bytes));
    }
    let root: Value = serde_json::from_slice(schema).map_err(|error| {
        if error.is_eof() { "unexpected EOF".to_owned() } else { format!("invalid JSON: {error}") }
    })?;
    let document = document::Document::new(&root, limits, warnings)?;
    evaluate::evaluate(&document, values, limits)
}
