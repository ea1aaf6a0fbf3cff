//! A git server over smart HTTP for the playground and for tests: repositories made from files, cloned, fetched and
//! pushed to with any git. Not for production, and it says so: no authentication, loopback only by its callers' choice.
//!
//! It knows nothing of Kubernetes and of Capstan. Nothing forks: objects and refs are gix's, the protocol is our own
//! (fetch in version 2, push in version 0, whole objects without deltas).

mod http;
mod pack;
mod pkt;
mod receive;
mod repository;
mod upload;

pub use http::GitServer;
pub use repository::File;

/// Why a request or a repository could not be served.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The client asked for something that is not understood or not there.
    #[error("{0}")]
    Request(String),
    /// The repository cannot be read or written.
    #[error("the repository failed: {0}")]
    Repository(String),
    /// The server could not be started.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

impl GitError {
    #[expect(clippy::needless_pass_by_value, reason = "taken as `map_err` gives it")]
    pub(crate) fn request(cause: impl ToString) -> Self {
        Self::Request(cause.to_string())
    }

    #[expect(clippy::needless_pass_by_value, reason = "taken as `map_err` gives it")]
    pub(crate) fn repository(cause: impl ToString) -> Self {
        Self::Repository(cause.to_string())
    }
}
