//! What `.Files` shows: everything that is not `Chart.yaml`, values, a template or a subchart.

use super::source::Source;
use crate::error::Error;
use std::sync::Arc;

/// A file of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFile {
    /// Below the chart's directory, `/` between names.
    pub name: Arc<str>,
    /// Its content, without a byte order mark.
    pub content: Arc<[u8]>,
}

/// The files of one chart that are none of the others. Those of a directory are read when asked for.
#[derive(Clone)]
pub(crate) struct ChartFiles {
    pub(super) source: Arc<Source>,
    /// `requirements.yaml` and `.lock` count as files of an old chart.
    pub(super) old: bool,
}

impl ChartFiles {
    /// One file; none when it is not there or not a file of this sort.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Arc<[u8]>>, Error> {
        if self.counts(name) { self.source.read(name) } else { Ok(None) }
    }

    /// The names of all of them.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        let mut names = self.source.names("")?;
        names.retain(|name| self.counts(name));
        Ok(names)
    }

    /// All of them, in the order of the archive or by name.
    pub(crate) fn all(&self) -> Result<Vec<ChartFile>, Error> {
        self.read_all(self.source.names("")?)
    }

    /// Those of `crds/` that are YAML or JSON by name.
    pub(crate) fn crds(&self) -> Result<Vec<ChartFile>, Error> {
        let mut names = self.source.names("crds")?;
        names.retain(|name| {
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        });
        self.read_all(names)
    }

    fn read_all(&self, names: Vec<String>) -> Result<Vec<ChartFile>, Error> {
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            if self.counts(&name)
                && let Some(content) = self.source.read(&name)?
            {
                files.push(ChartFile { name: name.into(), content });
            }
        }
        Ok(files)
    }

    fn counts(&self, name: &str) -> bool {
        match name {
            "Chart.yaml" | "Chart.lock" | "values.yaml" | "values.schema.json" => false,
            "requirements.yaml" | "requirements.lock" => self.old,
            name if name.starts_with("templates/") => false,
            name => !name.starts_with("charts/") || name.ends_with(".prov"),
        }
    }
}
