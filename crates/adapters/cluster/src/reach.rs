//! Whether the server answers at all.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::cluster::{Inner, server_version};

/// How long a server may answer nothing that it is asked until it counts as away.
pub(crate) const LOST: Duration = Duration::from_secs(10);
/// First and longest pause between two questions to a server that did not answer.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// What became of the last requests. Any answer is one, also a refusal.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    silent: Mutex<Option<(Instant, String)>>,
    /// Something failed, or is not answered.
    doubted: Notify,
    /// Why the server counts as away.
    away: watch::Sender<Option<String>>,
}

impl Reach {
    pub(crate) fn failed(&self, why: &str) {
        self.failed_since(Instant::now(), why);
    }

    fn failed_since(&self, begin: Instant, why: &str) {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let since = silent.as_ref().map_or(begin, |(since, _)| *since);
        *silent = Some((since, why.to_owned()));
        self.doubted.notify_one();
    }

    pub(crate) fn answered(&self) {
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.away.send_if_modified(|away| away.take().is_some());
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

    /// For who waits for an answer: comes when it has been waited for [`LOST`] and the server counts as away, with the reason. A server
    /// that answers others is only slow.
    pub(crate) async fn given_up(&self) -> String {
        tokio::time::sleep(LOST).await;
        self.doubted.notify_one();
        let mut away = self.away.subscribe();
        let why = away.wait_for(Option::is_some).await.map(|why| why.clone()).ok().flatten();
        why.unwrap_or_default()
    }
}

/// Asks a server that did not answer until it does, for nobody else may have anything to ask; tells when it counts as away, and when
/// it is back.
pub(crate) async fn keep(inner: Weak<Inner>, reach: Arc<Reach>) {
    loop {
        reach.doubted.notified().await;
        if reach.silent().is_none() && ask(&inner, &reach).await.is_none() {
            return;
        }
        let (mut pause, mut told) = (PAUSES.0, false);
        while reach.silent().is_some() {
            if let Some(why) = reach.lost().filter(|_| !told) {
                told = true;
                reach.away.send_replace(Some(why));
                let Some(inner) = inner.upgrade() else { return };
                inner.hub.reach();
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
            if ask(&inner, &reach).await.is_none() {
                return;
            }
        }
        if let Some(inner) = inner.upgrade().filter(|_| told) {
            inner.hub.reach();
        }
    }
}

/// Asks the server something small. What becomes of it is on record; `None` where nobody is left who wants to know.
async fn ask(inner: &Weak<Inner>, reach: &Reach) -> Option<()> {
    let inner = inner.upgrade()?;
    let begin = Instant::now();
    if tokio::time::timeout(LOST, server_version(&inner.shared.api)).await.is_err() {
        reach.failed_since(begin, &format!("no answer within {LOST:?}"));
    }
    Some(())
}
