//! Places in an object: how they are written for users, and how they are found.

use std::fmt::Write as _;

use merge::PathElement;
use serde_json::{Map, Value};

/// One step to a value, by position.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Into a map.
    Field(String),
    /// Into a list.
    Index(usize),
}

/// Writes a path for users: `spec.containers[name=web].image`, `metadata.annotations["a.b/c"]`.
pub(crate) fn display(path: &[PathElement]) -> String {
    let mut text = String::new();
    for element in path {
        // Writing to a string cannot fail.
        let _infallible = match element {
            PathElement::Field(name) if plain(name) => {
                let dot = if text.is_empty() { "" } else { "." };
                write!(text, "{dot}{name}")
            }
            PathElement::Field(name) => write!(text, "[{name:?}]"),
            PathElement::Key(keys) => {
                let keys: Vec<String> =
                    keys.iter().map(|(name, value)| format!("{name}={}", bare(value))).collect();
                write!(text, "[{}]", keys.join(","))
            }
            PathElement::Value(value) => write!(text, "[={}]", bare(value)),
            PathElement::Index(index) => write!(text, "[{index}]"),
        };
    }
    text
}

fn plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The value at a path. An item that leaves out a key, because it has a default, is found if it is the only one.
pub(crate) fn find<'a>(value: &'a Value, path: &[PathElement]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, element| child(value, element).map(|(_, child)| child))
}

/// The child that an element names, with its index in a list.
pub(crate) fn child<'a>(value: &'a Value, element: &PathElement) -> Option<(usize, &'a Value)> {
    match (element, value) {
        (PathElement::Field(name), Value::Object(map)) => map.get(name).map(|child| (0, child)),
        (PathElement::Key(keys), Value::Array(items)) => {
            let is = |strict: bool| {
                let mut found = items.iter().enumerate().filter(move |(_, item)| {
                    keys.iter().all(|(name, value)| match item.get(name) {
                        Some(own) => merge::equal(own, value),
                        None => !strict && item.is_object(),
                    })
                });
                let first = found.next();
                if found.next().is_none() { first } else { None }
            };
            is(true).or_else(|| is(false))
        }
        (PathElement::Value(value), Value::Array(items)) => {
            items.iter().enumerate().find(|(_, item)| merge::equal(item, value))
        }
        (PathElement::Index(index), Value::Array(items)) => items.get(*index).map(|item| (*index, item)),
        _ => None,
    }
}

/// The value at a path of positions.
pub(crate) fn at<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.as_object()?.get(name),
        Step::Index(index) => value.as_array()?.get(*index),
    })
}

/// As [`remove`], and a map outside of lists that is left with nothing goes too: on the other side it may never have been.
pub(crate) fn remove_with_parents(value: &mut Value, paths: &[Vec<Step>]) {
    remove(value, paths);
    for path in paths.iter().filter(|path| !path.iter().any(|step| matches!(step, Step::Index(_)))) {
        for length in (1..path.len()).rev() {
            let parent = path[..length].to_vec();
            match at(value, &parent) {
                Some(Value::Object(map)) if map.is_empty() => remove(value, &[parent]),
                _ => break,
            }
        }
    }
}

/// Removes what is at these places, all of them meant in the value as it is now; absent ones are passed over.
pub(crate) fn remove(value: &mut Value, paths: &[Vec<Step>]) {
    let mut paths: Vec<&Vec<Step>> = paths.iter().collect();
    // From the back, so that an index still names its item when its turn comes.
    paths.sort_unstable();
    paths.dedup();
    for path in paths.into_iter().rev() {
        let Some((last, parents)) = path.split_last() else { continue };
        let parent = parents.iter().try_fold(&mut *value, |value, step| match step {
            Step::Field(name) => value.as_object_mut()?.get_mut(name),
            Step::Index(index) => value.as_array_mut()?.get_mut(*index),
        });
        match (parent, last) {
            (Some(Value::Object(map)), Step::Field(name)) => {
                map.remove(name);
            }
            (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
                items.remove(*index);
            }
            _ => {}
        }
    }
}

/// The item of `items` that is the same as `item` to a reader: by its identifying fields, or by value.
pub(crate) fn same_item(items: &[Value], item: &Value) -> Option<usize> {
    match item.as_object().and_then(identity) {
        Some(identity) => items.iter().position(|other| {
            other.as_object().is_some_and(|other| {
                identity.iter().all(|name| match (item.get(*name), other.get(*name)) {
                    (Some(a), Some(b)) => merge::equal(a, b),
                    // A default: `protocol` may be left out.
                    (None, _) | (_, None) => *name != identity[0],
                })
            })
        }),
        None => items.iter().position(|other| merge::equal(other, item)),
    }
}

/// Fields that tell the items of a list apart, in the built-in kinds and in most custom ones.
pub(crate) fn identity(item: &Map<String, Value>) -> Option<&'static [&'static str]> {
    const IDENTITIES: [&[&str]; 10] = [
        &["name"],
        &["containerPort", "protocol"],
        &["port", "protocol"],
        &["mountPath"],
        &["devicePath"],
        &["topologyKey", "whenUnsatisfiable"],
        &["uid"],
        &["type"],
        &["ip"],
        &["key"],
    ];
    IDENTITIES.into_iter().find(|names| names.first().is_some_and(|name| is_scalar(item.get(*name))))
}

fn is_scalar(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::String(_) | Value::Number(_)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_read_well() {
        let field = PathElement::field;
        for (path, expected) in [
            (
                vec![field("spec"), PathElement::key([("name", "web")]), field("image")],
                "spec[name=web].image",
            ),
            (
                vec![field("metadata"), field("annotations"), field("a.b/c")],
                r#"metadata.annotations["a.b/c"]"#,
            ),
            (
                vec![PathElement::Key(
                    [("port".into(), json!(80)), ("protocol".into(), json!("TCP"))].into(),
                )],
                "[port=80,protocol=TCP]",
            ),
            (vec![field("finalizers"), PathElement::Value(json!("x"))], "finalizers[=x]"),
            (vec![field("args"), PathElement::Index(2)], "args[2]"),
        ] {
            assert_eq!(display(&path), expected);
        }
    }

    #[test]
    fn removal_means_the_places_as_they_were() {
        let mut value = json!({"a": [0, 1, 2, 3], "b": {"c": 1}});
        let path = |index| vec![Step::Field("a".into()), Step::Index(index)];
        remove(
            &mut value,
            &[path(1), path(0), path(1), path(9), vec![Step::Field("b".into()), Step::Field("x".into())]],
        );
        assert_eq!(value, json!({"a": [2, 3], "b": {"c": 1}}));
    }
}
