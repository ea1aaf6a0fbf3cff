//! Texts: shared, counted in code points.

use std::fmt;
use std::rc::Rc;

use crate::meter::Charge;

/// A text that is shared and never changes.
#[derive(Clone)]
pub(crate) struct Text(Rc<Inner>);

struct Inner {
    text: Box<str>,
    /// All characters are ASCII, so that bytes are characters.
    ascii: bool,
    _charge: Charge,
}

impl Text {
    /// Its bytes count for as long as it lives.
    pub(crate) fn new(text: &str) -> Self {
        Self::from(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0.text
    }

    /// In code points.
    pub(crate) fn length(&self) -> usize {
        if self.0.ascii { self.0.text.len() } else { self.0.text.chars().count() }
    }

    /// The characters from one code point up to another; clipped at the end.
    pub(crate) fn slice(&self, from: usize, to: usize) -> &str {
        let text = self.as_str();
        if to <= from {
            return "";
        }
        if self.0.ascii {
            return text.get(from.min(text.len())..to.min(text.len())).unwrap_or_default();
        }
        let start = text.char_indices().nth(from).map_or(text.len(), |(at, _)| at);
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.char_indices().nth(to - from).map_or(rest.len(), |(at, _)| at);
        rest.get(..length).unwrap_or_default()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let charge = Charge::of(text.len() + size_of::<Inner>());
        Self(Rc::new(Inner { ascii: text.is_ascii(), text: text.into_boxed_str(), _charge: charge }))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
