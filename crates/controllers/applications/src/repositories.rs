//! What remotes say, one answer a repository whoever asks: polled once an interval, kept when a remote fails.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::ApplicationSource;
use charts::{ChartError, Charts, Resolved};
use cluster::chain;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use source::{Refs, Snapshot, Sources};
use tokio::time::Instant;

use crate::remote::is_git;
use crate::tree::Tree;
use crate::wanted::hash_of;

/// What a repository is asked, and for whom: credentials may differ by project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RepositoryKey {
    /// URL in normal form, without credentials and query.
    pub(crate) url: String,
    /// Tells apart what differs in what the URL does not show; a hash, for that may be secret. 0 for a git repository, whose URL
    /// has nothing to hide.
    pub(crate) hidden: u64,
    /// What it is asked.
    pub(crate) question: Question,
    /// Project, whose own credentials win.
    pub(crate) project: String,
}

/// A question to a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Question {
    /// Which branches and tags a git repository has.
    Refs,
    /// Which version of a chart, or of an artifact (no name), a target revision means.
    Chart {
        /// Name of the chart.
        name: String,
        /// The target revision.
        revision: String,
    },
}

impl RepositoryKey {
    /// What a git repository is asked.
    pub(crate) fn git(url: &impl ToString, project: &str) -> Self {
        Self { url: url.to_string(), hidden: 0, question: Question::Refs, project: project.to_owned() }
    }

    /// What a Helm repository or a registry is asked for a source.
    pub(crate) fn charts(
        url: &impl ToString,
        source: &ApplicationSource,
        revision: &str,
        project: &str,
    ) -> Self {
        let question = Question::Chart { name: source.chart.clone(), revision: revision.to_owned() };
        Self { url: url.to_string(), hidden: hidden_of(source), question, project: project.to_owned() }
    }

    /// Whether a source is of this repository.
    pub(crate) fn is_of(&self, source: &ApplicationSource) -> bool {
        match &self.question {
            Question::Refs => is_git(source) && api::same_repository(&source.repo_url, &self.url),
            Question::Chart { name, revision } => {
                source.chart == *name
                    && source.target_revision == *revision
                    && hidden_of(source) == self.hidden
            }
        }
    }

    /// Whether the same index answers both.
    fn shares_index(&self, other: &Self) -> bool {
        let both = (&self.question, &other.question);
        matches!(both, (Question::Chart { .. }, Question::Chart { .. }))
            && (&self.url, self.hidden, &self.project) == (&other.url, other.hidden, &other.project)
    }
}

fn hidden_of(source: &ApplicationSource) -> u64 {
    hash_of(source.repo_url.trim().trim_end_matches('/'))
}

/// Whom to ask, and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Remote {
    /// A git server.
    Git(Arc<source::Remote>),
    /// A Helm repository or a registry.
    Charts(Arc<charts::Remote>),
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// Of a git server.
    Refs(Arc<Refs>),
    /// Of a Helm repository or a registry.
    Chart(Arc<Resolved>),
}

impl Said {
    /// Whether two answers say the same.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refs(a), Self::Refs(b)) => {
                (&a.head, &a.by_name, &a.tags) == (&b.head, &b.by_name, &b.tags)
            }
            (Self::Chart(a), Self::Chart(b)) => a == b,
            (Self::Refs(_), Self::Chart(_)) | (Self::Chart(_), Self::Refs(_)) => false,
        }
    }
}

/// The last good answer of a remote, and what is wrong with it now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// `None` until the remote has answered once since the start.
    pub(crate) said: Option<Said>,
    /// Why the last call failed, if it did.
    pub(crate) error: Option<String>,
    /// Grows whenever the remote says something else than before.
    pub(crate) version: u64,
}

impl Known {
    /// Branches and tags.
    pub(crate) fn refs(&self) -> Option<&Arc<Refs>> {
        match &self.said {
            Some(Said::Refs(refs)) => Some(refs),
            Some(Said::Chart(_)) | None => None,
        }
    }

    /// The version of a chart.
    pub(crate) fn chart(&self) -> Option<&Arc<Resolved>> {
        match &self.said {
            Some(Said::Chart(resolved)) => Some(resolved),
            Some(Said::Refs(_)) | None => None,
        }
    }

    /// Whether the answer is one for ever: a version that was asked for by its full name.
    fn is_settled(&self, question: &Question) -> bool {
        let Question::Chart { revision, .. } = question else { return false };
        let numbers = revision.split(['-', '+']).next().unwrap_or_default().split('.').count();
        self.chart().is_some() && numbers == 3 && gosemver::Version::parse(revision).is_some()
    }

    /// Whether two answers say the same, so that nobody needs to look again.
    fn same(&self, other: &Self) -> bool {
        self.says(other.said.as_ref()) && self.error == other.error
    }

    fn says(&self, other: Option<&Said>) -> bool {
        match (&self.said, other) {
            (Some(a), Some(b)) => a.is(b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

/// Pause after a call that failed; it doubles up to the interval.
const FAILED: Duration = Duration::from_secs(5);

/// How long a question may be without any answer before it is forgotten.
const NEW: Duration = Duration::from_secs(600);

/// Pause before a question is asked again whose answer will not change.
const SETTLED: Duration = Duration::from_secs(24 * 3600);

/// Trees of one repository that are kept open.
const HELD: usize = 4;

/// A tree that is kept open.
enum Held {
    Commit(Arc<Snapshot>),
    Chart(Arc<Resolved>, Tree),
}

struct State {
    remote: Remote,
    known: Known,
    asked: Option<Instant>,
    /// When what is known was there for the first time.
    since: Instant,
    due: Instant,
    /// When somebody last said that it changed.
    hurried: Option<Instant>,
    /// Calls that failed since the last good one.
    failures: u32,
    /// The answer is another one than before, and not everybody was told: a refresh of one application may have asked.
    news: bool,
    /// The trees that were used last: held, they need not be opened again by every pass.
    held: VecDeque<Held>,
}

impl State {
    /// Whether its first question may be under way: whoever asked it is owed the answer, though no application is known to use it.
    fn is_new(&self, now: Instant) -> bool {
        self.asked.is_none() && now.duration_since(self.due) < NEW
    }
}

/// All repositories that applications use.
pub(crate) struct Repositories {
    sources: Arc<Sources>,
    charts: Charts,
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
    pub(crate) fn new(sources: Arc<Sources>, charts: Charts) -> Self {
        Self { sources, charts, states: Mutex::new(BTreeMap::new()), changed: tokio::sync::Notify::new() }
    }

    /// What the remote says. Asks it only where `freshness` wants that; concurrent calls share one request.
    /// A failure is an answer too, beside the last good one.
    pub(crate) async fn answer(
        &self,
        key: &RepositoryKey,
        remote: &Remote,
        freshness: Freshness,
        next: Duration,
    ) -> Known {
        let moment = {
            let mut states = self.lock();
            // A chart that is new here is looked up in the index that its repository's last poll brought.
            let polled = || {
                let others = states.iter().filter(|(other, _)| other.shares_index(key));
                others.filter(|(_, state)| state.remote == *remote).filter_map(|(_, state)| state.asked).max()
            };
            let moment = match freshness {
                Freshness::Since(moment) => moment,
                Freshness::Known => {
                    polled().filter(|polled| polled.elapsed() < next).unwrap_or_else(Instant::now)
                }
            };
            let state = states.entry(key.clone()).or_insert_with(|| State {
                remote: remote.clone(),
                known: Known::default(),
                asked: None,
                since: Instant::now(),
                due: Instant::now(),
                hurried: None,
                failures: 0,
                news: false,
                held: VecDeque::new(),
            });
            // With other credentials the server may say something else.
            let same = state.remote == *remote;
            state.remote = remote.clone();
            let enough = match freshness {
                Freshness::Known => state.asked.is_some(),
                Freshness::Since(moment) => state.asked.is_some_and(|asked| asked >= moment),
            };
            if enough && same {
                return state.known.clone();
            }
            moment
        };
        self.ask(key, remote, next, moment).await
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
        // One that hangs holds up nobody else.
        let mut calls = FuturesUnordered::new();
        let mut called = BTreeSet::new();
        loop {
            let woken = self.changed.notified();
            let now = Instant::now();
            self.forget(now, &used);
            for (key, remote) in self.due(now, &interval) {
                if called.insert(key.clone()) {
                    let next = interval(&key.url);
                    calls.push(async move {
                        self.ask(&key, &remote, next, now).await;
                        key
                    });
                }
            }
            let (mut news, mut next) = (Vec::new(), None);
            for (key, state) in self.lock().iter_mut() {
                if std::mem::take(&mut state.news) {
                    news.push(key.clone());
                }
                if state.asked.is_some() && !called.contains(key) {
                    next = Some(next.map_or(state.due, |at: Instant| at.min(state.due)));
                }
            }
            news.iter().for_each(&changed);
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = woken => {}
                () = due => {}
                Some(key) = calls.next() => {
                    called.remove(&key);
                }
            }
        }
    }

    /// Forgets those that are due and that nobody uses. `used` is asked under no lock: it looks at applications, and they at repositories.
    fn forget(&self, now: Instant, used: impl Fn(&RepositoryKey) -> bool) {
        let due = |(key, state): (&RepositoryKey, &State)| (state.due <= now).then(|| key.clone());
        let mut unused: BTreeSet<RepositoryKey> = self.lock().iter().filter_map(due).collect();
        unused.retain(|key| !used(key));
        self.lock().retain(|key, state| !unused.contains(key) || state.due > now || state.is_new(now));
    }

    /// Whom to ask now. With one chart of an index all others are asked for, too, so that they share the one request from then on;
    /// what will not change before the next poll is left out.
    fn due(&self, now: Instant, interval: &impl Fn(&str) -> Duration) -> Vec<(RepositoryKey, Remote)> {
        let states = self.lock();
        let asked = || states.iter().filter(|(_, state)| state.asked.is_some());
        let due: Vec<&RepositoryKey> =
            asked().filter(|(_, state)| state.due <= now).map(|(key, _)| key).collect();
        let indexes: BTreeSet<_> = due.iter().map(|key| (&key.url, key.hidden, &key.project)).collect();
        let along = |key: &RepositoryKey, state: &State| {
            matches!(&state.remote, Remote::Charts(remote) if !remote.url.is_registry())
                && indexes.contains(&(&key.url, key.hidden, &key.project))
                && state.due <= now + interval(&key.url)
        };
        asked()
            .filter(|(key, state)| state.due <= now || along(key, state))
            .map(|(key, state)| (key.clone(), state.remote.clone()))
            .collect()
    }

    /// What the same repository has said to other projects, whose credentials may differ.
    pub(crate) fn elsewhere(&self, key: &RepositoryKey) -> Vec<Elsewhere> {
        let states = self.lock();
        let Some(own) = states.get(key) else { return Vec::new() };
        let from = RepositoryKey { project: String::new(), ..key.clone() };
        let same = |other: &RepositoryKey| {
            (&other.url, other.hidden, &other.question) == (&key.url, key.hidden, &key.question)
        };
        states
            .range(from..)
            .take_while(|(other, _)| same(other))
            .filter(|(other, _)| *other != key)
            .map(|(other, state)| {
                let same = state.known.says(own.known.said.as_ref());
                let older = !same && state.asked.is_none_or(|asked| asked < own.since);
                Elsewhere { key: other.clone(), version: state.known.version, older }
            })
            .collect()
    }

    /// Keeps a commit open that the next passes are likely to read from.
    pub(crate) fn hold(&self, key: &RepositoryKey, snapshot: &Arc<Snapshot>) {
        let is = |held: &Held| matches!(held, Held::Commit(commit) if Arc::ptr_eq(commit, snapshot));
        self.keep(key, is, || Held::Commit(Arc::clone(snapshot)));
    }

    /// Keeps the tree of a chart that was unpacked.
    pub(crate) fn hold_chart(&self, key: &RepositoryKey, resolved: &Arc<Resolved>, tree: &Tree) {
        let is = |held: &Held| matches!(held, Held::Chart(of, _) if of == resolved);
        self.drop_held(key, is);
        self.keep(key, is, || Held::Chart(Arc::clone(resolved), tree.clone()));
    }

    /// The tree of a chart, where it is kept.
    pub(crate) fn held_chart(&self, key: &RepositoryKey, resolved: &Arc<Resolved>) -> Option<Tree> {
        self.lock().get(key)?.held.iter().find_map(|held| match held {
            Held::Chart(of, tree) if of == resolved => Some(tree.clone()),
            Held::Chart(..) | Held::Commit(_) => None,
        })
    }

    fn drop_held(&self, key: &RepositoryKey, is: impl Fn(&Held) -> bool) {
        if let Some(state) = self.lock().get_mut(key) {
            state.held.retain(|held| !is(held));
        }
    }

    fn keep(&self, key: &RepositoryKey, is: impl Fn(&Held) -> bool, made: impl FnOnce() -> Held) {
        let mut states = self.lock();
        let Some(state) = states.get_mut(key) else { return };
        if state.held.iter().any(is) {
            return;
        }
        state.held.push_back(made());
        if state.held.len() > HELD {
            state.held.pop_front();
        }
    }

    /// Has repositories asked now, because somebody said that they changed. The answer is their URLs.
    pub(crate) fn hurry(&self, wanted: impl Fn(&RepositoryKey) -> bool) -> BTreeSet<String> {
        let mut hurried = BTreeSet::new();
        for (key, state) in self.lock().iter_mut().filter(|(key, _)| wanted(key)) {
            state.due = Instant::now();
            state.hurried = Some(state.due);
            hurried.insert(key.url.clone());
        }
        self.changed.notify_one();
        hurried
    }

    /// Asks for an answer that was given at `moment` or later.
    async fn ask(&self, key: &RepositoryKey, remote: &Remote, next: Duration, moment: Instant) -> Known {
        let mut asked = Instant::now();
        let answer = match (&key.question, remote) {
            (Question::Chart { name, revision }, Remote::Charts(remote)) => {
                asked = moment.min(asked);
                self.ask_charts(remote, name, revision, asked).await
            }
            (_, Remote::Git(remote)) => self.ask_git(remote, asked).await,
            (Question::Refs, Remote::Charts(remote)) => Err(format!("{} is no git repository", remote.url)),
        };
        let mut states = self.lock();
        let Some(state) = states.get_mut(key) else {
            return Known::default();
        };
        let known = match answer {
            Ok((said, error)) => {
                let version = state.known.version + u64::from(!state.known.says(Some(&said)));
                Known { said: Some(said), error, version }
            }
            Err(error) => Known { error: Some(error), ..state.known.clone() },
        };
        let first = state.asked.replace(asked).is_none();
        state.failures = if known.error.is_some() { state.failures.saturating_add(1) } else { 0 };
        let pause = match state.failures {
            0 if known.is_settled(&key.question) => SETTLED,
            0 => next,
            failures => next.min(FAILED.saturating_mul(2_u32.saturating_pow(failures - 1))),
        };
        // What was said to have changed while this was under way may not be in the answer.
        let overtaken = state.hurried.is_some_and(|hurried| hurried > asked);
        state.due = Instant::now() + if overtaken { Duration::ZERO } else { pause };
        if known.version != state.known.version {
            state.since = Instant::now();
        }
        state.news |= !first && !state.known.same(&known);
        state.known = known.clone();
        drop(states);
        self.changed.notify_one();
        known
    }

    async fn ask_git(
        &self,
        remote: &Arc<source::Remote>,
        asked: Instant,
    ) -> Result<(Said, Option<String>), String> {
        let mut answer = self.sources.ls_refs(remote).await;
        // The question may have joined one that was sent before; what was pushed in between is not in its answer.
        if answer.as_ref().is_ok_and(|refs| refs.fetched_at < asked) {
            answer = self.sources.ls_refs(remote).await;
        }
        answer.map(|refs| (Said::Refs(refs), None)).map_err(|error| chain(&error))
    }

    async fn ask_charts(
        &self,
        remote: &charts::Remote,
        name: &str,
        revision: &str,
        asked: Instant,
    ) -> Result<(Said, Option<String>), String> {
        let since = |moment: Instant| charts::Freshness::Since(moment.into_std());
        let begun = Instant::now();
        let mut answer = self.charts.resolve(remote, name, revision, since(asked)).await;
        // What is known may be older than the chart that is asked for.
        if asked < begun && matches!(answer, Err(ChartError::NoChart { .. } | ChartError::NoVersion { .. })) {
            answer = self.charts.resolve(remote, name, revision, since(begun)).await;
        }
        let answer = answer.map_err(|error| chain(&error))?;
        Ok((Said::Chart(Arc::new(answer.value)), answer.error.map(|error| chain(&error))))
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
        let repositories = Repositories::new(
            Arc::new(Sources::new(options).unwrap()),
            Charts::new(charts::Options::new(data.path())).unwrap(),
        );
        let url = RepoUrl::parse(&repository.file_url()).unwrap();
        let key = RepositoryKey::git(&url, "default");
        let absent =
            Remote::Git(Arc::new(source::Remote::new(RepoUrl::parse("file:///nowhere/at/all.git").unwrap())));
        for (call, pause) in [5, 10, 20].into_iter().enumerate() {
            let now = Instant::now();
            let known = repositories.answer(&key, &absent, Freshness::Since(now), LATER).await;
            assert!(known.error.is_some(), "call {call}");
            let due = repositories.lock()[&key].due;
            let wait = due.duration_since(now).as_secs();
            assert!((pause..pause + 5).contains(&wait), "call {call}: {wait} s");
        }
        let present = Remote::Git(Arc::new(source::Remote::new(url)));
        let known = repositories.answer(&key, &present, Freshness::Known, LATER).await;
        assert_eq!(known.error, None, "what failed with others does not count");
        assert!(repositories.lock()[&key].due.duration_since(Instant::now()) > LATER / 2);
    }

    #[tokio::test]
    async fn a_first_question_is_not_forgotten_while_it_is_under_way() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let data = tempfile::tempdir().unwrap();
        let charts = Charts::new(charts::Options::new(data.path())).unwrap();
        let sources = Sources::new(source::Options::new(data.path())).unwrap();
        let repositories = Arc::new(Repositories::new(Arc::new(sources), charts));
        let url = RepoUrl::parse(&format!("http://{}/r.git", silent.local_addr().unwrap())).unwrap();
        let key = RepositoryKey::git(&url, "default");
        let credentials = source::Credentials { allow_http: true, ..source::Credentials::default() };
        let remote = Remote::Git(Arc::new(source::Remote { credentials, ..source::Remote::new(url) }));
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let (asking, polling) = (Arc::clone(&repositories), Arc::clone(&repositories));
        let of = key.clone();
        let question =
            tokio::spawn(async move { asking.answer(&of, &remote, Freshness::Known, LATER).await });
        while !repositories.lock().contains_key(&key) {
            tokio::task::yield_now().await;
        }
        // Nobody uses it, and it is told that this was asked.
        let free = Arc::clone(&repositories);
        let nobody = move |_: &RepositoryKey| tell.send(free.states.try_lock().is_ok()).is_err();
        let poll = tokio::spawn(async move { polling.poll(|_| LATER, nobody, |_| {}).await });
        assert!(told.recv().await.unwrap(), "whoever is asked may look at repositories");
        assert!(repositories.lock().contains_key(&key), "it was looked at, and stays");
        question.abort();
        poll.abort();
    }

    fn chart_of(url: &str, name: &str) -> ApplicationSource {
        let (repo_url, chart, target_revision) = (url.to_owned(), name.to_owned(), "1.x".to_owned());
        ApplicationSource { repo_url, chart, target_revision, ..ApplicationSource::default() }
    }

    #[test]
    fn repositories_that_differ_in_what_is_not_shown_are_two() {
        let key = |url: &str, project: &str| {
            let remote = charts::RepositoryUrl::parse(url).unwrap();
            RepositoryKey::charts(&remote, &chart_of(url, "app"), "1.x", project)
        };
        let own = key("https://e.org/charts?token=Hush", "team");
        let rows = [
            ("https://e.org/charts?token=Hush", "team", true, "itself"),
            ("https://e.org/charts/?token=hush", "team", false, "another token"),
            ("https://e.org/charts", "team", false, "none"),
            ("https://me:hush@e.org/charts?token=Hush", "team", false, "another user"),
            ("https://e.org/charts?token=Hush", "other", false, "another project"),
        ];
        for (url, project, same, why) in rows {
            assert_eq!(key(url, project) == own, same, "{why}");
            assert_eq!(own.is_of(&chart_of(url, "app")), same || project == "other", "{why}");
        }
        assert!(!own.is_of(&chart_of("https://e.org/charts?token=Hush", "web")), "another chart");
        assert!(!format!("{own:?}").to_lowercase().contains("hush"), "{own:?}");
    }

    #[tokio::test]
    async fn an_index_is_asked_for_once_a_poll_whatever_number_of_its_charts_is_used() {
        let names = ["one", "two", "three"];
        let server = testkit::ChartRepository::start(testkit::WebTls::Off, None).unwrap();
        let publish = |version: &str| {
            let rows: Vec<_> = names.iter().map(|name| (*name, version, "x.tgz", "")).collect();
            server.index(&rows);
        };
        publish("1.0.0");
        let data = tempfile::tempdir().unwrap();
        let repositories = Arc::new(Repositories::new(
            Arc::new(Sources::new(source::Options::new(data.path())).unwrap()),
            Charts::new(charts::Options::new(data.path())).unwrap(),
        ));
        let url = charts::RepositoryUrl::parse(&server.url()).unwrap();
        let remote = charts::Remote { allow_http: true, ..charts::Remote::new(url.clone()) };
        let remote = Remote::Charts(Arc::new(remote));
        let keys =
            names.map(|name| RepositoryKey::charts(&url, &chart_of(&server.url(), name), "1.x", "default"));
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let asking = Arc::clone(&repositories);
        let poll = tokio::spawn(async move {
            asking.poll(|_| LATER, |_| true, |key| drop(tell.send(key.clone()))).await;
        });
        for key in &keys {
            let known = repositories.answer(key, &remote, Freshness::Known, LATER).await;
            assert_eq!(known.chart().map(|found| found.version().to_owned()).as_deref(), Some("1.0.0"));
        }
        assert_eq!(server.server().asked().len(), 1, "whoever comes later finds the index there");
        publish("1.1.0");
        repositories.hurry(|key| *key == keys[0]);
        for _ in &keys {
            tokio::time::timeout(Duration::from_secs(30), told.recv()).await.unwrap().unwrap();
        }
        assert_eq!(server.server().asked().len(), 2, "all three were looked up in one answer");
        for key in &keys {
            let known = repositories.answer(key, &remote, Freshness::Known, LATER).await;
            assert_eq!(known.chart().map(|found| found.version().to_owned()).as_deref(), Some("1.1.0"));
        }
        // What the known index lacks may have come since.
        server.index(&[("four", "1.0.0", "x.tgz", "")]);
        let four = RepositoryKey::charts(&url, &chart_of(&server.url(), "four"), "1.x", "default");
        let known = repositories.answer(&four, &remote, Freshness::Known, LATER).await;
        assert_eq!((known.error, server.server().asked().len()), (None, 3));
        poll.abort();
    }

    #[tokio::test]
    async fn what_changed_during_a_question_is_asked_about_again() {
        let server = testkit::ChartRepository::start(testkit::WebTls::Off, None).unwrap();
        server.reply(
            "/index.yaml",
            testkit::WebReply { body: testkit::WebBody::Hang, ..testkit::WebReply::default() },
        );
        let data = tempfile::tempdir().unwrap();
        let answer = Duration::from_millis(300);
        let options = charts::Options {
            timeouts: charts::Timeouts { answer, ..charts::Timeouts::default() },
            ..charts::Options::new(data.path())
        };
        let sources = Arc::new(Sources::new(source::Options::new(data.path())).unwrap());
        let repositories = Repositories::new(sources, Charts::new(options).unwrap());
        let url = charts::RepositoryUrl::parse(&server.url()).unwrap();
        let remote = charts::Remote { allow_http: true, ..charts::Remote::new(url.clone()) };
        let remote = Remote::Charts(Arc::new(remote));
        let key = RepositoryKey::charts(&url, &chart_of(&server.url(), "app"), "1.x", "default");
        let news = async {
            while server.server().asked().is_empty() {
                tokio::task::yield_now().await;
            }
            repositories.hurry(|_| true);
        };
        let (known, ()) = tokio::join!(repositories.answer(&key, &remote, Freshness::Known, LATER), news);
        assert!(known.error.is_some());
        assert!(repositories.lock()[&key].due <= Instant::now(), "it is due at once, and not after a pause");
    }

    #[tokio::test]
    async fn what_one_application_asked_about_all_hear_of() {
        let repository = testkit::Repository::new("config").unwrap();
        repository.commit(&[("a.yaml", "a: 1\n")], "first").unwrap();
        let data = tempfile::tempdir().unwrap();
        let options = source::Options { allow_file: true, ..source::Options::new(data.path()) };
        let repositories = Arc::new(Repositories::new(
            Arc::new(Sources::new(options).unwrap()),
            Charts::new(charts::Options::new(data.path())).unwrap(),
        ));
        let url = RepoUrl::parse(&repository.file_url()).unwrap();
        let key = RepositoryKey::git(&url, "default");
        let remote = Remote::Git(Arc::new(source::Remote::new(url)));
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let asking = Arc::clone(&repositories);
        let poll = tokio::spawn(async move {
            asking.poll(|_| LATER, |_| true, |key| drop(tell.send(key.clone()))).await;
        });
        let first = repositories.answer(&key, &remote, Freshness::Known, LATER).await;
        assert_eq!(first.error, None);
        repository.commit(&[("a.yaml", "a: 2\n")], "second").unwrap();
        // A refresh of one application; the next poll is an hour away and would find nothing new.
        repositories.answer(&key, &remote, Freshness::Since(Instant::now()), LATER).await;
        let heard = tokio::time::timeout(Duration::from_secs(30), told.recv()).await.unwrap();
        assert_eq!(heard, Some(key));
        poll.abort();
    }
}
