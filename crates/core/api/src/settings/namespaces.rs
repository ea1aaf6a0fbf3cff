//! Patterns of namespaces.

use crate::glob::{Dialect, Glob};

/// Namespaces by patterns: `*`, `?`, classes and alternatives, or a regular expression between slashes.
///
/// **Source**: the peer's `glob.MatchStringInList`. A pattern that cannot be read matches nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Namespaces(Vec<Glob>);

impl Eq for Namespaces {}

impl Namespaces {
    /// Compiles patterns.
    pub fn new(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(patterns.into_iter().map(|pattern| Glob::or_regex(pattern.as_ref(), Dialect::Text)).collect())
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the patterns matches.
    pub fn contains(&self, namespace: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(namespace))
    }

    /// The patterns that cannot be read, in words.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|glob| {
            Some(format!("{:?} matches no namespace: {}", glob.pattern(), glob.problem()?))
        })
    }
}
