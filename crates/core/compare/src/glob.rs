//! Globs of groups and kinds in ignore rules.

use globset::{GlobBuilder, GlobMatcher};

/// Longest pattern, in bytes; groups and kinds are DNS names.
const MAX_PATTERN: usize = 253;

/// A pattern, or the text that it is where it has no special character.
#[derive(Debug)]
pub(crate) enum Glob {
    Text(String),
    Pattern(GlobMatcher),
}

impl Glob {
    /// The peer's syntax: `*`, `?`, `[abc]`, `{a,b}`; `*` matches dots and slashes too.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err(format!("a pattern of {} bytes is longer than {MAX_PATTERN}", pattern.len()));
        }
        if !pattern.contains(['*', '?', '[', '{', '\\']) {
            return Ok(Self::Text(pattern.to_owned()));
        }
        let glob = GlobBuilder::new(pattern).literal_separator(false).build();
        glob.map(|glob| Self::Pattern(glob.compile_matcher()))
            .map_err(|error| format!("{pattern:?} is no pattern: {}", error.kind()))
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => own == text,
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}
