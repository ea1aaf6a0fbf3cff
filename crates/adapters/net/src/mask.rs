//! Texts of strangers and secrets, made fit for errors and logs.

use std::error::Error;
use std::fmt;

/// How much of a stranger's text an error repeats, in characters.
const SHOWN_CHARS: usize = 300;

/// How many causes of an error are told.
const CAUSES: usize = 8;

/// A text that no `Debug` or `Display` shows. [`Secret::expose`] is the one way to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; for a transport only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// One line, control and direction characters escaped, at most [`SHOWN_CHARS`] characters.
pub fn excerpt(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.trim().chars().enumerate() {
        if n == SHOWN_CHARS {
            out.push('…');
            break;
        }
        let hidden = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
        match c {
            '\n' => out.push_str("; "),
            c if c.is_control() || hidden => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// `text` without any of `secrets`, as an [`excerpt`].
pub fn without(text: &str, secrets: &[&Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        if !secret.expose().is_empty() {
            text = text.replace(secret.expose(), "***");
        }
    }
    excerpt(&text)
}

/// An error and its causes, each told once.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    for _ in 0..CAUSES {
        let Some(error) = cause else { break };
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
