//! Strategic merge patches: JSON merge patches that know how each list merges.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::strategic_lists::{Items, check_order, enforce_order, go_map, items_kind, partition};
use crate::errors::PatchError;
use crate::fields_v1::MAX_DEPTH;
use crate::types::{Strategy, Type, TypeRef, View};
use crate::values;

/// What to do with a map or list item: `replace`, `delete`, `merge`.
pub(crate) const DIRECTIVE: &str = "$patch";
/// `$setElementOrder/<list>`: the order of the merged list.
pub(crate) const SET_ORDER: &str = "$setElementOrder";
/// `$deleteFromPrimitiveList/<list>`: scalars to take out.
pub(crate) const DELETE_FROM: &str = "$deleteFromPrimitiveList";
/// The only keys that may stay.
pub(crate) const RETAIN_KEYS: &str = "$retainKeys";

/// Applies a strategic merge patch. Where the type says nothing of a list, the list is replaced.
///
/// **Source**: apimachinery's `strategicpatch.StrategicMergePatch`, v0.34.
///
/// # Errors
/// [`PatchError::Malformed`] where a directive is wrong, a list item lacks its merge key, or a list mixes types.
pub fn strategic_merge_patch(ty: &TypeRef, target: &Value, patch: &Value) -> Result<Value, PatchError> {
    let (Value::Object(target), Value::Object(patch)) = (target, patch) else {
        return Err(PatchError::Malformed("invalid JSON document".to_owned()));
    };
    merge_map(Some(ty.view()), target.clone(), patch.clone(), Mode::Apply, 0).map(Value::Object)
}

/// Whether a patch meets an object or another patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Patch onto object: directives are carried out, nulls remove.
    Apply,
    /// Patch onto patch: directives and nulls are kept.
    Combine,
}

pub(crate) type Object = Map<String, Value>;

pub(crate) fn malformed(message: impl Into<String>) -> PatchError {
    PatchError::Malformed(message.into())
}

/// The type and strategy of a field; unknown ones merge maps and replace lists.
pub(crate) fn field<'a>(view: Option<View<'a>>, name: &str) -> (Option<View<'a>>, Strategy) {
    let none = (None, Strategy::default());
    let Some(view) = view else { return none };
    let Type { map: Some(map), .. } = view.get() else { return none };
    match map.field(name) {
        Some(field) => (Some(view.at(field.ty)), field.strategy.clone()),
        None => (map.element.map(|id| view.at(id)), Strategy::default()),
    }
}

pub(crate) fn item(view: Option<View<'_>>) -> Option<View<'_>> {
    let view = view?;
    view.get().list.as_ref().map(|list| view.at(list.element))
}

/// Lays `patch` over `target`; used on objects and on patches.
pub(crate) fn merge_map(
    view: Option<View<'_>>,
    mut target: Object,
    mut patch: Object,
    mode: Mode,
    depth: usize,
) -> Result<Object, PatchError> {
    if depth > MAX_DEPTH {
        return Err(malformed(format!("the patch is nested deeper than {MAX_DEPTH} levels")));
    }
    if let Some(directive) = patch.remove(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Map::new()),
            _ => {
                let text = directive.as_str().map_or_else(|| directive.to_string(), str::to_owned);
                patch.insert(DIRECTIVE.to_owned(), directive);
                Err(malformed(format!("unknown patch type: {text} in map: {}", go_map(&patch))))
            }
        };
    }
    retain_keys(&mut target, &mut patch, mode)?;
    merge_ordered_lists(view, &mut target, &mut patch, mode, depth)?;
    for (key, change) in patch {
        let delete_from = key.strip_prefix(DELETE_FROM);
        if delete_from.is_some() && mode == Mode::Combine {
            target.insert(key, change);
            continue;
        }
        if let Some(name) = delete_from {
            let name =
                name.strip_prefix('/').ok_or_else(|| malformed("invalid patch format of primitive list"))?;
            if let (Some(Value::Array(items)), Value::Array(gone)) = (target.get_mut(name), &change) {
                delete_scalars(items, gone)?;
            }
            continue;
        }
        if change.is_null() {
            target.remove(&key);
            if mode == Mode::Combine {
                target.insert(key, Value::Null);
            }
            continue;
        }
        let merged = match (target.remove(&key), change) {
            (Some(Value::Object(below)), Value::Object(change)) => {
                let (child, strategy) = field(view, &key);
                let merged =
                    if strategy.replace { change } else { merge_map(child, below, change, mode, depth + 1)? };
                Some(Value::Object(merged))
            }
            (Some(Value::Array(items)), Value::Array(change)) => {
                let (child, strategy) = field(view, &key);
                Some(Value::Array(merge_list(item(child), &strategy, items, change, mode, depth + 1)?))
            }
            (_, change) => fresh(change, mode),
        };
        if let Some(merged) = merged {
            target.insert(key, merged);
        }
    }
    Ok(target)
}

/// A value that the target does not have yet: without directives, and without nulls where it goes into an object.
fn fresh(mut change: Value, mode: Mode) -> Option<Value> {
    if mode == Mode::Apply {
        discard_nulls(&mut change);
    }
    without_directives(change)
}

fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(discard_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(discard_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Drops maps that carry a directive, with the directive.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => {
            Some(map.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?))).collect())
        }
        Value::Array(items) => Some(items.into_iter().filter_map(without_directives).collect()),
        scalar => Some(scalar),
    }
}

fn retain_keys(target: &mut Object, patch: &mut Object, mode: Mode) -> Result<(), PatchError> {
    let Some(kept) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    if mode == Mode::Combine {
        return match target.get(RETAIN_KEYS) {
            Some(known) if *known != kept => Err(malformed(format!(
                "{known} and {kept} are not deep equal: this may happen when calculating the 3-way diff patch"
            ))),
            Some(_) => Ok(()),
            None => {
                target.insert(RETAIN_KEYS.to_owned(), kept);
                Ok(())
            }
        };
    }
    let wrong = || malformed("invalid patch format of retainKeys");
    let kept = kept.as_array().ok_or_else(wrong)?;
    let keeps = |key: &str| kept.iter().any(|name| name.as_str() == Some(key));
    let stray = patch.iter().any(|(key, value)| {
        !value.is_null() && !key.starts_with(DELETE_FROM) && !key.starts_with(SET_ORDER) && !keeps(key)
    });
    if stray {
        return Err(wrong());
    }
    target.retain(|key, _| keeps(key));
    Ok(())
}

/// Merges the lists for which the patch sets an order, and takes both out of the patch.
fn merge_ordered_lists(
    view: Option<View<'_>>,
    target: &mut Object,
    patch: &mut Object,
    mode: Mode,
    depth: usize,
) -> Result<(), PatchError> {
    let ordered: Vec<String> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    let wrong = || malformed("invalid patch format of setElementOrder list");
    for directive in ordered {
        let Some(order) = patch.remove(&directive) else { continue };
        let Value::Array(order) = order else {
            return Err(malformed(
                "expected a []interface {}, but received another type in a setElementOrder list",
            ));
        };
        if mode == Mode::Combine {
            match target.get(&directive) {
                Some(Value::Array(known)) if *known == order => {}
                Some(_) => return Err(wrong()),
                None => {
                    target.insert(directive.clone(), Value::Array(order.clone()));
                }
            }
        }
        let name =
            directive.strip_prefix(SET_ORDER).and_then(|rest| rest.strip_prefix('/')).ok_or_else(wrong)?;
        let list = |value: Option<Value>| match value {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(malformed(format!("expected a list in {name}"))),
        };
        let before = list(target.get(name).cloned())?;
        let changes = list(patch.remove(name))?;
        let (child, strategy) = field(view, name);
        let key = strategy.merge_key.as_deref();
        if before.is_none() && changes.is_none() {
            continue;
        }
        let (old, new) = (before.as_deref().unwrap_or_default(), changes.as_deref().unwrap_or_default());
        check_order(new, &order, key)?;
        let kind = items_kind([old, new])?;
        let seen = seen_order(old, new, key);
        let merged = match (before, changes) {
            (None, None) => Vec::new(),
            (Some(items), None) => items,
            (None, Some(changes)) => changes.into_iter().filter_map(without_directives).collect(),
            (Some(items), Some(changes)) => {
                merge_list(item(child), &strategy, items, changes, mode, depth + 1)?
            }
        };
        let (ours, others) = partition(merged, &order, key)?;
        let all = enforce_order(ours, others, &order, &seen, key, kind)?;
        target.insert(name.to_owned(), Value::Array(all));
    }
    Ok(())
}

/// The object's list as the peer sees it when it orders the merged one: it deletes from and appends to the very list
/// that it then consults, up to that list's length.
fn seen_order(before: &[Value], changes: &[Value], key: Option<&str>) -> Vec<Value> {
    let mut seen = before.to_vec();
    let Some(key) = key else { return seen };
    let directive = |item: &Value| item.get(DIRECTIVE).and_then(Value::as_str).map(str::to_owned);
    let find = |seen: &[Value], item: &Value| {
        let wanted = item.get(key)?;
        seen.iter().position(|known| known.get(key).is_some_and(|value| values::equal(value, wanted)))
    };
    let mut length = seen.len();
    for gone in changes.iter().filter(|item| directive(item).as_deref() == Some("delete")) {
        while let Some(at) = find(&seen[..length], gone) {
            for index in at..length - 1 {
                seen[index] = seen[index + 1].clone();
            }
            length -= 1;
        }
    }
    if changes.iter().any(|item| directive(item).as_deref() == Some("replace")) {
        return seen;
    }
    for item in changes.iter().filter(|item| directive(item).is_none()) {
        if find(&seen[..length.min(before.len())], item).is_none() {
            if let Some(slot) = seen.get_mut(length) {
                *slot = item.clone();
            }
            length += 1;
        }
    }
    seen
}

fn delete_scalars(items: &mut Vec<Value>, gone: &[Value]) -> Result<(), PatchError> {
    if items.is_empty() && gone.is_empty() {
        return Ok(());
    }
    if items_kind([items, gone])? == Items::Scalars {
        items.retain(|item| !gone.iter().any(|gone| values::equal(gone, item)));
        return Ok(());
    }
    Err(malformed("invalid patch format of primitive list"))
}

fn merge_list(
    view: Option<View<'_>>,
    strategy: &Strategy,
    target: Vec<Value>,
    patch: Vec<Value>,
    mode: Mode,
    depth: usize,
) -> Result<Vec<Value>, PatchError> {
    if !strategy.merge {
        return Ok(patch);
    }
    if target.is_empty() && patch.is_empty() {
        return Ok(target);
    }
    let kind = items_kind([&target, &patch])?;
    let key = strategy.merge_key.as_deref();
    let (merged, order, before) = match (kind, key) {
        (Items::Scalars, _) => {
            let mut both = target.clone();
            both.extend(patch.iter().cloned());
            (deduplicate(both), patch, target)
        }
        (Items::Maps, None) => return Err(malformed("cannot merge lists without merge key")),
        (Items::Maps, Some(key)) => {
            let (target, patch) = carry_out(target, patch, key)?;
            let merged = merge_items(view, target.clone(), patch.clone(), key, mode, depth)?;
            (merged, patch, target)
        }
    };
    let (ours, others) = partition(merged, &order, key)?;
    enforce_order(ours, others, &order, &before, key, kind)
}

/// Carries out the directives among the items of a patch's list.
fn carry_out(
    mut target: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut rest = Vec::with_capacity(patch.len());
    let mut replace = false;
    for item in patch {
        match item.get(DIRECTIVE) {
            None => rest.push(item),
            Some(directive) => match directive.as_str() {
                Some("delete") => {
                    let gone = item.get(key).ok_or_else(|| no_merge_key(&item, key))?;
                    target.retain(|known| !known.get(key).is_some_and(|value| values::equal(value, gone)));
                }
                Some("replace") => replace = true,
                Some("merge") => return Err(malformed("merging lists cannot yet be specified in the patch")),
                _ => {
                    let text = directive.as_str().map_or_else(|| directive.to_string(), str::to_owned);
                    let map = item.as_object().map(go_map).unwrap_or_default();
                    return Err(malformed(format!("unknown patch type: {text} in map: {map}")));
                }
            },
        }
    }
    if replace { Ok((rest, Vec::new())) } else { Ok((target, rest)) }
}

pub(crate) fn no_merge_key(item: &Value, key: &str) -> PatchError {
    let map = item.as_object().map(go_map).unwrap_or_default();
    malformed(format!("map: {map} does not contain declared merge key: {key}"))
}

fn merge_items(
    view: Option<View<'_>>,
    mut target: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
    mode: Mode,
    depth: usize,
) -> Result<Vec<Value>, PatchError> {
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    for (at, item) in target.iter().enumerate() {
        if let Some(value) = item.get(key) {
            index.entry(values::readable(value)).or_insert(at);
        }
    }
    for change in patch {
        let Some(value) = change.get(key) else { return Err(no_merge_key(&change, key)) };
        let known = index.get(&values::readable(value)).copied();
        match (known.and_then(|at| target.get_mut(at)), change) {
            (Some(slot), Value::Object(change)) => {
                let before = slot.as_object_mut().map(std::mem::take).unwrap_or_default();
                *slot = Value::Object(merge_map(view, before, change, mode, depth)?);
            }
            (_, change) => {
                index.insert(values::readable(&change[key]), target.len());
                target.push(change);
            }
        }
    }
    Ok(target)
}

/// Drops repeated scalars the way the peer does: the last item takes the place of a repeated one.
fn deduplicate(mut items: Vec<Value>) -> Vec<Value> {
    let mut at = 0;
    while at < items.len() {
        let mut next = at + 1;
        while next < items.len() {
            if items[at] == items[next] {
                items.swap_remove(next);
            } else {
                next += 1;
            }
        }
        at += 1;
    }
    items
}
