//! An archive as a tree of files.

use super::Archive;
use filetree::{ContentId, Entry, FileError, Kind, PathError, Store, TreePath};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The files of an [`Archive`] as a [`Store`]: value files inside of a chart, for one, are read through it.
#[derive(Debug, Clone)]
pub struct ArchiveStore {
    files: BTreeMap<TreePath, (ContentId, Arc<[u8]>)>,
    directories: BTreeMap<TreePath, (ContentId, Vec<Entry>)>,
}

impl ArchiveStore {
    /// Makes a tree; of two files with one name the last one stays, and a file gives way to a directory.
    ///
    /// # Errors
    /// When a name cannot be a path in a tree.
    pub fn new(archive: &Archive) -> Result<Self, PathError> {
        let mut files = BTreeMap::new();
        for file in archive.files() {
            let path = TreePath::parse(&file.name)?;
            files.insert(path, (ContentId::of(&file.content), Arc::clone(&file.content)));
        }
        let mut children: BTreeMap<TreePath, BTreeMap<String, Option<ContentId>>> = BTreeMap::new();
        children.insert(TreePath::root(), BTreeMap::new());
        for (path, (id, _)) in &files {
            let mut entry = Some(*id);
            let mut at = path.clone();
            while let (Some(parent), Some(name)) = (at.parent(), at.name()) {
                children.entry(parent.clone()).or_default().entry(name.to_owned()).or_insert(entry.take());
                at = parent;
            }
        }
        files.retain(|path, _| !children.contains_key(path));
        let mut directories: BTreeMap<TreePath, (ContentId, Vec<Entry>)> = BTreeMap::new();
        // In reverse order a directory comes after all that is below it.
        for (path, names) in children.into_iter().rev() {
            let mut entries = Vec::with_capacity(names.len());
            for (name, file) in names {
                let at = path.join(&name)?;
                let entry = match (directories.get(&at), file) {
                    (Some((id, _)), _) => Entry { name, kind: Kind::Directory, id: *id },
                    (None, Some(id)) => Entry { name, kind: Kind::File { executable: false }, id },
                    (None, None) => continue,
                };
                entries.push(entry);
            }
            directories.insert(path, (directory_id(&entries), entries));
        }
        Ok(Self { files, directories })
    }
}

impl Store for ArchiveStore {
    fn entry(&self, path: &TreePath) -> Result<Option<(Kind, ContentId)>, FileError> {
        if let Some((id, _)) = self.files.get(path) {
            return Ok(Some((Kind::File { executable: false }, *id)));
        }
        Ok(self.directories.get(path).map(|(id, _)| (Kind::Directory, *id)))
    }

    fn read(&self, path: &TreePath, cap_bytes: u64) -> Result<Arc<[u8]>, FileError> {
        let Some((_, content)) = self.files.get(path) else {
            return Err(match self.directories.get(path) {
                Some(_) => FileError::NotAFile { path: path.clone() },
                None => FileError::NotFound { path: path.clone() },
            });
        };
        let bytes = content.len() as u64;
        if bytes > cap_bytes {
            return Err(FileError::TooLarge { path: path.clone(), bytes, limit: cap_bytes });
        }
        Ok(Arc::clone(content))
    }

    fn list(&self, path: &TreePath) -> Result<Vec<Entry>, FileError> {
        match self.directories.get(path) {
            Some((_, entries)) => Ok(entries.clone()),
            None if self.files.contains_key(path) => Err(FileError::NotADirectory { path: path.clone() }),
            None => Err(FileError::NotFound { path: path.clone() }),
        }
    }
}

fn directory_id(entries: &[Entry]) -> ContentId {
    let mut listing = Vec::new();
    for entry in entries {
        listing.extend_from_slice(entry.name.as_bytes());
        listing.push(b'/');
        listing.push(u8::from(entry.kind.is_directory()));
        listing.extend_from_slice(entry.id.as_bytes());
    }
    ContentId::of(&listing)
}
