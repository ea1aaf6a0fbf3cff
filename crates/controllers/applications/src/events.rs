//! Kubernetes Events about an application: only when something changed, and never a reason to fail.

use std::collections::BTreeSet;

use api::{Application, ApplicationStatus, OperationPhase};
use cluster::{EventNote, Severity, counted};
use resource::ResourceKey;

use crate::shared::Shared;
use crate::write::key_of;

/// Who says it: the name that the peer's users filter by.
const COMPONENT: &str = "argocd-application-controller";

/// What problems of its rules are told as.
const UPDATES: &str = "resource.customizations.ignoreResourceUpdates";

/// What there is to tell about the step from one status to the next: (reason, message, severity).
fn notes(app: &Application, before: &ApplicationStatus) -> Vec<(&'static str, String, Severity)> {
    let now = &app.status;
    let mut notes = Vec::new();
    let phase = |status: &ApplicationStatus| {
        status.operation_state.as_ref().map(|state| (state.started_at.clone(), state.phase.clone()))
    };
    if let Some(state) = &now.operation_state
        && phase(before) != phase(now)
    {
        let result = state.sync_result.as_ref();
        let revision = result.map_or("", |result| result.revision.as_str());
        let who = &state.operation.initiated_by;
        let whose = if who.automated { "automated" } else { who.username.as_str() };
        let begun = before.operation_state.as_ref().is_some_and(|old| old.started_at == state.started_at);
        // One that was refused at once never began.
        if !begun && state.sync_result.is_some() {
            notes.push((
                "OperationStarted",
                format!("Initiated {whose} sync to '{revision}'"),
                Severity::Normal,
            ));
        }
        if state.phase.is_completed() {
            let (severity, how) = match state.phase {
                OperationPhase::Succeeded => (Severity::Normal, "succeeded".to_owned()),
                _ => (Severity::Warning, format!("failed: {}", state.message)),
            };
            let partial = state.operation.sync.as_ref().is_some_and(|sync| !sync.resources.is_empty());
            let what = if partial { "Partial sync" } else { "Sync" };
            notes.push(("OperationCompleted", format!("{what} operation to {revision} {how}"), severity));
        }
    }
    let mut changes = Vec::new();
    if before.sync.status != now.sync.status {
        changes.push(format!("sync status: {} -> {}", before.sync.status, now.sync.status));
    }
    if before.health.status != now.health.status {
        let word =
            |status: &ApplicationStatus| status.health.status.as_ref().map_or("", |h| h.as_str()).to_owned();
        changes.push(format!("health status: {} -> {}", word(before), word(now)));
    }
    if !changes.is_empty() {
        notes.push(("ResourceUpdated", format!("Updated {}", changes.join("; ")), Severity::Normal));
    }
    notes
}

/// Tells what changed from `before` to the application's status as it was just written.
pub(crate) async fn report(shared: &Shared, app: &Application, before: &ApplicationStatus) {
    for (reason, message, severity) in notes(app, before) {
        tell(shared, app, reason, message, severity).await;
    }
}

/// Tells one thing about an application.
pub(crate) async fn tell(
    shared: &Shared,
    app: &Application,
    reason: &str,
    message: String,
    severity: Severity,
) {
    tell_as(shared, app, COMPONENT, reason, message, severity).await;
}

/// The same, told by another component.
pub(crate) async fn tell_as(
    shared: &Shared,
    app: &Application,
    component: &str,
    reason: &str,
    message: String,
    severity: Severity,
) {
    let note = EventNote {
        regarding: key_of(app),
        api_version: api::names::API_VERSION.to_owned(),
        uid: app.metadata.uid.clone(),
        resource_version: app.metadata.resource_version.clone(),
        reason: reason.to_owned(),
        message,
        severity,
        component: component.to_owned(),
        at: (shared.options.clock)(),
    };
    // No request to the cluster that it goes to.
    if let Err(error) = counted(None, Box::pin(shared.home.cluster.emit_event(&note))).await {
        tracing::debug!(application = %app.qualified_name(), error = %error, "event was not taken");
    }
}

/// Tells about settings that cannot be read, each once: in the log, and as an event of `argocd-cm`.
pub(crate) async fn report_problems(shared: &Shared, told: &mut BTreeSet<(String, String)>) {
    let settings = shared.settings.current();
    let updates = shared.updates.of(&settings).problems;
    let updates = updates.iter().map(|p| (UPDATES.to_owned(), p.to_string()));
    let unread = settings.problems.iter().map(|p| (p.key.clone(), p.message.clone()));
    let now: BTreeSet<(String, String)> = unread.chain(updates).collect();
    let key =
        ResourceKey::new("", "ConfigMap", &*shared.options.namespace, api::names::config_map::ARGOCD_CM);
    for (setting, message) in now.difference(told) {
        tracing::warn!(key = %setting, problem = %message, "setting is not in force");
        let Ok(Some(object)) = shared.home.cluster.fetch(&key).await else { continue };
        let note = EventNote {
            regarding: key.clone(),
            api_version: "v1".to_owned(),
            uid: object.uid().to_owned(),
            resource_version: object.resource_version().to_owned(),
            reason: "SettingNotInForce".to_owned(),
            message: format!("{setting}: {message}"),
            severity: Severity::Warning,
            component: COMPONENT.to_owned(),
            at: (shared.options.clock)(),
        };
        if let Err(error) = shared.home.cluster.emit_event(&note).await {
            tracing::debug!(error = %error, "event was not taken");
        }
    }
    *told = now;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn app(status: &serde_json::Value) -> Application {
        Application::from_value(json!({"metadata": {"name": "web"}, "spec": {}, "status": status})).unwrap()
    }

    #[test]
    fn tells_only_what_changed() {
        let operation = |phase: &str| {
            json!({"phase": phase, "startedAt": "t0", "message": "boom", "syncResult": {"revision": "r1"},
                   "operation": {"initiatedBy": {"automated": true}}})
        };
        let status = |sync: &str, operation: serde_json::Value| json!({"sync": {"status": sync}, "operationState": operation});
        for (reason, before, after, told) in [
            (
                "nothing",
                status("Synced", operation("Succeeded")),
                status("Synced", operation("Succeeded")),
                vec![],
            ),
            (
                "a begin",
                json!({"sync": {"status": "OutOfSync"}}),
                status("OutOfSync", operation("Running")),
                vec!["OperationStarted: Initiated automated sync to 'r1'"],
            ),
            (
                "an operation that began and ended in one step",
                json!({"sync": {"status": "OutOfSync"}}),
                status("OutOfSync", operation("Succeeded")),
                vec![
                    "OperationStarted: Initiated automated sync to 'r1'",
                    "OperationCompleted: Sync operation to r1 succeeded",
                ],
            ),
            (
                "an end",
                status("OutOfSync", operation("Running")),
                status("Synced", operation("Succeeded")),
                vec![
                    "OperationCompleted: Sync operation to r1 succeeded",
                    "ResourceUpdated: Updated sync status: OutOfSync -> Synced",
                ],
            ),
            (
                "a failure",
                status("OutOfSync", operation("Running")),
                status("OutOfSync", operation("Failed")),
                vec!["OperationCompleted: Sync operation to r1 failed: boom"],
            ),
        ] {
            let (before, after) = (app(&before), app(&after));
            let notes = notes(&after, &before.status);
            let texts: Vec<String> =
                notes.iter().map(|(reason, message, _)| format!("{reason}: {message}")).collect();
            assert_eq!(texts, told, "{reason}");
        }
    }
}
