//! What can go wrong in a build.

use filetree::FileError;

use crate::remote::RemoteNeed;

/// Why a build failed. Texts follow the command's, which are chains of "doing this: doing that: what is wrong".
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// These have to be fetched and given in [`crate::Remotes`]; then build again.
    #[error("{} things have to be fetched first: {}", .0.len(), list(.0))]
    Needs(Vec<RemoteNeed>),
    /// More than [`crate::Limits`] allows.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
    /// Something that is never done, whatever the options.
    #[error("{0}")]
    Refused(String),
    /// A file could not be read for a reason that says nothing about the kustomization.
    #[error(transparent)]
    File(#[from] FileError),
    /// What the kustomization or a resource says is wrong.
    #[error("{message}")]
    Invalid {
        /// The whole chain.
        message: String,
        /// What the peer tells apart.
        fault: Fault,
    },
}

/// A build that failed, with what it had said by then.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// Why it failed.
    pub error: Error,
    /// What the command says on its standard error before that: deprecated fields, above all.
    pub warnings: Vec<String>,
}

/// Kinds of wrong that callers inside this crate treat differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing special.
    Other,
    /// A text that is no YAML.
    Yaml,
}

impl Error {
    /// A plain error.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), fault: Fault::Other }
    }

    /// Whether nothing else is to be tried: the tree, a limit or a rule of ours is the reason, not what the kustomization says.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Invalid { .. })
    }

    /// What the peer tells apart.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Invalid { fault, .. } => *fault,
            Self::Needs(_) | Self::Limit { .. } | Self::Refused(_) | Self::File(_) => Fault::Other,
        }
    }

    /// The same error, with what was being done in front: `doing: cause`.
    #[must_use]
    pub(crate) fn within(self, doing: &str) -> Self {
        match self {
            Self::Invalid { message, fault } => {
                Self::Invalid { message: format!("{doing}: {message}"), fault }
            }
            other => other,
        }
    }
}

fn list(needs: &[RemoteNeed]) -> String {
    needs.iter().map(|need| need.text.as_str()).collect::<Vec<_>>().join(", ")
}
