//! Normalised relative paths.

use std::fmt::{self, Write as _};

/// Longest path that is taken, in bytes. Linux's own limit, and far more than any chart needs.
pub const MAX_PATH_BYTES: usize = 4096;

/// How much of a refused path an error repeats, in characters.
const SHOWN_CHARS: usize = 80;

/// A path inside a tree: relative, `/` between names, no `.`, `..`, empty or trailing part. The root is `""`.
///
/// `Display` escapes characters that would reorder or hide text on a terminal; [`TreePath::as_str`] is verbatim.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

/// Why a text is not a path inside a tree. The text is shown escaped and shortened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// `/etc`, and `~`-less Windows forms of it (`C:`).
    #[error("path {shown} is absolute")]
    Absolute {
        /// The refused text, escaped and shortened.
        shown: String,
    },
    /// More `..` than there are directories to leave.
    #[error("path {shown} leaves the tree")]
    Leaves {
        /// The refused text, escaped and shortened.
        shown: String,
    },
    /// A backslash: a separator on one system and a name on another, so nobody can mean it safely.
    #[error("path {shown} has a backslash")]
    Backslash {
        /// The refused text, escaped and shortened.
        shown: String,
    },
    /// NUL, newline or another control character.
    #[error("path {shown} has a control character")]
    Control {
        /// The refused text, escaped and shortened.
        shown: String,
    },
    /// Longer than [`MAX_PATH_BYTES`].
    #[error("path {shown} has {bytes} bytes, the limit is {MAX_PATH_BYTES}")]
    TooLong {
        /// The refused text, escaped and shortened.
        shown: String,
        /// Its length.
        bytes: usize,
    },
}

impl TreePath {
    /// The root of a tree.
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads a path as a user writes it (`spec.source.path`, a value file): `a//b/./c/` is `a/b/c`, and `a/../b` is `b`.
    ///
    /// # Errors
    /// See [`PathError`]; nothing is looked up.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Self::root().join(text)
    }

    /// `relative` as seen from here; `..` may climb up to the root and no further.
    ///
    /// # Errors
    /// See [`PathError`]; the limit of length is for the whole.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        if relative.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong { shown: shown(relative), bytes: relative.len() });
        }
        if relative.chars().any(char::is_control) {
            return Err(PathError::Control { shown: shown(relative) });
        }
        if relative.starts_with('/') || has_drive_letter(relative) {
            return Err(PathError::Absolute { shown: shown(relative) });
        }
        if relative.contains('\\') {
            return Err(PathError::Backslash { shown: shown(relative) });
        }
        let mut whole = self.clone();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => match whole.parent() {
                    Some(parent) => whole = parent,
                    None => return Err(PathError::Leaves { shown: shown(relative) }),
                },
                name => whole.push(name),
            }
        }
        // `./c:` would be `c:`, which nobody can read again.
        if has_drive_letter(&whole.0) {
            return Err(PathError::Absolute { shown: shown(relative) });
        }
        if whole.0.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong { shown: shown(&whole.0), bytes: whole.0.len() });
        }
        Ok(whole)
    }

    /// The directory that holds this; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map_or_else(String::new, |(parent, _)| parent.to_owned())))
    }

    /// The last part; none for the root.
    pub fn name(&self) -> Option<&str> {
        self.0.rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// The names on the way from the root.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// Verbatim, `""` for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is `directory` or lies below it.
    pub fn is_within(&self, directory: &Self) -> bool {
        self.relative_to(directory).is_some()
    }

    /// The rest of the path below `directory`; `""` for itself, none when it lies elsewhere.
    pub fn relative_to(&self, directory: &Self) -> Option<&str> {
        if directory.is_root() {
            return Some(&self.0);
        }
        let rest = self.0.strip_prefix(&directory.0)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// Appends a name that is known to be one part without `/`, `.` or `..`.
    pub(crate) fn push(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push('/');
        }
        self.0.push_str(name);
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_deceptive(c) { write!(f, "{}", c.escape_unicode()) } else { f.write_char(c) }
        })
    }
}

fn has_drive_letter(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
        && matches!(text.as_bytes().get(2), None | Some(b'\\' | b'/'))
}

/// Characters that change the direction of text or take no room in it.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A stranger's text in an error: quoted, escaped, shortened.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::from("'");
    for (n, c) in text.chars().enumerate() {
        if n == SHOWN_CHARS {
            out.push('…');
            break;
        }
        if is_deceptive(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out.push('\'');
    out
}
