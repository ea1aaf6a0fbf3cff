//! Trees with other files in them. What a change is not about stays as it is: names that no path can say, odd modes, submodules.

use super::pack::NewObjects;
use super::{FileChange, MAX_DEPTH};
use crate::objects::Objects;
use filetree::TreePath;
use gix::ObjectId;
use gix::objs::Kind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A change, or a directory with some in it.
enum Node<'a> {
    Change(&'a FileChange),
    Directory(BTreeMap<&'a str, Self>),
}

/// An entry of a tree as it stands there.
struct Entry {
    mode: Vec<u8>,
    name: Vec<u8>,
    id: ObjectId,
}

/// The tree with the changes in it. The objects that it needs and that were not there are added to `made`.
pub(super) fn tree(
    objects: Option<&Objects>,
    base: Option<ObjectId>,
    changes: &BTreeMap<TreePath, FileChange>,
    made: &mut NewObjects,
) -> Result<ObjectId, String> {
    let mut root = BTreeMap::new();
    for (path, change) in changes {
        insert(&mut root, path, change)?;
    }
    match rebuild(objects, base, &root, "", made)? {
        Some(id) => Ok(id),
        None => made.add(Kind::Tree, Vec::new()),
    }
}

fn insert<'a>(
    root: &mut BTreeMap<&'a str, Node<'a>>,
    path: &'a TreePath,
    change: &'a FileChange,
) -> Result<(), String> {
    let mut names: Vec<&str> = path.names().collect();
    let name = names.pop().ok_or("the root is no file")?;
    if names.len() > MAX_DEPTH {
        return Err(format!("'{path}' lies deeper than {MAX_DEPTH} directories"));
    }
    let mut here = root;
    for directory in names {
        match here.entry(directory).or_insert_with(|| Node::Directory(BTreeMap::new())) {
            Node::Directory(inside) => here = inside,
            Node::Change(_) => return Err(format!("'{path}' lies in what is a file")),
        }
    }
    match here.insert(name, Node::Change(change)) {
        None => Ok(()),
        Some(_) => Err(format!("'{path}' is a directory")),
    }
}

/// The id of the directory as it shall be; none when nothing is left in it.
fn rebuild(
    objects: Option<&Objects>,
    base: Option<ObjectId>,
    wanted: &BTreeMap<&str, Node<'_>>,
    path: &str,
    made: &mut NewObjects,
) -> Result<Option<ObjectId>, String> {
    let mut entries = match (objects, base) {
        (Some(objects), Some(id)) => read(objects, &id)?,
        _ => Vec::new(),
    };
    for (name, node) in wanted {
        if name.eq_ignore_ascii_case(".git") {
            return Err(format!("'{path}{name}' is no name for a file in git"));
        }
        let place = entries.iter().position(|entry| entry.name == name.as_bytes());
        let found = place.and_then(|place| entries.get(place)).map(|entry| (entry.mode.as_slice(), entry.id));
        let wrong = |what: &str| Err(format!("'{path}{name}' is {what}"));
        let replacement = match (node, found.map(|(mode, id)| (kind_of(mode), id))) {
            (_, Some((Found::Submodule, _))) => return wrong("a submodule"),
            (Node::Change(FileChange::Write(content)), None) => {
                Some((b"100644".to_vec(), made.add(Kind::Blob, content.to_vec())?))
            }
            (Node::Change(FileChange::Write(content)), Some((Found::File, _))) => {
                let mode = found.map(|(mode, _)| mode.to_vec()).unwrap_or_default();
                Some((mode, made.add(Kind::Blob, content.to_vec())?))
            }
            (Node::Change(FileChange::Write(_)), Some((Found::Link, _))) => return wrong("a symbolic link"),
            (Node::Change(_), Some((Found::Directory, _))) => return wrong("a directory"),
            (Node::Change(FileChange::Delete), Some((Found::File | Found::Link, _)) | None) => None,
            (Node::Directory(inside), None) => {
                rebuild(objects, None, inside, &format!("{path}{name}/"), made)?
                    .map(|id| (b"40000".to_vec(), id))
            }
            (Node::Directory(inside), Some((Found::Directory, id))) => {
                rebuild(objects, Some(id), inside, &format!("{path}{name}/"), made)?
                    .map(|id| (b"40000".to_vec(), id))
            }
            (Node::Directory(_), Some((Found::File, _))) => return wrong("a file"),
            (Node::Directory(_), Some((Found::Link, _))) => return wrong("a symbolic link"),
        };
        if let Some(place) = place {
            entries.remove(place);
        }
        if let Some((mode, id)) = replacement {
            entries.push(Entry { mode, name: name.as_bytes().to_vec(), id });
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    // Git's order: a directory stands where its name with a slash would.
    entries.sort_by_cached_key(|entry| {
        let slash: &[u8] = if matches!(kind_of(&entry.mode), Found::Directory) { b"/" } else { b"" };
        [&entry.name, slash].concat()
    });
    let mut raw = Vec::new();
    for Entry { mode, name, id } in &entries {
        raw.extend_from_slice(mode);
        raw.push(b' ');
        raw.extend_from_slice(name);
        raw.push(0);
        raw.extend_from_slice(id.as_slice());
    }
    made.add(Kind::Tree, raw).map(Some)
}

enum Found {
    File,
    Link,
    Directory,
    Submodule,
}

fn kind_of(mode: &[u8]) -> Found {
    match mode {
        b"40000" | b"040000" => Found::Directory,
        b"120000" => Found::Link,
        b"160000" => Found::Submodule,
        _ => Found::File,
    }
}

fn read(objects: &Objects, id: &ObjectId) -> Result<Vec<Entry>, String> {
    let raw: Arc<[u8]> = objects.decode(id, |kind, data| match kind {
        Kind::Tree => Ok(data.into()),
        kind => Err(format!("object {id} is a {kind} and no tree")),
    })?;
    let mut entries = Vec::new();
    let mut rest = &*raw;
    while !rest.is_empty() {
        let (entry, after) = first(rest).ok_or_else(|| format!("tree {id} is malformed"))?;
        entries.push(entry);
        rest = after;
    }
    Ok(entries)
}

fn first(raw: &[u8]) -> Option<(Entry, &[u8])> {
    let nul = raw.iter().position(|byte| *byte == 0)?;
    let head = raw.get(..nul)?;
    let space = head.iter().position(|byte| *byte == b' ')?;
    let id = ObjectId::try_from(raw.get(nul + 1..nul + 21)?).ok()?;
    let (mode, name) = (head.get(..space)?.to_vec(), head.get(space + 1..)?.to_vec());
    Some((Entry { mode, name, id }, raw.get(nul + 21..)?))
}
