//! Services that count their conditions, and Spark, which counts its executors.

use resource::Object;
use serde_json::Value;

use super::clusters::reason_and_message;
use super::{conditions, field_is, filled};
use crate::read::{at, field, number, text};
use crate::{Health, Status};

/// Knative: three conditions must be True, and none may be anything else.
pub(super) fn knative_service(object: &Object, _: &[String]) -> Option<Health> {
    if at(object, &["status", "conditions"]).is_none() {
        return Some(Health::new(Status::Progressing, "Waiting for status update."));
    }
    let (mut good, mut bad, mut open, mut message) = (0, 0, 0, String::new());
    for condition in conditions(object) {
        let (kind, status) = (field(condition, "type"), field(condition, "status"));
        match status {
            "True" => good += usize::from(matches!(kind, "ConfigurationsReady" | "RoutesReady" | "Ready")),
            "False" | "Unknown" => {
                bad += usize::from(status == "False");
                open += usize::from(status == "Unknown");
                message.push_str(&format!("{kind} is {status}"));
                if let Some(reason) = filled(condition, "reason") {
                    message.push_str(&format!(", since {reason}."));
                }
                if let Some(text) = filled(condition, "message") {
                    message.push_str(&format!(" {text}"));
                }
                message.push('\n');
            }
            _ => {}
        }
    }
    Some(match (good, bad, open) {
        (3, 0, 0) => Health::new(Status::Healthy, "Knative Service is healthy."),
        (_, 0, _) => Health::new(Status::Progressing, message),
        _ => Health::new(Status::Degraded, message),
    })
}

/// KServe: the model's transition and the conditions together.
pub(super) fn inference(object: &Object, _: &[String]) -> Option<Health> {
    if conditions(object).iter().any(|condition| super::is(condition, "Stopped", "True")) {
        return Some(Health::new(Status::Suspended, "InferenceService is Stopped"));
    }
    if at(object, &["status", "conditions"]).is_none() {
        let message = "Waiting for InferenceService to report status...";
        return Some(Health::new(Status::Progressing, message));
    }
    let transition = at(object, &["status", "modelStatus"]).map(|status| field(status, "transitionStatus"));
    let moving = transition.filter(|word| *word != "UpToDate");
    let mut message = moving.map(|word| format!("0: transitionStatus | {word}")).unwrap_or_default();
    let mut open = false;
    for (at, condition) in conditions(object).iter().enumerate() {
        let (kind, status) = (field(condition, "type"), field(condition, "status"));
        if kind == "Stopped" {
            open |= status == "Unknown";
        } else if status != "True" {
            open |= matches!(status, "Unknown" | "False");
            message.push_str(&format!(" | {}: {kind} | {status}{}", at + 1, reason_and_message(condition)));
        }
    }
    Some(match (moving, open) {
        (None, false) => Health::new(Status::Healthy, "InferenceService is healthy."),
        (None | Some("InProgress"), _) => Health::new(Status::Progressing, message),
        (Some(_), _) => Health::new(Status::Degraded, message),
    })
}

/// KServe's language models: Ready decides, the others explain.
pub(super) fn language_model(object: &Object, _: &[String]) -> Option<Health> {
    const WAITING: &str = "Waiting for LLMInferenceService to report status...";
    let all = conditions(object);
    if at(object, &["status", "conditions"]).is_none() {
        return Some(Health::new(Status::Progressing, WAITING));
    }
    let ready = all.iter().rev().find(|condition| field(condition, "type") == "Ready");
    if let Some(now) = number(object, &["metadata", "generation"]) {
        let seen = ready.and_then(|ready| ready.get("observedGeneration")).and_then(Value::as_i64);
        let whole = number(object, &["status", "observedGeneration"]);
        if [seen, whole].into_iter().flatten().any(|seen| seen != now) {
            let message = "Waiting for LLMInferenceService reconciliation (generation mismatch)";
            return Some(Health::new(Status::Progressing, message));
        }
    }
    if all.iter().any(|condition| field_is(condition, "reason", "Stopped")) {
        return Some(Health::new(Status::Suspended, "LLMInferenceService is Stopped"));
    }
    let status = match ready.map(|ready| field(ready, "status")) {
        Some("True") => return Some(Health::new(Status::Healthy, "LLMInferenceService is healthy.")),
        Some("False") => Status::Degraded,
        _ => Status::Progressing,
    };
    let open = all.iter().filter(|c| field(c, "type") != "Ready" && field(c, "status") != "True");
    let texts: Vec<String> = open
        .map(|c| format!("{}: {}{}", field(c, "type"), field(c, "status"), reason_and_message(c)))
        .collect();
    let message = match ready.and_then(|ready| filled(ready, "message")) {
        _ if !texts.is_empty() => texts.join("; "),
        Some(message) => message.to_owned(),
        None => WAITING.to_owned(),
    };
    Some(Health::new(status, message))
}

/// A running Spark application is healthy when as many executors run as it wants.
pub(super) fn spark_running(object: &Object, _: &[String]) -> Option<Health> {
    if text(object, &["status", "applicationState", "state"]) != "RUNNING" {
        return None;
    }
    let executors = at(object, &["status", "executorState"])?.as_object()?;
    let running = executors.values().filter(|state| state.as_str() == Some("RUNNING")).count();
    let running = i64::try_from(running).unwrap_or(i64::MAX);
    let wanted = number(object, &["spec", "executor", "instances"]);
    let dynamic = at(object, &["spec", "dynamicAllocation"]);
    let enough = if wanted == Some(running) {
        true
    } else if let Some((least, most)) = range(object) {
        (least..=most).contains(&running)
    } else {
        dynamic.is_none() && wanted.is_none() && running >= 1
    };
    enough.then(|| Health::new(Status::Healthy, "SparkApplication is Running"))
}

/// How many executors may run: by the API's fields, else by Spark's own settings.
fn range(object: &Object) -> Option<(i64, i64)> {
    let enabled = at(object, &["spec", "dynamicAllocation", "enabled"]).and_then(Value::as_bool);
    if enabled == Some(true) {
        let limit = |name| number(object, &["spec", "dynamicAllocation", name]);
        return Some((limit("minExecutors").unwrap_or(0), limit("maxExecutors").unwrap_or(i64::MAX)));
    }
    let settings = at(object, &["spec", "sparkConf"])?;
    let prefix = ["spark.streaming.dynamicAllocation", "spark.dynamicAllocation"]
        .into_iter()
        .find(|prefix| field(settings, &format!("{prefix}.enabled")) == "true")?;
    let limit = |name: &str| field(settings, &format!("{prefix}.{name}")).trim().parse::<i64>().ok();
    Some((limit("minExecutors").unwrap_or(0), limit("maxExecutors").unwrap_or(i64::MAX)))
}
