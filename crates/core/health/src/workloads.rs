//! Kinds of the group `apps`. Conditions and texts follow `kubectl rollout status`, as the peer's do.

use resource::Object;

use crate::read::{condition, count, field, number, observed, text};
use crate::{Health, Status};

fn progressing(message: String) -> Health {
    Health::new(Status::Progressing, message)
}

pub(crate) fn deployment(object: &Object) -> Health {
    if crate::read::at(object, &["spec", "paused"]).and_then(serde_json::Value::as_bool) == Some(true) {
        return Health::new(Status::Suspended, "Deployment is paused");
    }
    if !observed(object) {
        return progressing(not_observed("deployment"));
    }
    let status = |name| count(object, &["status", name]);
    let (replicas, updated) = (status("replicas"), status("updatedReplicas"));
    let available = status("availableReplicas");
    let late =
        condition(object, "Progressing").is_some_and(|c| field(c, "reason") == "ProgressDeadlineExceeded");
    match number(object, &["spec", "replicas"]) {
        _ if late => {
            let message = format!("Deployment {:?} exceeded its progress deadline", object.name());
            Health::new(Status::Degraded, message)
        }
        Some(wanted) if updated < wanted => progressing(format!(
            "Waiting for rollout to finish: {updated} out of {wanted} new replicas have been updated..."
        )),
        _ if replicas > updated => progressing(format!(
            "Waiting for rollout to finish: {} old replicas are pending termination...",
            replicas.saturating_sub(updated)
        )),
        _ if available < updated => progressing(format!(
            "Waiting for rollout to finish: {available} of {updated} updated replicas are available..."
        )),
        _ => Health::new(Status::Healthy, ""),
    }
}

pub(crate) fn replica_set(object: &Object) -> Health {
    if !observed(object) {
        return progressing(not_observed("replica set"));
    }
    if let Some(failure) = condition(object, "ReplicaFailure").filter(|c| field(c, "status") == "True") {
        return Health::new(Status::Degraded, field(failure, "message"));
    }
    let available = count(object, &["status", "availableReplicas"]);
    match number(object, &["spec", "replicas"]) {
        Some(wanted) if available < wanted => progressing(format!(
            "Waiting for rollout to finish: {available} out of {wanted} new replicas are available..."
        )),
        _ => Health::new(Status::Healthy, ""),
    }
}

pub(crate) fn daemon_set(object: &Object) -> Health {
    if !observed(object) {
        return progressing(not_observed("daemon set"));
    }
    let status = |name| count(object, &["status", name]);
    let (updated, wanted) = (status("updatedNumberScheduled"), status("desiredNumberScheduled"));
    let available = status("numberAvailable");
    let name = object.name();
    if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        let message = format!("daemon set {updated} out of {wanted} new pods have been updated");
        return Health::new(Status::Healthy, message);
    }
    if updated < wanted {
        return progressing(format!(
            "Waiting for daemon set {name:?} rollout to finish: {updated} out of {wanted} new pods have been updated..."
        ));
    }
    if available < wanted {
        return progressing(format!(
            "Waiting for daemon set {name:?} rollout to finish: {available} of {wanted} updated pods are available..."
        ));
    }
    Health::new(Status::Healthy, "")
}

pub(crate) fn stateful_set(object: &Object) -> Health {
    if count(object, &["status", "observedGeneration"]) == 0 || !observed(object) {
        return progressing("Waiting for statefulset spec update to be observed...".to_owned());
    }
    let status = |name| count(object, &["status", name]);
    let (ready, updated) = (status("readyReplicas"), status("updatedReplicas"));
    let wanted = number(object, &["spec", "replicas"]);
    if let Some(missing) = wanted.filter(|wanted| ready < *wanted) {
        return progressing(format!("Waiting for {} pods to be ready...", missing.saturating_sub(ready)));
    }
    let strategy = text(object, &["spec", "updateStrategy", "type"]);
    let rolling = crate::read::at(object, &["spec", "updateStrategy", "rollingUpdate"]);
    if strategy == "RollingUpdate" && rolling.is_some() {
        let partition = number(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]);
        if let Some(target) =
            wanted.zip(partition).map(|(wanted, partition)| wanted.saturating_sub(partition))
            && updated < target
        {
            return progressing(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {target} new pods have been updated..."
            ));
        }
        let message = format!("partitioned roll out complete: {updated} new pods have been updated...");
        return Health::new(Status::Healthy, message);
    }
    if strategy == "OnDelete" {
        return Health::new(Status::Healthy, format!("statefulset has {ready} ready pods"));
    }
    let (update, current) =
        (text(object, &["status", "updateRevision"]), text(object, &["status", "currentRevision"]));
    if update != current {
        return progressing(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {update}..."
        ));
    }
    let pods = status("currentReplicas");
    let message = format!("statefulset rolling update complete {pods} pods at revision {current}...");
    Health::new(Status::Healthy, message)
}

fn not_observed(what: &str) -> String {
    format!("Waiting for rollout to finish: observed {what} generation less than desired generation")
}
