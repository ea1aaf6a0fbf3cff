//! What remotes say, one answer a repository whoever asks: polled once an interval, kept when a remote fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use source::{Refs, Remote, Sources};
use tokio::time::Instant;

/// Identity of a repository as an application uses it: credentials may differ by project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RepositoryKey {
    /// URL in normal form, without credentials.
    pub(crate) url: String,
    /// Project, whose own credentials win.
    pub(crate) project: String,
}

/// The last good answer of a remote, and what is wrong with it now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Branches and tags; `None` until the remote has answered once since the start.
    pub(crate) refs: Option<Arc<Refs>>,
    /// Why the last call failed, if it did.
    pub(crate) error: Option<String>,
}

impl Known {
    /// Whether two answers say the same, so that nobody needs to look again.
    fn same(&self, other: &Self) -> bool {
        fn names(known: &Known) -> Option<(&Option<String>, &BTreeMap<String, String>)> {
            known.refs.as_ref().map(|refs| (&refs.head, &refs.by_name))
        }
        names(self) == names(other) && self.error == other.error
    }
}

struct State {
    remote: Arc<Remote>,
    known: Known,
    asked: Option<Instant>,
    due: Instant,
    /// The answer is another one than before, and not everybody was told: a refresh of one application may have asked.
    news: bool,
}

/// All repositories that applications use.
pub(crate) struct Repositories {
    sources: Arc<Sources>,
    states: Mutex<BTreeMap<RepositoryKey, State>>,
    changed: tokio::sync::Notify,
}

/// How fresh an answer has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Whatever is known; the remote is asked only if it never was.
    Known,
    /// Asked at or after this moment.
    Since(Instant),
}

impl Repositories {
    pub(crate) fn new(sources: Arc<Sources>) -> Self {
        Self { sources, states: Mutex::new(BTreeMap::new()), changed: tokio::sync::Notify::new() }
    }

    /// What the remote says. Asks it only where `freshness` wants that; concurrent calls share one request.
    /// A failure is an answer too, beside the last good one.
    pub(crate) async fn refs(&self, key: &RepositoryKey, remote: &Arc<Remote>, freshness: Freshness, next: Duration) -> Known {
        {
            let mut states = self.lock();
            let state = states.entry(key.clone()).or_insert_with(|| State {
                remote: Arc::clone(remote),
                known: Known::default(),
                asked: None,
                due: Instant::now(),
                news: false,
            });
            state.remote = Arc::clone(remote);
            let enough = match freshness {
                Freshness::Known => state.asked.is_some(),
                Freshness::Since(moment) => state.asked.is_some_and(|asked| asked >= moment),
            };
            if enough {
                return state.known.clone();
            }
        }
        self.ask(key, remote, next).await
    }

    /// Asks every remote that is due, for ever; `changed` hears of each repository whose answer is another one.
    /// `interval` gives the time to the next poll of a repository, jitter included.
    /// Repositories that nobody uses any more (`used`) are forgotten.
    pub(crate) async fn poll(
        &self,
        interval: impl Fn(&str) -> Duration,
        used: impl Fn(&RepositoryKey) -> bool,
        changed: impl Fn(&RepositoryKey),
    ) {
        loop {
            let woken = self.changed.notified();
            let now = Instant::now();
            self.lock().retain(|key, state| state.due > now || used(key));
            let due: Vec<(RepositoryKey, Arc<Remote>)> = self
                .lock()
                .iter()
                .filter(|(_, state)| state.asked.is_some() && state.due <= now)
                .map(|(key, state)| (key.clone(), Arc::clone(&state.remote)))
                .collect();
            let calls = due.iter().map(|(key, remote)| self.ask(key, remote, interval(&key.url)));
            futures::future::join_all(calls).await;
            let news: Vec<RepositoryKey> = {
                let mut states = self.lock();
                let told = states.iter_mut().filter_map(|(key, state)| std::mem::take(&mut state.news).then(|| key.clone()));
                told.collect()
            };
            news.iter().for_each(&changed);
            let next = self.lock().values().filter(|state| state.asked.is_some()).map(|state| state.due).min();
            match next {
                Some(at) => tokio::select! { () = woken => {}, () = tokio::time::sleep_until(at) => {} },
                None => woken.await,
            }
        }
    }

    /// Has a repository asked now, because somebody said that it changed.
    pub(crate) fn hurry(&self, wanted: impl Fn(&RepositoryKey) -> bool) {
        for (_, state) in self.lock().iter_mut().filter(|(key, _)| wanted(key)) {
            state.due = Instant::now();
        }
        self.changed.notify_one();
    }

    async fn ask(&self, key: &RepositoryKey, remote: &Arc<Remote>, next: Duration) -> Known {
        let asked = Instant::now();
        let mut answer = self.sources.ls_refs(remote).await;
        // The question may have joined one that was sent before; what was pushed in between is not in its answer.
        if answer.as_ref().is_ok_and(|refs| Instant::from_std(refs.fetched_at) < asked) {
            answer = self.sources.ls_refs(remote).await;
        }
        let mut states = self.lock();
        let Some(state) = states.get_mut(key) else {
            return Known::default();
        };
        let known = match answer {
            Ok(refs) => Known { refs: Some(refs), error: None },
            Err(error) => Known { refs: state.known.refs.clone(), error: Some(chain(&error)) },
        };
        let first = state.asked.replace(asked).is_none();
        state.due = Instant::now() + next;
        state.news |= !first && !state.known.same(&known);
        state.known = known.clone();
        drop(states);
        self.changed.notify_one();
        known
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RepositoryKey, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error and its causes on one line; a cause that its parent has printed already is left out.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
