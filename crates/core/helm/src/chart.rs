//! A chart in memory, and how it is read.

mod files;
mod load;
mod source;

#[cfg(test)]
mod tests;

use crate::archive::{Archive, ArchiveLimits};
use crate::error::Error;
use crate::lock::Lock;
use crate::metadata::{Dependency, Metadata};
use filetree::{FileTree, TreePath};
use serde_json::{Map, Value};
use std::sync::Arc;

pub use files::ChartFile;
pub(crate) use files::ChartFiles;

/// What reading a chart may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadLimits {
    /// Of each archive, the chart's own and those in `charts/`.
    pub archive: ArchiveLimits,
    /// Bytes of all archives together, unpacked.
    pub archives_bytes: u64,
    /// Bytes of one file of a directory. Helm has the same limit.
    pub file_bytes: u64,
    /// Charts in charts.
    pub depth: usize,
    /// Charts together.
    pub charts: usize,
    /// Names of files and directories looked at in directories.
    pub entries: usize,
    /// Of each YAML file.
    pub yaml: goyaml::Limits,
}

impl Default for LoadLimits {
    /// 5 MiB a file, 256 MiB of archives, 30 levels, 1,000 charts, 100,000 names, 500,000 values in a file.
    fn default() -> Self {
        Self {
            archive: ArchiveLimits::default(),
            archives_bytes: 256 << 20,
            file_bytes: 5 << 20,
            depth: 30,
            charts: 1000,
            entries: 100_000,
            yaml: goyaml::Limits { nodes: 500_000, ..goyaml::Limits::default() },
        }
    }
}

/// A chart with its subcharts.
///
/// One that was read from a directory reads some files only when a template asks for them (`.Files`), so that the tree's record
/// holds what a render depends on and no more.
#[derive(Clone)]
pub struct Chart {
    pub(crate) metadata: Metadata,
    pub(crate) lock: Option<Lock>,
    pub(crate) values: Option<Arc<Map<String, Value>>>,
    pub(crate) schema: Option<Arc<[u8]>>,
    pub(crate) templates: Vec<ChartFile>,
    pub(crate) files: ChartFiles,
    pub(crate) dependencies: Vec<Arc<Self>>,
    pub(crate) warnings: Vec<String>,
}

impl Chart {
    /// Reads a chart from a directory of a tree.
    ///
    /// **Shape**: `charts/` may hold directories and archives. Files that `.helmignore` names are not there.
    /// **Errors**: [`Error::File`], [`Error::Archive`], [`Error::Chart`] in Helm's words.
    /// **Source**: Helm 3.22, `loader.LoadDir`. We differ: files that no template asks for are not read, so their size is not looked
    /// at, and a link that leads nowhere is as if it were not there.
    pub fn from_tree(tree: &Arc<FileTree>, path: &TreePath, limits: &LoadLimits) -> Result<Self, Error> {
        load::from_tree(tree, path, limits)
    }

    /// Reads a chart from a `.tgz`.
    ///
    /// **Errors**: [`Error::Archive`], [`Error::Chart`] in Helm's words.
    /// **Source**: Helm 3.22, `loader.LoadArchive`. `.helmignore` has no say here.
    pub fn from_archive(bytes: &[u8], limits: &LoadLimits) -> Result<Self, Error> {
        load::from_archive(bytes, limits)
    }

    /// As [`Chart::from_archive`], from an archive that was read before.
    pub fn from_files(archive: &Archive, limits: &LoadLimits) -> Result<Self, Error> {
        load::from_files(archive, limits)
    }

    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// `Chart.yaml`.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// `Chart.lock` or `requirements.lock`, if there is one.
    pub fn lock(&self) -> Option<&Lock> {
        self.lock.as_ref()
    }

    /// `values.yaml`, numbers as they are written; `None` if there is none.
    pub fn values(&self) -> Option<&Map<String, Value>> {
        self.values.as_deref()
    }

    /// The charts in `charts/`, by the names of their files.
    pub fn dependencies(&self) -> impl Iterator<Item = &Self> {
        self.dependencies.iter().map(Arc::as_ref)
    }

    /// The dependencies of `Chart.yaml` that no chart in `charts/` has the name of. Versions do not matter here, as in Helm.
    pub fn missing_dependencies(&self) -> Vec<&Dependency> {
        let there = |wanted: &Dependency| self.dependencies.iter().any(|chart| chart.name() == wanted.name);
        self.metadata.dependencies.iter().flatten().filter(|wanted| !there(wanted)).collect()
    }

    /// Puts a fetched chart where `charts/` would have it.
    pub fn add_dependency(&mut self, chart: Self) {
        self.dependencies.push(Arc::new(chart));
    }
}

impl std::fmt::Debug for Chart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chart({} {})", self.metadata.name, self.metadata.version)
    }
}
