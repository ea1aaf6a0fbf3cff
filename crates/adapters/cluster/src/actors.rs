//! One task a kind (and namespace), which carries what a watcher sees into the store.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use resource::GroupKind;
use tokio::{runtime::Handle, sync::Notify, task::JoinHandle, time::Instant};

use crate::{
    cluster::{Inner, is_about_kinds},
    discovery::{Discovery, ResourceKind},
    live::Knowledge,
    options::{Options, Tracker},
    store::{Source, Store},
    watch::{Mode, Observation, Shared, Target, Watcher},
};

/// Pause that lets the events of one change of kinds come together.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// The same, right after another discovery: an installation of many CRDs is not asked after one by one.
const CALM: Duration = Duration::from_secs(1);
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

    pub(crate) fn need(&mut self, kinds: &BTreeSet<GroupKind>, now: Instant, lasts: Duration) {
        for kind in kinds {
            self.needed.insert(kind.clone(), now);
        }
        self.needed.retain(|kind, said| kinds.contains(kind) || now.duration_since(*said) < lasts);
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
                    watcher: Watcher::new(shared.clone(), target),
                    source,
                    tracker: Arc::clone(&shared.options.tracker),
                    store: Arc::clone(store),
                    pending: Arc::clone(pending),
                };
                Task(runtime.spawn(actor.run()))
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

struct Following {
    watcher: Watcher,
    source: Source,
    tracker: Tracker,
    store: Arc<Mutex<Store>>,
    pending: Arc<Pending>,
}

impl Following {
    async fn run(mut self) {
        loop {
            let seen = self.watcher.next().await;
            self.take_in(seen);
        }
    }

    fn take_in(&self, mut seen: Observation) {
        let source = &self.source;
        if is_about_kinds(&source.kind) {
            self.pending.note(&seen, source.kind.kind == "CustomResourceDefinition");
        }
        // The tracker is foreign code: it runs before the store is locked.
        match &mut seen {
            Observation::Page { objects, .. } => {
                objects.iter_mut().for_each(|object| object.track(&self.tracker, &source.kind));
            }
            Observation::Applied(object) => object.track(&self.tracker, &source.kind),
            Observation::State(known) => {
                log(source, known);
                if *known == Knowledge::Absent {
                    self.pending.wake.notify_one();
                }
            }
            Observation::Deleted(_) | Observation::Listing { .. } => {}
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Custom kinds that discovery should show, or show no more.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// By the CRD's name: whether it should be served.
    crds: Mutex<HashMap<String, bool>>,
    wake: Notify,
}

impl Pending {
    fn note(&self, seen: &Observation, is_crd: bool) {
        let (name, there) = match seen {
            Observation::Applied(seen) => (&seen.name, true),
            Observation::Deleted(seen) => (&seen.name, false),
            Observation::Listing { .. } | Observation::Page { .. } | Observation::State(_) => return,
        };
        if is_crd {
            self.crds.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), there);
        }
        self.wake.notify_one();
    }

    /// Forgets what came true; `true` while something is still expected.
    fn check(&self, discovery: &Discovery) -> bool {
        let mut crds = self.crds.lock().unwrap_or_else(PoisonError::into_inner);
        crds.retain(|name, there| discovery.serves(name) != *there);
        !crds.is_empty()
    }

    fn give_up(&self) {
        self.crds.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Discovers again when CRDs or APIServices change, while a group fails, and now and then where CRDs cannot be
/// watched. In the steady state it sends nothing.
pub(crate) async fn keep_discovery(inner: Weak<Inner>, pending: Arc<Pending>) {
    let mut asking = Asking { failures: 0, questions: 0, expected_since: Instant::now() };
    let mut last = Instant::now();
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
            tokio::time::sleep(if last.elapsed() < CALM { CALM } else { DEBOUNCE }).await;
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
        if pending.check(&discovery) {
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
