//! What a deletion waits for, for people: objects that were told to go and are still there.

use std::time::Duration;

use jiff::Timestamp;
use resource::Object;
use serde_json::Value;

/// Objects that take no longer to go than this are not worth a word.
const USUAL: Duration = Duration::from_secs(10);
/// How many are named.
const NAMED: usize = 3;

/// What of some objects holds up a deletion.
#[derive(Debug, PartialEq)]
pub(crate) enum Holdup {
    /// Nothing: none of them is on its way out.
    None,
    /// Something, but not for long: so long until it is worth a word.
    Young(Duration),
    /// These, in words.
    Named(String),
}

/// Names the objects that were told to go and are there still, with what holds them and since when.
pub(crate) fn named_holdups<'a>(objects: impl Iterator<Item = &'a Object>, now: Timestamp) -> Holdup {
    let mut late: Vec<(&str, &Object)> = Vec::new();
    let mut youngest: Option<Duration> = None;
    for object in objects {
        let Some(told) = object.deletion_timestamp() else { continue };
        // Of a Pod it is when its grace period ends, which may be to come.
        let age = api::parse_time(told).ok().map(|at| now.duration_since(at));
        let age = age.map_or(USUAL, |age| Duration::try_from(age).unwrap_or_default());
        match USUAL.checked_sub(age).filter(|left| !left.is_zero()) {
            Some(left) => youngest = Some(youngest.map_or(left, |other| other.min(left))),
            None => late.push((told, object)),
        }
    }
    late.sort_by_key(|(told, object)| (*told, object.key()));
    if late.is_empty() {
        return youngest.map_or(Holdup::None, Holdup::Young);
    }
    let mut names: Vec<String> = late.iter().take(NAMED).map(|(told, object)| named(told, object)).collect();
    if late.len() > NAMED {
        names.push(format!("and {} more", late.len() - NAMED));
    }
    Holdup::Named(format!("waiting: {}", names.join("; ")))
}

fn named(told: &str, object: &Object) -> String {
    let mut text = format!("{} is being deleted since {told}", object.key());
    let why: Vec<String> = if object.kind() == "Namespace" { remaining(object) } else { Vec::new() };
    if !why.is_empty() {
        text.push_str(&format!(" and stuck in Terminating: {}", why.join(" ")));
        return text;
    }
    match object.finalizers().as_slice() {
        [] => {}
        ["foregroundDeletion"] => text.push_str(": its dependents go first"),
        [one] => text.push_str(&format!(": its finalizer is {one}")),
        several => text.push_str(&format!(": its finalizers are {}", several.join(", "))),
    }
    text
}

/// What a namespace says about what is left in it.
fn remaining(namespace: &Object) -> Vec<String> {
    let conditions = namespace.as_map().get("status").and_then(|status| status.get("conditions"));
    let conditions = conditions.and_then(Value::as_array).into_iter().flatten();
    let text = |condition: &Value| condition["message"].as_str().map(str::to_owned);
    conditions.filter(|condition| condition["status"] == "True").filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_late_is_named_with_what_holds_it() {
        let object = |kind: &str, name: &str, told: &str, finalizers: Value, status: Value| {
            let mut metadata = json!({"name": name, "namespace": "ns", "finalizers": finalizers});
            if !told.is_empty() {
                metadata["deletionTimestamp"] = json!(told);
            }
            let value = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata, "status": status});
            Object::from_value(value).unwrap()
        };
        let plain =
            |name: &str, told: &str| object("ConfigMap", name, told, json!(["a.example.com/x"]), json!({}));
        let remain = json!({"conditions": [
            {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "all fine"},
            {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: widgets.example.com has 1 resource instances"},
        ]});
        let early = "2024-01-01T00:00:00Z";
        for (reason, objects, expected) in [
            ("nothing goes", vec![plain("a", "")], Ok(Holdup::None)),
            (
                "a moment ago",
                vec![plain("a", "2024-01-01T00:00:56Z")],
                Ok(Holdup::Young(Duration::from_secs(6))),
            ),
            ("to come", vec![plain("a", "2024-01-01T00:01:20Z")], Ok(Holdup::Young(USUAL))),
            (
                "late",
                vec![plain("b", ""), plain("a", early)],
                Err(
                    "waiting: /ConfigMap/ns/a is being deleted since 2024-01-01T00:00:00Z: its finalizer is a.example.com/x",
                ),
            ),
            (
                "its dependents",
                vec![object("ConfigMap", "a", early, json!(["foregroundDeletion"]), json!({}))],
                Err(
                    "waiting: /ConfigMap/ns/a is being deleted since 2024-01-01T00:00:00Z: its dependents go first",
                ),
            ),
            (
                "a namespace that is stuck",
                vec![object("Namespace", "shop", early, json!([]), remain)],
                Err(
                    "waiting: /Namespace/ns/shop is being deleted since 2024-01-01T00:00:00Z and stuck in Terminating: \
                     Some resources are remaining: widgets.example.com has 1 resource instances",
                ),
            ),
        ] {
            let found = named_holdups(objects.iter(), "2024-01-01T00:01:00Z".parse().unwrap());
            let expected = expected.unwrap_or_else(|text| Holdup::Named(text.to_owned()));
            assert_eq!(found, expected, "{reason}");
        }
        let many: Vec<Object> = (0..5).map(|n| plain(&format!("c{n}"), early)).collect();
        let Holdup::Named(text) = named_holdups(many.iter(), "2024-01-01T00:01:00Z".parse().unwrap()) else {
            panic!("they are late")
        };
        assert!(text.ends_with("; and 2 more") && text.contains("c2") && !text.contains("c3"), "{text}");
    }
}
