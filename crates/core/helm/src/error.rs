//! What can go wrong, in Helm's words.

use crate::archive::ArchiveError;
use filetree::FileError;
use std::sync::Arc;

/// Why a chart could not be read or rendered. `Display` is what `helm template` prints after `Error: `, save for places where Helm has
/// no words because it has no such limit.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A file of the tree could not be read. [`FileError::Store`] may pass by itself; nothing else here does.
    #[error("{0}")]
    File(#[source] FileError),
    /// An archive was refused.
    #[error("{at}{source}")]
    Archive {
        /// `error unpacking subchart x.tgz in y: `, or empty for the archive itself.
        at: String,
        /// Why.
        source: ArchiveError,
    },
    /// The chart is not one: a file of it cannot be read, or says something impossible.
    #[error("{0}")]
    Chart(String),
    /// Charts named in `Chart.yaml` are not in `charts/`. Fetch them and give them to [`crate::Chart::add_dependency`].
    #[error(
        "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing \
         dependencies: found in Chart.yaml, but missing in charts/ directory: {}", .0.join(", ")
    )]
    MissingDependencies(Vec<String>),
    /// The name of the release is none.
    #[error("{0}")]
    ReleaseName(String),
    /// Values that cannot be read or put together.
    #[error("{0}")]
    Values(String),
    /// Values that a `values.schema.json` refuses.
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
    Schema(String),
    /// The chart is for other versions of Kubernetes.
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {found}")]
    KubeVersion {
        /// The chart's range.
        wanted: String,
        /// The version that it was rendered for.
        found: String,
    },
    /// A template does not parse, or failed while it ran.
    #[error("{0}")]
    Template(String),
    /// A limit of the run was reached.
    #[error("{message}")]
    Exceeded {
        /// Where, and which.
        message: String,
        /// Which.
        limit: gotemplate::Exceeded,
    },
    /// What a template made is no manifest.
    #[error("YAML parse error on {file}: {message}")]
    Manifest {
        /// The template, with its chart.
        file: String,
        /// In the words of Kubernetes' YAML library.
        message: String,
        /// The text that is no manifest.
        text: Arc<str>,
    },
    /// A file asked for by `--show-only` is not there.
    #[error("could not find template {0} in chart")]
    NoSuchTemplate(String),
}

impl Error {
    /// Whether templates had begun to be rendered. `helm template` adds a hint about `--debug` to these.
    #[must_use]
    pub fn is_rendering(&self) -> bool {
        matches!(
            self,
            Self::KubeVersion { .. } | Self::Template(_) | Self::Exceeded { .. } | Self::Manifest { .. }
        )
    }

    /// The same error of a subchart, seen from the chart that holds it.
    pub(crate) fn in_subchart(self, name: &str, parent: &str) -> Self {
        let at = format!("error unpacking subchart {name} in {parent}: ");
        match self {
            Self::Archive { at: inner, source } => Self::Archive { at: at + &inner, source },
            Self::Chart(message) => Self::Chart(at + &message),
            other => other,
        }
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}
