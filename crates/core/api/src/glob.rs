//! The two glob dialects of projects and settings.

use regex::{Regex, RegexBuilder};

/// Most bytes of a compiled pattern.
const COMPILED_BYTES: usize = 1 << 20;
/// Most nested alternatives.
const NESTING: usize = 16;

/// Which rules a pattern follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `*` is any text, so is `**`; `{a,b}` are alternatives.
    Text,
    /// As `Text`, but `*`, `?` and classes stop at a slash.
    Path,
    /// Shell patterns as Go's `filepath.Match` knows them: `*` stops at a slash, no alternatives.
    Shell,
}

/// A compiled pattern. A pattern that cannot be compiled matches nothing, and says why.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    pattern: String,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Anything,
    Literal(String),
    Regex(Box<Regex>),
    Nothing(String),
}

/// Two patterns of one place and dialect are the same where they are written the same.
impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Glob {
    pub(crate) fn new(pattern: &str, dialect: Dialect) -> Self {
        Self { pattern: pattern.to_owned(), matcher: compile(pattern, dialect) }
    }

    /// `/…/` is a regular expression that must be found somewhere; everything else a pattern.
    pub(crate) fn or_regex(pattern: &str, dialect: Dialect) -> Self {
        let inner = pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let Some(inner) = inner.filter(|inner| !inner.is_empty()) else { return Self::new(pattern, dialect) };
        let matcher = match RegexBuilder::new(inner).size_limit(COMPILED_BYTES).build() {
            Ok(regex) => Matcher::Regex(Box::new(regex)),
            Err(error) => Matcher::Nothing(error.to_string()),
        };
        Self { pattern: pattern.to_owned(), matcher }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Anything => true,
            Matcher::Literal(literal) => literal == text,
            Matcher::Regex(regex) => regex.is_match(text),
            Matcher::Nothing(_) => false,
        }
    }

    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Why the pattern can match nothing.
    pub(crate) fn problem(&self) -> Option<&str> {
        match &self.matcher {
            Matcher::Nothing(problem) => Some(problem),
            Matcher::Anything | Matcher::Literal(_) | Matcher::Regex(_) => None,
        }
    }
}

fn compile(pattern: &str, dialect: Dialect) -> Matcher {
    if pattern == "*" && dialect != Dialect::Shell {
        return Matcher::Anything;
    }
    if !pattern.contains(['*', '?', '[', '{', '\\']) {
        return Matcher::Literal(pattern.to_owned());
    }
    match to_regex(pattern, dialect) {
        Ok(text) => {
            match RegexBuilder::new(&text).size_limit(COMPILED_BYTES).dot_matches_new_line(true).build() {
                Ok(regex) => Matcher::Regex(Box::new(regex)),
                Err(error) => Matcher::Nothing(error.to_string()),
            }
        }
        Err(problem) => Matcher::Nothing(problem.to_owned()),
    }
}

fn to_regex(pattern: &str, dialect: Dialect) -> Result<String, &'static str> {
    let any_one = if dialect == Dialect::Text { "." } else { "[^/]" };
    let mut regex = String::from("^");
    let mut depth = 0;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                let mut stars = 1;
                while chars.next_if_eq(&'*').is_some() {
                    stars += 1;
                }
                let crosses = stars > 1 && dialect != Dialect::Shell;
                regex.push_str(if crosses { "." } else { any_one });
                regex.push('*');
            }
            '?' => regex.push_str(any_one),
            '[' => {
                let negated = chars.next_if(|c| *c == '!' || *c == '^').is_some();
                regex.push_str(if negated { "[^" } else { "[" });
                let mut members = 0;
                loop {
                    match chars.next().ok_or("a class that does not end")? {
                        ']' if members > 0 => break,
                        '\\' => push_member(&mut regex, chars.next().ok_or("a class that does not end")?),
                        '-' if members > 0 && chars.peek() != Some(&']') => regex.push('-'),
                        member => push_member(&mut regex, member),
                    }
                    members += 1;
                }
                // A slash is never in a class where a slash separates.
                regex.push_str(if dialect == Dialect::Text { "]" } else { "&&[^/]]" });
            }
            '{' if dialect != Dialect::Shell => {
                depth += 1;
                if depth > NESTING {
                    return Err("too many nested alternatives");
                }
                regex.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                regex.push(')');
            }
            ',' if depth > 0 => regex.push('|'),
            '\\' => push_literal(&mut regex, chars.next().ok_or("a backslash at the end")?),
            literal => push_literal(&mut regex, literal),
        }
    }
    if depth > 0 {
        return Err("alternatives that do not end");
    }
    regex.push('$');
    Ok(regex)
}

fn push_literal(regex: &mut String, c: char) {
    regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

fn push_member(regex: &mut String, c: char) {
    if matches!(c, '[' | ']' | '^' | '-' | '&' | '~' | '\\') {
        regex.push('\\');
    }
    regex.push(c);
}

#[cfg(test)]
mod tests {
    use super::Dialect::{Path, Shell, Text};
    use super::*;

    #[test]
    fn dialects() {
        for (dialect, pattern, text, expected) in [
            (Text, "*", "", true),
            (Text, "team-*", "team-a/b", true),
            (Text, "team-?", "team-a", true),
            (Text, "team-?", "team-ab", false),
            (Text, "{a,b*}", "bcd", true),
            (Text, "{a,b*}", "c", false),
            (Text, "[a-c]x", "bx", true),
            (Text, "[!a-c]x", "bx", false),
            (Text, "[a-c]x", "-x", false),
            (Text, r"a\*", "a*", true),
            (Text, r"a\*", "ab", false),
            (Text, "a.c", "abc", false),
            (Text, "{a,b", "a", false),
            (Text, "[a", "a", false),
            (Path, "*", "a/b", true),
            (Path, "https://x/*", "https://x/a", true),
            (Path, "https://x/*", "https://x/a/b", false),
            (Path, "https://x/**", "https://x/a/b", true),
            (Path, "https://x**", "https://x.evil/a", true),
            (Path, "a?b", "a/b", false),
            (Path, "a[/]b", "a/b", false),
            (Shell, "*", "Deployment", true),
            (Shell, "*", "a/b", false),
            (Shell, "**", "a/b", false),
            (Shell, "*.example.com", "a.b.example.com", true),
            (Shell, "{a,b}", "a", false),
            (Shell, "{a,b}", "{a,b}", true),
            (Shell, "[^a]", "b", true),
        ] {
            assert_eq!(
                Glob::new(pattern, dialect).matches(text),
                expected,
                "{dialect:?} {pattern} on {text}"
            );
        }
    }

    #[test]
    fn regular_expressions_between_slashes() {
        for (pattern, text, expected) in [
            ("/^team-[0-9]+$/", "team-12", true),
            ("/^team-[0-9]+$/", "team-x", false),
            ("team-*", "team-x", true),
        ] {
            assert_eq!(Glob::or_regex(pattern, Text).matches(text), expected, "{pattern} on {text}");
        }
        assert!(Glob::or_regex("/(/", Text).problem().is_some());
    }

    #[test]
    fn hostile_patterns_are_bounded() {
        assert!(Glob::new(&"{".repeat(100), Text).problem().is_some());
        let stars = "*a".repeat(2_000);
        assert!(!Glob::new(&stars, Text).matches(&"a".repeat(1_000)));
    }
}
