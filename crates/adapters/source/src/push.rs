//! Writing to a repository: one commit on top of what was read, and the branch moved to it by compare-and-swap.
//!
//! Nothing is ever forced: the server is told which commit the branch was at, and refuses when it is at another.

mod commit;
mod edit;
mod exchange;
mod local;
mod pack;

use crate::call::Call;
use crate::error::SourceError;
use crate::remote::Remote;
use crate::sources::{Inner, Sources, blocking};
use crate::url::Scheme;
use crate::{http, ssh};
use exchange::Verdict;
use filetree::TreePath;
use gix::ObjectId;
use gix::objs::Kind;
use pack::NewObjects;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

pub use commit::{Person, PersonError};

/// How deep the directories may lie that a commit changes.
const MAX_DEPTH: usize = 128;

/// What becomes of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// It has this content. A file that is there keeps its mode; a new one is no program.
    Write(Arc<[u8]>),
    /// It is not there any more, nor are directories that it leaves empty.
    Delete,
}

/// What a commit stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// The commit that the branch was at when it was read. The branch is moved from there, and from nowhere else.
    Tip(String),
    /// The branch is not there, and begins at this commit of another one.
    NewBranch(String),
    /// The branch is not there, and this is its first commit: an empty repository.
    Nothing,
}

/// A commit to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommit {
    /// Name of the branch, with or without `refs/heads/`.
    pub branch: String,
    /// What it stands on.
    pub base: Base,
    /// What changes, by path. Links are not followed: a path that leads through one is refused.
    pub changes: BTreeMap<TreePath, FileChange>,
    /// Who made the change.
    pub author: Person,
    /// Who made the commit.
    pub committer: Person,
    /// When, in seconds since 1970, UTC.
    pub time: i64,
    /// Subject, and a body behind an empty line.
    pub message: String,
    /// `Key: value` lines at the end of the message.
    pub trailers: Vec<(String, String)>,
}

/// How a push ended where the server could say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push {
    /// The branch is at our commit.
    Pushed {
        /// 40 lower-case hex digits.
        commit: String,
    },
    /// The files would be what they are. Nothing was sent, and there is no commit.
    Unchanged,
    /// Somebody else was faster, or is about to be. Read the branch again, decide again, push again.
    Lost {
        /// What the branch is at now; none when it is not there, or not known.
        tip: Option<String>,
        /// What the server said, if it was asked: escaped and shortened.
        reason: Option<String>,
    },
    /// The server does not want it: a protected branch, a hook, its rules. Trying again changes nothing.
    Refused {
        /// The server's own words, escaped and shortened.
        reason: String,
    },
}

impl Sources {
    /// Makes a commit on top of what was read and moves the branch to it, unless it has moved meanwhile.
    ///
    /// **Shape**: `git push` without force, of one branch; the commit is not signed, and no hook of ours runs. Over https, http and ssh
    /// the server checks what it gets; a `file://` repository is written where it lies, and a branch that is checked out there is refused,
    /// as git does. **Units**: one conversation takes as long as a fetch may ([`crate::Timeouts::fetch`]), two listings apart.
    /// **Errors**: as for fetching. After one that [`SourceError::is_transient`] says to be so, the branch may have moved all the same:
    /// read it again. A repository of SHA-256 objects is refused.
    pub async fn push(&self, remote: &Remote, commit: &NewCommit) -> Result<Push, SourceError> {
        let (inner, asked, commit) = (Arc::clone(&self.inner), remote.clone(), commit.clone());
        let timeouts = self.inner.options.timeouts;
        let limit = timeouts.ls_refs * 2 + timeouts.fetch * 2;
        blocking(remote, limit, move || inner.push(&asked, &commit)).await
    }
}

/// One command to a server: from where, to where, which branch.
pub(crate) struct Swap {
    pub(crate) old: Option<ObjectId>,
    pub(crate) new: ObjectId,
    /// With `refs/heads/`.
    pub(crate) name: String,
}

impl Inner {
    fn push(self: &Arc<Self>, remote: &Remote, wanted: &NewCommit) -> Result<Push, SourceError> {
        self.check(remote)?;
        let refuse = |reason: String| SourceError::Refused { repo: remote.url.clone(), reason };
        let name = commit::branch_name(&wanted.branch).map_err(refuse)?;
        let (objects, parent, tree) = match &wanted.base {
            Base::Tip(base) | Base::NewBranch(base) => {
                let (objects, about) = self.whole_commit(remote, base)?;
                (Some(objects), Some(about.commit), Some(about.tree))
            }
            Base::Nothing => (None, None, None),
        };
        let mut made = NewObjects::default();
        let changed = edit::tree(objects.as_deref(), tree, &wanted.changes, &mut made).map_err(&refuse)?;
        if Some(changed) == tree {
            return Ok(Push::Unchanged);
        }
        let text = commit::encode(wanted, &changed, parent.as_ref()).map_err(refuse)?;
        let new = made.add(Kind::Commit, text).map_err(refuse)?;
        let old = if matches!(wanted.base, Base::Tip(_)) { parent } else { None };
        let swap = Swap { old, new, name };
        let outcome = match remote.url.scheme() {
            Scheme::File => local::swap(remote, &swap, &made)?,
            Scheme::Https | Scheme::Http | Scheme::Ssh => self.send(remote, &swap, &made)?,
        };
        tracing::debug!(repo = %remote.url, branch = swap.name, commit = %swap.new, outcome = ?outcome, "a push ended");
        Ok(outcome)
    }

    /// Sends the objects and the command, and finds out what became of them.
    fn send(&self, remote: &Remote, swap: &Swap, made: &NewObjects) -> Result<Push, SourceError> {
        let pack = made.pack().map_err(|detail| SourceError::Store { repo: remote.url.clone(), detail })?;
        let call = Call::new(remote, self.options.timeouts.fetch, self.options.limits.refs_bytes);
        let outcome = match remote.url.scheme() {
            Scheme::Ssh => self.send_by_ssh(remote, &call, swap, &pack),
            Scheme::Https | Scheme::Http | Scheme::File => self.send_by_http(remote, &call, swap, &pack),
        };
        let moved_to = || -> Result<Option<String>, SourceError> {
            Ok(self.ls_refs(remote)?.by_name.get(&swap.name).cloned())
        };
        let new = swap.new.to_string();
        match outcome {
            Ok(Verdict::Done) => Ok(Push::Pushed { commit: new }),
            Ok(Verdict::Elsewhere(tip)) => {
                Ok(Push::Lost { tip: tip.map(|tip| tip.to_string()), reason: None })
            }
            // Servers say in many ways that a branch has moved. Where it is now says it in one.
            Ok(Verdict::Refused { reason, busy }) => match moved_to() {
                Ok(tip) if busy || tip != swap.old.map(|old| old.to_string()) => {
                    Ok(Push::Lost { tip, reason: Some(reason) })
                }
                Ok(_) | Err(_) => Ok(Push::Refused { reason }),
            },
            // What broke may have broken after the server was done.
            Err(error) if error.is_transient() => match moved_to() {
                Ok(Some(tip)) if tip == new => Ok(Push::Pushed { commit: new }),
                Ok(_) | Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn send_by_http(
        &self,
        remote: &Remote,
        call: &Arc<Call>,
        swap: &Swap,
        pack: &[u8],
    ) -> Result<Verdict, SourceError> {
        let (mut line, mut said) = http::ReceivePack::open(remote, self.client(remote)?, call)?;
        exchange::read_service(&mut said).map_err(|error| call.explain(&error))?;
        let offer = exchange::read_offer(&mut said, &swap.name).map_err(|error| call.explain(&error))?;
        drop(said);
        match exchange::request(&offer, swap) {
            Ok((mut request, side_band)) => {
                request.extend_from_slice(pack);
                let mut answer = line.post(request).map_err(|error| call.explain(&error))?;
                exchange::read_verdict(&mut answer, side_band, &swap.name, call)
                    .map_err(|error| call.explain(&error))
            }
            Err(early) => early.into_verdict(remote),
        }
    }

    fn send_by_ssh(
        &self,
        remote: &Remote,
        call: &Arc<Call>,
        swap: &Swap,
        pack: &[u8],
    ) -> Result<Verdict, SourceError> {
        let private = self.options.data_dir.join("private");
        let (mut reader, mut writer, mut session) =
            ssh::start(remote, call, &private, self.options.timeouts.connect, ssh::Service::ReceivePack)?;
        let mut talk = || -> std::io::Result<Result<Verdict, exchange::Early>> {
            let offer = exchange::read_offer(&mut reader, &swap.name)?;
            let (request, side_band) = match exchange::request(&offer, swap) {
                Ok(request) => request,
                Err(early) => {
                    writer.write_all(exchange::FLUSH)?;
                    return Ok(Err(early));
                }
            };
            writer.write_all(&request)?;
            writer.write_all(pack)?;
            writer.flush()?;
            exchange::read_verdict(&mut reader, side_band, &swap.name, call).map(Ok)
        };
        match talk() {
            Ok(Ok(verdict)) => Ok(verdict),
            Ok(Err(early)) => early.into_verdict(remote),
            Err(error) => Err(match call.explain(&error) {
                SourceError::Protocol { repo, detail } => {
                    session.failure(call).unwrap_or(SourceError::Protocol { repo, detail })
                }
                explained => explained,
            }),
        }
    }
}
