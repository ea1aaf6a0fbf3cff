//! Workloads: restarts, scales, pauses, and the steps of rollouts.

use resource::Object;
use serde_json::{Value, json};

use crate::builtin::count;
use crate::edit::{at, length, remove, set, text, yes};
use crate::{Action, ActionError, Moment};

const RESTARTED: &[&str] =
    &["spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"];
const PAUSED: &[&str] = &["spec", "paused"];
const SUSPEND: &[&str] = &["spec", "suspend"];
const REPLICAS: &[&str] = &["spec", "replicas"];

pub(crate) fn actions(object: &Object) -> Vec<Action> {
    let restart = Action::new("restart").icon("redo");
    let scale = Action::new("scale").icon("plus-circle").param("replicas", "");
    let paused = yes(object, PAUSED);
    match object.kind() {
        "Deployment" => vec![
            restart,
            scale,
            Action::new("pause").icon("pause-circle").disabled(paused),
            Action::new("resume").icon("play-circle").disabled(!paused),
        ],
        "StatefulSet" => vec![restart, scale],
        _ => vec![restart],
    }
}

pub(crate) fn run(
    object: &Object,
    action: &str,
    params: &[(String, String)],
    now: Moment<'_>,
) -> Result<Option<Object>, ActionError> {
    let mut changed = object.clone();
    match (object.kind(), action) {
        (_, "restart") => set(&mut changed, RESTARTED, now.0),
        ("Deployment" | "StatefulSet", "scale") => set(&mut changed, REPLICAS, count(params, "replicas")?),
        ("Deployment", "pause") => set(&mut changed, PAUSED, true),
        ("Deployment", "resume") => remove(&mut changed, PAUSED),
        _ => return Ok(None),
    }
    Ok(Some(changed))
}

/// Whether a job has come to its end, or is about to.
fn is_over(job: &Object) -> bool {
    let ends = ["Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"];
    let conditions = at(job, &["status", "conditions"]).and_then(Value::as_array).into_iter().flatten();
    let says = |condition: &Value, field: &str| {
        condition.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    conditions.into_iter().any(|c| ends.contains(&says(c, "type").as_str()) && says(c, "status") == "True")
}

pub(crate) fn batch_actions(object: &Object) -> Vec<Action> {
    let switch = if yes(object, SUSPEND) {
        Action::new("resume").icon("play")
    } else {
        Action::new("suspend").icon("pause")
    };
    if object.kind() == "CronJob" {
        return vec![Action::new("create-job").icon("plus").title("Create Job"), switch];
    }
    if is_over(object) {
        return Vec::new();
    }
    let mut found = vec![switch];
    if at(object, &["status"]).is_some() {
        found.push(Action::new("terminate").icon("stop"));
    }
    found
}

pub(crate) fn run_batch(object: &Object, action: &str, now: Moment<'_>) -> Option<Object> {
    let mut changed = object.clone();
    match (object.kind(), action) {
        (_, "suspend") => set(&mut changed, SUSPEND, true),
        (_, "resume") if yes(object, SUSPEND) => set(&mut changed, SUSPEND, false),
        (_, "resume") => {}
        ("Job", "terminate") if at(object, &["status"]).is_none() || is_over(object) => {}
        ("Job", "terminate") => {
            let conditions = at(object, &["status", "conditions"]).and_then(Value::as_array);
            let mut conditions = conditions.cloned().unwrap_or_default();
            conditions.push(json!({
                "type": "FailureTarget", "status": "True", "reason": "ManuallyTerminated",
                "message": "Job was terminated explicitly through Argo CD", "lastTransitionTime": now.0,
            }));
            set(&mut changed, &["status", "conditions"], conditions);
        }
        _ => return None,
    }
    Some(changed)
}

const PAUSE_CONDITIONS: &[&str] = &["status", "pauseConditions"];
const STEPS: &[&str] = &["spec", "strategy", "canary", "steps"];
const STEP: &[&str] = &["status", "currentStepIndex"];
const ABORT: &[&str] = &["status", "abort"];

/// Whether the rollout is of a version before 0.10, whose observed generation is a hash.
fn is_old(object: &Object) -> bool {
    let seen = at(object, &["status", "observedGeneration"]);
    let seen = seen.and_then(|seen| seen.as_i64().or_else(|| seen.as_str()?.trim().parse().ok()));
    seen.is_none_or(|seen| seen > object.generation())
}

pub(crate) fn rollout_actions(object: &Object) -> Vec<Action> {
    let status = at(object, &["status"]).is_some();
    let paused = match at(object, PAUSE_CONDITIONS) {
        Some(_) => length(object, PAUSE_CONDITIONS) > 0,
        None => yes(object, PAUSED),
    };
    let promoted =
        !status || at(object, &["status", "currentPodHash"]) == at(object, &["status", "stableRS"]);
    let aborted = yes(object, ABORT);
    let blue_green = at(object, &["spec", "strategy", "blueGreen"]).is_some();
    let full = promoted || (is_old(object) && blue_green);
    let steps = at(object, STEPS).map(|_| length(object, STEPS));
    let index = at(object, STEP).and_then(Value::as_u64);
    let stepped = !status || steps.is_none_or(|steps| index == u64::try_from(steps).ok());
    vec![
        Action::new("restart").title("Restart Pods"),
        Action::new("resume").disabled(!paused),
        Action::new("abort").disabled(promoted || aborted),
        Action::new("retry").disabled(promoted || !aborted),
        Action::new("pause").disabled(promoted || aborted || yes(object, PAUSED)),
        Action::new("promote-full").disabled(full),
        Action::new("skip-current-step").disabled(stepped),
    ]
}

pub(crate) fn run_rollout(object: &Object, action: &str, now: Moment<'_>) -> Option<Object> {
    let mut changed = object.clone();
    let status = at(object, &["status"]).is_some();
    let unpause = |changed: &mut Object| {
        if length(object, PAUSE_CONDITIONS) > 0 {
            remove(changed, PAUSE_CONDITIONS);
        }
    };
    match action {
        "restart" => set(&mut changed, &["spec", "restartAt"], now.0),
        "pause" => set(&mut changed, PAUSED, true),
        "abort" => set(&mut changed, ABORT, true),
        "retry" => remove(&mut changed, ABORT),
        "resume" => {
            unpause(&mut changed);
            if yes(object, PAUSED) {
                set(&mut changed, PAUSED, false);
            }
        }
        "promote-full" if !status => {}
        "promote-full" if is_old(object) => {
            remove(&mut changed, ABORT);
            if at(object, STEPS).is_some() {
                set(&mut changed, STEP, length(object, STEPS));
            }
        }
        "promote-full" => set(&mut changed, &["status", "promoteFull"], true),
        "skip-current-step" => {
            let steps = u64::try_from(length(object, STEPS)).unwrap_or(u64::MAX);
            if let Some(index) = at(object, STEP).and_then(Value::as_u64).filter(|index| *index < steps) {
                unpause(&mut changed);
                set(&mut changed, STEP, index + 1);
            }
        }
        _ => return None,
    }
    Some(changed)
}

/// Whether an analysis has come to its end.
pub(crate) fn analysis_is_over(object: &Object) -> bool {
    yes(object, &["spec", "terminate"])
        || ["Successful", "Failed", "Error", "Inconclusive"].contains(&text(object, &["status", "phase"]))
}
