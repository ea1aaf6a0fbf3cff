//! What the controller counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Application, OperationState};
use cluster::Requests;
use tally::Histogram;
use tokio::time::Instant;

/// Upper ends of the buckets for passes, in seconds: the peer's.
const PASSES: &[f64] = &[0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// Operations of one application that ended alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ended {
    /// Namespace of the application.
    pub namespace: String,
    /// Name of the application.
    pub name: String,
    /// Its project.
    pub project: String,
    /// URL of the cluster that it goes to.
    pub server: String,
    /// How the operation ended, as in `Succeeded`.
    pub phase: String,
    /// Whether it was to do nothing.
    pub dry_run: bool,
}

/// How many, and how long they took together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// How many.
    pub count: u64,
    /// All their time.
    pub time: Duration,
}

/// An application for which requests are made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whose {
    /// Namespace of the application.
    pub namespace: String,
    /// Name of the application.
    pub name: String,
    /// Its project.
    pub project: String,
    /// URL of the cluster that it goes to.
    pub server: String,
}

#[derive(Debug, Clone, Default)]
struct Asked {
    whose: Whose,
    requests: Arc<Requests>,
}

/// Counters of one controller; read by whoever serves `/metrics`.
#[derive(Debug, Default)]
pub struct Metrics {
    renders: AtomicU64,
    passes: AtomicU64,
    comparisons: AtomicU64,
    status_writes: AtomicU64,
    syncs: AtomicU64,
    failed_syncs: AtomicU64,
    ended: Mutex<BTreeMap<Ended, Took>>,
    requests: Mutex<BTreeMap<(String, String), Asked>>,
    orphans: Mutex<BTreeMap<(String, String), (String, usize)>>,
    took: Mutex<BTreeMap<(String, String), Histogram>>,
    leading: AtomicBool,
    finished: Mutex<Option<Instant>>,
}

impl Metrics {
    /// Times that manifests were rendered: cache hits do not count.
    pub fn renders(&self) -> u64 {
        self.renders.load(Relaxed)
    }

    /// Passes over an application.
    pub fn passes(&self) -> u64 {
        self.passes.load(Relaxed)
    }

    /// Times that an object was held against git: what is known still does not count.
    pub fn comparisons(&self) -> u64 {
        self.comparisons.load(Relaxed)
    }

    /// Writes of an Application.
    pub fn status_writes(&self) -> u64 {
        self.status_writes.load(Relaxed)
    }

    /// Operations that ended well.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Relaxed)
    }

    /// Operations that ended otherwise.
    pub fn failed_syncs(&self) -> u64 {
        self.failed_syncs.load(Relaxed)
    }

    /// Operations that ended, of the applications that are there.
    pub fn ended(&self) -> BTreeMap<Ended, Took> {
        lock(&self.ended).clone()
    }

    /// Requests that were made for applications that are there, by what they were.
    pub fn requests(&self) -> Vec<(Whose, BTreeMap<cluster::Request, u64>)> {
        let known = lock(&self.requests).clone();
        known.into_values().map(|asked| (asked.whose, asked.requests.counts())).collect()
    }

    /// Objects of nobody where applications go whose projects ask for them: by namespace and name, the project and how many.
    pub fn orphans(&self) -> BTreeMap<(String, String), (String, usize)> {
        lock(&self.orphans).clone()
    }

    /// How long passes took, by the namespace of the application and the cluster that it goes to.
    pub fn took(&self) -> BTreeMap<(String, String), Histogram> {
        lock(&self.took).clone()
    }

    /// Whether this controller is the active one.
    pub fn is_leading(&self) -> bool {
        self.leading.load(Relaxed)
    }

    pub(crate) fn rendered(&self) {
        self.renders.fetch_add(1, Relaxed);
    }

    pub(crate) fn passed(&self) {
        self.passes.fetch_add(1, Relaxed);
    }

    pub(crate) fn compared(&self) {
        self.comparisons.fetch_add(1, Relaxed);
    }

    pub(crate) fn status_written(&self) {
        self.status_writes.fetch_add(1, Relaxed);
    }

    /// Counts an operation that ended, of an application that goes to this cluster.
    pub(crate) fn synced(&self, app: &Application, server: String, state: &OperationState) {
        let succeeded = state.phase == api::OperationPhase::Succeeded;
        if succeeded { &self.syncs } else { &self.failed_syncs }.fetch_add(1, Relaxed);
        let key = Ended {
            namespace: app.metadata.namespace.clone(),
            name: app.metadata.name.clone(),
            project: app.spec.project_name().to_owned(),
            server,
            phase: state.phase.as_str().to_owned(),
            dry_run: state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run),
        };
        let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
        let ended = state.finished_at.as_deref().and_then(moment);
        let time = ended.zip(moment(&state.started_at)).map(|(ended, began)| ended.duration_since(began));
        let mut all = lock(&self.ended);
        let took = all.entry(key).or_default();
        took.count += 1;
        took.time += time.and_then(|time| Duration::try_from(time).ok()).unwrap_or_default();
    }

    /// An application is gone, and what was counted of it with it.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        lock(&self.ended).retain(|key, _| (&*key.namespace, &*key.name) != (namespace, name));
        let key = (namespace.to_owned(), name.to_owned());
        lock(&self.orphans).remove(&key);
        lock(&self.requests).remove(&key);
    }

    /// Says how many objects of nobody there are where an application goes; `None` where its project does not ask.
    pub(crate) fn orphaned(&self, app: &Application, count: Option<usize>) {
        let key = (app.metadata.namespace.clone(), app.metadata.name.clone());
        let mut all = lock(&self.orphans);
        match count {
            Some(count) => drop(all.insert(key, (app.spec.project_name().to_owned(), count))),
            None => drop(all.remove(&key)),
        }
    }

    /// What counts the requests that are made for an application, which goes to this cluster.
    pub(crate) fn asking(&self, app: &Application, server: String) -> Arc<Requests> {
        let (namespace, name) = (app.metadata.namespace.clone(), app.metadata.name.clone());
        let project = app.spec.project_name().to_owned();
        let whose = Whose { namespace: namespace.clone(), name: name.clone(), project, server };
        let mut all = lock(&self.requests);
        let asked = all.entry((namespace, name)).or_default();
        if asked.whose != whose {
            // Of another project or cluster, it is counted anew.
            *asked = Asked { whose, requests: Arc::default() };
        }
        Arc::clone(&asked.requests)
    }

    /// Counts a pass over an application of this namespace that goes to this cluster.
    pub(crate) fn pass_took(&self, namespace: &str, server: String, time: Duration) {
        let mut all = lock(&self.took);
        all.entry((namespace.to_owned(), server)).or_insert_with(|| Histogram::new(PASSES)).observe(time);
    }

    pub(crate) fn finished(&self) {
        *lock(&self.finished) = Some(Instant::now());
    }

    /// Time since a pass was finished, or since the first question.
    pub(crate) fn since_last_pass(&self) -> Duration {
        let mut finished = lock(&self.finished);
        finished.get_or_insert_with(Instant::now).elapsed()
    }

    pub(crate) fn set_leading(&self, leading: bool) {
        self.leading.store(leading, Relaxed);
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
