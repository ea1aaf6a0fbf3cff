//! Laying an applied object over a live one.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::errors::TypeError;
use crate::fields_v1::MAX_DEPTH;
use crate::shape::{self, Shape};
use crate::trail::{Item, Ordered, Trail};
use crate::types::{ListKind, ListType, MapType, TypeRef, View};
use crate::values;

/// The live value with everything that `applied` says. Nothing is removed; an explicit null stays one.
///
/// **Shape**: items of list maps and sets keep live's order where they are in both in the same order, and new ones
/// come where `applied` has them. **Source**: structured-merge-diff's `Merge`.
///
/// # Errors
/// [`TypeError`] where neither value has the wanted shape, or `applied` repeats an item.
pub(crate) fn merge(ty: &TypeRef, live: &Value, applied: &Value) -> Result<Value, TypeError> {
    let merged = merge_value(ty.view(), Some(live), Some(applied), &Trail::root())?;
    Ok(merged.unwrap_or(Value::Null))
}

/// Whether [`merge`] would surely give `live` back; a cheap look before a copy. False where it cannot tell.
pub(crate) fn is_settled(ty: &TypeRef, live: &Value, applied: &Value) -> bool {
    settled(ty.view(), live, applied, 0)
}

fn settled(view: View<'_>, live: &Value, applied: &Value, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match (Shape::of(view.get(), Some(applied)), live, applied) {
        (Shape::Map(map), Value::Object(live), Value::Object(applied)) if !map.atomic => {
            applied.iter().all(|(name, value)| match (map.field_type(name), live.get(name)) {
                (Some(ty), Some(live)) => settled(view.at(ty), live, value, depth + 1),
                _ => false,
            })
        }
        (Shape::List(list), Value::Array(live), Value::Array(applied)) if list.kind != ListKind::Atomic => {
            // All items in live, once, in the same order: then the order stays live's.
            let element = view.at(list.element);
            let mut known = BTreeMap::new();
            for (at, item) in live.iter().enumerate() {
                let Ok(identity) = shape::identify(view, list, item) else { return false };
                if known.insert(Ordered(identity), (at, item)).is_some() {
                    return false;
                }
            }
            let mut least = 0;
            applied.iter().all(|item| {
                let identity = shape::identify(view, list, item).map(Ordered);
                match identity.ok().and_then(|identity| known.get(&identity)) {
                    Some((at, live)) if *at >= least => {
                        least = at + 1;
                        settled(element, live, item, depth + 1)
                    }
                    _ => false,
                }
            })
        }
        (Shape::Map(_) | Shape::List(_) | Shape::Scalar(_), live, applied) => values::equal(live, applied),
        (Shape::Nothing, _, _) => false,
    }
}

type Side<'a> = Option<&'a Value>;

fn merge_value(
    view: View<'_>,
    live: Side<'_>,
    applied: Side<'_>,
    trail: &Trail<'_>,
) -> Result<Option<Value>, TypeError> {
    if trail.depth > MAX_DEPTH {
        return Err(trail.error(format!("nested deeper than {MAX_DEPTH} levels")));
    }
    match (live, applied) {
        // Applied objects were checked before, so what only one side has can be taken whole.
        (None, Some(only)) | (Some(only), None) => return Ok(Some(only.clone())),
        _ => {}
    }
    let (left, right) = (Shape::of(view.get(), live), Shape::of(view.get(), applied));
    if !left.same_kind(right) {
        merge_shape(view, left, live, applied, trail)?;
    }
    merge_shape(view, right, live, applied, trail)
}

fn merge_shape(
    view: View<'_>,
    shape: Shape<'_>,
    live: Side<'_>,
    applied: Side<'_>,
    trail: &Trail<'_>,
) -> Result<Option<Value>, TypeError> {
    let leaf = || applied.or(live).cloned();
    match shape {
        Shape::Scalar(scalar) => {
            let complaint = |value: Side<'_>, side| shape::check_scalar(scalar, value?, side);
            match (complaint(live, "lhs: "), complaint(applied, "rhs: ")) {
                (Some(left), Some(_)) => Err(trail.error(left)),
                _ => Ok(leaf()),
            }
        }
        Shape::Map(map) => {
            let (left, right) = (shape::as_map(live), shape::as_map(applied));
            if map.atomic || (left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty)) {
                return Ok(leaf());
            }
            merge_map(view, map, left, right, trail)
        }
        Shape::List(list) => {
            let (left, right) = (shape::as_list(live), shape::as_list(applied));
            if list.kind == ListKind::Atomic || (left.is_empty() && right.is_empty()) {
                return Ok(leaf());
            }
            merge_list(view, list, left, right, trail)
        }
        Shape::Nothing => Err(trail.error("schema error: invalid atom: inlined")),
    }
}

fn merge_map(
    view: View<'_>,
    map: &MapType,
    live: Option<&Map<String, Value>>,
    applied: Option<&Map<String, Value>>,
    trail: &Trail<'_>,
) -> Result<Option<Value>, TypeError> {
    let mut out = Map::new();
    let lives = live.into_iter().flatten().map(|(name, value)| {
        let applied = applied.and_then(|map| map.get(name));
        (name, Some(value), applied)
    });
    let news = applied
        .into_iter()
        .flatten()
        .filter(|(name, _)| !live.is_some_and(|map| map.contains_key(*name)))
        .map(|(name, value)| (name, None, Some(value)));
    for (name, live, applied) in lives.chain(news) {
        // What the type does not declare stays as it is; applied objects were checked before.
        let merged = match map.field_type(name) {
            Some(ty) => merge_value(view.at(ty), live, applied, &trail.field(name))?,
            None => applied.or(live).cloned(),
        };
        if let Some(merged) = merged {
            out.insert(name.clone(), merged);
        }
    }
    Ok((!out.is_empty()).then_some(Value::Object(out)))
}

fn merge_list(
    view: View<'_>,
    list: &ListType,
    live: &[Value],
    applied: &[Value],
    trail: &Trail<'_>,
) -> Result<Option<Value>, TypeError> {
    let right = Items::index(view, list, applied, false, trail)?;
    let left = Items::index(view, list, live, true, trail)?;
    let merge_item = |identity: &Item<'_>, live, applied| {
        merge_value(view.at(list.element), live, applied, &trail.item(identity))
    };
    let mut shared = right.order.iter().filter(|identity| left.get(identity).is_some());
    let mut next_shared = shared.next();
    let mut merged: BTreeSet<&Ordered<'_>> = BTreeSet::new();
    let mut out = Vec::with_capacity(live.len().max(applied.len()));
    let (mut l, mut r) = (0, 0);
    while l < left.order.len() || r < right.order.len() {
        if let (Some(identity), Some(wanted)) = (left.order.get(l), right.order.get(r)) {
            if identity == wanted {
                merged.insert(identity);
                out.extend(merge_item(&identity.0, left.get(identity), right.get(identity))?);
                l += 1;
                r += 1;
                next_shared = shared.next();
                continue;
            }
            if right.get(identity).is_some() && next_shared.is_some_and(|next| next != identity) {
                // In both, and its turn comes later.
                l += 1;
                continue;
            }
        }
        if let Some(identity) = left.order.get(l) {
            if right.get(identity).is_none() {
                out.extend(merge_item(&identity.0, live.get(l), None)?);
                l += 1;
                continue;
            }
            if merged.contains(identity) {
                l += 1;
            }
        }
        if let Some(identity) = right.order.get(r) {
            merged.insert(identity);
            out.extend(merge_item(&identity.0, left.get(identity), right.get(identity))?);
            r += 1;
            if next_shared == Some(identity) {
                next_shared = shared.next();
            }
        }
    }
    Ok((!out.is_empty()).then_some(Value::Array(out)))
}

/// The items of one side.
struct Items<'a> {
    /// Item by item; a repeated one appears each time.
    order: Vec<Ordered<'a>>,
    /// The value of each item; null where there are several, which are not merged with anything.
    values: BTreeMap<Ordered<'a>, &'a Value>,
}

impl<'a> Items<'a> {
    fn index(
        view: View<'a>,
        list: &'a ListType,
        items: &'a [Value],
        duplicates: bool,
        trail: &Trail<'_>,
    ) -> Result<Self, TypeError> {
        let mut index = Self { order: Vec::with_capacity(items.len()), values: BTreeMap::new() };
        for (at, item) in items.iter().enumerate() {
            let identity = shape::identify(view, list, item)
                .map(Ordered)
                .map_err(|reason| trail.error(format!("element {at}: {reason}")))?;
            match index.values.entry(identity.clone()) {
                Entry::Vacant(slot) => {
                    slot.insert(item);
                }
                Entry::Occupied(mut slot) if duplicates => {
                    slot.insert(&Value::Null);
                }
                Entry::Occupied(_) => {
                    return Err(trail.error(format!("duplicate entries for key {}", identity.0.to_element())));
                }
            }
            index.order.push(identity);
        }
        Ok(index)
    }

    fn get(&self, identity: &Ordered<'_>) -> Option<&'a Value> {
        self.values.get(identity).copied()
    }
}
