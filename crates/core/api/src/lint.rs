//! Fields that nobody reads, found and explained.

use std::fmt;
use std::sync::LazyLock;

use serde_json::Value;

use crate::parse::to_value;
use crate::schema::schema_of;
use crate::{AppProjectSpec, ApplicationSpec};

/// Most fields that are named; the rest is counted by nobody.
const MOST_FIELDS: usize = 20;
/// Longest name that is compared with the known ones, in characters.
const LONGEST_NAME: usize = 64;

/// A field that is not in the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// Where, as in `spec.sources[1].helm.valueFile`.
    pub path: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown field {}", self.path)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, ": {hint}"))
    }
}

static APPLICATION: LazyLock<Value> = LazyLock::new(schema_of::<ApplicationSpec>);
static APP_PROJECT: LazyLock<Value> = LazyLock::new(schema_of::<AppProjectSpec>);

/// The unknown fields of an Application's specification, at most 20, in the order of their paths.
/// The peer drops them in silence when they are written; we keep them, and warn.
pub fn unknown_fields(spec: &ApplicationSpec) -> Vec<UnknownField> {
    find(&to_value(spec), &APPLICATION)
}

/// The unknown fields of an AppProject's specification, likewise.
pub fn unknown_project_fields(spec: &AppProjectSpec) -> Vec<UnknownField> {
    find(&to_value(spec), &APP_PROJECT)
}

fn find(spec: &Value, schema: &Value) -> Vec<UnknownField> {
    let mut found = Vec::new();
    walk(spec, schema, "spec", &mut found);
    found.truncate(MOST_FIELDS);
    found
}

/// Depth is that of the schema: what is below an unknown field is not looked at.
fn walk(value: &Value, schema: &Value, path: &str, found: &mut Vec<UnknownField>) {
    if found.len() >= MOST_FIELDS {
        return;
    }
    match value {
        Value::Object(map) => {
            let Some(known) = schema.get("properties").and_then(Value::as_object) else { return };
            for (name, value) in map {
                let path = format!("{path}.{name}");
                match known.get(name) {
                    Some(schema) => walk(value, schema, &path, found),
                    None => found.push(UnknownField { hint: hint(name, known.keys()), path }),
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (index, item) in items.iter().enumerate() {
                walk(item, schema, &format!("{path}[{index}]"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn hint<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    if matches!(name, "notification" | "notifications") {
        return Some(
            "notifications are subscribed to by annotations, as in \
             notifications.argoproj.io/subscribe.on-sync-failed.slack: my-channel"
                .to_owned(),
        );
    }
    nearest(name, known.map(String::as_str)).map(|candidate| format!("did you mean {candidate}?"))
}

/// The one of these names that was meant, most likely, whatever its case; none where all are far away.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .map(|candidate| (edit_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).clamp(1, 3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements between two names.
pub(crate) fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    if left.chars().count() > LONGEST_NAME || right.len() > LONGEST_NAME {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (r, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = *cell;
            before = replaced.min(before + 1).min(*cell + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Application;

    #[expect(clippy::needless_pass_by_value, reason = "JSON literals read better by value")]
    fn lint(spec: Value) -> Vec<String> {
        let application =
            Application::from_value(json!({"metadata": {"name": "web"}, "spec": spec})).unwrap();
        unknown_fields(&application.spec).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn unknown_fields_are_named_with_what_was_meant() {
        let notification = "notifications are subscribed to by annotations, as in \
            notifications.argoproj.io/subscribe.on-sync-failed.slack: my-channel";
        for (spec, expected) in [
            (json!({"project": "a", "destination": {"namespace": "b"}}), vec![]),
            (
                json!({"notification": {"webhook": []}}),
                vec![format!("unknown field spec.notification: {notification}")],
            ),
            (
                json!({"syncPolicy": {"notification": {"webhook": []}}}),
                vec![format!("unknown field spec.syncPolicy.notification: {notification}")],
            ),
            (
                json!({"syncPolicy": {"automated": {"selfheal": true}}}),
                vec!["unknown field spec.syncPolicy.automated.selfheal: did you mean selfHeal?".to_owned()],
            ),
            (
                json!({"sources": [{}, {"helm": {"valueFile": ["a"]}}]}),
                vec!["unknown field spec.sources[1].helm.valueFile: did you mean valueFiles?".to_owned()],
            ),
            (
                json!({"source": {"repoUrl": "x"}}),
                vec!["unknown field spec.source.repoUrl: did you mean repoURL?".to_owned()],
            ),
            (json!({"colour": "blue"}), vec!["unknown field spec.colour".to_owned()]),
            (
                json!({"source": {"helm": {"valuesObject": {"anything": {"goes": 1}}}, "kustomize": {"commonLabels": {"a": "b"}}}}),
                vec![],
            ),
        ] {
            assert_eq!(lint(spec.clone()), expected, "{spec}");
        }
    }

    #[test]
    fn a_flood_of_unknown_fields_is_cut() {
        let many: serde_json::Map<_, _> = (0..10_000).map(|i| (format!("field{i}"), json!(1))).collect();
        assert_eq!(lint(Value::Object(many)).len(), MOST_FIELDS);
    }

    #[test]
    fn distances() {
        for (left, right, distance) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("abc", "acb", 2)]
        {
            assert_eq!(edit_distance(left, right), distance, "{left} {right}");
        }
    }
}
