//! Builds an Application's new status from what a pass found. Pure; the clock is an argument.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use api::{
    Application, ApplicationCondition, ApplicationSourceType, ApplicationStatus, ComparedTo, ConditionType,
    HealthStatus, HealthStatusCode, Operation, OperationState, ResourceStatus, RevisionHistory, SyncStatus,
    SyncStatusCode,
};
use resource::ResourceKey;
use serde_json::{Value, json};
use why::{Rests, WaitsFor, Why};

use crate::comparison::{Comparison, ResourceState};
use crate::conditions::Findings;
use crate::fit;
use crate::patch::{escaped, merge_patch};
use crate::write::Patch;

/// How the condition begins that says that resources are missing from the status.
const UNLISTED: &str = "status.resources lists not all of the";

/// Resources of a list that are sent one by one; where more of them change, the list is sent whole.
const FEW: usize = 100;

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

/// What to send so that `app` says what `report` does, `None` where nothing that counts would change.
/// `reconciledAt` alone is no reason to write: it comes along with the next real change.
pub(crate) fn patch(app: &Application, report: &Report, now: &str, namespace: &str) -> Option<Patch> {
    let ended = report.operation_state.as_ref().map(|state| &state.operation);
    let ended = ended.is_some_and(|ended| app.operation.as_ref().is_some_and(|asked| is_same(asked, ended)));
    // Only the one that ended: somebody may have asked for another meanwhile.
    let clear_operation = report.clear_operation && ended;
    let refresh = [api::names::annotation::REFRESH, api::names::annotation::REFRESH_TIMESTAMP];
    let asked: Vec<&str> = (refresh.into_iter())
        .filter(|name| report.clear_refresh && app.metadata.annotation(name).is_some())
        .collect();
    let next = next_status(app, report, now, namespace);
    let reconciled_at = next.reconciled_at.clone();
    let change = Change::of(app, next);
    // Whoever asked for a refresh waits for a comparison that is younger than the wish.
    let time = reconciled_at.filter(|_| !change.is_nothing() || !asked.is_empty());
    if let Change::Few { before, next, mut operations } = change {
        operations.extend(crate::patch::operations("/status", &json_of(&before), &json_of(&next)));
        operations.extend(time.map(|at| json!({"op": "add", "path": "/status/reconciledAt", "value": at})));
        operations.extend(clear_operation.then(|| json!({"op": "remove", "path": "/operation"})));
        operations.extend(
            asked.iter().map(
                |name| json!({"op": "remove", "path": format!("/metadata/annotations/{}", escaped(name))}),
            ),
        );
        return Some(Patch::Operations(operations));
    }
    let mut patch = serde_json::Map::new();
    let mut status = change.merge_patch();
    if let Some(at) = time {
        status.get_or_insert_with(|| json!({}))["reconciledAt"] = Value::String(at);
    }
    patch.extend(status.map(|status| ("status".to_owned(), status)));
    if clear_operation {
        patch.insert("operation".to_owned(), Value::Null);
    }
    if !asked.is_empty() {
        let gone: serde_json::Map<String, Value> =
            asked.into_iter().map(|a| (a.to_owned(), Value::Null)).collect();
        patch.insert("metadata".to_owned(), json!({ "annotations": gone }));
    }
    (!patch.is_empty()).then_some(Patch::Merge(Value::Object(patch)))
}

/// What changes in a status, the time aside. Of what stays as it is no JSON is made: most of a large status does.
enum Change {
    Nothing,
    /// All of it: it was never written, and lacks even what it would say by default.
    New(Box<ApplicationStatus>),
    /// What is in the one and not in the other.
    Some {
        before: Box<ApplicationStatus>,
        next: Box<ApplicationStatus>,
    },
    /// The same, and a few of the resources, by these operations.
    Few {
        before: Box<ApplicationStatus>,
        next: Box<ApplicationStatus>,
        operations: Vec<Value>,
    },
}

impl Change {
    fn of(app: &Application, mut next: ApplicationStatus) -> Self {
        next.reconciled_at = None;
        if app.status.controller_namespace.is_empty() {
            return Self::New(Box::new(next));
        }
        let mut before = Box::new(app.status.clone());
        before.reconciled_at = None;
        let operations = list_operations(&before.resources, &next.resources);
        if operations.is_some() {
            (before.resources, next.resources) = (Vec::new(), Vec::new());
        }
        if before.operation_state == next.operation_state {
            (before.operation_state, next.operation_state) = (None, None);
        }
        match operations {
            Some(operations) if !operations.is_empty() => {
                Self::Few { before, next: Box::new(next), operations }
            }
            _ if *before == next => Self::Nothing,
            _ => Self::Some { before, next: Box::new(next) },
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    fn merge_patch(&self) -> Option<Value> {
        match self {
            Self::Nothing => None,
            Self::New(next) => merge_patch(&json!({}), &json_of(next)),
            Self::Some { before, next } | Self::Few { before, next, .. } => {
                merge_patch(&json_of(before), &json_of(next))
            }
        }
    }
}

/// The operations by which one list of resources becomes another; `None` where they are not few, or cannot be told.
fn list_operations(before: &[ResourceStatus], next: &[ResourceStatus]) -> Option<Vec<Value>> {
    let ordered = |list: &[ResourceStatus]| list.is_sorted_by(|a, b| place(a) < place(b));
    if before.is_empty() != next.is_empty() || !ordered(before) || !ordered(next) {
        return None;
    }
    let (mut old, mut new) = (before.iter().peekable(), next.iter().peekable());
    let (mut operations, mut at) = (Vec::new(), 0);
    loop {
        if operations.len() > FEW {
            return None;
        }
        let order = match (old.peek(), new.peek()) {
            (Some(old), Some(new)) => place(old).cmp(&place(new)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Some(operations),
        };
        let path = || format!("/status/resources/{at}");
        let was = if order.is_le() { old.next() } else { None };
        let Some(is) = (if order.is_ge() { new.next() } else { None }) else {
            operations.push(json!({"op": "remove", "path": path()}));
            continue;
        };
        if was != Some(is) {
            let op = if was.is_some() { "replace" } else { "add" };
            operations.push(json!({"op": op, "path": path(), "value": is}));
        }
        at += 1;
    }
}

/// Whether an operation that has run is the one that was asked for: what was put on record in it meanwhile does not count.
pub(crate) fn is_same(asked: &Operation, run: &Operation) -> bool {
    let bare = |operation: &Operation| {
        let mut operation = operation.clone();
        crate::waves::forget(&mut operation);
        crate::manifests::forget(&mut operation);
        crate::bases::keep(&mut operation, &BTreeMap::new());
        operation
    };
    asked == run || bare(asked) == bare(run)
}

fn next_status(app: &Application, report: &Report, now: &str, namespace: &str) -> ApplicationStatus {
    let mut status = app.status.clone();
    status.controller_namespace = namespace.to_owned();
    status.conditions = report.findings.conditions(&app.status.conditions, now);
    status.capstan.why = report.why.as_ref().filter(|why| !why.reasons.is_empty()).map(why_value);
    if let Some(state) = &report.operation_state {
        status.operation_state = Some(state.clone());
    }
    if let Some(mut entry) = report.history.clone() {
        entry.id = status.history.last().map_or(0, |last| last.id + 1);
        status.history.push(entry);
        let surplus = status.history.len().saturating_sub(app.spec.history_limit());
        status.history.drain(..surplus);
    }
    match &report.comparison {
        Some(comparison) => {
            compared(&mut status, app, comparison, now);
            status.reconciled_at = Some(now.to_owned());
            if let Some(unlisted) = fit(&mut status) {
                let mut findings = report.findings.clone();
                findings.add(ConditionType::LintWarning, unlisted);
                status.conditions = findings.conditions(&app.status.conditions, now);
            }
        }
        None => {
            // What is listed stays, and so does what is said of it.
            let unlisted = app.status.conditions.iter().filter(|condition| says_unlisted(condition)).cloned();
            status.conditions.extend(unlisted);
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

/// Cuts the list of resources to what fits. Where any goes, what is to be said of that.
fn fit(status: &mut ApplicationStatus) -> Option<String> {
    let mut resources = std::mem::take(&mut status.resources);
    let results = status.operation_state.as_mut().and_then(|state| state.sync_result.as_mut());
    let results = results.map(|result| std::mem::take(&mut result.resources));
    let (all, gone) = (resources.len(), fit::resources(&mut resources, fit::size(status)));
    status.resources = resources;
    let result = status.operation_state.as_mut().and_then(|state| state.sync_result.as_mut());
    if let (Some(result), Some(results)) = (result, results) {
        result.resources = results;
    }
    (gone > 0).then(|| {
        format!("{UNLISTED} {all} resources: they do not fit into the Application. `capstan app resources NAME` shows all")
    })
}

/// Whether a status lists not all resources, as [`patch`] says it.
pub fn is_cut(status: &ApplicationStatus) -> bool {
    status.conditions.iter().any(says_unlisted)
}

fn says_unlisted(condition: &ApplicationCondition) -> bool {
    condition.message.starts_with(UNLISTED)
}

fn compared(status: &mut ApplicationStatus, app: &Application, comparison: &Comparison, now: &str) {
    let several = app.spec.has_multiple_sources();
    let mut revisions = comparison.revisions.clone();
    status.sync = SyncStatus {
        status: comparison.sync.clone(),
        compared_to: compared_to(app),
        revision: if several { String::new() } else { revisions.pop().unwrap_or_default() },
        revisions: if several { revisions } else { Vec::new() },
        ..SyncStatus::default()
    };
    let old = status.health.clone();
    let changed = old.status.as_ref() != Some(&comparison.health);
    status.health = HealthStatus {
        status: Some(comparison.health.clone()),
        message: comparison.health_message.clone(),
        last_transition_time: if changed { Some(now.to_owned()) } else { old.last_transition_time.clone() },
        other: old.other,
    };
    let types: Vec<ApplicationSourceType> = comparison.source_types.clone();
    status.source_type = if several { None } else { types.first().cloned() };
    status.source_types = if several { types } else { Vec::new() };
    status.summary.images = comparison.images.clone();
    fit::texts(&mut status.summary.images);
    status.summary.external_urls = comparison.external_urls.clone();
    fit::texts(&mut status.summary.external_urls);
    status.summary.is_app_of_apps = comparison
        .resources
        .iter()
        .any(|r| r.key.group == api::names::GROUP && r.key.kind == api::names::APPLICATION);
    status.resource_health_source = String::new();
    status.resources = listed(comparison, &std::mem::take(&mut status.resources), now);
}

/// Every object as a status lists it; `before` is what it listed.
pub(crate) fn listed(comparison: &Comparison, before: &[ResourceStatus], now: &str) -> Vec<ResourceStatus> {
    let since: BTreeMap<_, &HealthStatus> =
        before.iter().filter_map(|r| Some((place(r), r.health.as_ref()?))).collect();
    let objects = comparison.resources.iter().map(|state| resource_status(state, &since, now));
    let hooks = comparison.hooks.iter().map(|(key, version)| hook_status(key, version));
    let mut all: Vec<ResourceStatus> = objects.chain(hooks).collect();
    all.sort_by(|a, b| place(a).cmp(&place(b)));
    all
}

/// Group, kind, namespace and name.
type Place<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Objects are listed in the order of their keys.
fn place(r: &ResourceStatus) -> Place<'_> {
    (&r.group, &r.kind, &r.namespace, &r.name)
}

/// What a hook made. **Source**: the peer, whose hooks have neither a sync status nor a health here, and which counts them as objects
/// that git does not name.
fn hook_status(key: &ResourceKey, version: &str) -> ResourceStatus {
    ResourceStatus {
        group: key.group.clone(),
        version: version.to_owned(),
        kind: key.kind.clone(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        hook: true,
        requires_pruning: true,
        ..ResourceStatus::default()
    }
}

fn resource_status(
    state: &ResourceState,
    since: &BTreeMap<Place<'_>, &HealthStatus>,
    now: &str,
) -> ResourceStatus {
    let key = &state.key;
    let health = state.health.as_ref().map(|health| {
        let code = health_code(health.status);
        let before = since.get(&(&*key.group, &*key.kind, &*key.namespace, &*key.name));
        let since =
            before.filter(|b| b.status.as_ref() == Some(&code)).and_then(|b| b.last_transition_time.clone());
        HealthStatus {
            status: Some(code),
            message: health.message.clone(),
            last_transition_time: Some(since.unwrap_or_else(|| now.to_owned())),
            ..HealthStatus::default()
        }
    });
    ResourceStatus {
        group: key.group.clone(),
        version: state.version.clone(),
        kind: key.kind.clone(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        status: Some(state.sync.clone()),
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

/// The state of an operation as the JSON of a status patch, for the write before a wave.
pub(crate) fn operation_patch(app: &Application, state: &OperationState) -> Option<Value> {
    let before = app.status.operation_state.as_ref();
    if before == Some(state) {
        return None;
    }
    let json = |state: &OperationState| serde_json::to_value(state).unwrap_or_else(|_| json!({}));
    let before = before.map_or(Value::Null, json);
    merge_patch(&before, &json(state)).map(|state| json!({ "status": { "operationState": state } }))
}

#[cfg(test)]
mod tests;
