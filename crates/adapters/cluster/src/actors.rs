//! One task a kind (and namespace), which carries what a watcher sees into the store.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use resource::GroupKind;
use tokio::{runtime::Handle, sync::Notify, task::JoinHandle, time::Instant};

use crate::{
    cluster::{Inner, is_about_kinds},
    discovery::{Discovery, ResourceKind},
    live::Knowledge,
    options::Options,
    store::{Source, Store},
    watch::{Mode, Observation, Shared, Target, Watcher},
};

/// Pause that lets the events of one change of kinds come together.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// The same, once there were [`QUICK`] discoveries in a row: an installation of many CRDs is not asked after one by
/// one.
const CALM: Duration = Duration::from_secs(1);
/// Discoveries that may follow each other without a rest of [`QUIET`].
const QUICK: u32 = 5;
/// Rest that ends a row of discoveries.
const QUIET: Duration = Duration::from_secs(5);
/// How long a CRD that discovery does not show (or still shows) is asked after.
const CRD_PATIENCE: Duration = Duration::from_secs(30);
/// First pause between two such questions; it doubles.
const CRD_PAUSE: Duration = Duration::from_millis(200);
/// Pause until a group that failed is asked again.
const FAILED_PAUSE: Duration = Duration::from_secs(30);
/// Pause between discoveries where the right to watch CRDs is missing.
const BLIND_PAUSE: Duration = Duration::from_secs(180);

/// A task that ends with its owner.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(crate) fn new(handle: JoinHandle<()>) -> Self {
        Self(handle)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
struct Actor {
    kind: ResourceKind,
    mode: Mode,
    _tasks: Vec<Task>,
}

/// The running watches.
#[derive(Debug, Default)]
pub(crate) struct Actors {
    running: HashMap<GroupKind, Actor>,
    /// Kinds that are needed whole, and when that was last said.
    needed: HashMap<GroupKind, Instant>,
    generation: u64,
    others: Vec<Task>,
}

impl Actors {
    /// Keeps a task as long as the cluster.
    pub(crate) fn keep(&mut self, handle: JoinHandle<()>) {
        self.others.push(Task(handle));
    }

    /// Stops all watches, so that [`follow`](Self::follow) starts them anew.
    pub(crate) fn forget(&mut self) {
        for actor in self.running.values_mut() {
            actor._tasks.clear();
            actor.kind.plural.clear();
        }
    }

    /// True where another set of kinds is needed than before.
    pub(crate) fn need(&mut self, kinds: &BTreeSet<GroupKind>, now: Instant, lasts: Duration) -> bool {
        let mut changed = false;
        for kind in kinds {
            changed |= self.needed.insert(kind.clone(), now).is_none();
        }
        let before = self.needed.len();
        self.needed.retain(|kind, said| kinds.contains(kind) || now.duration_since(*said) < lasts);
        changed || self.needed.len() != before
    }

    pub(crate) fn follow(
        &mut self,
        discovery: &Discovery,
        shared: &Shared,
        store: &Arc<Mutex<Store>>,
        pending: &Arc<Pending>,
        runtime: &Handle,
    ) {
        let wanted: HashMap<GroupKind, &ResourceKind> = discovery
            .kinds()
            .filter(|(kind, _)| !(shared.options.excluded)(&kind.group, &kind.kind))
            .filter_map(|(kind, _)| Some((kind.clone(), discovery.watchable(kind)?)))
            .filter(|(_, served)| !scopes(served, &shared.options).is_empty())
            .collect();
        let gone: Vec<_> = self.running.keys().filter(|kind| !wanted.contains_key(kind)).cloned().collect();
        for kind in gone {
            self.running.remove(&kind);
            store.lock().unwrap_or_else(PoisonError::into_inner).close(&kind);
        }
        for (kind, served) in wanted {
            let mode = if self.needed.contains_key(&kind) { Mode::Full } else { Mode::Metadata };
            let runs = self.running.get(&kind);
            if runs.is_some_and(|actor| actor.mode == mode && same_paths(&actor.kind, served)) {
                continue;
            }
            self.running.remove(&kind);
            self.generation += 1;
            let scopes = scopes(served, &shared.options);
            store.lock().unwrap_or_else(PoisonError::into_inner).open(
                &served.gvk,
                self.generation,
                scopes.clone(),
            );
            let start = |scope: String| {
                let source =
                    Source { kind: kind.clone(), generation: self.generation, scope: scope.clone(), mode };
                let namespace = (!scope.is_empty()).then_some(scope);
                let target = Target { kind: served.clone(), namespace, mode };
                let actor = Following {
                    shared: shared.clone(),
                    target,
                    source,
                    store: Arc::clone(store),
                    pending: Arc::clone(pending),
                };
                Task(runtime.spawn(actor.supervise()))
            };
            let tasks = scopes.into_iter().map(start).collect();
            self.running.insert(kind, Actor { kind: served.clone(), mode, _tasks: tasks });
        }
    }
}

fn same_paths(a: &ResourceKind, b: &ResourceKind) -> bool {
    a.gvk == b.gvk && a.plural == b.plural && a.namespaced == b.namespaced
}

/// The namespaces to watch a kind in, `""` for all of the cluster; none where the settings leave it out.
fn scopes(kind: &ResourceKind, options: &Options) -> Vec<String> {
    match &options.namespaces {
        None => vec![String::new()],
        Some(namespaces) if kind.namespaced => {
            let set: BTreeSet<_> =
                namespaces.iter().filter(|namespace| !namespace.is_empty()).cloned().collect();
            set.into_iter().collect()
        }
        Some(_) if options.cluster_resources => vec![String::new()],
        Some(_) => Vec::new(),
    }
}

#[derive(Clone)]
struct Following {
    shared: Shared,
    target: Target,
    source: Source,
    store: Arc<Mutex<Store>>,
    pending: Arc<Pending>,
}

impl Following {
    /// A task that dies must not leave its kind looking complete for ever: it is said, and begun anew.
    async fn supervise(self) {
        loop {
            let mut task = Task(tokio::spawn(self.clone().run()));
            let Err(error) = (&mut task.0).await else { continue };
            tracing::error!(kind = %self.source.kind, error = %error, "watch died");
            let reason = "its watch died of an internal error and is begun anew".to_owned();
            self.store().state(&self.source, Knowledge::Failed { reason });
            tokio::time::sleep(self.shared.options.backoff.1).await;
        }
    }

    async fn run(self) {
        let mut watcher = Watcher::new(self.shared.clone(), self.target.clone());
        loop {
            let seen = watcher.next().await;
            self.take_in(seen);
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_in(&self, mut seen: Observation) {
        let source = &self.source;
        if is_about_kinds(&source.kind) {
            self.pending.note(&seen, source.kind.kind == "CustomResourceDefinition");
        }
        // The tracker is foreign code: it runs before the store is locked.
        match &mut seen {
            Observation::Page { objects, .. } => {
                objects
                    .iter_mut()
                    .for_each(|object| object.track(&self.shared.options.tracker, &source.kind));
            }
            Observation::Applied(object) => object.track(&self.shared.options.tracker, &source.kind),
            Observation::State(known) => {
                log(source, known);
                if *known == Knowledge::Absent {
                    self.pending.ask();
                }
            }
            Observation::Deleted(_) | Observation::Listing { .. } => {}
        }
        let mut store = self.store();
        match seen {
            Observation::Listing { background } => store.listing(source, background),
            Observation::Page { objects, moment, last } => store.page(source, objects, &moment, last),
            Observation::Applied(seen) => store.applied(source, seen),
            Observation::Deleted(seen) => store.deleted(source, &seen),
            Observation::State(known) => store.state(source, known),
        }
    }
}

fn log(source: &Source, known: &Knowledge) {
    let (kind, namespace) = (&source.kind, &source.scope);
    match known {
        Knowledge::Forbidden { reason } => tracing::warn!(%kind, namespace, reason, "watch was forbidden"),
        Knowledge::Failed { reason } => tracing::warn!(%kind, namespace, reason, "watch failed"),
        Knowledge::Absent => tracing::info!(%kind, namespace, "kind was not found"),
        Knowledge::Complete | Knowledge::Loading | Knowledge::Excluded => {
            tracing::debug!(%kind, namespace, "watch resumed");
        }
    }
}

/// What discovery does not show yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    news: Mutex<News>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct News {
    /// Something changed that only discovery can tell.
    stale: bool,
    /// By a CRD's name: whether it should be served.
    crds: HashMap<String, bool>,
}

impl Pending {
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes discovery be asked again.
    fn ask(&self) {
        self.news().stale = true;
        self.wake.notify_one();
    }

    fn note(&self, seen: &Observation, is_crd: bool) {
        let mut news = self.news();
        let mut expect = |name: &String, there| {
            if is_crd {
                news.crds.insert(name.clone(), there);
            }
        };
        match seen {
            // A list comes after the first discovery, and most of what it names is served already.
            Observation::Page { objects, .. } => objects.iter().for_each(|seen| expect(&seen.name, true)),
            Observation::Applied(seen) => {
                expect(&seen.name, true);
                news.stale = true;
            }
            Observation::Deleted(seen) => {
                expect(&seen.name, false);
                news.stale = true;
            }
            Observation::Listing { .. } | Observation::State(_) => return,
        }
        drop(news);
        self.wake.notify_one();
    }

    /// Forgets what came true; `true` while something is still expected.
    fn expects(&self, discovery: &Discovery) -> bool {
        let mut news = self.news();
        news.crds.retain(|name, there| discovery.serves(name) != *there);
        !news.crds.is_empty()
    }

    /// Whether discovery is out of date for certain; says so once.
    fn take_stale(&self) -> bool {
        std::mem::take(&mut self.news().stale)
    }

    fn give_up(&self) {
        self.news().crds.clear();
    }
}

/// Discovers again when CRDs or APIServices change, while a group fails, and now and then where CRDs cannot be
/// watched. In the steady state it sends nothing.
pub(crate) async fn keep_discovery(inner: Weak<Inner>, pending: Arc<Pending>) {
    let mut asking = Asking { failures: 0, questions: 0, expected_since: Instant::now() };
    let (mut last, mut in_a_row) = (Instant::now(), 0);
    loop {
        let nap = {
            let Some(inner) = inner.upgrade() else { return };
            asking.pause(&inner, &pending)
        };
        let woken = match nap {
            Some(nap) => tokio::time::timeout(nap, pending.wake.notified()).await.is_ok(),
            None => {
                pending.wake.notified().await;
                true
            }
        };
        if woken {
            let discovery = inner.upgrade().map(|inner| inner.discovery()).unwrap_or_default();
            if !pending.take_stale() && !pending.expects(&discovery) {
                continue;
            }
            in_a_row = if last.elapsed() > QUIET { 0 } else { in_a_row + 1 };
            tokio::time::sleep(if in_a_row < QUICK { DEBOUNCE } else { CALM }).await;
            asking.questions = 0;
            asking.expected_since = Instant::now();
        }
        let Some(inner) = inner.upgrade() else { return };
        match inner.refresh().await {
            Ok(_) => asking.failures = 0,
            Err(error) => {
                asking.failures += 1;
                tracing::warn!(error = %error, "discovery failed");
            }
        }
        last = Instant::now();
    }
}

/// How often discovery was asked in vain.
struct Asking {
    failures: u32,
    questions: u32,
    expected_since: Instant,
}

impl Asking {
    /// The pause until discovery is asked again, unless an event comes first; `None`: only then.
    fn pause(&mut self, inner: &Inner, pending: &Pending) -> Option<Duration> {
        let doubled = |times: u32| CRD_PAUSE.saturating_mul(1 << times.min(8)).min(FAILED_PAUSE);
        if self.failures > 0 {
            return Some(doubled(self.failures));
        }
        let discovery = inner.discovery();
        if pending.expects(&discovery) {
            if self.expected_since.elapsed() > CRD_PATIENCE {
                pending.give_up();
            }
            self.questions += 1;
            return Some(doubled(self.questions - 1));
        }
        if !discovery.failed().is_empty() {
            return Some(FAILED_PAUSE);
        }
        let crds = GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition");
        let blind = matches!(
            inner.store().known(&crds),
            None | Some(Knowledge::Forbidden { .. } | Knowledge::Absent | Knowledge::Excluded)
        );
        blind.then_some(BLIND_PAUSE)
    }
}
