//! Health of objects, and of the application that they form, as the peer's Go code judges them.
//!
//! It refuses to know how an object was read, what git wants of it, and what Lua says: a configured script goes
//! before [`of`]. Main types: [`Health`], [`Status`], [`Item`], [`Summary`].
//!
//! ```
//! use health::{Status, of};
//! let claim = resource::Object::from_value(serde_json::json!({
//!     "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Bound"}
//! }))?;
//! assert_eq!(of(&claim).map(|health| health.status), Some(Status::Healthy));
//! # Ok::<(), resource::NotAnObject>(())
//! ```

mod aggregate;
mod argo;
mod batch;
mod custom;
mod facts;
mod kinds;
mod pod;
mod read;
mod summary;
mod table;
mod workloads;

pub use aggregate::{Item, aggregate, is_ignored};
pub use facts::{Facts, Requests, amounts, facts, milli, requests};
pub use kinds::{by_rule, has_health, in_code, of};
pub use summary::{Summary, summary};

use api::HealthStatusCode;

/// How well something does, as the peer names it. The order is the peer's order of severity, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// As it should be.
    Healthy,
    /// Paused, or waiting for somebody.
    Suspended,
    /// Not there yet, may get there by itself.
    Progressing,
    /// Not in the cluster.
    Missing,
    /// Failed, or not getting there.
    Degraded,
    /// Cannot be told.
    Unknown,
}

impl Status {
    /// The word in `status.health.status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Suspended => "Suspended",
            Self::Progressing => "Progressing",
            Self::Missing => "Missing",
            Self::Degraded => "Degraded",
            Self::Unknown => "Unknown",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Healthy, Self::Suspended, Self::Progressing, Self::Missing, Self::Degraded, Self::Unknown]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Status> for HealthStatusCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Healthy => Self::Healthy,
            Status::Suspended => Self::Suspended,
            Status::Progressing => Self::Progressing,
            Status::Missing => Self::Missing,
            Status::Degraded => Self::Degraded,
            Status::Unknown => Self::Unknown,
        }
    }
}

/// A status and what explains it, empty where there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How it does.
    pub status: Status,
    /// Why, as the peer words it.
    pub message: String,
}

impl Health {
    /// A status with a message.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}
