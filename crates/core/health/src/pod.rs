//! Pods.

use resource::Object;
use serde_json::Value;

use crate::read::{below, condition, field, items, text};
use crate::{Health, Status};

/// Makes a pod that ends by its restart policy count as one that runs for ever.
const IGNORE_RESTART_POLICY: &str = "argocd.argoproj.io/ignore-restart-policy";

/// A waiting container fails only a pod that is restarted always: one that ends is usually a hook, and would be
/// called failed just before its image becomes available and it runs after all.
pub(crate) fn pod(object: &Object) -> Health {
    let policy = text(object, &["spec", "restartPolicy"]);
    let containers = items(object, &["status", "containerStatuses"]);
    if policy == "Always" {
        let stuck: Vec<&str> = containers.iter().filter_map(stuck).collect();
        if !stuck.is_empty() {
            return Health::new(Status::Degraded, stuck.join(", "));
        }
    }
    let message = text(object, &["status", "message"]);
    match text(object, &["status", "phase"]) {
        "Pending" => Health::new(Status::Progressing, message),
        "Succeeded" => Health::new(Status::Healthy, message),
        "Failed" if !message.is_empty() => Health::new(Status::Degraded, message),
        "Failed" => {
            let all = items(object, &["status", "initContainerStatuses"]).iter().chain(containers);
            Health::new(Status::Degraded, all.into_iter().find_map(failure).unwrap_or_default())
        }
        "Running" if policy == "Always" || object.annotation(IGNORE_RESTART_POLICY).is_some() => {
            Health::new(running(object, containers), message)
        }
        "Running" if matches!(policy, "OnFailure" | "Never") => Health::new(Status::Progressing, message),
        _ => Health::new(Status::Unknown, message),
    }
}

fn running(object: &Object, containers: &[Value]) -> Status {
    if condition(object, "Ready").is_some_and(|ready| field(ready, "status") == "True") {
        Status::Healthy
    } else if containers.iter().any(|c| below(c, &["lastState", "terminated"]).is_some()) {
        Status::Degraded
    } else {
        Status::Progressing
    }
}

/// The message of a container that waits for a reason that is an error.
fn stuck(container: &Value) -> Option<&str> {
    let waiting = below(container, &["state", "waiting"])?;
    let reason = field(waiting, "reason");
    let error = reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff");
    error.then(|| field(waiting, "message"))
}

/// Why a container ended badly.
fn failure(container: &Value) -> Option<String> {
    let terminated = below(container, &["state", "terminated"])?;
    let exit_code = terminated.get("exitCode").and_then(Value::as_i64).unwrap_or_default();
    match (field(terminated, "message"), field(terminated, "reason")) {
        ("", "OOMKilled") => Some("OOMKilled".to_owned()),
        ("", _) if exit_code != 0 => {
            Some(format!("container {:?} failed with exit code {exit_code}", field(container, "name")))
        }
        ("", _) => None,
        (message, _) => Some(message.to_owned()),
    }
}
