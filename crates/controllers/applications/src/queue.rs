//! A work queue: every key at most once in it, at most one worker on a key, and keys that come due later.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// See the module. All methods are cheap and never block on a worker.
#[derive(Debug)]
pub(crate) struct Queue<K> {
    state: Mutex<State<K>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<K> {
    ready: VecDeque<K>,
    /// Keys in `ready`.
    waiting: HashSet<K>,
    /// Keys that a worker has; true when the key was added again meanwhile.
    running: HashMap<K, bool>,
    /// When keys come due, earliest first; one entry a key, found again by `due_at`.
    due: BTreeSet<(Instant, K)>,
    due_at: HashMap<K, Instant>,
}

impl<K: Clone + Eq + Hash + Ord> Queue<K> {
    pub(crate) fn new() -> Self {
        let state = State {
            ready: VecDeque::new(),
            waiting: HashSet::new(),
            running: HashMap::new(),
            due: BTreeSet::new(),
            due_at: HashMap::new(),
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// Has `key` worked on as soon as may be.
    pub(crate) fn add(&self, key: K) {
        self.lock().add(key);
        self.changed.notify_one();
    }

    /// Has `key` worked on at `at`, or earlier if it is due earlier already.
    pub(crate) fn add_at(&self, key: K, at: Instant) {
        let mut state = self.lock();
        match state.due_at.get(&key).copied() {
            Some(earlier) if earlier <= at => return,
            Some(later) => drop(state.due.remove(&(later, key.clone()))),
            None => {}
        }
        state.due_at.insert(key.clone(), at);
        state.due.insert((at, key));
        drop(state);
        self.changed.notify_one();
    }

    /// Forgets when `key` is due; what is ready stays.
    pub(crate) fn forget(&self, key: &K) {
        let mut state = self.lock();
        if let Some(at) = state.due_at.remove(key) {
            state.due.remove(&(at, key.clone()));
        }
    }

    /// The next key to work on; the caller says [`done`](Self::done) afterwards. Safe to drop at any await.
    pub(crate) async fn next(&self) -> K {
        loop {
            // Registered before the look, so that nothing added in between is missed.
            let changed = self.changed.notified();
            let wake = {
                let mut state = self.lock();
                state.ripen(Instant::now());
                if let Some(key) = state.ready.pop_front() {
                    state.waiting.remove(&key);
                    state.running.insert(key.clone(), false);
                    if !state.ready.is_empty() {
                        self.changed.notify_one();
                    }
                    return key;
                }
                state.due.first().map(|(at, _)| *at)
            };
            match wake {
                Some(at) => tokio::select! { () = changed => {}, () = sleep_until(at) => {} },
                None => changed.await,
            }
        }
    }

    /// Ends the work on `key`; if it was added meanwhile it is ready again.
    pub(crate) fn done(&self, key: &K) {
        let mut state = self.lock();
        if state.running.remove(key) == Some(true) {
            state.add(key.clone());
            drop(state);
            self.changed.notify_one();
        }
    }

    /// How many keys are ready, and how many are worked on.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let state = self.lock();
        (state.ready.len(), state.running.len())
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash + Ord> State<K> {
    fn add(&mut self, key: K) {
        if let Some(again) = self.running.get_mut(&key) {
            *again = true;
        } else if self.waiting.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    fn ripen(&mut self, now: Instant) {
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, key)) = self.due.pop_first() {
                self.due_at.remove(&key);
                self.add(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn after(ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(ms)
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_worked_on_once_at_a_time() {
        let queue = Queue::new();
        queue.add("a");
        queue.add("a");
        queue.add("b");
        assert_eq!(queue.next().await, "a");
        queue.add("a");
        assert_eq!(queue.next().await, "b", "a is still worked on");
        assert_eq!(queue.depth(), (0, 2));
        queue.done(&"a");
        assert_eq!(queue.next().await, "a", "added meanwhile, so again");
        queue.done(&"a");
        queue.done(&"b");
        assert_eq!(queue.depth(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_come_due_in_order_and_the_earlier_time_wins() {
        let queue = Queue::new();
        let start = Instant::now();
        queue.add_at("late", after(300));
        queue.add_at("late", after(200));
        queue.add_at("late", after(900));
        queue.add_at("soon", after(100));
        queue.add_at("never", after(50));
        queue.forget(&"never");
        assert_eq!(queue.next().await, "soon");
        assert_eq!(queue.next().await, "late");
        assert_eq!(start.elapsed().as_millis() / 100, 2);
    }
}
