//! What the lines of the table cannot say: sums, lists in sentences, and state machines.

mod argo;
mod clusters;
mod models;
mod network;
mod promoter;
mod storage;

use resource::Object;
use serde_json::Value;

use crate::read::{field, items, text};
use crate::table::Function;
use crate::{Health, Status};

/// The function behind `code NAME`.
pub(crate) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "airlock" => network::airlock,
        "branches" => promoter::branches,
        "canary" => argo::canary,
        "ceph" => storage::ceph,
        "change_transfer" => promoter::change_transfer,
        "compliancy" => clusters::compliancy,
        "elasticsearch" => storage::elasticsearch,
        "error_status" => error_status,
        "errors_of_conditions" => clusters::errors_of_conditions,
        "gateway" => network::gateway,
        "inference" => models::inference,
        "knative" => clusters::knative,
        "knative_service" => models::knative_service,
        "language_model" => models::language_model,
        "machine_pool" => clusters::machine_pool,
        "noncompliant" => clusters::noncompliant,
        "promotion" => promoter::promotion,
        "reasons_of_conditions" => reasons_of_conditions,
        "replicas_as_text" => replicas_as_text,
        "rollout" => argo::rollout,
        "spark_running" => models::spark_running,
        "subscription" => clusters::subscription,
        "tls_route" => network::tls_route,
        _ => return None,
    })
}

/// `status.conditions`.
fn conditions(object: &Object) -> &[Value] {
    items(object, &["status", "conditions"])
}

/// Whether a condition has this type and status.
fn is(condition: &Value, kind: &str, status: &str) -> bool {
    field(condition, "type") == kind && field(condition, "status") == status
}

/// Whether a text in a map is this one.
fn field_is(value: &Value, name: &str, wanted: &str) -> bool {
    field(value, name) == wanted
}

/// A text in a map, `None` where it is absent or empty.
fn filled<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Reasons, types and messages of all conditions up to the first bad one, in one sentence; the names in `args` are
/// types that are bad when they are true.
fn reasons_of_conditions(object: &Object, args: &[String]) -> Option<Health> {
    let mut health = Health::new(Status::Progressing, "");
    let mut parts: Vec<String> = Vec::new();
    for condition in conditions(object) {
        let Some(status) = condition.get("status").and_then(Value::as_str) else { continue };
        let (kind, message) = (condition.get("type"), condition.get("message"));
        let mut part = field(condition, "reason").to_owned();
        if condition.get("reason").is_some() && kind.is_some() {
            part.push_str(&format!(" for {}", field(condition, "type")));
            if message.is_some() {
                part.push_str(&format!(" because {}", field(condition, "message")));
            }
        }
        parts.push(part);
        let inverted = args.iter().any(|name| name == field(condition, "type"));
        match status {
            "True" if inverted => health.status = Status::Degraded,
            "False" if !inverted => health.status = Status::Degraded,
            "True" => health.status = Status::Healthy,
            _ => {}
        }
        if health.status == Status::Degraded {
            break;
        }
    }
    health.message = parts.join(", ");
    Some(health)
}

/// `status.scale.statusReplicas` is `ready/wanted`.
fn replicas_as_text(object: &Object, _: &[String]) -> Option<Health> {
    let replicas = crate::read::at(object, &["status", "scale", "statusReplicas"])?;
    let parsed = replicas.as_str().and_then(|text| {
        let (ready, total) = text.split_once('/')?;
        Some((ready.parse::<u64>().ok()?, total.parse::<u64>().ok()?))
    });
    Some(match parsed {
        None => {
            let shown = replicas.as_str().map_or_else(|| replicas.to_string(), str::to_owned);
            Health::new(Status::Progressing, format!("Unable to parse replica status: {shown}"))
        }
        Some((0, 0)) if text(object, &["spec", "mode"]) == "daemonset" => {
            Health::new(Status::Healthy, "DaemonSet has no eligible nodes (0/0)")
        }
        Some((0, _)) => Health::new(Status::Degraded, "No replicas are ready"),
        Some((ready, total)) if ready == total => Health::new(Status::Healthy, "All replicas are ready"),
        Some(_) => Health::new(Status::Progressing, "Replicas are starting up"),
    })
}

/// A status that begins with `ERROR` says what is wrong behind that word.
fn error_status(object: &Object, _: &[String]) -> Option<Health> {
    let status = text(object, &["status", "status"]);
    status.starts_with("ERROR").then(|| Health::new(Status::Degraded, status.replace("ERROR, ", "")))
}
