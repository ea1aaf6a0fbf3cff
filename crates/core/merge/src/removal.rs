//! Taking fields out of a value.

use serde_json::{Map, Value};

use crate::path::PathElement;
use crate::set::FieldSet;
use crate::shape::{self, Shape};
use crate::types::{ListKind, View};

/// The value without the given fields and items. A container that loses its last entry becomes null.
///
/// **Source**: structured-merge-diff's `RemoveItems`.
pub(crate) fn remove(view: View<'_>, value: Value, fields: &FieldSet) -> Value {
    match (Shape::of(view.get(), Some(&value)), value) {
        (Shape::Map(map), Value::Object(entries)) => {
            if map.atomic {
                return Value::Null;
            }
            let mut out = Map::new();
            for (name, entry) in entries {
                let Some(node) = fields.get_field(&name) else {
                    out.insert(name, entry);
                    continue;
                };
                if node.member {
                    continue;
                }
                let rest = match map.field_type(&name) {
                    Some(ty) if !node.children.is_empty() => remove(view.at(ty), entry, &node.children),
                    _ => entry,
                };
                out.insert(name, rest);
            }
            if out.is_empty() { Value::Null } else { Value::Object(out) }
        }
        (Shape::List(list), Value::Array(items)) => {
            if list.kind == ListKind::Atomic {
                return Value::Null;
            }
            let mut out = Vec::with_capacity(items.len());
            for item in items {
                let node = shape::identify(view, list, &item).ok().and_then(|known| fields.get_item(&known));
                match node {
                    None => out.push(item),
                    Some(node) if node.member => {}
                    Some(node) if node.children.is_empty() => out.push(item),
                    Some(node) => out.push(remove(view.at(list.element), item, &node.children)),
                }
            }
            if out.is_empty() { Value::Null } else { Value::Array(out) }
        }
        (Shape::Scalar(_), scalar) => scalar,
        // A value of another shape than the type's is dropped, as the peer does.
        _ => Value::Null,
    }
}

/// Whether a step leads to a declared field, and the type that it leads to.
pub(crate) fn step<'a>(view: View<'a>, element: &PathElement) -> (bool, Option<View<'a>>) {
    let ty = view.get();
    let (declared, below) = match element {
        PathElement::Field(name) => {
            let declared = ty.map.as_ref().and_then(|map| map.field(name)).map(|field| field.ty);
            (declared.is_some(), declared.or_else(|| ty.map.as_ref()?.element))
        }
        PathElement::Key(_) | PathElement::Value(_) | PathElement::Index(_) => {
            (false, ty.list.as_ref().map(|list| list.element))
        }
    };
    (declared, below.map(|id| view.at(id)))
}

/// The set with every declared field on the way to its members added as a member.
///
/// **Source**: structured-merge-diff's `EnsureNamedFieldsAreMembers`.
pub(crate) fn with_named_fields(view: View<'_>, set: &FieldSet) -> FieldSet {
    let mut out = set.clone();
    name_fields(view, &mut out);
    out
}

fn name_fields(view: View<'_>, set: &mut FieldSet) {
    for node in set.nodes.iter_mut().filter(|node| !node.children.nodes.is_empty()) {
        let (declared, below) = step(view, &node.element);
        node.member |= declared;
        if let Some(below) = below {
            name_fields(below, &mut node.children);
        }
    }
}
