//! What is shown of objects, kept as long as they stay as they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cluster::LiveObject;
use health::{Facts, Health, facts};
use resource::{GroupKind, Object};
use settings::Snapshot;

use crate::obtain::View;
use crate::shared::Shared;

/// Objects of which is kept what is shown: half of them are those that were asked for last.
const KEPT: usize = 40_000;

/// What is shown of an object beside its name.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Words, images, network.
    pub facts: Facts,
    /// Its health, where its kind has one.
    pub health: Option<Health>,
    /// What a pod asks for, in thousandths.
    pub requests: health::Requests,
    /// The node that a pod is on.
    pub node: String,
}

/// See the module. All is forgotten when the settings change, by which health is judged.
#[derive(Default)]
pub(crate) struct ShownCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    settings: Option<Arc<Snapshot>>,
    young: HashMap<Key, Arc<Shown>>,
    old: HashMap<Key, Arc<Shown>>,
}

/// Group, uid and resourceVersion.
type Key = (String, String, String);

impl ShownCache {
    fn get(&self, settings: &Arc<Snapshot>, key: &Key) -> Option<Arc<Shown>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.settings.as_ref().is_some_and(|known| Arc::ptr_eq(known, settings)) {
            *kept = Generations { settings: Some(Arc::clone(settings)), ..Generations::default() };
            return None;
        }
        if let Some(shown) = kept.young.get(key) {
            return Some(Arc::clone(shown));
        }
        let (key, shown) = kept.old.remove_entry(key)?;
        kept.put(key, Arc::clone(&shown));
        Some(shown)
    }

    fn put(&self, key: Key, shown: Arc<Shown>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, shown);
    }
}

impl Generations {
    fn put(&mut self, key: Key, shown: Arc<Shown>) {
        if self.young.len() >= KEPT / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, shown);
    }
}

/// What is shown of an object; it is read where only its metadata is held and there is more to it. One that cannot be read shows nothing.
pub(super) async fn shown(shared: &Shared, view: &View, live: &LiveObject) -> Arc<Shown> {
    let version = live.resource_version().to_owned();
    let key = (live.gvk().group.clone(), live.uid().to_owned(), version);
    if let Some(shown) = shared.shown.get(&view.settings, &key) {
        return shown;
    }
    let object = match live.object() {
        Some(object) => Some(object),
        None if tells_more(view, live) => view.to.cluster.fetch(&live.key()).await.ok().flatten(),
        None => None,
    };
    let Some(object) = object else { return Arc::default() };
    let shown = Arc::new(of(shared, view, &object).await);
    if object.resource_version() == key.2 {
        shared.shown.put(key, Arc::clone(&shown));
    }
    shown
}

async fn of(shared: &Shared, view: &View, object: &Object) -> Shown {
    let is_pod = object.group_kind() == GroupKind::new("", "Pod");
    let node = object.as_map().get("spec").and_then(|spec| spec.get("nodeName")?.as_str());
    Shown {
        facts: facts(object, &view.settings.settings.custom_labels),
        health: shared.health(object).await,
        requests: if is_pod { health::requests(object) } else { health::Requests::new() },
        node: node.filter(|_| is_pod).unwrap_or_default().to_owned(),
    }
}

/// Whether more is to be shown of an object than its metadata says.
fn tells_more(view: &View, live: &LiveObject) -> bool {
    let (kind, settings) = (live.group_kind(), &view.settings.settings);
    live.deleting()
        || !settings.custom_labels.is_empty()
        || health::has_health(&kind)
        || kind == GroupKind::new("apps", "ControllerRevision")
        || settings.overrides.health_script(&kind).is_some()
}
