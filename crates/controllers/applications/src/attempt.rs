//! The record of an operation, from attempt to attempt: what it is about, when it begins, how an attempt ends, when the next one is due.

use std::time::Duration;

use api::{Application, ApplicationSource, Operation, OperationPhase, OperationState, SyncOperationResult};
use sync::retry::{Backoff, RetryPolicy};

use crate::manifests;
use crate::wanted::WantedSet;

/// The record of an operation that begins now.
pub(crate) fn begin(
    operation: Operation,
    app: &Application,
    wanted: &WantedSet,
    now: &str,
) -> OperationState {
    let sync = operation.sync.clone().unwrap_or_default();
    let several = !sync.sources.is_empty() || (sync.source.is_none() && app.spec.has_multiple_sources());
    let (source, sources) = match (&sync.source, several) {
        (_, true) => {
            (None, if sync.sources.is_empty() { app.spec.sources.clone() } else { sync.sources.clone() })
        }
        (Some(source), false) => (Some(source.clone()), Vec::new()),
        (None, false) => (app.spec.source.clone(), Vec::new()),
    };
    let mut revisions = wanted.revisions.clone();
    revisions.retain(|revision| !manifests::is_local(&operation) || !revision.is_empty());
    OperationState {
        operation,
        phase: OperationPhase::Running,
        started_at: now.to_owned(),
        message: "waiting for the first wave".to_owned(),
        sync_result: Some(SyncOperationResult {
            revision: if several { String::new() } else { revisions.first().cloned().unwrap_or_default() },
            revisions: if several { revisions } else { Vec::new() },
            source,
            sources,
            ..SyncOperationResult::default()
        }),
        ..OperationState::default()
    }
}

/// The sources that an operation is about, and the commits it is bound to once it has begun. What it began with holds to its end,
/// whatever the spec says since.
pub(crate) fn target<'a>(
    app: &'a Application,
    state: &'a OperationState,
) -> (&'a [ApplicationSource], Vec<String>) {
    let sync = state.operation.sync.as_ref();
    let result = state.sync_result.as_ref();
    let sources = match (result, sync) {
        (Some(result), _) if !result.sources.is_empty() => result.sources.as_slice(),
        (Some(result), _) if result.source.is_some() => result.source.as_slice(),
        (_, Some(sync)) if !sync.sources.is_empty() => sync.sources.as_slice(),
        (_, Some(sync)) if sync.source.is_some() => sync.source.as_slice(),
        _ => app.spec.sources(),
    };
    let pinned = match result {
        Some(result) if !result.revisions.is_empty() => result.revisions.clone(),
        Some(result) if !result.revision.is_empty() => vec![result.revision.clone()],
        _ => match sync {
            Some(sync) if !sync.revisions.is_empty() => sync.revisions.clone(),
            Some(sync) => vec![sync.revision.clone()],
            None => Vec::new(),
        },
    };
    (sources, pinned)
}

/// Whether an attempt ended and the next has not begun, and since when.
pub(crate) fn between_attempts(state: &OperationState) -> Option<&str> {
    state.finished_at.as_deref().filter(|_| !state.phase.is_completed())
}

/// The next attempt of an operation that failed: everything is done anew.
pub(crate) fn next_attempt(state: &mut OperationState) {
    state.retry_count += 1;
    state.finished_at = None;
    crate::waves::forget(&mut state.operation);
    if let Some(result) = &mut state.sync_result {
        result.resources.clear();
    }
}

/// How an attempt failed.
pub(crate) struct Failure {
    /// Why, for people.
    pub(crate) message: String,
    /// How the operation ends if this was its last attempt.
    pub(crate) ends: OperationPhase,
    /// Whether another attempt could come to anything else.
    pub(crate) retried: bool,
}

/// Ends an attempt that failed. The answer is how long to wait for the next one; without one the operation is over.
pub(crate) fn fail(state: &mut OperationState, failure: Failure, now: &str) -> Option<Duration> {
    if state.started_at.is_empty() {
        now.clone_into(&mut state.started_at);
    }
    state.finished_at = Some(now.to_owned());
    let wait = retry_policy(&state.operation).next(state.retry_count).filter(|_| failure.retried);
    (state.phase, state.message) = match wait {
        Some(wait) => {
            let (next, seconds) = (state.retry_count + 1, wait.as_secs());
            let message = format!("{}. Retrying attempt #{next} in {seconds}s.", failure.message);
            (OperationPhase::Running, message)
        }
        None => {
            manifests::forget(&mut state.operation);
            (failure.ends, failure.message)
        }
    };
    wait
}

/// Ends an operation because somebody said so.
pub(crate) fn terminate(state: &mut OperationState, now: &str) {
    let said =
        Failure { message: "operation terminated".to_owned(), ends: OperationPhase::Failed, retried: false };
    fail(state, said, now);
}

/// Time until an operation that is under way has to be over; zero once it should be.
pub(crate) fn time_left(
    state: &OperationState,
    timeout: Option<Duration>,
    age: Duration,
) -> Option<Duration> {
    let running = !state.phase.is_completed() && !state.started_at.is_empty();
    timeout.filter(|_| running).map(|timeout| timeout.saturating_sub(age))
}

/// Ends an operation that took too long; its message names what it was waiting for. As in the peer, the time counts from the first
/// attempt, and there is no other one.
pub(crate) fn time_out(state: &mut OperationState, timeout: Duration, now: &str) {
    let retried = match state.retry_count {
        0 => String::new(),
        count => format!(" (retried {count} times)"),
    };
    let message = format!(
        "operation terminated, triggered by controller sync timeout of {}s{retried}: {}",
        timeout.as_secs(),
        state.message
    );
    fail(state, Failure { message, ends: OperationPhase::Failed, retried: false }, now);
}

/// How an operation is retried. An operation that says nothing is not.
pub(crate) fn retry_policy(operation: &Operation) -> RetryPolicy {
    let default = Backoff::default();
    let Some(backoff) = &operation.retry.backoff else {
        return RetryPolicy { limit: operation.retry.limit, backoff: default };
    };
    let duration = |text: &str, default| {
        if text.is_empty() { default } else { api::parse_duration(text).unwrap_or(default) }
    };
    let backoff = Backoff {
        duration: duration(&backoff.duration, default.duration),
        factor: backoff.factor.and_then(|f| u32::try_from(f).ok()).unwrap_or(default.factor),
        max: duration(&backoff.max_duration, default.max),
    };
    RetryPolicy { limit: operation.retry.limit, backoff }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failed_attempt_is_the_last_or_waits_for_the_next() {
        for (reason, retry, count, retried, phase, message, wait) in [
            ("no policy", json!({}), 0, true, "Error", "boom", None),
            (
                "a policy",
                json!({"limit": 2}),
                0,
                true,
                "Running",
                "boom. Retrying attempt #1 in 5s.",
                Some(5),
            ),
            (
                "growing",
                json!({"limit": 2}),
                1,
                true,
                "Running",
                "boom. Retrying attempt #2 in 10s.",
                Some(10),
            ),
            ("used up", json!({"limit": 2}), 2, true, "Error", "boom", None),
            ("of no use", json!({"limit": 2}), 0, false, "Error", "boom", None),
        ] {
            let mut state = OperationState {
                operation: serde_json::from_value(json!({"sync": {}, "retry": retry})).unwrap(),
                retry_count: count,
                ..OperationState::default()
            };
            let failure = Failure { message: "boom".to_owned(), ends: OperationPhase::Error, retried };
            assert_eq!(fail(&mut state, failure, "t1"), wait.map(Duration::from_secs), "{reason}");
            assert_eq!((state.phase.as_str(), state.message.as_str()), (phase, message), "{reason}");
            assert_eq!(
                (state.started_at.as_str(), state.finished_at.as_deref()),
                ("t1", Some("t1")),
                "{reason}"
            );
            assert_eq!(between_attempts(&state).is_some(), wait.is_some(), "{reason}");
        }
    }

    #[test]
    fn an_operation_that_takes_too_long_ends_with_what_it_waited_for() {
        let state = |phase: &str, retries: i64| -> OperationState {
            let state = json!({
                "operation": {"sync": {}, "retry": {"limit": 5}}, "phase": phase, "startedAt": "t0", "retryCount": retries,
                "message": "waiting for completion of hook batch/Job/ns/a",
            });
            serde_json::from_value(state).unwrap()
        };
        let seconds = Duration::from_secs;
        for (reason, phase, timeout, age, left) in [
            ("no limit", "Running", None, 500, None),
            ("time left", "Running", Some(60), 20, Some(40)),
            ("too long", "Running", Some(60), 61, Some(0)),
            ("over", "Succeeded", Some(60), 61, None),
        ] {
            let left_now = time_left(&state(phase, 0), timeout.map(seconds), seconds(age));
            assert_eq!(left_now, left.map(seconds), "{reason}");
        }
        for (retries, expected) in [
            (0, "of 60s: waiting for completion of hook batch/Job/ns/a"),
            (2, "of 60s (retried 2 times): waiting for completion of hook batch/Job/ns/a"),
        ] {
            let mut state = state("Running", retries);
            time_out(&mut state, seconds(60), "t1");
            let expected = format!("operation terminated, triggered by controller sync timeout {expected}");
            assert_eq!((state.phase.as_str(), state.message), ("Failed", expected));
            assert_eq!(state.finished_at.as_deref(), Some("t1"));
        }
    }

    #[test]
    fn what_an_operation_began_with_holds_to_its_end() {
        let app = |path: &str| {
            let spec = json!({"source": {"repoURL": "r", "path": path}});
            Application::from_value(json!({"metadata": {"name": "web"}, "spec": spec})).unwrap()
        };
        let state = |operation, result| -> OperationState {
            let state = json!({"operation": {"sync": operation}, "phase": "Running", "startedAt": "t", "syncResult": result});
            serde_json::from_value(state).unwrap()
        };
        let begun = json!({"revision": "c1", "source": {"repoURL": "r", "path": "old"}});
        for (reason, state, path, pinned) in [
            ("not begun", state(json!({}), json!(null)), "new", ""),
            ("a revision", state(json!({"revision": "v1"}), json!(null)), "new", "v1"),
            (
                "its own",
                state(json!({"revision": "v1", "source": {"repoURL": "r", "path": "own"}}), json!(null)),
                "own",
                "v1",
            ),
            ("begun", state(json!({"revision": "v1"}), begun), "old", "c1"),
        ] {
            let app = app("new");
            let (sources, commits) = target(&app, &state);
            assert_eq!((sources[0].path.as_str(), commits), (path, vec![pinned.to_owned()]), "{reason}");
        }
    }
}
