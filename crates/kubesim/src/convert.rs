//! Kinds that are served in several versions and stored in one.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{registry::Kind, store::Stored};

/// An object in the version that is asked for.
pub(crate) fn read(kind: &Kind, stored: &Stored) -> Value {
    let mut object = from_hub(kind, stored.object());
    object.insert("apiVersion".to_owned(), json!(kind.api_version()));
    object.insert("kind".to_owned(), json!(kind.kind));
    Value::Object(object)
}

/// The stored form of an object in the version of `kind`.
pub(crate) fn store(kind: &Kind, object: Value) -> Map<String, Value> {
    let Value::Object(map) = object else { return Map::new() };
    match face(kind) {
        Face::Hub => map,
        Face::EventsV1 => events_to_core(map),
        Face::AutoscalerV1 => autoscaler_to_v2(map),
    }
}

/// The object's JSON as chunks, without copying it where it can be helped.
pub(crate) fn chunks(kind: &Kind, stored: &Arc<Stored>) -> [Bytes; 2] {
    match face(kind) {
        Face::Hub => [prefix(kind), stored.rest()],
        Face::EventsV1 | Face::AutoscalerV1 => [read(kind, stored).to_string().into(), Bytes::new()],
    }
}

/// An item of a list: those of built-in kinds name no kind.
pub(crate) fn item(kind: &Kind, stored: &Arc<Stored>) -> [Bytes; 2] {
    match face(kind) {
        Face::Hub if kind.custom.is_none() => [stored.bare(), Bytes::new()],
        Face::Hub => chunks(kind, stored),
        Face::EventsV1 | Face::AutoscalerV1 => {
            [Value::Object(from_hub(kind, stored.object())).to_string().into(), Bytes::new()]
        }
    }
}

/// `{"kind":…,"apiVersion":…,`, behind which goes [`Stored::rest`].
fn prefix(kind: &Kind) -> Bytes {
    format!("{{\"kind\":{:?},\"apiVersion\":{:?},", kind.kind, kind.api_version()).into()
}

/// Whether a kind is served in another form than it is stored in.
pub(crate) fn is_face(kind: &Kind) -> bool {
    !matches!(face(kind), Face::Hub)
}

enum Face {
    Hub,
    EventsV1,
    AutoscalerV1,
}

fn face(kind: &Kind) -> Face {
    match (kind.group.as_str(), kind.version.as_str(), kind.plural.as_str()) {
        ("events.k8s.io", _, "events") => Face::EventsV1,
        ("autoscaling", "v1", "horizontalpodautoscalers") => Face::AutoscalerV1,
        _ => Face::Hub,
    }
}

fn from_hub(kind: &Kind, map: Map<String, Value>) -> Map<String, Value> {
    match face(kind) {
        Face::Hub => map,
        Face::EventsV1 => events_from_core(map),
        Face::AutoscalerV1 => autoscaler_from_v2(map),
    }
}

/// Core events' names of fields and those of `events.k8s.io/v1`.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn rename(
    mut map: Map<String, Value>,
    names: impl Iterator<Item = (&'static str, &'static str)>,
) -> Map<String, Value> {
    for (from, to) in names {
        if let Some(value) = map.remove(from) {
            map.insert(to.to_owned(), value);
        }
    }
    map
}

fn events_from_core(map: Map<String, Value>) -> Map<String, Value> {
    let mut map = rename(map, EVENT_FIELDS.into_iter());
    map.retain(|field, value| !(field.starts_with("reporting") && value == ""));
    map
}

fn events_to_core(map: Map<String, Value>) -> Map<String, Value> {
    rename(map, EVENT_FIELDS.into_iter().map(|(core, new)| (new, core)))
}

/// The annotation in which v1 shows the metrics that it has no field for.
const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";

fn autoscaler_from_v2(mut map: Map<String, Value>) -> Map<String, Value> {
    let is_cpu =
        |m: &Value| m["resource"]["name"] == "cpu" && m["resource"]["target"]["type"] == "Utilization";
    if let Some(Value::Object(spec)) = map.get_mut("spec") {
        spec.remove("behavior");
        if let Some(Value::Array(mut metrics)) = spec.remove("metrics") {
            if let Some(at) = metrics.iter().position(is_cpu) {
                let cpu = metrics.remove(at);
                let target = cpu["resource"]["target"]["averageUtilization"].clone();
                spec.insert("targetCPUUtilizationPercentage".to_owned(), target);
            }
            if !metrics.is_empty() {
                map["metadata"]["annotations"][METRICS] = json!(Value::Array(metrics).to_string());
            }
        }
    }
    if let Some(Value::Object(status)) = map.get_mut("status") {
        status.remove("conditions");
        status.entry("currentReplicas").or_insert(json!(0));
        if let Some(Value::Array(metrics)) = status.remove("currentMetrics") {
            let cpu = metrics.iter().find(|m| m["resource"]["name"] == "cpu");
            if let Some(current) = cpu.and_then(|m| m["resource"]["current"].get("averageUtilization")) {
                status.insert("currentCPUUtilizationPercentage".to_owned(), current.clone());
            }
        }
    }
    map
}

fn autoscaler_to_v2(mut map: Map<String, Value>) -> Map<String, Value> {
    let kept = map.get_mut("metadata").and_then(|m| m.get_mut("annotations")).and_then(Value::as_object_mut);
    let kept = kept.and_then(|annotations| annotations.remove(METRICS));
    let mut metrics: Vec<Value> =
        kept.and_then(|text| serde_json::from_str(text.as_str()?).ok()).unwrap_or_default();
    if let Some(Value::Object(spec)) = map.get_mut("spec") {
        if let Some(percent) = spec.remove("targetCPUUtilizationPercentage") {
            metrics.insert(
                0,
                json!({"type": "Resource", "resource": {"name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": percent}}}),
            );
        }
        if !metrics.is_empty() {
            spec.insert("metrics".to_owned(), Value::Array(metrics));
        }
    }
    if let Some(Value::Object(status)) = map.get_mut("status")
        && let Some(percent) = status.remove("currentCPUUtilizationPercentage")
    {
        let current = json!([{"type": "Resource", "resource": {"name": "cpu",
            "current": {"averageUtilization": percent, "averageValue": "0"}}}]);
        status.insert("currentMetrics".to_owned(), current);
    }
    map
}
