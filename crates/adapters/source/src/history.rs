//! Which commit a state of some files comes from.

use crate::error::SourceError;
use crate::objects::Objects;
use crate::remote::Remote;
use crate::snapshot::{About, about};
use crate::sources::{Sources, blocking};
use crate::tree::GitTree;
use filetree::Store;
use gix::ObjectId;
use std::sync::Arc;

/// A commit, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// 40 lower-case hex digits.
    pub commit: String,
    /// `Name <address>`, control characters escaped.
    pub author: String,
    /// When the commit was authored, in seconds since 1970, UTC.
    pub date: i64,
    /// The first line of the message, shortened.
    pub subject: String,
}

impl Sources {
    /// The commit that made the files of `commit` what they are, as far as `same` looks: the last one before which it says no.
    ///
    /// **Shape**: `same` is asked about the files of one commit after the other, without submodules, newest first. Of a merge it is
    /// followed which of the two sides had it already, as in `git log`. `None` where `same` says no to `commit` itself, where the
    /// history that was fetched ends before the answer, or where it is not among the last `at_most` commits.
    ///
    /// # Errors
    /// [`SourceError`]; nothing is fetched but `commit` itself, should it not be here.
    pub async fn last_change(
        &self,
        remote: &Remote,
        commit: &str,
        at_most: usize,
        mut same: impl FnMut(&dyn Store) -> bool + Send + 'static,
    ) -> Result<Option<Change>, SourceError> {
        let (inner, asked, commit) = (Arc::clone(&self.inner), remote.clone(), commit.to_owned());
        let timeouts = self.inner.options.timeouts;
        let limit = timeouts.ls_refs + timeouts.fetch;
        let look = move || {
            inner.check(&asked)?;
            let (objects, about) = inner.whole_commit(&asked, &commit)?;
            walk(&objects, about, at_most, asked.enable_lfs, &mut same)
                .map_err(|detail| SourceError::Store { repo: asked.url.clone(), detail })
        };
        blocking(remote, limit, look).await
    }
}

fn walk(
    objects: &Arc<Objects>,
    mut at: About,
    at_most: usize,
    refuse_lfs: bool,
    same: &mut dyn FnMut(&dyn Store) -> bool,
) -> Result<Option<Change>, String> {
    let mut same =
        |about: &About| same(&GitTree { objects: Arc::clone(objects), root: about.tree, refuse_lfs });
    if !same(&at) {
        return Ok(None);
    }
    for _ in 0..at_most {
        let parents = parents(objects, &at.commit)?;
        // The end of what was fetched, not the begin of the repository.
        if parents.iter().any(|parent| !objects.has(parent)) {
            return Ok(None);
        }
        let mut earlier = None;
        for parent in &parents {
            let parent = about(objects, parent)?;
            if same(&parent) {
                earlier = Some(parent);
                break;
            }
        }
        match earlier {
            Some(parent) => at = parent,
            None => {
                let About { commit, author, date, subject, .. } = at;
                return Ok(Some(Change { commit: commit.to_string(), author, date, subject }));
            }
        }
    }
    Ok(None)
}

fn parents(objects: &Objects, commit: &ObjectId) -> Result<Vec<ObjectId>, String> {
    objects.decode(commit, |_, data| {
        let decoded = gix::objs::CommitRef::from_bytes(data, gix::hash::Kind::Sha1)
            .map_err(|error| error.to_string())?;
        Ok(decoded.parents().collect())
    })
}
