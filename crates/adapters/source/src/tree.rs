//! Files straight from git's tree and blob objects.

use crate::objects::Objects;
use filetree::{ContentId, Entry, FileError, Kind, Store, TreePath};
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Longest name of a tree's entry, in bytes: what file systems take, so what a checkout could have.
const MAX_NAME_BYTES: usize = 255;

/// How many skipped names one warning shows.
const SHOWN_NAMES: usize = 3;

/// How a text begins that stands for a large file.
const LFS_MAGIC: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Largest such text, in bytes.
const LFS_BYTES: usize = 1024;

/// One git tree object, checked once: raw bytes and an index by name, some 60 bytes an entry.
pub(crate) struct DecodedTree {
    raw: Vec<u8>,
    /// By name, bytewise.
    slots: Vec<Slot>,
    /// Why nothing of it may be used.
    refused: Option<String>,
}

struct Slot {
    name: u32,
    name_bytes: u16,
    kind: EntryKind,
}

impl DecodedTree {
    pub(crate) fn new(raw: Vec<u8>) -> Self {
        match index(&raw) {
            Ok(slots) => Self { raw, slots, refused: None },
            Err(reason) => Self { raw: Vec::new(), slots: Vec::new(), refused: Some(reason) },
        }
    }

    /// Memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.raw.len() + self.slots.len() * size_of::<Slot>() + 64
    }

    fn name(&self, slot: &Slot) -> &[u8] {
        let start = slot.name as usize;
        self.raw.get(start..start + usize::from(slot.name_bytes)).unwrap_or_default()
    }

    /// The id follows the name and a NUL.
    fn id(&self, slot: &Slot) -> Option<ObjectId> {
        let start = slot.name as usize + usize::from(slot.name_bytes) + 1;
        ObjectId::try_from(self.raw.get(start..start + 20)?).ok()
    }

    fn find(&self, name: &str) -> Option<(EntryKind, ObjectId)> {
        let at = self.slots.binary_search_by(|slot| self.name(slot).cmp(name.as_bytes())).ok()?;
        let slot = self.slots.get(at)?;
        Some((slot.kind, self.id(slot)?))
    }

    fn entries(&self) -> impl Iterator<Item = (&str, EntryKind, ObjectId)> {
        self.slots
            .iter()
            .filter_map(|slot| Some((std::str::from_utf8(self.name(slot)).ok()?, slot.kind, self.id(slot)?)))
    }
}

/// Checks a raw tree and notes where its entries are. Names that no path can say are left out with a warning; names that only
/// somebody who means harm would write refuse the tree.
fn index(raw: &[u8]) -> Result<Vec<Slot>, String> {
    let mut slots = Vec::new();
    let mut skipped = Vec::new();
    let mut rest = raw;
    while !rest.is_empty() {
        let space = rest.iter().position(|b| *b == b' ').ok_or("the tree is malformed")?;
        let nul =
            rest.iter().position(|b| *b == 0).filter(|nul| *nul > space).ok_or("the tree is malformed")?;
        let (Some(mode), Some(name)) = (rest.get(..space), rest.get(space + 1..nul)) else {
            return Err("the tree is malformed".to_owned());
        };
        let start = raw.len() - rest.len() + space + 1;
        rest = rest.get(nul + 21..).ok_or("the tree is malformed")?;
        let kind = entry_kind(mode).ok_or_else(|| format!("an entry has the mode {}", shown(mode)))?;
        if name.is_empty() || name.contains(&b'/') || is_reserved(name) {
            return Err(format!("an entry has the name {}", shown(name)));
        }
        let sayable = name.len() <= MAX_NAME_BYTES
            && std::str::from_utf8(name)
                .is_ok_and(|name| !name.contains('\\') && !name.chars().any(char::is_control));
        if !sayable {
            skipped.push(name);
            // It still takes part in the search for duplicates of nothing: two unsayable names harm nobody.
            continue;
        }
        let (Ok(start), Ok(name_bytes)) = (u32::try_from(start), u16::try_from(name.len())) else {
            return Err("the tree is larger than 4 GiB".to_owned());
        };
        slots.push(Slot { name: start, name_bytes, kind });
    }
    if !skipped.is_empty() {
        let names: Vec<_> = skipped.iter().take(SHOWN_NAMES).map(|name| shown(name)).collect();
        tracing::warn!(
            count = skipped.len(),
            names = names.join(", "),
            "files were skipped, their names cannot be used"
        );
    }
    let name = |slot: &Slot| {
        raw.get(slot.name as usize..slot.name as usize + usize::from(slot.name_bytes)).unwrap_or_default()
    };
    slots.sort_by(|a, b| name(a).cmp(name(b)));
    match slots.windows(2).find_map(|pair| match pair {
        [a, b] if name(a) == name(b) => Some(name(a)),
        _ => None,
    }) {
        Some(name) => Err(format!("two entries have the name {}", shown(name))),
        None => Ok(slots),
    }
}

fn entry_kind(mode: &[u8]) -> Option<EntryKind> {
    match mode {
        b"40000" | b"040000" => Some(EntryKind::Tree),
        b"100644" | b"100664" => Some(EntryKind::Blob),
        b"100755" => Some(EntryKind::BlobExecutable),
        b"120000" => Some(EntryKind::Link),
        b"160000" => Some(EntryKind::Commit),
        _ => None,
    }
}

/// `.`, `..`, and all that a file system could take for `.git`.
fn is_reserved(name: &[u8]) -> bool {
    let trimmed = name.trim_ascii_end();
    let end = trimmed.iter().rposition(|b| *b != b'.' && *b != b' ').map_or(0, |last| last + 1);
    let core = trimmed.get(..end).unwrap_or_default();
    matches!(name, b"." | b"..") || core.eq_ignore_ascii_case(b".git") || core.eq_ignore_ascii_case(b"git~1")
}

fn shown(bytes: &[u8]) -> String {
    net::excerpt(&format!("'{}'", bytes.escape_ascii()))
}

/// What a path leads to, links not followed.
pub(crate) enum Found {
    /// An entry of the tree itself.
    Entry(EntryKind, ObjectId),
    /// A path into a submodule: where that stands, its commit, and the rest.
    Inside(TreePath, ObjectId, TreePath),
    /// Nothing.
    Absent,
}

/// The tree of one commit as a file store. Submodules stay closed.
pub(crate) struct GitTree {
    pub(crate) objects: Arc<Objects>,
    pub(crate) root: ObjectId,
    pub(crate) refuse_lfs: bool,
}

impl GitTree {
    /// Walks down from the root.
    pub(crate) fn find(&self, path: &TreePath) -> Result<Found, FileError> {
        let mut here = (EntryKind::Tree, self.root);
        let mut walked = TreePath::root();
        let mut names = path.names();
        while let Some(name) = names.next() {
            let tree = self.tree(&walked, &here.1)?;
            let Some(found) = tree.find(name) else { return Ok(Found::Absent) };
            walked = child(&walked, name)?;
            here = found;
            match found.0 {
                EntryKind::Tree => {}
                EntryKind::Commit => {
                    let rest: Vec<_> = names.collect();
                    let rest = parsed(&rest.join("/"), path)?;
                    return Ok(Found::Inside(walked, found.1, rest));
                }
                EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => {
                    return Ok(if names.next().is_none() {
                        Found::Entry(found.0, found.1)
                    } else {
                        Found::Absent
                    });
                }
            }
        }
        Ok(Found::Entry(here.0, here.1))
    }

    fn tree(&self, path: &TreePath, id: &ObjectId) -> Result<Arc<DecodedTree>, FileError> {
        let tree = self.objects.tree(id).map_err(|detail| broken(path, detail))?;
        match &tree.refused {
            Some(reason) => Err(FileError::Refused { path: path.clone(), reason: reason.clone() }),
            None => Ok(tree),
        }
    }
}

impl Store for GitTree {
    fn entry(&self, path: &TreePath) -> Result<Option<(Kind, ContentId)>, FileError> {
        Ok(match self.find(path)? {
            Found::Entry(kind, id) => content_id(&id).map(|id| (to_kind(kind), id)),
            Found::Inside(_, commit, rest) if rest.is_root() => {
                content_id(&commit).map(|id| (Kind::Submodule, id))
            }
            Found::Inside(..) | Found::Absent => None,
        })
    }

    fn read(&self, path: &TreePath, cap_bytes: u64) -> Result<Arc<[u8]>, FileError> {
        let id = match self.find(path)? {
            Found::Entry(EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link, id) => id,
            Found::Entry(EntryKind::Tree | EntryKind::Commit, _) => {
                return Err(FileError::NotAFile { path: path.clone() });
            }
            Found::Inside(_, _, rest) if rest.is_root() => {
                return Err(FileError::NotAFile { path: path.clone() });
            }
            Found::Inside(..) | Found::Absent => return Err(FileError::NotFound { path: path.clone() }),
        };
        let bytes = self
            .objects
            .with(|odb| gix::prelude::HeaderExt::header(odb, id))
            .map(|header| header.size())
            .map_err(|error| {
                self.objects.damaged.store(true, Ordering::Relaxed);
                broken(path, error.to_string())
            })?;
        if bytes > cap_bytes {
            return Err(FileError::TooLarge { path: path.clone(), bytes, limit: cap_bytes });
        }
        let content: Arc<[u8]> = self
            .objects
            .decode(&id, |kind, data| match kind {
                gix::objs::Kind::Blob => Ok(data.into()),
                kind => Err(format!("object {id} is a {kind} and no file")),
            })
            .map_err(|detail| broken(path, detail))?;
        if self.refuse_lfs && content.len() <= LFS_BYTES && content.starts_with(LFS_MAGIC) {
            let reason = "is a Git LFS pointer, and Git LFS is not supported".to_owned();
            return Err(FileError::Refused { path: path.clone(), reason });
        }
        Ok(content)
    }

    fn list(&self, path: &TreePath) -> Result<Vec<Entry>, FileError> {
        let id = match self.find(path)? {
            Found::Entry(EntryKind::Tree, id) => id,
            Found::Inside(_, _, rest) if rest.is_root() => return Ok(Vec::new()),
            Found::Inside(..) | Found::Absent => return Err(FileError::NotFound { path: path.clone() }),
            Found::Entry(..) => return Err(FileError::NotADirectory { path: path.clone() }),
        };
        let tree = self.tree(path, &id)?;
        let entry = |(name, kind, id): (&str, EntryKind, ObjectId)| {
            Some(Entry { name: name.to_owned(), kind: to_kind(kind), id: content_id(&id)? })
        };
        Ok(tree.entries().filter_map(entry).collect())
    }
}

fn to_kind(kind: EntryKind) -> Kind {
    match kind {
        EntryKind::Tree => Kind::Directory,
        EntryKind::Blob => Kind::File { executable: false },
        EntryKind::BlobExecutable => Kind::File { executable: true },
        EntryKind::Link => Kind::Symlink,
        EntryKind::Commit => Kind::Submodule,
    }
}

pub(crate) fn content_id(id: &ObjectId) -> Option<ContentId> {
    ContentId::from_git(id.as_slice())
}

pub(crate) fn broken(path: &TreePath, detail: String) -> FileError {
    FileError::Store { path: path.clone(), source: Arc::new(std::io::Error::other(detail)) }
}

/// `directory/name`; the name comes from a path that was parsed, so it is a single sound part.
fn child(directory: &TreePath, name: &str) -> Result<TreePath, FileError> {
    directory
        .join(name)
        .map_err(|error| FileError::Refused { path: directory.clone(), reason: error.to_string() })
}

fn parsed(text: &str, whole: &TreePath) -> Result<TreePath, FileError> {
    TreePath::parse(text)
        .map_err(|error| FileError::Refused { path: whole.clone(), reason: error.to_string() })
}

#[cfg(test)]
mod tests;
