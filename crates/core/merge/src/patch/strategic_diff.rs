//! Making strategic merge patches: what `kubectl apply` sends.

use serde_json::{Map, Value};

use super::merge;
use super::strategic::{
    DELETE_FROM, DIRECTIVE, Mode, Object, RETAIN_KEYS, SET_ORDER, field, item, malformed, merge_map,
};
use super::strategic_lists::{Items, items_kind, require_keys, sort_by};
use crate::errors::PatchError;
use crate::fields_v1::MAX_DEPTH;
use crate::shape::go_plain;
use crate::types::{TypeRef, View};

/// The patch that brings `current` to `modified`, without touching what others added: additions and changes against
/// `current`, deletions against `original` (what was applied last; null where nothing was).
///
/// **Shape**: a strategic merge patch for a built-in type, else a JSON merge patch. Empty where nothing is to do.
/// **Source**: `kubectl apply`: apimachinery's `strategicpatch.CreateThreeWayMergePatch` with overwrite, and
/// `jsonmergepatch.CreateThreeWayJSONMergePatch`, v0.34.
///
/// # Errors
/// [`PatchError::Malformed`] where a list item lacks its merge key, or a list mixes types.
pub fn three_way_strategic(
    ty: &TypeRef,
    original: &Value,
    modified: &Value,
    current: &Value,
) -> Result<Value, PatchError> {
    let empty = Value::Object(Map::new());
    let original = if original.is_null() { &empty } else { original };
    if !ty.is_builtin() {
        return Ok(merge::three_way(original, modified, current));
    }
    let (Value::Object(original), Value::Object(modified), Value::Object(current)) =
        (original, modified, current)
    else {
        return Err(malformed("invalid JSON document"));
    };
    let view = Some(ty.view());
    let changes = diff_maps(view, current, modified, Wanted { retain_keys: false, deletions: false }, 0)?;
    let deletions = diff_maps(view, original, modified, Wanted { retain_keys: false, deletions: true }, 0)?;
    merge_map(view, deletions, changes, Mode::Combine, 0).map(Value::Object)
}

/// Which half of a difference is asked for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    /// Deletions, or else additions and changes.
    deletions: bool,
    /// Name the keys to keep.
    retain_keys: bool,
}

fn diff_maps(
    view: Option<View<'_>>,
    before: &Object,
    after: &Object,
    wanted: Wanted,
    depth: usize,
) -> Result<Object, PatchError> {
    if depth > MAX_DEPTH {
        return Err(malformed(format!("the object is nested deeper than {MAX_DEPTH} levels")));
    }
    let mut patch = Map::new();
    for (key, new) in after {
        let Some(old) = before.get(key) else {
            if !wanted.deletions {
                patch.insert(key.clone(), new.clone());
            }
            continue;
        };
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                let (child, strategy) = field(view, key);
                if strategy.replace {
                    if !wanted.deletions {
                        patch.insert(key.clone(), Value::Object(new.clone()));
                    }
                    continue;
                }
                let below = Wanted { retain_keys: strategy.retain_keys, ..wanted };
                let changes = diff_maps(child, old, new, below, depth + 1)?;
                if !changes.is_empty() {
                    patch.insert(key.clone(), Value::Object(changes));
                }
            }
            (Value::Array(old_items), Value::Array(new_items)) if field(view, key).1.merge => {
                let (child, strategy) = field(view, key);
                let below = Wanted { retain_keys: strategy.retain_keys, ..wanted };
                let lists = diff_lists(
                    item(child),
                    old_items,
                    new_items,
                    strategy.merge_key.as_deref(),
                    below,
                    depth,
                )?;
                let named = [
                    (key.clone(), lists.items),
                    (format!("{DELETE_FROM}/{key}"), lists.gone),
                    (format!("{SET_ORDER}/{key}"), lists.order),
                ];
                patch.extend(
                    named
                        .into_iter()
                        .filter(|(_, items)| !items.is_empty())
                        .map(|(key, items)| (key, Value::Array(items))),
                );
            }
            (old, new) => {
                if !wanted.deletions && old != new {
                    patch.insert(key.clone(), new.clone());
                }
            }
        }
    }
    if wanted.deletions {
        let gone = before.keys().filter(|key| !after.contains_key(*key));
        patch.extend(gone.map(|key| (key.clone(), Value::Null)));
    }
    if wanted.retain_keys {
        let kept: Vec<Value> = after
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, _)| Value::from(key.as_str()))
            .collect();
        let more = before.iter().any(|(key, value)| !value.is_null() && !after.contains_key(key));
        if !kept.is_empty() && (!patch.is_empty() || more) {
            patch.insert(RETAIN_KEYS.to_owned(), Value::Array(kept));
        }
    }
    Ok(patch)
}

/// The up to three lists that say how a list changes.
#[derive(Debug, Default)]
struct Lists {
    items: Vec<Value>,
    gone: Vec<Value>,
    order: Vec<Value>,
}

fn diff_lists(
    view: Option<View<'_>>,
    before: &[Value],
    after: &[Value],
    key: Option<&str>,
    wanted: Wanted,
    depth: usize,
) -> Result<Lists, PatchError> {
    if before.is_empty() {
        let items = if wanted.deletions { Vec::new() } else { after.to_vec() };
        return Ok(Lists { items, ..Lists::default() });
    }
    match (items_kind([before, after])?, key) {
        (Items::Scalars, _) => diff_scalars(before, after, wanted),
        (Items::Maps, Some(key)) => diff_items(view, before, after, key, wanted, depth),
        (Items::Maps, None) => Err(malformed("cannot merge lists without merge key")),
    }
}

/// Sorted by how Go prints them, which is how the peer compares.
fn sorted_by_text<'a>(items: &'a [Value], text: impl Fn(&'a Value) -> String) -> Vec<(String, &'a Value)> {
    let mut sorted: Vec<_> = items.iter().map(|item| (text(item), item)).collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    sorted
}

/// Pairs two sorted lists by their text.
fn pair<'a>(
    before: Vec<(String, &'a Value)>,
    after: Vec<(String, &'a Value)>,
    mut visit: impl FnMut(Option<&'a Value>, Option<&'a Value>) -> Result<(), PatchError>,
) -> Result<(), PatchError> {
    let mut before = before.into_iter().peekable();
    let mut after = after.into_iter().peekable();
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((old, _)), Some((new, _))) => old.cmp(new),
        };
        let old = if order.is_le() { before.next() } else { None };
        let new = if order.is_ge() { after.next() } else { None };
        visit(old.map(|(_, item)| item), new.map(|(_, item)| item))?;
    }
}

fn diff_scalars(before: &[Value], after: &[Value], wanted: Wanted) -> Result<Lists, PatchError> {
    let mut lists = Lists::default();
    let sorted = sorted_by_text(before, go_plain);
    // The peer sorts the old list in place before it asks whether the two differ; so an unsorted list always does.
    let same = sorted.iter().map(|(_, item)| *item).eq(after);
    pair(sorted, sorted_by_text(after, go_plain), |old, new| {
        match (old, new) {
            (Some(old), None) if wanted.deletions && !lists.gone.contains(old) => {
                lists.gone.push(old.clone())
            }
            (None, Some(new)) if !wanted.deletions => lists.items.push(new.clone()),
            _ => {}
        }
        Ok(())
    })?;
    lists.items = sort_by(lists.items, after, None, Items::Scalars)?;
    let differs = if wanted.deletions { !lists.gone.is_empty() } else { !same };
    if differs {
        lists.order = after.to_vec();
    }
    Ok(lists)
}

fn diff_items(
    view: Option<View<'_>>,
    before: &[Value],
    after: &[Value],
    key: &str,
    wanted: Wanted,
    depth: usize,
) -> Result<Lists, PatchError> {
    require_keys(before, key)?;
    require_keys(after, key)?;
    let by_key = |item| go_plain(&item_key(item, key));
    let mut items = Vec::new();
    let mut gone = Vec::new();
    pair(sorted_by_text(before, by_key), sorted_by_text(after, by_key), |old, new| {
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                let mut changes = diff_maps(view, old, new, wanted, depth + 1)?;
                if !changes.is_empty() {
                    changes.insert(key.to_owned(), new.get(key).cloned().unwrap_or(Value::Null));
                    items.push(Value::Object(changes));
                }
            }
            (None, Some(new)) if !wanted.deletions => items.push(new.clone()),
            (Some(old), None) if wanted.deletions => {
                let delete =
                    [(key.to_owned(), item_key(old, key)), (DIRECTIVE.to_owned(), Value::from("delete"))];
                gone.push(Value::Object(delete.into_iter().collect()));
            }
            _ => {}
        }
        Ok(())
    })?;
    let mut items = sort_by(items, after, Some(key), Items::Maps)?;
    items.extend(gone);
    let same_order = before.len() == after.len()
        && before.iter().zip(after).all(|(old, new)| old.get(key) == new.get(key));
    let order = if !items.is_empty() || (!wanted.deletions && !same_order) {
        after
            .iter()
            .map(|item| Value::Object([(key.to_owned(), item_key(item, key))].into_iter().collect()))
            .collect()
    } else {
        Vec::new()
    };
    Ok(Lists { items, gone: Vec::new(), order })
}

fn item_key(item: &Value, key: &str) -> Value {
    item.get(key).cloned().unwrap_or(Value::Null)
}
