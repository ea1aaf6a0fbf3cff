//! Whether two values mean the same although they are written differently.

use resource::GroupKind;
use serde_json::Value;

use crate::quantity::{duration, quantity};
use crate::rules::KnownTypeField;

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Same {
    /// For certain.
    Yes,
    /// Only the server knows: it may normalise or default one into the other.
    Perhaps,
    /// For certain not.
    No,
}

/// What is known of the kind whose values are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind<'a> {
    /// Whether its schema is Kubernetes' own.
    pub(crate) built_in: bool,
    /// Its `knownTypeFields`.
    pub(crate) known: &'a [KnownTypeField],
}

impl<'a> Kind<'a> {
    pub(crate) fn new(kind: &GroupKind, known: &'a [KnownTypeField]) -> Self {
        let group = kind.group.as_str();
        let built_in = matches!(group, "" | "apps" | "batch" | "autoscaling" | "policy" | "extensions")
            || group.ends_with(".k8s.io");
        Self { built_in, known }
    }

    /// What a text at this place (field names only) is.
    fn format(self, place: &[&str]) -> Format {
        for known in self.known {
            let fields: Vec<&str> = known.field.split('.').collect();
            let Some(rest) = place.strip_prefix(fields.as_slice()) else { continue };
            match known.type_name.rsplit('/').next() {
                Some("Quantity" | "ResourceList") => return Format::Quantity,
                Some("Duration") if rest.is_empty() => return Format::Duration,
                _ if is_quantity(place) => return Format::Quantity,
                _ => {}
            }
        }
        if self.built_in && is_quantity(place) { Format::Quantity } else { Format::Unknown }
    }
}

enum Format {
    Quantity,
    Duration,
    Unknown,
}

/// The places at which Kubernetes' own types have quantities, by their last field names.
fn is_quantity(place: &[&str]) -> bool {
    matches!(
        place,
        [.., "resources", "limits" | "requests", _]
            | [.., "sizeLimit" | "divisor" | "averageValue"]
            | [.., "target", "value"]
            | [.., "overhead" | "podFixed", _]
            | ["spec", "hard" | "capacity", _]
            | [.., "limits", "max" | "min" | "default" | "defaultRequest" | "maxLimitRequestRatio", _]
    )
}

/// Compares a value of git with one of the cluster. `place` holds the names of the fields above them, lists left out.
pub(crate) fn same<'a>(
    desired: &'a Value,
    live: &'a Value,
    place: &mut Vec<&'a str>,
    kind: Kind<'_>,
) -> Same {
    if merge::equal(desired, live) || (is_empty(desired) && is_empty(live)) {
        return Same::Yes;
    }
    match (desired, live) {
        (Value::Object(wanted), Value::Object(has)) => {
            let mut answer = Same::Yes;
            for (name, wanted) in wanted {
                place.push(name);
                answer = answer.max(match has.get(name) {
                    Some(has) => same(wanted, has, place, kind),
                    None => absent(wanted, place, kind),
                });
                place.pop();
            }
            // The server may have added what git leaves out.
            let extra = has.iter().filter(|(name, _)| !wanted.contains_key(*name));
            let added = extra
                .into_iter()
                .any(|(name, value)| !is_default(place, name, value) && !dropped(value, name, kind));
            if added { answer.max(Same::Perhaps) } else { answer }
        }
        (Value::Array(wanted), Value::Array(has)) if wanted.len() == has.len() => {
            let items = wanted.iter().zip(has);
            items.map(|(wanted, has)| same(wanted, has, place, kind)).max().unwrap_or(Same::Yes)
        }
        (Value::Array(_), Value::Array(_)) => Same::No,
        (Value::Null, _) => Same::Perhaps,
        _ => scalars(desired, live, place, kind),
    }
}

/// A value of git that the cluster does not have, at this place.
pub(crate) fn absent(desired: &Value, place: &[&str], kind: Kind<'_>) -> Same {
    match desired {
        desired if dropped(desired, place.last().copied().unwrap_or_default(), kind) => Same::Yes,
        desired if is_empty(desired) => Same::Perhaps,
        _ => Same::No,
    }
}

/// Whether the server does not keep such a value. An empty list is dropped where the type is Kubernetes' own; an empty
/// map only where it is a map of names, since an empty struct says something: `emptyDir: {}`, `podSelector: {}`.
fn dropped(value: &Value, name: &str, kind: Kind<'_>) -> bool {
    const MAPS: [&str; 10] = [
        "annotations",
        "binaryData",
        "data",
        "labels",
        "limits",
        "matchLabels",
        "nodeSelector",
        "overhead",
        "parameters",
        "requests",
    ];
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty() && kind.built_in,
        Value::Object(map) => {
            map.is_empty()
                && (kind.built_in || matches!(name, "annotations" | "labels"))
                && MAPS.contains(&name)
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn scalars(desired: &Value, live: &Value, place: &[&str], kind: Kind<'_>) -> Same {
    let (Some(a), Some(b)) = (text(desired), text(live)) else { return Same::No };
    if quantity(&a).is_some_and(|a| quantity(&b) == Some(a)) {
        return if matches!(kind.format(place), Format::Quantity) { Same::Yes } else { Same::Perhaps };
    }
    if duration(&a).is_some_and(|a| duration(&b) == Some(a)) {
        return if matches!(kind.format(place), Format::Duration) { Same::Yes } else { Same::Perhaps };
    }
    // The same text with and without quotes, and one instant in two zones.
    if a == b || (is_time(&a) && is_time(&b)) { Same::Perhaps } else { Same::No }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 19 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[10] == b'T' && bytes[13] == b':'
}

/// Null, an empty map or an empty list: what the server may leave out.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Defaults inside of maps that are owned as a whole, where a dry run each time would be a waste.
fn is_default(place: &[&str], name: &str, value: &Value) -> bool {
    match (place, name) {
        ([.., "fieldRef"], "apiVersion") => value == "v1",
        ([.., "resourceFieldRef"], "divisor") => value == "0",
        (["spec", "volumeClaimTemplates"], "apiVersion" | "kind" | "status") => true,
        (["spec", "volumeClaimTemplates", "spec"], "volumeMode") => value == "Filesystem",
        (["spec", "ingress" | "egress", "ports"], "protocol") => value == "TCP",
        (["webhooks", "rules"], "scope") => value == "*",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_that_may_mean_the_same() {
        let known = [
            KnownTypeField { field: "spec.pod".into(), type_name: "core/v1/PodSpec".into() },
            KnownTypeField { field: "spec.wait".into(), type_name: "meta/v1/Duration".into() },
        ];
        let own = Kind { built_in: true, known: &[] };
        let foreign = Kind { built_in: false, known: &known };
        let limits = ["resources", "limits", "cpu"];
        for (row, kind, place, desired, live, expected) in [
            ("quantity", own, &limits[..], json!("0.5"), json!("500m"), Same::Yes),
            ("quantity as a number", own, &limits, json!(1), json!("1"), Same::Yes),
            ("another quantity", own, &limits, json!("0.5"), json!("501m"), Same::No),
            ("quantity in a custom kind", foreign, &limits, json!("0.5"), json!("500m"), Same::Perhaps),
            (
                "quantity in a known type",
                foreign,
                &["spec", "pod", "containers", "resources", "limits", "cpu"],
                json!("1Gi"),
                json!(1073741824),
                Same::Yes,
            ),
            ("a label that looks like one", own, &["labels", "v"], json!("1.0"), json!("1"), Same::Perhaps),
            ("duration", foreign, &["spec", "wait"], json!("60s"), json!("1m0s"), Same::Yes),
            ("maybe a duration", own, &["spec", "wait"], json!("60s"), json!("1m0s"), Same::Perhaps),
            ("int or string", own, &["port"], json!("80"), json!(80), Same::Perhaps),
            ("plain texts", own, &["image"], json!("nginx:1"), json!("nginx:2"), Same::No),
            ("numbers", own, &["replicas"], json!(3), json!(5), Same::No),
            ("one number twice", own, &["replicas"], json!(3), json!(3.0), Same::Yes),
            ("null and a default", own, &["x"], json!(null), json!(1), Same::Perhaps),
            ("null is absent", foreign, &["x"], json!({"b": null}), json!({}), Same::Yes),
            ("empty names are absent", own, &["x"], json!({"labels": {}, "b": []}), json!({}), Same::Yes),
            ("empty lists of custom kinds", foreign, &["x"], json!({"b": []}), json!({}), Same::Perhaps),
            ("an empty struct", own, &["x"], json!({"emptyDir": {}}), json!({}), Same::Perhaps),
            (
                "an empty struct in the cluster",
                own,
                &["x"],
                json!({}),
                json!({"emptyDir": {}}),
                Same::Perhaps,
            ),
            ("a default in a map", own, &["x"], json!({"a": 1}), json!({"a": 1, "b": 2}), Same::Perhaps),
            (
                "a known default",
                own,
                &["fieldRef"],
                json!({"fieldPath": "x"}),
                json!({"fieldPath": "x", "apiVersion": "v1"}),
                Same::Yes,
            ),
            ("lists of another length", own, &["args"], json!(["a"]), json!(["a", "b"]), Same::No),
        ] {
            assert_eq!(same(&desired, &live, &mut place.to_vec(), kind), expected, "{row}");
        }
    }
}
