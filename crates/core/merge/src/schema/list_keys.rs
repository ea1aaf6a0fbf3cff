//! Items of sets and list maps must differ.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::is_standard;
use super::validate::{Violation, bad_value};
use crate::fields_v1::MAX_DEPTH;
use crate::types::{ListKind, View};
use crate::values;

/// Reports each repeated item of a set or list map once, at its second appearance.
///
/// **Source**: apiextensions-apiserver's `listtype`, v1.34: keys that are absent are equal, and defaults do not count.
pub(crate) fn check(
    view: View<'_>,
    value: &Value,
    path: &str,
    violations: &mut Vec<Violation>,
    depth: usize,
) {
    if depth > MAX_DEPTH {
        return;
    }
    let ty = view.get();
    match value {
        Value::Object(entries) => {
            let Some(map) = &ty.map else { return };
            for (name, entry) in entries.iter().filter(|(name, _)| !(ty.embedded && is_standard(name))) {
                let (child, below) = match map.field(name) {
                    Some(field) if path.is_empty() => (field.ty, name.clone()),
                    Some(field) => (field.ty, format!("{path}.{name}")),
                    None => match map.element.filter(|_| !map.implied) {
                        Some(element) => (element, format!("{path}[{name}]")),
                        None => continue,
                    },
                };
                check(view.at(child), entry, &below, violations, depth + 1);
            }
        }
        Value::Array(items) => {
            let Some(list) = &ty.list else { return };
            match &list.kind {
                ListKind::Atomic => {}
                ListKind::Set => repeated(items, path, violations),
                ListKind::Map(keys) => {
                    if let Some(at) = items.iter().position(|item| !item.is_null() && !item.is_object()) {
                        let bad = bad_value(&items[at]);
                        let message =
                            format!("Invalid value: {bad}: must be an object for an array of list-type map");
                        violations.push(Violation { path: format!("{path}[{at}]"), message });
                    } else {
                        let found: Vec<_> = items.iter().map(|item| keys_of(item, keys)).collect();
                        repeated(&found, path, violations);
                    }
                }
            }
            for (index, item) in items.iter().enumerate() {
                check(view.at(list.element), item, &format!("{path}[{index}]"), violations, depth + 1);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn keys_of(item: &Value, keys: &[String]) -> Value {
    let present = keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
    Value::Object(present.collect::<Map<_, _>>())
}

fn repeated(items: &[Value], path: &str, violations: &mut Vec<Violation>) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let times = seen.entry(values::readable(item)).or_insert(0);
        *times += 1;
        if *times == 2 {
            let message = format!("Duplicate value: {}", bad_value(item));
            violations.push(Violation { path: format!("{path}[{index}]"), message });
        }
    }
}
