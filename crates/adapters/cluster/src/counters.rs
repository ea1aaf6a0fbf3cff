use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use resource::GroupKind;

/// API verbs by which requests are counted (`capstan_cluster_requests_total{verb}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Apply,
    Delete,
    Discover,
}

const VERBS: [Verb; 9] = [
    Verb::Get,
    Verb::List,
    Verb::Watch,
    Verb::Create,
    Verb::Update,
    Verb::Patch,
    Verb::Apply,
    Verb::Delete,
    Verb::Discover,
];

impl Verb {
    /// The metric's label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Apply => "apply",
            Self::Delete => "delete",
            Self::Discover => "discover",
        }
    }

    /// The word that RBAC has for it.
    pub(crate) fn rbac(self) -> &'static str {
        match self {
            Self::Apply => "patch",
            Self::Discover => "get",
            other => other.label(),
        }
    }
}

/// Counts of one cluster since its start; read by [`Cluster::counters`](crate::Cluster::counters).
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: [AtomicU64; VERBS.len()],
    pub(crate) watch_restarts: AtomicU64,
    pub(crate) relists: AtomicU64,
    pub(crate) untold: AtomicU64,
}

impl Tally {
    pub(crate) fn count(&self, verb: Verb) {
        if let Some(counter) = self.requests.get(verb as usize) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn requests(&self) -> BTreeMap<&'static str, u64> {
        let count = |verb: &Verb| self.requests.get(*verb as usize).map_or(0, |c| c.load(Relaxed));
        VERBS.iter().map(|verb| (verb.label(), count(verb))).collect()
    }
}

/// Figures of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests sent since the start, by verb: `get list watch create update patch apply delete discover`.
    pub requests: BTreeMap<&'static str, u64>,
    /// Watches opened again after the first, for whatever cause.
    pub watch_restarts: u64,
    /// Lists begun after a kind's first.
    pub relists: u64,
    /// Times that a list showed what a watch had not told.
    pub untold: u64,
    /// Objects held.
    pub objects: usize,
    /// Objects held whole.
    pub full_objects: usize,
    /// Bytes of the objects held whole.
    pub full_bytes: usize,
    /// Kinds that are watched.
    pub kinds: usize,
    /// What watches told, by kind.
    pub events: BTreeMap<GroupKind, u64>,
    /// Time since it was connected to.
    pub age: Duration,
}
