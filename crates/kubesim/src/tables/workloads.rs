//! What runs pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, age::human, age::since, containers, list, name, number, or, selector, text};

pub(super) const DEPLOYMENT: &[&str] =
    &["Name", "Ready", "Up-to-date", "Available", "Age", "Containers*", "Images*", "Selector*"];

pub(super) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    vec![
        name(object),
        json!(format!("{}/{}", number(status, "readyReplicas"), number(spec, "replicas"))),
        json!(number(status, "updatedReplicas")),
        json!(number(status, "availableReplicas")),
        age(object, now),
        names,
        images,
        selector(&spec["selector"]),
    ]
}

pub(super) const REPLICA_SET: &[&str] =
    &["Name", "Desired#", "Current#", "Ready#", "Age", "Containers*", "Images*", "Selector*"];

pub(super) fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    vec![
        name(object),
        json!(number(spec, "replicas")),
        json!(number(status, "replicas")),
        json!(number(status, "readyReplicas")),
        age(object, now),
        names,
        images,
        selector(&spec["selector"]),
    ]
}

pub(super) const STATEFUL_SET: &[&str] = &["Name", "Ready", "Age", "Containers*", "Images*"];

pub(super) fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    let ready = format!("{}/{}", number(status, "readyReplicas"), number(spec, "replicas"));
    vec![name(object), json!(ready), age(object, now), names, images]
}

pub(super) const DAEMON_SET: &[&str] = &[
    "Name",
    "Desired#",
    "Current#",
    "Ready#",
    "Up-to-date#",
    "Available#",
    "Node Selector",
    "Age",
    "Containers*",
    "Images*",
    "Selector*",
];

pub(super) fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    let nodes =
        crate::scale::selector_text(&json!({"matchLabels": spec["template"]["spec"]["nodeSelector"]}));
    vec![
        name(object),
        json!(number(status, "desiredNumberScheduled")),
        json!(number(status, "currentNumberScheduled")),
        json!(number(status, "numberReady")),
        json!(number(status, "updatedNumberScheduled")),
        json!(number(status, "numberAvailable")),
        json!(or(nodes, "<none>")),
        age(object, now),
        names,
        images,
        selector(&spec["selector"]),
    ]
}

pub(super) const JOB: &[&str] =
    &["Name", "Status", "Completions", "Duration", "Age", "Containers*", "Images*", "Selector*"];

pub(super) fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    let done = number(status, "succeeded");
    let completions = match (spec["completions"].as_i64(), number(spec, "parallelism")) {
        (Some(wanted), _) => format!("{done}/{wanted}"),
        (None, parallel) if parallel > 1 => format!("{done}/1 of {parallel}"),
        (None, _) => format!("{done}/1"),
    };
    let seconds = |field: &str| {
        status[field].as_str().and_then(|t| t.parse::<Timestamp>().ok()).map(Timestamp::as_second)
    };
    let duration = match (seconds("startTime"), seconds("completionTime")) {
        (None, _) => String::new(),
        (Some(start), None) => human(now.as_second() - start),
        (Some(start), Some(end)) => human(end - start),
    };
    let has =
        |kind: &str| list(status, "conditions").iter().any(|c| c["type"] == kind && c["status"] == "True");
    let word = if has("Complete") {
        "Complete"
    } else if has("Failed") {
        "Failed"
    } else if object["metadata"]["deletionTimestamp"].is_string() {
        "Terminating"
    } else if has("Suspended") {
        "Suspended"
    } else if has("FailureTarget") {
        "FailureTarget"
    } else if has("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    vec![
        name(object),
        json!(word),
        json!(completions),
        json!(duration),
        age(object, now),
        names,
        images,
        selector(&spec["selector"]),
    ]
}

pub(super) const CRON_JOB: &[&str] = &[
    "Name",
    "Schedule",
    "Timezone",
    "Suspend?",
    "Active#",
    "Last Schedule",
    "Age",
    "Containers*",
    "Images*",
    "Selector*",
];

pub(super) fn cron_job(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["jobTemplate"]["spec"]["template"]);
    let last = &status["lastScheduleTime"];
    vec![
        name(object),
        json!(text(spec, "schedule")),
        json!(or(text(spec, "timeZone"), "<none>")),
        json!(if spec["suspend"] == true { "True" } else { "False" }),
        json!(list(status, "active").len()),
        json!(if last.is_string() { since(last, now) } else { "<none>".to_owned() }),
        age(object, now),
        names,
        images,
        selector(&spec["jobTemplate"]["spec"]["selector"]),
    ]
}

pub(super) const REVISION: &[&str] = &["Name", "Controller", "Revision#", "Age"];

pub(super) fn revision(object: &Value, now: Timestamp) -> Vec<Value> {
    let owner = list(&object["metadata"], "ownerReferences").iter().find(|o| o["controller"] == true);
    let owner = owner.map_or_else(
        || "<none>".to_owned(),
        |o| {
            let version = text(o, "apiVersion");
            let group = version.split_once('/').map_or(String::new(), |(group, _)| format!(".{group}"));
            format!("{}{group}/{}", text(o, "kind").to_lowercase(), text(o, "name"))
        },
    );
    vec![name(object), json!(owner), json!(number(object, "revision")), age(object, now)]
}

pub(super) const AUTOSCALER: &[&str] =
    &["Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"];

pub(super) fn autoscaler(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let target = &spec["scaleTargetRef"];
    let targets: Vec<String> = list(spec, "metrics")
        .iter()
        .filter_map(|metric| {
            let resource = &metric["resource"];
            let wanted = resource["target"]["averageUtilization"].as_i64()?;
            Some(format!("{}: <unknown>/{wanted}%", text(resource, "name")))
        })
        .collect();
    vec![
        name(object),
        json!(format!("{}/{}", text(target, "kind"), text(target, "name"))),
        json!(or(targets.join(", "), "<none>")),
        json!(spec["minReplicas"].as_i64().map_or_else(|| "<unset>".to_owned(), |n| n.to_string())),
        json!(number(spec, "maxReplicas")),
        json!(number(status, "currentReplicas")),
        age(object, now),
    ]
}

pub(super) const BUDGET: &[&str] =
    &["Name", "Min Available", "Max Unavailable", "Allowed Disruptions#", "Age"];

pub(super) fn budget(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let amount = |field: &str| match &spec[field] {
        Value::Null => "N/A".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    vec![
        name(object),
        json!(amount("minAvailable")),
        json!(amount("maxUnavailable")),
        json!(number(&object["status"], "disruptionsAllowed")),
        age(object, now),
    ]
}
