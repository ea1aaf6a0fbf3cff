//! From files to a [`Chart`].

use super::source::{Child, Directory, Files, Source};
use super::{Chart, ChartFile, ChartFiles, LoadLimits};
use crate::archive::Archive;
use crate::error::Error;
use crate::lock::Lock;
use crate::metadata::Metadata;
use filetree::{FileTree, TreePath};
use std::sync::Arc;

/// What is left of the limits.
struct Budget<'a> {
    limits: &'a LoadLimits,
    archives_bytes: u64,
    charts: usize,
}

impl<'a> Budget<'a> {
    fn new(limits: &'a LoadLimits) -> Self {
        Self { limits, archives_bytes: limits.archives_bytes, charts: limits.charts }
    }

    fn unpack(&mut self, bytes: &[u8]) -> Result<Source, Error> {
        let mut limits = self.limits.archive;
        limits.total_bytes = limits.total_bytes.min(self.archives_bytes);
        let archive =
            Archive::read(bytes, &limits).map_err(|source| Error::Archive { at: String::new(), source })?;
        let bytes: u64 = archive.files().iter().map(|file| file.content.len() as u64).sum();
        self.archives_bytes = self.archives_bytes.saturating_sub(bytes);
        Ok(Source::Files(Files::new(archive.into_files())))
    }
}

pub(super) fn from_tree(tree: &Arc<FileTree>, path: &TreePath, limits: &LoadLimits) -> Result<Chart, Error> {
    let source = Source::Tree(Directory::new(tree, path, limits)?);
    load(source, &mut Budget::new(limits), 0)
}

pub(super) fn from_archive(bytes: &[u8], limits: &LoadLimits) -> Result<Chart, Error> {
    let mut budget = Budget::new(limits);
    let source = budget.unpack(bytes)?;
    load(source, &mut budget, 0)
}

pub(super) fn from_files(archive: &Archive, limits: &LoadLimits) -> Result<Chart, Error> {
    load(Source::Files(Files::new(archive.files().to_vec())), &mut Budget::new(limits), 0)
}

/// Charts nest at most [`LoadLimits::depth`] deep, so this may recurse.
fn load(source: Source, budget: &mut Budget<'_>, depth: usize) -> Result<Chart, Error> {
    let limits = budget.limits;
    if depth > limits.depth {
        return Err(Error::Chart(format!("charts nest deeper than {} levels", limits.depth)));
    }
    budget.charts = match budget.charts.checked_sub(1) {
        Some(left) => left,
        None => return Err(Error::Chart(format!("the chart has more than {} subcharts", limits.charts))),
    };
    let cannot_load = |file: &str, message: String| {
        Error::Chart(match message.starts_with("validation: ") {
            true => message,
            false => format!("cannot load {file}: {message}"),
        })
    };
    let mut warnings = Vec::new();
    let mut metadata = match source.read("Chart.yaml")? {
        Some(text) => {
            Some(Metadata::read(&text, &limits.yaml).map_err(|message| cannot_load("Chart.yaml", message))?)
        }
        None => None,
    };
    let is_old = |metadata: &Option<Metadata>| metadata.as_ref().is_some_and(|it| it.api_version == "v1");
    let mut lock = None;
    if let Some(text) = source.read("requirements.lock")? {
        if !is_old(&metadata) {
            warnings.push(
                "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock."
                    .to_owned(),
            );
        }
        let read = Lock::read(&text, &limits.yaml);
        lock = Some(read.map_err(|message| cannot_load("requirements.lock", message))?);
    }
    if let Some(text) = source.read("Chart.lock")? {
        let read = Lock::read(&text, &limits.yaml);
        lock = Some(read.map_err(|message| cannot_load("Chart.lock", message))?);
    }
    if let Some(text) = source.read("requirements.yaml")? {
        if !is_old(&metadata) {
            warnings.push(
                "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml."
                    .to_owned(),
            );
        }
        let read = metadata.get_or_insert_with(Metadata::default).read_on_top(&text, &limits.yaml);
        read.map_err(|message| cannot_load("requirements.yaml", message))?;
    }
    let values = match source.read("values.yaml")? {
        Some(text) => {
            let map = crate::go_json::yaml_map(&text, &limits.yaml, "map[string]interface {}");
            Some(Arc::new(map.map_err(|message| cannot_load("values.yaml", message))?))
        }
        None => None,
    };
    let Some(mut metadata) = metadata else {
        return Err(Error::Chart("Chart.yaml file is missing".to_owned()));
    };
    if metadata.api_version.is_empty() {
        return Err(Error::Chart("validation: chart.metadata.apiVersion is required".to_owned()));
    }
    metadata.check().map_err(Error::Chart)?;
    let schema = source.read("values.schema.json")?;
    let templates = templates(&source)?;
    let mut dependencies = Vec::new();
    for (name, child) in source.children()? {
        let loaded = match child {
            Child::Directory(inner) => {
                if matches!(inner, Source::Tree(_)) && inner.is_missing()? {
                    continue;
                }
                load(inner, budget, depth + 1)
            }
            Child::Archive(bytes) => budget.unpack(&bytes).and_then(|inner| load(inner, budget, depth + 1)),
        };
        dependencies.push(Arc::new(loaded.map_err(|error| error.in_subchart(&name, &metadata.name))?));
    }
    let old = metadata.api_version == "v1";
    let files = ChartFiles { source: Arc::new(source), old };
    Ok(Chart { metadata, lock, values, schema, templates, files, dependencies, warnings })
}

impl Source {
    /// Whether this is a directory in which nothing counts: no `Chart.yaml`, and nothing else either.
    fn is_missing(&self) -> Result<bool, Error> {
        Ok(self.read("Chart.yaml")?.is_none() && self.is_empty()?)
    }
}

fn templates(source: &Source) -> Result<Vec<ChartFile>, Error> {
    let mut templates = Vec::new();
    for name in source.names("templates")? {
        if let Some(content) = source.read(&name)? {
            templates.push(ChartFile { name: name.into(), content });
        }
    }
    Ok(templates)
}
