//! Everything known about one cluster's objects, in memory, with the indexes by which it is asked.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use resource::{GroupKind, Gvk, ResourceKey};

use crate::{
    changes::{Change, Hub, What},
    live::{Knowledge, LiveObject, Owner},
    seen::Seen,
    watch::{Mode, Moment, is_older},
};

/// Owners that are followed upwards from an object to its application.
const MAX_OWNER_DEPTH: usize = 16;

type Id = u32;
type Names = HashMap<Arc<str>, HashMap<Arc<str>, Id>>;

/// One kind's objects and what is known about them.
#[derive(Debug)]
struct Table {
    gvk: Arc<Gvk>,
    /// Watches of an earlier generation have nothing to say any more.
    generation: u64,
    /// By namespace; the key `""` stands for the whole cluster.
    scopes: BTreeMap<String, Scope>,
    names: Names,
    /// Uids of objects that a server said it took away before their watch did, with their namespaces. What the watch has yet to say
    /// of them is late.
    ended: HashMap<Arc<str>, Arc<str>>,
}

#[derive(Debug)]
struct Scope {
    known: Knowledge,
    /// What the list that is being read has named so far.
    listing: Option<HashSet<Id>>,
    /// The resourceVersion up to which the watch has told everything; empty before the first list.
    told: String,
}

impl Scope {
    fn new() -> Self {
        Self { known: Knowledge::Loading, listing: None, told: String::new() }
    }

    fn tell(&mut self, version: &str) {
        if self.told.is_empty() || is_older(&self.told, version) {
            version.clone_into(&mut self.told);
        }
    }
}

/// Which watch says something.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) kind: GroupKind,
    pub(crate) generation: u64,
    pub(crate) scope: String,
    pub(crate) mode: Mode,
}

/// How an observed state relates to the one that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order<'a> {
    /// The newer resourceVersion wins.
    ByVersion,
    /// The observed one wins, unless the held one is newer than this resourceVersion: up to there a list is true, whatever was true before.
    UpTo(&'a str),
    /// The observed one wins.
    Always,
}

pub(crate) struct Store {
    hub: Arc<Hub>,
    tables: HashMap<GroupKind, Table>,
    objects: Vec<Option<Arc<LiveObject>>>,
    free: Vec<Id>,
    by_uid: HashMap<Arc<str>, Vec<Id>>,
    by_owner: HashMap<Arc<str>, Vec<Id>>,
    by_instance: HashMap<Arc<str>, Vec<Id>>,
    wanted: HashMap<ResourceKey, Vec<Arc<str>>>,
    wanted_by: HashMap<Arc<str>, BTreeSet<ResourceKey>>,
    /// Who wants to know of objects that belong to nobody, with the namespace; any where that is empty.
    observers: BTreeMap<Arc<str>, String>,
    full_objects: usize,
    full_bytes: usize,
    /// What watches told of each kind since the start.
    events: BTreeMap<GroupKind, u64>,
}

impl Store {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            tables: HashMap::new(),
            objects: Vec::new(),
            free: Vec::new(),
            by_uid: HashMap::new(),
            by_owner: HashMap::new(),
            by_instance: HashMap::new(),
            wanted: HashMap::new(),
            wanted_by: HashMap::new(),
            observers: BTreeMap::new(),
            full_objects: 0,
            full_bytes: 0,
            events: BTreeMap::new(),
        }
    }

    // Reading.

    pub(crate) fn get(&self, key: &ResourceKey) -> Option<&Arc<LiveObject>> {
        let table = self.tables.get(&key.group_kind())?;
        self.object(*table.names.get(key.namespace.as_str())?.get(key.name.as_str())?)
    }

    pub(crate) fn owned_by(&self, instance: &str) -> Vec<Arc<LiveObject>> {
        self.all(self.by_instance.get(instance))
    }

    pub(crate) fn children(&self, uid: &str) -> Vec<Arc<LiveObject>> {
        self.all(self.by_owner.get(uid))
    }

    pub(crate) fn by_uid(&self, uid: &str) -> Vec<Arc<LiveObject>> {
        self.all(self.by_uid.get(uid))
    }

    pub(crate) fn of_kind(&self, kind: &GroupKind) -> Vec<Arc<LiveObject>> {
        let ids = self
            .tables
            .get(kind)
            .into_iter()
            .flat_map(|table| table.names.values().flat_map(HashMap::values));
        ids.filter_map(|id| self.object(*id).cloned()).collect()
    }

    pub(crate) fn top_level(&self, namespace: &str) -> Option<Vec<Arc<LiveObject>>> {
        let scopes = self.tables.values().flat_map(|table| table.scopes.values());
        if scopes.into_iter().any(|scope| scope.known == Knowledge::Loading) {
            return None;
        }
        let names = |table: &'_ Table| -> Vec<Id> {
            if namespace.is_empty() {
                table.names.values().flat_map(HashMap::values).copied().collect()
            } else {
                table.names.get(namespace).into_iter().flat_map(HashMap::values).copied().collect()
            }
        };
        let objects = self.tables.values().flat_map(names).filter_map(|id| self.object(id));
        Some(objects.filter(|object| object.owners.is_empty()).cloned().collect())
    }

    /// The worst of a kind's scopes; `None` where the kind is not watched.
    pub(crate) fn known(&self, kind: &GroupKind) -> Option<&Knowledge> {
        self.tables.get(kind)?.scopes.values().map(|scope| &scope.known).max_by_key(|known| known.rank())
    }

    pub(crate) fn watched_version(&self, kind: &GroupKind) -> Option<&Arc<Gvk>> {
        self.tables.get(kind).map(|table| &table.gvk)
    }

    pub(crate) fn sizes(&self) -> (usize, usize, usize) {
        (self.objects.len() - self.free.len(), self.full_objects, self.full_bytes)
    }

    /// How many kinds are watched, and how much was told of each since the start.
    pub(crate) fn told(&self) -> (usize, BTreeMap<GroupKind, u64>) {
        (self.tables.len(), self.events.clone())
    }

    fn count(&mut self, kind: &GroupKind) {
        match self.events.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.events.insert(kind.clone(), 1)),
        }
    }

    fn all(&self, ids: Option<&Vec<Id>>) -> Vec<Arc<LiveObject>> {
        ids.into_iter().flatten().filter_map(|id| self.object(*id).cloned()).collect()
    }

    fn object(&self, id: Id) -> Option<&Arc<LiveObject>> {
        self.objects.get(id as usize)?.as_ref()
    }

    // Interest.

    /// Replaces what one application wants.
    pub(crate) fn want(&mut self, instance: &str, keys: BTreeSet<ResourceKey>) {
        let instance: Arc<str> = match self.wanted_by.get_key_value(instance) {
            Some((_, earlier)) if *earlier == keys => return,
            Some((known, _)) => Arc::clone(known),
            None => intern(&self.by_instance, instance),
        };
        for key in self.wanted_by.remove(&instance).unwrap_or_default() {
            if let Some(instances) = self.wanted.get_mut(&key) {
                instances.retain(|other| *other != instance);
                if instances.is_empty() {
                    self.wanted.remove(&key);
                }
            }
        }
        if keys.is_empty() {
            return;
        }
        for key in &keys {
            self.wanted.entry(key.clone()).or_default().push(Arc::clone(&instance));
        }
        self.wanted_by.insert(instance, keys);
    }

    pub(crate) fn observe(&mut self, instance: &str, namespace: Option<&str>) {
        match namespace {
            Some(namespace) => drop(self.observers.insert(Arc::from(instance), namespace.to_owned())),
            None => drop(self.observers.remove(instance)),
        }
    }

    pub(crate) fn observers(&self) -> Vec<Arc<str>> {
        self.observers.keys().cloned().collect()
    }

    // What watches say.

    /// Makes room for a kind's watches of a new generation. What is held of the kind stays, and is checked
    /// against the first list.
    pub(crate) fn open(&mut self, gvk: &Arc<Gvk>, generation: u64, scopes: impl IntoIterator<Item = String>) {
        let kind = gvk.group_kind();
        let scope = |name| (name, Scope::new());
        let scopes: BTreeMap<_, _> = scopes.into_iter().map(scope).collect();
        match self.tables.get_mut(&kind) {
            Some(table) => {
                table.gvk = Arc::clone(gvk);
                table.generation = generation;
                table.scopes = scopes;
            }
            None => {
                let table = Table {
                    gvk: Arc::clone(gvk),
                    generation,
                    scopes,
                    names: Names::new(),
                    ended: HashMap::new(),
                };
                self.tables.insert(kind.clone(), table);
            }
        }
        self.hub.knowledge(&kind);
    }

    /// Forgets a kind that is no longer watched; its objects count as gone.
    pub(crate) fn close(&mut self, kind: &GroupKind) {
        let ids: Vec<Id> = match self.tables.get(kind) {
            Some(table) => table.names.values().flat_map(HashMap::values).copied().collect(),
            None => return,
        };
        for id in ids {
            self.remove(id);
        }
        self.tables.remove(kind);
        self.hub.knowledge(kind);
    }

    fn scope(&mut self, source: &Source) -> Option<&mut Scope> {
        let table = self.tables.get_mut(&source.kind)?;
        if table.generation == source.generation { table.scopes.get_mut(&source.scope) } else { None }
    }

    pub(crate) fn listing(&mut self, source: &Source, background: bool) {
        let Some(scope) = self.scope(source) else { return };
        scope.listing = Some(HashSet::new());
        let lost = !background && scope.known == Knowledge::Complete;
        if let Some(table) = self.tables.get_mut(&source.kind) {
            // From here on the watch speaks of a time after their end.
            table.ended.retain(|_, namespace| !source.scope.is_empty() && **namespace != *source.scope);
        }
        if lost {
            self.state(source, Knowledge::Loading);
        }
    }

    pub(crate) fn page(&mut self, source: &Source, objects: Vec<Seen>, moment: &Moment, last: bool) {
        if self.scope(source).is_none() {
            return;
        }
        let order = if moment.rewound { Order::Always } else { Order::UpTo(&moment.resource_version) };
        let named = objects.into_iter().filter(|seen| !seen.name.is_empty());
        let ids: Vec<Id> = named.filter_map(|seen| self.put(source, seen, order)).collect();
        let Some(scope) = self.scope(source) else { return };
        let Some(listing) = scope.listing.as_mut() else { return };
        listing.extend(ids);
        if !last {
            return;
        }
        let listed = scope.listing.take().unwrap_or_default();
        moment.resource_version.clone_into(&mut scope.told);
        for id in self.ids_of(source) {
            let Some(object) = self.object(id) else { continue };
            // What we wrote after the list's moment is not in it.
            let newer = !moment.rewound && is_older(&moment.resource_version, &object.resource_version);
            if !listed.contains(&id) && !newer {
                self.remove(id);
            }
        }
        self.state(source, Knowledge::Complete);
    }

    /// The ids of the objects that a source stands for.
    fn ids_of(&self, source: &Source) -> Vec<Id> {
        let Some(table) = self.tables.get(&source.kind) else { return Vec::new() };
        if source.scope.is_empty() {
            return table.names.values().flat_map(HashMap::values).copied().collect();
        }
        table.names.get(source.scope.as_str()).into_iter().flat_map(HashMap::values).copied().collect()
    }

    pub(crate) fn applied(&mut self, source: &Source, seen: Seen) {
        let Some(scope) = self.scope(source) else { return };
        scope.tell(&seen.resource_version);
        self.count(&source.kind);
        if !seen.name.is_empty() {
            self.put(source, seen, Order::ByVersion);
        }
    }

    pub(crate) fn deleted(&mut self, source: &Source, seen: &Seen) {
        let Some(scope) = self.scope(source) else { return };
        scope.tell(&seen.resource_version);
        self.count(&source.kind);
        if let Some(table) = self.tables.get_mut(&source.kind) {
            table.ended.remove(seen.uid.as_str());
        }
        let Some(id) = self.id(&source.kind, &seen.namespace, &seen.name) else { return };
        let Some(held) = self.object(id) else { return };
        // The end of an earlier object of this name, after we wrote the next one.
        if is_older(&seen.resource_version, &held.resource_version) {
            return;
        }
        self.remove(id);
    }

    pub(crate) fn state(&mut self, source: &Source, known: Knowledge) {
        let Some(scope) = self.scope(source) else { return };
        if scope.known != known {
            scope.known = known;
            self.hub.knowledge(&source.kind);
        }
    }

    /// Takes in what a request of ours was answered with, so that the next comparison sees it. An answer in
    /// another version than the watch's is left to the watch.
    pub(crate) fn answered(&mut self, gvk: &Gvk, seen: Seen) {
        let kind = gvk.group_kind();
        let Some(table) = self.tables.get(&kind) else { return };
        if *table.gvk != *gvk || seen.name.is_empty() || seen.resource_version.is_empty() {
            return;
        }
        let Some(scope) = table.scopes.get("").or_else(|| table.scopes.get(&seen.namespace)) else { return };
        let held = self.id(&kind, &seen.namespace, &seen.name).is_some();
        // The watch overtook the answer: it has told of the object's end already, and will not do so again.
        let gone = !held && is_older(&seen.resource_version, &scope.told);
        if !gone {
            let source =
                Source { kind, generation: table.generation, scope: String::new(), mode: Mode::Full };
            self.put(&source, seen, Order::ByVersion);
        }
    }

    /// Forgets an object that the server took away, as its answer to our delete says: the event of it may take a while.
    /// What is held under another uid is the next object of this name, and stays.
    pub(crate) fn ended(&mut self, key: &ResourceKey, uid: &str) {
        let kind = key.group_kind();
        let Some(id) = self.id(&kind, &key.namespace, &key.name) else { return };
        let Some(held) = self.object(id).filter(|held| !uid.is_empty() && *held.uid == *uid).cloned() else {
            return;
        };
        if let Some(table) = self.tables.get_mut(&kind) {
            table.ended.insert(Arc::clone(&held.uid), Arc::clone(&held.namespace));
        }
        self.remove(id);
    }

    // Writing.

    fn id(&self, kind: &GroupKind, namespace: &str, name: &str) -> Option<Id> {
        self.tables.get(kind)?.names.get(namespace)?.get(name).copied()
    }

    fn put(&mut self, source: &Source, seen: Seen, order: Order<'_>) -> Option<Id> {
        let held_id = self.id(&source.kind, &seen.namespace, &seen.name);
        let held = held_id.and_then(|id| self.object(id).cloned());
        let table = self.tables.get(&source.kind)?;
        if table.ended.contains_key(seen.uid.as_str()) {
            return None;
        }
        let gvk = Arc::clone(&table.gvk);
        let instance = seen.instance.as_ref().map(|name| intern(&self.by_instance, name));
        let key = ResourceKey::new(&*gvk.group, &*gvk.kind, &*seen.namespace, &*seen.name);
        let keep = source.mode == Mode::Full && (instance.is_some() || self.wanted.contains_key(&key));
        if let Some(held) = &held {
            let stale = match order {
                Order::ByVersion => is_older(&seen.resource_version, &held.resource_version),
                Order::UpTo(version) => is_older(version, &held.resource_version),
                Order::Always => false,
            };
            // Another history may have the same versions.
            let same = order != Order::Always
                && *held.resource_version == *seen.resource_version
                && *held.uid == *seen.uid
                && held.gvk == gvk;
            // The same state once more is news only where the tracker changed its mind, or where it is whole for
            // the first time and shall be kept so.
            if stale || (same && held.instance == instance && (held.is_full() || !keep)) {
                return held_id;
            }
        }
        let full = keep.then(|| String::from_utf8_lossy(&seen.raw).into_owned().into_boxed_str());
        let object = Arc::new(LiveObject {
            namespace: self.intern_namespace(&source.kind, &seen.namespace),
            name: held.as_ref().map_or_else(|| Arc::from(seen.name.as_str()), |held| Arc::clone(&held.name)),
            uid: self.intern_uid(&seen.uid),
            resource_version: seen.resource_version.into_boxed_str(),
            generation: seen.generation,
            owners: seen
                .owners
                .iter()
                .filter(|owner| !owner.uid.is_empty())
                .map(|owner| Owner { uid: self.intern_uid(&owner.uid), controller: owner.controller })
                .collect(),
            instance,
            deleting: seen.deleting,
            created: seen.created,
            digest: seen.digest,
            full,
            gvk,
        });
        let what = match &held {
            None => What::Added,
            Some(held) if is_status_only(held, &object) => What::StatusOnly,
            Some(_) => What::Modified,
        };
        let id = self.insert(held_id, &source.kind, Arc::clone(&object));
        self.tell(key, held.as_deref(), Some(&object), what);
        Some(id)
    }

    fn insert(&mut self, held: Option<Id>, kind: &GroupKind, object: Arc<LiveObject>) -> Id {
        let id = match held.or_else(|| self.free.pop()) {
            Some(id) => id,
            None => {
                self.objects.push(None);
                Id::try_from(self.objects.len() - 1).unwrap_or(Id::MAX)
            }
        };
        if held.is_some() {
            self.unlink(id);
        }
        if let Some(table) = self.tables.get_mut(kind) {
            let names = table.names.entry(Arc::clone(&object.namespace)).or_default();
            names.insert(Arc::clone(&object.name), id);
        }
        self.by_uid.entry(Arc::clone(&object.uid)).or_default().push(id);
        for owner in &object.owners {
            self.by_owner.entry(Arc::clone(&owner.uid)).or_default().push(id);
        }
        if let Some(instance) = &object.instance {
            self.by_instance.entry(Arc::clone(instance)).or_default().push(id);
        }
        if let Some(full) = &object.full {
            self.full_objects += 1;
            self.full_bytes += full.len();
        }
        if let Some(slot) = self.objects.get_mut(id as usize) {
            *slot = Some(object);
        }
        id
    }

    /// Takes an object out of the indexes, but not out of its kind's names.
    fn unlink(&mut self, id: Id) -> Option<Arc<LiveObject>> {
        let object = self.objects.get_mut(id as usize)?.take()?;
        take_out(&mut self.by_uid, &object.uid, id);
        for owner in &object.owners {
            take_out(&mut self.by_owner, &owner.uid, id);
        }
        if let Some(instance) = &object.instance {
            take_out(&mut self.by_instance, instance, id);
        }
        if let Some(full) = &object.full {
            self.full_objects -= 1;
            self.full_bytes -= full.len();
        }
        Some(object)
    }

    fn remove(&mut self, id: Id) {
        // Whom it concerns is found while it is still there.
        let Some(object) = self.object(id).cloned() else { return };
        self.tell(object.key(), Some(&object), None, What::Deleted);
        self.unlink(id);
        self.free.push(id);
        if let Some(table) = self.tables.get_mut(&object.group_kind())
            && let Some(names) = table.names.get_mut(&object.namespace)
        {
            names.remove(&object.name);
            if names.is_empty() {
                table.names.remove(&object.namespace);
            }
        }
    }

    fn tell(&self, key: ResourceKey, before: Option<&LiveObject>, after: Option<&LiveObject>, what: What) {
        let tracked = |object: Option<&LiveObject>| object.and_then(|object| object.instance.clone());
        let mut instances: BTreeSet<Arc<str>> =
            [tracked(before), tracked(after)].into_iter().flatten().collect();
        instances.extend(self.wanted.get(&key).into_iter().flatten().cloned());
        let direct = !instances.is_empty();
        if !direct {
            for object in [before, after].into_iter().flatten() {
                self.instances_above(object, &mut instances, MAX_OWNER_DEPTH);
            }
        }
        let owner = |object: Option<&LiveObject>| object.map(|object| object.instance.clone());
        let moved = owner(before) != owner(after);
        if moved && (instances.is_empty() || owner(after) == Some(None)) {
            let here = |namespace: &String| namespace.is_empty() || *namespace == key.namespace;
            let observers = self.observers.iter().filter(|(_, namespace)| here(namespace));
            instances.extend(observers.map(|(instance, _)| Arc::clone(instance)));
        }
        if !instances.is_empty() {
            self.hub.change(&Change { key, instances, direct, what });
        }
    }

    /// The instances of an object's nearest tracked owners.
    fn instances_above(&self, object: &LiveObject, into: &mut BTreeSet<Arc<str>>, depth: usize) {
        if depth == 0 {
            return;
        }
        for owner in &object.owners {
            for id in self.by_uid.get(&owner.uid).into_iter().flatten() {
                match self.object(*id) {
                    Some(owner) if owner.instance.is_some() => into.extend(owner.instance.clone()),
                    Some(owner) => self.instances_above(owner, into, depth - 1),
                    None => {}
                }
            }
        }
    }

    /// One text for an owner's uid and all that name it.
    fn intern_uid(&self, uid: &str) -> Arc<str> {
        match self.by_uid.get_key_value(uid) {
            Some((known, _)) => Arc::clone(known),
            None => intern(&self.by_owner, uid),
        }
    }

    fn intern_namespace(&self, kind: &GroupKind, namespace: &str) -> Arc<str> {
        let known = self.tables.get(kind).and_then(|table| table.names.get_key_value(namespace));
        known.map_or_else(|| Arc::from(namespace), |(known, _)| Arc::clone(known))
    }
}

/// Whether nothing that a comparison looks at changed. Metadata alone shows it only where the kind counts its
/// generations.
fn is_status_only(before: &LiveObject, after: &LiveObject) -> bool {
    let same = before.digest == after.digest
        && before.uid == after.uid
        && before.instance == after.instance
        && before.gvk == after.gvk
        && before.is_full() == after.is_full();
    same && (after.is_full() || (after.generation > 0 && before.generation == after.generation))
}

fn intern<V>(index: &HashMap<Arc<str>, V>, text: &str) -> Arc<str> {
    index.get_key_value(text).map_or_else(|| Arc::from(text), |(known, _)| Arc::clone(known))
}

fn take_out(index: &mut HashMap<Arc<str>, Vec<Id>>, key: &Arc<str>, id: Id) {
    if let Some(ids) = index.get_mut(key) {
        if let Some(at) = ids.iter().position(|there| *there == id) {
            ids.swap_remove(at);
        }
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
