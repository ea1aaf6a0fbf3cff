//! Which operation a pass goes on with, begins, or refuses.

use std::time::Duration;

use api::hold::Hold;
use api::names::annotation::DEPENDS_ON;
use api::project::Begin;
use api::{
    Application, Operation, OperationInitiator, OperationPhase, OperationState, RetryStrategy, SyncOperation,
    SyncOperationResource, SyncStatusCode, SyncStrategy, SyncStrategyApply,
};
use jiff::Timestamp;
use resource::ResourceKey;
use sync::auto::{Decision, LastAttempt, Policy, Refusal, Rest, decide};
use why::Rests;

use crate::attempt::{begin, between_attempts, next_attempt, retry_policy, target};
use crate::bases::moved;
use crate::comparison::Comparison;
use crate::conditions::Findings;
use crate::dependencies::{self, Blocked};
use crate::judge::{Judge, Window};
use crate::manifests;
use crate::shared::Shared;
use crate::wanted::WantedSet;

/// How long an application that waits for others is left without a look, should every event get lost.
const DEPENDS: Duration = Duration::from_secs(5);
/// Retries of an automated sync whose policy names none, as in the peer.
const AUTOMATED_RETRIES: i64 = 5;
/// Objects that an operation names one by one: each takes some hundred bytes of an Application, twice while it runs.
const MOST_NAMED: usize = 1_000;

/// What to do about operations in this pass.
pub(crate) enum Todo {
    /// Nothing now; look again after this long, if at all.
    Nothing(Option<Duration>),
    /// An operation that was asked for cannot be done: its record says why.
    Refuse(OperationState),
    /// Begin an operation (a state without a result) or go on with one.
    Run(OperationState),
}

/// The operation that is under way or asked for, which has its own target and does not depend on what the spec asks for now.
/// `wanted` is that, where it can be had.
pub(crate) fn next_operation(shared: &Shared, app: &Application, wanted: Option<&WantedSet>) -> Option<Todo> {
    if let Some(state) = app.status.running() {
        return Some(go_on(shared, app, state, wanted));
    }
    let operation = app.operation.as_ref()?;
    let state = OperationState { operation: operation.clone(), ..OperationState::default() };
    let Some(why) = unsupported(app, operation) else { return Some(Todo::Run(state)) };
    let now = shared.now();
    let mut refused = OperationState {
        phase: OperationPhase::Error,
        message: why,
        started_at: now.clone(),
        finished_at: Some(now),
        ..state
    };
    manifests::forget(&mut refused.operation);
    Some(Todo::Refuse(refused))
}

/// An operation under way: goes on, waits for its next attempt, or makes way for a newer commit.
fn go_on(shared: &Shared, app: &Application, state: &OperationState, wanted: Option<&WantedSet>) -> Todo {
    let mut state = state.clone();
    let Some(ended) = between_attempts(&state) else {
        return Todo::Run(state);
    };
    if state.operation.initiated_by.automated && wanted.is_some_and(|wanted| !is_about(app, &state, wanted)) {
        // What failed is no longer what is wanted: the newer commit has its own attempts.
        let mut operation = state.operation;
        if let Some(sync) = &mut operation.sync {
            sync.revision.clear();
            sync.revisions.clear();
        }
        return Todo::Run(OperationState { operation, ..OperationState::default() });
    }
    let left = time_left(shared, &state, ended);
    if left.is_some() {
        return Todo::Nothing(left);
    }
    next_attempt(&mut state);
    Todo::Run(state)
}

/// Whether an operation is about what the spec asks for now.
pub(crate) fn is_about(app: &Application, state: &OperationState, wanted: &WantedSet) -> bool {
    if !manifests::brought(&state.operation).is_empty() {
        return false;
    }
    let (sources, pinned) = target(app, state);
    sources == app.spec.sources() && (pinned.iter().all(String::is_empty) || pinned == wanted.revisions)
}

/// Time until the next attempt of an operation whose last one ended at `ended`; `None` once it is due.
fn time_left(shared: &Shared, state: &OperationState, ended: &str) -> Option<Duration> {
    let wait = retry_policy(&state.operation).next(state.retry_count).unwrap_or_default();
    wait.checked_sub(pause(shared, ended)).filter(|left| !left.is_zero())
}

/// Why an operation that was asked for cannot be done.
fn unsupported(app: &Application, operation: &Operation) -> Option<String> {
    let sync = operation.sync.as_ref();
    match sync {
        None => Some("the operation names no sync: nothing else can be asked for".to_owned()),
        Some(sync) => manifests::refusal(app, sync),
    }
}

/// What an automated application does by itself, given what the spec asks for and how it compares; and why it does nothing, where
/// it is out of sync.
pub(crate) fn automatic(
    judge: &Judge<'_>,
    app: &Application,
    wanted: &WantedSet,
    comparison: &Comparison,
    findings: &mut Findings,
) -> (Todo, Option<Rests>) {
    let shared = judge.shared;
    let differs = comparison.sync != SyncStatusCode::Synced;
    let rest = |because: Rests| (Todo::Nothing(None), differs.then_some(because));
    let Some(automated) = app.spec.automated() else {
        return rest(Rests::Disabled);
    };
    if let Some(hold) = Hold::at(&app.metadata, (shared.options.clock)()) {
        let again = hold.until.map(|until| left_until(shared, until));
        let until = hold.until.map(api::format_time).unwrap_or_default();
        // Said of what is in sync, too: it will not stay so by itself.
        return (Todo::Nothing(again), Some(Rests::Held { reason: hold.reason, until }));
    }
    if let Some(refused) = wanted.refused.first() {
        return rest(Rests::Refused { message: refused.to_owned() });
    }
    if comparison.sync == SyncStatusCode::Unknown {
        return rest(Rests::Uncompared);
    }
    let window = judge.window(app, Begin::Automatic, None);
    if let Window::Closed { error, message, until, again } = window {
        if let Some(error) = error {
            findings.add(api::ConditionType::SyncError, format!("not synced automatically: {error}"));
        }
        let (again, because) = (again.filter(|_| differs), Rests::Window { message, until });
        return (Todo::Nothing(again), differs.then_some(because));
    }
    let policy = Policy {
        prune: automated.prunes(),
        self_heal: automated.heals(),
        allow_empty: automated.allows_empty(),
    };
    let mut differences = comparison.differences();
    // Two applications that both have an object in git would take it from each other for ever.
    let all = differences.changed.len();
    differences.changed.retain(|key| !claimed_and_taken(judge, key));
    let contested = differences.changed.len() < all;
    // What is on its way, or went while the rest was compared, needs no prune.
    let stays = |key: &ResourceKey| judge.cluster().get(key).is_some_and(|live| !live.deleting());
    differences.to_prune.retain(stays);
    let last = last_attempt(shared, app, wanted);
    let revision = wanted.revisions.join(", ");
    let (only, heals) = match decide(policy, &revision, &differences, last.as_ref()) {
        Decision::Rest(Rest::Synced) if contested => return rest(Rests::Contested),
        Decision::Rest(Rest::Synced) => return (Todo::Nothing(None), None),
        Decision::Rest(Rest::OnlyPruning) => return rest(Rests::OnlyPruning),
        Decision::Rest(Rest::AlreadySynced) => return rest(Rests::AlreadySynced { revision }),
        Decision::HealLater(wait) => {
            let due = api::format_time((shared.options.clock)() + wait);
            return (Todo::Nothing(Some(wait)), Some(Rests::HealLater { due }));
        }
        Decision::Refused(refusal, message) => {
            findings.add(api::ConditionType::SyncError, message);
            let tried = last.map(|last| last.message).unwrap_or_default();
            return rest(match refusal {
                Refusal::Empty => Rests::Empty,
                Refusal::Failed => Rests::Failed { revision, message: tried },
            });
        }
        Decision::Sync => {
            // Whoever asks from a command line does not know the others, and passes on what the leader found.
            let blocked = match shared.is_leading() {
                true => dependencies::blocked(shared, &judge.view.name, app),
                false => dependencies::told(app),
            };
            match blocked {
                Some(Blocked::On(application, message)) => {
                    return (Todo::Nothing(Some(DEPENDS)), Some(Rests::DependsOn { application, message }));
                }
                Some(Blocked::Cycle(way)) => {
                    let message = format!("{DEPENDS_ON}: applications depend on each other: {way}");
                    findings
                        .add(api::ConditionType::SyncError, format!("not synced automatically: {message}"));
                    return rest(Rests::Refused { message });
                }
                None => (Vec::new(), 0),
            }
        }
        Decision::Heal { only, heals } => (only.into_iter().map(sync_resource).collect(), heals),
    };
    let options = app.spec.sync_policy.as_ref().map(|p| p.sync_options.clone()).unwrap_or_default();
    let (only, sync_options, sync_strategy) = extent(only, options);
    let several = app.spec.has_multiple_sources();
    let sync = SyncOperation {
        revision: if several { String::new() } else { wanted.revisions.first().cloned().unwrap_or_default() },
        revisions: if several { wanted.revisions.clone() } else { Vec::new() },
        prune: policy.prune,
        resources: only,
        sync_options,
        sync_strategy,
        self_heal_attempts_count: i64::from(heals),
        ..SyncOperation::default()
    };
    let retry = app.spec.sync_policy.as_ref().and_then(|policy| policy.retry.clone());
    let retry =
        retry.unwrap_or_else(|| RetryStrategy { limit: AUTOMATED_RETRIES, ..RetryStrategy::default() });
    let initiated_by = OperationInitiator { automated: true, ..OperationInitiator::default() };
    let operation = Operation { sync: Some(sync), initiated_by, retry, ..Operation::default() };
    (Todo::Run(begin(operation, app, wanted, &shared.now())), None)
}

/// How the extent of an operation is put on record: objects one by one, or, where they are too many for the Application, all that is
/// out of sync. Neither runs hooks.
fn extent(
    only: Vec<SyncOperationResource>,
    mut options: Vec<String>,
) -> (Vec<SyncOperationResource>, Vec<String>, Option<SyncStrategy>) {
    if only.len() <= MOST_NAMED {
        return (only, options, None);
    }
    options.push("ApplyOutOfSyncOnly=true".to_owned());
    let apply = Some(SyncStrategyApply::default());
    (Vec::new(), options, Some(SyncStrategy { apply, ..SyncStrategy::default() }))
}

/// Time until a moment, a little more: what happens then must not find that it has not come.
fn left_until(shared: &Shared, until: Timestamp) -> Duration {
    let left = Duration::try_from(until.duration_since((shared.options.clock)())).unwrap_or_default();
    left + Duration::from_millis(10)
}

fn claimed_and_taken(judge: &Judge<'_>, key: &ResourceKey) -> bool {
    let taken = judge.cluster().get(key).and_then(|live| live.instance().cloned());
    taken.is_some_and(|owner| owner.as_ref() != judge.instance()) && judge.claimed_elsewhere(key).is_some()
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
    // One whose commit could not be had has tried nothing: now that it can be had there is no reason to hold back.
    let tried = state.phase != OperationPhase::Error;
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
    // What it takes from other repositories is no revision of its own.
    let moved_since = moved(&state.operation, &wanted.bases);
    Some(LastAttempt {
        same_target: tried && same_sources && same_revisions && !moved_since && !sync.dry_run,
        succeeded: state.phase == OperationPhase::Succeeded,
        message: state.message.clone(),
        heals: u32::try_from(sync.self_heal_attempts_count).unwrap_or_default(),
        age: state.finished_at.as_deref().map(|at| pause(shared, at)).unwrap_or_default(),
    })
}

/// How long a pause that began at `at` has lasted. One that a clock began which was put back since is over: nothing waits until that
/// clock's time comes.
pub(crate) fn pause(shared: &Shared, at: &str) -> Duration {
    let Ok(at) = api::parse_time(at) else { return Duration::MAX };
    paused(at, (shared.options.clock)())
}

/// The same for times.
pub(crate) fn paused(began: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(began)).unwrap_or(Duration::MAX)
}

/// Time since `at`; nothing where it lies in the future or cannot be read.
pub(crate) fn age(shared: &Shared, at: &str) -> Duration {
    let Ok(at) = api::parse_time(at) else { return Duration::ZERO };
    Duration::try_from((shared.options.clock)().duration_since(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_objects_are_not_named() {
        let named = |count: usize| (0..count).map(|_| SyncOperationResource::default()).collect();
        let prune = || vec!["PruneLast=true".to_owned()];
        let (only, options, strategy) = extent(named(MOST_NAMED), prune());
        assert_eq!((only.len(), options, strategy), (MOST_NAMED, prune(), None));
        let (only, options, strategy) = extent(named(MOST_NAMED + 1), prune());
        assert_eq!(
            (only.len(), options),
            (0, vec!["PruneLast=true".to_owned(), "ApplyOutOfSyncOnly=true".to_owned()])
        );
        assert!(strategy.is_some_and(|strategy| strategy.skips_hooks()), "as where objects are named");
    }
}
