//! Defaults from the schema.

use serde_json::{Map, Value};

use super::is_standard;
use crate::fields_v1::MAX_DEPTH;
use crate::types::{TypeRef, View};

/// Fills in the schema's defaults where a field is absent, or null and not nullable; drops nulls that are neither
/// nullable nor defaulted. A default fills in below itself too.
///
/// **Source**: apiextensions-apiserver's `defaulting`, v1.34. Built-in types are left alone: Go code defaults them, and
/// the defaults in their documents are mostly zero values.
pub fn default(ty: &TypeRef, value: &mut Value) {
    if !ty.is_builtin() {
        drop_nulls(ty.view(), value, 0);
        fill(ty.view(), value, 0);
    }
}

/// The same without dropping any null: what a server-side apply comes to is not read as an object that is sent is. So a null in it, or a
/// map that it leaves nothing of, is an error where the field is not nullable.
pub fn default_applied(ty: &TypeRef, value: &mut Value) {
    if !ty.is_builtin() {
        fill(ty.view(), value, 0);
    }
}

/// The structural schema of an entry: of a declared field, or of `additionalProperties`.
fn entry<'a>(view: View<'a>, name: &str) -> Option<View<'a>> {
    let ty = view.get();
    if ty.embedded && is_standard(name) {
        return None;
    }
    let map = ty.map.as_ref()?;
    let declared = map.field(name).map(|field| field.ty);
    declared.or(map.element.filter(|_| !map.implied)).map(|id| view.at(id))
}

fn element(view: View<'_>) -> Option<View<'_>> {
    view.get().list.as_ref().map(|list| view.at(list.element))
}

fn drop_nulls(view: View<'_>, value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => map.retain(|name, value| {
            let Some(child) = entry(view, name) else { return true };
            let ty = child.get();
            if value.is_null() && !ty.nullable && ty.default.is_none() {
                return false;
            }
            drop_nulls(child, value, depth + 1);
            true
        }),
        Value::Array(items) => {
            if let Some(child) = element(view) {
                items.iter_mut().for_each(|item| drop_nulls(child, item, depth + 1));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn fill(view: View<'_>, value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(entries) => {
            fill_fields(view, entries);
            for (name, value) in entries.iter_mut() {
                if let Some(child) = entry(view, name) {
                    fill_null(child, value);
                    fill(child, value, depth + 1);
                }
            }
        }
        Value::Array(items) => {
            if let Some(child) = element(view) {
                for item in items {
                    fill_null(child, item);
                    fill(child, item, depth + 1);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn fill_fields(view: View<'_>, entries: &mut Map<String, Value>) {
    let ty = view.get();
    let fields = ty.map.as_ref().map_or(&[][..], |map| &map.fields);
    for field in fields.iter().filter(|field| !(ty.embedded && is_standard(&field.name))) {
        if let (Some(default), false) = (&field.default, entries.contains_key(&field.name)) {
            entries.insert(field.name.clone(), default.clone());
        }
    }
}

fn fill_null(view: View<'_>, value: &mut Value) {
    let ty = view.get();
    if let (true, false, Some(default)) = (value.is_null(), ty.nullable, &ty.default) {
        *value = default.clone();
    }
}
