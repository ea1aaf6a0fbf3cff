//! Why a repository gave no chart.

use crate::digest::Digest;
use crate::url::{RepositoryUrl, RepositoryUrlError};
use std::time::Duration;

/// A chart could not be had. Texts hold no secret; what servers said is escaped and shortened.
///
/// No variant means that something is gone: keep the last good chart on every one of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The URL is none.
    #[error(transparent)]
    Url(#[from] RepositoryUrlError),
    /// The operator, the Secret or this program does not do that. Nothing was sent.
    #[error("{repo}: {reason}")]
    Refused {
        /// The repository or file, without secrets.
        repo: String,
        /// What was refused.
        reason: String,
    },
    /// The server does not take our credentials, or wants some.
    #[error("{repo}: authentication failed: {detail}")]
    Unauthorized {
        /// The repository or file.
        repo: String,
        /// What the server said.
        detail: String,
    },
    /// The server has no such index, artifact or file, or does not show it to us.
    #[error("{repo}: not found: {detail}")]
    NotFound {
        /// The repository or file.
        repo: String,
        /// What the server said.
        detail: String,
    },
    /// The index names no such chart.
    #[error("{repo}: chart {chart:?} is not in the index")]
    NoChart {
        /// The repository.
        repo: String,
        /// The chart.
        chart: String,
    },
    /// There is no such version of the chart, or none in the range.
    #[error("{repo}: chart {chart:?} has no version {revision:?} ({known} versions are known)")]
    NoVersion {
        /// The repository.
        repo: String,
        /// The chart.
        chart: String,
        /// The version or range that was asked for.
        revision: String,
        /// How many versions there are.
        known: usize,
    },
    /// We do not trust the server's certificate.
    #[error("{repo}: the server is not trusted: {detail}")]
    Untrusted {
        /// The repository or file.
        repo: String,
        /// What is wrong.
        detail: String,
    },
    /// No connection, or the server says that it cannot now.
    #[error("{repo}: not reachable: {detail}")]
    Unavailable {
        /// The repository or file.
        repo: String,
        /// What happened.
        detail: String,
        /// When the server asked to come back.
        retry_after: Option<Duration>,
    },
    /// It took longer than the limit.
    #[error("{repo}: {what} did not come within {} s", limit.as_secs_f32())]
    TimedOut {
        /// The repository or file.
        repo: String,
        /// What was asked for.
        what: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// More than the limit, said or sent.
    #[error("{repo}: {what} has more than {limit} {unit}")]
    TooLarge {
        /// The repository or file.
        repo: String,
        /// What was asked for.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// The server answered out of form.
    #[error("{repo}: the server did not answer as a chart repository: {detail}")]
    Protocol {
        /// The repository or file.
        repo: String,
        /// What is wrong.
        detail: String,
    },
    /// The content is not what the index, the manifest or the pin says.
    #[error("{repo}: {what} has the digest {found}, not {expected}")]
    Mismatch {
        /// The repository.
        repo: String,
        /// What was read.
        what: &'static str,
        /// What it should be.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// Our own files failed.
    #[error("{repo}: the chart cache failed: {detail}")]
    Store {
        /// The repository or file.
        repo: String,
        /// What happened.
        detail: String,
    },
}

impl ChartError {
    /// Whether the same question may be answered another time without anybody changing a setting.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::TimedOut { .. }
            | Self::Protocol { .. }
            | Self::Mismatch { .. }
            | Self::Store { .. } => true,
            Self::Url(_)
            | Self::Refused { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::NoChart { .. }
            | Self::NoVersion { .. }
            | Self::Untrusted { .. }
            | Self::TooLarge { .. } => false,
        }
    }

    /// When the server asked to come back.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What an error calls a repository.
pub(crate) fn named(url: &RepositoryUrl) -> String {
    url.to_string()
}
