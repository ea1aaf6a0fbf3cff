use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::kinds::Kind;
use super::value::{controller_uid, name, namespace, text, text_map, uid};

/// Names an object within its kind: namespace (empty for a cluster-wide kind) and name.
pub(super) type Id = (String, String);

/// Deleted uids that are remembered, so that the answer of a write that raced with a deletion is not taken for news.
const TOMBSTONES: usize = 16_384;

/// A namespace with a label of the pods in it, or with a label that a Service there selects by.
type Label = (Kind, String, String, String);

/// What has been seen of the cluster, with the indices that the controllers ask by.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: BTreeMap<Kind, BTreeMap<Id, Arc<Value>>>,
    by_owner: BTreeMap<String, BTreeSet<(Kind, Id)>>,
    by_uid: BTreeMap<String, (Kind, Id)>,
    by_label: BTreeMap<Label, BTreeSet<Id>>,
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

    /// Pods of a namespace that have all of these labels; none for no labels.
    pub(super) fn pods_with<'a>(
        &'a self,
        namespace: &str,
        labels: &'a BTreeMap<&str, &str>,
    ) -> impl Iterator<Item = &'a Arc<Value>> {
        let sets = labels.iter().map(|(key, value)| self.labelled(Kind::Pod, namespace, key, value));
        // The rarest label leaves the fewest to look at.
        let rarest = sets.min_by_key(|set| set.map_or(0, BTreeSet::len)).flatten();
        let pods = rarest.into_iter().flatten().filter_map(|id| self.get_by_id(Kind::Pod, id));
        pods.filter(move |pod| has_all(&super::value::labels(pod), labels))
    }

    /// Services of a namespace that select pods with these labels.
    pub(super) fn services_for<'a>(&'a self, pod: &'a Value) -> impl Iterator<Item = &'a Arc<Value>> {
        let labels = super::value::labels(pod);
        let ids: BTreeSet<&Id> = labels
            .iter()
            .filter_map(|(key, value)| self.labelled(Kind::Service, namespace(pod), key, value))
            .flatten()
            .collect();
        let services = ids.into_iter().filter_map(|id| self.get_by_id(Kind::Service, id));
        services.filter(move |service| has_all(&labels, &text_map(service, SELECTOR)))
    }

    fn labelled(&self, kind: Kind, namespace: &str, key: &str, value: &str) -> Option<&BTreeSet<Id>> {
        self.by_label.get(&(kind, namespace.to_owned(), key.to_owned(), value.to_owned()))
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
        for label in index_labels(kind, &object) {
            self.by_label.entry(label).or_default().insert(id.clone());
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
        for label in index_labels(kind, &old) {
            if let Some(ids) = self.by_label.get_mut(&label) {
                ids.remove(id);
                if ids.is_empty() {
                    self.by_label.remove(&label);
                }
            }
        }
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

const SELECTOR: &str = "/spec/selector";

/// What an object is found by: a pod by each of its labels, a Service by one that it selects by.
fn index_labels(kind: Kind, object: &Value) -> Vec<Label> {
    let label =
        |(key, value): (&str, &str)| (kind, namespace(object).to_owned(), key.to_owned(), value.to_owned());
    match kind {
        Kind::Pod => super::value::labels(object).into_iter().map(label).collect(),
        Kind::Service => text_map(object, SELECTOR).into_iter().take(1).map(label).collect(),
        _ => Vec::new(),
    }
}

fn has_all(have: &BTreeMap<&str, &str>, wanted: &BTreeMap<&str, &str>) -> bool {
    !wanted.is_empty() && wanted.iter().all(|(key, value)| have.get(key) == Some(value))
}

pub(super) fn id(object: &Value) -> Id {
    (namespace(object).to_owned(), name(object).to_owned())
}

/// `metadata.resourceVersion` as a number: the real server and the simulator both count with it.
fn version(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap_or_default()
}
