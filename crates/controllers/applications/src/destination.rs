//! A cluster that applications go to: its live state, and who has what there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use cluster::{Cluster, ClusterError, Discovery, Knowledge};
use resource::{GroupKind, ResourceKey};
use serde_json::{Map, Value};
use settings::{SettingsHandle, Snapshot};

use crate::shared::AppName;
use crate::wanted::WantedSet;

/// Field manager of writes that are not manifests (status, leases): another one than that of applied manifests, so that
/// an Application which another one manages keeps its status. The peer's name.
const STATUS_MANAGER: &str = "argocd-application-controller";

/// The settings by which a cluster is watched: whose an object is, and which kinds count.
type Rules = Arc<RwLock<Arc<Snapshot>>>;

/// See the module.
pub(crate) struct Destination {
    /// The URL that destinations name it by.
    pub(crate) server: String,
    /// The name that destinations may have instead; empty where it has none.
    name: RwLock<Arc<str>>,
    pub(crate) cluster: Cluster,
    rules: Rules,
    /// Which applications have an object in git, and of which kinds each has objects.
    claims: RwLock<Claims>,
    /// What the cluster serves, by a discovery.
    api_versions: Mutex<Option<(Arc<Discovery>, ApiVersions)>>,
}

/// What a cluster serves.
#[derive(Clone)]
pub(crate) struct ApiVersions {
    /// As `group/version` and `group/version/Kind`.
    pub(crate) names: Arc<Vec<String>>,
    /// Changes when they do.
    pub(crate) id: u64,
}

#[derive(Default)]
struct Claims {
    by_object: HashMap<ResourceKey, BTreeSet<AppName>>,
    by_app: HashMap<AppName, (u64, BTreeSet<GroupKind>, BTreeSet<ResourceKey>)>,
    /// How many applications have objects of a kind.
    kinds: BTreeMap<GroupKind, usize>,
}

/// How the live state of a cluster is kept.
fn options(rules: &Rules, server: &str) -> cluster::Options {
    let in_force = |rules: &Rules| Arc::clone(&rules.read().unwrap_or_else(PoisonError::into_inner));
    let tracked = Arc::clone(rules);
    let tracker = move |metadata: &Map<String, Value>, kind: &GroupKind| {
        let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or_default();
        let key = ResourceKey::new(&*kind.group, &*kind.kind, text("namespace"), text("name"));
        let owner = in_force(&tracked).settings.tracking.owner_by_metadata(&key, metadata);
        owner.map(|owner| owner.as_str().to_owned())
    };
    let (filtered, server) = (Arc::clone(rules), server.to_owned());
    let excluded =
        move |group: &str, kind: &str| in_force(&filtered).settings.filter.excluded(group, kind, &server);
    cluster::Options {
        excluded: Arc::new(excluded),
        manager: STATUS_MANAGER.to_owned(),
        ..cluster::Options::new(Arc::new(tracker))
    }
}

impl Destination {
    /// Discovers a cluster, by its URL and its name, and starts to watch it.
    pub(crate) async fn start(
        (server, name): (&str, &str),
        client: kube::Client,
        settings: &SettingsHandle,
        limited: impl FnOnce(cluster::Options) -> cluster::Options,
    ) -> Result<Self, ClusterError> {
        let rules = Arc::new(RwLock::new(settings.current()));
        let cluster = Cluster::start(client, limited(options(&rules, server))).await?;
        Ok(Self {
            server: server.to_owned(),
            name: RwLock::new(name.into()),
            cluster,
            rules,
            claims: RwLock::default(),
            api_versions: Mutex::default(),
        })
    }

    /// Watches by what the settings say now. Every kind is listed anew where that changes whose an object may be, or which kinds count.
    pub(crate) fn heed(&self, settings: &SettingsHandle) {
        let (before, now) = {
            let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
            // Read under the lock: of two who heed at once the one with the older ones must not come last.
            let now = settings.current();
            (std::mem::replace(&mut *rules, Arc::clone(&now)), now)
        };
        let (before, now) = (&before.settings, &now.settings);
        if before.tracking != now.tracking || before.filter != now.filter {
            self.cluster.reconfigure();
        }
    }

    /// The name that destinations may have instead of the URL.
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the name that its Secret says now: that is no reason to connect anew.
    pub(crate) fn called(&self, name: &str) {
        if *self.name() != *name {
            *self.name.write().unwrap_or_else(PoisonError::into_inner) = name.into();
        }
    }

    /// What the cluster serves, told once a discovery.
    pub(crate) fn api_versions(&self) -> ApiVersions {
        let discovery = self.cluster.discovery();
        let mut known = self.api_versions.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((of, versions)) if Arc::ptr_eq(of, &discovery) => versions.clone(),
            _ => {
                let names: Vec<String> = discovery.api_versions().into_iter().collect();
                let versions = ApiVersions { id: crate::wanted::hash_of(&names), names: Arc::new(names) };
                *known = Some((discovery, versions.clone()));
                versions
            }
        }
    }

    /// Records what an application has in git (at the commits it is compared with, and at those of its operation), and lets the
    /// cluster hold objects of these kinds whole. The answer is who shared an object with it, and may have it for himself now.
    pub(crate) fn claim(
        &self,
        (name, instance): (&AppName, &str),
        wanted: &[&WantedSet],
        also: &BTreeSet<GroupKind>,
    ) -> BTreeSet<AppName> {
        let kinds: BTreeSet<GroupKind> =
            wanted.iter().flat_map(|set| set.kinds()).chain(also.iter().cloned()).collect();
        let ids: Vec<u64> = wanted.iter().map(|set| set.id).collect();
        let id = crate::wanted::hash_of((ids, &kinds));
        if self.read().by_app.get(name).is_some_and(|(old, ..)| *old == id) {
            return BTreeSet::new();
        }
        let keys: BTreeSet<ResourceKey> = wanted.iter().flat_map(|set| set.objects.keys().cloned()).collect();
        let mut claims = self.write();
        let sharers = claims.drop_app(name);
        for key in &keys {
            claims.by_object.entry(key.clone()).or_default().insert(Arc::clone(name));
        }
        // What is held only by its metadata is read by the pass that needs it.
        let _partial = self.cluster.want(instance, keys.clone());
        for kind in &kinds {
            *claims.kinds.entry(kind.clone()).or_default() += 1;
        }
        claims.by_app.insert(Arc::clone(name), (id, kinds, keys));
        let all: BTreeSet<GroupKind> = claims.kinds.keys().cloned().collect();
        drop(claims);
        self.cluster.need_full(&all);
        sharers
    }

    /// Forgets what an application claimed; the answer is who else claims something of it.
    pub(crate) fn let_go(&self, name: &AppName, instance: &str) -> BTreeSet<AppName> {
        self.cluster.observe(instance, None);
        if !self.read().by_app.contains_key(name) {
            return BTreeSet::new();
        }
        let _nothing = self.cluster.want(instance, BTreeSet::new());
        self.write().drop_app(name)
    }

    /// Applications that have this object in git.
    pub(crate) fn claimants(&self, key: &ResourceKey) -> Vec<AppName> {
        self.read().by_object.get(key).into_iter().flatten().cloned().collect()
    }

    /// Whether the first look at objects of these kinds is over, whatever came of it.
    pub(crate) fn is_loaded<'a>(&self, kinds: impl IntoIterator<Item = &'a GroupKind>) -> bool {
        kinds.into_iter().all(|kind| self.cluster.knowledge(kind) != Knowledge::Loading)
    }

    /// Applications that have objects of this kind.
    pub(crate) fn apps_with_kind(&self, kind: &GroupKind) -> Vec<AppName> {
        let claims = self.read();
        let with_kind = claims.by_app.iter().filter(|(_, (_, kinds, _))| kinds.contains(kind));
        with_kind.map(|(name, _)| Arc::clone(name)).collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Claims> {
        self.claims.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Claims> {
        self.claims.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claims {
    fn drop_app(&mut self, name: &AppName) -> BTreeSet<AppName> {
        let mut others = BTreeSet::new();
        let Some((_, kinds, keys)) = self.by_app.remove(name) else { return others };
        for kind in kinds {
            if let Some(apps) = self.kinds.get_mut(&kind) {
                *apps -= 1;
                if *apps == 0 {
                    self.kinds.remove(&kind);
                }
            }
        }
        for key in keys {
            if let Some(apps) = self.by_object.get_mut(&key) {
                apps.remove(name);
                others.extend(apps.iter().cloned());
                if apps.is_empty() {
                    self.by_object.remove(&key);
                }
            }
        }
        others
    }
}
