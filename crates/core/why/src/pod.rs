//! What a pod says of its containers, and what was seen of an object.

use resource::Object;
use serde_json::Value;

use crate::reason::{Container, Event};

/// Words that a container says while all is well.
const ON_THE_WAY: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The container that holds up a pod: the first that cannot start, else that has failed, else that is not ready; init containers first.
///
/// **Shape**: `None` where all of them are ready, have done their work, or are on the way. A container that is started again and
/// again has the reason and message of its last end beside its own.
pub fn container(pod: &Object) -> Option<Container> {
    let status = pod.as_map().get("status")?;
    let statuses = |field: &str| status.get(field).and_then(Value::as_array).into_iter().flatten();
    let found = statuses("initContainerStatuses")
        .map(|status| look(status, true))
        .chain(statuses("containerStatuses").map(|status| look(status, false)));
    let mut found: Vec<(u8, Container)> = found.flatten().collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().next().map(|(_, container)| container)
}

fn look(status: &Value, init: bool) -> Option<(u8, Container)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let state = &status["state"];
    let named = |reason: String, message: String| Container {
        name: text(&status["name"]),
        reason,
        message,
        restarts: status["restartCount"].as_i64().unwrap_or_default(),
    };
    let waiting = &state["waiting"];
    if let Some(reason) = waiting["reason"].as_str().filter(|reason| !ON_THE_WAY.contains(reason)) {
        let said = text(&waiting["message"]);
        let ended = ended(&status["lastState"]["terminated"]).map(|(reason, message)| {
            let message = if message.is_empty() { message } else { format!(": {message}") };
            format!("last ended with {reason}{message}")
        });
        let parts: Vec<String> =
            ended.into_iter().chain(Some(said)).filter(|part| !part.is_empty()).collect();
        return Some((0, named(reason.to_owned(), parts.join("; "))));
    }
    if let Some((reason, message)) = ended(&state["terminated"]) {
        return Some((1, named(reason, message)));
    }
    let runs = state["running"].is_object() && !init;
    (runs && status["ready"] == false).then(|| {
        (2, named("NotReady".to_owned(), "it runs and does not answer its readiness probe".to_owned()))
    })
}

/// How a container ended, unless it ended well.
fn ended(terminated: &Value) -> Option<(String, String)> {
    let code = terminated["exitCode"].as_i64()?;
    let reason = terminated["reason"].as_str().filter(|reason| !reason.is_empty()).unwrap_or("Error");
    if code == 0 {
        return None;
    }
    let message = terminated["message"].as_str().unwrap_or_default().trim();
    let code = format!("exit code {code}");
    let message = if message.is_empty() { code } else { format!("{code}: {message}") };
    Some((reason.to_owned(), message))
}

/// The latest warning among the events about an object. One that says what went wrong goes before one that only says that it is
/// tried again later (`BackOff`).
pub fn latest_warning<'a>(events: impl IntoIterator<Item = &'a Value>) -> Option<Event> {
    let warnings = events.into_iter().filter(|event| event["type"] == "Warning").map(|event| {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let times =
            ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
        let counts = ["/series/count", "/count"];
        Event {
            reason: text("/reason").to_owned(),
            message: text("/message").trim().to_owned(),
            at: times.into_iter().map(text).find(|at| !at.is_empty()).unwrap_or_default().to_owned(),
            count: counts.into_iter().find_map(|at| event.pointer(at)?.as_i64()).unwrap_or_default(),
        }
    });
    // Times are RFC 3339 in UTC; they differ in their fractions of a second at most.
    warnings.max_by(|a, b| {
        let key =
            |event: &Event| (event.reason != "BackOff", event.at.get(..19).unwrap_or(&event.at).to_owned());
        key(a).cmp(&key(b)).then_with(|| b.message.cmp(&a.message))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_container_that_holds_up_a_pod() {
        let ready = json!({"name": "side", "ready": true, "state": {"running": {}}});
        for (reason, status, expected) in [
            ("nothing said", json!({}), None),
            ("all well", json!({"containerStatuses": [ready]}), None),
            (
                "on the way",
                json!({"containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ContainerCreating"}}}]}),
                None,
            ),
            (
                "an image that is not there",
                json!({"containerStatuses": [ready, {"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}]}),
                Some("web ImagePullBackOff not found"),
            ),
            (
                "started again and again",
                json!({"containerStatuses": [{"name": "web", "restartCount": 4,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}),
                Some("web CrashLoopBackOff last ended with OOMKilled: exit code 137; back-off 40s x4"),
            ),
            (
                "failed",
                json!({"containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": 1, "reason": "Error", "message": "no database\n"}}}]}),
                Some("web Error exit code 1: no database"),
            ),
            (
                "done",
                json!({"containerStatuses": [{"name": "web", "ready": false, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}),
                None,
            ),
            (
                "not ready",
                json!({"containerStatuses": [ready, {"name": "web", "ready": false, "state": {"running": {}}}]}),
                Some("web NotReady it runs and does not answer its readiness probe"),
            ),
            (
                "an init container goes first, and one that works is no fault",
                json!({"initContainerStatuses": [{"name": "wait", "ready": false, "state": {"running": {}}},
                        {"name": "init", "state": {"waiting": {"reason": "ErrImagePull"}}}],
                    "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]}),
                Some("init ErrImagePull "),
            ),
        ] {
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": status});
            let found = container(&Object::from_value(pod).unwrap()).map(|c| {
                let again = if c.restarts > 0 { format!(" x{}", c.restarts) } else { String::new() };
                format!("{} {} {}{again}", c.name, c.reason, c.message)
            });
            assert_eq!(found.as_deref(), expected, "{reason}");
        }
    }

    #[test]
    fn the_latest_warning_counts() {
        let event = |kind: &str, reason: &str, message: &str, at: Value| {
            let mut event = json!({"type": kind, "reason": reason, "message": message, "metadata": {"creationTimestamp": "2024-01-01T00:00:00Z"}});
            event.as_object_mut().unwrap().extend(at.as_object().unwrap().clone());
            event
        };
        let at = |time: &str| json!({"lastTimestamp": time, "count": 3});
        for (reason, events, expected) in [
            ("none", vec![], None),
            ("no warning", vec![event("Normal", "Pulled", "m", at("2024-01-01T00:00:01Z"))], None),
            (
                "the latest",
                vec![
                    event("Warning", "Failed", "new", at("2024-01-01T00:00:09Z")),
                    event("Warning", "Failed", "old", at("2024-01-01T00:00:01Z")),
                    event("Normal", "Pulled", "newer", at("2024-01-01T00:00:10Z")),
                ],
                Some("Failed new 2024-01-01T00:00:09Z 3"),
            ),
            (
                "what went wrong goes before that it is tried again",
                vec![
                    event("Warning", "BackOff", "Back-off pulling", at("2024-01-01T00:00:10Z")),
                    event("Warning", "Failed", "not found", at("2024-01-01T00:00:01Z")),
                ],
                Some("Failed not found 2024-01-01T00:00:01Z 3"),
            ),
            (
                "the new form of events",
                vec![event(
                    "Warning",
                    "FailedScheduling",
                    "no room ",
                    json!({"lastTimestamp": null, "eventTime": "2024-01-01T00:00:02.5Z"}),
                )],
                Some("FailedScheduling no room 2024-01-01T00:00:02.5Z 0"),
            ),
        ] {
            let found =
                latest_warning(&events).map(|e| format!("{} {} {} {}", e.reason, e.message, e.at, e.count));
            assert_eq!(found.as_deref(), expected, "{reason}");
        }
    }
}
