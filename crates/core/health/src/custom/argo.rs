//! Rollouts and canaries.

use resource::Object;
use serde_json::Value;

use super::conditions;
use crate::read::{at, field, items, number, text};
use crate::{Health, Status};

fn progressing(message: &str) -> Option<Health> {
    Some(Health::new(Status::Progressing, message))
}

/// Rollouts say themselves how they are since 1.0; older ones are judged by their numbers.
pub(super) fn rollout(object: &Object, _: &[String]) -> Option<Health> {
    if !generation_observed(object) || !workload_observed(object) {
        return progressing("Waiting for rollout spec update to be observed");
    }
    if let Some(phase) = at(object, &["status", "phase"]).and_then(Value::as_str) {
        let message = text(object, &["status", "message"]);
        let status = if phase == "Paused" { Some(Status::Suspended) } else { Status::parse(phase) };
        // A phase that is no health is the peer's "invalid health status".
        return Some(match status {
            Some(status) => Health::new(status, message),
            None => Health::new(Status::Unknown, "Lua returned an invalid health status"),
        });
    }
    let failed = |condition: &&Value| {
        let reason = field(condition, "reason");
        let stuck = matches!(reason, "RolloutAborted" | "ProgressDeadlineExceeded");
        field(condition, "type") == "InvalidSpec" || (field(condition, "type") == "Progressing" && stuck)
    };
    if let Some(failed) = conditions(object).iter().find(failed) {
        return Some(Health::new(Status::Degraded, field(failed, "message")));
    }
    let paused = at(object, &["spec", "paused"]).and_then(Value::as_bool) == Some(true);
    if paused || !items(object, &["status", "pauseConditions"]).is_empty() {
        return Some(Health::new(Status::Suspended, "Rollout is paused"));
    }
    let Some(current) = at(object, &["status", "currentPodHash"]) else {
        return progressing("Waiting for rollout to finish: status has not been reconciled.");
    };
    by_numbers(object, current)
}

fn by_numbers(object: &Object, current: &Value) -> Option<Health> {
    let status = |name| number(object, &["status", name]).unwrap_or(0);
    let (replicas, updated) = (status("replicas"), status("updatedReplicas"));
    if updated < number(object, &["spec", "replicas"]).unwrap_or(1) {
        return progressing("Waiting for roll out to finish: More replicas need to be updated");
    }
    if status("availableReplicas") < updated {
        return progressing("Waiting for roll out to finish: updated replicas are still becoming available");
    }
    // Before 0.8 the stable hash was the canary's; before that there was none.
    let stable = match at(object, &["status", "stableRS"]) {
        Some(stable) => Some(stable),
        None => at(object, &["status", "canary", "stableRS"]),
    };
    let named = stable.filter(|stable| stable.as_str() != Some(""));
    if at(object, &["spec", "strategy", "blueGreen"]).is_some() {
        if at(object, &["status", "blueGreen", "activeSelector"]) != Some(current) {
            return progressing("active service cutover pending");
        }
        if named.is_some_and(|stable| stable != current) {
            return progressing("waiting for analysis to complete");
        }
    } else if at(object, &["spec", "strategy", "canary"]).is_some() {
        if replicas > updated {
            return progressing("Waiting for roll out to finish: old replicas are pending termination");
        }
        if named != Some(current) {
            return progressing("Waiting for rollout to finish steps");
        }
    }
    Some(Health::new(Status::Healthy, ""))
}

/// A number, or the text of one.
fn as_number(value: Option<&Value>) -> Option<i64> {
    let value = value?;
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Up to 0.9 the observed generation was a hash: it is no number, or a far greater one.
fn generation_observed(object: &Object) -> bool {
    if at(object, &["status"]).is_none() {
        return false;
    }
    let now = object.generation();
    as_number(at(object, &["status", "observedGeneration"])).is_none_or(|seen| seen >= now)
}

fn workload_observed(object: &Object) -> bool {
    if at(object, &["spec", "workloadRef"]).is_none() || at(object, &["metadata", "annotations"]).is_none() {
        return true;
    }
    let now = object.annotation("rollout.argoproj.io/workload-generation");
    let now = now.and_then(|text| text.trim().parse::<i64>().ok());
    now == as_number(at(object, &["status", "workloadObservedGeneration"]))
}

/// Flagger: the phase, the weight, and what all conditions say.
pub(super) fn canary(object: &Object, _: &[String]) -> Option<Health> {
    const BETWEEN: &str = " --- ";
    if at(object, &["status"]).is_none() {
        return Some(Health::new(Status::Unknown, "No status"));
    }
    let phase = text(object, &["status", "phase"]);
    let status = match phase {
        "Failed" => Status::Degraded,
        "Progressing" | "Finalising" | "Promoting" => Status::Progressing,
        "Succeeded" | "Initialized" => Status::Healthy,
        _ => Status::Unknown,
    };
    let weight = as_number(at(object, &["status", "canaryWeight"])).filter(|weight| *weight > 0);
    let mut parts: Vec<String> =
        weight.map(|weight| format!("Canary Weight: {weight} %")).into_iter().collect();
    for condition in conditions(object) {
        // An empty text in front leaves no separator behind.
        if parts.len() == 1 && parts.first().is_some_and(String::is_empty) {
            parts.clear();
        }
        parts.push(field(condition, "message").to_owned());
    }
    Some(Health::new(status, format!("{phase}{BETWEEN}{}", parts.join(BETWEEN))))
}
