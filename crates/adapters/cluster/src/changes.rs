use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use resource::{GroupKind, ResourceKey};
use tokio::sync::{Notify, watch};

/// Changes that may wait for one slow reader; past that it is told that it [`Lagged`](Notice::Lagged).
const MAX_WAITING: usize = 65_536;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It appeared.
    Added,
    /// Something that a comparison looks at changed, or its whole text came in.
    Modified,
    /// Only `status` or bookkeeping changed.
    StatusOnly,
    /// It is gone.
    Deleted,
}

impl What {
    /// One word for two changes that the reader sees as one.
    fn then(self, later: Self) -> Self {
        match (self, later) {
            (_, Self::Deleted) => Self::Deleted,
            (Self::Deleted, _) => Self::Modified,
            (Self::Added, _) => Self::Added,
            (Self::Modified, _) | (_, Self::Modified) => Self::Modified,
            (_, later) => later,
        }
    }
}

/// A change of one object that concerns some application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The object.
    pub key: ResourceKey,
    /// The application instances that it concerns: those that its tracking named before and names now, those
    /// that [want](crate::Cluster::want) it and, for an untracked object, those of its nearest tracked owner.
    pub instances: BTreeSet<Arc<str>>,
    /// Whether it was or is tracked or wanted itself; else it is a dependent in somebody's tree.
    pub direct: bool,
    /// What happened; changes that wait for the reader are merged.
    pub what: What,
}

/// What a reader of [`Changes`] is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An object changed.
    Changed(Change),
    /// What is [known](crate::Cluster::knowledge) about a kind changed.
    Knowledge(GroupKind),
    /// The kinds that the server serves changed.
    Discovery,
    /// The server does not answer any more, or does again.
    Reach,
    /// Too much waited: everything before this is lost, look at all again.
    Lagged,
}

#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<ResourceKey>,
    changes: HashMap<ResourceKey, Change>,
    knowledge: BTreeSet<GroupKind>,
    discovery: bool,
    reach: bool,
    lagged: bool,
}

#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Notify,
    limit: usize,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: &Change) {
        let mut waiting = self.waiting();
        if let Some(earlier) = waiting.changes.get_mut(&change.key) {
            earlier.instances.extend(change.instances.iter().cloned());
            earlier.direct |= change.direct;
            earlier.what = earlier.what.then(change.what);
        } else if waiting.lagged && waiting.changes.is_empty() {
            // The reader will look at everything anyway.
        } else if waiting.changes.len() >= self.limit {
            waiting.order.clear();
            waiting.changes.clear();
            waiting.lagged = true;
        } else {
            waiting.order.push_back(change.key.clone());
            waiting.changes.insert(change.key.clone(), change.clone());
        }
        drop(waiting);
        self.ready.notify_one();
    }

    fn take(&self) -> Option<Notice> {
        let mut waiting = self.waiting();
        if std::mem::take(&mut waiting.lagged) {
            return Some(Notice::Lagged);
        }
        if std::mem::take(&mut waiting.discovery) {
            return Some(Notice::Discovery);
        }
        if std::mem::take(&mut waiting.reach) {
            return Some(Notice::Reach);
        }
        if let Some(kind) = waiting.knowledge.pop_first() {
            return Some(Notice::Knowledge(kind));
        }
        let key = waiting.order.pop_front()?;
        waiting.changes.remove(&key).map(Notice::Changed)
    }
}

/// A reader of what changes. Nothing is lost silently: changes of one object are merged while they wait, and
/// when too many objects wait, [`Notice::Lagged`] stands for all.
#[derive(Debug)]
pub struct Changes {
    queue: Arc<Queue>,
    /// Ends the reader when the cluster is gone.
    hub: Weak<Hub>,
}

impl Changes {
    /// The next notice; `None` once the [`Cluster`](crate::Cluster) is dropped and all is read. Cancel-safe.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            if let Some(notice) = self.queue.take() {
                return Some(notice);
            }
            if self.hub.strong_count() == 0 {
                return None;
            }
            self.queue.ready.notified().await;
        }
    }

    /// The next notice, if one waits.
    pub fn try_next(&mut self) -> Option<Notice> {
        self.queue.take()
    }
}

/// All readers of one cluster.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    queues: Mutex<Vec<Weak<Queue>>>,
    /// Moves whenever knowledge or discovery does.
    settled: watch::Sender<()>,
}

impl Hub {
    pub(crate) fn subscribe(self: &Arc<Self>) -> Changes {
        self.subscribe_with(MAX_WAITING)
    }

    fn subscribe_with(self: &Arc<Self>, limit: usize) -> Changes {
        let queue = Arc::new(Queue { waiting: Mutex::default(), ready: Notify::new(), limit });
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue));
        Changes { queue, hub: Arc::downgrade(self) }
    }

    fn each(&self, tell: impl Fn(&Queue)) {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.iter().filter_map(Weak::upgrade).for_each(|queue| tell(&queue));
    }

    pub(crate) fn change(&self, change: &Change) {
        self.each(|queue| queue.change(change));
    }

    /// Wakes whoever waits for a kind to be complete or served.
    pub(crate) fn settled(&self) -> watch::Receiver<()> {
        self.settled.subscribe()
    }

    pub(crate) fn knowledge(&self, kind: &GroupKind) {
        self.settled.send_replace(());
        self.each(|queue| {
            queue.waiting().knowledge.insert(kind.clone());
            queue.ready.notify_one();
        });
    }

    pub(crate) fn discovery(&self) {
        self.settled.send_replace(());
        self.each(|queue| {
            queue.waiting().discovery = true;
            queue.ready.notify_one();
        });
    }

    pub(crate) fn reach(&self) {
        self.each(|queue| {
            queue.waiting().reach = true;
            queue.ready.notify_one();
        });
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.each(|queue| queue.ready.notify_one());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, instance: &str, what: What) -> Change {
        let key = ResourceKey::new("", "ConfigMap", "shop", name);
        Change { key, instances: BTreeSet::from([Arc::from(instance)]), direct: true, what }
    }

    #[test]
    fn changes_of_one_object_become_one() {
        for (row, first, second, expect) in [
            ("made and gone", What::Added, What::Deleted, What::Deleted),
            ("gone and made", What::Deleted, What::Added, What::Modified),
            ("made, then its status", What::Added, What::StatusOnly, What::Added),
            ("status, then spec", What::StatusOnly, What::Modified, What::Modified),
            ("spec, then status", What::Modified, What::StatusOnly, What::Modified),
            ("status twice", What::StatusOnly, What::StatusOnly, What::StatusOnly),
        ] {
            let hub = Arc::new(Hub::default());
            let mut changes = hub.subscribe();
            hub.change(&change("a", "old", first));
            hub.change(&change("a", "new", second));
            let Some(Notice::Changed(got)) = changes.try_next() else { panic!("{row}: nothing came") };
            assert_eq!(got.what, expect, "{row}");
            assert_eq!(got.instances.len(), 2, "{row}: both owners are told");
            assert_eq!(changes.try_next(), None, "{row}");
        }
    }

    #[test]
    fn too_many_changes_become_lagged() {
        let hub = Arc::new(Hub::default());
        let mut changes = hub.subscribe_with(2);
        for name in ["a", "b", "c", "d"] {
            hub.change(&change(name, "app", What::Added));
        }
        assert_eq!(changes.try_next(), Some(Notice::Lagged));
        assert_eq!(changes.try_next(), None);
        hub.change(&change("e", "app", What::Added));
        assert!(matches!(changes.try_next(), Some(Notice::Changed(_))));
    }

    #[tokio::test]
    async fn a_reader_ends_with_its_cluster() {
        let hub = Arc::new(Hub::default());
        let mut changes = hub.subscribe();
        let reader = tokio::spawn(async move { changes.next().await });
        drop(hub);
        assert_eq!(reader.await.unwrap(), None);
    }
}
