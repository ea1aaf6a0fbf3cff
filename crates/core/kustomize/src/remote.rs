//! Things that lie elsewhere: bases in other repositories, files by address.

mod spec;

use std::collections::BTreeMap;
use std::sync::Arc;

use filetree::{FileTree, TreePath};

pub use spec::RepoSpec;

/// Something that has to be fetched before a build can go on.
///
/// Where both [`RemoteNeed::file`] and [`RemoteNeed::repository`] are there, the command asks for the file first, and clones when what it got
/// holds no resources; [`RemoteNeed::looks_like_file`] says which of the two it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteNeed {
    /// As the kustomization says it; the key in [`Remotes`].
    pub text: String,
    /// The address of a file, for http and https.
    pub file: Option<String>,
    /// The repository that it may be in.
    pub repository: Option<RepoSpec>,
    /// A chart that `helmCharts` names and that is not in the tree; given as [`Supply::File`] (its archive) or [`Supply::Tree`].
    pub chart: Option<ChartNeed>,
}

/// A chart in a repository of charts or a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartNeed {
    /// Address of the repository, or `oci://…` without the chart's name.
    pub repo: String,
    /// The chart's name.
    pub name: String,
    /// A version or a range, empty for the newest.
    pub version: String,
}

impl RemoteNeed {
    /// What a text names if it is no path in the tree: a file by http, a directory in a repository, or either.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let file = is_http(text).then(|| text.to_owned());
        let repository = RepoSpec::parse(text);
        (file.is_some() || repository.is_some()).then(|| Self {
            text: text.to_owned(),
            file,
            repository,
            chart: None,
        })
    }

    /// A chart.
    pub(crate) fn chart(chart: ChartNeed) -> Self {
        let text = format!("chart:{} {} {}", chart.repo, chart.name, chart.version);
        Self { text, file: None, repository: None, chart: Some(chart) }
    }

    /// Whether the text ends like a manifest and has nothing that only repositories have (`.git`, `_git/`, `//`, `ref=`).
    pub fn looks_like_file(&self) -> bool {
        let Some(address) = &self.file else { return false };
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let behind = path.split_once("://").map_or(path, |(_, rest)| rest);
        let manifest = [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
        self.repository.is_none()
            || (manifest
                && !behind.contains("//")
                && !behind.contains("_git/")
                && !behind.contains(".git/")
                && !address.contains("?ref="))
    }
}

/// Whether the command would ask for this text by http.
pub(crate) fn is_http(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Whether git would start a program of that name for this text (`ext::…`, also behind `git::`).
pub(crate) fn is_helper(text: &str) -> bool {
    let behind = text.split_at_checked(5).filter(|(start, _)| start.eq_ignore_ascii_case("git::"));
    let helper = behind.map_or(text, |(_, rest)| rest).split_once("::").map(|(helper, _)| helper);
    helper.is_some_and(|helper| !helper.is_empty() && helper.bytes().all(|b| b.is_ascii_alphanumeric()))
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

#[cfg(test)]
mod tests;
