//! Which fields a value has.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::errors::TypeError;
use crate::fields_v1::MAX_DEPTH;
use crate::path::PathElement;
use crate::set::{FieldSet, Node};
use crate::shape::{self, Shape};
use crate::types::{ListKind, ListType, MapType, TypeRef, View};

/// The paths of a value: every leaf, every item of a list map or set, every entry of a map that is not a declared
/// field, every null and empty map. An atomic container is one leaf.
///
/// **Source**: structured-merge-diff's `ToFieldSet`. Duplicate items of a list count once, as a whole.
///
/// # Errors
/// [`TypeError`] where a part of the value has a type that allows nothing, or nests deeper than 128 levels.
pub fn field_set_of(ty: &TypeRef, value: &Value) -> Result<FieldSet, TypeError> {
    let mut path = Vec::new();
    collect(ty.view(), value, &mut path).map(|(set, _)| set)
}

/// What is below a value, and whether the value itself is a member.
pub(crate) fn collect(
    view: View<'_>,
    value: &Value,
    path: &mut Vec<PathElement>,
) -> Result<(FieldSet, bool), TypeError> {
    if path.len() > MAX_DEPTH {
        return Err(TypeError {
            path: path.clone(),
            message: format!("nested deeper than {MAX_DEPTH} levels"),
        });
    }
    match Shape::of(view.get(), Some(value)) {
        Shape::Scalar(_) => Ok((FieldSet::new(), true)),
        Shape::Map(map) if map.atomic => Ok((FieldSet::new(), true)),
        Shape::Map(map) => Ok((collect_map(view, map, value, path)?, false)),
        Shape::List(ListType { kind: ListKind::Atomic, .. }) => Ok((FieldSet::new(), true)),
        Shape::List(list) => Ok((collect_list(view, list, value, path)?, false)),
        Shape::Nothing => {
            Err(TypeError { path: path.clone(), message: "schema error: invalid atom: inlined".to_owned() })
        }
    }
}

fn collect_map(
    view: View<'_>,
    map: &MapType,
    value: &Value,
    path: &mut Vec<PathElement>,
) -> Result<FieldSet, TypeError> {
    let Value::Object(entries) = value else { return Ok(FieldSet::new()) };
    let mut nodes = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let declared = map.field(name);
        let Some(ty) = declared.map(|field| field.ty).or(map.element) else {
            continue;
        };
        path.push(PathElement::Field(name.clone()));
        let (children, leaf) = collect(view.at(ty), entry, path)?;
        let Some(element) = path.pop() else { continue };
        let empty = entry.is_null() || entry.as_object().is_some_and(serde_json::Map::is_empty);
        let member = leaf || empty || declared.is_none();
        if member || !children.is_empty() {
            nodes.push(Node { element, member, children });
        }
    }
    // JSON maps are sorted by name, as the nodes must be.
    Ok(FieldSet { nodes })
}

fn collect_list(
    view: View<'_>,
    list: &ListType,
    value: &Value,
    path: &mut Vec<PathElement>,
) -> Result<FieldSet, TypeError> {
    let items = shape::as_list(Some(value));
    let mut counts: BTreeMap<PathElement, (usize, &Value)> = BTreeMap::new();
    for item in items {
        if let Ok(element) = shape::item_element(view, list, item) {
            counts.entry(element).or_insert((0, item)).0 += 1;
        }
    }
    let mut nodes = Vec::with_capacity(counts.len());
    for (element, (count, item)) in counts {
        path.push(element);
        let children =
            if count > 1 { FieldSet::new() } else { collect(view.at(list.element), item, path)?.0 };
        if let Some(element) = path.pop() {
            nodes.push(Node { element, member: true, children });
        }
    }
    Ok(FieldSet { nodes })
}
