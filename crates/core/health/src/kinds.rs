//! Which kind is judged by which function.

use resource::{GroupKind, Object};
use serde_json::Value;

use crate::read::{below, condition, field, items, text};
use crate::{Health, Status, argo, batch, pod, table, workloads};

/// The finalizer that keeps a finished hook until its result is recorded.
const HOOK_FINALIZER: &str = "argocd.argoproj.io/hook-finalizer";

type Judge = fn(&Object) -> Health;

/// Health of one object, `None` where its kind has none built in.
///
/// **Source.** The peer's gitops-engine `pkg/health`, 13 kinds in Go: Deployment, StatefulSet, ReplicaSet, DaemonSet
/// (apps), Ingress (networking.k8s.io and extensions), Service, PersistentVolumeClaim, Pod, Job,
/// HorizontalPodAutoscaler, APIService, Workflow. Beyond them, what the peer's bundled scripts say of some 280 kinds,
/// as the table in `rules/`, CustomResourceDefinition, CronJob and PodDisruptionBudget here; and Application, which
/// answers by its own `status.health` once that is about the spec it has.
/// An object that is being deleted is Progressing, `Pending deletion`, whatever its kind, unless it is only
/// held by the finalizer of a hook.
/// **Where we differ.** The version within a group is not checked, and fields of a wrong type read as absent where
/// the peer answers Unknown: what a server stores has the right types.
pub fn of(object: &Object) -> Option<Health> {
    let kind = object.group_kind();
    let rule = || table::rule(&kind);
    if object.is_deleting() && !object.finalizers().contains(&HOOK_FINALIZER) {
        let own = rule().and_then(|rule| rule.deletion(object));
        return Some(own.unwrap_or_else(|| Health::new(Status::Progressing, "Pending deletion")));
    }
    judge_kind(object, &kind)
}

fn judge_kind(object: &Object, kind: &GroupKind) -> Option<Health> {
    match judge(kind) {
        Some(judge) => Some(judge(object)),
        None => table::rule(kind).and_then(|rule| rule.judge(object)),
    }
}

/// Health as the peer's own code judges it, without its bundled scripts: what is asked where a user's script has no
/// answer. `None` for kinds that only a script or a rule knows.
pub fn in_code(object: &Object) -> Option<Health> {
    let kind = object.group_kind();
    let scripted = [
        ("batch", "CronJob"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("policy", "PodDisruptionBudget"),
        ("argoproj.io", "Application"),
    ];
    let judge = judge(&kind).filter(|_| !scripted.contains(&(kind.group.as_str(), kind.kind.as_str())))?;
    Some(judge(object))
}

/// What the rule of the object's kind says by itself, as the peer's tests of its scripts ask: [`of`] without
/// `Pending deletion`, which the peer's controller answers before any script runs. A rule that has words of its own
/// for an object that is being deleted says them.
pub fn by_rule(object: &Object) -> Option<Health> {
    let kind = object.group_kind();
    let deletion = || table::rule(&kind).filter(|_| object.is_deleting())?.deletion(object);
    deletion().or_else(|| judge_kind(object, &kind))
}

/// Whether objects of this kind have a health: whole objects are needed for it, not only their metadata.
pub fn has_health(kind: &GroupKind) -> bool {
    judge(kind).is_some() || table::rule(kind).is_some()
}

fn judge(kind: &GroupKind) -> Option<Judge> {
    Some(match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps" | "extensions", "Deployment") => workloads::deployment,
        ("apps", "StatefulSet") => workloads::stateful_set,
        ("apps" | "extensions", "ReplicaSet") => workloads::replica_set,
        ("apps" | "extensions", "DaemonSet") => workloads::daemon_set,
        ("networking.k8s.io" | "extensions", "Ingress") => ingress,
        ("", "Service") => service,
        ("", "PersistentVolumeClaim") => volume_claim,
        ("", "Pod") => pod::pod,
        ("batch", "Job") => batch::job,
        ("batch", "CronJob") => batch::cron_job,
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler,
        ("apiregistration.k8s.io", "APIService") => api_service,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => custom_resource_definition,
        ("policy", "PodDisruptionBudget") => disruption_budget,
        ("argoproj.io", "Workflow") => argo::workflow,
        ("argoproj.io", "Application") => argo::application,
        _ => return None,
    })
}

fn has_address(object: &Object) -> Health {
    let addresses = items(object, &["status", "loadBalancer", "ingress"]);
    Health::new(if addresses.is_empty() { Status::Progressing } else { Status::Healthy }, "")
}

fn ingress(object: &Object) -> Health {
    has_address(object)
}

fn service(object: &Object) -> Health {
    match text(object, &["spec", "type"]) {
        "LoadBalancer" => has_address(object),
        _ => Health::new(Status::Healthy, ""),
    }
}

fn volume_claim(object: &Object) -> Health {
    let status = match text(object, &["status", "phase"]) {
        "Lost" => Status::Degraded,
        "Pending" => Status::Progressing,
        "Bound" => Status::Healthy,
        _ => Status::Unknown,
    };
    Health::new(status, "")
}

fn api_service(object: &Object) -> Health {
    let Some(available) = condition(object, "Available") else {
        return Health::new(Status::Progressing, "Waiting to be processed");
    };
    let status = if field(available, "status") == "True" { Status::Healthy } else { Status::Progressing };
    Health::new(status, format!("{}: {}", field(available, "reason"), field(available, "message")))
}

/// In version 1 the conditions are JSON in an annotation; later versions have them in the status.
/// The first condition that says anything decides, as in the peer.
fn autoscaler(object: &Object) -> Health {
    const V1_CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
    let parsed: Vec<Value>;
    let conditions = if object.api_version() == "autoscaling/v1" {
        let Some(annotation) = object.annotation(V1_CONDITIONS) else { return waiting_to_autoscale() };
        parsed = match serde_json::from_str(annotation) {
            Ok(conditions) => conditions,
            Err(error) => {
                let message = format!("failed to convert conditions annotation to typed: {error}");
                return Health::new(Status::Unknown, message);
            }
        };
        parsed.as_slice()
    } else {
        items(object, &["status", "conditions"])
    };
    for condition in conditions {
        let (kind, reason) = (field(condition, "type"), field(condition, "reason"));
        let message = field(condition, "message");
        match (kind, reason) {
            ("AbleToScale", "FailedGetScale" | "FailedUpdateScale")
            | ("ScalingActive", "FailedGetResourceMetric" | "InvalidSelector") => {
                return Health::new(Status::Degraded, message);
            }
            ("AbleToScale" | "ScalingLimited", _) if field(condition, "status") == "True" => {
                return Health::new(Status::Healthy, message);
            }
            _ => {}
        }
    }
    waiting_to_autoscale()
}

fn waiting_to_autoscale() -> Health {
    Health::new(Status::Progressing, "Waiting to Autoscale")
}

/// The server establishes a definition shortly after it has accepted its names, so that one that is not established
/// yet is on its way unless a condition says why it cannot be.
fn custom_resource_definition(object: &Object) -> Health {
    let conditions = items(object, &["status", "conditions"]);
    if conditions.is_empty() {
        return Health::new(Status::Progressing, "Status conditions not found");
    }
    let mut established = false;
    for condition in conditions {
        let (message, reason) = (field(condition, "message"), field(condition, "reason"));
        let (status, text) = match (field(condition, "type"), field(condition, "status")) {
            ("Terminating", "True") => (Status::Progressing, format!("CRD is terminating: {message}")),
            ("NamesAccepted", "False") => {
                (Status::Degraded, format!("CRD names have not been accepted: {message}"))
            }
            ("NonStructuralSchema", "True") => {
                (Status::Degraded, format!("Schema violations found: {message}"))
            }
            ("Established", "True") => {
                established = true;
                continue;
            }
            ("Established", _) if reason == "InvalidCABundle" => {
                (Status::Degraded, format!("CRD is not established: {message}"))
            }
            ("Established", _) if reason == "Installing" => {
                (Status::Progressing, "CRD is being installed".to_owned())
            }
            _ => continue,
        };
        return Health::new(status, text);
    }
    if established {
        Health::new(Status::Healthy, "CRD is healthy")
    } else {
        Health::new(Status::Progressing, "CRD is not established")
    }
}

/// `InsufficientPods` has valid uses and is no failure; the last condition gives the message.
fn disruption_budget(object: &Object) -> Health {
    let conditions = items(object, &["status", "conditions"]);
    let reason = |condition: &Value| format!("PodDisruptionBudget has {}", field(condition, "reason"));
    let failed = |condition: &&Value| {
        field(condition, "status") == "False" && field(condition, "reason") != "InsufficientPods"
    };
    match (conditions.iter().find(failed), conditions.last()) {
        (Some(failed), _) => Health::new(Status::Degraded, reason(failed)),
        (None, Some(last)) => Health::new(Status::Healthy, reason(last)),
        (None, None) => Health::new(Status::Progressing, "Waiting for status"),
    }
}

/// Whether two values say the same once absent, null and empty are one.
pub(crate) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.keys().chain(b.keys()).all(|key| same(a.get(key), b.get(key)))
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(Some(a), Some(b)))
        }
        (a, b) => a == b || (empty(a) && empty(b)),
    }
}

fn empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.values().all(|value| empty(Some(value))),
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    }
}

/// The value below `value` at a path, for comparisons by [`same`].
pub(crate) fn part<'a>(value: Option<&'a Value>, path: &[&str]) -> Option<&'a Value> {
    below(value?, path)
}

#[cfg(test)]
mod tests;
