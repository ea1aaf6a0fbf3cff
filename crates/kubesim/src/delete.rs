//! Deletion: preconditions, grace, finalizers, and what follows for dependents, namespaces and CRDs.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{
    convert, crd, decode,
    fields::seconds,
    namespaces,
    registry::Kind,
    reply::Answer,
    route::Target,
    selectors::Selector,
    service::Context,
    sim::KubeSim,
    status::{ApiError, ApiResult, FieldError},
    store::{Id, Key, State, Stored},
};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// What becomes of dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// How an object is to be deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) propagation: Option<Propagation>,
    pub(crate) grace: Option<i64>,
    uid: Option<String>,
    revision: Option<String>,
}

impl DeleteOptions {
    /// Reads the body, where there is one, and the query; the answer says whether it is a dry run.
    fn read(context: &Context, body: &Bytes) -> ApiResult<(Self, bool)> {
        let body =
            if body.is_empty() { json!({}) } else { decode::parse(&context.content_type, body)?.value };
        Self::from_value(context, &body)
    }

    pub(crate) fn from_value(context: &Context, body: &Value) -> ApiResult<(Self, bool)> {
        let query = &context.query;
        let text = |field: &str| match body[field].as_str() {
            Some(text) => text.to_owned(),
            None => query.get(field).to_owned(),
        };
        let orphan = body["orphanDependents"]
            .as_bool()
            .or_else(|| query.has("orphanDependents").then(|| query.flag("orphanDependents")));
        let propagation = match (text("propagationPolicy").as_str(), orphan) {
            ("", None) => None,
            ("" | "Orphan", Some(true)) | ("Orphan", None) => Some(Propagation::Orphan),
            ("" | "Background", Some(false)) | ("Background", None) => Some(Propagation::Background),
            ("Foreground", None) => Some(Propagation::Foreground),
            (other, Some(_)) if matches!(other, "Orphan" | "Background" | "Foreground") => {
                let why = "orphanDependents and deletionPropagation cannot be both set";
                return Err(invalid(FieldError::invalid("propagationPolicy", json!(other), why)));
            }
            (other, _) => {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                return Err(invalid(FieldError::not_supported(
                    "propagationPolicy",
                    json!(other),
                    &supported,
                )));
            }
        };
        let grace =
            body["gracePeriodSeconds"].as_i64().or_else(|| query.get("gracePeriodSeconds").parse().ok());
        let dry_run =
            context.dry_run || body["dryRun"].as_array().is_some_and(|d| d.iter().any(|v| v == "All"));
        let precondition = |field: &str| body["preconditions"][field].as_str().map(str::to_owned);
        let (uid, revision) = (precondition("uid"), precondition("resourceVersion"));
        // Negative ones are forced deletions in old clients' words.
        let grace = grace.map(|g| if g < 0 { 1 } else { g });
        Ok((Self { propagation, grace, uid, revision }, dry_run))
    }

    fn check(&self, kind: &Kind, found: &Stored) -> ApiResult<()> {
        // These two are said of the kind, not of the resource.
        let kind = &Kind { plural: kind.kind.clone(), ..Kind::clone(kind) };
        if let Some(uid) = self.uid.as_ref().filter(|uid| **uid != found.uid) {
            return Err(ApiError::conflict(
                kind,
                &found.key.name,
                &format!(
                    "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have \
                     been deleted and then recreated",
                    found.uid
                ),
            ));
        }
        let revision = found.revision.to_string();
        if let Some(wanted) = self.revision.as_ref().filter(|r| **r != revision) {
            return Err(ApiError::conflict(
                kind,
                &found.key.name,
                &format!(
                    "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
                     ({revision}). The object might have been modified"
                ),
            ));
        }
        Ok(())
    }
}

fn invalid(error: FieldError) -> ApiError {
    ApiError::invalid_options("DeleteOptions", &[error])
}

/// DELETE of one object.
pub(crate) fn delete(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let (options, dry_run) = DeleteOptions::read(context, body)?;
    let kind = &target.kind;
    if kind.plural == "jobs" && kind.group == "batch" && options.propagation.is_none() {
        context.warnings.push(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove \
             them or set propagationPolicy=Orphan to suppress this warning"
                .to_owned(),
        );
    }
    let key = Key::new(&target.namespace, &target.name);
    let (stored, gone) = delete_object(&context.sim, kind, &key, &options, dry_run)?;
    Ok(if gone && !returns_object(kind) {
        Answer::deleted(kind, &stored.key.name, &stored.uid)
    } else {
        Answer::object(context, kind, &stored, 200)
    })
}

/// DELETE of a collection.
pub(crate) fn delete_collection(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let kind = &target.kind;
    let (options, dry_run) = DeleteOptions::read(context, body)?;
    let selector =
        Selector::parse(kind, context.query.get("labelSelector"), context.query.get("fieldSelector"))?;
    let (found, revision): (Vec<Arc<Stored>>, u64) = {
        let mut state = context.sim.lock();
        let revision = state.revision;
        let all = state.collection(&kind.storage).scan(&target.namespace, None);
        (all.filter(|s| selector.matches(s)).cloned().collect(), revision)
    };
    for stored in &found {
        match delete_object(&context.sim, kind, &stored.key, &options, dry_run) {
            Ok(_) => {}
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    let items: Vec<Value> = found
        .iter()
        .map(|stored| {
            let mut item = convert::read(kind, stored);
            if let Some(item) = item.as_object_mut().filter(|_| kind.custom.is_none()) {
                item.remove("apiVersion");
                item.remove("kind");
            }
            item
        })
        .collect();
    Ok(Answer::json(
        200,
        &json!({"kind": kind.list_kind(), "apiVersion": kind.api_version(),
            "metadata": {"resourceVersion": revision.to_string()}, "items": items}),
    ))
}

/// Kinds whose deletion answers with the object rather than with a Status.
fn returns_object(kind: &Kind) -> bool {
    matches!(
        &*kind.storage,
        "pods"
            | "services"
            | "serviceaccounts"
            | "persistentvolumes"
            | "persistentvolumeclaims"
            | "podtemplates"
            | "resourcequotas"
            | "storageclasses.storage.k8s.io"
            | "volumeattachments.storage.k8s.io"
            | "csinodes.storage.k8s.io"
            | "volumeattributesclasses.storage.k8s.io"
            | "resourceclaims.resource.k8s.io"
            | "resourceclaimtemplates.resource.k8s.io"
            | "deviceclasses.resource.k8s.io"
            | "resourceslices.resource.k8s.io"
    )
}

/// Deletes one object, or marks it as being deleted; the answer is its last state and whether it is gone.
pub(crate) fn delete_object(
    sim: &KubeSim,
    kind: &Arc<Kind>,
    key: &Key,
    options: &DeleteOptions,
    dry_run: bool,
) -> ApiResult<(Arc<Stored>, bool)> {
    let mut state = sim.lock();
    let Some(found) = state.get(&kind.storage, key).cloned() else {
        return Err(ApiError::not_found(kind, &key.name));
    };
    options.check(kind, &found)?;
    if &*kind.storage == "namespaces"
        && matches!(key.name.as_str(), "default" | "kube-system" | "kube-public")
    {
        return Err(ApiError::forbidden(kind, &key.name, "this namespace may not be deleted"));
    }
    let mut object = found.object();
    let finalizers = finalizers(kind, &found, options.propagation, sim.options().garbage_collection);
    let grace = grace(kind, &object, options.grace);
    let held = !finalizers.is_empty() || grace > 0 || &*kind.storage == "namespaces";
    if dry_run {
        return Ok((found, !held));
    }
    if !held {
        drop(state);
        let last = remove(sim, kind, key).unwrap_or(found);
        // A pod that has no time left is shown as one whose time is over.
        if &*kind.storage == "pods" {
            mark(sim, kind, &mut object, &finalizers, grace);
            return Ok((Arc::new(Stored::new(kind, object)), true));
        }
        return Ok((last, true));
    }
    mark(sim, kind, &mut object, &finalizers, grace);
    let before = found.object();
    let stored = if object == before { found } else { state.put(kind, object) };
    drop(state);
    let mut work = VecDeque::new();
    let id = Id { storage: Arc::clone(&kind.storage), key: key.clone() };
    if sim.options().garbage_collection {
        if stored.has_finalizer(FOREGROUND) {
            work.push_back(Task::Foreground(id));
        } else if stored.has_finalizer(ORPHAN) {
            work.push_back(Task::Orphan(id));
        }
    }
    run(sim, work);
    if &*kind.storage == "namespaces" {
        namespaces::finalize(sim, &key.name);
    } else if crd::is_definition(kind) {
        crd::finalize(sim, &key.name);
    }
    // The collector works at once here; to the client it is as if it worked later.
    Ok((stored, false))
}

/// The finalizers that a deletion leaves on the object.
fn finalizers(kind: &Kind, found: &Stored, wanted: Option<Propagation>, collects: bool) -> Vec<String> {
    let mut kept: Vec<String> =
        found.finalizers.iter().filter(|f| *f != ORPHAN && *f != FOREGROUND).cloned().collect();
    let orphans_by_default = matches!(&*kind.storage, "jobs.batch" | "replicationcontrollers");
    let propagation = match wanted {
        Some(propagation) => propagation,
        None if found.has_finalizer(ORPHAN) => Propagation::Orphan,
        None if found.has_finalizer(FOREGROUND) => Propagation::Foreground,
        None if orphans_by_default => Propagation::Orphan,
        None => Propagation::Background,
    };
    if collects {
        // In the controller manager's stead; it would wait until no pod uses the claim.
        kept.retain(|f| f != "kubernetes.io/pvc-protection" && f != "kubernetes.io/pv-protection");
    }
    if crd::is_definition(kind) && !kept.iter().any(|f| f == crd::CLEANUP) {
        kept.push(crd::CLEANUP.to_owned());
    }
    if collects {
        match propagation {
            Propagation::Background => {}
            Propagation::Foreground => kept.push(FOREGROUND.to_owned()),
            Propagation::Orphan => kept.push(ORPHAN.to_owned()),
        }
    }
    kept
}

/// Seconds that an object gets before it must go; only pods get any.
fn grace(kind: &Kind, object: &Map<String, Value>, wanted: Option<i64>) -> i64 {
    if &*kind.storage != "pods" {
        return 0;
    }
    let at = |path: &[&str]| -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(object.get(*first)?, |value, step| value.get(step))
    };
    let phase = at(&["status", "phase"]).and_then(Value::as_str).unwrap_or_default();
    let scheduled = at(&["spec", "nodeName"]).and_then(Value::as_str).is_some_and(|n| !n.is_empty());
    if matches!(phase, "Succeeded" | "Failed") || !scheduled {
        return 0;
    }
    let own = at(&["spec", "terminationGracePeriodSeconds"]).and_then(Value::as_i64).unwrap_or(30);
    let running = at(&["metadata", "deletionGracePeriodSeconds"]).and_then(Value::as_i64);
    // A second deletion can shorten the time, never lengthen it.
    wanted.unwrap_or(running.unwrap_or(own)).min(running.unwrap_or(i64::MAX)).max(0)
}

/// Writes into an object that it is being deleted.
fn mark(sim: &KubeSim, kind: &Kind, object: &mut Map<String, Value>, finalizers: &[String], grace: i64) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return };
    if finalizers.is_empty() {
        metadata.remove("finalizers");
    } else {
        metadata.insert("finalizers".to_owned(), json!(finalizers));
    }
    let before = metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64);
    let first = !metadata.contains_key("deletionTimestamp");
    if first || before.is_some_and(|b| b > grace) {
        let when =
            sim.now().saturating_add(jiff::SignedDuration::from_secs(grace)).unwrap_or_else(|_| sim.now());
        metadata.insert("deletionTimestamp".to_owned(), json!(seconds(when)));
        if &*kind.storage != "namespaces" {
            metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
        }
        if let Some(generation) = metadata.get("generation").and_then(Value::as_i64) {
            metadata.insert("generation".to_owned(), json!(generation + 1));
        }
    }
    if &*kind.storage == "namespaces" {
        let status = object.entry("status").or_insert_with(|| json!({}));
        status["phase"] = json!("Terminating");
    }
}

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

/// What follows a write: an object whose owners are all gone does not stay.
pub(crate) fn after_write(sim: &KubeSim, kind: &Arc<Kind>, stored: &Stored) {
    if stored.owners.is_empty() || !sim.options().garbage_collection {
        return;
    }
    let lost = {
        let state = sim.lock();
        stored.owners.iter().all(|owner| !state.lives(&owner.uid))
    };
    if lost {
        collect(sim, kind, &stored.key);
    }
    let waiting: VecDeque<Task> = {
        let state = sim.lock();
        stored.owners.iter().filter_map(|o| state.by_uid(&o.uid).cloned()).map(Task::Check).collect()
    };
    run(sim, waiting);
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
                        owner.deleting
                            && owner.has_finalizer(FOREGROUND)
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
                && state
                    .by_uid(owner)
                    .and_then(|id| state.find(id))
                    .is_some_and(|o| !(o.deleting && o.has_finalizer(FOREGROUND)))
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

/// Takes a finalizer away, and the object with the last one.
fn drop_finalizer(sim: &KubeSim, id: &Id, name: &str, work: &mut VecDeque<Task>) {
    let Some(kind) = sim.lock().registry.by_storage(&id.storage).cloned() else { return };
    let rest = {
        let state = sim.lock();
        let Some(found) = state.find(id) else { return };
        let grace = found.object().get("metadata").and_then(|m| m["deletionGracePeriodSeconds"].as_i64());
        if found.deleting && found.finalizers.iter().all(|f| f == name) && grace.unwrap_or_default() == 0 {
            None
        } else {
            Some(())
        }
    };
    match rest {
        None => {
            take(sim, &kind, &id.key, work);
        }
        Some(()) => edit(sim, id, |metadata| {
            if let Some(Value::Array(finalizers)) = metadata.get_mut("finalizers") {
                finalizers.retain(|f| f != name);
                if finalizers.is_empty() {
                    metadata.remove("finalizers");
                }
            }
        }),
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
