//! All objects of one kind by name, as they were last seen, and what changes of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use cluster::{KindEvent, KindWatch, Listed};
use serde_json::Value;
use tokio::sync::{broadcast, watch};

/// Changes that are kept for whoever is slow to read them; who is slower still has to list anew.
const CHANGES: usize = 4096;

/// How long whoever has written waits for the watch to tell.
const SEEN: Duration = Duration::from_secs(2);

/// Objects that are gone and still known.
const GONE: usize = 256;

/// Namespace and name.
pub(crate) type Name = (String, String);

/// What is kept of an object.
pub(crate) trait Entry: Send + Sync + 'static {
    /// Of an object; `None` where it is none of ours.
    fn of(object: Value) -> Option<Self>
    where
        Self: Sized;

    fn name(&self) -> Name;

    /// Its resourceVersion.
    fn version(&self) -> &str;
}

/// What happened to an object.
#[derive(Debug)]
pub(crate) enum Change<E> {
    Added(Arc<E>),
    Modified(Arc<E>),
    Deleted(Arc<E>),
}

impl<E> Clone for Change<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Added(entry) => Self::Added(Arc::clone(entry)),
            Self::Modified(entry) => Self::Modified(Arc::clone(entry)),
            Self::Deleted(entry) => Self::Deleted(Arc::clone(entry)),
        }
    }
}

/// See the module.
pub(crate) struct Index<E> {
    entries: RwLock<BTreeMap<Name, Arc<E>>>,
    changes: broadcast::Sender<Change<E>>,
    listed: watch::Sender<bool>,
    /// The last ones that went, the newest behind.
    gone: Mutex<VecDeque<Arc<E>>>,
    /// The newest resourceVersion.
    newest: AtomicU64,
}

impl<E: Entry> Index<E> {
    pub(crate) fn new() -> Self {
        Self {
            entries: RwLock::default(),
            changes: broadcast::Sender::new(CHANGES),
            listed: watch::Sender::new(false),
            gone: Mutex::default(),
            newest: AtomicU64::new(0),
        }
    }

    /// The newest resourceVersion of any of them.
    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    pub(crate) fn get(&self, name: &Name) -> Option<Arc<E>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone)
    }

    /// The last state of one that went a short time ago, and is not there again.
    pub(crate) fn gone(&self, name: &Name) -> Option<Arc<E>> {
        let there = self.entries.read().unwrap_or_else(PoisonError::into_inner).contains_key(name);
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.iter().rev().find(|entry| !there && entry.name() == *name).map(Arc::clone)
    }

    /// All, by namespace and name.
    pub(crate) fn all(&self) -> Vec<Arc<E>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect()
    }

    /// What is wanted of each, without those of which that is nothing; by namespace and name.
    pub(crate) fn each<T>(&self, wanted: impl FnMut(&Arc<E>) -> Option<T>) -> Vec<T> {
        // A copy of pointers, so that whoever looks long does not hold up the watch.
        self.all().iter().filter_map(wanted).collect()
    }

    /// All, and every change from then on.
    pub(crate) fn all_and_changes(&self) -> (Vec<Arc<E>>, broadcast::Receiver<Change<E>>) {
        // Under the lock, so that no change is missed or told twice.
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        (entries.values().map(Arc::clone).collect(), self.changes.subscribe())
    }

    /// Calls back whenever anything has changed from now on, once for all that came together; for as long as it is polled.
    pub(crate) fn on_change(&self, mut changed: impl FnMut()) -> impl Future<Output = ()> {
        let mut changes = self.changes.subscribe();
        async move {
            while !matches!(changes.recv().await, Err(broadcast::error::RecvError::Closed)) {
                // What has come meanwhile is told by this call, too.
                changes = changes.resubscribe();
                changed();
            }
        }
    }

    /// Waits until this version or a later one was seen, at most [`SEEN`]: whoever has written finds it then.
    pub(crate) async fn seen(&self, version: &str) {
        let version = version.parse().unwrap_or_default();
        self.wait_for(|| self.newest() >= version).await;
    }

    /// Waits until an object is gone, at most [`SEEN`].
    pub(crate) async fn unseen(&self, name: &Name) {
        self.wait_for(|| self.get(name).is_none()).await;
    }

    async fn wait_for(&self, done: impl Fn() -> bool) {
        let mut changes = self.changes.subscribe();
        let waiting = async {
            while !done() && !matches!(changes.recv().await, Err(broadcast::error::RecvError::Closed)) {}
        };
        drop(tokio::time::timeout(SEEN, waiting).await);
    }

    /// Waits until all objects were listed once.
    pub(crate) async fn listed(&self) {
        drop(self.listed.subscribe().wait_for(|listed| *listed).await);
    }

    /// Keeps up with a watch, until that ends.
    pub(crate) async fn follow(&self, mut events: KindWatch) {
        while let Some(event) = events.next().await {
            self.take(event);
        }
    }

    fn take(&self, event: KindEvent) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let tell = |change| {
            if let Change::Deleted(entry) = &change {
                let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
                gone.push_back(Arc::clone(entry));
                if gone.len() > GONE {
                    gone.pop_front();
                }
            }
            drop(self.changes.send(change));
        };
        let put = |entries: &mut BTreeMap<Name, Arc<E>>, entry: E| {
            let entry = Arc::new(entry);
            self.newest.fetch_max(entry.version().parse().unwrap_or_default(), Ordering::AcqRel);
            match entries.insert(entry.name(), Arc::clone(&entry)) {
                Some(before) if before.version() == entry.version() => {}
                Some(_) => tell(Change::Modified(entry)),
                None => tell(Change::Added(entry)),
            }
        };
        match event {
            KindEvent::Restarted(Listed { objects, .. }) => {
                let mut gone: BTreeSet<Name> = entries.keys().cloned().collect();
                for entry in objects.into_iter().filter_map(E::of) {
                    gone.remove(&entry.name());
                    put(&mut entries, entry);
                }
                for name in gone {
                    if let Some(entry) = entries.remove(&name) {
                        tell(Change::Deleted(entry));
                    }
                }
                self.listed.send_replace(true);
            }
            KindEvent::Applied(object) => {
                if let Some(entry) = E::of(object) {
                    put(&mut entries, entry);
                }
            }
            KindEvent::Deleted(object) => {
                if let Some(entry) = E::of(object).and_then(|entry| entries.remove(&entry.name())) {
                    tell(Change::Deleted(entry));
                }
            }
            KindEvent::State(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use serde_json::json;

    use super::*;

    struct Thing(String);

    impl Entry for Thing {
        fn of(object: Value) -> Option<Self> {
            Some(Self(object["name"].as_str()?.to_owned()))
        }

        fn name(&self) -> Name {
            (String::new(), self.0.clone())
        }

        fn version(&self) -> &'static str {
            "1"
        }
    }

    #[test]
    fn what_comes_together_is_told_once() {
        let (index, mut told) = (Index::<Thing>::new(), Vec::new());
        let objects = (0..100).map(|n| json!({"name": n.to_string()})).collect();
        let mut tell = Box::pin(index.on_change(|| told.push(index.all().len())));
        index.take(KindEvent::Restarted(Listed { objects, ..Listed::default() }));
        assert!(tell.as_mut().now_or_never().is_none());
        index.take(KindEvent::Deleted(json!({"name": "7"})));
        assert!(tell.as_mut().now_or_never().is_none());
        drop(tell);
        assert_eq!(told, [100, 99]);
    }
}
