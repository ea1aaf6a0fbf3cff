//! What changed of all applications, in a log that all streams read.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use merge::json_merge_diff;
use query::Row;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::stream::Shared;
use super::topic::Class;
use super::trees::Trees;
use crate::apps::App;
use crate::index::{Change, Entry as _, Name};
use crate::server::Backend;

/// Between two entries of the log: what changes meanwhile is told together, four times a second.
const PACE: Duration = Duration::from_millis(250);
/// How often streams look at the time and at rights although nothing changes.
const IDLE: Duration = Duration::from_secs(5);
/// Bounds of the streams of `/api/v2/events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    /// Changes that are kept for who comes back; 8,192.
    pub changes: usize,
    /// How often a silent stream shows that it is alive; each 15 s.
    pub alive: Duration,
}

impl Default for Streams {
    fn default() -> Self {
        Self { changes: 8192, alive: Duration::from_secs(15) }
    }
}

/// A change of one application between two looks.
pub(super) struct Delta {
    pub(super) seq: u64,
    pub(super) name: Name,
    pub(super) before: Option<Arc<Row>>,
    pub(super) after: Option<Arc<Row>>,
    /// The change as it is told to who knew the application before; made once for all.
    changed: OnceLock<Bytes>,
    /// The same for who did not.
    added: OnceLock<Bytes>,
}

impl Delta {
    pub(super) fn changed(&self, before: &Row, after: &Row) -> &Bytes {
        self.changed.get_or_init(|| changed(before, after))
    }

    pub(super) fn added(&self, after: &Row) -> &Bytes {
        self.added.get_or_init(|| added(after))
    }
}

/// `{"type": "changed", "namespace", "name", "version", "patch"}`, with a merge patch of the row.
pub(super) fn changed(before: &Row, after: &Row) -> Bytes {
    let patch = json_merge_diff(&before.value(), &after.value());
    let event = serde_json::json!({
        "type": "changed", "namespace": after.namespace, "name": after.name, "version": after.version, "patch": patch,
    });
    event.to_string().into()
}

/// `{"type": "added", "row"}`.
pub(super) fn added(after: &Row) -> Bytes {
    serde_json::json!({"type": "added", "row": after.value()}).to_string().into()
}

/// `{"type": "removed", "namespace", "name"}`.
pub(super) fn removed(row: &Row) -> Bytes {
    serde_json::json!({"type": "removed", "namespace": row.namespace, "name": row.name}).to_string().into()
}

/// The log with what there is at its end.
#[derive(Default)]
pub(super) struct Log {
    /// Number of the last entry.
    pub(super) seq: u64,
    /// What came up to here is no more known.
    pub(super) floor: u64,
    /// Before this others had other rights: who was away then cannot be told what passed out of theirs.
    pub(super) rights: u64,
    /// The time of the last look.
    pub(super) at: Timestamp,
    pub(super) deltas: VecDeque<Arc<Delta>>,
    pub(super) apps: BTreeMap<Name, Arc<App>>,
}

impl Log {
    /// What came behind an entry.
    pub(super) fn since(&self, seq: u64) -> impl Iterator<Item = &Arc<Delta>> {
        let first = self.deltas.partition_point(|delta| delta.seq <= seq);
        self.deltas.iter().skip(first)
    }

    /// Adds an entry of what these names are now, and lets go of the oldest where there are more than `kept` changes.
    fn add(&mut self, changed: BTreeMap<Name, Option<Arc<App>>>, kept: usize) {
        let seq = self.seq + 1;
        for (name, after) in changed {
            let before = match &after {
                Some(app) => self.apps.insert(name.clone(), Arc::clone(app)),
                None => self.apps.remove(&name),
            };
            let row = |app: Arc<App>| Arc::clone(app.row());
            let (before, after) = (before.map(row), after.map(row));
            if before.is_none() && after.is_none() {
                continue;
            }
            let (changed, added) = (OnceLock::new(), OnceLock::new());
            self.deltas.push_back(Arc::new(Delta { seq, name, before, after, changed, added }));
        }
        self.seq = seq;
        while self.deltas.len() > kept {
            if let Some(gone) = self.deltas.pop_front() {
                self.floor = gone.seq;
            }
        }
    }
}

/// Who follows what: by who asks and what for.
type Classes = HashMap<(String, String), Weak<Class>>;

/// See the module.
pub(crate) struct Hub {
    /// Of this process: a position of another one says nothing here.
    boot: String,
    pub(super) bounds: Streams,
    log: RwLock<Log>,
    /// Told after each entry, and from time to time without one.
    told: watch::Sender<()>,
    /// Rights are others.
    rights: Notify,
    pub(super) classes: Mutex<Classes>,
    pub(super) streams: Mutex<HashMap<String, Weak<Shared>>>,
    pub(super) trees: Trees,
}

impl Hub {
    pub(crate) fn new(boot: [u8; 8], bounds: Streams) -> Self {
        Self {
            boot: format!("{:016x}", u64::from_le_bytes(boot)),
            bounds,
            log: RwLock::default(),
            told: watch::Sender::new(()),
            rights: Notify::new(),
            classes: Mutex::default(),
            streams: Mutex::default(),
            trees: Trees::default(),
        }
    }

    /// Says that the policy is another one.
    pub(crate) fn rights_changed(&self) {
        self.rights.notify_one();
    }

    /// Where the log is now.
    pub(super) fn position(&self) -> String {
        self.position_of(self.log().seq)
    }

    pub(super) fn position_of(&self, seq: u64) -> String {
        format!("{}.{seq}", self.boot)
    }

    /// The entry that a position names, if it is one of this process.
    pub(super) fn entry(&self, position: &str) -> Option<u64> {
        let (boot, seq) = position.split_once('.')?;
        let seq = seq.parse().ok()?;
        (boot == self.boot && seq <= self.log().seq).then_some(seq)
    }

    pub(super) fn log(&self) -> RwLockReadGuard<'_, Log> {
        self.log.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn told(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }

    /// Makes an entry of what these names are now, if anything, and wakes the streams.
    fn look(&self, now: Timestamp, changed: BTreeMap<Name, Option<Arc<App>>>, rights: bool) {
        let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
        log.at = now;
        if !changed.is_empty() || rights {
            log.add(changed, self.bounds.changes);
        }
        if rights {
            log.rights = log.seq;
        }
        drop(log);
        self.told.send_replace(());
    }
}

/// Keeps the log, for as long as the server lives.
pub(crate) async fn keep(backend: Arc<Backend>) {
    let hub = &backend.hub;
    let mut rights = false;
    loop {
        let (all, mut changes) = backend.apps.index().all_and_changes();
        // What was missed is found by comparing.
        let mut dirty: BTreeMap<Name, Option<Arc<App>>> = BTreeMap::new();
        {
            let log = hub.log();
            let now: BTreeMap<Name, Arc<App>> = all.into_iter().map(|app| (app.name(), app)).collect();
            let gone = log.apps.keys().filter(|name| !now.contains_key(*name));
            dirty.extend(gone.map(|name| (name.clone(), None)));
            let known = |name: &Name, app: &Arc<App>| {
                log.apps.get(name).is_some_and(|known| known.version() == app.version())
            };
            dirty.extend(
                now.into_iter().filter(|(name, app)| !known(name, app)).map(|(name, app)| (name, Some(app))),
            );
        }
        let mut last = Instant::now();
        hub.look(backend.now(), std::mem::take(&mut dirty), std::mem::take(&mut rights));
        loop {
            let due = if dirty.is_empty() && !rights { last + IDLE } else { last + PACE };
            let change = tokio::select! {
                change = changes.recv() => Some(change),
                () = hub.rights.notified() => { rights = true; None }
                () = sleep_until(due) => {
                    last = Instant::now();
                    hub.look(backend.now(), std::mem::take(&mut dirty), std::mem::take(&mut rights));
                    None
                }
            };
            match change {
                Some(Ok(Change::Added(app) | Change::Modified(app))) => {
                    drop(dirty.insert(app.name(), Some(app)))
                }
                Some(Ok(Change::Deleted(app))) => drop(dirty.insert(app.name(), None)),
                Some(Err(RecvError::Lagged(_))) => break,
                Some(Err(RecvError::Closed)) => return,
                None => {}
            }
        }
    }
}

/// Waits until something may be to be told, or until this time: then it is false.
pub(super) async fn wait(told: &mut watch::Receiver<()>, until: Instant) -> bool {
    matches!(timeout_at(until, told.changed()).await, Ok(Ok(())))
}
