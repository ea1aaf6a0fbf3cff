//! The `images` of a kustomization.

use serde_json::Value;
use yamledit::{Path, Stream};

use super::{Request, Set, Wanted};

/// What kustomize reads as `images`, the first that is there. It takes the second for an old name of the first.
const LISTS: [&str; 2] = ["images", "imageTags"];

pub(super) fn sets(stream: &Stream, request: &Request) -> Vec<Set> {
    let value = stream.value(0);
    let list = LISTS.into_iter().find(|list| value.get(list).is_some()).unwrap_or("images");
    let entries = value.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (mut sets, mut added) = (Vec::new(), entries.len());
    for (image, wanted) in request.images.iter().enumerate() {
        let named = indices(entries, "name", wanted);
        // What was renamed is found by its new name, too.
        let found = if named.is_empty() { indices(entries, "newName", wanted) } else { named };
        for &index in &found {
            let path = Path::root().key(list).index(index);
            sets.extend(entry(&path, entries.get(index), wanted, image));
        }
        if found.is_empty() && request.add_to_kustomization {
            let path = Path::root().key(list).index(added);
            sets.push(set(&path, "name", image, Some(wanted.name.clone())));
            sets.extend(entry(&path, None, wanted, image));
            added += 1;
        }
    }
    sets
}

fn indices(entries: &[Value], key: &str, wanted: &Wanted) -> Vec<usize> {
    let is = |entry: &Value| entry.get(key).and_then(Value::as_str).is_some_and(|name| wanted.is(name));
    entries.iter().enumerate().filter(|(_, entry)| is(entry)).map(|(index, _)| index).collect()
}

/// The fields of one entry. A tag and a digest take each other's place, as in a reference; a new name stays unless another is given.
fn entry(path: &Path, old: Option<&Value>, wanted: &Wanted, image: usize) -> Vec<Set> {
    let text = |key: &str| old.and_then(|old| old.get(key)).and_then(Value::as_str).map(str::to_owned);
    let name = wanted.new_name.clone().or_else(|| text("newName"));
    let mut fields = vec![("newName", name)];
    if wanted.tag.is_some() || wanted.digest.is_some() {
        fields.extend([("newTag", wanted.tag.clone()), ("digest", wanted.digest.clone())]);
    }
    let there = |key: &str| old.is_some_and(|old| old.get(key).is_some());
    fields.retain(|(key, new)| new.is_some() || there(key));
    if fields.is_empty() {
        fields.push(("name", text("name")));
    }
    fields.into_iter().map(|(key, new)| set(path, key, image, new)).collect()
}

fn set(path: &Path, key: &str, image: usize, new: Option<String>) -> Set {
    Set { document: 0, path: path.key(key), image, new }
}
