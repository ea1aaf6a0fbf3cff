//! What belongs to the cluster, and kinds without columns of their own.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, age::since, list, name, number, or, text};

pub(super) const PLAIN: &[&str] = &["Name", "Age"];

pub(super) fn plain(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), age(object, now)]
}

pub(super) const NAMESPACE: &[&str] = &["Name", "Status", "Age"];

pub(super) fn namespace(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(text(&object["status"], "phase")), age(object, now)]
}

pub(super) const NODE: &[&str] = &[
    "Name",
    "Status",
    "Roles",
    "Age",
    "Version",
    "Internal-IP*",
    "External-IP*",
    "OS-Image*",
    "Kernel-Version*",
    "Container-Runtime*",
];

pub(super) fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let ready = list(status, "conditions").iter().find(|c| c["type"] == "Ready");
    let mut words = vec![match ready {
        Some(c) if c["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }];
    if spec["unschedulable"] == true {
        words.push("SchedulingDisabled");
    }
    let labels = object["metadata"]["labels"].as_object();
    let roles: Vec<&str> = labels
        .into_iter()
        .flatten()
        .filter_map(|(label, value)| match label.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => Some(role),
            _ if label == "kubernetes.io/role" => value.as_str(),
            _ => None,
        })
        .collect();
    let address = |kind: &str| {
        let found = list(status, "addresses").iter().find(|a| a["type"] == kind);
        json!(found.map_or_else(|| "<none>".to_owned(), |a| text(a, "address")))
    };
    let info = &status["nodeInfo"];
    let known = |field: &str| json!(or(text(info, field), "<unknown>"));
    vec![
        name(object),
        json!(words.join(",")),
        json!(or(roles.join(","), "<none>")),
        age(object, now),
        json!(text(info, "kubeletVersion")),
        address("InternalIP"),
        address("ExternalIP"),
        known("osImage"),
        known("kernelVersion"),
        known("containerRuntimeVersion"),
    ]
}

pub(super) const EVENT: &[&str] = &[
    "Last Seen",
    "Type",
    "Reason",
    "Object",
    "Subobject*",
    "Source*",
    "Message",
    "First Seen*",
    "Count*",
    "Name!*",
];

pub(super) fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let either = |a: &str, b: &str| if object[a].is_null() { object[b].clone() } else { object[a].clone() };
    let about = either("involvedObject", "regarding");
    let source = either("source", "deprecatedSource");
    let first = either("firstTimestamp", "deprecatedFirstTimestamp");
    let last = either("lastTimestamp", "deprecatedLastTimestamp");
    let time = &object["eventTime"];
    let shown = |stamp: &Value| since(if stamp.is_string() { stamp } else { time }, now);
    let count = either("count", "deprecatedCount").as_i64().unwrap_or(1).max(1);
    let from = match (text(&source, "component"), text(&source, "host")) {
        (component, host) if host.is_empty() => or(component, &text(object, "reportingComponent")),
        (component, host) => format!("{component}, {host}"),
    };
    let message = either("message", "note").as_str().unwrap_or_default().trim().to_owned();
    vec![
        json!(shown(&last)),
        json!(text(object, "type")),
        json!(text(object, "reason")),
        json!(format!("{}/{}", text(&about, "kind").to_lowercase(), text(&about, "name"))),
        json!(text(&about, "fieldPath")),
        json!(from),
        json!(message),
        json!(shown(&first)),
        json!(count),
        name(object),
    ]
}

pub(super) const LEASE: &[&str] = &["Name", "Holder", "Age"];

pub(super) fn lease(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(text(&object["spec"], "holderIdentity")), age(object, now)]
}

pub(super) const PRIORITY: &[&str] = &["Name", "Value#", "Global-Default?", "Age", "PreemptionPolicy"];

pub(super) fn priority(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        json!(number(object, "value")),
        json!(object["globalDefault"] == true),
        age(object, now),
        json!(text(object, "preemptionPolicy")),
    ]
}

pub(super) const DEFINITION: &[&str] = &["Name", "Created At@"];

pub(super) fn definition(object: &Value, _now: Timestamp) -> Vec<Value> {
    vec![name(object), object["metadata"]["creationTimestamp"].clone()]
}

pub(super) const API_SERVICE: &[&str] = &["Name", "Service", "Available", "Age"];

pub(super) fn api_service(object: &Value, now: Timestamp) -> Vec<Value> {
    let service = &object["spec"]["service"];
    let service = if service.is_object() {
        format!("{}/{}", text(service, "namespace"), text(service, "name"))
    } else {
        "Local".to_owned()
    };
    let available = list(&object["status"], "conditions").iter().find(|c| c["type"] == "Available");
    let available = available.map_or_else(|| "Unknown".to_owned(), |c| text(c, "status"));
    vec![name(object), json!(service), json!(available), age(object, now)]
}
