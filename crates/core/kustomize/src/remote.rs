//! Things that lie elsewhere: bases in other repositories, files by address.

use std::collections::BTreeMap;
use std::sync::Arc;

use filetree::{FileTree, TreePath};

/// Something that has to be fetched before a build can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteNeed {
    /// As the kustomization says it; the key in [`Remotes`].
    pub text: String,
    /// The repository, unless it is a file by http.
    pub repository: Option<RepoSpec>,
}

/// A directory in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoSpec {
    /// What to fetch from.
    pub url: String,
    /// Directory in the repository, empty for its root.
    pub path: String,
    /// Branch, tag or commit; empty for the default branch.
    pub reference: String,
    /// Whether submodules are wanted.
    pub submodules: bool,
}

/// What was fetched, by the text that asked for it.
#[derive(Debug, Clone, Default)]
pub struct Remotes(pub BTreeMap<String, Supply>);

/// One fetched thing.
#[derive(Clone)]
pub enum Supply {
    /// A repository's files, and the directory that was asked for.
    Tree(Arc<FileTree>, TreePath),
    /// A file.
    File(Arc<[u8]>),
}

impl std::fmt::Debug for Supply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tree(_, path) => f.debug_tuple("Tree").field(path).finish(),
            Self::File(bytes) => f.debug_tuple("File").field(&bytes.len()).finish(),
        }
    }
}
