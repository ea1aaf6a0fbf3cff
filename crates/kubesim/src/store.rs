//! Objects as they are kept: JSON text behind an `Arc`, with the few facts that selectors and collectors ask for.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    ops::Bound,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::{
    defaults::claims,
    registry::{Kind, Registry},
    selectors::selectable_fields,
};

/// Services' addresses follow this one: 10.96.0.9.
const FIRST_ADDRESS: u32 = 0x0a60_0009;

/// Where an object is inside its collection. `namespace` is empty for cluster-wide kinds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// Where an object is among all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    pub(crate) storage: Arc<str>,
    pub(crate) key: Key,
}

/// An owner named by an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: String,
    pub(crate) blocks: bool,
}

/// One state of one object. Immutable; its JSON is written once and shared by all readers.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) key: Key,
    pub(crate) uid: String,
    pub(crate) revision: u64,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) fields: Vec<(Cow<'static, str>, String)>,
    pub(crate) owners: Vec<Owner>,
    pub(crate) finalizers: Vec<String>,
    pub(crate) deleting: bool,
    /// The object without `apiVersion` and `kind`: `{"metadata":…}`.
    json: Bytes,
    /// The same with nothing but its metadata, made when first asked for.
    partial: OnceLock<Bytes>,
}

impl Stored {
    /// Takes an object, as read in the kind's hub version.
    pub(crate) fn new(kind: &Kind, mut object: Map<String, Value>) -> Self {
        object.remove("apiVersion");
        object.remove("kind");
        let fields = selectable_fields(kind, &object);
        let metadata = object.get("metadata").and_then(Value::as_object);
        let text = |field: &str| {
            metadata.and_then(|m| m.get(field)).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let list =
            |field: &str| metadata.and_then(|m| m.get(field)).and_then(Value::as_array).into_iter().flatten();
        let labels = metadata.and_then(|m| m.get("labels")).and_then(Value::as_object);
        Self {
            key: Key { namespace: text("namespace"), name: text("name") },
            uid: text("uid"),
            revision: text("resourceVersion").parse().unwrap_or_default(),
            labels: labels
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned()))
                .collect(),
            fields,
            owners: list("ownerReferences").filter_map(owner).collect(),
            finalizers: list("finalizers").filter_map(|v| v.as_str().map(str::to_owned)).collect(),
            deleting: metadata.is_some_and(|m| m.contains_key("deletionTimestamp")),
            json: Bytes::from(Value::Object(object).to_string()),
            partial: OnceLock::new(),
        }
    }

    /// The object's JSON without `apiVersion` and `kind`, as it stands in lists of built-in kinds.
    pub(crate) fn bare(&self) -> Bytes {
        self.json.clone()
    }

    /// What follows the opening brace, to be put behind a kind's own prefix.
    pub(crate) fn rest(&self) -> Bytes {
        self.json.slice(1.min(self.json.len())..)
    }

    /// `{"metadata":…}`.
    pub(crate) fn partial(&self) -> Bytes {
        let make = || Bytes::from(json!({"metadata": self.object().remove("metadata")}).to_string());
        self.partial.get_or_init(make).clone()
    }

    /// The object as data, without `apiVersion` and `kind`.
    pub(crate) fn object(&self) -> Map<String, Value> {
        serde_json::from_slice(&self.json).unwrap_or_default()
    }

    /// Whether it has this finalizer.
    pub(crate) fn has_finalizer(&self, name: &str) -> bool {
        self.finalizers.iter().any(|f| f == name)
    }
}

fn owner(value: &Value) -> Option<Owner> {
    Some(Owner {
        uid: value.get("uid")?.as_str()?.to_owned(),
        blocks: value.get("blockOwnerDeletion").and_then(Value::as_bool).unwrap_or_default(),
    })
}

/// What happened to one object.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    pub(crate) change: Change,
}

#[derive(Debug)]
pub(crate) enum Change {
    Added(Arc<Stored>),
    Modified { old: Arc<Stored>, new: Arc<Stored> },
    Deleted(Arc<Stored>),
}

/// All objects of one kind, with the recent past for watchers.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) objects: BTreeMap<Key, Arc<Stored>>,
    history: VecDeque<Arc<Event>>,
    /// Events up to this revision are no longer in `history`.
    pub(crate) forgotten: u64,
    changed: watch::Sender<u64>,
}

impl Collection {
    fn new(revision: u64) -> Self {
        let (changed, _) = watch::channel(revision);
        Self { objects: BTreeMap::new(), history: VecDeque::new(), forgotten: 0, changed }
    }

    /// Objects in one namespace, or all with `""`; those after `after` only.
    pub(crate) fn scan<'a>(
        &'a self,
        namespace: &'a str,
        after: Option<&Key>,
    ) -> impl Iterator<Item = &'a Arc<Stored>> {
        let start = match after {
            Some(key) => Bound::Excluded(key.clone()),
            None => Bound::Included(Key::new(namespace, "")),
        };
        self.objects
            .range((start, Bound::Unbounded))
            .map(|(_, stored)| stored)
            .take_while(move |stored| namespace.is_empty() || stored.key.namespace == namespace)
    }

    /// Events after `revision`; `None` when some of them are forgotten.
    pub(crate) fn since(&self, revision: u64) -> Option<impl Iterator<Item = &Arc<Event>>> {
        if revision < self.forgotten {
            return None;
        }
        let start = self.history.partition_point(|event| event.revision <= revision);
        Some(self.history.range(start..))
    }

    /// Wakes at every change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn record(&mut self, event: Event, limit: usize) {
        let revision = event.revision;
        self.history.push_back(Arc::new(event));
        while self.history.len() > limit {
            if let Some(old) = self.history.pop_front() {
                self.forgotten = old.revision;
            }
        }
        self.changed.send_replace(revision);
    }

    fn forget(&mut self, revision: u64) {
        self.history.clear();
        self.forgotten = revision;
    }
}

/// Everything that is stored. One lock guards it; nothing waits while holding it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) revision: u64,
    pub(crate) registry: Arc<Registry>,
    collections: HashMap<Arc<str>, Collection>,
    by_uid: HashMap<String, Id>,
    dependents: HashMap<String, BTreeSet<Id>>,
    per_namespace: HashMap<String, usize>,
    history: usize,
    /// Addresses and node ports of Services.
    claims: HashSet<String>,
    last_address: u32,
}

impl State {
    pub(crate) fn new(registry: Registry, history: usize) -> Self {
        Self {
            revision: 1,
            registry: Arc::new(registry),
            collections: HashMap::new(),
            by_uid: HashMap::new(),
            dependents: HashMap::new(),
            per_namespace: HashMap::new(),
            history,
            claims: HashSet::new(),
            last_address: FIRST_ADDRESS,
        }
    }

    /// Whether a Service has this address or node port.
    pub(crate) fn is_claimed(&self, what: &str) -> bool {
        self.claims.contains(what)
    }

    /// An address that no Service has.
    pub(crate) fn next_address(&mut self) -> String {
        loop {
            self.last_address = self.last_address.wrapping_add(1);
            let text = std::net::Ipv4Addr::from(self.last_address).to_string();
            if !self.claims.contains(&text) {
                return text;
            }
        }
    }

    /// The collection of a kind, made when first asked for.
    pub(crate) fn collection(&mut self, storage: &Arc<str>) -> &mut Collection {
        let revision = self.revision;
        self.collections.entry(Arc::clone(storage)).or_insert_with(|| Collection::new(revision))
    }

    pub(crate) fn get(&self, storage: &str, key: &Key) -> Option<&Arc<Stored>> {
        self.collections.get(storage)?.objects.get(key)
    }

    pub(crate) fn find(&self, id: &Id) -> Option<&Arc<Stored>> {
        self.get(&id.storage, &id.key)
    }

    pub(crate) fn by_uid(&self, uid: &str) -> Option<&Id> {
        self.by_uid.get(uid)
    }

    /// Objects that name this uid as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<Id> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// How many objects a namespace holds.
    pub(crate) fn population(&self, namespace: &str) -> usize {
        self.per_namespace.get(namespace).copied().unwrap_or_default()
    }

    /// All objects in a namespace, of every kind.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<Id> {
        let mut found: Vec<Id> = Vec::new();
        for (storage, collection) in &self.collections {
            found.extend(
                collection
                    .scan(namespace, None)
                    .map(|s| Id { storage: Arc::clone(storage), key: s.key.clone() }),
            );
        }
        found.sort();
        found
    }

    /// Stores a new object or a new state of one, under the next revision.
    pub(crate) fn put(&mut self, kind: &Kind, mut object: Map<String, Value>) -> Arc<Stored> {
        self.revision += 1;
        let revision = self.revision;
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.insert("resourceVersion".to_owned(), json!(revision.to_string()));
        }
        let is_service = &*kind.storage == "services";
        let claims = if is_service { claims(&object) } else { Vec::new() };
        let new = Arc::new(Stored::new(kind, object));
        let limit = self.history;
        let collection = self.collection(&kind.storage);
        let old = collection.objects.insert(new.key.clone(), Arc::clone(&new));
        let change = match &old {
            Some(old) => Change::Modified { old: Arc::clone(old), new: Arc::clone(&new) },
            None => Change::Added(Arc::clone(&new)),
        };
        collection.record(Event { revision, change }, limit);
        let id = Id { storage: Arc::clone(&kind.storage), key: new.key.clone() };
        if is_service {
            self.release_claims(old.as_deref());
            self.claims.extend(claims);
        }
        if let Some(old) = &old {
            self.unlink(&id, old);
        } else if !new.key.namespace.is_empty() {
            *self.per_namespace.entry(new.key.namespace.clone()).or_default() += 1;
        }
        for owner in &new.owners {
            self.dependents.entry(owner.uid.clone()).or_default().insert(id.clone());
        }
        self.by_uid.insert(new.uid.clone(), id);
        new
    }

    /// Takes an object away, under the next revision; the answer is its last state with that revision.
    pub(crate) fn remove(&mut self, kind: &Kind, key: &Key) -> Option<Arc<Stored>> {
        let id = Id { storage: Arc::clone(&kind.storage), key: key.clone() };
        let old = self.collection(&kind.storage).objects.remove(key)?;
        self.revision += 1;
        let revision = self.revision;
        let mut object = old.object();
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.insert("resourceVersion".to_owned(), json!(revision.to_string()));
        }
        let last = Arc::new(Stored::new(kind, object));
        let limit = self.history;
        let change = Change::Deleted(Arc::clone(&last));
        self.collection(&kind.storage).record(Event { revision, change }, limit);
        if &*kind.storage == "services" {
            self.release_claims(Some(&old));
        }
        self.unlink(&id, &old);
        if self.by_uid.get(&old.uid) == Some(&id) {
            self.by_uid.remove(&old.uid);
        }
        if let Some(count) = self.per_namespace.get_mut(&key.namespace) {
            *count -= 1;
            if *count == 0 {
                self.per_namespace.remove(&key.namespace);
            }
        }
        Some(last)
    }

    fn release_claims(&mut self, old: Option<&Stored>) {
        for claim in old.iter().flat_map(|old| claims(&old.object())) {
            self.claims.remove(&claim);
        }
    }

    /// Forgets the past of every kind.
    pub(crate) fn forget(&mut self) {
        let revision = self.revision;
        for collection in self.collections.values_mut() {
            collection.forget(revision);
        }
    }

    fn unlink(&mut self, id: &Id, old: &Stored) {
        for owner in &old.owners {
            if let Some(set) = self.dependents.get_mut(&owner.uid) {
                set.remove(id);
                if set.is_empty() {
                    self.dependents.remove(&owner.uid);
                }
            }
        }
    }
}
