//! What has to change in a value to make it another.

use serde_json::{Map, Value};

use crate::{Path, Step};

/// One change of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// Another value in the place of one that is there.
    Replace(Path, Value),
    /// A key that the map does not have; it comes last.
    Add(Path, Value),
    /// An item before the one that has this index, or behind the last one.
    Insert(Path, Value),
    /// A key or an item less.
    Remove(Path),
}

impl Change {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Replace(path, _) | Self::Add(path, _) | Self::Insert(path, _) | Self::Remove(path) => path,
        }
    }

    /// Makes the change in memory. `None` where the value has no such place.
    pub(crate) fn apply(&self, document: &mut Value) -> Option<()> {
        let path = self.path();
        let Some((parent, last)) = path.parent() else {
            if let Self::Replace(_, value) = self {
                document.clone_from(value);
            }
            return matches!(self, Self::Replace(..)).then_some(());
        };
        match (self, parent.find_mut(document)?, last) {
            (Self::Replace(_, value), at, Step::Key(key)) => {
                *at.as_object_mut()?.get_mut(key)? = value.clone()
            }
            (Self::Replace(_, value), at, Step::Index(index)) => {
                *at.as_array_mut()?.get_mut(*index)? = value.clone()
            }
            (Self::Add(_, value), at, Step::Key(key)) => {
                if at.is_null() {
                    *at = Value::Object(Map::new());
                }
                at.as_object_mut()?.insert(key.clone(), value.clone());
            }
            (Self::Insert(_, value), at, Step::Index(index)) => {
                if at.is_null() {
                    *at = Value::Array(Vec::new());
                }
                let items = at.as_array_mut()?;
                if *index > items.len() {
                    return None;
                }
                items.insert(*index, value.clone());
            }
            (Self::Remove(_), at, Step::Key(key)) => {
                at.as_object_mut()?.remove(key)?;
            }
            (Self::Remove(_), at, Step::Index(index)) => {
                let items = at.as_array_mut()?;
                if *index >= items.len() {
                    return None;
                }
                items.remove(*index);
            }
            (Self::Add(..), _, Step::Index(_)) | (Self::Insert(..), _, Step::Key(_)) => return None,
        }
        Some(())
    }
}

/// Items of both lists that are compared with each other, at most; beyond it only their common ends are kept apart.
const MAX_COMPARISONS: usize = 1 << 20;

/// The changes that make `old` into `new`, in an order in which each path holds when it is its turn. Maps and lists are changed in
/// place; what is equal is not touched. Recursion goes as deep as the values do.
pub(crate) fn changes(path: &Path, old: &Value, new: &Value, out: &mut Vec<Change>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if !old.is_empty() && !new.is_empty() => {
            maps(path, old, new, out)
        }
        (Value::Array(old), Value::Array(new)) if !old.is_empty() && !new.is_empty() => {
            lists(path, old, new, out)
        }
        (old, new) if old == new => {}
        (_, new) => out.push(Change::Replace(path.clone(), new.clone())),
    }
}

fn maps(path: &Path, old: &Map<String, Value>, new: &Map<String, Value>, out: &mut Vec<Change>) {
    for (key, value) in new {
        match old.get(key) {
            Some(before) => changes(&path.key(key), before, value, out),
            None => out.push(Change::Add(path.key(key), value.clone())),
        }
    }
    out.extend(old.keys().filter(|key| !new.contains_key(*key)).map(|key| Change::Remove(path.key(key))));
}

/// From the end to the start, so that indices hold.
fn lists(path: &Path, old: &[Value], new: &[Value], out: &mut Vec<Change>) {
    let (mut old_end, mut new_end) = (old.len(), new.len());
    let mut kept = common(old, new);
    while let Some((old_kept, new_kept)) = kept.pop() {
        gap(path, (old, old_kept + 1, old_end), (new, new_kept + 1, new_end), out);
        (old_end, new_end) = (old_kept, new_kept);
    }
    gap(path, (old, 0, old_end), (new, 0, new_end), out);
}

type Part<'a> = (&'a [Value], usize, usize);

/// Changes between two items that stay.
fn gap(
    path: &Path,
    (old, old_from, old_to): Part<'_>,
    (new, new_from, new_to): Part<'_>,
    out: &mut Vec<Change>,
) {
    let olds = old.get(old_from..old_to).unwrap_or_default();
    let news = new.get(new_from..new_to).unwrap_or_default();
    let pairs = pairs(olds, news);
    let (mut old_at, mut new_at) = (olds.len(), news.len());
    for pair in pairs.into_iter().rev().map(Some).chain([None]) {
        let (after_old, after_new) = pair.map_or((0, 0), |(i, j)| (i + 1, j + 1));
        for value in news.get(after_new..new_at).unwrap_or_default().iter().rev() {
            out.push(Change::Insert(path.index(old_from + old_at), value.clone()));
        }
        out.extend((after_old..old_at).rev().map(|at| Change::Remove(path.index(old_from + at))));
        let Some((i, j)) = pair else { break };
        if let (Some(before), Some(after)) = (olds.get(i), news.get(j)) {
            changes(&path.index(old_from + i), before, after, out);
        }
        (old_at, new_at) = (i, j);
    }
}

/// Which of the items between two that stay become which: those of the same name, and all where there are as many.
fn pairs(olds: &[Value], news: &[Value]) -> Vec<(usize, usize)> {
    if olds.len() == news.len() {
        return (0..olds.len()).map(|i| (i, i)).collect();
    }
    let (mut pairs, mut from) = (Vec::new(), 0);
    for (i, old) in olds.iter().enumerate() {
        let Some(name) = old.get("name") else { continue };
        let same = news.iter().enumerate().skip(from).find(|(_, new)| new.get("name") == Some(name));
        if let Some((j, _)) = same {
            pairs.push((i, j));
            from = j + 1;
        }
    }
    pairs
}

/// Indices of items that are equal, ascending on both sides: a longest common subsequence.
fn common(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle_old = old_rest.get(..old_rest.len() - tail).unwrap_or_default();
    let middle_new = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let mut kept: Vec<_> = (0..head).map(|i| (i, i)).collect();
    kept.extend(longest(middle_old, middle_new).into_iter().map(|(i, j)| (head + i, head + j)));
    kept.extend((0..tail).map(|i| (old.len() - tail + i, new.len() - tail + i)));
    kept
}

fn longest(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    if old.is_empty() || new.is_empty() || old.len().saturating_mul(new.len()) > MAX_COMPARISONS {
        return Vec::new();
    }
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let length = if old.get(i) == new.get(j) {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(cell) = lengths.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old.get(i) == new.get(j) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests;
