//! Dropping what the schema does not name.

use std::fmt::Write as _;

use serde_json::Value;

use super::is_standard;
use crate::fields_v1::MAX_DEPTH;
use crate::types::{TypeRef, View};

/// Drops the fields that the schema does not name and returns their paths, sorted: `spec.ports[0].nmae`. Below
/// `x-kubernetes-preserve-unknown-fields` only declared fields are looked into.
///
/// **Source**: apiextensions-apiserver's `pruning`, v1.34. For built-in types it tells what strict field validation
/// would call unknown.
pub fn prune(ty: &TypeRef, value: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    prune_value(ty.view(), value, &mut String::new(), &mut unknown, 0);
    unknown.sort();
    unknown
}

fn prune_value(
    view: View<'_>,
    value: &mut Value,
    path: &mut String,
    unknown: &mut Vec<String>,
    depth: usize,
) {
    if depth > MAX_DEPTH {
        return;
    }
    let ty = view.get();
    let length = path.len();
    match value {
        Value::Object(entries) => entries.retain(|name, value| {
            if ty.embedded && is_standard(name) {
                return true;
            }
            let map = ty.map.as_ref();
            let declared = map.and_then(|map| map.field(name)).map(|field| field.ty);
            let entry = declared.or_else(|| map.filter(|map| !map.implied).and_then(|map| map.element));
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            let kept = match entry {
                Some(id) => {
                    prune_value(view.at(id), value, path, unknown, depth + 1);
                    true
                }
                None if ty.preserve_unknown => true,
                None => {
                    unknown.push(path.clone());
                    false
                }
            };
            path.truncate(length);
            kept
        }),
        Value::Array(items) => {
            let Some(list) = &ty.list else { return };
            for (index, item) in items.iter_mut().enumerate() {
                // Writing to a string cannot fail.
                let _infallible = write!(path, "[{index}]");
                prune_value(view.at(list.element), item, path, unknown, depth + 1);
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
