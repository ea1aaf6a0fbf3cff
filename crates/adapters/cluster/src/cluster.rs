use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, atomic::Ordering::Relaxed},
    time::Duration,
};

use resource::{GroupKind, Gvk, Object, ResourceKey};
use serde_json::Value;
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore},
    time::Instant,
};

use crate::{
    actors::{Actors, Pending},
    changes::{Changes, Hub},
    counters::{Counters, Tally, Verb},
    discover::discover,
    discovery::{Discovery, ResourceKind},
    error::ClusterError,
    history::History,
    http::{Api, Failure, is_segment, malformed, segment},
    kind_watch::KindWatch,
    live::{Knowledge, LiveObject},
    options::Options,
    seen::Seen,
    store::Store,
    watch::{Shared, collection, is_older},
};

/// How long a kind that is needed no more is still watched whole: whoever needs kinds changes his mind.
const NEED_LASTS: Duration = Duration::from_secs(600);

/// Live state of one cluster, and the way to write to it. Clones are cheap and share all; the watches end with
/// the last of them.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) inner: Arc<Inner>,
    /// Who writes, where it is not the client's own user.
    pub(crate) user: Option<Arc<str>>,
}

pub(crate) struct Inner {
    pub(crate) shared: Shared,
    pub(crate) hub: Arc<Hub>,
    store: Arc<Mutex<Store>>,
    discovery: RwLock<Arc<Discovery>>,
    actors: Mutex<Actors>,
    /// One discovery at a time.
    refreshing: Semaphore,
    pub(crate) pending: Arc<Pending>,
    server_version: String,
    since: Instant,
    pub(crate) runtime: Handle,
}

impl Cluster {
    /// Asks the server for its version and its kinds, and starts to watch them; comes back before the first
    /// lists are read (see [`wait_complete`](Self::wait_complete)). Must be called inside a tokio runtime.
    ///
    /// **Errors.** Where the server does not answer, or refuses discovery as a whole. A single group that fails
    /// is no error: see [`Discovery::failed`].
    pub async fn start(client: kube::Client, options: Options) -> Result<Self, ClusterError> {
        let options = Arc::new(options);
        let api = Api::new(client, Arc::new(Tally::default()), &options);
        let server_version = server_version(&api).await?;
        let discovery = discover(&api).await?;
        let hub = Arc::new(Hub::default());
        let store = Store::new(Arc::clone(&hub));
        let shared = Shared {
            api,
            lists: Arc::new(Semaphore::new(options.concurrent_lists.max(1))),
            options,
            poke: Arc::new(Notify::new()),
            history: Arc::new(History::default()),
        };
        let inner = Arc::new(Inner {
            shared,
            hub,
            store: Arc::new(Mutex::new(store)),
            discovery: RwLock::new(Arc::new(discovery)),
            actors: Mutex::new(Actors::default()),
            refreshing: Semaphore::new(1),
            pending: Arc::new(Pending::default()),
            server_version,
            since: Instant::now(),
            runtime: Handle::current(),
        });
        inner.follow_discovery();
        let refresher =
            tokio::spawn(crate::actors::keep_discovery(Arc::downgrade(&inner), Arc::clone(&inner.pending)));
        inner.actors().keep(refresher);
        let reach = Arc::clone(inner.shared.api.reach());
        inner.actors().keep(tokio::spawn(crate::reach::keep(Arc::downgrade(&inner), reach)));
        Ok(Self { inner, user: None })
    }

    /// The same cluster, its memory included, with writes (dry runs, too) made as another user: the client's own has to have the right to
    /// impersonate it. Reads and watches stay the client's.
    pub fn as_user(&self, user: &str) -> Self {
        Self { inner: Arc::clone(&self.inner), user: Some(Arc::from(user)) }
    }

    /// What the server serves, as of the last discovery.
    pub fn discovery(&self) -> Arc<Discovery> {
        self.inner.discovery()
    }

    /// Takes in that the server showed an object in an older version than before: its storage was put back to what was saved earlier. All
    /// is listed anew, and counts as [`Knowledge::Loading`] until then. Reads find that out by themselves where the object is held.
    pub fn went_back(&self) {
        self.inner.shared.history.went_back();
    }

    /// Asks the server anew what it serves, adapts the watches, and wakes those that rest after a 403 or 404.
    pub async fn refresh_discovery(&self) -> Result<Arc<Discovery>, ClusterError> {
        self.inner.refresh().await
    }

    /// Applies changed answers of [`Options::tracker`] and [`Options::excluded`]: every kind is listed anew.
    pub fn reconfigure(&self) {
        self.inner.actors().forget();
        self.inner.follow_discovery();
    }

    /// Says which kinds are needed whole, because some application manages them; all others are watched by their
    /// metadata only. Only the watches of kinds whose mode changes are restarted. A kind that is needed no more
    /// goes back after ten minutes, at the next call.
    pub fn need_full(&self, kinds: &BTreeSet<GroupKind>) {
        if self.inner.actors().need(kinds, Instant::now(), NEED_LASTS) {
            self.inner.follow_discovery();
        }
    }

    /// Says which objects an application desires, tracked or not: their changes are told with its name, and
    /// where their kind is watched whole they are kept whole. Replaces what the instance wanted before; an empty
    /// set forgets it. Returns those that exist and of which only metadata is held as yet: read them by
    /// [`fetch`](Self::fetch) once.
    pub fn want(&self, instance: &str, keys: BTreeSet<ResourceKey>) -> Vec<ResourceKey> {
        let mut store = self.inner.store();
        let partial = |key: &&ResourceKey| store.get(key).is_some_and(|object| !object.is_full());
        let missing = keys.iter().filter(partial).cloned().collect();
        store.want(instance, keys);
        missing
    }

    /// Tells an application of objects that come to or leave a namespace (any where empty) and belong to nobody, or no more.
    pub fn observe(&self, instance: &str, namespace: Option<&str>) {
        self.inner.store().observe(instance, namespace);
    }

    /// Those who [observe](Self::observe) a namespace.
    pub fn observers(&self) -> Vec<Arc<str>> {
        self.inner.store().observers()
    }

    /// The objects of a namespace (of all, and cluster-wide ones, where it is empty) that have no owners, in no order; `None` while a
    /// kind is being listed.
    pub fn top_level(&self, namespace: &str) -> Option<Vec<Arc<LiveObject>>> {
        self.inner.store().top_level(namespace)
    }

    /// One object, from memory.
    pub fn get(&self, key: &ResourceKey) -> Option<Arc<LiveObject>> {
        self.inner.store().get(key).cloned()
    }

    /// The objects of these keys, in their order.
    pub fn get_all<'a>(&self, keys: impl Iterator<Item = &'a ResourceKey>) -> Vec<Option<Arc<LiveObject>>> {
        let store = self.inner.store();
        keys.map(|key| store.get(key).cloned()).collect()
    }

    /// All objects whose tracking names an application instance, in no order.
    pub fn owned_by(&self, instance: &str) -> Vec<Arc<LiveObject>> {
        self.inner.store().owned_by(instance)
    }

    /// The objects that name this uid among their owners, in no order.
    pub fn children(&self, uid: &str) -> Vec<Arc<LiveObject>> {
        self.inner.store().children(uid)
    }

    /// The objects of this uid: one, or one a group where a kind is served by two.
    pub fn by_uid(&self, uid: &str) -> Vec<Arc<LiveObject>> {
        self.inner.store().by_uid(uid)
    }

    /// All objects of a kind, in no order.
    pub fn of_kind(&self, kind: &GroupKind) -> Vec<Arc<LiveObject>> {
        self.inner.store().of_kind(kind)
    }

    /// What is known about a kind's objects. Only [`Knowledge::Complete`] lets a missing object be taken for
    /// missing; a group whose discovery failed taints its kinds, and no others.
    pub fn knowledge(&self, kind: &GroupKind) -> Knowledge {
        let discovery = self.discovery();
        if let Some(reason) = discovery.failed().get(&kind.group) {
            return Knowledge::Failed {
                reason: format!("discovery of group {:?} failed: {reason}", kind.group),
            };
        }
        if let Some(known) = self.inner.store().known(kind) {
            return known.clone();
        }
        let options = &self.inner.shared.options;
        match discovery.get(kind) {
            None => Knowledge::Absent,
            Some(_) if (options.excluded)(&kind.group, &kind.kind) => Knowledge::Excluded,
            Some(served) if !served.verbs.contains("list") || !served.verbs.contains("watch") => {
                Knowledge::Failed { reason: format!("{kind} cannot be listed and watched") }
            }
            Some(_) => Knowledge::Excluded,
        }
    }

    /// Waits until none of these kinds is [`Knowledge::Loading`], at most so long; returns those that are not
    /// complete, with what is known of them.
    pub async fn wait_complete(
        &self,
        kinds: &BTreeSet<GroupKind>,
        at_most: Duration,
    ) -> BTreeMap<GroupKind, Knowledge> {
        let deadline = Instant::now() + at_most;
        let mut settled = self.inner.hub.settled();
        loop {
            settled.borrow_and_update();
            let known = kinds.iter().map(|kind| (kind.clone(), self.knowledge(kind)));
            let incomplete: BTreeMap<_, _> = known.filter(|(_, known)| !known.is_complete()).collect();
            let loading = incomplete.values().any(|known| *known == Knowledge::Loading);
            if !loading || !matches!(tokio::time::timeout_at(deadline, settled.changed()).await, Ok(Ok(()))) {
                return incomplete;
            }
        }
    }

    /// A reader of all changes from now on.
    pub fn changes(&self) -> Changes {
        self.inner.hub.subscribe()
    }

    /// Follows all objects of one kind in one namespace (or everywhere), whole, apart from the live state.
    pub fn watch_kind(&self, gvk: &Gvk, namespace: Option<&str>) -> KindWatch {
        KindWatch::start(&self.inner, gvk, namespace)
    }

    /// Reads one object past the memory, in the version that is watched (else the preferred one), and
    /// remembers it. `None`: not found.
    ///
    /// **Errors.** [`ClusterError::KindUnknown`] where the kind is not served.
    pub async fn fetch(&self, key: &ResourceKey) -> Result<Option<Object>, ClusterError> {
        let kind = key.group_kind();
        let watched = self.inner.store().watched_version(&kind).cloned();
        let discovery = self.discovery();
        let served = match watched.and_then(|gvk| discovery.version(&gvk)) {
            Some(served) => served,
            None => {
                discovery.get(&kind).ok_or_else(|| ClusterError::KindUnknown { kind: kind.to_string() })?
            }
        };
        self.read(served, &key.namespace, &key.name).await
    }

    /// The pods on a node that are not over, past the memory.
    ///
    /// **Errors.** The node's name is none; the pods of all namespaces cannot be listed.
    pub async fn pods_on(&self, node: &str) -> Result<Vec<Object>, ClusterError> {
        let what = || format!("Pod on node {node}");
        let failed = |failure: Failure| failure.into_cluster(Verb::List, &what());
        if !node.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')) {
            return Err(failed(Failure::Malformed("it is no name of a node".to_owned())));
        }
        let selector =
            format!("spec.nodeName%3D{node}%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed");
        let path = format!("/api/v1/pods?fieldSelector={selector}");
        let body = self.inner.shared.api.get_bytes(Verb::List, &path, "application/json").await;
        let list: Value = serde_json::from_slice(&body.map_err(failed)?)
            .map_err(|error| failed(Failure::Malformed(error.to_string())))?;
        let items = list.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let pod = |item: &Value| {
            let mut pod = item.as_object()?.clone();
            // Items of a list lack both.
            pod.insert("apiVersion".to_owned(), "v1".into());
            pod.insert("kind".to_owned(), "Pod".into());
            Object::from_value(Value::Object(pod)).ok()
        };
        Ok(items.iter().filter_map(pod).collect())
    }

    /// Reads one object in a certain version. See [`fetch`](Self::fetch).
    pub async fn fetch_version(
        &self,
        gvk: &Gvk,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Object>, ClusterError> {
        let discovery = self.discovery();
        let served =
            discovery.version(gvk).ok_or_else(|| ClusterError::KindUnknown { kind: gvk.to_string() })?;
        self.read(served, namespace, name).await
    }

    async fn read(
        &self,
        served: &ResourceKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Object>, ClusterError> {
        let what = || format!("{} {namespace}/{name}", served.gvk.group_kind());
        let failed = |failure: Failure| mask_read(&served.gvk, failure).into_cluster(Verb::Get, &what());
        let path = object_path(served, namespace, name).map_err(failed)?;
        let gvk = &served.gvk;
        let held = self.get(&ResourceKey::new(&*gvk.group, &*gvk.kind, namespace, name));
        match self.inner.shared.api.get_bytes(Verb::Get, &path, "application/json").await {
            Ok(body) => {
                let object = self.inner.take_in(gvk, body).map_err(failed)?;
                let newer =
                    |held: &Arc<LiveObject>| is_older(object.resource_version(), held.resource_version());
                if held.is_some_and(|held| held.uid() == object.uid() && newer(&held)) {
                    self.went_back();
                }
                Ok(Some(object))
            }
            Err(Failure::Status(status)) if status.code == 404 => Ok(None),
            Err(failure) => Err(failed(failure)),
        }
    }

    pub(crate) fn api(&self) -> &Api {
        &self.inner.shared.api
    }

    /// Whether anything is looked at in a namespace; an empty one stands for cluster-wide kinds.
    pub fn looks_at(&self, namespace: &str) -> bool {
        let options = &self.inner.shared.options;
        options.namespaces.as_ref().is_none_or(|namespaces| match namespace {
            "" => options.cluster_resources,
            namespace => namespaces.iter().any(|known| known == namespace),
        })
    }

    /// Why the server counts as away: it has answered nothing of what was asked in the last seconds. Watches ask on.
    pub fn unreachable(&self) -> Option<String> {
        self.inner.shared.api.reach().lost()
    }

    /// The server's version, as in `v1.34.4`.
    pub fn server_version(&self) -> &str {
        &self.inner.server_version
    }

    /// What was sent and what is held.
    pub fn counters(&self) -> Counters {
        let tally = self.inner.shared.api.tally();
        let store = self.inner.store();
        let ((objects, full_objects, full_bytes), (kinds, events)) = (store.sizes(), store.told());
        drop(store);
        Counters {
            requests: tally.requests(),
            watch_restarts: tally.watch_restarts.load(Relaxed),
            relists: tally.relists.load(Relaxed),
            untold: tally.untold.load(Relaxed),
            objects,
            full_objects,
            full_bytes,
            kinds,
            events,
            age: self.inner.since.elapsed(),
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("server_version", &self.inner.server_version).finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn actors(&self) -> MutexGuard<'_, Actors> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn discovery(&self) -> Arc<Discovery> {
        Arc::clone(&self.discovery.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) async fn refresh(&self) -> Result<Arc<Discovery>, ClusterError> {
        // Nobody closes the semaphore; without its permit two discoveries would merely overlap.
        let _permit = self.refreshing.acquire().await.ok();
        let mut fresh = discover(&self.shared.api).await?;
        let earlier = self.discovery();
        fresh.keep_failed_from(&earlier);
        let changed = fresh != *earlier;
        let fresh = Arc::new(fresh);
        if changed {
            *self.discovery.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
            self.follow_discovery();
            self.hub.discovery();
        }
        self.shared.poke.notify_waiters();
        Ok(fresh)
    }

    /// Starts, restarts and stops watches until they are those that discovery, settings and needs ask for.
    fn follow_discovery(&self) {
        self.actors().follow(&self.discovery(), &self.shared, &self.store, &self.pending, &self.runtime);
    }

    /// Parses what the server sent of one object, and remembers it.
    pub(crate) fn take_in(&self, gvk: &Gvk, body: bytes::Bytes) -> Result<Object, Failure> {
        let value: Value = serde_json::from_slice(&body).map_err(malformed)?;
        let object = Object::from_value(value).map_err(malformed)?;
        let mut seen = Seen::parse(body).map_err(malformed)?;
        seen.track(&self.shared.options.tracker, &gvk.group_kind());
        self.store().answered(gvk, seen);
        Ok(object)
    }
}

/// The path of one object. A name that could reach another path is refused before it is sent.
pub(crate) fn object_path(kind: &ResourceKind, namespace: &str, name: &str) -> Result<String, Failure> {
    if !is_segment(name) {
        return Err(Failure::Malformed(format!("{name:?} is no name of an object")));
    }
    Ok(format!("{}/{}", collection_path(kind, namespace)?, segment(name)))
}

/// The path of a kind's collection in a namespace, which only namespaced kinds heed.
pub(crate) fn collection_path(kind: &ResourceKind, namespace: &str) -> Result<String, Failure> {
    if !kind.namespaced {
        return Ok(collection(kind, None));
    }
    if !is_segment(namespace) {
        return Err(Failure::Malformed(format!("{namespace:?} is no namespace")));
    }
    Ok(collection(kind, Some(namespace)))
}

/// A Secret's text is in no error.
fn mask_read(gvk: &Gvk, failure: Failure) -> Failure {
    match failure {
        Failure::Malformed(_) if gvk.group.is_empty() && gvk.kind == "Secret" => {
            Failure::Malformed("the answer cannot be read".to_owned())
        }
        other => other,
    }
}

pub(crate) async fn server_version(api: &Api) -> Result<String, ClusterError> {
    let what = "/version";
    let body = api.get_bytes(Verb::Discover, what, "application/json").await;
    let body = body.map_err(|failure| failure.into_cluster(Verb::Discover, what))?;
    let version: Value =
        serde_json::from_slice(&body).map_err(|error| malformed(error).into_cluster(Verb::Discover, what))?;
    Ok(version.get("gitVersion").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// Kinds by which the server says that its kinds change.
pub(crate) fn is_about_kinds(kind: &GroupKind) -> bool {
    (kind.group == "apiextensions.k8s.io" && kind.kind == "CustomResourceDefinition")
        || (kind.group == "apiregistration.k8s.io" && kind.kind == "APIService")
}
