//! What a workload's controller reads from its pods.

use std::time::Duration;

use serde_json::Value;

use super::condition;
use super::plan::{Cx, Plan};
use super::value::{is_deleting, text, time};

/// Not finished and not going away.
pub(super) fn is_active(pod: &Value) -> bool {
    !is_deleting(pod) && !is_finished(pod)
}

pub(super) fn is_finished(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

pub(super) fn is_ready(pod: &Value) -> bool {
    condition::is_true(pod, "Ready")
}

/// Ready for at least `seconds` (`minReadySeconds`); where it is ready for less, `plan` is to look again then.
pub(super) fn is_available(cx: &Cx<'_>, plan: &mut Plan, pod: &Value, seconds: i64) -> bool {
    if !is_ready(pod) {
        return false;
    }
    let since = condition::find(pod, "Ready").and_then(|c| time(c, "/lastTransitionTime"));
    let left = since.map_or(0, |since| seconds - cx.seconds_since(since));
    if seconds > 0 && left > 0 {
        plan.again(Duration::from_secs(left.unsigned_abs()));
        return false;
    }
    true
}

/// Order in which pods are given up when there are too many: not yet bound, pending, not ready, then the youngest.
pub(super) fn give_up_order(pod: &Value) -> impl Ord + use<> {
    let bound = !text(pod, "/spec/nodeName").is_empty();
    let running = text(pod, "/status/phase") == "Running";
    let created = text(pod, "/metadata/creationTimestamp").to_owned();
    (bound, running, is_ready(pod), std::cmp::Reverse(created))
}
