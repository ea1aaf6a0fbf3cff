//! Writes packs: which objects a client lacks, and the bytes that give them to it.

use std::collections::HashSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::objs::{Kind, TreeRefIter};
use gix::odb::pack::data::entry::Header;
use gix::{ObjectId, Repository};

use crate::GitError;

/// A pack with all that is reachable from `wants` and not from `haves`, every object whole (no deltas).
/// With `depth`, only that many commits deep; the second part names the commits where history was cut.
pub(crate) fn pack(
    repository: &Repository,
    wants: &[ObjectId],
    haves: &[ObjectId],
    depth: Option<usize>,
) -> Result<(Vec<u8>, Vec<ObjectId>), GitError> {
    let mut seen = HashSet::new();
    reach(repository, haves, None, &mut seen, &mut |_| {})?;
    let mut objects = Vec::new();
    let cut = reach(repository, wants, depth, &mut seen, &mut |id| objects.push(id))?;
    let mut out = Vec::new();
    out.extend_from_slice(b"PACK");
    out.extend_from_slice(&2u32.to_be_bytes());
    let count = u32::try_from(objects.len()).map_err(|_| GitError::repository("too many objects"))?;
    out.extend_from_slice(&count.to_be_bytes());
    for id in objects {
        let object = repository.find_object(id).map_err(GitError::repository)?;
        header(object.kind).write_to(object.data.len() as u64, &mut out).map_err(GitError::repository)?;
        let mut encoder = ZlibEncoder::new(&mut out, Compression::fast());
        encoder
            .write_all(&object.data)
            .and_then(|()| encoder.finish().map(drop))
            .map_err(GitError::repository)?;
    }
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&out);
    let checksum = hasher.try_finalize().map_err(GitError::repository)?;
    out.extend_from_slice(checksum.as_slice());
    Ok((out, cut))
}

/// Visits every object that `tips` lead to and that was not seen before. Returns the commits whose parents were left out.
fn reach(
    repository: &Repository,
    tips: &[ObjectId],
    depth: Option<usize>,
    seen: &mut HashSet<ObjectId>,
    visit: &mut dyn FnMut(ObjectId),
) -> Result<Vec<ObjectId>, GitError> {
    let mut cut = Vec::new();
    let mut todo: Vec<(ObjectId, usize)> = tips.iter().map(|id| (*id, 1)).collect();
    while let Some((id, level)) = todo.pop() {
        if !seen.insert(id) {
            continue;
        }
        // What a client says to have and we do not know is of no use.
        let Some(object) = repository.try_find_object(id).map_err(GitError::repository)? else { continue };
        visit(id);
        match object.kind {
            Kind::Commit => {
                let commit = object.try_into_commit().map_err(GitError::repository)?;
                todo.push((commit.tree_id().map_err(GitError::repository)?.detach(), level));
                let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
                if depth.is_some_and(|depth| level >= depth) && !parents.is_empty() {
                    cut.push(id);
                } else {
                    todo.extend(parents.into_iter().map(|parent| (parent, level + 1)));
                }
            }
            Kind::Tag => {
                let tag = object.try_into_tag().map_err(GitError::repository)?;
                todo.push((tag.target_id().map_err(GitError::repository)?.detach(), level));
            }
            Kind::Tree => {
                for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
                    let entry = entry.map_err(GitError::repository)?;
                    if !entry.mode.is_commit() {
                        todo.push((entry.oid.to_owned(), level));
                    }
                }
            }
            Kind::Blob => {}
        }
    }
    Ok(cut)
}

fn header(kind: Kind) -> Header {
    match kind {
        Kind::Commit => Header::Commit,
        Kind::Tree => Header::Tree,
        Kind::Blob => Header::Blob,
        Kind::Tag => Header::Tag,
    }
}
