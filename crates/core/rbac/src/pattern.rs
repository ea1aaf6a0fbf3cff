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
    /// Matches, and the text is one line.
    OneLine(Glob),
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
            Mode::Regex => match plain(text) {
                Some(pattern) => Ok(pattern),
                None => Regex::within(text, REGEX_BYTES).map(Self::Regex),
            },
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Globs(globs) => globs.iter().any(|glob| glob.matches(text)),
            Self::OneLine(glob) => glob.matches(text) && !text.contains('\n'),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// The keys under which all that it matches is found.
    pub(crate) fn keys(&self) -> Vec<Key<'_>> {
        match self {
            Self::Any | Self::Regex(_) => vec![Key::Any],
            Self::Globs(globs) => globs.iter().map(key).collect(),
            Self::OneLine(glob) => vec![key(glob)],
        }
    }
}

/// A regular expression that is a text with or without its ends, and `.*` after it: most are. As globs they cost a hundredth of the
/// memory, and are found by their project.
fn plain(text: &str) -> Option<Pattern> {
    let (begins, rest) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
    let (rest, ends) = rest.strip_suffix('$').map_or((rest, false), |rest| (rest, true));
    let (rest, open) = rest.strip_suffix(".*").map_or((rest, false), |rest| (rest, true));
    let mut literal = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => literal.push(chars.next().filter(char::is_ascii_punctuation)?),
            c if c.is_ascii_alphanumeric()
                || matches!(c, '-' | '_' | '/' | ':' | '@' | '%' | '=' | ',' | ' ') =>
            {
                literal.push(c);
            }
            _ => return None,
        }
    }
    let glob = Glob::around(!begins, &literal, open || !ends);
    match (glob.is_any(), open && ends) {
        // Nothing but the last line need match what may begin anywhere.
        (_, true) if !begins => None,
        (_, true) => Some(Pattern::OneLine(glob)),
        (true, false) => Some(Pattern::Any),
        (false, false) => Some(Pattern::Globs(vec![glob])),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken for a glob matches as the expression does.
    #[test]
    fn plain_expressions_match_as_they_would() {
        let texts = [
            "",
            "demo",
            "demo/web",
            "xdemo/web",
            "demo/a/b",
            "demo\nx",
            "x\ndemo/",
            "demo/\nweb",
            "a.b",
            "axb",
            "*",
            "get",
        ];
        let mut taken = 0;
        for text in [
            "",
            "^",
            "$",
            "^$",
            ".*",
            "^.*",
            ".*$",
            "^.*$",
            "demo",
            "^demo",
            "demo$",
            "^demo$",
            "^demo/.*",
            "^demo/.*$",
            "demo/.*",
            "demo/.*$",
            "/web$",
            r"a\.b",
            "a.b",
            r"^a\.b$",
            "^demo/[^/]+$",
            "(get|sync)",
            r"\d",
            r"demo\$",
            "demo\\\\",
            "^^demo",
            "demo$$",
            ".*.*",
            "demo.*.*",
            r"^\*$",
            "get ",
            r"\.*",
            r"demo\.*",
        ] {
            let Some(pattern) = plain(text) else { continue };
            let regex = Regex::new(text).unwrap();
            for on in texts {
                assert_eq!(pattern.matches(on), regex.is_match(on), "{text:?} on {on:?}");
            }
            taken += 1;
        }
        assert_eq!(taken, 20);
    }
}
