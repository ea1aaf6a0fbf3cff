//! The end of an application: what it owns goes first, wave by wave, then its finalizer.

use std::sync::Arc;
use std::time::Duration;

use api::names::finalizer;
use api::{Application, ConditionType, Consent};
use cluster::{Knowledge, LiveObject, Propagation, WriteError, chain};
use resource::{GroupKind, Object};

use crate::assess::{options_of, why_unseen};
use crate::conditions::Findings;
use crate::execute::preconditions;
use crate::hooks::release;
use crate::shared::{AppName, Shared};
use crate::sights::Seen;
use crate::write::{Lost, key_of, write};

/// How long a deletion that waits is left without a look, should every event get lost.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Goes one step on with the deletion of an application.
///
/// **Shape**: with the resources finalizer, objects that carry the application's tracking are deleted, the highest wave
/// first, and the finalizer goes once they are gone; `Delete=false` and Helm's `keep` stay. Without it nothing is
/// touched. **Invariants**: reliability P1–P3; nothing is deleted while a kind that the application had objects of
/// cannot be seen whole.
pub(crate) async fn step(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    seen: &Seen,
) -> Result<Option<Duration>, Lost> {
    let Some((own, propagation)) = cascade(app) else {
        return Ok(None);
    };
    let kinds: Vec<GroupKind> =
        app.status.resources.iter().map(|r| GroupKind::new(&*r.group, &*r.kind)).collect();
    for kind in &kinds {
        match shared.cluster.knowledge(kind) {
            Knowledge::Complete | Knowledge::Absent | Knowledge::Excluded => {}
            Knowledge::Loading => return Ok(Some(LOOK_AGAIN)),
            unseen => {
                let message =
                    format!("waiting: not all objects of kind {kind} can be seen: {}", why_unseen(&unseen));
                return blocked(shared, name, app, message).await;
            }
        }
    }
    let discovery = shared.cluster.discovery();
    if !shared.is_loaded(discovery.kinds().map(|(kind, _)| kind)) {
        return Ok(Some(Duration::from_secs(1)));
    }
    if shared.others_unseen(name, seen) {
        return Ok(Some(Duration::from_secs(1)));
    }
    let instance = shared.instance(name);
    let asked = app.metadata.deletion_timestamp.as_deref().unwrap_or_default();
    let mut left = Vec::new();
    for live in shared.cluster.owned_by(instance.as_str()) {
        // What another application has in git, too, is left to that one.
        if live.has_controller()
            || live.key() == key_of(app)
            || shared.claimed_elsewhere(&live.key(), name).is_some()
        {
            continue;
        }
        let found = match live.object() {
            Some(object) => Some(object),
            None => match shared.cluster.fetch(&live.key()).await {
                Ok(found) => found,
                // What cannot be read must not be taken for gone: the finalizer would go, and the object would stay.
                Err(error) => return blocked(shared, name, app, chain(&error)).await,
            },
        };
        let Some(object) = found else { continue };
        match options_of(app, &object).delete {
            Some(Consent::No) => {}
            Some(Consent::Confirm) if !approved_since(app, asked) => {
                let message = format!(
                    "waiting: {} asks for confirmation before it is deleted: set the annotation {} on the application to the time now",
                    live.key(),
                    api::names::annotation::DELETION_APPROVED
                );
                return blocked(shared, name, app, message).await;
            }
            _ => left.push((sync::desired::wave(&object).unwrap_or_default(), live, object)),
        }
    }
    if let Some(last) = left.iter().map(|(wave, ..)| *wave).max() {
        let now: Vec<_> = left.into_iter().filter(|(wave, ..)| *wave == last).collect();
        return remove(shared, name, app, now, propagation).await;
    }
    write(shared, name, app, |app| {
        // Of the Application as it is at that moment: the API server has finalizers of its own that come and go.
        let rest: Vec<&String> = app.metadata.finalizers.iter().filter(|f| **f != own).collect();
        app.metadata.has_finalizer(&own).then(|| serde_json::json!({ "metadata": { "finalizers": rest } }))
    })
    .await?;
    Ok(None)
}

async fn remove(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    objects: Vec<(i32, Arc<LiveObject>, Object)>,
    propagation: Propagation,
) -> Result<Option<Duration>, Lost> {
    let instance = shared.instance(name);
    let settings = shared.settings.current();
    for (_, live, seen) in &objects {
        let key = live.key();
        let held = seen.finalizers().contains(&finalizer::HOOK);
        if live.deleting() && !held {
            continue;
        }
        // Seen once more: what was handed to somebody else meanwhile stays.
        let object = match shared.cluster.fetch(&key).await {
            Ok(Some(object)) => object,
            Ok(None) => continue,
            Err(error) => return blocked(shared, name, app, chain(&error)).await,
        };
        if settings.settings.tracking.owner_of(&object).as_ref() != Some(&instance) {
            continue;
        }
        if !shared.is_leading() {
            return Err(Lost::Deposed);
        }
        // A hook's result is of no use any more.
        let object = match release(&shared.cluster, object).await {
            Ok(object) => object,
            Err(WriteError::Precondition { .. } | WriteError::NotFound { .. }) => continue,
            Err(error) => return blocked(shared, name, app, chain(&error)).await,
        };
        if object.is_deleting() {
            continue;
        }
        let conditions = preconditions(object.uid(), object.resource_version());
        match shared.cluster.delete(&key, &conditions, propagation).await {
            Ok(_) | Err(WriteError::Precondition { .. } | WriteError::NotFound { .. }) => {}
            Err(error) => return blocked(shared, name, app, chain(&error)).await,
        }
    }
    // An object that is on its way out says so by an event.
    Ok(Some(LOOK_AGAIN))
}

/// Whether somebody approved deletions at this time (RFC 3339) or later, as in the peer: consent to what came before is none.
pub(crate) fn approved_since(app: &Application, since: &str) -> bool {
    let approved = app.metadata.annotation(api::names::annotation::DELETION_APPROVED);
    let at = |text: &str| api::parse_time(text).ok();
    matches!((approved.and_then(at), at(since)), (Some(approved), Some(since)) if approved >= since)
}

/// The finalizer that asks for the deletion of resources, and how it wants their dependents treated.
fn cascade(app: &Application) -> Option<(String, Propagation)> {
    let foreground = [finalizer::RESOURCES, finalizer::RESOURCES_FOREGROUND];
    let has = |name: &str| app.metadata.has_finalizer(name);
    if let Some(name) = foreground.into_iter().find(|name| has(name)) {
        return Some((name.to_owned(), Propagation::Foreground));
    }
    has(finalizer::RESOURCES_BACKGROUND)
        .then(|| (finalizer::RESOURCES_BACKGROUND.to_owned(), Propagation::Background))
}

async fn blocked(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    message: String,
) -> Result<Option<Duration>, Lost> {
    let mut findings = Findings::default();
    findings.add(ConditionType::DeletionError, message);
    let now = shared.now();
    write(shared, name, app, |app| {
        let conditions = findings.conditions(&app.status.conditions, &now);
        (conditions != app.status.conditions)
            .then(|| serde_json::json!({ "status": { "conditions": conditions } }))
    })
    .await?;
    Ok(Some(LOOK_AGAIN))
}
