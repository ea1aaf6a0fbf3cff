//! The garbage collector: what follows from a deletion for dependents and owners. It works at once, where a controller
//! manager would a moment later.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    crd,
    delete::{FOREGROUND, ORPHAN, Propagation, finalizers, grace, mark},
    namespaces,
    registry::Kind,
    sim::KubeSim,
    store::{Id, Key, State, Stored},
};

/// Work that a deletion causes, done in order; a queue, since owners may form long chains.
#[derive(Debug)]
enum Task {
    /// The collector deletes an object whose owners are gone.
    Collect(Id),
    /// Deletes the dependents of an object that waits for them.
    Foreground(Id),
    /// Frees the dependents of an object.
    Orphan(Id),
    /// Lets an object go if it waits for nothing more.
    Check(Id),
    /// Looks after those that named this uid as an owner.
    Dependents(String),
}

/// Deletes an object on behalf of the collector or of a namespace.
pub(crate) fn collect(sim: &KubeSim, kind: &Arc<Kind>, key: &Key) {
    let id = Id { storage: Arc::clone(&kind.storage), key: key.clone() };
    run(sim, VecDeque::from([Task::Collect(id)]));
}

/// Takes an object away, and does what follows from it.
pub(crate) fn remove(sim: &KubeSim, kind: &Kind, key: &Key) -> Option<Arc<Stored>> {
    let mut work = VecDeque::new();
    let last = take(sim, kind, key, &mut work);
    run(sim, work);
    last
}

/// What follows a write: an object whose owners are all gone, or wait for their dependents to go, does not stay.
pub(crate) fn after_write(sim: &KubeSim, kind: &Arc<Kind>, stored: &Stored) {
    if stored.owners.is_empty() || !sim.options().garbage_collection {
        return;
    }
    let mut work = VecDeque::new();
    let waiting = {
        let state = sim.lock();
        let owner = |uid: &str| state.by_uid(uid).and_then(|id| state.find(id));
        let stays = stored.owners.iter().any(|o| owner(&o.uid).is_some_and(|o| !waits_for_dependents(o)));
        if stays {
            return;
        }
        work.extend(stored.owners.iter().filter_map(|o| state.by_uid(&o.uid).cloned()).map(Task::Check));
        stored.owners.iter().any(|o| owner(&o.uid).is_some())
    };
    if !stored.deleting {
        let id = Id { storage: Arc::clone(&kind.storage), key: stored.key.clone() };
        let how = if waiting { Propagation::Foreground } else { Propagation::Background };
        collect_one(sim, &id, how, &mut work);
    }
    run(sim, work);
}

fn waits_for_dependents(owner: &Stored) -> bool {
    owner.deleting && owner.has_finalizer(FOREGROUND)
}

fn take(sim: &KubeSim, kind: &Kind, key: &Key, work: &mut VecDeque<Task>) -> Option<Arc<Stored>> {
    let mut state = sim.lock();
    let last = state.remove(kind, key)?;
    if crd::is_definition(kind) {
        crd::unregister(&mut state, &last);
    }
    if sim.options().garbage_collection {
        work.push_back(Task::Dependents(last.uid.clone()));
        work.extend(last.owners.iter().filter_map(|o| state.by_uid(&o.uid).cloned()).map(Task::Check));
    }
    drop(state);
    namespaces::end(sim, &key.namespace);
    if kind.custom.is_some() {
        crd::end(sim, &kind.storage);
    }
    Some(last)
}

fn run(sim: &KubeSim, mut work: VecDeque<Task>) {
    while let Some(task) = work.pop_front() {
        match task {
            Task::Collect(id) => collect_one(sim, &id, Propagation::Background, &mut work),
            Task::Foreground(id) => {
                let (uid, dependents) = dependents(sim, &id);
                for dependent in dependents {
                    release_or_delete(sim, &uid, &dependent, Propagation::Foreground, &mut work);
                }
                work.push_back(Task::Check(id));
            }
            Task::Orphan(id) => {
                let (uid, dependents) = dependents(sim, &id);
                for dependent in dependents {
                    disown(sim, &uid, &dependent);
                }
                drop_finalizer(sim, &id, ORPHAN, &mut work);
            }
            Task::Check(id) => {
                let free = {
                    let state = sim.lock();
                    state.find(&id).is_some_and(|owner| {
                        waits_for_dependents(owner)
                            && !state.dependents(&owner.uid).iter().any(|d| blocks(&state, d, &owner.uid))
                    })
                };
                if free {
                    drop_finalizer(sim, &id, FOREGROUND, &mut work);
                }
            }
            Task::Dependents(uid) => {
                let dependents = sim.lock().dependents(&uid);
                for dependent in dependents {
                    release_or_delete(sim, &uid, &dependent, Propagation::Background, &mut work);
                }
            }
        }
    }
}

fn blocks(state: &State, dependent: &Id, owner: &str) -> bool {
    state.find(dependent).is_some_and(|d| d.owners.iter().any(|o| o.uid == owner && o.blocks))
}

fn dependents(sim: &KubeSim, id: &Id) -> (String, Vec<Id>) {
    let state = sim.lock();
    let uid = state.find(id).map(|s| s.uid.clone()).unwrap_or_default();
    let dependents = state.dependents(&uid);
    (uid, dependents)
}

/// A dependent with another owner that stays is only freed of this one.
fn release_or_delete(sim: &KubeSim, uid: &str, id: &Id, how: Propagation, work: &mut VecDeque<Task>) {
    let kept = {
        let state = sim.lock();
        let stays = |owner: &str| {
            owner != uid
                && state.by_uid(owner).and_then(|id| state.find(id)).is_some_and(|o| !waits_for_dependents(o))
        };
        state.find(id).is_some_and(|d| d.owners.iter().any(|o| stays(&o.uid)))
    };
    if kept {
        disown(sim, uid, id);
    } else {
        collect_one(sim, id, how, work);
    }
}

fn collect_one(sim: &KubeSim, id: &Id, how: Propagation, work: &mut VecDeque<Task>) {
    let mut state = sim.lock();
    let Some(kind) = state.registry.by_storage(&id.storage).cloned() else { return };
    let Some(found) = state.find(id).cloned() else { return };
    // Those without dependents need not wait for any.
    let how = if state.dependents(&found.uid).is_empty() { Propagation::Background } else { how };
    let finalizers = finalizers(&kind, &found, Some(how), true);
    let mut object = found.object();
    let grace = grace(&kind, &object, None);
    if finalizers.is_empty() && grace == 0 && &*kind.storage != "namespaces" {
        drop(state);
        take(sim, &kind, &id.key, work);
        return;
    }
    mark(sim, &kind, &mut object, &finalizers, grace);
    if object != found.object() {
        state.put(&kind, object);
        if how == Propagation::Foreground {
            work.push_back(Task::Foreground(id.clone()));
        }
    }
}

/// Takes an owner from an object's list.
fn disown(sim: &KubeSim, uid: &str, id: &Id) {
    edit(sim, id, |metadata| {
        if let Some(Value::Array(owners)) = metadata.get_mut("ownerReferences") {
            owners.retain(|owner| owner["uid"] != uid);
            if owners.is_empty() {
                metadata.remove("ownerReferences");
            }
        }
    });
}

/// Takes a finalizer away, and the object with the last one. Both are decided at one moment: a client may take its own away
/// at the same time, and one of the two has to see that nothing is left.
fn drop_finalizer(sim: &KubeSim, id: &Id, name: &str, work: &mut VecDeque<Task>) {
    let kind = {
        let mut state = sim.lock();
        let Some(kind) = state.registry.by_storage(&id.storage).cloned() else { return };
        let Some(found) = state.find(id).cloned() else { return };
        let mut object = found.object();
        let grace = object.get("metadata").and_then(|m| m["deletionGracePeriodSeconds"].as_i64());
        let last = found.finalizers.iter().all(|f| f == name);
        if !(found.deleting && last && grace.unwrap_or_default() == 0) {
            if let Some(Value::Object(metadata)) = object.get_mut("metadata")
                && let Some(Value::Array(finalizers)) = metadata.get_mut("finalizers")
            {
                finalizers.retain(|f| f != name);
                if finalizers.is_empty() {
                    metadata.remove("finalizers");
                }
            }
            if object != found.object() {
                state.put(&kind, object);
            }
            return;
        }
        kind
    };
    take(sim, &kind, &id.key, work);
}

/// What follows when an object is marked as being deleted.
pub(crate) fn after_mark(sim: &KubeSim, id: Id, stored: &Stored) {
    if !sim.options().garbage_collection {
        return;
    }
    if stored.has_finalizer(FOREGROUND) {
        run(sim, VecDeque::from([Task::Foreground(id)]));
    } else if stored.has_finalizer(ORPHAN) {
        run(sim, VecDeque::from([Task::Orphan(id)]));
    }
}

/// A finalizer of the server's own goes.
pub(crate) fn finish(sim: &KubeSim, id: &Id, finalizer: &str) {
    let mut work = VecDeque::new();
    drop_finalizer(sim, id, finalizer, &mut work);
    run(sim, work);
}

fn edit(sim: &KubeSim, id: &Id, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut state = sim.lock();
    let Some(kind) = state.registry.by_storage(&id.storage).cloned() else { return };
    let Some(found) = state.find(id).cloned() else { return };
    let mut object = found.object();
    let before = object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        change(metadata);
    }
    if object != before {
        state.put(&kind, object);
    }
}
