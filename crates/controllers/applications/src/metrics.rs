//! What the controller counts.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counters of one controller; read by whoever serves `/metrics`.
#[derive(Debug, Default)]
pub struct Metrics {
    renders: AtomicU64,
    passes: AtomicU64,
    comparisons: AtomicU64,
    status_writes: AtomicU64,
    syncs: AtomicU64,
    failed_syncs: AtomicU64,
    leading: AtomicBool,
    finished: Mutex<Option<Instant>>,
}

impl Metrics {
    /// Times that manifests were rendered: cache hits do not count.
    pub fn renders(&self) -> u64 {
        self.renders.load(Relaxed)
    }

    /// Passes over an application.
    pub fn passes(&self) -> u64 {
        self.passes.load(Relaxed)
    }

    /// Times that an object was held against git: what is known still does not count.
    pub fn comparisons(&self) -> u64 {
        self.comparisons.load(Relaxed)
    }

    /// Writes of an Application.
    pub fn status_writes(&self) -> u64 {
        self.status_writes.load(Relaxed)
    }

    /// Operations that ended well.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Relaxed)
    }

    /// Operations that ended otherwise.
    pub fn failed_syncs(&self) -> u64 {
        self.failed_syncs.load(Relaxed)
    }

    /// Whether this controller is the active one.
    pub fn is_leading(&self) -> bool {
        self.leading.load(Relaxed)
    }

    pub(crate) fn rendered(&self) {
        self.renders.fetch_add(1, Relaxed);
    }

    pub(crate) fn passed(&self) {
        self.passes.fetch_add(1, Relaxed);
    }

    pub(crate) fn compared(&self) {
        self.comparisons.fetch_add(1, Relaxed);
    }

    pub(crate) fn status_written(&self) {
        self.status_writes.fetch_add(1, Relaxed);
    }

    pub(crate) fn synced(&self, succeeded: bool) {
        if succeeded { &self.syncs } else { &self.failed_syncs }.fetch_add(1, Relaxed);
    }

    pub(crate) fn finished(&self) {
        *self.finished.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Time since a pass was finished, or since the first question.
    pub(crate) fn since_last_pass(&self) -> Duration {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.get_or_insert_with(Instant::now).elapsed()
    }

    pub(crate) fn set_leading(&self, leading: bool) {
        self.leading.store(leading, Relaxed);
    }
}
