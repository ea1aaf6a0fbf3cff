//! What of a commit is signed, and by what.

use crate::error::SourceError;
use crate::remote::Remote;
use crate::sources::{Sources, blocking};
use std::sync::Arc;

/// A commit with its signature taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCommit {
    /// What was signed.
    pub payload: Vec<u8>,
    /// The signature, as it stands in the commit: armored OpenPGP, or another format.
    pub signature: Vec<u8>,
}

impl Sources {
    /// The signature of a commit; `None` where it has none.
    ///
    /// # Errors
    /// [`SourceError`]; nothing is fetched but the commit itself, should it not be here.
    pub async fn signed_commit(
        &self,
        remote: &Remote,
        commit: &str,
    ) -> Result<Option<SignedCommit>, SourceError> {
        let (inner, asked, commit) = (Arc::clone(&self.inner), remote.clone(), commit.to_owned());
        let timeouts = self.inner.options.timeouts;
        let look = move || {
            inner.check(&asked)?;
            let (objects, about) = inner.whole_commit(&asked, &commit)?;
            let found = objects.decode(&about.commit, |_, data| {
                let signed = gix::objs::CommitRefIter::signature(data, gix::hash::Kind::Sha1)
                    .map_err(|error| error.to_string())?;
                Ok(signed.map(|(signature, payload)| SignedCommit {
                    payload: payload.to_bstring().into(),
                    signature: signature.into_owned().into(),
                }))
            });
            found.map_err(|detail| SourceError::Store { repo: asked.url.clone(), detail })
        };
        blocking(remote, timeouts.ls_refs + timeouts.fetch, look).await
    }
}
