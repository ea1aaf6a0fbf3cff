//! A tree in memory.

use crate::path::{PathError, TreePath};
use crate::store::{ContentId, Entry, FileError, Kind, Store};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A [`Store`] of files and links that were put in by hand: for tests, and for archives once unpacked.
///
/// Directories are there as long as something is in them. Whatever stands in the way of a new entry is replaced by it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    leaves: BTreeMap<TreePath, Leaf>,
    /// Listings and ids of all directories, made when first asked for and dropped at each edit.
    directories: OnceLock<BTreeMap<TreePath, Directory>>,
}

#[derive(Clone, Debug)]
struct Leaf {
    kind: Kind,
    id: ContentId,
    content: Arc<[u8]>,
}

#[derive(Clone, Debug)]
struct Directory {
    id: ContentId,
    entries: Vec<Entry>,
}

impl MemoryStore {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree of plain files.
    ///
    /// # Errors
    /// When a path is none.
    pub fn from_files<'a, C: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (&'a str, C)>,
    ) -> Result<Self, PathError> {
        let mut store = Self::new();
        for (path, content) in files {
            store.write(&TreePath::parse(path)?, content);
        }
        Ok(store)
    }

    /// Adds or replaces a plain file.
    pub fn write(&mut self, path: &TreePath, content: impl AsRef<[u8]>) {
        self.put(path, Kind::File { executable: false }, content.as_ref());
    }

    /// Adds or replaces an executable file.
    pub fn write_executable(&mut self, path: &TreePath, content: impl AsRef<[u8]>) {
        self.put(path, Kind::File { executable: true }, content.as_ref());
    }

    /// Adds or replaces a symbolic link; the target is not looked at.
    pub fn link(&mut self, path: &TreePath, target: &str) {
        self.put(path, Kind::Symlink, target.as_bytes());
    }

    /// Removes a file, a link, or a directory with all in it; whether there was one.
    pub fn remove(&mut self, path: &TreePath) -> bool {
        let before = self.leaves.len();
        self.leaves.retain(|leaf, _| !leaf.is_within(path));
        self.directories = OnceLock::new();
        self.leaves.len() < before
    }

    /// Moves a file, a link, or a directory with all in it, over whatever is at `to`; whether there was one.
    ///
    /// # Errors
    /// When a path gets too long, or a directory would move into itself; then nothing has moved.
    pub fn rename(&mut self, from: &TreePath, to: &TreePath) -> Result<bool, PathError> {
        if to.is_within(from) {
            return Err(PathError::Leaves { shown: to.to_string() });
        }
        let mut moved = Vec::new();
        for (path, leaf) in &self.leaves {
            if let Some(rest) = path.relative_to(from) {
                moved.push((to.join(rest)?, leaf.clone()));
            }
        }
        if moved.is_empty() {
            return Ok(false);
        }
        self.remove(from);
        self.remove(to);
        for (path, leaf) in moved {
            self.make_way(&path);
            self.leaves.insert(path, leaf);
        }
        Ok(true)
    }

    fn put(&mut self, path: &TreePath, kind: Kind, content: &[u8]) {
        if path.is_root() {
            return;
        }
        self.remove(path);
        self.make_way(path);
        self.leaves.insert(path.clone(), Leaf { kind, id: ContentId::of(content), content: content.into() });
    }

    /// Removes files and links that stand where `path` needs a directory.
    fn make_way(&mut self, path: &TreePath) {
        let mut above = path.parent();
        while let Some(directory) = above {
            self.leaves.remove(&directory);
            above = directory.parent();
        }
        self.directories = OnceLock::new();
    }

    fn directories(&self) -> &BTreeMap<TreePath, Directory> {
        self.directories.get_or_init(|| {
            let mut children: BTreeMap<TreePath, BTreeMap<String, Option<Leaf>>> = BTreeMap::new();
            children.insert(TreePath::root(), BTreeMap::new());
            for (path, leaf) in &self.leaves {
                let mut entry = Some(leaf.clone());
                let mut at = path.clone();
                while let (Some(parent), Some(name)) = (at.parent(), at.name()) {
                    children
                        .entry(parent.clone())
                        .or_default()
                        .entry(name.to_owned())
                        .or_insert(entry.take());
                    at = parent;
                }
            }
            let mut directories: BTreeMap<TreePath, Directory> = BTreeMap::new();
            // In reverse order a directory comes after all that is below it.
            for (path, names) in children.into_iter().rev() {
                let mut entries = Vec::with_capacity(names.len());
                for (name, leaf) in names {
                    let mut at = path.clone();
                    at.push(&name);
                    let below = directories.get(&at).map(|directory| (Kind::Directory, directory.id));
                    let Some((kind, id)) = leaf.map(|leaf| (leaf.kind, leaf.id)).or(below) else { continue };
                    entries.push(Entry { name, kind, id });
                }
                directories.insert(path, Directory { id: directory_id(&entries), entries });
            }
            directories
        })
    }
}

impl Store for MemoryStore {
    fn entry(&self, path: &TreePath) -> Result<Option<(Kind, ContentId)>, FileError> {
        if let Some(leaf) = self.leaves.get(path) {
            return Ok(Some((leaf.kind, leaf.id)));
        }
        Ok(self.directories().get(path).map(|directory| (Kind::Directory, directory.id)))
    }

    fn read(&self, path: &TreePath, cap_bytes: u64) -> Result<Arc<[u8]>, FileError> {
        let Some(leaf) = self.leaves.get(path) else {
            return Err(match self.directories().get(path) {
                Some(_) => FileError::NotAFile { path: path.clone() },
                None => FileError::NotFound { path: path.clone() },
            });
        };
        let bytes = leaf.content.len() as u64;
        if bytes > cap_bytes {
            return Err(FileError::TooLarge { path: path.clone(), bytes, limit: cap_bytes });
        }
        Ok(Arc::clone(&leaf.content))
    }

    fn list(&self, path: &TreePath) -> Result<Vec<Entry>, FileError> {
        match self.directories().get(path) {
            Some(directory) => Ok(directory.entries.clone()),
            None if self.leaves.contains_key(path) => Err(FileError::NotADirectory { path: path.clone() }),
            None => Err(FileError::NotFound { path: path.clone() }),
        }
    }
}

fn directory_id(entries: &[Entry]) -> ContentId {
    let mut hash = Sha256::new();
    for entry in entries {
        hash.update(entry.name.as_bytes());
        let kind: &[u8] = match entry.kind {
            Kind::File { executable: false } => b"/f",
            Kind::File { executable: true } => b"/x",
            Kind::Directory => b"/d",
            Kind::Symlink => b"/l",
            Kind::Submodule => b"/m",
        };
        hash.update(kind);
        hash.update(entry.id.as_bytes());
    }
    ContentId::from_hash(hash.finalize().into())
}
