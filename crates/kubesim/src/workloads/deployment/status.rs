use std::time::Duration;

use serde_json::{Value, json};

use super::Rollout;
use crate::workloads::condition::{condition, find, updated};
use crate::workloads::kinds::Kind;
use crate::workloads::plan::{Action, Cx, Plan};
use crate::workloads::value::{flag, generation, int, int_or, name, set, text, time, uid};

/// Writes the status; `made` is the name of a ReplicaSet that this pass creates.
pub(super) fn report(cx: &Cx<'_>, plan: &mut Plan, rollout: &Rollout<'_>, made: Option<&str>) {
    let deployment = rollout.deployment;
    // A patch of the Deployment in this pass makes its version stale; the next pass writes the status.
    let patched =
        |a: &Action| matches!(a, Action::Patch(Kind::Deployment, o, _) if uid(o) == uid(deployment));
    if plan.actions.iter().any(patched) {
        plan.again(Duration::from_millis(1));
        return;
    }
    let mut status = counts(rollout);
    let progressing = progressing(cx, plan, rollout, made, &status);
    let available = int(&status, "/availableReplicas") >= rollout.replicas - rollout.max_unavailable;
    let available = if available {
        condition("Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        let message = "Deployment does not have minimum availability.";
        condition("Available", false, "MinimumReplicasUnavailable", message)
    };
    let now = cx.stamp();
    let mut conditions = vec![updated(deployment, available, &now, false)];
    conditions.extend(progressing);
    // The peer appends a condition when it changes; kept in the old order here, so that nothing moves for nothing.
    conditions.sort_by_key(|c| {
        let known = crate::workloads::value::items(deployment, "/status/conditions");
        known.iter().position(|k| text(k, "/type") == text(c, "/type")).unwrap_or(known.len())
    });
    set(&mut status, "conditions", conditions);
    plan.status(Kind::Deployment, deployment, status);
}

fn counts(rollout: &Rollout<'_>) -> Value {
    let available = rollout.sum("/status/availableReplicas");
    let mut status = json!({"observedGeneration": generation(rollout.deployment)});
    let wanted: i64 = rollout.all().map(|set| int_or(set, "/spec/replicas", 1)).sum();
    for (field, count) in [
        ("replicas", rollout.sum("/status/replicas")),
        ("updatedReplicas", rollout.new.map_or(0, |new| int(new, "/status/replicas"))),
        ("readyReplicas", rollout.sum("/status/readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (wanted - available).max(0)),
    ] {
        if count > 0 {
            set(&mut status, field, count);
        }
    }
    status
}

fn progressing(
    cx: &Cx<'_>,
    plan: &mut Plan,
    rollout: &Rollout<'_>,
    made: Option<&str>,
    status: &Value,
) -> Option<Value> {
    let deployment = rollout.deployment;
    let deadline = int_or(deployment, "/spec/progressDeadlineSeconds", 600);
    let now = cx.stamp();
    let old = find(deployment, "Progressing");
    if flag(deployment, "/spec/paused") {
        let mut paused = condition("Progressing", true, "DeploymentPaused", "Deployment is paused");
        set(&mut paused, "status", "Unknown");
        return Some(updated(deployment, paused, &now, false));
    }
    if let Some(name) = made {
        let message = format!("Created new replica set \"{name}\"");
        return Some(updated(
            deployment,
            condition("Progressing", true, "NewReplicaSetCreated", &message),
            &now,
            true,
        ));
    }
    let new = rollout.new.map(|new| name(new)).unwrap_or_default();
    let of = |pointer: &str| int(status, pointer);
    let replicas = rollout.replicas;
    if of("/updatedReplicas") == replicas
        && of("/replicas") == replicas
        && of("/availableReplicas") == replicas
    {
        let message = format!("ReplicaSet \"{new}\" has successfully progressed.");
        return Some(updated(
            deployment,
            condition("Progressing", true, "NewReplicaSetAvailable", &message),
            &now,
            false,
        ));
    }
    let was = |field: &str| int(deployment, &format!("/status{field}"));
    let old_ones = |status: &dyn Fn(&str) -> i64| status("/replicas") - status("/updatedReplicas");
    let progressed = of("/updatedReplicas") > was("/updatedReplicas")
        || old_ones(&of) < old_ones(&was)
        || of("/readyReplicas") > was("/readyReplicas")
        || of("/availableReplicas") > was("/availableReplicas");
    let message = format!("ReplicaSet \"{new}\" is progressing.");
    let going_on = condition("Progressing", true, "ReplicaSetUpdated", &message);
    if progressed || old.is_none() {
        plan.again(Duration::from_secs(deadline.unsigned_abs()));
        return Some(updated(deployment, going_on, &now, true));
    }
    let old = old?;
    match text(old, "/reason") {
        // Complete before, and now less than complete without a new rollout: pods were lost, or it was scaled.
        "NewReplicaSetAvailable"
            if int(deployment, "/status/observedGeneration") == generation(deployment) =>
        {
            return Some(old.clone());
        }
        "ProgressDeadlineExceeded" => return Some(old.clone()),
        "NewReplicaSetAvailable" | "DeploymentPaused" => {
            plan.again(Duration::from_secs(deadline.unsigned_abs()));
            return Some(updated(deployment, going_on, &now, true));
        }
        _ => {}
    }
    let since = time(old, "/lastUpdateTime").map_or(0, |since| cx.seconds_since(since));
    if since < deadline {
        plan.again(Duration::from_secs((deadline - since).unsigned_abs()));
        return Some(old.clone());
    }
    let message = format!("ReplicaSet \"{new}\" has timed out progressing.");
    Some(updated(
        deployment,
        condition("Progressing", false, "ProgressDeadlineExceeded", &message),
        &now,
        false,
    ))
}
