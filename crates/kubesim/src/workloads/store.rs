use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::kinds::Kind;
use super::value::{controller_uid, name, namespace, text, uid};

/// Names an object within its kind: namespace (empty for a cluster-wide kind) and name.
pub(super) type Id = (String, String);

/// Deleted uids that are remembered, so that the answer of a write that raced with a deletion is not taken for news.
const TOMBSTONES: usize = 16_384;

/// What has been seen of the cluster, with the indices that the controllers ask by.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: BTreeMap<Kind, BTreeMap<Id, Arc<Value>>>,
    by_owner: BTreeMap<String, BTreeSet<(Kind, Id)>>,
    by_uid: BTreeMap<String, (Kind, Id)>,
    tombstones: BTreeSet<String>,
    tombstone_order: VecDeque<String>,
}

impl Store {
    pub(super) fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.objects.get(&kind)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    pub(super) fn get_by_id(&self, kind: Kind, id: &Id) -> Option<&Arc<Value>> {
        self.objects.get(&kind)?.get(id)
    }

    /// All objects of a kind.
    pub(super) fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Value>> {
        self.objects.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// All objects of a kind in a namespace.
    pub(super) fn within<'a>(
        &'a self,
        kind: Kind,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Value>> {
        let from = (namespace.to_owned(), String::new());
        let range = self.objects.get(&kind).into_iter().flat_map(move |map| map.range(from.clone()..));
        range.take_while(move |((ns, _), _)| ns == namespace).map(|(_, object)| object)
    }

    /// Objects of a kind whose managing controller has this uid.
    pub(super) fn owned<'a>(&'a self, owner: &str, kind: Kind) -> impl Iterator<Item = &'a Arc<Value>> {
        let ids = self.by_owner.get(owner).into_iter().flatten();
        ids.filter(move |(k, _)| *k == kind).filter_map(|(k, id)| self.get_by_id(*k, id))
    }

    /// The kind and name of the object with a uid.
    pub(super) fn with_uid(&self, uid: &str) -> Option<&(Kind, Id)> {
        self.by_uid.get(uid)
    }

    pub(super) fn ids(&self, kind: Kind) -> Vec<Id> {
        self.objects.get(&kind).map(|map| map.keys().cloned().collect()).unwrap_or_default()
    }

    /// Takes in an object as seen in a list, a watch or the answer to a write. Returns what was there before, or
    /// `Err` where this is no news: an older or the same version, or an object known to be gone.
    pub(super) fn put(&mut self, kind: Kind, object: Arc<Value>) -> Result<Option<Arc<Value>>, ()> {
        let id = id(&object);
        if self.tombstones.contains(uid(&object)) {
            return Err(());
        }
        if let Some(old) = self.get_by_id(kind, &id)
            && uid(old) == uid(&object)
            && version(old) >= version(&object)
        {
            return Err(());
        }
        let old = self.take(kind, &id);
        self.by_uid.insert(uid(&object).to_owned(), (kind, id.clone()));
        let owner = controller_uid(&object);
        if !owner.is_empty() {
            self.by_owner.entry(owner.to_owned()).or_default().insert((kind, id.clone()));
        }
        self.objects.entry(kind).or_default().insert(id, object);
        Ok(old)
    }

    /// Takes out an object that is gone. Returns what was known of it.
    pub(super) fn remove(&mut self, kind: Kind, id: &Id) -> Option<Arc<Value>> {
        let old = self.take(kind, id)?;
        let uid = uid(&old).to_owned();
        if self.tombstones.insert(uid.clone()) {
            self.tombstone_order.push_back(uid);
        }
        if self.tombstone_order.len() > TOMBSTONES
            && let Some(oldest) = self.tombstone_order.pop_front()
        {
            self.tombstones.remove(&oldest);
        }
        Some(old)
    }

    fn take(&mut self, kind: Kind, id: &Id) -> Option<Arc<Value>> {
        let old = self.objects.get_mut(&kind)?.remove(id)?;
        self.by_uid.remove(uid(&old));
        let owner = controller_uid(&old);
        if let Some(owned) = self.by_owner.get_mut(owner) {
            owned.remove(&(kind, id.clone()));
            if owned.is_empty() {
                self.by_owner.remove(owner);
            }
        }
        Some(old)
    }
}

pub(super) fn id(object: &Value) -> Id {
    (namespace(object).to_owned(), name(object).to_owned())
}

/// `metadata.resourceVersion` as a number: the real server and the simulator both count with it.
fn version(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap_or_default()
}
