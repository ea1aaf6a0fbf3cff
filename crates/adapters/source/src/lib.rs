//! Files out of git repositories, without checking anything out.
//!
//! [`Sources`] asks a repository for its names ([`Sources::ls_refs`]), says which commit a target revision means
//! ([`Sources::resolve`]), and gives a commit's files ([`Sources::snapshot`]) as a [`filetree::Store`] over git's own objects,
//! kept in one bare object store a repository and fetched with no more than what is new. https, ssh, plain http and `file://`
//! (the last two where they are allowed), submodules, proxies. [`Sources::last_change`] says which commit a state of some files
//! comes from. [`Sources::push`] writes: one commit on top of what was read, and the
//! branch moved to it by compare-and-swap, never by force.
//!
//! Whatever a server, a URL or a repository says is a stranger's text: time, bytes and counts are bounded, and every failure is a
//! [`SourceError`] without a secret in it. This crate refuses to know the cluster, projects and their rules, polling intervals
//! and renderers. gix is behind it, and nothing of gix is in its interface.
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use source::{Options, Remote, RepoUrl, Sources};
//!
//! let sources = Sources::new(Options::new("/var/lib/capstan"))?;
//! let remote = Remote::new(RepoUrl::parse("https://git.example/org/config.git")?);
//! let refs = sources.ls_refs(&remote).await?;
//! let resolved = Sources::resolve(&refs, "main")?;
//! let snapshot = sources.snapshot(&remote, &resolved.commit).await?;
//! let tree = filetree::FileTree::new(snapshot.store.clone(), filetree::Limits::default());
//! println!("{} {}", snapshot.subject, tree.list(&filetree::TreePath::root())?.len());
//! # Ok(()) }
//! ```

mod admitted;
mod call;
mod directory;
mod error;
mod history;
mod http;
mod local;
mod note;
mod objects;
mod push;
mod remote;
mod repository;
mod revision;
mod signed;
mod snapshot;
mod sources;
mod ssh;
mod submodules;
mod tree;
mod url;
mod wire;

pub use directory::open_dir;
pub use error::SourceError;
pub use history::Change;
pub use net::{Proxies, Secret};
pub use note::Note;
pub use push::{Base, FileChange, NewCommit, Person, PersonError, Push};
pub use remote::{Credentials, Remote};
pub use revision::{Refs, Resolved, RevisionError, resolve, resolve_name};
pub use signed::Signed;
pub use snapshot::Snapshot;
pub use sources::{Counts, Limits, Options, Sources, Timeouts};
pub use url::{MAX_URL_BYTES, RepoUrl, RepoUrlError, Scheme};
