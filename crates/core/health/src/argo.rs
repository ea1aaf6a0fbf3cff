//! Kinds of the group `argoproj.io`.

use resource::Object;

use crate::kinds::{part, same};
use crate::read::{at, text};
use crate::{Health, Status};

pub(crate) fn workflow(object: &Object) -> Health {
    let status = match text(object, &["status", "phase"]) {
        "" | "Pending" | "Running" => Status::Progressing,
        "Succeeded" => Status::Healthy,
        "Failed" | "Error" => Status::Degraded,
        _ => Status::Unknown,
    };
    Health::new(status, text(object, &["status", "message"]))
}

/// A child application is as healthy as it says itself, once what it says is about the spec that it has now.
///
/// **Source.** The peer has had no health for applications since 1.8, so that waves do not wait for children; users
/// bring it back by a script that copies `status.health`. We do that, and hold the answer against
/// `status.sync.comparedTo`: after a change of source or destination the old answer does not count.
pub(crate) fn application(object: &Object) -> Health {
    let Some(status) = Status::parse(text(object, &["status", "health", "status"])) else {
        return Health::new(Status::Progressing, "Waiting for the application to be compared");
    };
    if stale(object) {
        return Health::new(Status::Progressing, "Waiting for the application's new spec to be compared");
    }
    Health::new(status, text(object, &["status", "health", "message"]))
}

fn stale(object: &Object) -> bool {
    let Some(compared) = at(object, &["status", "sync", "comparedTo"]) else { return false };
    let spec = at(object, &["spec"]);
    // The destination is compared by what the spec says: the peer fills in what it has resolved.
    let destination = part(spec, &["destination"]).and_then(serde_json::Value::as_object);
    let moved = destination.into_iter().flatten().any(|(field, wanted)| {
        let seen = part(Some(compared), &["destination", field]);
        seen.is_some() && !same(Some(wanted), seen)
    });
    let source = ["source", "sources"].iter().any(|field| {
        let hydrated = part(spec, &["sourceHydrator"]).is_some();
        !hydrated && !same(part(spec, &[field]), part(Some(compared), &[field]))
    });
    moved || source
}
