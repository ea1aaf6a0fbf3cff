//! Whether the server answers at all.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::cluster::{Inner, server_version};

/// How long a server may answer nothing that it is asked until it counts as away.
const LOST: Duration = Duration::from_secs(10);
/// First and longest pause between two questions to a server that did not answer.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// What became of the last requests. Any answer is one, also a refusal.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    silent: Mutex<Option<(Instant, String)>>,
    failed: Notify,
}

impl Reach {
    pub(crate) fn failed(&self, why: &str) {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let since = silent.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        *silent = Some((since, why.to_owned()));
        self.failed.notify_one();
    }

    pub(crate) fn answered(&self) {
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// For how long nothing was answered, and the last failure.
    fn silent(&self) -> Option<(Duration, String)> {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.as_ref().map(|(since, why)| (since.elapsed(), why.clone()))
    }

    /// Why the server counts as away, if it does.
    pub(crate) fn lost(&self) -> Option<String> {
        self.silent().filter(|(time, _)| *time >= LOST).map(|(_, why)| why)
    }
}

/// Asks a server that did not answer until it does, for nobody else may have anything to ask; tells when it counts as away, and when
/// it is back.
pub(crate) async fn keep(inner: Weak<Inner>, reach: Arc<Reach>) {
    loop {
        reach.failed.notified().await;
        let (mut pause, mut told) = (PAUSES.0, false);
        while reach.silent().is_some() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
            let Some(inner) = inner.upgrade() else { return };
            // What becomes of it is on record.
            drop(server_version(&inner.shared.api).await);
            if !told && reach.lost().is_some() {
                told = true;
                inner.hub.reach();
            }
        }
        if let Some(inner) = inner.upgrade().filter(|_| told) {
            inner.hub.reach();
        }
    }
}
