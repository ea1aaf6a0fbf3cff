//! Go's regular expressions (RE2 syntax) on the `regex` crate.
//!
//! Both match in linear time and prefer the leftmost, then the first alternative. What differs is read here and written in the other's
//! syntax: `\d`, `\w`, `\s` and `\b` are ASCII in Go, `\Q…\E` and octal escapes are known, `[a&&b]` is a plain class, and counts over
//! 1000 or stacked repetitions are errors, in Go's words.

mod translate;

use regex::bytes::{Captures, Regex, RegexBuilder};

/// Longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 64 << 10;
/// Memory a compiled pattern may take, in bytes.
const MAX_COMPILED_BYTES: usize = 8 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// Compiles. **Errors**: `error parsing regexp: …` in Go's words, or our limits on size.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(format!(
                "error parsing regexp: expression too large: more than {MAX_PATTERN_BYTES} bytes"
            ));
        }
        let translated =
            translate::translate(text).map_err(|error| format!("error parsing regexp: {error}"))?;
        RegexBuilder::new(&translated)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_COMPILED_BYTES)
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
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    /// The first match.
    pub(crate) fn find<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        self.0.find(text).map(|found| found.as_bytes())
    }

    /// Start and end of at most so many matches.
    pub(crate) fn find_all(&self, text: &[u8], most: usize) -> Vec<(usize, usize)> {
        self.0.find_iter(text).take(most).map(|found| (found.start(), found.end())).collect()
    }

    /// Replaces all matches by what the template stands for with their groups.
    pub(crate) fn replace_all(&self, text: &[u8], template: &[Piece<'_>]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut last = 0;
        for captures in self.0.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            out.extend_from_slice(text.get(last..whole.start()).unwrap_or_default());
            for piece in template {
                out.extend_from_slice(piece.of(&captures));
            }
            last = whole.end();
        }
        out.extend_from_slice(text.get(last..).unwrap_or_default());
        out
    }
}

/// A piece of a replacement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Stands for itself.
    Literal(&'t [u8]),
    /// `$1`.
    Number(usize),
    /// `$name`.
    Name(&'t str),
}

impl<'t> Piece<'t> {
    fn of<'a>(&self, captures: &Captures<'a>) -> &'a [u8]
    where
        't: 'a,
    {
        let group = match self {
            Piece::Literal(text) => return text,
            Piece::Number(number) => captures.get(*number),
            Piece::Name(name) => captures.name(name),
        };
        group.map(|group| group.as_bytes()).unwrap_or_default()
    }
}

/// Reads a replacement as `Regexp.Expand` does: `$$`, `$1`, `$name` (as long as can be), `${1}`, `${name}`; any other `$` is itself.
pub(crate) fn template(text: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        let (before, after) = rest.split_at(at);
        pieces.push(Piece::Literal(before));
        let after = after.get(1..).unwrap_or_default();
        if let Some(more) = after.strip_prefix(b"$") {
            pieces.push(Piece::Literal(b"$"));
            rest = more;
        } else if let Some((name, more)) = reference(after) {
            pieces.push(number(name).map_or(Piece::Name(name), Piece::Number));
            rest = more;
        } else {
            pieces.push(Piece::Literal(b"$"));
            rest = after;
        }
    }
    pieces.push(Piece::Literal(rest));
    pieces
}

fn reference(text: &[u8]) -> Option<(&str, &[u8])> {
    let (braced, inner) = match text.strip_prefix(b"{") {
        Some(inner) => (true, inner),
        None => (false, text),
    };
    let valid = inner.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default();
    let end = valid.find(|c: char| c != '_' && !c.is_alphabetic() && !c.is_numeric()).unwrap_or(valid.len());
    let (name, _) = valid.split_at(end);
    let rest = inner.get(end..)?;
    if name.is_empty() {
        return None;
    }
    Some((name, if braced { rest.strip_prefix(b"}")? } else { rest }))
}

fn number(name: &str) -> Option<usize> {
    // A number of nine digits is one; longer ones, and those with a zero before, are names (of no group).
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    (digits && name.len() < 9 && (name.len() == 1 || !name.starts_with('0')))
        .then(|| name.parse().ok())
        .flatten()
}
