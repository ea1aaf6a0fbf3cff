//! Submodules as directories: a tree made of trees, each further one fetched when something in it is first looked at.

use crate::error::SourceError;
use crate::remote::Remote;
use crate::sources::Inner;
use crate::tree::{Found, GitTree, broken, content_id};
use filetree::{ContentId, Entry, FileError, Kind, Store, TreePath};
use gix::ObjectId;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// How deep submodules may have submodules.
pub(crate) const MAX_DEPTH: usize = 8;

/// How many submodules one snapshot may open, those of submodules included.
pub(crate) const MAX_MODULES: usize = 64;

/// Largest `.gitmodules`, in bytes.
const GITMODULES_BYTES: u64 = 1 << 20;

/// What one snapshot and its submodules share.
pub(crate) struct Budget {
    opened: AtomicUsize,
}

impl Budget {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { opened: AtomicUsize::new(0) })
    }
}

/// A commit's tree in which the submodules are directories.
pub(crate) struct WithSubmodules {
    tree: GitTree,
    remote: Remote,
    sources: Weak<Inner>,
    depth: usize,
    budget: Arc<Budget>,
    /// Path → URL, from `.gitmodules`; the reason when that cannot be read.
    urls: OnceLock<Result<BTreeMap<TreePath, String>, String>>,
    opened: Mutex<BTreeMap<TreePath, Arc<dyn Store>>>,
}

impl WithSubmodules {
    pub(crate) fn new(
        tree: GitTree,
        remote: Remote,
        sources: Weak<Inner>,
        depth: usize,
        budget: Arc<Budget>,
    ) -> Self {
        Self { tree, remote, sources, depth, budget, urls: OnceLock::new(), opened: Mutex::default() }
    }

    /// The tree of the submodule at `at`, fetched now when this is the first time.
    fn open(&self, at: &TreePath, commit: &ObjectId) -> Result<Arc<dyn Store>, FileError> {
        // Held while fetching: who comes second would only fetch the same.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = opened.get(at) {
            return Ok(Arc::clone(store));
        }
        let refuse = |reason: String| FileError::Refused { path: at.clone(), reason };
        if self.depth >= MAX_DEPTH {
            return Err(refuse(format!("submodules lie deeper in one another than {MAX_DEPTH}")));
        }
        let urls = self.urls.get_or_init(|| self.urls()).as_ref().map_err(|reason| refuse(reason.clone()))?;
        let url =
            urls.get(at).ok_or_else(|| refuse("a submodule without an entry in .gitmodules".to_owned()))?;
        let url = self.remote.url.submodule(url).map_err(|error| refuse(format!("submodule: {error}")))?;
        if !self.remote.may_lead_to(url.scheme()) {
            return Err(refuse("submodule: its URL is a file of this machine".to_owned()));
        }
        if self.budget.opened.fetch_add(1, Ordering::Relaxed) >= MAX_MODULES {
            return Err(refuse(format!("more than {MAX_MODULES} submodules")));
        }
        let sources = self.sources.upgrade().ok_or_else(|| broken(at, "the program is ending".to_owned()))?;
        let remote = self.remote.submodule(url);
        let commit = commit.to_string();
        // In a thread of its own: the caller may be anywhere, also where nothing may block on the network.
        let snapshot = std::thread::scope(|scope| {
            let fetch = || sources.snapshot(&remote, &commit, self.depth + 1, &self.budget);
            scope.spawn(fetch).join()
        });
        let snapshot = snapshot.map_err(|_| broken(at, "fetching the submodule panicked".to_owned()))?;
        let snapshot = snapshot.map_err(|error| match error {
            error if error.is_transient() => FileError::Store { path: at.clone(), source: Arc::new(error) },
            error @ SourceError::Url(_) => refuse(format!("submodule: {error}")),
            // A Secret may be put right; the commit stays the same.
            error => FileError::Store { path: at.clone(), source: Arc::new(error) },
        })?;
        opened.insert(at.clone(), Arc::clone(&snapshot.store));
        Ok(Arc::clone(&snapshot.store))
    }

    fn urls(&self) -> Result<BTreeMap<TreePath, String>, String> {
        let path = TreePath::parse(".gitmodules").map_err(|error| error.to_string())?;
        let text = match self.tree.read(&path, GITMODULES_BYTES) {
            Ok(text) => text,
            Err(FileError::NotFound { .. }) => return Ok(BTreeMap::new()),
            Err(error) => return Err(error.to_string()),
        };
        parse(&text)
    }
}

/// Path → URL. Sections that lack one of them, or whose path is none, are passed over, as git does.
fn parse(text: &[u8]) -> Result<BTreeMap<TreePath, String>, String> {
    let metadata = gix::config::file::Metadata::api();
    let config = gix::config::File::from_bytes_no_includes(text, metadata, Default::default())
        .map_err(|error| format!(".gitmodules cannot be read: {error}"))?;
    let mut urls = BTreeMap::new();
    for section in config.sections_by_name("submodule").into_iter().flatten() {
        let value = |key| section.value(key).map(|value| value.to_string());
        if let (Some(path), Some(url)) = (value("path"), value("url"))
            && let Ok(path) = TreePath::parse(&path)
        {
            urls.insert(path, url);
        }
    }
    Ok(urls)
}

impl Store for WithSubmodules {
    fn entry(&self, path: &TreePath) -> Result<Option<(Kind, ContentId)>, FileError> {
        match self.tree.find(path)? {
            Found::Inside(_, commit, rest) if rest.is_root() => {
                Ok(content_id(&commit).map(|id| (Kind::Directory, id)))
            }
            Found::Inside(at, commit, rest) => {
                self.open(&at, &commit)?.entry(&rest).map_err(|error| below(&at, error))
            }
            Found::Entry(..) | Found::Absent => self.tree.entry(path),
        }
    }

    fn read(&self, path: &TreePath, cap_bytes: u64) -> Result<Arc<[u8]>, FileError> {
        match self.tree.find(path)? {
            Found::Inside(at, commit, rest) if !rest.is_root() => {
                self.open(&at, &commit)?.read(&rest, cap_bytes).map_err(|error| below(&at, error))
            }
            Found::Inside(..) | Found::Entry(..) | Found::Absent => self.tree.read(path, cap_bytes),
        }
    }

    fn list(&self, path: &TreePath) -> Result<Vec<Entry>, FileError> {
        let mut entries = match self.tree.find(path)? {
            Found::Inside(at, commit, rest) => {
                return self.open(&at, &commit)?.list(&rest).map_err(|error| below(&at, error));
            }
            Found::Entry(..) | Found::Absent => self.tree.list(path)?,
        };
        for entry in &mut entries {
            if entry.kind == Kind::Submodule {
                entry.kind = Kind::Directory;
            }
        }
        Ok(entries)
    }
}

/// An error from inside a submodule, with the path as the whole tree has it.
fn below(at: &TreePath, mut error: FileError) -> FileError {
    let path = match &mut error {
        FileError::NotFound { path }
        | FileError::NotAFile { path }
        | FileError::NotADirectory { path }
        | FileError::LeavesTree { path, .. }
        | FileError::TooManyLinks { path, .. }
        | FileError::TooLarge { path, .. }
        | FileError::TotalTooLarge { path, .. }
        | FileError::Refused { path, .. }
        | FileError::Store { path, .. } => path,
    };
    if let Ok(whole) = at.join(path.as_str()) {
        *path = whole;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn gitmodules_name_paths_and_urls() {
        let text = b"[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = ../lib.git\n[submodule \"no-url\"]\n\tpath = x\n\
            [submodule \"climbs\"]\n\tpath = ../../etc\n\turl = ../e\n[include]\n\tpath = /etc/passwd\n";
        let urls: Vec<_> =
            parse(text).unwrap().into_iter().map(|(path, url)| (path.to_string(), url)).collect();
        assert_eq!(urls, [("vendor/lib".to_owned(), "../lib.git".to_owned())]);
        assert!(parse(b"[submodule \"x").is_err());
    }
}
