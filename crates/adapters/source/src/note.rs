//! What is said of a commit.

use std::sync::Arc;

use gix::ObjectId;

use crate::error::SourceError;
use crate::objects::Objects;
use crate::remote::Remote;
use crate::snapshot::About;
use crate::sources::{Sources, blocking};

/// Bytes of a message that are read.
const MESSAGE: usize = 64 << 10;

/// A commit with its whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// 40 lower-case hex digits.
    pub commit: String,
    /// `Name <address>`, control characters escaped.
    pub author: String,
    /// When the commit was authored, in seconds since 1970, UTC.
    pub date: i64,
    /// The message without empty lines around it and without control characters other than new lines and tabs; at most 64 KiB of it.
    pub message: String,
}

impl Sources {
    /// What is said of a commit.
    ///
    /// # Errors
    /// [`SourceError`]; the commit is fetched, should it not be here.
    pub async fn note(&self, remote: &Remote, commit: &str) -> Result<Note, SourceError> {
        let (inner, asked, commit) = (Arc::clone(&self.inner), remote.clone(), commit.to_owned());
        let timeouts = self.inner.options.timeouts;
        let look = move || {
            inner.check(&asked)?;
            let (objects, about) = inner.whole_commit(&asked, &commit)?;
            let failed = |detail| SourceError::Store { repo: asked.url.clone(), detail };
            let message = message(&objects, &about.commit).map_err(failed)?;
            let About { commit, author, date, .. } = about;
            Ok(Note { commit: commit.to_string(), author, date, message })
        };
        blocking(remote, timeouts.ls_refs + timeouts.fetch, look).await
    }
}

fn message(objects: &Objects, commit: &ObjectId) -> Result<String, String> {
    objects.decode(commit, |_, data| {
        let decoded = gix::objs::CommitRef::from_bytes(data, gix::hash::Kind::Sha1)
            .map_err(|error| error.to_string())?;
        let read = decoded.message.get(..MESSAGE).unwrap_or(decoded.message);
        let text = String::from_utf8_lossy(read);
        let legible = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control());
        Ok(legible.collect::<String>().trim().to_owned())
    })
}
