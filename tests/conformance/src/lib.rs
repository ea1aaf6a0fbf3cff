//! One suite for two API servers: the simulator is held against the real kube-apiserver.
//!
//! [`stories`] tells what workloads do, whoever runs their controllers.

#![expect(
    clippy::missing_errors_doc,
    reason = "stories fail for one reason only: the cluster did something else"
)]

pub mod api;
pub mod stories;

/// How long any one step of a story may take on a busy machine.
pub(crate) const fn stories_patience() -> std::time::Duration {
    std::time::Duration::from_secs(60)
}
