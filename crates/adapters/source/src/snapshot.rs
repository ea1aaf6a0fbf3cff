//! One commit of a repository.

use crate::objects::Objects;
use filetree::Store;
use gix::ObjectId;
use net::excerpt;
use std::sync::Arc;

/// How often a tag may stand for a tag.
const TAG_HOPS: usize = 8;

/// A commit's files and what is said of it. Holds what it needs: it stays good whatever becomes of the repository.
#[derive(Clone)]
pub struct Snapshot {
    /// 40 lower-case hex digits.
    pub commit: String,
    /// The files, links not followed; put a [`filetree::FileTree`] on it to render.
    pub store: Arc<dyn Store>,
    /// `Name <address>`, control characters escaped.
    pub author: String,
    /// When the commit was authored, in seconds since 1970, UTC.
    pub date: i64,
    /// The first line of the message, shortened.
    pub subject: String,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("commit", &self.commit).finish_non_exhaustive()
    }
}

/// What a commit object says.
pub(crate) struct About {
    pub(crate) commit: ObjectId,
    pub(crate) tree: ObjectId,
    pub(crate) author: String,
    pub(crate) date: i64,
    pub(crate) subject: String,
}

/// Reads a commit and its root tree, so that what is broken shows here and not in a render; a tag stands for what it is on.
pub(crate) fn about(objects: &Objects, id: &ObjectId) -> Result<About, String> {
    let mut commit = *id;
    for _ in 0..TAG_HOPS {
        let target = objects.decode(&commit, |kind, data| {
            if kind != gix::objs::Kind::Tag {
                return Ok(None);
            }
            let tag = gix::objs::TagRef::from_bytes(data, gix::hash::Kind::Sha1)
                .map_err(|error| error.to_string())?;
            Ok(Some(tag.target()))
        })?;
        match target {
            Some(target) => commit = target,
            None => break,
        }
    }
    let about = objects.decode(&commit, |kind, data| {
        if kind != gix::objs::Kind::Commit {
            return Err(format!("object {commit} is a {kind} and no commit"));
        }
        let decoded = gix::objs::CommitRef::from_bytes(data, gix::hash::Kind::Sha1)
            .map_err(|error| error.to_string())?;
        let author = decoded.author().map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| excerpt(&String::from_utf8_lossy(bytes));
        Ok(About {
            commit,
            tree: decoded.tree(),
            author: format!("{} <{}>", text(author.name), text(author.email)),
            // A commit without a readable time is still a commit.
            date: author.time().map(|time| time.seconds).unwrap_or_default(),
            subject: text(decoded.message.split(|b| *b == b'\n').next().unwrap_or_default()),
        })
    })?;
    objects.tree(&about.tree)?;
    Ok(about)
}
