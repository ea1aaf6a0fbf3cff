//! Words that many rows have.
#![expect(clippy::disallowed_types, reason = "nobody sees the order of what is kept")]

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::{Serialize, Serializer};

/// Fewer words are not looked through for such that nobody has any more.
const FEW: usize = 1024;

/// A text that is in memory once, however many rows have it: to look at the same field of many rows is to look at the same few texts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(Arc<str>);

/// All words of this process.
static WORDS: LazyLock<Mutex<Words>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Words {
    known: HashSet<Arc<str>, foldhash::fast::RandomState>,
    /// How many there were when those that nobody had were let go of.
    kept: usize,
}

impl Words {
    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.known.get(text) {
            return Arc::clone(known);
        }
        if self.known.len() >= FEW.max(2 * self.kept) {
            self.known.retain(|word| Arc::strong_count(word) > 1);
            self.kept = self.known.len();
        }
        let word: Arc<str> = text.into();
        self.known.insert(Arc::clone(&word));
        word
    }
}

impl Word {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A number that no other text has while anybody has this one.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl From<&str> for Word {
    fn from(text: &str) -> Self {
        Self(WORDS.lock().unwrap_or_else(PoisonError::into_inner).word(text))
    }
}

impl Default for Word {
    fn default() -> Self {
        Self::from("")
    }
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Word {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Word {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Word {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_there_once_and_goes_with_the_last_who_has_it() {
        let mut words = Words::default();
        let (one, other) = (words.word("shop"), words.word("shop"));
        assert!(Arc::ptr_eq(&one, &other));
        let kept: Vec<_> = (0..3000).map(|n| words.word(&n.to_string())).collect();
        assert_eq!(words.known.len(), 3001);
        drop(kept);
        for n in 0..10_000 {
            words.word(&format!("passing {n}"));
            assert!(words.known.len() <= 2 * 3001, "{n}");
        }
        assert!(words.known.len() <= FEW && Arc::ptr_eq(&one, &words.word("shop")));
    }
}
