//! Ranges: alternatives of comparators that all must hold.

use std::cmp::Ordering;

use crate::version::{Parts, Version, compare_pre};

/// Longest range, in bytes.
const MAX_RANGE_BYTES: usize = 512;
/// Most alternatives in a range.
const MAX_ALTERNATIVES: usize = 32;

/// Why a text is no range. The words are the peer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// More than 512 bytes.
    #[error("constraint string is too long (max {MAX_RANGE_BYTES} bytes)")]
    TooLong,
    /// More than 32 alternatives.
    #[error("too many constraint groups (max {MAX_ALTERNATIVES})")]
    TooManyAlternatives,
    /// An alternative that is not of the form.
    #[error("improper constraint: {0:?}")]
    Improper(String),
    /// A comparator whose version is none (`1x`).
    #[error("constraint parser error")]
    Version,
}

/// A range: alternatives (`||`) of comparators that all must hold (`,` or blank).
#[derive(Clone, Debug)]
pub struct Range(Vec<Vec<Comparator>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    /// None or `=`: equal, or within what a wildcard leaves open.
    Is,
    Not,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// Which parts of a comparator's version were left out or written as `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    None,
    Patch,
    Minor,
    All,
}

#[derive(Clone, Debug)]
struct Comparator {
    operator: Operator,
    version: Version,
    open: Open,
}

impl Range {
    /// Reads a range; a plain version is one too.
    ///
    /// **Source**: Masterminds/semver 3.5.0, `NewConstraint`.
    pub fn new(text: &str) -> Result<Self, RangeError> {
        if text.len() > MAX_RANGE_BYTES {
            return Err(RangeError::TooLong);
        }
        let text = spell_out_spans(text);
        if text.split("||").count() > MAX_ALTERNATIVES {
            return Err(RangeError::TooManyAlternatives);
        }
        let mut alternatives = Vec::new();
        for text in text.split("||") {
            let pieces = cut(text).ok_or_else(|| RangeError::Improper(text.into()))?;
            let all: Option<Vec<_>> =
                pieces.into_iter().map(|(sign, parts)| comparator(sign, &parts)).collect();
            alternatives.push(all.ok_or(RangeError::Version)?);
        }
        Ok(Self(alternatives))
    }

    /// As [`Range::new`], for those who do not tell why not; and nothing at all is everything.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = if text.trim_matches([' ', '\t']).is_empty() { "*" } else { text };
        Self::new(text).ok()
    }

    /// Whether `version` lies in the range. A pre-release does only where a comparator of the same alternative names one.
    #[must_use]
    pub fn matches(&self, version: &Version) -> bool {
        self.0.iter().any(|all| {
            let wants_pre = all.iter().any(|comparator| !comparator.version.pre.is_empty());
            (version.pre.is_empty() || wants_pre) && all.iter().all(|comparator| comparator.matches(version))
        })
    }

    /// The name with the highest version in the range among `names`; others than versions are passed over. `0.0.0` and what
    /// comes before it never win, as in the peer.
    pub fn highest<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let mut best: Option<(Version, &str)> = None;
        for name in names {
            if let Some(version) = Version::parse(name)
                && best.as_ref().is_none_or(|(best, _)| version > *best)
                && (version.major, version.minor, version.patch) > (0, 0, 0)
                && self.matches(&version)
            {
                best = Some((version, name));
            }
        }
        best.map(|(_, name)| name)
    }
}

/// What a regular expression's `\s` takes.
const BLANKS: [char; 5] = [' ', '\t', '\n', '\r', '\x0c'];

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(BLANKS)
}

/// The version of a comparator, whose numbers may be wildcards, at the beginning of a text.
fn scan_open(text: &str) -> Option<Parts<'_>> {
    Parts::scan(text, |text| {
        text.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'x' | b'X' | b'*' | b'|')).count()
    })
}

/// Writes `1.2 - 3` as `>= 1.2, <= 3`.
fn spell_out_spans(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        if let Some((from, to, after)) = scan_span(rest) {
            out.push_str(&format!(">= {from}, <= {to} "));
            rest = after;
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

fn scan_span(text: &str) -> Option<(&str, &str, &str)> {
    let text = skip_blanks(text);
    let (from, after) = text.split_at_checked(scan_open(text)?.len)?;
    let after = after.strip_prefix(BLANKS)?;
    let after = skip_blanks(after).strip_prefix('-')?.strip_prefix(BLANKS)?;
    let after = skip_blanks(after);
    let (to, after) = after.split_at_checked(scan_open(after)?.len)?;
    Some((from, to, skip_blanks(after)))
}

fn cut(text: &str) -> Option<Vec<(Operator, Parts<'_>)>> {
    let mut pieces = Vec::new();
    let mut rest = skip_blanks(text);
    loop {
        let (operator, after) = split_operator(rest);
        let after = skip_blanks(after);
        let parts = scan_open(after)?;
        let after = after.get(parts.len..)?;
        pieces.push((operator, parts));
        rest = skip_blanks(after);
        if rest.is_empty() {
            return Some(pieces);
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = skip_blanks(after),
            None if rest.len() < after.len() => {}
            None => return None,
        }
    }
}

fn split_operator(text: &str) -> (Operator, &str) {
    const OPERATORS: [(&str, Operator); 11] = [
        (">=", Operator::GreaterOrEqual),
        ("=>", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        ("=<", Operator::LessOrEqual),
        ("!=", Operator::Not),
        ("~>", Operator::Tilde),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("=", Operator::Is),
    ];
    OPERATORS
        .iter()
        .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)))
        .unwrap_or((Operator::Is, text))
}

fn comparator(operator: Operator, parts: &Parts<'_>) -> Option<Comparator> {
    let open = |part: Option<&str>| part.is_none_or(|part| matches!(part, "x" | "X" | "*"));
    let (major, minor, patch) = (parts.major, parts.minor, parts.patch);
    let (open, numbers) = if open(Some(major)) {
        (Open::All, "0.0.0".to_owned())
    } else if open(minor) {
        (Open::Minor, format!("{major}.0.0"))
    } else if open(patch) {
        (Open::Patch, format!("{major}.{}.0", minor.unwrap_or("0")))
    } else {
        (Open::None, format!("{major}.{}.{}", minor.unwrap_or("0"), patch.unwrap_or("0")))
    };
    let version = match parts.pre {
        "" => Version::new(&numbers),
        pre => Version::new(&format!("{numbers}-{pre}")),
    };
    Some(Comparator { operator, version: version.ok()?, open })
}

impl Comparator {
    fn matches(&self, v: &Version) -> bool {
        let (c, open) = (&self.version, self.open);
        match self.operator {
            Operator::Is if open == Open::None => v == c,
            Operator::Is | Operator::Tilde => self.tilde(v),
            Operator::Not => match open {
                Open::None | Open::All => v != c,
                Open::Patch => {
                    (v.major, v.minor) != (c.major, c.minor) || compare_pre(&v.pre, &c.pre) != Ordering::Equal
                }
                Open::Minor => v.major != c.major,
            },
            Operator::Greater => match open {
                // A wildcard alone leaves 0.0.0, which is greater than nothing.
                Open::None | Open::All => v > c,
                Open::Patch => (v.major, v.minor) > (c.major, c.minor),
                Open::Minor => v.major > c.major,
            },
            Operator::Less => v < c,
            Operator::GreaterOrEqual => v >= c,
            Operator::LessOrEqual => match open {
                Open::None => v <= c,
                Open::Patch | Open::All => (v.major, v.minor) <= (c.major, c.minor),
                Open::Minor => v.major <= c.major,
            },
            Operator::Caret => self.caret(v),
        }
    }

    fn tilde(&self, v: &Version) -> bool {
        let c = &self.version;
        match self.open {
            _ if v < c => false,
            Open::All => true,
            // A corner of the peer's library: `~0.0.0` is everything.
            Open::None if (c.major, c.minor, c.patch) == (0, 0, 0) => true,
            Open::Minor => v.major == c.major,
            Open::None | Open::Patch => (v.major, v.minor) == (c.major, c.minor),
        }
    }

    fn caret(&self, v: &Version) -> bool {
        let c = &self.version;
        if v < c {
            return false;
        }
        match self.open {
            Open::Minor => v.major == c.major,
            _ if c.major > 0 => v.major == c.major,
            _ if c.minor > 0 => (v.major, v.minor) == (0, c.minor),
            Open::Patch => (v.major, v.minor) == (0, 0),
            // `^*` too is 0.0.0 and nothing else.
            Open::None | Open::All => (v.major, v.minor, v.patch) == (0, 0, c.patch),
        }
    }
}
