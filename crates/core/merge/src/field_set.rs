//! Which fields a value has.

use serde_json::Value;

use crate::errors::TypeError;
use crate::fields_v1::MAX_DEPTH;
use crate::path::PathElement;
use crate::set::{FieldSet, Node};
use crate::shape::{self, Shape};
use crate::trail::Trail;
use crate::types::{ListKind, ListType, MapType, TypeRef, View};

/// The paths of a value: every leaf, every item of a list map or set, every entry of a map that is not a declared
/// field, every null and empty map. An atomic container is one leaf.
///
/// **Source**: structured-merge-diff's `ToFieldSet`. Duplicate items of a list count once, as a whole.
///
/// # Errors
/// [`TypeError`] where a part of the value has a type that allows nothing, or nests deeper than 128 levels.
pub fn field_set_of(ty: &TypeRef, value: &Value) -> Result<FieldSet, TypeError> {
    collect(ty.view(), value, &Trail::root()).map(|(set, _)| set)
}

/// What is below a value, and whether the value itself is a member.
fn collect(view: View<'_>, value: &Value, trail: &Trail<'_>) -> Result<(FieldSet, bool), TypeError> {
    if trail.depth > MAX_DEPTH {
        return Err(trail.error(format!("nested deeper than {MAX_DEPTH} levels")));
    }
    match Shape::of(view.get(), Some(value)) {
        Shape::Scalar(_) => Ok((FieldSet::new(), true)),
        Shape::Map(map) if map.atomic => Ok((FieldSet::new(), true)),
        Shape::Map(map) => Ok((collect_map(view, map, value, trail)?, false)),
        Shape::List(ListType { kind: ListKind::Atomic, .. }) => Ok((FieldSet::new(), true)),
        Shape::List(list) => Ok((collect_list(view, list, value, trail)?, false)),
        Shape::Nothing => Err(trail.error("schema error: invalid atom: inlined")),
    }
}

fn collect_map(
    view: View<'_>,
    map: &MapType,
    value: &Value,
    trail: &Trail<'_>,
) -> Result<FieldSet, TypeError> {
    let Value::Object(entries) = value else { return Ok(FieldSet::new()) };
    let mut nodes = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let declared = map.field(name);
        let Some(ty) = declared.map(|field| field.ty).or(map.element) else {
            continue;
        };
        let (children, leaf) = collect(view.at(ty), entry, &trail.field(name))?;
        let empty = entry.is_null() || entry.as_object().is_some_and(serde_json::Map::is_empty);
        let member = leaf || empty || declared.is_none();
        if member || !children.is_empty() {
            nodes.push(Node { element: PathElement::Field(name.clone()), member, children });
        }
    }
    // JSON maps are sorted by name, as the nodes must be.
    Ok(FieldSet { nodes })
}

fn collect_list(
    view: View<'_>,
    list: &ListType,
    value: &Value,
    trail: &Trail<'_>,
) -> Result<FieldSet, TypeError> {
    let items = shape::as_list(Some(value));
    let mut known: Vec<_> =
        items.iter().filter_map(|item| Some((shape::identify(view, list, item).ok()?, item))).collect();
    known.sort_by(|(a, _), (b, _)| a.compare(b));
    let mut nodes = Vec::with_capacity(known.len());
    for same in known.chunk_by(|(a, _), (b, _)| a.compare(b).is_eq()) {
        let [(identity, item), rest @ ..] = same else { continue };
        let children = match rest {
            [] => collect(view.at(list.element), item, &trail.item(identity))?.0,
            _ => FieldSet::new(),
        };
        nodes.push(Node { element: identity.to_element(), member: true, children });
    }
    Ok(FieldSet { nodes })
}
