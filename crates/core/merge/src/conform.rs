//! Whether an applied object has the shape of its type.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::errors::TypeError;
use crate::fields_v1::MAX_DEPTH;
use crate::shape::{self, Shape};
use crate::trail::{Ordered, Trail};
use crate::types::{ListKind, ListType, TypeRef, View};

/// Everything in which a value departs from its type: wrong shapes, undeclared fields, duplicate items.
///
/// **Source**: structured-merge-diff's `Validate` without `AllowDuplicates`.
pub(crate) fn misfits(ty: &TypeRef, value: &Value) -> Vec<TypeError> {
    let mut errors = Vec::new();
    check(ty.view(), value, &Trail::root(), &mut errors);
    errors
}

fn check(view: View<'_>, value: &Value, trail: &Trail<'_>, errors: &mut Vec<TypeError>) {
    if trail.depth > MAX_DEPTH {
        errors.push(trail.error(format!("nested deeper than {MAX_DEPTH} levels")));
        return;
    }
    match (Shape::of(view.get(), Some(value)), value) {
        (Shape::Scalar(scalar), value) => {
            errors.extend(shape::check_scalar(scalar, value, "").map(|complaint| trail.error(complaint)));
        }
        (Shape::Map(_) | Shape::List(_), Value::Null) => {}
        (Shape::Map(map), Value::Object(entries)) => {
            for (name, entry) in entries {
                let below = trail.field(name);
                match map.field_type(name) {
                    Some(ty) => check(view.at(ty), entry, &below, errors),
                    None => {
                        // The peer looks no further in this map.
                        errors.push(below.error("field not declared in schema"));
                        break;
                    }
                }
            }
        }
        (Shape::Map(_), other) => {
            errors.push(trail.error(format!("expected map, got &{{{}}}", shape::go_plain(other))));
        }
        (Shape::List(list), Value::Array(items)) => check_items(view, list, items, trail, errors),
        (Shape::List(_), other) => {
            errors.push(trail.error(format!("expected list, got &{{{}}}", shape::go_plain(other))));
        }
        (Shape::Nothing, _) => errors.push(trail.error("schema error: invalid atom: inlined")),
    }
}

fn check_items(
    view: View<'_>,
    list: &ListType,
    items: &[Value],
    trail: &Trail<'_>,
    errors: &mut Vec<TypeError>,
) {
    let element = view.at(list.element);
    if list.kind == ListKind::Atomic {
        for (index, item) in items.iter().enumerate() {
            check(element, item, &trail.index(index), errors);
        }
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let identity = match shape::identify(view, list, item) {
            Ok(identity) => identity,
            Err(reason) => {
                errors.push(trail.error(format!("element {index}: {reason}")));
                return;
            }
        };
        check(element, item, &trail.item(&identity), errors);
        if !seen.insert(Ordered(identity.clone())) {
            errors.push(trail.error(format!("duplicate entries for key {}", identity.to_element())));
        }
    }
}
