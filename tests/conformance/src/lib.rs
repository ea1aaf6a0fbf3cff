//! One suite for two API servers: the simulator is held against the real kube-apiserver.
//!
//! [`suite`] sends requests that are written as text in `cases/`, takes out of the answers what differs from run to
//! run, and compares them with those of the real server, which are recorded in `golden/`: so the comparison runs where
//! the real server can't. `UPDATE=1` records them anew. A difference of the simulator is a failure, unless it stands
//! with its reason in `allowed.txt`.
//!
//! [`stories`] tells what workloads do, whoever runs their controllers.

pub mod api;
pub mod case;
pub mod normal;
pub mod stories;
pub mod suite;

/// How long any one step of a story may take on a busy machine.
pub(crate) const fn stories_patience() -> std::time::Duration {
    std::time::Duration::from_secs(60)
}
