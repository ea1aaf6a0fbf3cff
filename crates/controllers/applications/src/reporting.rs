//! The last part of a pass: what was found and done goes into the status, and what changed is told as events.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::hold::Hold;
use api::{Application, ApplicationStatus, ConditionType, OperationPhase, OperationState, SyncOptions};
use resource::ResourceKey;
use why::Why;

use crate::attempt::{Failure, fail, terminate, time_left, time_out};
use crate::conditions::Findings;
use crate::deciding::age;
use crate::events;
use crate::explain::errors;
use crate::operation::Progress;
use crate::shared::{AppMemory, AppName, Shared};
use crate::status::{Report, is_cut, is_same, listed, operation_patch, patch};
use crate::write::{Lost, write};

/// When an application that cannot be read is reported again, should that have failed.
const LATER: Duration = Duration::from_secs(10);

/// Writes what a pass found, where it is something else than what is written, and tells what changed since `before`.
pub(crate) async fn publish(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    mut report: Report,
    before: &ApplicationStatus,
) -> Result<(), Lost> {
    let now = shared.now();
    if shared.drops_ours.load(Ordering::Relaxed) {
        report.why = None;
    }
    let patch_of = |app: &Application| patch(app, &report, &now, &shared.options.namespace);
    let written = write(shared, name, app, patch_of).await?;
    if let Some(comparison) = &report.comparison {
        let all = is_cut(&app.status).then(|| listed(comparison, &app.status.resources, &now));
        shared.keep_unlisted(name, all);
    }
    if written {
        let told = report.why.as_ref().is_some_and(|why| !why.reasons.is_empty());
        if told && app.status.capstan.why.is_none() {
            shared.drops_ours.store(true, Ordering::Relaxed);
        }
        events::report(shared, app, before).await;
    }
    Ok(())
}

/// Ends an operation that somebody ended, or that took too long: by the record alone, so that it needs neither git nor the cluster's
/// objects.
pub(crate) async fn end_on_word(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    memory: &mut AppMemory,
) -> Result<(), Lost> {
    let running = app.status.operation_state.as_ref();
    let Some(mut state) = running.cloned() else { return Ok(()) };
    let late = time_left_of(shared, &state).is_some_and(|left| left.is_zero());
    let timeout = shared.settings.current().params.sync_timeout.filter(|_| late);
    let before = app.status.clone();
    match (&state.phase, timeout) {
        (OperationPhase::Terminating, _) => terminate(&mut state, &shared.now()),
        (_, Some(timeout)) => time_out(&mut state, timeout, &shared.now()),
        (_, None) => return Ok(()),
    }
    memory.operation_ended();
    write(shared, name, app, |app| {
        let mut patch = operation_patch(app, &state)?;
        if app.operation.as_ref().is_some_and(|asked| is_same(asked, &state.operation)) {
            patch["operation"] = serde_json::Value::Null;
        }
        Some(patch)
    })
    .await?;
    shared.synced(app, &state);
    events::report(shared, app, &before).await;
    Ok(())
}

/// Time until an operation under way is ended for taking too long, by the setting.
pub(crate) fn time_left_of(shared: &Shared, state: &OperationState) -> Option<Duration> {
    let timeout = shared.settings.current().params.sync_timeout;
    time_left(state, timeout, age(shared, &state.started_at))
}

/// Reports an application that is at fault itself: nothing can be looked at. An operation that somebody asked for ends with that.
pub(crate) async fn stop(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    findings: Findings,
) -> Result<Option<Duration>, Lost> {
    let state = app.operation.as_ref().map(|operation| {
        let running = app.status.running();
        let asked = || OperationState { operation: operation.clone(), ..OperationState::default() };
        let mut state = running.cloned().unwrap_or_else(asked);
        let message = findings.first().unwrap_or("the application cannot be compared").to_owned();
        fail(&mut state, Failure { message, ends: OperationPhase::Error, retried: false }, &shared.now());
        state
    });
    let why = Why::new(errors(&findings, None));
    let report = Report {
        findings,
        why: Some(why),
        clear_operation: state.is_some(),
        operation_state: state,
        clear_refresh: true,
        ..Report::default()
    };
    let before = app.status.clone();
    publish(shared, name, app, report, &before).await?;
    Ok(None)
}

/// Reports an application whose cluster is away: nothing can be told of it, and whatever is under way goes on once it is back.
pub(crate) async fn wait(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    findings: Findings,
) -> Result<Option<Duration>, Lost> {
    let report = Report { findings, clear_refresh: true, unseen: true, ..Report::default() };
    let before = app.status.clone();
    publish(shared, name, app, report, &before).await?;
    Ok(Some(LATER))
}

/// What an operation's pass adds to the report.
pub(crate) fn add_progress(report: &mut Report, progress: Progress) {
    let state = progress.state;
    if state.phase.is_failed() {
        let revision = revision_of(&state);
        let message = match revision.as_str() {
            "" => format!("Failed last sync attempt: {}", state.message),
            _ => format!("Failed last sync attempt to {revision}: {}", state.message),
        };
        report.findings.add(ConditionType::SyncError, message);
    }
    report.clear_operation = state.phase.is_completed();
    report.operation_state = Some(state);
    report.history = progress.history;
    report.waits = progress.waits;
}

fn revision_of(state: &OperationState) -> String {
    let Some(result) = &state.sync_result else { return String::new() };
    if result.revisions.is_empty() { result.revision.clone() } else { result.revisions.join(", ") }
}

fn held(name: &str, hold: &Hold) -> String {
    let until = hold.until.map(|until| format!(" until {}", api::format_time(until))).unwrap_or_default();
    let reason = if hold.reason.is_empty() { String::new() } else { format!(": {}", hold.reason) };
    let problem = hold.problem.as_ref().map(|problem| format!(" ({problem})")).unwrap_or_default();
    format!("nothing is synced by itself{until}{reason}{problem}. To end it: capstan app release {name}")
}

/// What the spec holds and nobody reads, and that the application is held.
pub(crate) fn lint(app: &Application, now: jiff::Timestamp) -> Findings {
    let mut findings = Findings::default();
    if let Some(hold) = Hold::at(&app.metadata, now).filter(|_| app.spec.automated().is_some()) {
        findings.add(ConditionType::HoldWarning, held(&app.metadata.name, &hold));
    }
    for unknown in api::unknown_fields(&app.spec) {
        findings.add(ConditionType::LintWarning, unknown.to_string());
    }
    let policy = app.spec.sync_policy.as_ref();
    let (_, problems) =
        SyncOptions::parse(policy.into_iter().flat_map(|p| p.sync_options.iter().map(String::as_str)));
    for problem in problems {
        findings.add(ConditionType::LintWarning, format!("spec.syncPolicy.syncOptions: {problem}"));
    }
    findings
}

/// An Application that cannot be read at all: only its conditions are written.
pub(crate) async fn report_malformed(
    shared: &Shared,
    name: &AppName,
    error: &api::ApiError,
) -> Option<Duration> {
    let instance = shared.instance(name);
    let (namespace, own) = instance.split(&shared.options.namespace);
    let key = ResourceKey::new(api::names::GROUP, api::names::APPLICATION, namespace, own);
    let message = format!("the Application cannot be read: {error}");
    let live = shared.home.cluster.fetch(&key).await.ok().flatten()?;
    let told = live.as_map().get("status").and_then(|s| s.get("conditions")).and_then(|c| c.as_array());
    if told.is_some_and(|c| c.iter().any(|c| c["message"].as_str() == Some(message.as_str()))) {
        return None;
    }
    let condition = serde_json::json!({
        "type": ConditionType::InvalidSpecError.as_str(), "message": message, "lastTransitionTime": shared.now(),
    });
    let patch = serde_json::json!({ "status": { "conditions": [condition] } });
    if let Err(error) = shared.home.cluster.merge_patch(&key, &patch, Some(live.resource_version())).await {
        tracing::warn!(application = %key, error = %error, "malformed application could not be reported");
        return Some(LATER);
    }
    None
}
