//! Jobs and cron jobs.

use resource::Object;
use serde_json::Value;

use crate::read::{at, field, items, text};
use crate::{Health, Status};

/// **Where we differ.** The peer calls a job done as soon as it has a condition `Suspended`, even one that is `False`
/// because the job was resumed; for us a resumed job is Progressing until it completes or fails.
pub(crate) fn job(object: &Object) -> Health {
    let (mut failure, mut completion, mut suspension) = (None, None, None);
    for condition in items(object, &["status", "conditions"]) {
        let message = field(condition, "message");
        match field(condition, "type") {
            "Failed" => failure = Some(message),
            "Complete" => completion = Some(message),
            "Suspended" if field(condition, "status") == "True" => suspension = Some(message),
            _ => {}
        }
    }
    match (failure, suspension, completion) {
        (Some(message), _, _) => Health::new(Status::Degraded, message),
        (None, Some(message), _) => Health::new(Status::Suspended, message),
        (None, None, Some(message)) => Health::new(Status::Healthy, message),
        (None, None, None) => Health::new(Status::Progressing, ""),
    }
}

/// Times are RFC 3339 in UTC with whole seconds, as the API server writes them, so their texts order as they do.
pub(crate) fn cron_job(object: &Object) -> Health {
    if at(object, &["spec", "suspend"]).and_then(Value::as_bool) == Some(true) {
        // The peer's script says Healthy with these words.
        return Health::new(Status::Healthy, "CronJob is Suspended");
    }
    if at(object, &["status"]).is_none() {
        return Health::new(Status::Progressing, "Waiting for CronJob");
    }
    let scheduled = text(object, &["status", "lastScheduleTime"]);
    let succeeded = text(object, &["status", "lastSuccessfulTime"]);
    let (status, message) = if scheduled.is_empty() {
        (Status::Healthy, "CronJob has not been scheduled yet")
    } else if succeeded.is_empty() {
        (Status::Healthy, "The CronJob never completed successfully. It may not be healthy")
    } else if !items(object, &["status", "active"]).is_empty() {
        (Status::Healthy, "The job is running. Its last execution may not have been successful")
    } else if succeeded < scheduled {
        (Status::Degraded, "CronJob has not completed its last execution successfully")
    } else {
        (Status::Healthy, "CronJob has completed its last execution successfully")
    };
    Health::new(status, message)
}
