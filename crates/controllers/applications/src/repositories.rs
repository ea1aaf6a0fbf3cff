//! What remotes say, one answer a repository whoever asks: polled once an interval, kept when a remote fails.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cluster::chain;
use source::{Refs, Remote, Snapshot, Sources};
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
    /// Grows whenever the branches or tags are others than before.
    pub(crate) version: u64,
}

impl Known {
    /// Whether two answers say the same, so that nobody needs to look again.
    fn same(&self, other: &Self) -> bool {
        self.same_refs(other.refs.as_deref()) && self.error == other.error
    }

    fn same_refs(&self, other: Option<&Refs>) -> bool {
        fn names(refs: &Refs) -> (&Option<String>, &BTreeMap<String, String>) {
            (&refs.head, &refs.by_name)
        }
        self.refs.as_deref().map(names) == other.map(names)
    }
}

/// Pause after a call that failed; it doubles up to the interval.
const FAILED: Duration = Duration::from_secs(5);

/// Commits of one repository that are kept open.
const HELD: usize = 4;

struct State {
    remote: Arc<Remote>,
    known: Known,
    asked: Option<Instant>,
    /// When what is known was there for the first time.
    since: Instant,
    due: Instant,
    /// Calls that failed since the last good one.
    failures: u32,
    /// The answer is another one than before, and not everybody was told: a refresh of one application may have asked.
    news: bool,
    /// The commits that were used last: held, they need not be opened again by every pass.
    held: VecDeque<Arc<Snapshot>>,
}

/// All repositories that applications use.
pub(crate) struct Repositories {
    sources: Arc<Sources>,
    states: Mutex<BTreeMap<RepositoryKey, State>>,
    changed: tokio::sync::Notify,
}

/// What a repository has said to another project.
pub(crate) struct Elsewhere {
    pub(crate) key: RepositoryKey,
    /// The answer; see [`Known::version`].
    pub(crate) version: u64,
    /// Whether it may be older than the one it was held against: it says something else, and was asked before that was known.
    pub(crate) older: bool,
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
    pub(crate) async fn refs(
        &self,
        key: &RepositoryKey,
        remote: &Arc<Remote>,
        freshness: Freshness,
        next: Duration,
    ) -> Known {
        {
            let mut states = self.lock();
            let state = states.entry(key.clone()).or_insert_with(|| State {
                remote: Arc::clone(remote),
                known: Known::default(),
                asked: None,
                since: Instant::now(),
                due: Instant::now(),
                failures: 0,
                news: false,
                held: VecDeque::new(),
            });
            // With other credentials the server may say something else.
            let same = *state.remote == **remote;
            state.remote = Arc::clone(remote);
            let enough = match freshness {
                Freshness::Known => state.asked.is_some(),
                Freshness::Since(moment) => state.asked.is_some_and(|asked| asked >= moment),
            };
            if enough && same {
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
                let told = states
                    .iter_mut()
                    .filter_map(|(key, state)| std::mem::take(&mut state.news).then(|| key.clone()));
                told.collect()
            };
            news.iter().for_each(&changed);
            let next =
                self.lock().values().filter(|state| state.asked.is_some()).map(|state| state.due).min();
            match next {
                Some(at) => tokio::select! { () = woken => {}, () = tokio::time::sleep_until(at) => {} },
                None => woken.await,
            }
        }
    }

    /// What the same repository has said to other projects, whose credentials may differ.
    pub(crate) fn elsewhere(&self, key: &RepositoryKey) -> Vec<Elsewhere> {
        let states = self.lock();
        let Some(own) = states.get(key) else { return Vec::new() };
        let from = RepositoryKey { url: key.url.clone(), project: String::new() };
        let same_url = states.range(from..).take_while(|(other, _)| other.url == key.url);
        same_url
            .filter(|(other, _)| *other != key)
            .map(|(other, state)| {
                let same = state.known.same_refs(own.known.refs.as_deref());
                let older = !same && state.asked.is_none_or(|asked| asked < own.since);
                Elsewhere { key: other.clone(), version: state.known.version, older }
            })
            .collect()
    }

    /// Keeps a commit open that the next passes are likely to read from.
    pub(crate) fn hold(&self, key: &RepositoryKey, snapshot: &Arc<Snapshot>) {
        let mut states = self.lock();
        let Some(state) = states.get_mut(key) else { return };
        if state.held.iter().any(|held| Arc::ptr_eq(held, snapshot)) {
            return;
        }
        state.held.push_back(Arc::clone(snapshot));
        if state.held.len() > HELD {
            state.held.pop_front();
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
            Ok(refs) => {
                let version = state.known.version + u64::from(!state.known.same_refs(Some(&refs)));
                Known { refs: Some(refs), error: None, version }
            }
            Err(error) => Known { error: Some(chain(&error)), ..state.known.clone() },
        };
        let first = state.asked.replace(asked).is_none();
        state.failures = if known.error.is_some() { state.failures.saturating_add(1) } else { 0 };
        let pause = match state.failures {
            0 => next,
            failures => next.min(FAILED.saturating_mul(2_u32.saturating_pow(failures - 1))),
        };
        state.due = Instant::now() + pause;
        if known.version != state.known.version {
            state.since = Instant::now();
        }
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

#[cfg(test)]
mod tests {
    use source::RepoUrl;

    use super::*;

    const LATER: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_failure_is_looked_at_again_soon_and_other_credentials_at_once() {
        let repository = testkit::Repository::new("config").unwrap();
        repository.commit(&[("a.yaml", "a: 1\n")], "first").unwrap();
        let data = tempfile::tempdir().unwrap();
        let options = source::Options { allow_file: true, ..source::Options::new(data.path()) };
        let repositories = Repositories::new(Arc::new(Sources::new(options).unwrap()));
        let url = RepoUrl::parse(&repository.file_url()).unwrap();
        let key = RepositoryKey { url: url.to_string(), project: "default".to_owned() };
        let absent = Arc::new(Remote::new(RepoUrl::parse("file:///nowhere/at/all.git").unwrap()));
        for (call, pause) in [5, 10, 20].into_iter().enumerate() {
            let now = Instant::now();
            let known = repositories.refs(&key, &absent, Freshness::Since(now), LATER).await;
            assert!(known.error.is_some(), "call {call}");
            let due = repositories.lock()[&key].due;
            let wait = due.duration_since(now).as_secs();
            assert!((pause..pause + 5).contains(&wait), "call {call}: {wait} s");
        }
        let present = Arc::new(Remote::new(url));
        let known = repositories.refs(&key, &present, Freshness::Known, LATER).await;
        assert_eq!(known.error, None, "what failed with others does not count");
        assert!(repositories.lock()[&key].due.duration_since(Instant::now()) > LATER / 2);
    }

    #[tokio::test]
    async fn what_one_application_asked_about_all_hear_of() {
        let repository = testkit::Repository::new("config").unwrap();
        repository.commit(&[("a.yaml", "a: 1\n")], "first").unwrap();
        let data = tempfile::tempdir().unwrap();
        let options = source::Options { allow_file: true, ..source::Options::new(data.path()) };
        let repositories = Arc::new(Repositories::new(Arc::new(Sources::new(options).unwrap())));
        let remote = Arc::new(Remote::new(RepoUrl::parse(&repository.file_url()).unwrap()));
        let key = RepositoryKey { url: remote.url.to_string(), project: "default".to_owned() };
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let asking = Arc::clone(&repositories);
        let poll = tokio::spawn(async move {
            asking.poll(|_| LATER, |_| true, |key| drop(tell.send(key.clone()))).await;
        });
        let first = repositories.refs(&key, &remote, Freshness::Known, LATER).await;
        assert_eq!(first.error, None);
        repository.commit(&[("a.yaml", "a: 2\n")], "second").unwrap();
        // A refresh of one application; the next poll is an hour away and would find nothing new.
        repositories.refs(&key, &remote, Freshness::Since(Instant::now()), LATER).await;
        let heard = tokio::time::timeout(Duration::from_secs(30), told.recv()).await.unwrap();
        assert_eq!(heard, Some(key));
        poll.abort();
    }
}
