//! Laying an applied object over a live one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::{Map, Value};

use crate::errors::TypeError;
use crate::fields_v1::MAX_DEPTH;
use crate::path::{Path, PathElement};
use crate::shape::{self, Shape};
use crate::types::{ListKind, ListType, MapType, TypeRef, View};

/// The live value with everything that `applied` says. Nothing is removed; an explicit null stays one.
///
/// **Shape**: items of list maps and sets keep live's order where they are in both in the same order, and new ones
/// come where `applied` has them. **Source**: structured-merge-diff's `Merge`.
///
/// # Errors
/// [`TypeError`] where neither value has the wanted shape, or `applied` repeats an item.
pub(crate) fn merge(ty: &TypeRef, live: &Value, applied: &Value) -> Result<Value, TypeError> {
    let merged = Walker { path: Vec::new() }.value(ty.view(), Some(live), Some(applied))?;
    Ok(merged.unwrap_or(Value::Null))
}

struct Walker {
    path: Path,
}

impl Walker {
    fn error(&self, message: impl Into<String>) -> TypeError {
        TypeError { path: self.path.clone(), message: message.into() }
    }

    fn value(
        &mut self,
        view: View<'_>,
        live: Option<&Value>,
        applied: Option<&Value>,
    ) -> Result<Option<Value>, TypeError> {
        if self.path.len() > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        match (live, applied) {
            // Applied objects were checked before, so what only one side has can be taken whole.
            (None, Some(only)) | (Some(only), None) => return Ok(Some(only.clone())),
            _ => {}
        }
        let (left, right) = (Shape::of(view.get(), live), Shape::of(view.get(), applied));
        if !left.same_kind(right) {
            self.shape(view, left, live, applied)?;
        }
        self.shape(view, right, live, applied)
    }

    fn shape(
        &mut self,
        view: View<'_>,
        shape: Shape<'_>,
        live: Option<&Value>,
        applied: Option<&Value>,
    ) -> Result<Option<Value>, TypeError> {
        let leaf = || applied.or(live).cloned();
        match shape {
            Shape::Scalar(scalar) => {
                let complaint = |value: Option<&Value>, side| shape::check_scalar(scalar, value?, side);
                match (complaint(live, "lhs: "), complaint(applied, "rhs: ")) {
                    (Some(left), Some(_)) => Err(self.error(left)),
                    _ => Ok(leaf()),
                }
            }
            Shape::Map(map) => {
                let (left, right) = (shape::as_map(live), shape::as_map(applied));
                if map.atomic || (left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty)) {
                    return Ok(leaf());
                }
                self.map(view, map, left, right)
            }
            Shape::List(list) => {
                let (left, right) = (shape::as_list(live), shape::as_list(applied));
                if list.kind == ListKind::Atomic || (left.is_empty() && right.is_empty()) {
                    return Ok(leaf());
                }
                self.list(view, list, left, right)
            }
            Shape::Nothing => Err(self.error("schema error: invalid atom: inlined")),
        }
    }

    fn map(
        &mut self,
        view: View<'_>,
        map: &MapType,
        live: Option<&Map<String, Value>>,
        applied: Option<&Map<String, Value>>,
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
                Some(ty) => {
                    self.path.push(PathElement::Field(name.clone()));
                    let merged = self.value(view.at(ty), live, applied)?;
                    self.path.pop();
                    merged
                }
                None => applied.or(live).cloned(),
            };
            if let Some(merged) = merged {
                out.insert(name.clone(), merged);
            }
        }
        Ok((!out.is_empty()).then_some(Value::Object(out)))
    }

    fn list(
        &mut self,
        view: View<'_>,
        list: &ListType,
        live: &[Value],
        applied: &[Value],
    ) -> Result<Option<Value>, TypeError> {
        let right = Items::index(self, view, list, applied, false)?;
        let left = Items::index(self, view, list, live, true)?;
        let mut shared = right.order.iter().filter(|element| left.by_element.contains_key(element));
        let mut next_shared = shared.next();
        let mut merged: BTreeMap<&PathElement, ()> = BTreeMap::new();
        let mut out = Vec::with_capacity(live.len().max(applied.len()));
        let (mut l, mut r) = (0, 0);
        while l < left.order.len() || r < right.order.len() {
            if let (Some(element), Some(wanted)) = (left.order.get(l), right.order.get(r)) {
                if element == wanted {
                    merged.insert(element, ());
                    let item = self.item(view, list, element, left.unique(element), right.unique(element))?;
                    out.extend(item);
                    l += 1;
                    r += 1;
                    next_shared = shared.next();
                    continue;
                }
                if right.by_element.contains_key(element) && next_shared.is_some_and(|next| next != element) {
                    // In both, and its turn comes later.
                    l += 1;
                    continue;
                }
            }
            if let Some(element) = left.order.get(l) {
                if !right.by_element.contains_key(element) {
                    let item = self.item(view, list, element, live.get(l), None)?;
                    out.extend(item);
                    l += 1;
                    continue;
                }
                if merged.contains_key(element) {
                    l += 1;
                }
            }
            if let Some(element) = right.order.get(r) {
                merged.insert(element, ());
                let item = self.item(view, list, element, left.unique(element), right.unique(element))?;
                out.extend(item);
                r += 1;
                if next_shared == Some(element) {
                    next_shared = shared.next();
                }
            }
        }
        Ok((!out.is_empty()).then_some(Value::Array(out)))
    }

    fn item(
        &mut self,
        view: View<'_>,
        list: &ListType,
        element: &PathElement,
        live: Option<&Value>,
        applied: Option<&Value>,
    ) -> Result<Option<Value>, TypeError> {
        self.path.push(element.clone());
        let merged = self.value(view.at(list.element), live, applied)?;
        self.path.pop();
        Ok(merged)
    }
}

/// The items of one side.
struct Items<'a> {
    /// Item by item; a repeated element appears each time.
    order: Vec<PathElement>,
    /// The item of each element; null where there are several, which are not merged with anything.
    by_element: BTreeMap<PathElement, &'a Value>,
}

impl<'a> Items<'a> {
    fn index(
        walker: &Walker,
        view: View<'_>,
        list: &ListType,
        items: &'a [Value],
        duplicates: bool,
    ) -> Result<Self, TypeError> {
        let mut index = Self { order: Vec::with_capacity(items.len()), by_element: BTreeMap::new() };
        for (at, item) in items.iter().enumerate() {
            let element = shape::item_element(view, list, item)
                .map_err(|reason| walker.error(format!("element {at}: {reason}")))?;
            match index.by_element.entry(element.clone()) {
                Entry::Vacant(slot) => {
                    slot.insert(item);
                }
                Entry::Occupied(mut slot) if duplicates => {
                    slot.insert(&Value::Null);
                }
                Entry::Occupied(_) => {
                    return Err(walker.error(format!("duplicate entries for key {element}")));
                }
            }
            index.order.push(element);
        }
        Ok(index)
    }

    fn unique(&self, element: &PathElement) -> Option<&'a Value> {
        self.by_element.get(element).copied()
    }
}
