//! One pass over one application: observe, plan, apply, report.

use std::sync::Arc;
use std::time::Duration;

use api::{Application, ConditionType, OperationState};
use cluster::{Cluster, counted};
use tokio::time::Instant;
use tracing::{Instrument as _, debug_span};
use why::{Rests, WaitsFor, Why};

use crate::attempt::{Failure, begin, fail, target};
use crate::bases::keep;
use crate::clusters::{NoCluster, server_named};
use crate::comparison::Comparison;
use crate::conditions::Findings;
use crate::deciding::{Todo, automatic, is_about, next_operation};
use crate::deletion;
use crate::deletion_hooks;
use crate::explain::{Found, Limits, explain};
use crate::hooks;
use crate::judge::Judge;
use crate::manifests;
use crate::obtain::{Ask, View, check_destination, check_sources, check_spec, obtain};
use crate::operation::{Progress, Run};
use crate::orphans;
use crate::reporting::{
    add_progress, end_on_word, lint, publish, report_malformed, stop, time_left_of, wait,
};
use crate::repositories::Freshness;
use crate::shared::{AppMemory, AppName, Shared};
use crate::status::{Report, why_of};
use crate::wanted::{WantedSet, kinds};
use crate::write::Lost;
use crate::writer::writer;

/// When a pass that could not be finished is made again.
const LATER: Duration = Duration::from_secs(10);
/// Longest pause until what could not be had is asked for again, where the settings name no interval.
const LONGEST_LACK: Duration = Duration::from_secs(180);
/// When an application is looked at again whose project has not been read yet.
const PROJECTS_SEEN: Duration = Duration::from_millis(200);
/// When an operation that would remove something is looked at again, while it is not known yet whether other applications want
/// that: what moved from one to another is handed over.
const OTHERS_SEEN: Duration = Duration::from_millis(200);

/// When an operation begins that would begin in the same second as the one before.
const NEXT_SECOND: Duration = Duration::from_millis(500);

/// Makes one pass. The answer is when to look again although nothing happens meanwhile.
pub(crate) async fn reconcile(shared: &Shared, name: &AppName) -> Option<Duration> {
    let entry = shared.app(name)?;
    shared.metrics.passed();
    let begun = Instant::now();
    let mut app = match entry.app {
        Ok(app) => app,
        Err(error) => return report_malformed(shared, name, &error).await,
    };
    if app.metadata.annotation(api::names::annotation::SKIP_RECONCILE) == Some("true") {
        return None;
    }
    let memory = shared.memory(name);
    let mut memory = memory.lock().await;
    let server = server_named(&shared.settings.current(), &app.spec.destination);
    let requests = Some(shared.metrics.asking(&app, server.clone()));
    let result = if app.metadata.is_deleting() {
        let step = Box::pin(deletion::step(shared, name, &mut app, &mut memory));
        counted(requests, step).await
    } else {
        memory.spec.repositories.clear();
        let pass = Box::pin(pass(shared, name, &mut app, &mut memory, entry.spec));
        let result = counted(requests, pass).await;
        // Also where it could not be told what the application wants: others need not wait for that.
        shared.looked(name, entry.spec, &memory.spec.repositories);
        result
    };
    shared.metrics.pass_took(&app.metadata.namespace, server, begun.elapsed());
    match result {
        Ok(again) => {
            let hard = shared.settings.current().settings.reconciliation.hard;
            let state = app.status.operation_state.as_ref();
            let deadline = state.and_then(|state| time_left_of(shared, state));
            again.into_iter().chain(memory.until_afresh(hard)).chain(deadline).min()
        }
        Err(Lost::Gone) => None,
        // The lease may be renewed late, and nothing else brings the application back then.
        Err(Lost::Deposed) => Some(LATER),
        Err(lost) => {
            tracing::warn!(application = %app.qualified_name(), error = %lost, "pass was given up");
            Some(LATER)
        }
    }
}

/// The status speaks of what the spec asks for, an operation works on its own target: each is observed by itself, and neither
/// holds up the other.
async fn pass(
    shared: &Shared,
    name: &AppName,
    app: &mut Arc<Application>,
    memory: &mut AppMemory,
    spec: u64,
) -> Result<Option<Duration>, Lost> {
    end_on_word(shared, name, app, memory).await?;
    let mut findings = lint(app, (shared.options.clock)());
    let settings = shared.settings.current();
    let project_name = app.spec.project_name().to_owned();
    let Some(project) = shared.project(&project_name, &settings) else {
        if !shared.has_seen_projects() {
            // Right after the start: an operation must not end for want of a project that is merely not read yet.
            return Ok(Some(PROJECTS_SEEN));
        }
        let message = format!("Application referencing project {project_name} which does not exist");
        findings.add(ConditionType::InvalidSpecError, message);
        return Box::pin(stop(shared, name, app, findings)).await;
    };
    for problem in &project.problems {
        findings.add(ConditionType::LintWarning, format!("project {project_name}: {problem}"));
    }
    let mut invalid = check_spec(shared, app, &project);
    let located = match check_destination(app, &project, &settings) {
        Ok(located) if !invalid.has_errors() => located,
        refused => {
            invalid.extend(refused.err().unwrap_or_default());
            findings.extend(invalid);
            return Box::pin(stop(shared, name, app, findings)).await;
        }
    };
    if located.rests() {
        return Ok(None);
    }
    if let Some(warning) = located.warning() {
        findings.add(ConditionType::LintWarning, warning);
    }
    let to = match located.find(shared) {
        Ok(to) => to,
        // It is looked at again when that is over.
        Err(NoCluster::Connecting(_)) => return Ok(Some(LATER)),
        Err(away) => {
            findings.add(ConditionType::ComparisonError, away.to_string());
            return Box::pin(wait(shared, name, app, findings)).await;
        }
    };
    if let Some(before) = memory.turn_to(&to) {
        shared.let_go(&before, name);
    }
    let own = writer(app, &project, &settings, &to).unwrap_or_else(|_| to.cluster.clone());
    let untidy = tidy_hooks(shared, &own, app, memory, &mut findings).await;
    let view = View::new(shared, name, project, settings, to);

    // Observe: what the spec asks for, what an operation is about, and what is live.
    let asked = Instant::now();
    let refreshed = app.metadata.annotation(api::names::annotation::REFRESH).is_some();
    let observed = observe_spec(shared, &view, app, memory, asked, &mut findings);
    let wanted = observed.instrument(debug_span!("observe git")).await;
    if let Some(wanted) = &wanted {
        deletion_hooks::ask_for(shared, name, app, wanted).await?;
    }
    let todo = next_operation(shared, app, wanted.as_deref());
    let target = match &todo {
        Some(Todo::Run(state)) => {
            observe_target(shared, &view, app, memory, state, wanted.as_deref(), asked).await
        }
        Some(_) => Target::Spec,
        None => {
            memory.operation_ended();
            Target::Spec
        }
    };
    let in_sight = claim(shared, &view, app, memory, wanted.as_deref(), &target);
    shared.looked(name, spec, &memory.spec.repositories);
    if !in_sight {
        // A notice follows when everything is listed.
        return Ok(None);
    }
    let judge = Judge::new(shared, &view, app, memory, &mut findings);
    let mut comparison = None;
    if let Some(wanted) = &wanted {
        let (found, seen) = judge.assess(app, wanted, &mut memory.spec.assessed).await;
        findings.extend(seen);
        comparison = Some(found);
    }

    // Plan: go on with the operation, begin the one that was asked for, or decide about one.
    let mut rests = None;
    let todo = match (todo, &wanted, &comparison) {
        (Some(todo), ..) => todo,
        (None, Some(wanted), Some(comparison)) => {
            let (todo, because) = automatic(&judge, app, wanted, comparison, &mut findings);
            rests = because;
            todo
        }
        // Whoever has a commit, a chart or a base may be back by then, and our own disk.
        (None, ..) if memory.spec.lacking => {
            let longest = view.settings.settings.reconciliation.timeout.unwrap_or(LONGEST_LACK);
            let pause = LATER.saturating_mul(2_u32.saturating_pow(memory.spec.lacked.saturating_sub(1)));
            Todo::Nothing(Some(pause.min(longest)))
        }
        (None, ..) => Todo::Nothing(None),
    };

    // Apply.
    let before = Arc::clone(app);
    let spec_set = wanted.clone();
    let mut report = Report { comparison, findings, clear_refresh: refreshed, rests, ..Report::default() };
    let again = match todo {
        Todo::Nothing(again) => again,
        Todo::Refuse(state) => {
            report.operation_state = Some(state);
            report.clear_operation = true;
            None
        }
        Todo::Run(state) => {
            let work = Work { judge: &judge, spec: wanted, state, target };
            Box::pin(run_operation(work, app, memory, &mut report)).await?
        }
    };

    // Report.
    let found = report.comparison.as_ref();
    orphans::report(shared, &view, app, memory, found, &mut report.findings);
    report.rests = report.rests.take().or_else(|| rests_after(&judge, app, spec_set.as_deref(), &report));
    let explained = why(&judge, app, spec_set.as_deref(), memory, &report);
    let (why, look_again) = explained.instrument(debug_span!("explain")).await;
    report.why = Some(why);
    publish(shared, name, app, report, &before.status).instrument(debug_span!("report")).await?;
    Ok(again.into_iter().chain(untidy).chain(look_again).min())
}

/// Why nothing is synced by itself after an operation that ended in this pass: nobody may look again for long.
fn rests_after(
    judge: &Judge<'_>,
    app: &Application,
    wanted: Option<&WantedSet>,
    report: &Report,
) -> Option<Rests> {
    let ended = report.operation_state.as_ref().filter(|state| state.phase.is_completed())?;
    let mut after = app.clone();
    after.status.operation_state = Some(ended.clone());
    automatic(judge, &after, wanted?, report.comparison.as_ref()?, &mut Findings::default()).1
}

/// Why the application is not as git wants it, and when to look at that again although nothing happens.
async fn why(
    judge: &Judge<'_>,
    app: &Application,
    wanted: Option<&WantedSet>,
    memory: &mut AppMemory,
    report: &Report,
) -> (Why, Option<Duration>) {
    let found = Found {
        judge,
        app,
        wanted: wanted.map(|wanted| (wanted, memory.spec.rendered.as_slice())),
        comparison: report.comparison.as_ref(),
        findings: &report.findings,
        state: report.operation_state.as_ref().or(app.status.operation_state.as_ref()),
        waits: report.waits.as_ref(),
        rests: report.rests.as_ref(),
        before: &why_of(&app.status),
        limits: Limits::STATUS,
    };
    explain(found, &mut memory.explained).await
}

/// Lets go of the hooks of an attempt that is over, once. The answer is when to try again what failed of it.
async fn tidy_hooks(
    shared: &Shared,
    cluster: &Cluster,
    app: &Application,
    memory: &mut AppMemory,
    findings: &mut Findings,
) -> Option<Duration> {
    let state = app.status.operation_state.as_ref().filter(|state| state.finished_at.is_some())?;
    let attempt = (state.started_at.clone(), state.retry_count);
    if !hooks::has_run(state) || memory.tidied.as_ref() == Some(&attempt) {
        return None;
    }
    match hooks::tidy(shared, cluster, state).await {
        Ok(()) => {
            memory.tidied = Some(attempt);
            None
        }
        Err(message) => {
            findings.add(
                ConditionType::SyncError,
                format!("hooks of the last sync could not be tidied up: {message}"),
            );
            Some(LATER)
        }
    }
}

/// What the spec asks for; `None` where it cannot be had, which the findings say.
async fn observe_spec(
    shared: &Shared,
    view: &View,
    app: &Application,
    memory: &mut AppMemory,
    asked: Instant,
    findings: &mut Findings,
) -> Option<Arc<WantedSet>> {
    let refresh = app.metadata.annotation(api::names::annotation::REFRESH);
    // Whoever asks for a sync means what lies in git now.
    let begins =
        app.operation.is_some() && app.status.operation_state.as_ref().is_none_or(|s| s.phase.is_completed());
    // As if somebody asked for a hard refresh (`timeout.hard.reconciliation`).
    let due =
        memory.until_afresh(view.settings.settings.reconciliation.hard).is_some_and(|left| left.is_zero());
    let afresh = refresh == Some("hard") || due;
    if let Some(journal) = shared.journal.get() {
        journal.hard_refresh(&view.name, refresh == Some("hard"));
    }
    if afresh || memory.afresh.is_none() {
        memory.afresh = Some(asked);
    }
    let freshness =
        if refresh.is_some() || begins || due { Freshness::Since(asked) } else { Freshness::Known };
    let ask = Ask { sources: app.spec.sources(), pinned: &[], freshness, afresh };
    let (wanted, noticed) = match obtain(shared, view, app, &mut memory.spec, &ask).await {
        Ok(found) => found,
        Err(errors) => {
            findings.extend(errors);
            return None;
        }
    };
    findings.extend(noticed);
    findings.extend(wanted.refused.clone());
    Some(wanted)
}

/// What an operation works on.
enum Target {
    /// What the spec asks for.
    Spec,
    /// Sources or commits of its own.
    Own(Arc<WantedSet>),
    /// It cannot be had.
    Unobtainable(Findings),
}

/// The target of an operation, from memory where nothing that it depends on has changed.
async fn observe_target(
    shared: &Shared,
    view: &View,
    app: &Application,
    memory: &mut AppMemory,
    state: &OperationState,
    wanted: Option<&WantedSet>,
    asked: Instant,
) -> Target {
    if wanted.is_some_and(|wanted| is_about(app, state, wanted)) {
        return Target::Spec;
    }
    if !manifests::brought(&state.operation).is_empty() {
        return match manifests::wanted_of(view, app, &mut memory.own, state) {
            Ok(set) => Target::Own(set),
            Err(errors) => Target::Unobtainable(errors),
        };
    }
    let (sources, pinned) = target(app, state);
    // What somebody asks for by an operation is held against the project as what he writes into the spec.
    let denied = check_sources(sources, "operation.sync.source", &view.project);
    if denied.has_errors() {
        return Target::Unobtainable(denied);
    }
    let fresh = state.sync_result.is_none();
    let freshness = if fresh { Freshness::Since(asked) } else { Freshness::Known };
    let ask = Ask { sources, pinned: &pinned, freshness, afresh: false };
    match obtain(shared, view, app, &mut memory.own, &ask).await {
        Ok((set, _)) => Target::Own(set),
        Err(errors) => Target::Unobtainable(errors),
    }
}

/// Records what the application has in git, the target of its operation included, and has the cluster hold that. False while
/// something of it is being listed. Where the spec's target cannot be had, what it was before stays on record.
fn claim(
    shared: &Shared,
    view: &View,
    app: &Application,
    memory: &AppMemory,
    wanted: Option<&WantedSet>,
    target: &Target,
) -> bool {
    let own = match target {
        Target::Own(set) => Some(set.as_ref()),
        Target::Spec | Target::Unobtainable(_) => None,
    };
    let before = memory.spec.wanted.as_ref().map(|(_, set)| set.as_ref());
    let on_record: Vec<&WantedSet> = wanted.or(before).into_iter().chain(own).collect();
    let recorded = kinds(app.status.resources.iter().map(|r| (&*r.group, &*r.kind)));
    if !on_record.is_empty() {
        shared.claim(&view.to, &view.name, &on_record, &recorded);
    }
    let looked_at: Vec<&WantedSet> = wanted.into_iter().chain(own).collect();
    looked_at.is_empty()
        || (view.to.is_loaded(&recorded) && looked_at.iter().all(|set| view.to.is_loaded(&set.kinds())))
}

/// An operation, and what it and the status are about.
struct Work<'a> {
    judge: &'a Judge<'a>,
    spec: Option<Arc<WantedSet>>,
    state: OperationState,
    target: Target,
}

/// Runs an operation on its target as far as it goes now, and reports on it. The answer is when to look again.
async fn run_operation(
    work: Work<'_>,
    app: &mut Arc<Application>,
    memory: &mut AppMemory,
    report: &mut Report,
) -> Result<Option<Duration>, Lost> {
    let Work { judge, spec, mut state, target } = work;
    let shared = judge.shared;
    let (wanted, comparison, own) = match (target, &spec, report.comparison.clone()) {
        (Target::Own(set), ..) => {
            let (comparison, _) = judge.assess(app, &set, &mut memory.own.assessed).await;
            (set, comparison, true)
        }
        (Target::Spec, Some(set), Some(comparison)) => {
            // Should the branch move on while it is under way, nothing has to be rendered anew.
            memory.own.rendered.clone_from(&memory.spec.rendered);
            (Arc::clone(set), comparison, false)
        }
        (target, ..) => {
            let errors =
                if let Target::Unobtainable(errors) = target { errors } else { report.findings.clone() };
            let message = errors.first().unwrap_or("its sources cannot be had").to_owned();
            let retried = !errors.has(&ConditionType::InvalidSpecError);
            let failure = Failure { message, ends: api::OperationPhase::Error, retried };
            let again = fail(&mut state, failure, &shared.now());
            return Ok(ended(judge, app, memory, report, Progress { again, ..Progress::at(state) }));
        }
    };
    if may_prune(&state, &comparison) && shared.others_unseen(&judge.view.name, &memory.spec.repositories) {
        report.waits = Some(WaitsFor::OtherApplications);
        return Ok(Some(OTHERS_SEEN));
    }
    if state.sync_result.is_none() {
        let last = app.status.operation_state.as_ref();
        if !wanted.hooks.is_empty() && last.is_some_and(|last| last.started_at == shared.now()) {
            // The begin of an operation tells the runs of its hooks from those of another.
            return Ok(Some(NEXT_SECOND));
        }
        let begun = begin(state.operation, app, &wanted, &shared.now());
        state = OperationState { retry_count: state.retry_count, ..begun };
    }
    // What its waves apply from now on.
    keep(&mut state.operation, &wanted.bases);
    let run = Run { judge, state, wanted };
    let assessed = if own { &mut memory.own.assessed } else { &mut memory.spec.assessed };
    let (progress, comparison, findings) =
        run.advance(app, &mut memory.operation, assessed, comparison).await?;
    let again = ended(judge, app, memory, report, progress);
    if !own {
        report.comparison = Some(comparison);
        report.findings.extend(findings);
    } else if let Some(spec) = &spec {
        // The operation has changed what is live.
        let (comparison, findings) = judge.assess(app, spec, &mut memory.spec.assessed).await;
        report.comparison = Some(comparison);
        report.findings.extend(findings);
    }
    Ok(again)
}

/// Reports how far an operation came, and forgets it if that was its end.
fn ended(
    judge: &Judge<'_>,
    app: &Application,
    memory: &mut AppMemory,
    report: &mut Report,
    progress: Progress,
) -> Option<Duration> {
    if progress.state.phase.is_completed() {
        memory.operation_ended();
        judge.shared.synced(app, &progress.state);
    }
    let over = progress.state.phase.is_completed() && hooks::has_run(&progress.state);
    // Its hooks are tidied up in a pass of their own, and the event of what we write ourselves is no news to anybody.
    let again = if over { Some(Duration::ZERO) } else { progress.again };
    add_progress(report, progress);
    again
}

/// Whether an operation may remove something.
fn may_prune(state: &OperationState, comparison: &Comparison) -> bool {
    let asked = state.operation.sync.as_ref().is_some_and(|sync| sync.prune);
    asked && comparison.resources.iter().any(|r| r.live && !r.wanted)
}
