//! The only way in which a renderer sees files: a read-only tree that remembers what was read.
//!
//! A [`Store`] says what a tree holds (git objects, a chart archive, memory) and never follows links. A [`FileTree`] puts a view
//! on it for one render: it follows symbolic links inside the tree, keeps to [`Limits`], and records each file, directory and
//! absent path that was looked at. The record, a [`ReadSet`], later tells whether the same render on another tree would have
//! seen exactly the same, which takes a few look-ups and no reading.
//!
//! [`path_match`] says whether a path fits a pattern, as Go has them.
//!
//! This crate refuses to know disks, git, archives and time. [`MemoryStore`] is a store for tests and for unpacked archives.
//!
//! ```
//! use filetree::{FileTree, Limits, MemoryStore, TreePath};
//! use std::sync::Arc;
//!
//! let store = Arc::new(MemoryStore::from_files([("apps/a.yaml", "kind: A"), ("apps/b.yaml", "kind: B")])?);
//! let tree = FileTree::new(store.clone(), Limits::default());
//! assert_eq!(&*tree.read(&TreePath::parse("apps/a.yaml")?)?, b"kind: A");
//!
//! let reads = tree.reads();
//! let mut edited = (*store).clone();
//! edited.write(&TreePath::parse("apps/b.yaml")?, "kind: C");
//! assert!(reads.holds(&edited)?, "b.yaml was not read");
//! edited.write(&TreePath::parse("apps/a.yaml")?, "kind: D");
//! assert!(!reads.holds(&edited)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod memory;
mod path;
mod pattern;
mod reads;
mod store;
mod tree;

pub use memory::MemoryStore;
pub use path::{MAX_PATH_BYTES, PathError, TreePath};
pub use pattern::{BadPattern, path_match};
pub use reads::ReadSet;
pub use store::{ContentId, Entry, FileError, Kind, Store, StoreFailure};
pub use tree::{FileTree, Limits};

#[cfg(test)]
mod tests;
