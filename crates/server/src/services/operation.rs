//! What is done to applications: synced, rolled back, stopped, deleted.

use std::sync::Arc;

use ::api::hold;
use ::api::names::finalizer;
use ::api::{Application, Operation, OperationInitiator, OperationPhase, RetryStrategy, SyncOperation};
use rbac::{Action, Decision};
use serde_json::{Value, json};
use tonic::Status;

use super::{Asked, Table, text};
use crate::audit;
use crate::call::{NoSuchMethod, Reply};
use crate::events;
use crate::server::Backend;
use crate::store::{self, Kind};

/// How often a write that met another one is made again.
const ATTEMPTS: usize = 10;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/Sync", sync)?;
    table.one("application.ApplicationService/Rollback", rollback)?;
    table.one("application.ApplicationService/TerminateOperation", terminate)?;
    table.one("application.ApplicationService/Delete", delete)
}

/// Changes an application, as it is when it is written: `change` is asked again where somebody else was faster, and so is the policy, for
/// the project may be another one then.
async fn update(
    backend: &Backend,
    ask: &Asked,
    (action, did): (&Action, &str),
    change: impl Fn(&Application, &Decision) -> Result<Option<Value>, Status>,
) -> Result<(Value, Decision), Status> {
    let place = (text(&ask.request, "appNamespace"), text(&ask.request, "name"));
    let failed = |error: &kube::Error| store::status("changing the application", error);
    for _ in 0..ATTEMPTS {
        let (live, decision) = super::application::live(backend, ask, action, place).await?;
        let app = Application::from_value(live.clone())
            .map_err(|error| Status::failed_precondition(format!("application {}: {error}", place.1)))?;
        let Some(mut patch) = change(&app, &decision)? else { return Ok((live, decision)) };
        patch["metadata"]["resourceVersion"] = json!(app.metadata.resource_version);
        let (namespace, name) = (&app.metadata.namespace, &app.metadata.name);
        match backend.store.patch(Kind::Application, namespace, name, &patch).await {
            Ok(value) => {
                let name = format!("{namespace}/{name}");
                audit::done(&ask.caller, did, ("application", &name), &decision);
                return Ok((value, decision));
            }
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(Status::aborted(format!("application {} changes all the time; try again", place.1)))
}

/// The patch that asks for an operation. The state of the one before goes, so that what is there afterwards is this one's.
fn begin(app: &Application, operation: &Operation) -> Result<Value, Status> {
    if app.metadata.is_deleting() {
        return Err(Status::failed_precondition("application is deleting"));
    }
    if app.operation.is_some() || app.status.running().is_some() {
        return Err(Status::failed_precondition("another operation is already in progress"));
    }
    let operation = serde_json::to_value(operation).map_err(|error| Status::internal(error.to_string()))?;
    Ok(json!({ "operation": operation, "status": { "operationState": null } }))
}

/// **Source**: `Server.Sync`. A revision stays as it was asked for; the controller resolves it, and says so where there is none.
async fn sync(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let request = &ask.request;
    let user = ask.caller.name().to_owned();
    let manifests: Vec<String> = read(request, "manifests")?;
    if !manifests.is_empty() {
        // Who may sync may not say what: that takes more.
        let place = (text(request, "appNamespace"), text(request, "name"));
        super::application::live(&backend, &ask, &Action::Override, place).await?;
    }
    let dry_run = request.get("dryRun").and_then(Value::as_bool).unwrap_or_default();
    let app = update(&backend, &ask, (&Action::Sync, "asked for a sync of an application"), |app, _| {
        let automated = app.spec.automated().is_some() && !dry_run;
        if automated && !manifests.is_empty() {
            return Err(Status::failed_precondition(
                "cannot use local sync when Automatic Sync Policy is enabled unless for dry run",
            ));
        }
        let revisions = revisions(app, request)?;
        if automated {
            for (source, wanted) in app.spec.sources().iter().zip(&revisions) {
                let set = if source.target_revision.is_empty() { "HEAD" } else { &source.target_revision };
                if !wanted.is_empty() && wanted != set {
                    let text = format!("Cannot sync to {wanted}: auto-sync currently set to {set}");
                    return Err(Status::failed_precondition(text));
                }
            }
        }
        let several = app.spec.has_multiple_sources();
        let policy = app.spec.sync_policy.as_ref();
        let own_options = || policy.map(|policy| policy.sync_options.clone()).unwrap_or_default();
        let asked_options = request.get("syncOptions").map(|options| read(options, "items")).transpose()?;
        let sync_options: Vec<String> = asked_options.unwrap_or_else(own_options);
        if !backend.settings.current().params.server.replace_allowed
            && sync_options.iter().any(|option| option == "Replace=true")
        {
            return Err(Status::failed_precondition(
                "sync with replace was disabled on the API Server level via the server configuration",
            ));
        }
        let own_retry = || policy.and_then(|policy| policy.retry.clone()).unwrap_or_default();
        let retry: Option<RetryStrategy> = optional(request, "retryStrategy")?;
        let sync = SyncOperation {
            revision: if several { String::new() } else { revisions.first().cloned().unwrap_or_default() },
            revisions: if several && revisions.iter().any(|revision| !revision.is_empty()) {
                revisions
            } else {
                Vec::new()
            },
            prune: request.get("prune").and_then(Value::as_bool).unwrap_or_default(),
            dry_run,
            sync_strategy: optional(request, "strategy")?,
            resources: read(request, "resources")?,
            sync_options,
            manifests: manifests.clone(),
            ..SyncOperation::default()
        };
        let operation = Operation {
            sync: Some(sync),
            initiated_by: OperationInitiator::of(&user),
            info: read(request, "infos")?,
            retry: retry.unwrap_or_else(own_retry),
            ..Operation::default()
        };
        begin(app, &operation).map(Some)
    });
    let (app, _) = app.await?;
    events::tell(&backend, &ask.caller, &app, "OperationStarted", &initiated(&app, request)).await;
    Ok(app.into())
}

/// What a sync is called in events. The peer says the commits, too, which are not known yet here.
fn initiated(app: &Value, request: &Value) -> String {
    let listed = |value: &Value, pointer: &str| {
        let all = value.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|one| one.as_str().or_else(|| one.get("targetRevision")?.as_str()))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let partial =
        if request.get("resources").is_some_and(|some| *some != json!([])) { "partial " } else { "" };
    if request.get("manifests").is_some_and(|some| *some != json!([])) {
        return format!("initiated {partial}sync locally");
    }
    let mut revisions = listed(app, "/operation/sync/revisions");
    let pointers = ["/operation/sync/revision", "/spec/source/targetRevision"];
    let said = |pointer: &&str| app.pointer(pointer)?.as_str().filter(|revision| !revision.is_empty());
    if revisions.is_empty() {
        revisions.extend(pointers.iter().find_map(said).map(str::to_owned));
    }
    if revisions.is_empty() {
        revisions = listed(app, "/spec/sources");
    }
    let revisions = if revisions.is_empty() { "HEAD".to_owned() } else { revisions.join(",") };
    format!("initiated {partial}sync to {revisions}")
}

/// The revision that is asked for of each source; empty for the one that is set.
fn revisions(app: &Application, request: &Value) -> Result<Vec<String>, Status> {
    let sources = app.spec.sources();
    if !app.spec.has_multiple_sources() {
        return Ok(vec![text(request, "revision").to_owned()]);
    }
    let (positions, wanted): (Vec<i64>, Vec<String>) =
        (read(request, "sourcePositions")?, read(request, "revisions")?);
    if positions.len() != wanted.len() {
        return Err(Status::invalid_argument("there must be as many revisions as source positions"));
    }
    let mut revisions = vec![String::new(); sources.len()];
    for (position, revision) in positions.into_iter().zip(wanted) {
        let index = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
        let place = index.and_then(|index| revisions.get_mut(index));
        *place.ok_or_else(|| Status::invalid_argument("source position is out of range"))? = revision;
    }
    // One that is not named is what is set, not what an operation of before took.
    for (source, revision) in sources.iter().zip(&mut revisions) {
        if revision.is_empty() {
            revision.clone_from(&source.target_revision);
        }
    }
    Ok(revisions)
}

/// **Source**: `Server.Rollback`, which refuses applications that sync by themselves; here such a one is held where it went back to.
async fn rollback(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let user = ask.caller.name().to_owned();
    let flag = |name: &str| ask.request.get(name).and_then(Value::as_bool).unwrap_or_default();
    let id = ask.request.get("id").and_then(Value::as_i64).unwrap_or_default();
    let until = hold::until(hold::ROLLBACK, backend.now());
    let app = update(&backend, &ask, (&Action::Sync, "asked for a rollback of an application"), |app, _| {
        let entry = app.status.history.iter().find(|entry| entry.id == id).ok_or_else(|| {
            let name = app.qualified_name();
            Status::invalid_argument(format!("application {name} does not have deployment with id {id}"))
        })?;
        let mut operation = Operation::rollback(app, entry, &user);
        if let Some(sync) = &mut operation.sync {
            (sync.prune, sync.dry_run) = (flag("prune"), flag("dryRun"));
        }
        let mut patch = begin(app, &operation)?;
        if app.spec.automated().is_some() && !flag("dryRun") {
            let reason = format!("rolled back to {id}");
            patch["metadata"] = json!({"annotations": hold::annotations(&until, &reason)});
        }
        Ok(Some(patch))
    });
    let (app, _) = app.await?;
    let told = format!("initiated rollback to {id}");
    events::tell(&backend, &ask.caller, &app, "OperationStarted", &told).await;
    Ok(app.into())
}

async fn terminate(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let what = (&Action::Sync, "terminated an operation of an application");
    let (app, _) = update(&backend, &ask, what, |app, _| {
        if app.status.running().is_none() {
            return Err(Status::invalid_argument(
                "Unable to terminate operation. No operation is in progress",
            ));
        }
        Ok(Some(json!({"status": {"operationState": {"phase": OperationPhase::Terminating.as_str()}}})))
    })
    .await?;
    events::tell(&backend, &ask.caller, &app, "ResourceUpdated", "terminated running operation").await;
    Ok(json!({}).into())
}

/// **Source**: `Server.Delete`. It cascades unless that is said not to.
async fn delete(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let cascade = ask.request.get("cascade").and_then(Value::as_bool).unwrap_or(true);
    let policy = text(&ask.request, "propagationPolicy");
    if !cascade && !policy.is_empty() {
        return Err(Status::invalid_argument("cannot set propagation policy when cascading is disabled"));
    }
    let wanted = match policy.to_lowercase().as_str() {
        _ if !cascade => None,
        "" | "foreground" => Some(finalizer::RESOURCES),
        "background" => Some(finalizer::RESOURCES_BACKGROUND),
        other => return Err(Status::invalid_argument(format!("invalid propagation policy: {other}"))),
    };
    let app = update(&backend, &ask, (&Action::Delete, "changed what goes with an application"), |app, _| {
        Ok(cascading(app, wanted))
    });
    let (app, decision) = app.await?;
    let part = |pointer: &str| app.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (namespace, name) = (part("/metadata/namespace"), part("/metadata/name"));
    let deleted = backend.store.delete(Kind::Application, namespace, name, part("/metadata/uid")).await;
    deleted.map_err(|error| store::status("deleting the application", &error))?;
    audit::done(
        &ask.caller,
        "deleted an application",
        ("application", &format!("{namespace}/{name}")),
        &decision,
    );
    events::tell(&backend, &ask.caller, &app, "ResourceDeleted", "deleted application").await;
    Ok(json!({}).into())
}

/// The patch that gives an application this finalizer of ours and no other; `None` where it is so already. Finalizers of others stay.
fn cascading(app: &Application, wanted: Option<&str>) -> Option<Value> {
    let there = &app.metadata.finalizers;
    let is_ours = |name: &&String| finalizer::CASCADES.contains(&name.as_str());
    // Two spellings mean the foreground.
    let same = |name: &String| {
        wanted == Some(name)
            || (wanted == Some(finalizer::RESOURCES) && name == finalizer::RESOURCES_FOREGROUND)
    };
    let mut ours = there.iter().filter(is_ours);
    let fits = match wanted {
        None => ours.next().is_none(),
        Some(_) => ours.next().is_some_and(same) && ours.next().is_none(),
    };
    // An object that is being deleted takes no new finalizer.
    if fits || (app.metadata.is_deleting() && wanted.is_some()) {
        return None;
    }
    let mut finalizers: Vec<&str> = there.iter().filter(|name| !is_ours(name)).map(String::as_str).collect();
    finalizers.extend(wanted);
    Some(json!({ "metadata": { "finalizers": finalizers } }))
}

/// A list of a request; empty where it is not said.
fn read<T: serde::de::DeserializeOwned>(request: &Value, field: &str) -> Result<Vec<T>, Status> {
    Ok(optional(request, field)?.unwrap_or_default())
}

fn optional<T: serde::de::DeserializeOwned>(request: &Value, field: &str) -> Result<Option<T>, Status> {
    let Some(value) = request.get(field).filter(|value| !value.is_null()) else { return Ok(None) };
    let read = serde_json::from_value(value.clone());
    read.map(Some).map_err(|error| Status::invalid_argument(format!("{field}: {error}")))
}
