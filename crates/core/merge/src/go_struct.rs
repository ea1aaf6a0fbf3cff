//! What an object of a built-in kind looks like after it went through its Go struct, as the API server sends all of
//! them: nulls and empty lists are gone, plain structs are always there.

use serde_json::{Map, Value};

use crate::fields_v1::MAX_DEPTH;
use crate::quantity;
use crate::types::{DEDUCED, Field, MapType, Scalar, Type, TypeRef, View};

/// The object that a create starts from: the type's always-present fields, or just apiVersion and kind where the
/// type is not built in.
pub(crate) fn zero_object(ty: &TypeRef, like: &Value) -> Value {
    let mut zero = if ty.is_builtin() { zero(ty.view(), 0) } else { Value::Object(Map::new()) };
    if let Value::Object(map) = &mut zero {
        for name in ["apiVersion", "kind"] {
            if let Some(value) = like.get(name) {
                map.insert(name.to_owned(), value.clone());
            }
        }
        map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    }
    zero
}

fn zero(view: View<'_>, depth: usize) -> Value {
    let mut out = Map::new();
    let fields = view.get().map.as_ref().map_or(&[] as &[Field], |map| &map.fields);
    for field in fields {
        if let Some(value) = always_there(view, field, depth) {
            out.insert(field.name.clone(), value);
        }
    }
    Value::Object(out)
}

/// What a field holds in an untouched struct, if Go writes it at all.
fn always_there(view: View<'_>, field: &Field, depth: usize) -> Option<Value> {
    match &field.always {
        Some(Value::Object(_)) if is_struct(view.at(field.ty).get()) && depth < MAX_DEPTH => {
            Some(zero(view.at(field.ty), depth + 1))
        }
        always => always.clone(),
    }
}

fn is_struct(ty: &Type) -> bool {
    ty.map.as_ref().is_some_and(|map| !map.fields.is_empty())
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// Rewrites an object of a built-in type as the API server would return it: drops nulls, empty lists and maps, and
/// zero values that Go omits; adds the structs and zero values that Go always writes; writes quantities in their
/// canonical form; drops what the type does not declare. managedFields are left alone. Does nothing for other types.
///
/// **Source**: encoding/json with the tags of k8s.io/api, as far as the OpenAPI documents and those tags tell.
pub fn normalize(ty: &TypeRef, object: &mut Value) {
    if ty.is_builtin() {
        normalize_value(ty.view(), object, 0);
    }
}

fn normalize_value(view: View<'_>, value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let ty = view.get();
    match value {
        Value::Object(entries) => {
            let Some(map) = &ty.map else { return };
            if map.fields.is_empty() {
                normalize_entries(view, map, entries, depth);
            } else {
                normalize_struct(view, map, entries, depth);
            }
        }
        Value::Array(items) => {
            if let Some(list) = &ty.list {
                let element = view.at(list.element);
                for item in items {
                    fill_null(element, item, depth);
                    normalize_value(element, item, depth + 1);
                }
            }
        }
        Value::Number(_) | Value::String(_) => {
            let format = ty.rules.as_ref().and_then(|rules| rules.format.as_deref());
            if let (Some("quantity"), Some(canonical)) = (format, quantity::canonical(value)) {
                *value = Value::String(canonical);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// In lists and maps Go turns null into the zero value of the item; raw JSON is kept to the letter.
fn fill_null(view: View<'_>, value: &mut Value, depth: usize) {
    let ty = view.get();
    if !value.is_null() || ty.preserve_unknown {
        return;
    }
    let format = ty.rules.as_ref().and_then(|rules| rules.format.as_deref());
    *value = match (ty.scalar, format) {
        (Some(_), Some("quantity")) => Value::from("0"),
        (Some(Scalar::Number), _) => Value::from(0),
        (Some(Scalar::Bool), _) => Value::from(false),
        (Some(Scalar::String), _) => Value::from(""),
        _ if is_struct(ty) => zero(view, depth + 1),
        _ => Value::Null,
    };
}

fn normalize_entries(view: View<'_>, map: &MapType, entries: &mut Map<String, Value>, depth: usize) {
    let Some(element) = map.element.map(|id| view.at(id)) else { return };
    if element.get().preserve_unknown {
        return;
    }
    for entry in entries.values_mut() {
        fill_null(element, entry, depth);
        normalize_value(element, entry, depth + 1);
    }
}

fn normalize_struct(view: View<'_>, map: &MapType, entries: &mut Map<String, Value>, depth: usize) {
    if map.element.is_none() {
        entries.retain(|name, _| map.field(name).is_some());
    }
    for field in map.fields.iter().filter(|field| field.name != "managedFields") {
        let child = view.at(field.ty);
        let ty = child.get();
        // Raw JSON, and structs without fields, which look the same in the documents.
        let raw = ty.preserve_unknown || ty.map.as_ref().is_some_and(|map| map.element == Some(DEDUCED));
        let always = always_there(view, field, depth);
        let drop = match entries.get_mut(&field.name) {
            None => true,
            Some(Value::Null) => true,
            Some(entry) => {
                normalize_value(child, entry, depth + 1);
                match entry {
                    Value::Array(items) => items.is_empty() && !raw && always.is_none(),
                    Value::Object(map) => map.is_empty() && !raw && !is_struct(ty) && always.is_none(),
                    scalar => field.omits_zero && is_zero(scalar),
                }
            }
        };
        if drop {
            match always {
                Some(value) => entries.insert(field.name.clone(), value),
                None => entries.remove(&field.name),
            };
        }
    }
}
