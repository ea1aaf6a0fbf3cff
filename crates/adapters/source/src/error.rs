//! Why a repository gave nothing.

use crate::revision::RevisionError;
use crate::url::{RepoUrl, RepoUrlError};
use std::time::Duration;

/// A repository could not be read. Texts hold no secret; what servers said is escaped and shortened.
///
/// No variant means that something is gone: keep the last good [`crate::Refs`] and [`crate::Snapshot`] on every one of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The URL is none.
    #[error(transparent)]
    Url(#[from] RepoUrlError),
    /// The revision leads to no commit.
    #[error("{repo}: {error}")]
    Revision {
        /// The repository.
        repo: RepoUrl,
        /// What is wrong with it.
        error: RevisionError,
    },
    /// The operator, the Secret or this program does not do that. Nothing was tried.
    #[error("{repo}: {reason}")]
    Refused {
        /// The repository.
        repo: RepoUrl,
        /// What was refused.
        reason: String,
    },
    /// The server does not take our credentials, or wants some.
    #[error("{repo}: authentication failed: {detail}")]
    Unauthorized {
        /// The repository.
        repo: RepoUrl,
        /// What the server said.
        detail: String,
    },
    /// The server knows no such repository (or does not show it to us).
    #[error("{repo}: repository not found: {detail}")]
    NotFound {
        /// The repository.
        repo: RepoUrl,
        /// What the server said.
        detail: String,
    },
    /// We do not trust the server: its host key or its certificate.
    #[error("{repo}: the server is not trusted: {detail}")]
    Untrusted {
        /// The repository.
        repo: RepoUrl,
        /// What is wrong.
        detail: String,
    },
    /// No connection, or the server says that it cannot now.
    #[error("{repo}: not reachable: {detail}")]
    Unavailable {
        /// The repository.
        repo: RepoUrl,
        /// What happened.
        detail: String,
        /// When the server asked to come back.
        retry_after: Option<Duration>,
    },
    /// It took longer than the limit.
    #[error("{repo}: no answer within {} s", limit.as_secs())]
    TimedOut {
        /// The repository.
        repo: RepoUrl,
        /// The limit.
        limit: Duration,
    },
    /// The server sent more than the limit.
    #[error("{repo}: sent more than {limit} {what}")]
    TooLarge {
        /// The repository.
        repo: RepoUrl,
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The server answered out of form, or sent a broken pack.
    #[error("{repo}: the server did not answer as a git server: {detail}")]
    Protocol {
        /// The repository.
        repo: RepoUrl,
        /// What is wrong.
        detail: String,
    },
    /// The server does not have the commit, or not all of it.
    #[error("{repo}: commit {commit} is not there: {detail}")]
    NoCommit {
        /// The repository.
        repo: RepoUrl,
        /// Its id, or something that is none.
        commit: String,
        /// What is missing.
        detail: String,
    },
    /// Our own store of objects failed.
    #[error("{repo}: the object store failed: {detail}")]
    Store {
        /// The repository.
        repo: RepoUrl,
        /// What happened.
        detail: String,
    },
}

impl SourceError {
    /// Whether the same question may be answered another time without anybody changing a setting.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Url(_)
            | Self::Refused { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::Untrusted { .. } => false,
            Self::Revision { .. } | Self::TooLarge { .. } | Self::NoCommit { .. } => false,
            Self::Unavailable { .. } | Self::TimedOut { .. } | Self::Protocol { .. } | Self::Store { .. } => {
                true
            }
        }
    }
}
