//! Deletion: preconditions, grace, finalizers, and what follows for dependents, namespaces and CRDs.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{
    convert, crd, decode,
    fields::seconds,
    gc, namespaces,
    registry::Kind,
    reply::Answer,
    route::Target,
    selectors::Selector,
    service::Context,
    sim::KubeSim,
    status::{ApiError, ApiResult, FieldError},
    store::{Id, Key, Stored},
};

pub(crate) const ORPHAN: &str = "orphan";
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

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
        let said = || Kind { plural: kind.kind.clone(), ..Kind::clone(kind) };
        if let Some(uid) = self.uid.as_ref().filter(|uid| **uid != found.uid) {
            return Err(ApiError::conflict(
                &said(),
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
                &said(),
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
        let last = gc::remove(sim, kind, key).unwrap_or(found);
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
    let id = Id { storage: Arc::clone(&kind.storage), key: key.clone() };
    gc::after_mark(sim, id, &stored);
    if &*kind.storage == "namespaces" {
        namespaces::finalize(sim, &key.name);
    } else if crd::is_definition(kind) {
        crd::finalize(sim, &key.name);
    }
    // The collector works at once here; to the client it is as if it worked later.
    Ok((stored, false))
}

/// The finalizers that a deletion leaves on the object.
pub(crate) fn finalizers(
    kind: &Kind,
    found: &Stored,
    wanted: Option<Propagation>,
    collects: bool,
) -> Vec<String> {
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
    match propagation {
        Propagation::Background => {}
        Propagation::Foreground => kept.push(FOREGROUND.to_owned()),
        Propagation::Orphan => kept.push(ORPHAN.to_owned()),
    }
    kept
}

/// Seconds that an object gets before it must go; only pods get any.
pub(crate) fn grace(kind: &Kind, object: &Map<String, Value>, wanted: Option<i64>) -> i64 {
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
pub(crate) fn mark(
    sim: &KubeSim,
    kind: &Kind,
    object: &mut Map<String, Value>,
    finalizers: &[String],
    grace: i64,
) {
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
        let own_way = &*kind.storage == "namespaces" || crd::is_definition(kind);
        if !own_way {
            metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
        }
        if let Some(generation) = metadata.get("generation").and_then(Value::as_i64)
            && first
            && !own_way
        {
            metadata.insert("generation".to_owned(), json!(generation + 1));
        }
    }
    if first && crd::is_definition(kind) {
        crd::terminating(object, &seconds(sim.now()));
    }
    if &*kind.storage == "namespaces" {
        let status = object.entry("status").or_insert_with(|| json!({}));
        status["phase"] = json!("Terminating");
    }
}
