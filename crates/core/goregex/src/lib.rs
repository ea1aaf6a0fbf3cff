//! Go's regular expressions (RE2 syntax) on the `regex` crate.
//!
//! Both match in linear time and prefer the leftmost, then the first alternative. What differs is read here and written in the other's
//! syntax: `\d`, `\w`, `\s` and `\b` are ASCII in Go, `\Q…\E` and octal escapes are known, `[a&&b]` is a plain class, and counts over
//! 1000 or stacked repetitions are errors, in Go's words. The crate knows nothing of who asks.
//!
//! ```
//! let pattern = goregex::Pattern::new(r"^(demo|prod)/\w+$")?;
//! assert!(pattern.is_match("demo/web"));
//! assert_eq!(goregex::Pattern::new("*/*").unwrap_err(), "error parsing regexp: missing argument to repetition operator: `*`");
//! # Ok::<(), String>(())
//! ```

mod translate;

use regex::{Captures, Regex, RegexBuilder};

/// Longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 64 << 10;
/// Memory a compiled pattern may take, in bytes.
const MAX_COMPILED_BYTES: usize = 8 << 20;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles. **Errors**: `error parsing regexp: …` in Go's words, or our limits on size.
    pub fn new(text: &str) -> Result<Self, String> {
        Self::within(text, MAX_COMPILED_BYTES)
    }

    /// As [`Self::new`], with another limit on the memory that it takes, in bytes.
    pub fn within(text: &str, compiled_bytes: usize) -> Result<Self, String> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(format!(
                "error parsing regexp: expression too large: more than {MAX_PATTERN_BYTES} bytes"
            ));
        }
        let translated =
            translate::translate(text).map_err(|error| format!("error parsing regexp: {error}"))?;
        RegexBuilder::new(&translated)
            .size_limit(compiled_bytes)
            .dfa_size_limit(compiled_bytes)
            .nest_limit(1000)
            .build()
            .map(Self)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(limit) => {
                    format!("error parsing regexp: expression too large: more than {limit} bytes compiled")
                }
                other => format!("error parsing regexp: {}", other.to_string().replace('\n', " ")),
            })
    }

    /// Whether it matches anywhere.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The first match.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.0.find(text).map(|found| found.as_str())
    }

    /// Start and end of at most so many matches.
    pub fn find_all(&self, text: &str, most: usize) -> Vec<(usize, usize)> {
        self.0.find_iter(text).take(most).map(|found| (found.start(), found.end())).collect()
    }

    /// Replaces all matches by what the template stands for with their groups.
    pub fn replace_all(&self, text: &str, template: &[Piece<'_>]) -> String {
        let mut out = String::with_capacity(text.len());
        let mut last = 0;
        for captures in self.0.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            out.push_str(text.get(last..whole.start()).unwrap_or_default());
            for piece in template {
                out.push_str(piece.of(&captures));
            }
            last = whole.end();
        }
        out.push_str(text.get(last..).unwrap_or_default());
        out
    }
}

/// A piece of a replacement.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Stands for itself.
    Literal(&'t str),
    /// `$1`.
    Number(usize),
    /// `$name`.
    Name(&'t str),
}

impl<'t> Piece<'t> {
    fn of<'a>(&self, captures: &Captures<'a>) -> &'a str
    where
        't: 'a,
    {
        let group = match self {
            Piece::Literal(text) => return text,
            Piece::Number(number) => captures.get(*number),
            Piece::Name(name) => captures.name(name),
        };
        group.map(|group| group.as_str()).unwrap_or_default()
    }
}

/// Reads a replacement as `Regexp.Expand` does: `$$`, `$1`, `$name` (as long as can be), `${1}`, `${name}`; any other `$` is itself.
pub fn template(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        pieces.push(Piece::Literal(before));
        if let Some(more) = after.strip_prefix('$') {
            pieces.push(Piece::Literal("$"));
            rest = more;
        } else if let Some((name, more)) = reference(after) {
            pieces.push(number(name).map_or(Piece::Name(name), Piece::Number));
            rest = more;
        } else {
            pieces.push(Piece::Literal("$"));
            rest = after;
        }
    }
    pieces.push(Piece::Literal(rest));
    pieces
}

fn reference(text: &str) -> Option<(&str, &str)> {
    let (braced, inner) = match text.strip_prefix('{') {
        Some(inner) => (true, inner),
        None => (false, text),
    };
    let end = inner.find(|c: char| c != '_' && !c.is_alphabetic() && !c.is_numeric()).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    if name.is_empty() {
        return None;
    }
    Some((name, if braced { rest.strip_prefix('}')? } else { rest }))
}

fn number(name: &str) -> Option<usize> {
    // A number of nine digits is one; longer ones, and those with a zero before, are names (of no group).
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    (digits && name.len() < 9 && (name.len() == 1 || !name.starts_with('0')))
        .then(|| name.parse().ok())
        .flatten()
}
