//! Operators that list their conditions, and policies that list what they found.

use resource::Object;
use serde_json::Value;

use super::{conditions, filled, is};
use crate::read::{at, below, field, items, text};
use crate::{Health, Status};

/// The phase, and the types of all conditions that are False.
pub(super) fn machine_pool(object: &Object, _: &[String]) -> Option<Health> {
    let phase = text(object, &["status", "phase"]);
    let status = match phase {
        "Running" | "Scaling" => Status::Healthy,
        "Failed" | "Unknown" => Status::Degraded,
        _ => Status::Progressing,
    };
    let mut message = if phase.is_empty() { String::new() } else { format!("MachinePool is {phase}") };
    let missing: Vec<String> = conditions(object)
        .iter()
        .filter(|condition| condition.get("type").is_some() && field(condition, "status") == "False")
        .map(|condition| match condition.get("reason").and_then(Value::as_str) {
            Some(reason) => format!("Not {} ({reason})", field(condition, "type")),
            None => format!("Not {}", field(condition, "type")),
        })
        .collect();
    if !missing.is_empty() {
        message.push_str(&format!(": {}", missing.join(", ")));
    }
    Some(Health::new(status, message))
}

/// Degraded where conditions are False with severity Error; the messages follow each other.
pub(super) fn errors_of_conditions(object: &Object, _: &[String]) -> Option<Health> {
    let broken =
        |condition: &&Value| field(condition, "status") == "False" && field(condition, "severity") == "Error";
    let errors = conditions(object).iter().filter(broken).map(|condition| field(condition, "message"));
    let text: String = errors.map(|message| format!("{message} ")).collect();
    (!text.is_empty()).then(|| Health::new(Status::Degraded, text))
}

/// Knative's installers: every type in the first argument must be True; those of the second are not there yet when
/// they are False.
pub(super) fn knative(object: &Object, args: &[String]) -> Option<Health> {
    let [needed, waiting] = args else { return None };
    let name = &object.group_kind().kind;
    let conditions = conditions(object);
    if at(object, &["status", "conditions"]).is_none() {
        return Some(Health::new(Status::Progressing, format!("Waiting for {name}")));
    }
    let list: String = conditions
        .iter()
        .enumerate()
        .map(|(at, c)| format!("{}: {} | {}\n", at + 1, field(c, "type"), field(c, "status")))
        .collect();
    let pending = conditions.iter().any(|condition| match field(condition, "status") {
        "Unknown" => true,
        "False" => waiting.split('|').any(|kind| kind == field(condition, "type")),
        _ => false,
    });
    let all = needed.split('|').all(|kind| conditions.iter().any(|condition| is(condition, kind, "True")));
    Some(match (pending, all) {
        (true, _) => Health::new(Status::Progressing, list),
        (false, true) => Health::new(Status::Healthy, format!("{name} is healthy.")),
        (false, false) => Health::new(Status::Degraded, list),
    })
}

/// OLM: what is wrong wins over what is pending. A manual approval that is waited for is no fault of the installed
/// version.
pub(super) fn subscription(object: &Object, _: &[String]) -> Option<Health> {
    let conditions = conditions(object);
    if at(object, &["status", "conditions"]).is_none() {
        let message = "An install plan for a subscription is pending installation";
        return Some(Health::new(Status::Progressing, message));
    }
    let waits = |condition: &Value| {
        is(condition, "InstallPlanPending", "True") && field(condition, "reason") == "RequiresApproval"
    };
    let by_hand = text(object, &["spec", "installPlanApproval"]) == "Manual"
        && at(object, &["status", "installedCSV"]).is_some()
        && conditions.iter().any(waits);
    let (mut broken, mut pending, mut message) = (false, false, String::new());
    for (at, condition) in conditions.iter().enumerate() {
        let kind = field(condition, "type");
        if by_hand && kind == "InstallPlanPending" {
            continue;
        }
        let status = field(condition, "status");
        message.push_str(&format!("{}: {kind} | {status}\n", at + 1));
        match (kind, status) {
            ("InstallPlanPending", "True") => pending = true,
            ("InstallPlanMissing", _) => {
                broken |= field(condition, "reason") != "ReferencedInstallPlanNotFound";
            }
            ("CatalogSourcesUnhealthy" | "InstallPlanFailed" | "ResolutionFailed", "True") => broken = true,
            _ => {}
        }
    }
    match at(object, &["status", "state"]).and_then(Value::as_str) {
        None => {
            pending = true;
            message.push_str(".status.state not yet known\n");
        }
        Some("UpgradePending") if by_hand => message.push_str(
            ".status.state is 'UpgradePending' (manual InstallPlan approval pending; treated as healthy)\n",
        ),
        Some(state) => {
            pending |= matches!(state, "" | "UpgradeAvailable" | "UpgradePending");
            broken |= state == "UpgradeFailed";
            message.push_str(&format!(".status.state is '{state}'\n"));
        }
    }
    Some(match (broken, pending) {
        (true, _) => Health::new(Status::Degraded, message),
        (false, true) => Health::new(Status::Progressing, message),
        (false, false) => Health::new(Status::Healthy, message),
    })
}

fn compliant(object: &Object) -> Status {
    if text(object, &["status", "compliant"]) == "Compliant" { Status::Healthy } else { Status::Degraded }
}

/// What every template of a configuration policy found, in one sentence.
pub(super) fn compliancy(object: &Object, _: &[String]) -> Option<Health> {
    at(object, &["status", "compliancyDetails"])?;
    let details = items(object, &["status", "compliancyDetails"]).iter();
    let found = details.filter_map(|detail| detail.get("conditions")?.as_array()).flatten();
    let told =
        found.filter(|condition| condition.get("message").is_some() && condition.get("type").is_some());
    let texts: Vec<String> = told
        .map(|condition| format!("{} - {}", field(condition, "type"), field(condition, "message")))
        .collect();
    Some(Health::new(compliant(object), texts.join("; ")))
}

/// Clusters, or templates on one cluster, that do not comply.
pub(super) fn noncompliant(object: &Object, _: &[String]) -> Option<Health> {
    let (what, list, name): (_, _, &[&str]) = if at(object, &["status", "status"]).is_some() {
        ("clusters", "status", &["clustername"])
    } else if at(object, &["status", "details"]).is_some() {
        ("templates", "details", &["templateMeta", "name"])
    } else {
        return Some(Health::new(compliant(object), ""));
    };
    let entries = items(object, &["status", list]).iter();
    let broken = entries.filter(|entry| field(entry, "compliant") != "Compliant");
    let names: Vec<&str> =
        broken.map(|entry| below(entry, name).and_then(Value::as_str).unwrap_or_default()).collect();
    let message = if names.is_empty() {
        format!("All {what} are compliant")
    } else {
        format!("NonCompliant {what}: {}", names.join(", "))
    };
    Some(Health::new(compliant(object), message))
}

/// The text behind a type's state, for messages that list what is not True.
pub(super) fn reason_and_message(condition: &Value) -> String {
    let parts = ["reason", "message"].into_iter().filter_map(|name| filled(condition, name));
    parts.map(|part| format!(" | {part}")).collect()
}
