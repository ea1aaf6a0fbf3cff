//! Whether a server's history went back: its storage was put back to what was saved of it earlier.
//!
//! Whoever remembers later versions than the server knows is not told so: it takes a watch from a moment that has not come yet, and
//! says nothing until it comes. So a watch that broke is not resumed before the server has shown that it still knows its moment; and
//! one object that is read in an older version than before is proof for all, also where the server's count of versions has overtaken
//! what is remembered.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

/// Proofs that come within this time of one that was heeded are of the same event.
const SAME: Duration = Duration::from_secs(30);

/// Tells all watchers of a cluster that what they remember may be no more.
#[derive(Debug, Default)]
pub(crate) struct History {
    times: watch::Sender<u64>,
    heeded: Mutex<Option<Instant>>,
}

impl History {
    /// Takes in a proof that the history went back.
    pub(crate) fn went_back(&self) {
        let mut heeded = self.heeded.lock().unwrap_or_else(PoisonError::into_inner);
        if heeded.is_none_or(|at| at.elapsed() >= SAME) {
            *heeded = Some(Instant::now());
            tracing::warn!("the API server's history went back, all is listed anew");
            self.times.send_modify(|times| *times += 1);
        }
    }

    /// Changes each time.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.times.subscribe()
    }
}
