//! What changed between two values of a type.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::errors::TypeError;
use crate::fields_v1::MAX_DEPTH;
use crate::path::{Path, PathElement};
use crate::set::FieldSet;
use crate::shape::{self, Shape};
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
    let mut walker = Walker { path: Vec::new(), found: Comparison::default() };
    walker.value(ty.view(), Some(old), Some(new))?;
    Ok(walker.found)
}

struct Walker {
    path: Path,
    found: Comparison,
}

impl Walker {
    fn error(&self, message: impl Into<String>) -> TypeError {
        TypeError { path: self.path.clone(), message: message.into() }
    }

    /// At least one of the two is given.
    fn value(&mut self, view: View<'_>, old: Option<&Value>, new: Option<&Value>) -> Result<(), TypeError> {
        if self.path.len() > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let (left, right) = (Shape::of(view.get(), old), Shape::of(view.get(), new));
        let leaf = match (old, new) {
            (_, None) => self.shape(view, left, old, new)?,
            (None, _) => self.shape(view, right, old, new)?,
            _ if left.same_kind(right) => self.shape(view, right, old, new)?,
            _ => {
                self.shape(view, left, old, new)?;
                self.shape(view, right, old, new)?
            }
        };
        if !leaf {
            match (old, new) {
                (None, _) => self.found.added.insert(&self.path),
                (_, None) => self.found.removed.insert(&self.path),
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
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> Result<bool, TypeError> {
        match shape {
            Shape::Scalar(scalar) => {
                let complaint = |value: Option<&Value>, side| shape::check_scalar(scalar, value?, side);
                if let (Some(left), Some(_right)) = (complaint(old, "lhs: "), complaint(new, "rhs: ")) {
                    return Err(self.error(left));
                }
                self.leaf(old, new);
                Ok(true)
            }
            Shape::Map(map) => {
                let (left, right) = (shape::as_map(old), shape::as_map(new));
                if map.atomic
                    || (left.is_none_or(|map| map.is_empty()) && right.is_none_or(|map| map.is_empty()))
                {
                    self.leaf(old, new);
                    return Ok(true);
                }
                self.map(view, map, left, right)?;
                Ok(false)
            }
            Shape::List(list) => {
                let (left, right) = (shape::as_list(old), shape::as_list(new));
                if list.kind == ListKind::Atomic || (left.is_empty() && right.is_empty()) {
                    self.leaf(old, new);
                    return Ok(true);
                }
                self.list(view, list, left, right)?;
                Ok(false)
            }
            Shape::Nothing => Err(self.error("schema error: invalid atom: inlined")),
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(old), Some(new)) if !values::equal(old, new) => self.found.modified.insert(&self.path),
            _ => {}
        }
    }

    fn map(
        &mut self,
        view: View<'_>,
        map: &MapType,
        old: Option<&serde_json::Map<String, Value>>,
        new: Option<&serde_json::Map<String, Value>>,
    ) -> Result<(), TypeError> {
        let entry = |side: Option<&serde_json::Map<String, Value>>, name: &str| {
            side.and_then(|map| map.get(name)).is_some()
        };
        let only_new = new
            .into_iter()
            .flatten()
            .filter(|(name, _)| !entry(old, name))
            .map(|(name, value)| (name, None, Some(value)));
        let olds = old
            .into_iter()
            .flatten()
            .map(|(name, value)| (name, Some(value), new.and_then(|map| map.get(name))));
        for (name, old, new) in olds.chain(only_new) {
            let Some(ty) = map.field_type(name) else { continue };
            self.path.push(PathElement::Field(name.clone()));
            self.value(view.at(ty), old, new)?;
            self.path.pop();
        }
        Ok(())
    }

    fn list(
        &mut self,
        view: View<'_>,
        list: &ListType,
        old: &[Value],
        new: &[Value],
    ) -> Result<(), TypeError> {
        let mut items: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for (index, item) in old.iter().enumerate() {
            let element = self.element(view, list, index, item)?;
            items.entry(element).or_default().0.push(item);
        }
        for (index, item) in new.iter().enumerate() {
            let element = self.element(view, list, index, item)?;
            items.entry(element).or_default().1.push(item);
        }
        for (element, (old, new)) in items {
            self.path.push(element);
            let item = view.at(list.element);
            // Duplicates are compared as one value, and marked as such.
            match (old.as_slice(), new.as_slice()) {
                ([] | [_], [] | [_]) => self.value(item, old.first().copied(), new.first().copied())?,
                ([_, _, ..], [_, _, ..]) => {
                    if old.len() != new.len()
                        || !old.iter().zip(&new).all(|(old, new)| values::equal(old, new))
                    {
                        self.found.modified.insert(&self.path);
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(only) = new.first() {
                        self.value(item, None, Some(only))?;
                    }
                    self.found.removed.insert(&self.path);
                }
                (_, _) => {
                    if let Some(only) = old.first() {
                        self.value(item, Some(only), None)?;
                    }
                    self.found.added.insert(&self.path);
                }
            }
            self.path.pop();
        }
        Ok(())
    }

    fn element(
        &self,
        view: View<'_>,
        list: &ListType,
        index: usize,
        item: &Value,
    ) -> Result<PathElement, TypeError> {
        shape::item_element(view, list, item)
            .map_err(|reason| self.error(format!("element {index}: {reason}")))
    }
}
