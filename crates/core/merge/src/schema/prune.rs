//! Dropping what the schema does not name.

use std::fmt::Write as _;

use serde_json::Value;

use super::is_standard;
use crate::fields_v1::MAX_DEPTH;
use crate::types::{DEDUCED, TypeRef, UNTYPED_ATOMIC, View};

/// Drops the fields that the schema does not name and returns their paths, sorted: `spec.ports[0].nmae`. Below
/// `x-kubernetes-preserve-unknown-fields` only declared fields are looked into.
///
/// **Source**: apiextensions-apiserver's `pruning`, v1.34. For built-in types it tells what strict field validation
/// would call unknown.
pub fn prune(ty: &TypeRef, value: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    prune_value(Some(ty.view()), value, &mut String::new(), &mut unknown, 0);
    unknown.sort();
    unknown
}

/// Without a type every field is unknown.
fn prune_value(
    view: Option<View<'_>>,
    value: &mut Value,
    path: &mut String,
    unknown: &mut Vec<String>,
    depth: usize,
) {
    if depth > MAX_DEPTH {
        return;
    }
    let ty = view.map(View::get);
    let preserves = ty.is_some_and(|ty| ty.preserve_unknown);
    let builtin = view.is_some_and(View::is_builtin);
    let length = path.len();
    match value {
        Value::Object(entries) => entries.retain(|name, value| {
            if ty.is_some_and(|ty| ty.embedded) && is_standard(name) {
                return true;
            }
            let map = ty.and_then(|ty| ty.map.as_ref());
            let declared = map.and_then(|map| map.field(name)).map(|field| field.ty);
            let entry = declared.or_else(|| map.filter(|map| !map.implied).and_then(|map| map.element));
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            let kept = match entry {
                Some(id) => {
                    // `additionalProperties: true` names no schema for its entries.
                    let bare = id == DEDUCED && !builtin;
                    let child = view.filter(|_| !bare || preserves).map(|view| view.at(id));
                    prune_value(child, value, path, unknown, depth + 1);
                    true
                }
                None if preserves => true,
                None => {
                    unknown.push(path.clone());
                    false
                }
            };
            path.truncate(length);
            kept
        }),
        Value::Array(items) => {
            let element = ty.and_then(|ty| ty.list.as_ref()).map(|list| list.element);
            let declared = element.filter(|element| preserves || builtin || *element != UNTYPED_ATOMIC);
            let child = view.and_then(|view| declared.map(|element| view.at(element)));
            if preserves && child.is_none() {
                return;
            }
            for (index, item) in items.iter_mut().enumerate() {
                // Writing to a string cannot fail.
                let _infallible = write!(path, "[{index}]");
                prune_value(child, item, path, unknown, depth + 1);
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
