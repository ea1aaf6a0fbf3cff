//! Stores whose health is a sum of parts.

use resource::Object;
use serde_json::Value;

use crate::read::{at, field, items, number, text};
use crate::{Health, Status};

/// Ceph's own word first, then Rook's.
pub(super) fn ceph(object: &Object, _: &[String]) -> Option<Health> {
    if at(object, &["status"]).is_none() {
        return Some(Health::new(Status::Progressing, "Waiting for status to be reported"));
    }
    let (mut status, mut parts) = (Status::Progressing, Vec::new());
    if let Some(word) = at(object, &["status", "ceph", "health"]).and_then(Value::as_str) {
        status = match word {
            "HEALTH_ERR" | "HEALTH_WARN" => Status::Degraded,
            "HEALTH_OK" => Status::Healthy,
            _ => status,
        };
        let details = at(object, &["status", "ceph", "details"]).and_then(Value::as_object);
        let told = details.into_iter().flat_map(|map| map.values());
        let texts: Vec<&str> = told.filter_map(|detail| detail.get("message")?.as_str()).collect();
        let behind = if texts.is_empty() { String::new() } else { format!(" ({})", texts.join("; ")) };
        parts.push(format!("Ceph health is {word}{behind}"));
    }
    if let Some(state) = at(object, &["status", "state"]).and_then(Value::as_str)
        && status == Status::Healthy
    {
        parts.push(format!("Ceph cluster state is {state}"));
        status = match state {
            "Created" | "Connected" => Status::Healthy,
            "Error" => Status::Degraded,
            _ => Status::Progressing,
        };
    }
    parts.push(text(object, &["status", "message"]).to_owned());
    parts.retain(|part| !part.is_empty());
    Some(Health::new(status, parts.join(" - ")))
}

/// All nodes of all sets must be there before the colour counts.
pub(super) fn elasticsearch(object: &Object, _: &[String]) -> Option<Health> {
    let sets = items(object, &["spec", "nodeSets"]).iter();
    let wanted: i64 =
        sets.filter_map(|set| set.get("count").and_then(Value::as_i64)).fold(0, i64::saturating_add);
    let phase = text(object, &["status", "phase"]);
    let status = at(object, &["status"]);
    let judged = status.is_some_and(|status| status.get("health").is_some() && status.get("phase").is_some());
    let colour = status.map(|status| field(status, "health")).unwrap_or_default();
    let there = number(object, &["status", "availableNodes"]);
    let check = "Check the status of indices, replicas and shards";
    Some(match there {
        Some(there) if there < wanted => {
            let message =
                format!("The desired amount of availableNodes is {wanted} but the current amount is {there}");
            Health::new(Status::Progressing, message)
        }
        Some(there) if there == wanted && judged => match (phase, colour) {
            ("Ready", "green") => Health::new(Status::Healthy, "Elasticsearch Cluster status is Green"),
            ("Ready", "yellow") => {
                Health::new(Status::Progressing, format!("Elasticsearch Cluster status is Yellow. {check}"))
            }
            ("Ready", "red") => {
                Health::new(Status::Degraded, format!("Elasticsearch Cluster status is Red. {check}"))
            }
            ("ApplyingChanges" | "MigratingData", _) => {
                Health::new(Status::Progressing, format!("Elasticsearch phase is {phase}"))
            }
            ("Invalid", _) => Health::new(Status::Degraded, "Elasticsearch phase is Invalid"),
            _ => unknown(),
        },
        _ => unknown(),
    })
}

fn unknown() -> Health {
    const TEXT: &str = "Elasticsearch Cluster status is unknown. Ensure your ArgoCD is current and then check for/file a bug report: https://github.com/argoproj/argo-cd/issues";
    Health::new(Status::Unknown, TEXT)
}
