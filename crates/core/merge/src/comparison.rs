//! What changed between two values of a type.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::errors::TypeError;
use crate::fields_v1::MAX_DEPTH;
use crate::set::FieldSet;
use crate::shape::{self, Shape};
use crate::trail::{Ordered, Trail};
use crate::types::{ListKind, ListType, MapType, TypeRef, View};
use crate::values;

/// The paths in which two values differ; no path is in two of the sets.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Only in the old value.
    pub removed: FieldSet,
    /// In both, with different values.
    pub modified: FieldSet,
    /// Only in the new value.
    pub added: FieldSet,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }

    /// Leaves out the given fields and what is below them.
    #[must_use]
    pub fn excluding(self, fields: &FieldSet) -> Self {
        Self {
            removed: self.removed.recursive_difference(fields),
            modified: self.modified.recursive_difference(fields),
            added: self.added.recursive_difference(fields),
        }
    }
}

/// Compares two values of one type.
///
/// **Source**: structured-merge-diff's `Compare`.
///
/// # Errors
/// [`TypeError`] where neither value has the shape that the type wants.
pub fn compare(ty: &TypeRef, old: &Value, new: &Value) -> Result<Comparison, TypeError> {
    let mut found = Comparison::default();
    found.value(ty.view(), Some(old), Some(new), &Trail::root())?;
    Ok(found)
}

type Side<'a> = Option<&'a Value>;

impl Comparison {
    /// At least one of the two is given.
    fn value(
        &mut self,
        view: View<'_>,
        old: Side<'_>,
        new: Side<'_>,
        trail: &Trail<'_>,
    ) -> Result<(), TypeError> {
        if trail.depth > MAX_DEPTH {
            return Err(trail.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let (left, right) = (Shape::of(view.get(), old), Shape::of(view.get(), new));
        let leaf = match (old, new) {
            (_, None) => self.shape(view, left, old, new, trail)?,
            (None, _) => self.shape(view, right, old, new, trail)?,
            _ if left.same_kind(right) => self.shape(view, right, old, new, trail)?,
            _ => {
                self.shape(view, left, old, new, trail)?;
                self.shape(view, right, old, new, trail)?
            }
        };
        if !leaf {
            match (old, new) {
                (None, _) => self.added.insert(&trail.path()),
                (_, None) => self.removed.insert(&trail.path()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns whether the value was compared as one leaf.
    fn shape(
        &mut self,
        view: View<'_>,
        shape: Shape<'_>,
        old: Side<'_>,
        new: Side<'_>,
        trail: &Trail<'_>,
    ) -> Result<bool, TypeError> {
        match shape {
            Shape::Scalar(scalar) => {
                let complaint = |value: Side<'_>, side| shape::check_scalar(scalar, value?, side);
                if let (Some(left), Some(_right)) = (complaint(old, "lhs: "), complaint(new, "rhs: ")) {
                    return Err(trail.error(left));
                }
                self.leaf(old, new, trail);
                Ok(true)
            }
            Shape::Map(map) => {
                let (left, right) = (shape::as_map(old), shape::as_map(new));
                if map.atomic || (left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty)) {
                    self.leaf(old, new, trail);
                    return Ok(true);
                }
                self.map(view, map, left, right, trail)?;
                Ok(false)
            }
            Shape::List(list) => {
                let (left, right) = (shape::as_list(old), shape::as_list(new));
                if list.kind == ListKind::Atomic || (left.is_empty() && right.is_empty()) {
                    self.leaf(old, new, trail);
                    return Ok(true);
                }
                self.list(view, list, left, right, trail)?;
                Ok(false)
            }
            Shape::Nothing => Err(trail.error("schema error: invalid atom: inlined")),
        }
    }

    fn leaf(&mut self, old: Side<'_>, new: Side<'_>, trail: &Trail<'_>) {
        match (old, new) {
            (None, _) => self.added.insert(&trail.path()),
            (_, None) => self.removed.insert(&trail.path()),
            (Some(old), Some(new)) if !values::equal(old, new) => self.modified.insert(&trail.path()),
            _ => {}
        }
    }

    fn map(
        &mut self,
        view: View<'_>,
        map: &MapType,
        old: Option<&Map<String, Value>>,
        new: Option<&Map<String, Value>>,
        trail: &Trail<'_>,
    ) -> Result<(), TypeError> {
        for (name, value) in old.into_iter().flatten() {
            if let Some(ty) = map.field_type(name) {
                let other = new.and_then(|map| map.get(name));
                self.value(view.at(ty), Some(value), other, &trail.field(name))?;
            }
        }
        for (name, value) in new.into_iter().flatten() {
            if old.is_some_and(|map| map.contains_key(name)) {
                continue;
            }
            if let Some(ty) = map.field_type(name) {
                self.value(view.at(ty), None, Some(value), &trail.field(name))?;
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        view: View<'_>,
        list: &ListType,
        old: &[Value],
        new: &[Value],
        trail: &Trail<'_>,
    ) -> Result<(), TypeError> {
        let mut items: BTreeMap<Ordered<'_>, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for (index, item) in old.iter().enumerate() {
            items.entry(identify(view, list, index, item, trail)?).or_default().0.push(item);
        }
        for (index, item) in new.iter().enumerate() {
            items.entry(identify(view, list, index, item, trail)?).or_default().1.push(item);
        }
        for (Ordered(identity), (old, new)) in &items {
            let below = trail.item(identity);
            let element = view.at(list.element);
            // Duplicates are compared as one value, and marked as such.
            match (old.as_slice(), new.as_slice()) {
                ([] | [_], [] | [_]) => {
                    self.value(element, old.first().copied(), new.first().copied(), &below)?
                }
                ([_, _, ..], [_, _, ..]) => {
                    if old.len() != new.len()
                        || !old.iter().zip(new).all(|(old, new)| values::equal(old, new))
                    {
                        self.modified.insert(&below.path());
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(only) = new.first() {
                        self.value(element, None, Some(only), &below)?;
                    }
                    self.removed.insert(&below.path());
                }
                (_, _) => {
                    if let Some(only) = old.first() {
                        self.value(element, Some(only), None, &below)?;
                    }
                    self.added.insert(&below.path());
                }
            }
        }
        Ok(())
    }
}

fn identify<'a>(
    view: View<'a>,
    list: &'a ListType,
    index: usize,
    item: &'a Value,
    trail: &Trail<'_>,
) -> Result<Ordered<'a>, TypeError> {
    let identity = shape::identify(view, list, item);
    identity.map(Ordered).map_err(|reason| trail.error(format!("element {index}: {reason}")))
}
