//! One pass over one application: observe, plan, apply, report.

use std::sync::Arc;
use std::time::Duration;

use api::{
    Application, ApplicationSource, ConditionType, Operation, OperationInitiator, OperationPhase,
    OperationState, RetryStrategy, SyncOperation, SyncOperationResource, SyncOptions, SyncStatusCode,
};
use compare::Rules;
use resource::ResourceKey;
use sync::auto::{Decision, LastAttempt, Policy, decide};
use tokio::time::Instant;

use crate::assess::{Question, assess};
use crate::comparison::Comparison;
use crate::conditions::Findings;
use crate::deletion;
use crate::events;
use crate::obtain::{Ask, View, check_spec, obtain};
use crate::operation::{Progress, Run, begin, between_attempts, next_attempt, retry_policy, target};
use crate::repositories::Freshness;
use crate::shared::{AppMemory, AppName, CompiledRules, Shared};
use crate::status::{Report, patch};
use crate::wanted::WantedSet;
use crate::write::{Lost, write};

/// Retries of an automated sync whose policy names none, as in the peer.
const AUTOMATED_RETRIES: i64 = 5;
/// When a pass that could not be finished is made again.
const LATER: Duration = Duration::from_secs(10);

/// When an application is looked at again whose project has not been read yet.
const PROJECTS_SEEN: Duration = Duration::from_millis(200);
/// When an operation that would remove something is looked at again, while it is not known yet whether other applications want
/// that: what moved from one to another is handed over.
const OTHERS_SEEN: Duration = Duration::from_millis(200);

/// Makes one pass. The answer is when to look again although nothing happens meanwhile.
pub(crate) async fn reconcile(shared: &Shared, name: &AppName) -> Option<Duration> {
    let entry = shared.app(name)?;
    shared.metrics.passed();
    let mut app = match entry.app {
        Ok(app) => app,
        Err(error) => return report_malformed(shared, name, &error).await,
    };
    if app.metadata.annotation(api::names::annotation::SKIP_RECONCILE) == Some("true") {
        return None;
    }
    let memory = shared.memory(name);
    let mut memory = memory.lock().await;
    let result = if app.metadata.is_deleting() {
        deletion::step(shared, name, &mut app, &memory.repositories).await
    } else {
        memory.repositories.clear();
        let result = Box::pin(pass(shared, name, &mut app, &mut memory, entry.spec)).await;
        // Also where it could not be told what the application wants: others need not wait for that.
        shared.looked(name, entry.spec, &memory.repositories);
        result
    };
    match result {
        Ok(again) => again,
        Err(Lost::Gone | Lost::Deposed) => None,
        Err(lost) => {
            tracing::warn!(application = %app.qualified_name(), error = %lost, "pass was given up");
            Some(LATER)
        }
    }
}

async fn pass(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    memory: &mut AppMemory,
    spec: u64,
) -> Result<Option<Duration>, Lost> {
    let mut findings = lint(app);
    let settings = shared.settings.current();
    let project_name = app.spec.project_name().to_owned();
    let Some(project) = shared.project(&project_name, &settings) else {
        if !shared.has_seen_projects() {
            // Right after the start: an operation must not end for want of a project that is merely not read yet.
            return Ok(Some(PROJECTS_SEEN));
        }
        let message = format!("Application referencing project {project_name} which does not exist");
        findings.add(ConditionType::InvalidSpecError, message);
        return stop(shared, name, app, findings).await;
    };
    let view = View { name: Arc::clone(name), instance: shared.instance(name), project, settings };
    let invalid = check_spec(app, &view);
    if invalid.has_errors() {
        findings.extend(invalid);
        return stop(shared, name, app, findings).await;
    }

    // Observe: what git wants …
    let refresh = app.metadata.annotation(api::names::annotation::REFRESH).map(str::to_owned);
    // Whoever asks for a sync means what lies in git now.
    let begins =
        app.operation.is_some() && app.status.operation_state.as_ref().is_none_or(|s| s.phase.is_completed());
    let asked = Instant::now();
    let freshness = if refresh.is_some() || begins { Freshness::Since(asked) } else { Freshness::Known };
    let ask = Ask {
        sources: app.spec.sources(),
        pinned: &[],
        freshness,
        afresh: refresh.as_deref() == Some("hard"),
    };
    let (wanted, noticed) = match obtain(shared, &view, app, memory, &ask).await {
        Ok(found) => found,
        Err(errors) => {
            findings.extend(errors);
            return stop(shared, name, app, findings).await;
        }
    };
    findings.extend(noticed);
    findings.extend(wanted.refused.clone());
    if !wanted.hooks.is_empty() {
        let names: Vec<String> = wanted.hooks.iter().map(ToString::to_string).collect();
        let message =
            format!("hooks are not run yet by this version and were left out: {}", names.join(", "));
        findings.add(ConditionType::LintWarning, message);
    }
    // … and what is live.
    let recorded_kinds =
        app.status.resources.iter().map(|r| resource::GroupKind::new(&*r.group, &*r.kind)).collect();
    shared.claim(name, &wanted, &recorded_kinds);
    shared.looked(name, spec, &memory.repositories);
    if !shared.is_loaded(wanted.kinds().union(&recorded_kinds)) {
        // A notice follows when they are.
        return Ok(None);
    }
    let (rules, rules_id) = rules(&view, app, memory, &mut findings);
    let claimed = |key: &ResourceKey| shared.claimed_elsewhere(key, name);
    let question = Question {
        app,
        instance: view.instance.as_str(),
        wanted: &wanted,
        rules: &rules,
        rules_id,
        claimed_elsewhere: &claimed,
    };
    let (comparison, seen) = assess(&shared.cluster, &question, &mut memory.assessed).await;
    findings.extend(seen);

    // Plan and apply: go on with the operation, begin the one that was asked for, or decide about one.
    let mut operation = next_operation(shared, app, &view, &wanted, &comparison, &mut findings);
    if let Todo::Run(state) = &operation
        && may_prune(app, state, &wanted, &comparison)
        && shared.others_unseen(name, &memory.repositories)
    {
        operation = Todo::Nothing(Some(OTHERS_SEEN));
    }
    let mut report = Report { clear_refresh: refresh.is_some(), ..Report::default() };
    let mut again = operation.again();
    let before = app.status.clone();
    match operation {
        Todo::Nothing(_) => report.comparison = Some(comparison),
        Todo::Refuse(state) => {
            report.comparison = Some(comparison);
            report.operation_state = Some(state);
            report.clear_operation = true;
        }
        Todo::Run(state) => {
            let run =
                Run { shared, view: &view, rules: &rules, rules_id, state, wanted: Arc::clone(&wanted) };
            let progress =
                Box::pin(run_operation(run, app, memory, comparison, asked, &mut findings)).await?;
            again = progress.again;
            finish_report(&mut report, progress, &mut findings);
        }
    }
    report.findings = findings;

    // Report.
    let now = shared.now();
    let patch_of = |app: &Application| patch(app, report.clone(), &now, &shared.options.namespace);
    let written = write(shared, name, app, patch_of).await?;
    if written {
        events::report(shared, app, &before).await;
    }
    Ok(again)
}

/// Whether these sources and commits are those of the wanted set that was compared.
fn is_as_compared(
    app: &Application,
    sources: &[ApplicationSource],
    pinned: &[String],
    wanted: &WantedSet,
) -> bool {
    sources == app.spec.sources() && (pinned.iter().all(String::is_empty) || pinned == wanted.revisions)
}

/// Whether an operation may remove something, as far as can be told before it is planned.
fn may_prune(app: &Application, state: &OperationState, wanted: &WantedSet, comparison: &Comparison) -> bool {
    let (sources, pinned) = target(app, state);
    let as_compared = is_as_compared(app, sources, &pinned, wanted);
    let asked = state.operation.sync.as_ref().is_some_and(|sync| sync.prune);
    asked && (!as_compared || comparison.resources.iter().any(|r| r.live && !r.wanted))
}

/// What an operation's pass adds to the report.
fn finish_report(report: &mut Report, progress: Progress, findings: &mut Findings) {
    let ended = progress.state.phase.is_completed();
    if progress.state.phase.is_failed() {
        let revision = revision_of(&progress.state);
        let message = format!("Failed last sync attempt to {revision}: {}", progress.state.message);
        findings.add(ConditionType::SyncError, message);
    }
    findings.extend(progress.findings);
    report.comparison = Some(progress.comparison);
    report.operation_state = Some(progress.state);
    report.history = progress.history;
    report.clear_operation = ended;
}

/// Runs an operation at the sources and commits that it is bound to.
async fn run_operation(
    mut run: Run<'_>,
    app: &mut Arc<Application>,
    memory: &mut AppMemory,
    comparison: Comparison,
    asked: Instant,
    findings: &mut Findings,
) -> Result<Progress, Lost> {
    let (sources, pinned) = {
        let (sources, pinned) = target(app, &run.state);
        (sources.to_vec(), pinned)
    };
    let same = is_as_compared(app, &sources, &pinned, &run.wanted);
    let fresh = run.state.sync_result.is_none();
    let mut comparison = comparison;
    if !same || fresh {
        // Another state than the wanted one: its set is made beside what is remembered.
        let mut aside = AppMemory::default();
        if same {
            aside.rendered.clone_from(&memory.rendered);
        }
        let running = memory.operation.as_ref().filter(|running| running.started_at == run.state.started_at);
        let set = match running.filter(|_| !fresh) {
            Some(running) => Ok(Arc::clone(&running.wanted)),
            None => {
                let freshness = if fresh { Freshness::Since(asked) } else { Freshness::Known };
                let ask = Ask { sources: &sources, pinned: &pinned, freshness, afresh: false };
                obtain(run.shared, run.view, app, &mut aside, &ask).await.map(|(set, _)| set)
            }
        };
        match set {
            Ok(set) => run.wanted = set,
            Err(errors) => {
                findings.extend(errors.clone());
                return Ok(cannot_render(run, comparison, &errors));
            }
        }
        let claimed = |key: &ResourceKey| run.shared.claimed_elsewhere(key, &run.view.name);
        let question = Question {
            app,
            instance: run.view.instance.as_str(),
            wanted: &run.wanted,
            rules: run.rules,
            rules_id: run.rules_id,
            claimed_elsewhere: &claimed,
        };
        (comparison, _) = assess(&run.shared.cluster, &question, &mut memory.assessed).await;
    }
    if fresh {
        let state = std::mem::take(&mut run.state);
        let retries = state.retry_count;
        run.state = begin(state.operation, app, &run.wanted, &run.shared.now());
        run.state.retry_count = retries;
    }
    let (shared, view, rules, rules_id) = (run.shared, run.view, run.rules, run.rules_id);
    let mut progress = run.advance(app, memory, comparison).await?;
    if progress.state.phase.is_completed() {
        memory.operation = None;
        shared.metrics.synced(progress.state.phase == OperationPhase::Succeeded);
    }
    if !same {
        // The status speaks of what the spec wants, not of what this operation was about.
        let ask =
            Ask { sources: app.spec.sources(), pinned: &[], freshness: Freshness::Known, afresh: false };
        if let Ok((wanted, _)) = obtain(shared, view, app, memory, &ask).await {
            let claimed = |key: &ResourceKey| shared.claimed_elsewhere(key, &view.name);
            let question = Question {
                app,
                instance: view.instance.as_str(),
                wanted: &wanted,
                rules,
                rules_id,
                claimed_elsewhere: &claimed,
            };
            (progress.comparison, _) = assess(&shared.cluster, &question, &mut memory.assessed).await;
        }
    }
    Ok(progress)
}

fn cannot_render(run: Run<'_>, comparison: Comparison, errors: &Findings) -> Progress {
    let mut state = run.state;
    state.phase = OperationPhase::Error;
    state.message =
        format!("nothing was written: {}", errors.first().unwrap_or("the sources could not be rendered"));
    let now = run.shared.now();
    if state.started_at.is_empty() {
        state.started_at.clone_from(&now);
    }
    state.finished_at = Some(now);
    Progress { state, comparison, findings: Findings::default(), history: None, again: None }
}

/// What to do about operations in this pass.
enum Todo {
    /// Nothing now; look again after this long, if at all.
    Nothing(Option<Duration>),
    /// An operation that was asked for cannot be done: its record says why.
    Refuse(OperationState),
    /// Begin an operation (a state without a result) or go on with one.
    Run(OperationState),
}

impl Todo {
    fn again(&self) -> Option<Duration> {
        match self {
            Self::Nothing(again) => *again,
            Self::Refuse(_) | Self::Run(_) => None,
        }
    }
}

fn next_operation(
    shared: &Shared,
    app: &Application,
    view: &View,
    wanted: &WantedSet,
    comparison: &Comparison,
    findings: &mut Findings,
) -> Todo {
    if let Some(state) = app.status.operation_state.as_ref().filter(|state| !state.phase.is_completed()) {
        return go_on(shared, app, state, wanted);
    }
    if let Some(operation) = &app.operation {
        let state = OperationState { operation: operation.clone(), ..OperationState::default() };
        return match unsupported(operation) {
            None => Todo::Run(state),
            Some(why) => {
                let now = shared.now();
                Todo::Refuse(OperationState {
                    phase: OperationPhase::Error,
                    message: why,
                    started_at: now.clone(),
                    finished_at: Some(now),
                    ..state
                })
            }
        };
    }
    automatic(shared, app, view, wanted, comparison, findings)
}

/// An operation under way: goes on, waits for its next attempt, or makes way for a newer commit.
fn go_on(shared: &Shared, app: &Application, state: &OperationState, wanted: &WantedSet) -> Todo {
    let mut state = state.clone();
    if state.phase == OperationPhase::Terminating {
        return Todo::Run(state);
    }
    let Some(ended) = between_attempts(&state) else {
        return Todo::Run(state);
    };
    let (sources, pinned) = target(app, &state);
    let outdated =
        state.operation.initiated_by.automated && sources == app.spec.sources() && pinned != wanted.revisions;
    let left = time_left(shared, &state, ended);
    if outdated {
        // What failed is no longer what is wanted: the newer commit has its own attempts.
        let mut operation = state.operation;
        if let Some(sync) = &mut operation.sync {
            sync.revision.clear();
            sync.revisions.clear();
        }
        return Todo::Run(OperationState { operation, ..OperationState::default() });
    }
    if left.is_some() {
        return Todo::Nothing(left);
    }
    next_attempt(&mut state);
    Todo::Run(state)
}

/// Time until the next attempt of an operation whose last one ended at `ended`; `None` once it is due.
fn time_left(shared: &Shared, state: &OperationState, ended: &str) -> Option<Duration> {
    let wait = retry_policy(&state.operation).next(state.retry_count).unwrap_or_default();
    wait.checked_sub(age(shared, ended)).filter(|left| !left.is_zero())
}

/// Why an operation that was asked for cannot be done by this version.
fn unsupported(operation: &Operation) -> Option<String> {
    let sync = operation.sync.as_ref();
    match sync {
        None => Some("the operation names no sync: nothing else can be asked for".to_owned()),
        Some(sync) if !sync.manifests.is_empty() => {
            Some("syncing manifests of the client's (--local) is not implemented yet".to_owned())
        }
        Some(_) => None,
    }
}

fn automatic(
    shared: &Shared,
    app: &Application,
    view: &View,
    wanted: &WantedSet,
    comparison: &Comparison,
    findings: &mut Findings,
) -> Todo {
    let Some(automated) = app.spec.automated() else {
        return Todo::Nothing(None);
    };
    if comparison.sync == SyncStatusCode::Unknown || wanted.refused.first().is_some() {
        return Todo::Nothing(None);
    }
    let policy = Policy {
        prune: automated.prunes(),
        self_heal: automated.heals(),
        allow_empty: automated.allows_empty(),
    };
    let mut differences = comparison.differences();
    // Two applications that both have an object in git would take it from each other for ever.
    differences.changed.retain(|key| !claimed_and_taken(shared, key, &view.name, view.instance.as_str()));
    let deleting = |key: &ResourceKey| shared.cluster.get(key).is_some_and(|live| live.deleting());
    differences.to_prune.retain(|key| !deleting(key));
    let last = last_attempt(shared, app, wanted);
    let revision = wanted.revisions.join(", ");
    let (only, heals) = match decide(policy, &revision, &differences, last.as_ref()) {
        Decision::Rest(_) => return Todo::Nothing(None),
        Decision::HealLater(wait) => return Todo::Nothing(Some(wait)),
        Decision::Refused(message) => {
            findings.add(ConditionType::SyncError, message);
            return Todo::Nothing(None);
        }
        Decision::Sync => (Vec::new(), 0),
        Decision::Heal { only, heals } => (only.into_iter().map(sync_resource).collect(), heals),
    };
    let several = app.spec.has_multiple_sources();
    let sync = SyncOperation {
        revision: if several { String::new() } else { wanted.revisions.first().cloned().unwrap_or_default() },
        revisions: if several { wanted.revisions.clone() } else { Vec::new() },
        prune: policy.prune,
        resources: only,
        sync_options: app.spec.sync_policy.as_ref().map(|p| p.sync_options.clone()).unwrap_or_default(),
        self_heal_attempts_count: i64::from(heals),
        ..SyncOperation::default()
    };
    let retry = app.spec.sync_policy.as_ref().and_then(|policy| policy.retry.clone());
    let retry =
        retry.unwrap_or_else(|| RetryStrategy { limit: AUTOMATED_RETRIES, ..RetryStrategy::default() });
    let initiated_by = OperationInitiator { automated: true, ..OperationInitiator::default() };
    let operation = Operation { sync: Some(sync), initiated_by, retry, ..Operation::default() };
    let state = begin(operation, app, wanted, &shared.now());
    Todo::Run(state)
}

fn claimed_and_taken(shared: &Shared, key: &ResourceKey, name: &AppName, instance: &str) -> bool {
    let taken = shared.cluster.get(key).and_then(|live| live.instance().cloned());
    taken.is_some_and(|owner| owner.as_ref() != instance) && shared.claimed_elsewhere(key, name).is_some()
}

fn sync_resource(key: ResourceKey) -> SyncOperationResource {
    SyncOperationResource {
        group: key.group,
        kind: key.kind,
        namespace: key.namespace,
        name: key.name,
        ..SyncOperationResource::default()
    }
}

fn last_attempt(shared: &Shared, app: &Application, wanted: &WantedSet) -> Option<LastAttempt> {
    let state = app.status.operation_state.as_ref()?;
    let result = state.sync_result.as_ref()?;
    let sync = state.operation.sync.as_ref()?;
    let several = app.spec.has_multiple_sources();
    let same_sources = if several {
        result.sources == app.spec.sources
    } else {
        result.source.as_ref() == app.spec.source.as_ref()
    };
    let same_revisions = if several {
        result.revisions == wanted.revisions
    } else {
        wanted.revisions.first() == Some(&result.revision)
    };
    Some(LastAttempt {
        same_target: same_sources && same_revisions && !sync.dry_run,
        succeeded: state.phase == OperationPhase::Succeeded,
        message: state.message.clone(),
        heals: u32::try_from(sync.self_heal_attempts_count).unwrap_or_default(),
        age: state.finished_at.as_deref().map(|at| age(shared, at)).unwrap_or_default(),
    })
}

/// Time since `at`; nothing where it lies in the future or cannot be read.
fn age(shared: &Shared, at: &str) -> Duration {
    let Ok(at) = api::parse_time(at) else { return Duration::ZERO };
    Duration::try_from((shared.options.clock)().duration_since(at)).unwrap_or_default()
}

fn revision_of(state: &OperationState) -> String {
    let Some(result) = &state.sync_result else { return String::new() };
    if result.revisions.is_empty() { result.revision.clone() } else { result.revisions.join(", ") }
}

/// The compiled rules for differences, made anew only when the spec or the settings change.
fn rules(
    view: &View,
    app: &Application,
    memory: &mut AppMemory,
    findings: &mut Findings,
) -> (Arc<Rules>, u64) {
    let own = serde_json::to_string(&app.spec.ignore_differences).unwrap_or_default();
    let compiled = match memory.rules.take() {
        Some(compiled) if compiled.own == own && Arc::ptr_eq(&compiled.settings, &view.settings) => compiled,
        _ => {
            let (rules, problems) = crate::rules::compile(app, &view.settings.settings);
            // Settings are never changed in place, and these are held: their address tells them apart.
            let id = crate::wanted::hash_of((&own, Arc::as_ptr(&view.settings) as usize));
            let settings = Arc::clone(&view.settings);
            CompiledRules { own, settings, id, rules: Arc::new(rules), problems: Arc::new(problems) }
        }
    };
    let (rules, id, problems) = (Arc::clone(&compiled.rules), compiled.id, Arc::clone(&compiled.problems));
    memory.rules = Some(compiled);
    for problem in problems.iter() {
        findings.add(ConditionType::ComparisonError, problem.to_string());
    }
    (rules, id)
}

/// What the spec holds and nobody reads.
fn lint(app: &Application) -> Findings {
    let mut findings = Findings::default();
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

/// Reports an application that cannot be compared. For an operation that somebody asked for this is a failed attempt:
/// it has its retries like any other, unless the application itself is at fault.
async fn stop(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    findings: Findings,
) -> Result<Option<Duration>, Lost> {
    let now = shared.now();
    let before = app.status.clone();
    let (state, again) = match &app.operation {
        Some(operation) => failed_attempt(shared, app, operation, &findings, &now),
        None => (None, None),
    };
    let ended = state.as_ref().is_some_and(|state| state.phase.is_completed());
    let written = write(shared, name, app, |app| {
        let report = Report {
            findings: findings.clone(),
            clear_operation: ended,
            operation_state: state.clone(),
            clear_refresh: true,
            ..Report::default()
        };
        patch(app, report, &now, &shared.options.namespace)
    })
    .await?;
    if written {
        events::report(shared, app, &before).await;
    }
    Ok(again)
}

/// What becomes of an operation that cannot be gone on with, and when it is tried again.
fn failed_attempt(
    shared: &Shared,
    app: &Application,
    operation: &Operation,
    findings: &Findings,
    now: &str,
) -> (Option<OperationState>, Option<Duration>) {
    let running = app.status.operation_state.as_ref().filter(|state| !state.phase.is_completed());
    let mut state = running.cloned().unwrap_or_else(|| OperationState {
        operation: operation.clone(),
        started_at: now.to_owned(),
        ..OperationState::default()
    });
    let policy = retry_policy(&state.operation);
    if let Some(ended) = between_attempts(&state) {
        let left = time_left(shared, &state, ended);
        if left.is_some() {
            return (None, left);
        }
        next_attempt(&mut state);
    }
    let why = findings.first().unwrap_or("the application cannot be compared");
    let wait =
        if findings.has(&ConditionType::InvalidSpecError) { None } else { policy.next(state.retry_count) };
    state.finished_at = Some(now.to_owned());
    match wait {
        _ if state.phase == OperationPhase::Terminating => {
            state.phase = OperationPhase::Failed;
            "operation terminated".clone_into(&mut state.message);
        }
        Some(wait) => {
            state.phase = OperationPhase::Running;
            state.message =
                format!("{why}. Retrying attempt #{} in {}s.", state.retry_count + 1, wait.as_secs());
        }
        None => {
            state.phase = OperationPhase::Error;
            why.clone_into(&mut state.message);
        }
    }
    let again = wait.filter(|_| !state.phase.is_completed());
    (Some(state), again)
}

/// An Application that cannot be read at all: only its conditions are written.
async fn report_malformed(shared: &Shared, name: &AppName, error: &api::ApiError) -> Option<Duration> {
    let key =
        ResourceKey::new(api::names::GROUP, api::names::APPLICATION, &*shared.options.namespace, &**name);
    let message = format!("the Application cannot be read: {error}");
    let live = shared.cluster.fetch(&key).await.ok().flatten()?;
    let told = live.as_map().get("status").and_then(|s| s.get("conditions")).and_then(|c| c.as_array());
    if told.is_some_and(|c| c.iter().any(|c| c["message"].as_str() == Some(message.as_str()))) {
        return None;
    }
    let condition = serde_json::json!({
        "type": ConditionType::InvalidSpecError.as_str(), "message": message, "lastTransitionTime": shared.now(),
    });
    let patch = serde_json::json!({ "status": { "conditions": [condition] } });
    if let Err(error) = shared.cluster.merge_patch(&key, &patch, Some(live.resource_version())).await {
        tracing::warn!(application = %key, error = %error, "malformed application could not be reported");
        return Some(LATER);
    }
    None
}
