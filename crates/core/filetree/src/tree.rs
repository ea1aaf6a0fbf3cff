//! The view of a renderer.

use crate::path::TreePath;
use crate::reads::ReadSet;
use crate::store::{ContentId, Entry, FileError, Kind, Store};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest target of a link, in bytes.
const LINK_TARGET_BYTES: u64 = crate::path::MAX_PATH_BYTES as u64;

/// What one render may take from a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files together; a file that is read twice counts once.
    pub total_bytes: u64,
    /// Links on the way of one look-up.
    pub link_hops: u32,
}

impl Default for Limits {
    /// 32 MiB a file, 256 MiB together, 40 links (as Linux).
    fn default() -> Self {
        Self { file_bytes: 32 << 20, total_bytes: 256 << 20, link_hops: 40 }
    }
}

/// A read-only tree for one render: links followed inside the tree, limits kept, everything that was looked at recorded.
pub struct FileTree {
    store: Arc<dyn Store>,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reads: ReadSet,
    /// What the store answered, so that one render sees one state, and asks once.
    entries: BTreeMap<TreePath, Option<(Kind, ContentId)>>,
    /// By real path, so that a second read costs nothing and counts nothing.
    files: BTreeMap<TreePath, Arc<[u8]>>,
    total_bytes: u64,
}

/// What a path leads to once links are followed.
struct Found {
    path: TreePath,
    kind: Kind,
    id: ContentId,
}

impl FileTree {
    /// A fresh view with an empty record.
    pub fn new(store: Arc<dyn Store>, limits: Limits) -> Self {
        Self { store, limits, state: Mutex::default() }
    }

    /// The content of a file, links followed.
    ///
    /// # Errors
    /// Any [`FileError`].
    pub fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, FileError> {
        let mut state = self.state();
        let found =
            self.resolve(&mut state, path)?.ok_or_else(|| FileError::NotFound { path: path.clone() })?;
        if !found.kind.is_file() {
            state.reads.kind(&found.path, found.kind);
            return Err(FileError::NotAFile { path: path.clone() });
        }
        state.reads.content(&found.path, found.kind, found.id);
        if let Some(content) = state.files.get(&found.path) {
            return Ok(Arc::clone(content));
        }
        let left = self.limits.total_bytes.saturating_sub(state.total_bytes);
        let content = match self.store.read(&found.path, self.limits.file_bytes.min(left)) {
            Err(FileError::TooLarge { bytes, .. }) if bytes <= self.limits.file_bytes => {
                return Err(FileError::TotalTooLarge { path: path.clone(), limit: self.limits.total_bytes });
            }
            Err(FileError::TooLarge { path, bytes, .. }) => {
                return Err(FileError::TooLarge { path, bytes, limit: self.limits.file_bytes });
            }
            read => read?,
        };
        state.total_bytes = state.total_bytes.saturating_add(content.len() as u64);
        state.files.insert(found.path, Arc::clone(&content));
        Ok(content)
    }

    /// The entries of a directory by name (bytewise); links in it are shown as links, ask [`FileTree::kind`] where they lead.
    ///
    /// # Errors
    /// Any [`FileError`] but those of size.
    pub fn list(&self, path: &TreePath) -> Result<Vec<Entry>, FileError> {
        let mut state = self.state();
        let found =
            self.resolve(&mut state, path)?.ok_or_else(|| FileError::NotFound { path: path.clone() })?;
        match found.kind {
            Kind::Directory => {}
            Kind::Submodule => {
                state.reads.kind(&found.path, found.kind);
                return Ok(Vec::new());
            }
            Kind::File { .. } | Kind::Symlink => {
                state.reads.kind(&found.path, found.kind);
                return Err(FileError::NotADirectory { path: path.clone() });
            }
        }
        state.reads.content(&found.path, found.kind, found.id);
        let mut entries = self.store.list(&found.path)?;
        entries.sort_unstable();
        Ok(entries)
    }

    /// What stands at `path`, links followed; none when nothing does or a link leads nowhere. Never [`Kind::Symlink`].
    ///
    /// # Errors
    /// [`FileError::LeavesTree`], [`FileError::TooManyLinks`], and those of [`Store::entry`].
    pub fn kind(&self, path: &TreePath) -> Result<Option<Kind>, FileError> {
        let mut state = self.state();
        let Some(found) = self.resolve(&mut state, path)? else { return Ok(None) };
        state.reads.kind(&found.path, found.kind);
        Ok(Some(found.kind))
    }

    /// Where a path leads once links are followed, and what stands there; none when nothing does.
    ///
    /// # Errors
    /// As [`FileTree::kind`].
    pub fn real_path(&self, path: &TreePath) -> Result<Option<(TreePath, Kind)>, FileError> {
        let mut state = self.state();
        let Some(found) = self.resolve(&mut state, path)? else { return Ok(None) };
        state.reads.kind(&found.path, found.kind);
        Ok(Some((found.path, found.kind)))
    }

    /// What was looked at until now.
    pub fn reads(&self) -> ReadSet {
        self.state().reads.clone()
    }

    /// Follows links from the root down. The links passed are recorded here, what is found is for the caller to record.
    fn resolve(&self, state: &mut State, path: &TreePath) -> Result<Option<Found>, FileError> {
        // Nearly every path has no link in it, and then one look-up tells.
        if let Some((kind, id)) = self.entry(state, path)?
            && kind != Kind::Symlink
        {
            return Ok(Some(Found { path: path.clone(), kind, id }));
        }
        let mut hops = 0;
        let mut ahead: Vec<String> = path.names().rev().map(str::to_owned).collect();
        let mut here = TreePath::root();
        let mut last_link = None;
        while let Some(name) = ahead.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    // Only link targets have these. That `here` can be left means that it is a directory.
                    state.reads.kind(&here, Kind::Directory);
                    here = here.parent().ok_or_else(|| leaves(path, last_link.take()))?;
                    continue;
                }
                _ => {}
            }
            let mut next = here.clone();
            next.push(&name);
            let Some((kind, id)) = self.entry(state, &next)? else {
                state.reads.kind(&here, Kind::Directory);
                state.reads.absent(&next);
                return Ok(None);
            };
            match kind {
                Kind::Directory => here = next,
                Kind::Symlink => {
                    state.reads.content(&next, kind, id);
                    hops += 1;
                    if hops > self.limits.link_hops {
                        return Err(FileError::TooManyLinks {
                            path: path.clone(),
                            limit: self.limits.link_hops,
                        });
                    }
                    let target = self.store.read(&next, LINK_TARGET_BYTES)?;
                    let target = String::from_utf8_lossy(&target).into_owned();
                    ahead.extend(target.split('/').rev().map(str::to_owned));
                    let absolute = target.starts_with('/');
                    last_link = Some((next, target));
                    if absolute {
                        return Err(leaves(path, last_link));
                    }
                }
                Kind::File { .. } | Kind::Submodule if ahead.iter().all(|name| name.is_empty()) => {
                    return Ok(Some(Found { path: next, kind, id }));
                }
                Kind::File { .. } | Kind::Submodule => {
                    state.reads.kind(&next, kind);
                    return Ok(None);
                }
            }
        }
        Ok(self.entry(state, &here)?.map(|(kind, id)| Found { path: here, kind, id }))
    }

    /// What stands at `path` itself.
    fn entry(&self, state: &mut State, path: &TreePath) -> Result<Option<(Kind, ContentId)>, FileError> {
        if let Some(known) = state.entries.get(path) {
            return Ok(*known);
        }
        let entry = self.store.entry(path)?;
        state.entries.insert(path.clone(), entry);
        Ok(entry)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held leaves at worst a record that says too much.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leaves(path: &TreePath, link: Option<(TreePath, String)>) -> FileError {
    let (link, target) = link.unwrap_or_default();
    FileError::LeavesTree { path: path.clone(), link, target }
}
