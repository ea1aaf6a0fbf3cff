//! The end of an application: hooks before, what it owns wave by wave, hooks after; each stage goes with its finalizer.

use std::sync::Arc;
use std::time::Duration;

use api::names::finalizer;
use api::{Application, ConditionType, Consent};
use cluster::{Cluster, Knowledge, LiveObject, Propagation, Severity, WriteError, chain};
use resource::{GroupKind, Object};
use sync::deletion::{Stage, stage};
use tokio::time::Instant;

use crate::assess::{options_of, why_unseen};
use crate::before_us;
use crate::clusters::{self, NoCluster};
use crate::conditions::Findings;
use crate::deletion_hooks::{clean_up, run};
use crate::destination::Destination;
use crate::events;
use crate::execute::delete;
use crate::holdups::{Holdup, named_holdups};
use crate::hooks::{gone_is_well, release};
use crate::obtain::permits_application;
use crate::shared::{AppMemory, AppName, Shared};
use crate::write::{Lost, key_of, write};

/// How long a deletion that waits is left without a look, should every event get lost.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How long a deletion waits for what is being listed or looked at.
const SOON: Duration = Duration::from_secs(1);

/// How long a look at the Application lasts while its objects are deleted.
const LOOK_LASTS: Duration = Duration::from_secs(5);

/// What a stage of a deletion came to.
pub(crate) enum Came {
    /// To its end: its finalizer goes.
    Over,
    /// Not to its end: look again after this long.
    Waits(Duration),
    /// The same, and what it waits for is to be told.
    Blocked(String, Duration),
}

/// Goes on with the deletion of an application, stage by stage, as far as it can go now.
///
/// **Shape**: PreDelete hooks, the cascade, what these hooks left, PostDelete hooks, what those left; a stage is over when its finalizer
/// is gone, so that a controller that is killed goes on where it was. Without one of its finalizers a stage is left out: what is not
/// to cascade runs its hooks all the same.
/// **Source**: the peer. An application whose destination is no cluster that is known is let go with all its finalizers, as there.
pub(crate) async fn step(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    memory: &mut AppMemory,
) -> Result<Option<Duration>, Lost> {
    if let Err(message) = check_project(shared, app) {
        blocked(shared, name, app, message).await?;
        return Ok(Some(LOOK_AGAIN));
    }
    if let Some(message) = before_us::held(shared, app) {
        blocked(shared, name, app, message).await?;
        return Ok(Some(LOOK_AGAIN));
    }
    let settings = shared.settings.current();
    let located = clusters::locate(&settings, &app.spec.destination);
    let to = match located.and_then(|located| located.find(shared)) {
        Ok(to) => to,
        Err(NoCluster::Invalid(_) | NoCluster::NotKnown(_)) => {
            return release_all(shared, name, app).await.map(|()| None);
        }
        Err(NoCluster::Connecting(_)) => return Ok(Some(SOON)),
        Err(error @ (NoCluster::Disabled | NoCluster::Unreachable { .. })) => {
            blocked(shared, name, app, format!("waiting: {error}")).await?;
            return Ok(Some(LOOK_AGAIN));
        }
    };
    if stage(|name| app.metadata.has_finalizer(name)).is_some()
        && let Some(came) = look(shared, name, app).await?
    {
        return settle(shared, name, app, came).await;
    }
    while let Some(stage) = stage(|name| app.metadata.has_finalizer(name)) {
        let came = match stage {
            Stage::Hooks(phase) => Box::pin(run(shared, &to, name, app, memory, phase)).await?,
            Stage::Cascade => Box::pin(cascade(shared, &to, name, app, memory)).await?,
            Stage::Cleanup(phase) => clean_up(shared, &to, name, app, memory, phase).await?,
        };
        match came {
            Came::Over => drop_finalizers(shared, name, app, |finalizer| is_of(stage, finalizer)).await?,
            other => return settle(shared, name, app, other).await,
        }
    }
    Ok(None)
}

/// When it is looked again, once what is to be told is told.
async fn settle(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    came: Came,
) -> Result<Option<Duration>, Lost> {
    match came {
        Came::Over => Ok(None),
        Came::Waits(again) => Ok(Some(again)),
        Came::Blocked(message, again) => {
            blocked(shared, name, app, message).await?;
            Ok(Some(again))
        }
    }
}

/// Sees by a request that it is this very Application that is being deleted: one that was made anew under its name has the same
/// objects, and a watch may have lost that, or a replica that lags behind may have told of the old one. `None`: it is.
async fn look(shared: &Shared, name: &AppName, app: &Application) -> Result<Option<Came>, Lost> {
    match shared.home.cluster.fetch(&key_of(app)).await {
        Ok(Some(now)) if now.uid() == app.metadata.uid && now.is_deleting() => Ok(None),
        Ok(Some(now)) => {
            if shared.put_app(name, now.into_value()) {
                shared.queue.add(Arc::clone(name));
            }
            Err(Lost::Gone)
        }
        // Its event is under way, or lost.
        Ok(None) => Ok(Some(Came::Waits(LOOK_AGAIN))),
        Err(error) => Ok(Some(Came::Blocked(chain(&error), LOOK_AGAIN))),
    }
}

/// **Errors**: an Application of another namespace that its project does not permit, or no more; as in the peer, nothing is done for it.
fn check_project(shared: &Shared, app: &Application) -> Result<(), String> {
    if app.metadata.namespace == shared.options.namespace {
        return Ok(());
    }
    let project = app.spec.project_name();
    match shared.project(project, &shared.settings.current()) {
        Some(project) => permits_application(shared, app, &project).map_err(|denied| denied.message),
        None => Err(format!("Application referencing project {project} which does not exist")),
    }
}

fn is_of(stage: Stage, name: &str) -> bool {
    match stage {
        Stage::Hooks(phase) => name == phase.finalizer(),
        Stage::Cascade => finalizer::CASCADES.contains(&name),
        Stage::Cleanup(phase) => name == phase.cleanup_finalizer(),
    }
}

async fn drop_finalizers(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    goes: impl Fn(&str) -> bool,
) -> Result<(), Lost> {
    write(shared, name, app, |app| {
        // Of the Application as it is at that moment: the API server has finalizers of its own that come and go.
        let rest: Vec<&String> = app.metadata.finalizers.iter().filter(|f| !goes(f)).collect();
        let some = rest.len() < app.metadata.finalizers.len();
        some.then(|| serde_json::json!({ "metadata": { "finalizers": rest } }))
    })
    .await
    .map(drop)
}

/// Lets an application go whose cluster nobody knows: neither its objects nor its hooks can be had.
async fn release_all(shared: &Shared, name: &AppName, app: &mut Arc<Application>) -> Result<(), Lost> {
    let ours = |name: &str| stage(|finalizer| finalizer == name).is_some();
    if !app.metadata.finalizers.iter().any(|f| ours(f)) {
        return Ok(());
    }
    let to = &app.spec.destination;
    let message = format!(
        "cluster {} is not known: what the application has there was not deleted, and its hooks did not run",
        if to.server.is_empty() { &to.name } else { &to.server }
    );
    tracing::warn!(application = %app.qualified_name(), "application was let go whose cluster is not known");
    events::tell(shared, app, "ResourcesLeft", message, Severity::Warning).await;
    drop_finalizers(shared, name, app, ours).await
}

/// Deletes what the application owns.
///
/// **Shape**: objects that carry its tracking, the highest wave first; `Delete=false`, Helm's `keep` and
/// CustomResourceDefinitions (with them would go everybody's objects) stay, as in the peer.
/// **Invariants**: reliability P1–P3; nothing is deleted while a kind that the application had objects of cannot be seen whole.
async fn cascade(
    shared: &Shared,
    to: &Destination,
    name: &AppName,
    app: &Arc<Application>,
    memory: &AppMemory,
) -> Result<Came, Lost> {
    let kinds: Vec<GroupKind> = app.status.resources.iter().map(|r| r.key().group_kind()).collect();
    for kind in &kinds {
        match to.cluster.knowledge(kind) {
            Knowledge::Complete | Knowledge::Absent | Knowledge::Excluded => {}
            Knowledge::Loading => return Ok(Came::Waits(LOOK_AGAIN)),
            unseen => {
                let message =
                    format!("waiting: not all objects of kind {kind} can be seen: {}", why_unseen(&unseen));
                return Ok(Came::Blocked(message, LOOK_AGAIN));
            }
        }
    }
    if !sees_all(to) || shared.others_unseen(name, &memory.spec.repositories) {
        return Ok(Came::Waits(SOON));
    }
    let instance = shared.instance(name);
    let asked = app.metadata.deletion_timestamp.as_deref().unwrap_or_default();
    let mut left = Vec::new();
    for live in to.cluster.owned_by(instance.as_str()) {
        // What another application has in git, too, is left to that one.
        if live.has_controller()
            || live.key() == key_of(app)
            || shared.claimed_elsewhere(to, &live.key(), name).is_some()
        {
            continue;
        }
        let found = match live.object() {
            Some(object) => Some(object),
            None => match to.cluster.fetch(&live.key()).await {
                Ok(found) => found,
                // What cannot be read must not be taken for gone: the finalizer would go, and the object would stay.
                Err(error) => return Ok(Came::Blocked(chain(&error), LOOK_AGAIN)),
            },
        };
        let Some(object) = found else { continue };
        if is_definition(&object) {
            continue;
        }
        match options_of(app, &object).delete {
            Some(Consent::No) => {}
            Some(Consent::Confirm) if !approved_since(app, asked) => {
                let message = format!(
                    "waiting: {} asks for confirmation before it is deleted: set the annotation {} on the application to the time now",
                    live.key(),
                    api::names::annotation::DELETION_APPROVED
                );
                return Ok(Came::Blocked(message, LOOK_AGAIN));
            }
            _ => left.push((sync::desired::wave(&object).unwrap_or_default(), live, object)),
        }
    }
    if let Some(last) = left.iter().map(|(wave, ..)| *wave).max() {
        let now: Vec<_> = left.into_iter().filter(|(wave, ..)| *wave == last).collect();
        return remove(shared, &to.cluster, name, app, now).await;
    }
    Ok(Came::Over)
}

/// Whether the first look at everything that the cluster serves is over.
pub(crate) fn sees_all(to: &Destination) -> bool {
    to.is_loaded(to.cluster.discovery().kinds().map(|(kind, _)| kind))
}

fn is_definition(object: &Object) -> bool {
    let kind = object.group_kind();
    kind.group == "apiextensions.k8s.io" && kind.kind == "CustomResourceDefinition"
}

async fn remove(
    shared: &Shared,
    cluster: &Cluster,
    name: &AppName,
    app: &Application,
    objects: Vec<(i32, Arc<LiveObject>, Object)>,
) -> Result<Came, Lost> {
    let (instance, propagation) = (shared.instance(name), propagation(app));
    let mut looked = Instant::now();
    let settings = shared.settings.current();
    for (_, live, seen) in &objects {
        let key = live.key();
        let held = seen.finalizers().contains(&finalizer::HOOK);
        if live.deleting() && !held {
            continue;
        }
        if looked.elapsed() > LOOK_LASTS {
            if let Some(came) = look(shared, name, app).await? {
                return Ok(came);
            }
            looked = Instant::now();
        }
        // Seen once more: what was handed to somebody else meanwhile stays.
        let object = match cluster.fetch(&key).await {
            Ok(Some(object)) => object,
            Ok(None) => continue,
            Err(error) => return Ok(Came::Blocked(chain(&error), LOOK_AGAIN)),
        };
        if settings.settings.tracking.owner_of(&object).as_ref() != Some(&instance) {
            continue;
        }
        if !shared.is_leading() {
            return Err(Lost::Deposed);
        }
        // A hook's result is of no use any more.
        let object = match release(cluster, object).await {
            Ok(object) => object,
            Err(WriteError::Precondition { .. } | WriteError::NotFound { .. }) => continue,
            Err(error) => return Ok(Came::Blocked(chain(&error), LOOK_AGAIN)),
        };
        if object.is_deleting() {
            continue;
        }
        let end = delete(cluster, &object, propagation, &|| shared.is_leading()).await;
        if let Err(error) = gone_is_well(end) {
            return Ok(Came::Blocked(chain(&error), LOOK_AGAIN));
        }
    }
    // An object that is on its way out says so by an event; one that takes long is named.
    let seen = objects.iter().map(|(.., object)| object);
    Ok(match named_holdups(seen, (shared.options.clock)()) {
        Holdup::None => Came::Waits(LOOK_AGAIN),
        Holdup::Young(left) => Came::Waits(left),
        Holdup::Named(message) => Came::Blocked(message, LOOK_AGAIN),
    })
}

/// Whether somebody approved deletions at this time (RFC 3339) or later, as in the peer: consent to what came before is none.
pub(crate) fn approved_since(app: &Application, since: &str) -> bool {
    let approved = app.metadata.annotation(api::names::annotation::DELETION_APPROVED);
    let at = |text: &str| api::parse_time(text).ok();
    matches!((approved.and_then(at), at(since)), (Some(approved), Some(since)) if approved >= since)
}

/// How an application's finalizer wants the dependents of its objects treated; the first of the peer's order counts.
fn propagation(app: &Application) -> Propagation {
    let foreground = [finalizer::RESOURCES, finalizer::RESOURCES_FOREGROUND];
    if foreground.into_iter().any(|name| app.metadata.has_finalizer(name)) {
        Propagation::Foreground
    } else {
        Propagation::Background
    }
}

async fn blocked(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    message: String,
) -> Result<(), Lost> {
    let findings = Findings::one(ConditionType::DeletionError, message);
    let now = shared.now();
    write(shared, name, app, |app| {
        let conditions = findings.conditions(&app.status.conditions, &now);
        (conditions != app.status.conditions)
            .then(|| serde_json::json!({ "status": { "conditions": conditions } }))
    })
    .await
    .map(drop)
}
