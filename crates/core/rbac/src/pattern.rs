//! A field of a line: a glob or a regular expression.

use goregex::Pattern as Regex;

use crate::glob::{self, Glob};

/// Memory that one compiled regular expression may take, in bytes.
const REGEX_BYTES: usize = 256 << 10;

/// How fields are read (`policy.matchMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Globs that match the whole text.
    Glob,
    /// Regular expressions (RE2) that match anywhere in it.
    Regex,
}

/// A compiled field.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// Matches everything.
    Any,
    /// One of them matches.
    Globs(Vec<Glob>),
    /// Matches somewhere.
    Regex(Regex),
}

/// Where a line is looked up by its object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key<'p> {
    /// Only this object.
    Exact(&'p str),
    /// Objects that begin so; it ends with their first slash.
    Folder(&'p str),
    /// Anything else.
    Any,
}

impl Pattern {
    /// **Errors**: why the text cannot be read.
    pub(crate) fn compile(text: &str, mode: Mode) -> Result<Self, String> {
        match mode {
            Mode::Glob => {
                let globs = glob::parse(text)?;
                Ok(if globs.iter().any(Glob::is_any) { Self::Any } else { Self::Globs(globs) })
            }
            Mode::Regex if matches!(text, ".*" | "^.*" | "") => Ok(Self::Any),
            Mode::Regex => Regex::within(text, REGEX_BYTES).map(Self::Regex),
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Globs(globs) => globs.iter().any(|glob| glob.matches(text)),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// The keys under which all that it matches is found.
    pub(crate) fn keys(&self) -> Vec<Key<'_>> {
        match self {
            Self::Any | Self::Regex(_) => vec![Key::Any],
            Self::Globs(globs) => globs.iter().map(key).collect(),
        }
    }
}

fn key(glob: &Glob) -> Key<'_> {
    match (glob.literal(), folder(glob.prefix())) {
        (Some(text), _) => Key::Exact(text),
        (None, Some(folder)) => Key::Folder(folder),
        (None, None) => Key::Any,
    }
}

/// The text up to and with its first slash.
pub(crate) fn folder(text: &str) -> Option<&str> {
    text.find('/').and_then(|slash| text.get(..=slash))
}
