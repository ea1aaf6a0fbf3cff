//! What a tree holds, before links are followed.

use crate::path::{TreePath, shown};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What an entry holds, by value: equal ids of the same kind mean equal content.
///
/// A git object id (SHA-1 ids padded with zeros), or the SHA-256 of the content; one store keeps to one of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId([u8; 32]);

impl ContentId {
    /// SHA-256 of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// A git object id of 20 (SHA-1) or 32 bytes (SHA-256); none for any other length.
    pub fn from_git(id: &[u8]) -> Option<Self> {
        if !matches!(id.len(), 20 | 32) {
            return None;
        }
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
        Some(Self(bytes))
    }

    pub(crate) fn from_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentId({self})")
    }
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file.
    File {
        /// Whether it may be run.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A symbolic link; its target is its content.
    Symlink,
    /// A git submodule that this store does not open: an empty directory to who lists it.
    Submodule,
}

impl Kind {
    /// Whether this is a file, executable or not.
    pub fn is_file(self) -> bool {
        matches!(self, Self::File { .. })
    }

    /// Whether this can be listed.
    pub fn is_directory(self) -> bool {
        matches!(self, Self::Directory | Self::Submodule)
    }
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// One part of a path; never `.`, `..` or with a `/`.
    pub name: String,
    /// What it is; links are not followed.
    pub kind: Kind,
    /// What it holds.
    pub id: ContentId,
}

/// A tree that does not change. Links are never followed: an entry that is looked up through a link is absent.
pub trait Store: Send + Sync {
    /// What stands at `path`; the root is always a directory.
    ///
    /// # Errors
    /// [`FileError::Refused`] and [`FileError::Store`]; an absent entry is no error.
    fn entry(&self, path: &TreePath) -> Result<Option<(Kind, ContentId)>, FileError>;

    /// A file's content, or a link's target. More than `cap_bytes` are not loaded.
    ///
    /// # Errors
    /// [`FileError::NotFound`], [`FileError::NotAFile`], [`FileError::TooLarge`], and those of [`Store::entry`].
    fn read(&self, path: &TreePath, cap_bytes: u64) -> Result<Arc<[u8]>, FileError>;

    /// The entries of a directory, in no particular order.
    ///
    /// # Errors
    /// [`FileError::NotFound`], [`FileError::NotADirectory`], and those of [`Store::entry`].
    fn list(&self, path: &TreePath) -> Result<Vec<Entry>, FileError>;
}

/// The cause of a [`FileError::Store`].
pub type StoreFailure = Arc<dyn Error + Send + Sync>;

/// Why a file or directory could not be read. `Display` names the path; a cause is under `source()`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FileError {
    /// Nothing stands there, or a file stands where a directory is needed on the way.
    #[error("{path}: no such file or directory")]
    NotFound {
        /// As asked for.
        path: TreePath,
    },
    /// A directory or submodule where a file is needed.
    #[error("{path}: is not a file")]
    NotAFile {
        /// As asked for.
        path: TreePath,
    },
    /// A file where a directory is needed.
    #[error("{path}: is not a directory")]
    NotADirectory {
        /// As asked for.
        path: TreePath,
    },
    /// A link to an absolute path, or above the root.
    #[error("{path}: the link {link} to {} leaves the tree", shown(target))]
    LeavesTree {
        /// As asked for.
        path: TreePath,
        /// The link on the way.
        link: TreePath,
        /// Where it points.
        target: String,
    },
    /// More links on the way than [`crate::Limits::link_hops`]; a loop, most likely.
    #[error("{path}: more than {limit} symbolic links on the way")]
    TooManyLinks {
        /// As asked for.
        path: TreePath,
        /// The limit.
        limit: u32,
    },
    /// A file larger than the cap.
    #[error("{path}: has {bytes} bytes, the limit for a file is {limit}")]
    TooLarge {
        /// As asked for.
        path: TreePath,
        /// Its size.
        bytes: u64,
        /// The cap.
        limit: u64,
    },
    /// All files together are larger than [`crate::Limits::total_bytes`].
    #[error("{path}: with this file more than {limit} bytes would be read")]
    TotalTooLarge {
        /// The file that broke the limit.
        path: TreePath,
        /// The limit.
        limit: u64,
    },
    /// The tree holds something that no honest tree holds, or something that is not served.
    #[error("{path}: refused: {reason}")]
    Refused {
        /// The directory or file.
        path: TreePath,
        /// What is wrong with it.
        reason: String,
    },
    /// The store failed. The only variant that may pass by itself: a result made from it must not be kept.
    #[error("{path}: cannot be read")]
    Store {
        /// As asked for.
        path: TreePath,
        /// What the store says.
        #[source]
        source: StoreFailure,
    },
}

impl FileError {
    /// Whether the same tree may answer differently another time, so that an outcome made from this is not to be cached.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store { .. })
    }
}
