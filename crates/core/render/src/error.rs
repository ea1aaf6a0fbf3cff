use filetree::FileError;

/// Why a source has no result. `Display` is complete: what, in which file, on which line.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RenderError {
    /// The source asks for a plugin without a name, and no plugin wants it.
    #[error("could not find plugin supporting the given repository")]
    NoPlugin,
    /// More than one of `helm`, `kustomize`, `directory` and `plugin` is set.
    #[error("multiple application sources defined: {tools}")]
    SeveralTools {
        /// Their names, with commas.
        tools: String,
    },
    /// `path` is no directory of the revision.
    #[error("{path}: app path does not exist")]
    NoSuchPath {
        /// As in the source.
        path: String,
    },
    /// `directory.include` or `directory.exclude` cannot be read as a glob.
    #[error("{field}: glob '{pattern}': {problem}")]
    Glob {
        /// The field.
        field: &'static str,
        /// Its value.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something has to be fetched first: give it with the next try, in [`crate::Supplies`].
    #[error("{} things have to be fetched first", .0.len())]
    Needs(Vec<crate::Need>),
    /// A chart cannot be read or rendered, in Helm's words.
    #[error("{0}")]
    Helm(#[from] helm::Error),
    /// A kustomization cannot be built, in Kustomize's words.
    #[error("kustomize build {path}: {error}")]
    Kustomize {
        /// The directory that was built.
        path: String,
        /// What is wrong.
        error: kustomize::Error,
    },
    /// A Jsonnet file has no result, in go-jsonnet's words, with the places one a line.
    #[error("failed to evaluate jsonnet {path}: {error}")]
    Jsonnet {
        /// The file that was evaluated.
        path: String,
        /// What is wrong, and where.
        error: jsonnet::Error,
    },
    /// The operator's options for `kustomize build` cannot be honoured.
    #[error("argocd-cm: {key}: {problem}")]
    BuildOptions {
        /// The setting.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An entry of a list cannot be used.
    #[error("{field}: '{entry}': {problem}")]
    Entry {
        /// The field.
        field: &'static str,
        /// The entry, shown as it may be.
        entry: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file cannot be read, or is larger than a file may be.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is not YAML, or too much of it.
    #[error("{path}: {problem}")]
    Yaml {
        /// The file.
        path: String,
        /// What is wrong, with the line.
        problem: Box<goyaml::Error>,
    },
    /// A file is YAML, but not what it should be.
    #[error("{path}: line {line}: {field}{}{problem}", if field.is_empty() { "" } else { ": " })]
    Malformed {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// The field, from the root of the document; empty for the document itself.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A `.json` file with more than one object.
    #[error("{path}: line {line}: only single objects are allowed in JSON files")]
    SeveralObjects {
        /// The file.
        path: String,
        /// Where the second object starts.
        line: usize,
    },
    /// More than a render may take or give.
    #[error("{path}: {what} would be more than the limit of {limit} ({name})")]
    Limit {
        /// The file that breaks the limit.
        path: String,
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// Name of the setting or budget.
        name: &'static str,
    },
}

impl RenderError {
    /// Word for a condition: what kind of thing the user has to do.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoPlugin => "ToolNotSupported",
            Self::SeveralTools { .. } | Self::Glob { .. } | Self::Entry { .. } | Self::NoSuchPath { .. } => {
                "SourceInvalid"
            }
            Self::File(FileError::Store { .. })
            | Self::Helm(helm::Error::File(FileError::Store { .. }))
            | Self::Jsonnet { error: jsonnet::Error::File { file: FileError::Store { .. }, .. }, .. }
            | Self::Jsonnet { error: jsonnet::Error::Thread(_) | jsonnet::Error::Cancelled { .. }, .. }
            | Self::Needs(_) => "SourceUnavailable",
            Self::Jsonnet { error: jsonnet::Error::Limit { .. }, .. } => "LimitExceeded",
            Self::Kustomize { error: kustomize::Error::Limit { .. }, .. } => "LimitExceeded",
            Self::Helm(_) | Self::Kustomize { .. } | Self::Jsonnet { .. } => "ManifestInvalid",
            Self::BuildOptions { .. } => "SettingInvalid",
            Self::File(FileError::TooLarge { .. } | FileError::TotalTooLarge { .. }) | Self::Limit { .. } => {
                "LimitExceeded"
            }
            Self::File(_) => "FileInvalid",
            Self::Yaml { .. } | Self::Malformed { .. } | Self::SeveralObjects { .. } => "ManifestInvalid",
        }
    }

    /// Whether the same render may succeed later with nothing changed. Such an error must not be kept.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::File(FileError::Store { .. }) | Self::Helm(helm::Error::File(FileError::Store { .. })) => {
                true
            }
            Self::Jsonnet { error, .. } => error.is_transient(),
            _ => false,
        }
    }

    /// The file, where the error is about one.
    pub fn path(&self) -> Option<&str> {
        match self {
            // The place may be in a library.
            Self::Jsonnet { path, error } => Some(error.place().map_or(path, |place| &place.file)),
            Self::Yaml { path, .. }
            | Self::Kustomize { path, .. }
            | Self::Malformed { path, .. }
            | Self::SeveralObjects { path, .. }
            | Self::Limit { path, .. }
            | Self::NoSuchPath { path } => Some(path),
            Self::NoPlugin
            | Self::SeveralTools { .. }
            | Self::Glob { .. }
            | Self::Entry { .. }
            | Self::Needs(_)
            | Self::Helm(_)
            | Self::BuildOptions { .. }
            | Self::File(_) => None,
        }
    }

    /// The line in the file, from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Yaml { problem, .. } => problem.mark().map(|mark| mark.line),
            Self::Malformed { line, .. } | Self::SeveralObjects { line, .. } => Some(*line),
            Self::Jsonnet { error, .. } => {
                error.place().and_then(|place| usize::try_from(place.begin.0).ok())
            }
            Self::NoPlugin
            | Self::SeveralTools { .. }
            | Self::NoSuchPath { .. }
            | Self::Glob { .. }
            | Self::Entry { .. }
            | Self::Needs(_)
            | Self::Helm(_)
            | Self::Kustomize { .. }
            | Self::BuildOptions { .. }
            | Self::File(_)
            | Self::Limit { .. } => None,
        }
    }

    /// The field in the file or in the source.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Malformed { field, .. } if !field.is_empty() => Some(field),
            Self::Glob { field, .. } | Self::Entry { field, .. } => Some(field),
            Self::Malformed { .. }
            | Self::NoPlugin
            | Self::SeveralTools { .. }
            | Self::NoSuchPath { .. }
            | Self::Needs(_)
            | Self::Helm(_)
            | Self::Kustomize { .. }
            | Self::Jsonnet { .. }
            | Self::BuildOptions { .. }
            | Self::File(_)
            | Self::Yaml { .. }
            | Self::SeveralObjects { .. }
            | Self::Limit { .. } => None,
        }
    }
}
