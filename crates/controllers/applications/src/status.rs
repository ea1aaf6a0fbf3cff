//! Builds an Application's new status from what a pass found. Pure; the clock is an argument.

use std::collections::HashMap;

use api::{
    Application, ApplicationSourceType, ApplicationStatus, ComparedTo, HealthStatus, HealthStatusCode,
    Operation, OperationState, ResourceStatus, RevisionHistory, SyncStatus, SyncStatusCode,
};
use resource::ResourceKey;
use serde_json::{Value, json};
use why::{Rests, WaitsFor, Why};

use crate::comparison::{Comparison, ResourceState};
use crate::conditions::Findings;
use crate::patch::merge_patch;

/// Bytes of JSON up to which a status is written whole. An object of more than 1.5 MiB is refused by etcd, and the
/// rest of the Application needs room too; past this the list of resources is cut, and a condition says so.
const STATUS_BYTES: usize = 1 << 20;

/// What one pass has to say about an Application.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    /// The comparison, or `None` where nothing could be compared: then sync is Unknown and the rest stays.
    pub(crate) comparison: Option<Comparison>,
    /// What was found wrong or strange.
    pub(crate) findings: Findings,
    /// The operation under way or just ended, if this pass had one.
    pub(crate) operation_state: Option<OperationState>,
    /// A successful sync to put on record.
    pub(crate) history: Option<RevisionHistory>,
    /// What the operation under way waits for.
    pub(crate) waits: Option<WaitsFor>,
    /// Why nothing is synced by itself although something differs.
    pub(crate) rests: Option<Rests>,
    /// What is amiss; `None` where the status has no place for it.
    pub(crate) why: Option<Why>,
    /// Whether nothing at all can be seen of its objects: then health is Unknown, too.
    pub(crate) unseen: bool,
    /// Whether `operation` is done with and goes.
    pub(crate) clear_operation: bool,
    /// Whether the refresh annotations are done with and go.
    pub(crate) clear_refresh: bool,
}

/// The merge patch that brings `app` to what `report` says, `None` where nothing that counts would change.
/// `reconciledAt` alone is no reason to write: it comes along with the next real change.
pub(crate) fn patch(app: &Application, report: Report, now: &str, namespace: &str) -> Option<Value> {
    let (clear_operation, clear_refresh) = (report.clear_operation, report.clear_refresh);
    let ended = report.operation_state.as_ref().map(|state| &state.operation);
    let ended = ended.is_some_and(|ended| app.operation.as_ref().is_some_and(|asked| is_same(asked, ended)));
    // A status that was never written lacks even what it would say by default.
    let written = !app.status.controller_namespace.is_empty();
    let old_value = if written { json_of(&app.status) } else { json!({}) };
    let mut new_value = json_of(&next_status(app, report.clone(), now, namespace));
    if let Some(all) = trim(&mut new_value) {
        let mut report = report;
        let message = format!(
            "status.resources lists not all of the {all} resources: they do not fit into the Application"
        );
        report.findings.add(api::ConditionType::LintWarning, message);
        new_value = json_of(&next_status(app, report, now, namespace));
        trim(&mut new_value);
    }
    let mut patch = serde_json::Map::new();
    if let Some(status) = merge_patch(&without_time(&old_value), &without_time(&new_value)) {
        let mut status = status;
        if let (Some(status), Some(at)) = (status.as_object_mut(), new_value.get("reconciledAt")) {
            status.insert("reconciledAt".to_owned(), at.clone());
        }
        patch.insert("status".to_owned(), status);
    }
    // Only the one that ended: somebody may have asked for another meanwhile.
    if clear_operation && ended {
        patch.insert("operation".to_owned(), Value::Null);
    }
    let refresh = [api::names::annotation::REFRESH, api::names::annotation::REFRESH_TIMESTAMP];
    let asked: Vec<&str> =
        refresh.into_iter().filter(|name| app.metadata.annotation(name).is_some()).collect();
    if clear_refresh && !asked.is_empty() {
        let gone: serde_json::Map<String, Value> =
            asked.into_iter().map(|a| (a.to_owned(), Value::Null)).collect();
        patch.insert("metadata".to_owned(), json!({ "annotations": gone }));
        // Whoever asked for a refresh waits for a comparison that is younger than the wish.
        if let Some(at) = new_value.get("reconciledAt") {
            let status = patch.entry("status").or_insert_with(|| json!({}));
            if let Some(status) = status.as_object_mut() {
                status.insert("reconciledAt".to_owned(), at.clone());
            }
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Whether an operation that has run is the one that was asked for: what was put on record in it meanwhile does not count.
pub(crate) fn is_same(asked: &Operation, run: &Operation) -> bool {
    let bare = |operation: &Operation| {
        let mut operation = operation.clone();
        crate::waves::forget(&mut operation);
        crate::manifests::forget(&mut operation);
        crate::bases::keep(&mut operation, &std::collections::BTreeMap::new());
        operation
    };
    asked == run || bare(asked) == bare(run)
}

fn next_status(app: &Application, report: Report, now: &str, namespace: &str) -> ApplicationStatus {
    let mut status = app.status.clone();
    status.controller_namespace = namespace.to_owned();
    status.conditions = report.findings.conditions(&app.status.conditions, now);
    status.capstan.why = report.why.filter(|why| !why.reasons.is_empty()).map(|why| why_value(&why));
    if let Some(state) = report.operation_state {
        status.operation_state = Some(state);
    }
    if let Some(mut entry) = report.history {
        entry.id = status.history.last().map_or(0, |last| last.id + 1);
        status.history.push(entry);
        let surplus = status.history.len().saturating_sub(app.spec.history_limit());
        status.history.drain(..surplus);
    }
    match report.comparison {
        Some(comparison) => {
            compared(&mut status, app, comparison, now);
            status.reconciled_at = Some(now.to_owned());
        }
        None => {
            status.sync.status = SyncStatusCode::Unknown;
            status.sync.compared_to = compared_to(app);
            if report.unseen && status.health.status != Some(HealthStatusCode::Unknown) {
                status.health = HealthStatus {
                    status: Some(HealthStatusCode::Unknown),
                    message: String::new(),
                    last_transition_time: Some(now.to_owned()),
                    ..HealthStatus::default()
                };
            }
        }
    }
    status
}

fn compared(status: &mut ApplicationStatus, app: &Application, comparison: Comparison, now: &str) {
    let several = app.spec.has_multiple_sources();
    let mut revisions = comparison.revisions;
    status.sync = SyncStatus {
        status: comparison.sync,
        compared_to: compared_to(app),
        revision: if several { String::new() } else { revisions.pop().unwrap_or_default() },
        revisions: if several { revisions } else { Vec::new() },
        ..SyncStatus::default()
    };
    let old = status.health.clone();
    let changed = old.status.as_ref() != Some(&comparison.health);
    status.health = HealthStatus {
        status: Some(comparison.health),
        message: comparison.health_message,
        last_transition_time: if changed { Some(now.to_owned()) } else { old.last_transition_time.clone() },
        other: old.other,
    };
    let types: Vec<ApplicationSourceType> = comparison.source_types;
    status.source_type = if several { None } else { types.first().cloned() };
    status.source_types = if several { types } else { Vec::new() };
    status.summary.images = comparison.images;
    status.summary.external_urls = comparison.external_urls;
    status.summary.is_app_of_apps = comparison
        .resources
        .iter()
        .any(|r| r.key.group == api::names::GROUP && r.key.kind == api::names::APPLICATION);
    status.resource_health_source = String::new();
    let old = std::mem::take(&mut status.resources).into_iter().map(|r| (r.key(), r)).collect();
    status.resources = comparison.resources.into_iter().map(|r| resource_status(r, &old, now)).collect();
    status.resources.extend(comparison.hooks.into_iter().map(|(key, version)| hook_status(key, version)));
    status.resources.sort_by(|a, b| place(a).cmp(&place(b)));
}

/// Objects are listed in the order of their keys.
fn place(r: &ResourceStatus) -> (&str, &str, &str, &str) {
    (&r.group, &r.kind, &r.namespace, &r.name)
}

/// What a hook made. **Source**: the peer, whose hooks have neither a sync status nor a health here, and which counts them as objects
/// that git does not name.
fn hook_status(key: ResourceKey, version: String) -> ResourceStatus {
    ResourceStatus {
        group: key.group,
        version,
        kind: key.kind,
        namespace: key.namespace,
        name: key.name,
        hook: true,
        requires_pruning: true,
        ..ResourceStatus::default()
    }
}

fn resource_status(
    state: ResourceState,
    old: &HashMap<ResourceKey, ResourceStatus>,
    now: &str,
) -> ResourceStatus {
    let key = state.key;
    let health = state.health.map(|health| {
        let before = old.get(&key).and_then(|r| r.health.as_ref());
        let code = health_code(health.status);
        let since =
            before.filter(|b| b.status.as_ref() == Some(&code)).and_then(|b| b.last_transition_time.clone());
        HealthStatus {
            status: Some(code),
            message: health.message,
            last_transition_time: Some(since.unwrap_or_else(|| now.to_owned())),
            ..HealthStatus::default()
        }
    });
    ResourceStatus {
        group: key.group,
        version: state.version,
        kind: key.kind,
        namespace: key.namespace,
        name: key.name,
        status: Some(state.sync),
        health,
        requires_pruning: state.requires_pruning,
        sync_wave: i64::from(state.wave),
        requires_deletion_confirmation: state.requires_confirmation,
        ..ResourceStatus::default()
    }
}

/// The word of the custom resource for a health.
pub(crate) fn health_code(status: health::Status) -> HealthStatusCode {
    match status {
        health::Status::Healthy => HealthStatusCode::Healthy,
        health::Status::Suspended => HealthStatusCode::Suspended,
        health::Status::Progressing => HealthStatusCode::Progressing,
        health::Status::Missing => HealthStatusCode::Missing,
        health::Status::Degraded => HealthStatusCode::Degraded,
        health::Status::Unknown => HealthStatusCode::Unknown,
    }
}

fn compared_to(app: &Application) -> ComparedTo {
    let several = app.spec.has_multiple_sources();
    ComparedTo {
        source: if several { None } else { app.spec.source.clone() },
        sources: if several { app.spec.sources.clone() } else { Vec::new() },
        destination: app.spec.destination.clone(),
        ignore_differences: app.spec.ignore_differences.clone(),
        ..ComparedTo::default()
    }
}

/// What the status says of why. Reasons of a newer version are left out.
pub(crate) fn why_of(status: &ApplicationStatus) -> Why {
    let reasons = status.capstan.why.as_ref().and_then(|why| why.get("reasons")?.as_array());
    let reasons =
        reasons.into_iter().flatten().filter_map(|reason| serde_json::from_value(reason.clone()).ok());
    Why { reasons: reasons.collect(), more: 0 }
}

/// Its keys are strings, so that this cannot fail.
fn why_value(why: &Why) -> Value {
    serde_json::to_value(why::compact(why)).unwrap_or_default()
}

/// A status as JSON. The wire types have string keys and plain values only, so this cannot fail; should it ever,
/// an empty status is compared and the write is refused by its resourceVersion at worst.
fn json_of(status: &ApplicationStatus) -> Value {
    serde_json::to_value(status).unwrap_or_else(|_| json!({}))
}

fn without_time(status: &Value) -> Value {
    let mut status = status.clone();
    if let Some(map) = status.as_object_mut() {
        map.remove("reconciledAt");
    }
    status
}

/// Cuts the list of resources until the status fits; what is healthy and synced is cut first. How many there were,
/// where any was cut.
fn trim(status: &mut Value) -> Option<usize> {
    let size = |value: &Value| value.to_string().len();
    let total = size(status);
    if total <= STATUS_BYTES {
        return None;
    }
    let resources = status.get_mut("resources").and_then(Value::as_array_mut)?;
    let (all, mut surplus) = (resources.len(), total - STATUS_BYTES);
    let settled =
        |r: &Value| r["status"] == "Synced" && r["health"]["status"].as_str().is_none_or(|h| h == "Healthy");
    let mut kept: Vec<Value> = Vec::new();
    for resource in std::mem::take(resources) {
        if surplus > 0 && settled(&resource) {
            surplus = surplus.saturating_sub(size(&resource) + 1);
        } else {
            kept.push(resource);
        }
    }
    while surplus > 0 {
        let Some(resource) = kept.pop() else { break };
        surplus = surplus.saturating_sub(size(&resource) + 1);
    }
    *resources = kept;
    Some(all)
}

/// The state of an operation as the JSON of a status patch, for the write before a wave.
pub(crate) fn operation_patch(app: &Application, state: &OperationState) -> Option<Value> {
    let mut status = app.status.clone();
    status.operation_state = Some(state.clone());
    merge_patch(&json_of(&app.status), &json_of(&status)).map(|status| json!({ "status": status }))
}

#[cfg(test)]
mod tests;
