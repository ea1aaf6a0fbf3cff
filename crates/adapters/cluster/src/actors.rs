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
    options::Options,
    store::{Source, Store},
    watch::{Mode, Observation, Shared, Target, Watcher},
};

/// Pause that lets the events of one change of kinds come together.
const DEBOUNCE: Duration = Duration::from_millis(100);
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
                let watcher = Watcher::new(shared.clone(), target);
                Task(runtime.spawn(follow_kind(watcher, source, Arc::clone(store), Arc::clone(pending))))
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

async fn follow_kind(mut watcher: Watcher, source: Source, store: Arc<Mutex<Store>>, pending: Arc<Pending>) {
    let about_kinds = is_about_kinds(&source.kind);
    let is_crd = source.kind.kind == "CustomResourceDefinition";
    loop {
        let seen = watcher.next().await;
        if about_kinds {
            pending.note(&seen, is_crd);
        } else if matches!(seen, Observation::State(Knowledge::Absent)) {
            pending.wake.notify_one();
        }
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        match seen {
            Observation::Listing { background } => store.listing(&source, background),
            Observation::Page { objects, end } => store.page(&source, objects, end),
            Observation::Applied(seen) => store.applied(&source, seen),
            Observation::Deleted(seen) => store.deleted(&source, &seen),
            Observation::State(known) => store.state(&source, known),
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
    let crd_kind = GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition");
    let mut pause = CRD_PAUSE;
    let mut expected_since = Instant::now();
    loop {
        let nap = {
            let Some(inner) = inner.upgrade() else { return };
            let discovery = inner.discovery();
            if pending.check(&discovery) {
                if expected_since.elapsed() > CRD_PATIENCE {
                    pending.give_up();
                }
                pause = pause.saturating_mul(2).min(CRD_PATIENCE);
                Some(pause)
            } else {
                pause = CRD_PAUSE;
                let blind = matches!(
                    inner.store().known(&crd_kind),
                    None | Some(Knowledge::Forbidden { .. } | Knowledge::Absent | Knowledge::Excluded)
                );
                match (discovery.failed().is_empty(), blind) {
                    (false, _) => Some(FAILED_PAUSE),
                    (true, true) => Some(BLIND_PAUSE),
                    (true, false) => None,
                }
            }
        };
        let woken = match nap {
            Some(nap) => tokio::time::timeout(nap, pending.wake.notified()).await.is_ok(),
            None => {
                pending.wake.notified().await;
                true
            }
        };
        if woken {
            tokio::time::sleep(DEBOUNCE).await;
            expected_since = Instant::now();
            pause = CRD_PAUSE;
        }
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = inner.refresh().await {
            tracing::warn!(error = %error, "discovery failed");
            tokio::time::sleep(CRD_PAUSE).await;
        }
    }
}
