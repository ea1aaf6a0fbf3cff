//! A directory on disk as a file tree: for commands that a person runs on their own files, never for a controller.

use filetree::{ContentId, Entry, FileError, Kind, Store, TreePath};
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file whose content makes its id, in bytes; beyond, size and time of change do.
const HASHED_BYTES: u64 = 64 << 20;

/// Reads `path` as it is at each call. Links are links, and nothing outside is reached through them; `.git` at the top is left out.
///
/// # Errors
/// When `path` is no directory.
pub fn open_dir(path: &Path) -> io::Result<impl Store + use<>> {
    let root = fs::canonicalize(path)?;
    if !root.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "not a directory"));
    }
    Ok(Disk { root })
}

struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The place of `path`, unless a link stands on the way (then there is nothing, as [`Store`] wants it).
    fn place(&self, path: &TreePath) -> Result<Option<(PathBuf, fs::Metadata)>, FileError> {
        let mut place = self.root.clone();
        let mut metadata = fs::symlink_metadata(&place).map_err(|error| failed(path, error))?;
        for (n, name) in path.names().enumerate() {
            if !metadata.is_dir() || (n == 0 && name == ".git") {
                return Ok(None);
            }
            place.push(name);
            metadata = match fs::symlink_metadata(&place) {
                Ok(metadata) => metadata,
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(failed(path, error)),
            };
        }
        Ok(Some((place, metadata)))
    }

    fn describe(
        path: &TreePath,
        place: &Path,
        metadata: &fs::Metadata,
    ) -> Result<Option<(Kind, ContentId)>, FileError> {
        let kind = metadata.file_type();
        if kind.is_symlink() {
            let target = fs::read_link(place).map_err(|error| failed(path, error))?;
            return Ok(Some((Kind::Symlink, ContentId::of(target.as_os_str().as_bytes()))));
        }
        if kind.is_dir() {
            // Good for comparing within a moment; nothing is cached across runs of a command.
            return Ok(Some((
                Kind::Directory,
                ContentId::of(format!("{:?}", metadata.modified().ok()).as_bytes()),
            )));
        }
        if !kind.is_file() {
            return Ok(None);
        }
        let id = if metadata.len() <= HASHED_BYTES {
            ContentId::of(&fs::read(place).map_err(|error| failed(path, error))?)
        } else {
            ContentId::of(format!("{} {:?}", metadata.len(), metadata.modified().ok()).as_bytes())
        };
        Ok(Some((Kind::File { executable: metadata.permissions().mode() & 0o100 != 0 }, id)))
    }
}

impl Store for Disk {
    fn entry(&self, path: &TreePath) -> Result<Option<(Kind, ContentId)>, FileError> {
        match self.place(path)? {
            Some((place, metadata)) => Self::describe(path, &place, &metadata),
            None => Ok(None),
        }
    }

    fn read(&self, path: &TreePath, cap_bytes: u64) -> Result<Arc<[u8]>, FileError> {
        let (place, metadata) =
            self.place(path)?.ok_or_else(|| FileError::NotFound { path: path.clone() })?;
        if metadata.is_symlink() {
            let target = fs::read_link(place).map_err(|error| failed(path, error))?;
            return Ok(target.as_os_str().as_bytes().into());
        }
        // Not a pipe or a device either: reading those may never end.
        if !metadata.is_file() {
            return Err(FileError::NotAFile { path: path.clone() });
        }
        let mut content = Vec::new();
        let file = fs::File::open(place).map_err(|error| failed(path, error))?;
        file.take(cap_bytes.saturating_add(1))
            .read_to_end(&mut content)
            .map_err(|error| failed(path, error))?;
        let bytes = content.len() as u64;
        if bytes > cap_bytes {
            return Err(FileError::TooLarge {
                path: path.clone(),
                bytes: bytes.max(metadata.len()),
                limit: cap_bytes,
            });
        }
        Ok(content.into())
    }

    fn list(&self, path: &TreePath) -> Result<Vec<Entry>, FileError> {
        let (place, metadata) =
            self.place(path)?.ok_or_else(|| FileError::NotFound { path: path.clone() })?;
        if !metadata.is_dir() {
            return Err(FileError::NotADirectory { path: path.clone() });
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(place).map_err(|error| failed(path, error))? {
            let entry = entry.map_err(|error| failed(path, error))?;
            // A name that no path can say is left out, as in git trees.
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if (path.is_root() && name == ".git")
                || !path.join(&name).is_ok_and(|child| child.name() == Some(&*name))
            {
                continue;
            }
            let metadata = entry.metadata().map_err(|error| failed(path, error))?;
            if let Some((kind, id)) = Self::describe(path, &entry.path(), &metadata)? {
                entries.push(Entry { name, kind, id });
            }
        }
        Ok(entries)
    }
}

fn failed(path: &TreePath, error: io::Error) -> FileError {
    FileError::Store { path: path.clone(), source: Arc::new(error) }
}

#[cfg(test)]
mod tests {
    use super::open_dir;
    use filetree::{FileError, FileTree, Limits, TreePath};
    use std::sync::Arc;

    #[test]
    fn a_directory_is_read_and_not_left() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("root/sub")).unwrap();
        std::fs::write(dir.path().join("secret"), "s").unwrap();
        std::fs::write(dir.path().join("root/sub/a.yaml"), "a").unwrap();
        std::os::unix::fs::symlink("../../secret", dir.path().join("root/sub/out")).unwrap();
        std::os::unix::fs::symlink("sub", dir.path().join("root/alias")).unwrap();
        let tree = FileTree::new(Arc::new(open_dir(&dir.path().join("root")).unwrap()), Limits::default());
        let path = |text| TreePath::parse(text).unwrap();
        assert_eq!(&*tree.read(&path("alias/a.yaml")).unwrap(), b"a");
        assert!(matches!(tree.read(&path("sub/out")), Err(FileError::LeavesTree { .. })));
        let names: Vec<_> =
            tree.list(&TreePath::root()).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["alias", "sub"]);
        assert!(open_dir(&dir.path().join("secret")).is_err());
    }
}
