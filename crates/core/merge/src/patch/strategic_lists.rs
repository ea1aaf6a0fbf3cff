//! Order and identity of list items in strategic merge patches.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::strategic::{DIRECTIVE, SET_ORDER, malformed, no_merge_key};
use crate::errors::PatchError;
use crate::{shape, values};

/// Most items of a list that is merged: some steps look at each item for each.
const MAX_ITEMS: usize = 10_000;

/// What a list consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Items {
    /// Maps, told apart by a merge key.
    Maps,
    /// Strings, numbers or booleans.
    Scalars,
}

/// The one kind of the items of both lists.
///
/// # Errors
/// No items at all, lists of lists, nulls, mixed types, or more than 10,000 items.
pub(crate) fn items_kind(lists: [&[Value]; 2]) -> Result<Items, PatchError> {
    if lists.iter().any(|list| list.len() > MAX_ITEMS) {
        return Err(malformed(format!("a list that is merged may have at most {MAX_ITEMS} items")));
    }
    let mut items = lists.into_iter().flatten();
    let first = items.next().ok_or_else(|| malformed("no elements in any of the given slices"))?;
    if first.is_array() {
        return Err(malformed("lists of lists are not supported"));
    }
    if first.is_null() || items.any(|item| std::mem::discriminant(item) != std::mem::discriminant(first)) {
        let texts: Vec<_> = lists.iter().map(|list| shape::go_plain(&Value::Array(list.to_vec()))).collect();
        return Err(malformed(format!("list element types are not identical: [{}]", texts.join(" "))));
    }
    Ok(if first.is_object() { Items::Maps } else { Items::Scalars })
}

/// A map as Go's `%v` prints it.
pub(crate) fn go_map(map: &Map<String, Value>) -> String {
    let entries: Vec<_> =
        map.iter().map(|(key, value)| format!("{key}:{}", shape::go_plain(value))).collect();
    format!("map[{}]", entries.join(" "))
}

/// Where each item stands in a list, by its merge key if there is one.
struct Places<'a> {
    key: Option<&'a str>,
    first: BTreeMap<String, usize>,
}

impl<'a> Places<'a> {
    fn of(list: &[Value], key: Option<&'a str>) -> Self {
        let mut places = Self { key, first: BTreeMap::new() };
        for (at, item) in list.iter().enumerate() {
            places.first.entry(places.name(item)).or_insert(at);
        }
        places
    }

    fn name(&self, item: &Value) -> String {
        let value = match self.key {
            Some(key) => item.get(key).unwrap_or(&Value::Null),
            None => item,
        };
        values::readable(value)
    }

    fn get(&self, item: &Value) -> Option<usize> {
        self.first.get(&self.name(item)).copied()
    }
}

/// The items that `order` names, and the rest.
///
/// # Errors
/// With a key, an item that is no map or lacks it.
pub(crate) fn partition(
    items: Vec<Value>,
    order: &[Value],
    key: Option<&str>,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    if let Some(key) = key {
        require_keys(&items, key)?;
    }
    let places = Places::of(order, key);
    Ok(items.into_iter().partition(|item| places.get(item).is_some()))
}

pub(crate) fn require_keys(items: &[Value], key: &str) -> Result<(), PatchError> {
    for item in items {
        let Value::Object(map) = item else {
            return Err(malformed("expected a map[string]interface {}, but received another type"));
        };
        if !map.contains_key(key) {
            return Err(no_merge_key(item, key));
        }
    }
    Ok(())
}

fn is_deletion(item: &Value) -> bool {
    item.get(DIRECTIVE).and_then(Value::as_str) == Some("delete")
}

/// Sorts items as they stand in `order`; deletions go last. An item that `order` lacks moves to the front.
pub(crate) fn sort_by(
    items: Vec<Value>,
    order: &[Value],
    key: Option<&str>,
    kind: Items,
) -> Result<Vec<Value>, PatchError> {
    let (deletions, items): (Vec<_>, Vec<_>) = match (kind, key) {
        (Items::Maps, Some(key)) => {
            require_keys(&items, key)?;
            require_keys(order, key)?;
            items.into_iter().partition(is_deletion)
        }
        _ => (Vec::new(), items),
    };
    let places = Places::of(order, key);
    let mut placed: Vec<(Option<usize>, Value)> = Vec::with_capacity(items.len() + deletions.len());
    for item in items {
        let place = places.get(&item);
        let before = |(known, _): &(Option<usize>, Value)| match (place, known) {
            (Some(place), Some(known)) => place < *known,
            _ => true,
        };
        let moves = placed.iter().rev().take_while(|known| before(known)).count();
        placed.insert(placed.len() - moves, (place, item));
    }
    Ok(placed.into_iter().map(|(_, item)| item).chain(deletions).collect())
}

/// Sorts the patch's items by the patch's order and the others by the object's, and interleaves them by the latter.
pub(crate) fn enforce_order(
    ours: Vec<Value>,
    others: Vec<Value>,
    our_order: &[Value],
    before: &[Value],
    key: Option<&str>,
    kind: Items,
) -> Result<Vec<Value>, PatchError> {
    let ours = sort_by(ours, our_order, key, kind)?;
    let others = sort_by(others, before, key, kind)?;
    let places = Places::of(before, key);
    let mut out = Vec::with_capacity(ours.len() + others.len());
    let mut ours = ours.into_iter().peekable();
    let mut others = others.into_iter().peekable();
    loop {
        let next = match (others.peek(), ours.peek()) {
            (Some(other), Some(our)) => {
                let earlier = match (places.get(other), places.get(our)) {
                    (Some(other), Some(our)) => other < our,
                    _ => false,
                };
                if earlier { others.next() } else { ours.next() }
            }
            (Some(_), None) => others.next(),
            (None, _) => ours.next(),
        };
        match next {
            Some(item) => out.push(item),
            None => return Ok(out),
        }
    }
}

/// Whether the patch's items come in the order that it sets itself.
///
/// # Errors
/// They do not, or an item lacks its key.
pub(crate) fn check_order(patch: &[Value], order: &[Value], key: Option<&str>) -> Result<(), PatchError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let places = Places::of(&[], key);
    let mut order_left = order.iter();
    for item in patch.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        if let Some(key) = key {
            require_keys(std::slice::from_ref(item), key)?;
        }
        let name = places.name(item);
        if !order_left.any(|wanted| places.name(wanted) == name) {
            return Err(malformed(format!(
                "The order in patch list:\n{}\n doesn't match {SET_ORDER} list:\n{}\n",
                shape::go_plain(&Value::Array(patch.to_vec())),
                shape::go_plain(&Value::Array(order.to_vec()))
            )));
        }
    }
    Ok(())
}
