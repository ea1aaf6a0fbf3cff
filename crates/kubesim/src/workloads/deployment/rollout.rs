use serde_json::{Value, json};

use super::{DESIRED, MAX, Rollout};
use crate::workloads::kinds::Kind;
use crate::workloads::plan::{Action, Cx, Plan};
use crate::workloads::podspec::is_finished;
use crate::workloads::value::{int, int_or, text, uid};

const REPLICAS: &str = "/spec/replicas";
const AVAILABLE: &str = "/status/availableReplicas";

/// Moves pods from the old ReplicaSets to the new one, as far as the strategy allows now.
pub(super) fn scale(cx: &Cx<'_>, plan: &mut Plan, rollout: &Rollout<'_>, paused: bool) {
    let old_replicas: i64 = rollout.old.iter().map(|set| int_or(set, REPLICAS, 1)).sum();
    if paused {
        // Only a change of the number of replicas goes through, to the set that is in use.
        let in_use =
            rollout.new.or_else(|| rollout.old.iter().rev().find(|s| int_or(s, REPLICAS, 1) > 0).copied());
        if let Some(set) = in_use {
            let others = rollout.sum(REPLICAS) - int_or(set, REPLICAS, 1);
            set_replicas(plan, rollout, set, (rollout.replicas - others).max(0));
        }
        return;
    }
    if text(rollout.deployment, "/spec/strategy/type") == "Recreate" {
        for set in &rollout.old {
            set_replicas(plan, rollout, set, 0);
        }
        if let Some(new) = rollout.new {
            let wait = old_replicas > 0 || old_pods_remain(cx, rollout);
            set_replicas(plan, rollout, new, if wait { int_or(new, REPLICAS, 1) } else { rollout.replicas });
        }
        return;
    }
    let Some(new) = rollout.new else { return };
    let current = int_or(new, REPLICAS, 1);
    set_replicas(plan, rollout, new, new_replicas(rollout, current));
    scale_down_old(plan, rollout, new);
}

fn old_pods_remain(cx: &Cx<'_>, rollout: &Rollout<'_>) -> bool {
    let mut pods = rollout.old.iter().flat_map(|set| cx.store.owned(uid(set), Kind::Pod));
    pods.any(|pod| !is_finished(pod))
}

/// How many replicas the new ReplicaSet, which has `current`, may have now.
pub(super) fn new_replicas(rollout: &Rollout<'_>, current: i64) -> i64 {
    if text(rollout.deployment, "/spec/strategy/type") == "Recreate" {
        let others: i64 =
            rollout.old.iter().map(|set| int_or(set, REPLICAS, 1) + int(set, "/status/replicas")).sum();
        return if others == 0 { rollout.replicas } else { current };
    }
    if current > rollout.replicas {
        return rollout.replicas;
    }
    let old: i64 = rollout.old.iter().map(|set| int_or(set, REPLICAS, 1)).sum();
    let room = rollout.replicas + rollout.max_surge - (old + current);
    if room <= 0 { current } else { current + room.min(rollout.replicas - current) }
}

/// Unhealthy pods first, which costs no availability; then as many healthy ones as may be missing.
fn scale_down_old(plan: &mut Plan, rollout: &Rollout<'_>, new: &Value) {
    let minimum = rollout.replicas - rollout.max_unavailable;
    let new_unavailable = (int_or(new, REPLICAS, 1) - int(new, AVAILABLE)).max(0);
    let mut room = rollout.sum(REPLICAS) - minimum - new_unavailable;
    let mut available_room = rollout.sum(AVAILABLE) - minimum;
    for set in &rollout.old {
        let replicas = int_or(set, REPLICAS, 1);
        let available = int(set, AVAILABLE).min(replicas);
        let unhealthy = (replicas - available).min(room).max(0);
        room -= unhealthy;
        let healthy = available.min(available_room).min(room).max(0);
        room -= healthy;
        available_room -= healthy;
        set_replicas(plan, rollout, set, replicas - unhealthy - healthy);
    }
}

fn set_replicas(plan: &mut Plan, rollout: &Rollout<'_>, set: &Value, replicas: i64) {
    if int_or(set, REPLICAS, 1) == replicas {
        return;
    }
    let patch = json!({"spec": {"replicas": replicas}, "metadata": {"annotations": {
        DESIRED: rollout.replicas.to_string(), MAX: (rollout.replicas + rollout.max_surge).to_string()}}});
    // The revision may be settled in the same pass: one patch, for the second would carry a stale version.
    let known = plan.actions.iter_mut().find_map(|action| match action {
        Action::Patch(Kind::ReplicaSet, object, patch) if uid(object) == uid(set) => Some(patch),
        _ => None,
    });
    match known {
        Some(known) => known["spec"] = json!({"replicas": replicas}),
        None => plan.act(Action::Patch(Kind::ReplicaSet, set.clone(), patch)),
    }
}
