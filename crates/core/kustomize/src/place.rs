//! Where a kustomization lies, and what it may read from there.

use std::sync::Arc;

use filetree::{FileError, FileTree, Kind, TreePath};

use crate::error::Error;
use crate::options::{LoadRestrictor, Options};
use crate::remote::{RemoteNeed, Supply};

/// A directory that is built, and those that led to it.
#[derive(Clone)]
pub(crate) struct Place {
    tree: Arc<FileTree>,
    root: TreePath,
    restrictor: LoadRestrictor,
    parent: Option<Arc<Self>>,
    /// The text by which the tree was fetched, for the place that it begins at.
    fetched: Option<String>,
    /// What the tree's root is called in messages.
    shown: Arc<str>,
}

impl Place {
    /// The directory where a build starts.
    pub(crate) fn start(
        tree: &Arc<FileTree>,
        target: &TreePath,
        options: &Options<'_>,
    ) -> Result<Self, Error> {
        let place = Self {
            tree: Arc::clone(tree),
            root: TreePath::root(),
            restrictor: options.load_restrictor,
            parent: None,
            fetched: None,
            shown: options.root.into(),
        };
        let root = place.directory(target)?;
        Ok(Self { root, ..place })
    }

    /// Its directory, for messages.
    pub(crate) fn shown(&self) -> String {
        self.show(&self.root)
    }

    /// Its directory in the tree.
    pub(crate) fn root(&self) -> &TreePath {
        &self.root
    }

    /// The tree that it lies in.
    pub(crate) fn tree(&self) -> &Arc<FileTree> {
        &self.tree
    }

    fn show(&self, path: &TreePath) -> String {
        match (path.is_root(), self.shown.is_empty()) {
            (true, true) => "/".to_owned(),
            (true, false) => self.shown.to_string(),
            (false, _) => format!("{}/{}", self.shown, path.as_str()),
        }
    }

    /// The bytes of a file that the kustomization names; only those of the tree.
    ///
    /// **Source**: kustomize `internal/loader`, api v0.21.2; absolute paths are never there.
    pub(crate) fn read(&self, path: &str) -> Result<Arc<[u8]>, Error> {
        let wanted = self.resolve(path)?;
        match self.restrictor {
            LoadRestrictor::RootOnly => {
                let (real, kind) = self.real(&wanted)?;
                if kind.is_directory() {
                    return Err(Error::invalid(format!("'{}' must resolve to a file", self.show(&wanted))));
                }
                let directory = real.parent().unwrap_or_default();
                if !within(&directory, &self.root) {
                    let (file, root) = (self.show(&wanted), self.shown());
                    return Err(Error::invalid(format!(
                        "security; file '{file}' is not in or below '{root}'"
                    )));
                }
                Ok(self.tree.read(&real)?)
            }
            LoadRestrictor::None => match self.tree.read(&wanted) {
                Err(FileError::NotFound { .. }) => {
                    Err(Error::invalid(format!("open {}: no such file or directory", self.show(&wanted))))
                }
                Err(FileError::NotAFile { .. }) => {
                    Err(Error::invalid(format!("read {}: is a directory", self.show(&wanted))))
                }
                read => Ok(read?),
            },
        }
    }

    /// Whether a path leads to a directory below.
    pub(crate) fn has_directory(&self, path: &TreePath) -> Result<bool, Error> {
        Ok(self.tree.kind(path)?.is_some_and(Kind::is_directory))
    }

    /// The place of a base or component.
    pub(crate) fn enter(&self, path: &str) -> Result<Self, Error> {
        if path.is_empty() {
            return Err(Error::invalid("new root cannot be empty"));
        }
        if path.starts_with('/') {
            return Err(Error::invalid(format!("new root '{path}' cannot be absolute")));
        }
        if path.split('/').any(|part| !matches!(part, "." | "..") && part.contains("..")) {
            let becomes = self.root.join(path).map_or_else(|_| path.to_owned(), |path| path.to_string());
            return Err(Error::invalid(format!(
                "path {path:?} is ambiguous: resolves to {becomes:?} after normalization, which is likely not the intended target; \
                 check for YAML indentation errors in your kustomization file"
            )));
        }
        let root = self.resolve(path).and_then(|path| self.directory(&path));
        let root = root.map_err(|error| error.within("must build at directory"))?;
        let mut before = Some(self);
        while let Some(place) = before {
            if within(&place.root, &root) && Arc::ptr_eq(&place.tree, &self.tree) {
                let (candidate, visited) = (self.show(&root), place.shown());
                return Err(Error::invalid(format!(
                    "cycle detected: candidate root '{candidate}' contains visited root '{visited}'"
                )));
            }
            before = place.parent.as_deref();
        }
        Ok(Self { root, parent: Some(Arc::new(self.clone())), fetched: None, ..self.clone() })
    }

    /// The place of a base in another repository, if it was fetched.
    pub(crate) fn enter_remote(&self, need: &RemoteNeed, supply: &Supply) -> Result<Self, Error> {
        let Supply::Tree(tree, root) = supply else {
            return Err(Error::invalid(format!("'{}' is a file; expecting directory", need.text)));
        };
        let mut before = Some(self);
        while let Some(place) = before {
            if let Some(fetched) = &place.fetched
                && fetched.starts_with(&need.text)
            {
                return Err(Error::invalid(format!(
                    "cycle detected: URI '{}' referenced by previous URI '{fetched}'",
                    need.text
                )));
            }
            before = place.parent.as_deref();
        }
        let shown = need.repository.as_ref().map_or(need.text.as_str(), |repository| repository.url.as_str());
        let place = Self {
            tree: Arc::clone(tree),
            root: TreePath::root(),
            // What comes from elsewhere never leaves its directory, whatever was asked for.
            restrictor: LoadRestrictor::RootOnly,
            parent: Some(Arc::new(self.clone())),
            fetched: Some(need.text.clone()),
            shown: shown.into(),
        };
        let root = place.directory(root)?;
        Ok(Self { root, ..place })
    }

    /// A path of the kustomization as one of the tree; links are not followed yet.
    fn resolve(&self, path: &str) -> Result<TreePath, Error> {
        let absent = |whole: String, first: String| {
            Error::invalid(format!(
                "evalsymlink failure on '{whole}' : lstat {first}: no such file or directory"
            ))
        };
        if path.starts_with('/') {
            let first = path.split('/').nth(1).unwrap_or_default();
            return Err(absent(path.to_owned(), format!("/{first}")));
        }
        self.root.join(path).map_err(|_| {
            let whole = format!("{}/{path}", self.shown());
            absent(whole.clone(), whole)
        })
    }

    /// Where a path leads, and what is there.
    fn real(&self, path: &TreePath) -> Result<(TreePath, Kind), Error> {
        if let Some(found) = self.tree.real_path(path)? {
            return Ok(found);
        }
        // The first name on the way that is not there.
        let mut here = TreePath::root();
        let mut reason = "no such file or directory";
        for name in path.names() {
            let inside = self.tree.kind(&here)?;
            let mut next = here.clone();
            next = next.join(name).unwrap_or(next);
            if inside.is_some_and(Kind::is_file) {
                reason = "not a directory";
            }
            here = next;
            if self.tree.kind(&here)?.is_none() {
                break;
            }
        }
        let (whole, first) = (self.show(path), self.show(&here));
        Err(Error::invalid(format!("evalsymlink failure on '{whole}' : lstat {first}: {reason}")))
    }

    fn directory(&self, path: &TreePath) -> Result<TreePath, Error> {
        let (real, kind) = self.real(path).map_err(|error| error.within("not a valid directory"))?;
        if !kind.is_directory() {
            return Err(Error::invalid(format!("'{}': file is not directory", self.show(path))));
        }
        Ok(real)
    }
}

/// Whether a directory is another one or lies below it.
fn within(directory: &TreePath, above: &TreePath) -> bool {
    above.is_root() || directory == above || directory.is_within(above)
}
