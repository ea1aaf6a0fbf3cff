//! Takes out of an answer what differs from run to run: ids, versions, times, addresses, random names.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// A pattern that is known to be good.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant that the tests compile")
}

static UID: LazyLock<Regex> =
    LazyLock::new(|| pattern("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
static TIME: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"));
static MADE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bmade-[bcdfghjklmnpqrstvwxz2456789]{5}\b"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^10\.\d+\.\d+\.\d+$"));
static AGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d+(s|ms|m\d*s?)$"));
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"in record \(\d+\)|\\?"resourceVersion\\?":\\?"\d+\\?"|resourceVersion: \d+|current: \d+"#)
});

/// The answer without what is bound to differ.
pub fn normal(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            unordered_message(&mut map);
            let fields = map.into_iter().filter(|(key, _)| key != "storageVersionHash");
            Value::Object(fields.map(|(key, value)| (text(&key), field(&key, value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(normal).collect()),
        Value::String(content) => Value::String(text(&content)),
        other => other,
    }
}

fn field(key: &str, value: Value) -> Value {
    match (key, &value) {
        ("resourceVersion", Value::String(s)) if !s.is_empty() => "<version>".into(),
        ("continue", Value::String(s)) if !s.is_empty() => "<token>".into(),
        ("nodePort" | "healthCheckNodePort", Value::Number(_)) => "<port>".into(),
        ("cells", Value::Array(cells)) => cells.iter().map(cell).collect(),
        // Sorted by time, which is the same or not from run to run; causes come in the order of Go's maps.
        ("managedFields" | "causes", Value::Array(_)) => sorted(normal(value)),
        _ => normal(value),
    }
}

fn sorted(mut list: Value) -> Value {
    if let Some(items) = list.as_array_mut() {
        items.sort_by_key(Value::to_string);
    }
    list
}

/// The message of a Status with several causes repeats them, in a random order.
fn unordered_message(status: &mut serde_json::Map<String, Value>) {
    let causes = status.get("details").and_then(|d| d.get("causes")).and_then(Value::as_array);
    if causes.is_some_and(|causes| causes.len() > 1)
        && let Some(Value::String(message)) = status.get_mut("message")
        && let Some((subject, _)) = message.split_once(": [")
    {
        *message = format!("{subject}: <causes>");
    }
}

fn cell(value: &Value) -> Value {
    match value {
        Value::String(content) if AGE.is_match(content) => "<age>".into(),
        other => normal(other.clone()),
    }
}

fn text(content: &str) -> String {
    if ADDRESS.is_match(content) {
        return "<address>".to_owned();
    }
    let content = UID.replace_all(content, "<uid>");
    let content = TIME.replace_all(&content, "<time>");
    let content = MADE.replace_all(&content, "made-<random>");
    VERSION.replace_all(&content, "<version>").into_owned()
}

/// Where two answers differ: JSON pointer, what was wanted, what came.
pub fn differences(wanted: &Value, came: &Value) -> Vec<(String, Value, Value)> {
    let mut found = Vec::new();
    compare(String::new(), wanted, came, &mut found);
    found
}

fn compare(at: String, wanted: &Value, came: &Value, found: &mut Vec<(String, Value, Value)>) {
    match (wanted, came) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> =
                a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).collect();
            keys.sort();
            for key in keys {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => compare(at, a, b, found),
                    (a, b) => {
                        let or_absent = |v: Option<&Value>| v.cloned().unwrap_or_else(|| "(absent)".into());
                        found.push((at, or_absent(a), or_absent(b)));
                    }
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                compare(format!("{at}/{i}"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push((at, a.clone(), b.clone())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn takes_out_what_differs_from_run_to_run() {
        let answer = json!({"metadata": {"uid": "0a1b2c3d-0000-1111-2222-333344445555", "resourceVersion": "17",
            "creationTimestamp": "2026-01-01T00:00:00Z", "name": "made-x7k2q"},
            "spec": {"clusterIP": "10.96.3.4", "ports": [{"nodePort": 31234, "port": 80}]},
            "message": "resourceVersion: 3, {\"resourceVersion\":\"4\"}, \"{\\\"resourceVersion\\\":\\\"5\\\"}\"",
            "rows": [{"cells": ["a", "2m5s", 3]}]});
        let wanted = json!({"metadata": {"uid": "<uid>", "resourceVersion": "<version>",
            "creationTimestamp": "<time>", "name": "made-<random>"},
            "spec": {"clusterIP": "<address>", "ports": [{"nodePort": "<port>", "port": 80}]},
            "message": "<version>, {<version>}, \"{<version>}\"",
            "rows": [{"cells": ["a", "<age>", 3]}]});
        assert_eq!(normal(answer), wanted);
    }

    #[test]
    fn finds_differences_by_path() {
        let found = differences(&json!({"a": [1, 2], "b": {"c/d": 1}}), &json!({"a": [1, 3], "e": null}));
        let paths: Vec<_> = found.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(paths, ["/a/1", "/b", "/e"]);
    }
}
