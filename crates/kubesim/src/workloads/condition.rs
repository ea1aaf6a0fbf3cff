//! `status.conditions`, whose transition times change only when their status does.

use serde_json::{Value, json};

use super::value::{items, part, set, text};

/// The condition of a type in an object's status.
pub(super) fn find<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(object, "/status/conditions").iter().find(|c| text(c, "/type") == kind)
}

/// Whether the condition of a type is `True`.
pub(super) fn is_true(object: &Value, kind: &str) -> bool {
    find(object, kind).is_some_and(|c| text(c, "/status") == "True")
}

/// A condition; an empty reason or message is left out.
pub(super) fn condition(kind: &str, status: bool, reason: &str, message: &str) -> Value {
    let mut value = json!({"type": kind, "status": if status { "True" } else { "False" }});
    for (field, content) in [("reason", reason), ("message", message)] {
        if !content.is_empty() {
            set(&mut value, field, content);
        }
    }
    value
}

/// Gives a condition its `lastTransitionTime`: the old one of its type where the status is the same, else `now`.
pub(super) fn since(object: &Value, mut condition: Value, now: &str) -> Value {
    let old = find(object, text(&condition, "/type"));
    let time = match old {
        Some(old) if text(old, "/status") == text(&condition, "/status") => part(old, "/lastTransitionTime"),
        _ => now.into(),
    };
    set(&mut condition, "lastTransitionTime", time);
    condition
}

/// As [`since`], with `lastUpdateTime` too: the old one where status, reason and message are the same, unless the
/// update is `forced`.
pub(super) fn updated(object: &Value, condition: Value, now: &str, forced: bool) -> Value {
    let old = find(object, text(&condition, "/type"));
    let same = |field: &str| old.is_some_and(|old| text(old, field) == text(&condition, field));
    let time = match old {
        Some(old) if !forced && same("/status") && same("/reason") && same("/message") => {
            part(old, "/lastUpdateTime")
        }
        _ => now.into(),
    };
    let mut condition = since(object, condition, now);
    set(&mut condition, "lastUpdateTime", time);
    condition
}
