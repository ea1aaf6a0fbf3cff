//! Regular expressions of schemas.

use std::sync::{Arc, OnceLock};

use regex::{Regex, RegexBuilder};

/// Most bytes that a compiled pattern may take.
const MAX_COMPILED_BYTES: usize = 10 * 1024 * 1024;

/// A pattern of a schema, compiled when it is first needed.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    compiled: Arc<OnceLock<Option<Regex>>>,
}

impl Pattern {
    /// A pattern in RE2's syntax, which Go's and ours share.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), compiled: Arc::default() }
    }

    /// As the schema writes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the pattern is found anywhere in `text`. One that does not compile within 10 MiB matches everything.
    pub fn matches(&self, text: &str) -> bool {
        let compile = || RegexBuilder::new(&self.text).size_limit(MAX_COMPILED_BYTES).build().ok();
        self.compiled.get_or_init(compile).as_ref().is_none_or(|regex| regex.is_match(text))
    }
}
