//! What of commits and tags is signed, and by what.

use crate::error::SourceError;
use crate::remote::Remote;
use crate::sources::{Sources, blocking};
use gix::ObjectId;
use gix::objs::{CommitRef, CommitRefIter, Kind, TagRef};
use std::sync::Arc;

/// The formats of signatures that git puts at the end of a tag.
const BEGINS: [&[u8]; 4] = [
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----BEGIN PGP MESSAGE-----",
    b"-----BEGIN SSH SIGNATURE-----",
    b"-----BEGIN SIGNED MESSAGE-----",
];

/// A line of a commit's message that vouches for everything before it, if the commit is signed by a trusted key; in any case.
/// **Source**: the peer's strict mode, which finds it anywhere in the message.
const SEAL: &str = "argocd-gpg-seal:";

/// A commit or an annotated tag with its signature taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Its id.
    pub id: String,
    /// The parents of a commit; of a tag, what it is on.
    pub parents: Vec<String>,
    /// Name and address of a commit's author or of who made the tag.
    pub author: String,
    /// Whether a commit's message has a line that vouches for all that came before.
    pub seals: bool,
    /// What was signed, and the signature: armored OpenPGP, or another format.
    pub signature: Option<(Vec<u8>, Vec<u8>)>,
}

impl Sources {
    /// Commits and annotated tags of the history of `head`, which is a commit or a tag; `None` stands for what is not in the history as
    /// far as it was fetched.
    ///
    /// # Errors
    /// [`SourceError`]; nothing is fetched but `head`, should it not be here.
    pub async fn signed(
        &self,
        remote: &Remote,
        head: &str,
        ids: Vec<String>,
    ) -> Result<Vec<Option<Signed>>, SourceError> {
        let (inner, asked, head) = (Arc::clone(&self.inner), remote.clone(), head.to_owned());
        let timeouts = self.inner.options.timeouts;
        let look = move || {
            inner.check(&asked)?;
            let (objects, _) = inner.whole_commit(&asked, &head)?;
            let broken = |detail: String| SourceError::Store { repo: asked.url.clone(), detail };
            let read = |id: String| {
                let object = ObjectId::from_hex(id.as_bytes()).map_err(|error| broken(error.to_string()))?;
                if !objects.has(&object) {
                    return Ok(None);
                }
                objects.decode(&object, |kind, data| read(id, kind, data)).map(Some).map_err(broken)
            };
            ids.into_iter().map(read).collect()
        };
        blocking(remote, timeouts.ls_refs + timeouts.fetch, look).await
    }
}

fn read(id: String, kind: Kind, data: &[u8]) -> Result<Signed, String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let who = |name: &[u8], email: &[u8]| {
        let text = |bytes: &[u8]| net::excerpt(&String::from_utf8_lossy(bytes));
        format!("{} <{}>", text(name), text(email))
    };
    match kind {
        Kind::Commit => {
            let commit = CommitRef::from_bytes(data, gix::hash::Kind::Sha1).map_err(|error| told(&error))?;
            let author = commit.author().map_err(|error| told(&error))?;
            let signed =
                CommitRefIter::signature(data, gix::hash::Kind::Sha1).map_err(|error| told(&error))?;
            Ok(Signed {
                id,
                parents: commit.parents().map(|parent| parent.to_string()).collect(),
                author: who(author.name, author.email),
                seals: seals(commit.message),
                signature: signed
                    .map(|(signature, payload)| (payload.to_bstring().into(), signature.into_owned().into())),
            })
        }
        Kind::Tag => {
            let tag = TagRef::from_bytes(data, gix::hash::Kind::Sha1).map_err(|error| told(&error))?;
            let tagger = tag.tagger().map_err(|error| told(&error))?;
            let (payload, signature) = data.split_at(signature_of_tag(data));
            Ok(Signed {
                id,
                parents: vec![tag.target().to_string()],
                author: tagger.map(|tagger| who(tagger.name, tagger.email)).unwrap_or_default(),
                seals: false,
                signature: (!signature.is_empty()).then(|| (payload.to_vec(), signature.to_vec())),
            })
        }
        Kind::Tree | Kind::Blob => Err(format!("object {id} is a {kind}, which nobody signs")),
    }
}

fn seals(message: &[u8]) -> bool {
    let begins =
        |line: &[u8]| line.get(..SEAL.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(SEAL.as_bytes()));
    message.split(|byte| *byte == b'\n').any(begins)
}

/// Where the signature of a tag begins: the last line that begins one, as git reads it.
fn signature_of_tag(data: &[u8]) -> usize {
    let mut at = 0;
    let mut found = data.len();
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        if BEGINS.iter().any(|begin| line.starts_with(begin)) {
            found = at;
        }
        at += line.len();
    }
    found
}
