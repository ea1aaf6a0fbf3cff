//! The record of what was looked at.

use crate::path::TreePath;
use crate::store::{ContentId, FileError, Kind, Store};
use std::collections::BTreeMap;

/// What was seen at one path, as precisely as it mattered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// Nothing. Its parent was seen as a directory, so no link can bring it into being unnoticed.
    Absent,
    /// The kind mattered (something to pass through, a question for existence), the content did not.
    Kind(Kind),
    /// The content mattered: a file read, a directory listed, a link followed.
    Content(Kind, ContentId),
}

/// Everything that one render saw of a tree, with links not followed: path → kind and content id, kind alone, or absent.
///
/// Two trees in which a read set holds look the same to the render that made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadSet {
    seen: BTreeMap<TreePath, Seen>,
}

impl ReadSet {
    /// Whether `store` has the same file, directory, link or absence at each recorded path. Reads no content.
    ///
    /// # Errors
    /// Those of [`Store::entry`]; treat them as "does not hold" and render afresh.
    pub fn holds(&self, store: &dyn Store) -> Result<bool, FileError> {
        for (path, seen) in &self.seen {
            let now = store.entry(path)?;
            let same = match seen {
                Seen::Absent => now.is_none(),
                Seen::Kind(kind) => now.is_some_and(|(now, _)| now == *kind),
                Seen::Content(kind, id) => now == Some((*kind, *id)),
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many paths are recorded.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nothing was looked at.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// The recorded paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.seen.keys()
    }

    /// Adds what `other` saw of the same tree.
    pub fn extend(&mut self, other: &Self) {
        for (path, seen) in &other.seen {
            self.see(path, *seen);
        }
    }

    pub(crate) fn absent(&mut self, path: &TreePath) {
        self.see(path, Seen::Absent);
    }

    pub(crate) fn kind(&mut self, path: &TreePath, kind: Kind) {
        self.see(path, Seen::Kind(kind));
    }

    pub(crate) fn content(&mut self, path: &TreePath, kind: Kind, id: ContentId) {
        self.see(path, Seen::Content(kind, id));
    }

    /// The stronger of two sights stays; on one tree they cannot contradict each other.
    fn see(&mut self, path: &TreePath, seen: Seen) {
        match self.seen.get_mut(path) {
            Some(Seen::Content(..)) => {}
            Some(weaker) => *weaker = seen,
            None => {
                self.seen.insert(path.clone(), seen);
            }
        }
    }
}
