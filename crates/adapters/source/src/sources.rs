//! What the rest of the program asks of repositories.

use crate::call::Call;
use crate::error::SourceError;
use net::{Flights, Proxies, Secret, chain};

use crate::remote::Remote;
use crate::repository::{Repository, SnapshotKey};
use crate::revision::{self, Refs, Resolved, RevisionError};
use crate::snapshot::Snapshot;
use crate::submodules::Budget;
use crate::url::Scheme;
use crate::{http, local, ssh, wire};
use gix::protocol::handshake::Ref;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tally::Histogram;
use tokio::time::Instant;

/// How much longer than its own limit a conversation is waited for: it ends itself.
const GRACE: Duration = Duration::from_secs(5);

/// How many clients with different trust and proxies are kept.
const CLIENTS: usize = 64;

/// How this crate behaves; the composition root makes one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where object stores are kept between runs. One process at a time.
    pub data_dir: PathBuf,
    /// Whether `file://` repositories may be read.
    pub allow_file: bool,
    /// For http(s) repositories whose Secret names no proxy.
    pub proxies: Proxies,
    /// What servers may send.
    pub limits: Limits,
    /// How long they may take.
    pub timeouts: Timeouts,
}

impl Options {
    /// No files, no proxy, default limits and times.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            allow_file: false,
            proxies: Proxies::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// What a server may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Branches and tags.
    pub refs: usize,
    /// Bytes of their listing.
    pub refs_bytes: u64,
    /// Bytes of one fetch, as they come over the wire.
    pub pack_bytes: u64,
    /// Bytes of one object, decompressed. A repository with a larger file cannot be used.
    pub object_bytes: usize,
    /// Packs in one object store; one more, and the store is begun anew.
    pub packs: usize,
}

impl Default for Limits {
    /// 250,000 names in 64 MiB; 4 GiB a fetch; 512 MiB an object; 256 packs.
    fn default() -> Self {
        Self { refs: 250_000, refs_bytes: 64 << 20, pack_bytes: 4 << 30, object_bytes: 512 << 20, packs: 256 }
    }
}

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// For a listing, all in all.
    pub ls_refs: Duration,
    /// For a fetch, all in all, unpacking included.
    pub fetch: Duration,
}

impl Default for Timeouts {
    /// 10 s, 15 s (the peer's `reposerver.git.request.timeout`), 30 s, 10 min.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), idle: seconds(15), ls_refs: seconds(30), fetch: seconds(600) }
    }
}

/// What was asked of one repository's server since the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// Listings, failed ones included.
    pub ls_refs: u64,
    /// Listings that failed.
    pub ls_refs_failed: u64,
    /// Fetches, failed ones included.
    pub fetches: u64,
    /// Fetches that failed.
    pub fetches_failed: u64,
    /// How long listings took.
    pub ls_refs_took: Histogram,
    /// How long fetches took.
    pub fetches_took: Histogram,
}

/// Upper ends of the buckets for calls, in seconds: the peer's.
const CALLS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0];

impl Default for Counts {
    fn default() -> Self {
        Self {
            ls_refs: 0,
            ls_refs_failed: 0,
            fetches: 0,
            fetches_failed: 0,
            ls_refs_took: Histogram::new(CALLS),
            fetches_took: Histogram::new(CALLS),
        }
    }
}

/// All repositories. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Sources {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) options: Options,
    repositories: Mutex<HashMap<String, Arc<Repository>>>,
    clients: Mutex<HashMap<[u8; 32], reqwest::blocking::Client>>,
    counts: Mutex<BTreeMap<String, Counts>>,
    listings: Flights<[u8; 32], Result<Arc<Refs>, SourceError>>,
    fetches: Flights<([u8; 32], SnapshotKey), Result<Arc<Snapshot>, SourceError>>,
}

impl Sources {
    /// Makes the data directory and removes what an earlier process left half done.
    ///
    /// # Errors
    /// When the directory cannot be made or written.
    pub fn new(options: Options) -> std::io::Result<Self> {
        let private = options.data_dir.join("private");
        match std::fs::remove_dir_all(&private) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Other people's repositories: nobody else's business.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(options.data_dir.join("git"))?;
        let inner = Inner {
            options,
            repositories: Mutex::default(),
            clients: Mutex::default(),
            counts: Mutex::default(),
            listings: Flights::default(),
            fetches: Flights::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Asks a repository for its branches and tags: one network conversation, shared by all who ask at the same time with the
    /// same credentials. Who needs what was pushed up to a certain moment compares that with [`Refs::fetched_at`], since the
    /// conversation that was joined may be older, and asks again.
    ///
    /// # Errors
    /// [`SourceError`]; on any of them keep what you have.
    pub async fn ls_refs(&self, remote: &Remote) -> Result<Arc<Refs>, SourceError> {
        let (inner, asked) = (Arc::clone(&self.inner), remote.clone());
        let limit = self.inner.options.timeouts.ls_refs;
        let ask = blocking(remote, limit, move || inner.ls_refs(&asked).map(Arc::new));
        self.inner.listings.join(remote.access(), ask).await
    }

    /// Resolves a target revision among a repository's branches and tags, without asking anybody. See [`revision::resolve`].
    ///
    /// # Errors
    /// [`RevisionError`]; [`RevisionError::Abbreviated`] needs [`Sources::revision`].
    pub fn resolve(refs: &Refs, target_revision: &str) -> Result<Resolved, RevisionError> {
        revision::resolve(refs, target_revision, "")
    }

    /// As [`Sources::resolve`], and abbreviated commit ids too: among the tips, then in the history of `HEAD` (fetched for it).
    ///
    /// # Errors
    /// [`SourceError::Revision`], and what fetching can give.
    pub async fn revision(
        &self,
        remote: &Remote,
        refs: &Refs,
        target_revision: &str,
        tag_prefix: &str,
    ) -> Result<Resolved, SourceError> {
        let wrong = |error| SourceError::Revision { repo: remote.url.clone(), error };
        let prefix = match revision::resolve(refs, target_revision, tag_prefix) {
            Err(RevisionError::Abbreviated { prefix }) => prefix,
            resolved => return resolved.map_err(wrong),
        };
        let mut tips: Vec<_> = refs.by_name.values().filter(|commit| commit.starts_with(&prefix)).collect();
        tips.sort_unstable();
        tips.dedup();
        match tips.as_slice() {
            [commit] => return Ok(Resolved { commit: (*commit).clone(), name: None }),
            [] => {}
            _ => return Err(wrong(RevisionError::Ambiguous { prefix })),
        }
        let head = revision::resolve(refs, "HEAD", "").map_err(wrong)?;
        self.snapshot(remote, &head.commit).await?;
        let (inner, asked) = (Arc::clone(&self.inner), remote.clone());
        let limit = self.inner.options.timeouts.ls_refs;
        let look = move || inner.repository(&asked).abbreviated(&inner, &asked, &prefix);
        blocking(remote, limit, look).await.map(|commit| Resolved { commit, name: None })
    }

    /// The files of a commit: at once when they are here, else fetched, with no more than what is new. Shared by all who ask at
    /// the same time. Credentials that have not listed this repository before are tried on its server first, so that nobody
    /// reads what was fetched for somebody else.
    ///
    /// # Errors
    /// [`SourceError`]; on any of them keep the snapshot that you have.
    pub async fn snapshot(&self, remote: &Remote, commit: &str) -> Result<Arc<Snapshot>, SourceError> {
        let key = SnapshotKey::new(remote, commit);
        if let Some(snapshot) = self.inner.repository(remote).cached(remote, &key) {
            return Ok(snapshot);
        }
        let (inner, asked, wanted) = (Arc::clone(&self.inner), remote.clone(), commit.to_owned());
        let timeouts = self.inner.options.timeouts;
        // Those who wait for the repository's lock wait for others' fetches.
        let limit = timeouts.ls_refs + timeouts.fetch * 4;
        let ask = blocking(remote, limit, move || inner.snapshot(&asked, &wanted, 0, &Budget::new()));
        self.inner.fetches.join((remote.access(), key), ask).await
    }

    /// Where everything is kept.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.inner.options.data_dir
    }

    /// What was asked of servers, by repository (masked URL).
    pub fn counters(&self) -> BTreeMap<String, Counts> {
        lock(&self.inner.counts).clone()
    }
}

/// Runs a conversation where it may block. It ends itself in time; should it not, it is left behind.
pub(crate) async fn blocking<T: Send + 'static>(
    remote: &Remote,
    limit: Duration,
    run: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match tokio::time::timeout(limit + GRACE, tokio::task::spawn_blocking(run)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            Err(SourceError::Store { repo: remote.url.clone(), detail: format!("a task failed: {error}") })
        }
        Err(_) => Err(SourceError::TimedOut { repo: remote.url.clone(), limit }),
    }
}

impl Inner {
    /// The state kept for a repository, one for all who use it.
    pub(crate) fn repository(&self, remote: &Remote) -> Arc<Repository> {
        let name = remote.url.connect_form();
        let mut repositories = lock(&self.repositories);
        let made = || {
            Arc::new(Repository::new(
                self.options.data_dir.join("git").join(directory_name(&name)),
                name.clone(),
            ))
        };
        Arc::clone(repositories.entry(name.clone()).or_insert_with(made))
    }

    pub(crate) fn ls_refs(&self, remote: &Remote) -> Result<Refs, SourceError> {
        self.check(remote)?;
        let asked = Instant::now();
        let outcome = match remote.url.scheme() {
            Scheme::File => local::refs(remote),
            Scheme::Https | Scheme::Http | Scheme::Ssh => self.list(remote),
        };
        self.count(remote, |counts| {
            counts.ls_refs += 1;
            counts.ls_refs_failed += u64::from(outcome.is_err());
            counts.ls_refs_took.observe(asked.elapsed());
        });
        if matches!(outcome, Err(SourceError::Unauthorized { .. })) {
            self.repository(remote).refuse(remote);
        }
        let refs = outcome?;
        self.repository(remote).admit(remote);
        Ok(Refs { fetched_at: asked, ..refs })
    }

    fn list(&self, remote: &Remote) -> Result<Refs, SourceError> {
        let limits = &self.options.limits;
        let call = Call::new(remote, self.options.timeouts.ls_refs, limits.refs_bytes);
        let listed = self.converse(remote, &call, |talk| talk.ls_refs())?;
        if listed.len() > limits.refs {
            return Err(SourceError::TooLarge {
                repo: remote.url.clone(),
                what: "branches and tags",
                limit: limits.refs as u64,
            });
        }
        Ok(to_refs(listed))
    }

    /// Connects, talks, and says why it did not work.
    pub(crate) fn converse<T>(
        &self,
        remote: &Remote,
        call: &Arc<Call>,
        talk: impl FnOnce(&mut Talk<'_>) -> Result<T, gix::Error>,
    ) -> Result<T, SourceError> {
        match remote.url.scheme() {
            Scheme::Ssh => {
                let private = self.options.data_dir.join("private");
                let (mut transport, mut session) =
                    ssh::connect(remote, call, &private, self.options.timeouts.connect)?;
                talk(&mut Talk::Ssh(&mut transport)).map_err(|error| {
                    drop(transport);
                    match call.explain(&error) {
                        SourceError::Protocol { repo, detail } => {
                            session.failure(call).unwrap_or(SourceError::Protocol { repo, detail })
                        }
                        explained => explained,
                    }
                })
            }
            Scheme::Https | Scheme::Http | Scheme::File => {
                let mut transport = http::transport(remote, self.client(remote)?, call)?;
                let watchdog = crate::call::Watchdog::new(call, || {});
                let watchdog = watchdog.map_err(|error| SourceError::Store {
                    repo: remote.url.clone(),
                    detail: format!("no thread: {error}"),
                })?;
                let outcome = talk(&mut Talk::Http(&mut transport)).map_err(|error| call.explain(&error));
                drop(watchdog);
                outcome
            }
        }
    }

    pub(crate) fn count(&self, remote: &Remote, change: impl FnOnce(&mut Counts)) {
        change(lock(&self.counts).entry(remote.url.to_string()).or_default());
    }

    /// What may not be done at all is refused before anything is tried.
    pub(crate) fn check(&self, remote: &Remote) -> Result<(), SourceError> {
        let reason = match remote.url.scheme() {
            Scheme::File if !self.options.allow_file => "file:// repositories are not allowed here",
            Scheme::Http if !remote.credentials.allow_http => {
                "plain http is used only where the repository's Secret has an http URL"
            }
            _ => return Ok(()),
        };
        Err(SourceError::Refused { repo: remote.url.clone(), reason: reason.to_owned() })
    }

    pub(crate) fn client(&self, remote: &Remote) -> Result<reqwest::blocking::Client, SourceError> {
        let c = &remote.credentials;
        let mut hash = Sha256::new();
        let trust = c.ca_certs.get(remote.url.host());
        let secret = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
        let what =
            (trust, &c.tls_client_cert, secret(&c.tls_client_key), c.insecure, secret(&c.proxy), &c.no_proxy);
        hash.update(format!("{what:?} {:?}", remote.url.scheme()));
        let key: [u8; 32] = hash.finalize().into();
        if let Some(client) = lock(&self.clients).get(&key) {
            return Ok(client.clone());
        }
        let client = http::client(remote, &self.options.timeouts, &self.options.proxies)?;
        let mut clients = lock(&self.clients);
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }
}

/// The transport of a conversation.
pub(crate) enum Talk<'a> {
    Http(&'a mut gix_transport::client::blocking_io::http::Transport<http::GitHttp>),
    Ssh(&'a mut ssh::SshTransport),
}

impl Talk<'_> {
    fn ls_refs(&mut self) -> Result<Vec<Ref>, gix::Error> {
        match self {
            Self::Http(transport) => wire::ls_refs(*transport),
            Self::Ssh(transport) => wire::ls_refs(*transport),
        }
    }

    pub(crate) fn fetch(
        &mut self,
        want: &wire::Want<'_>,
        call: &Call,
        consume: impl FnOnce(&mut dyn std::io::BufRead) -> Result<(), gix::Error>,
    ) -> Result<(), gix::Error> {
        match self {
            Self::Http(transport) => wire::fetch(*transport, want, &call.interrupt, consume),
            Self::Ssh(transport) => wire::fetch(*transport, want, &call.interrupt, consume),
        }
    }
}

fn to_refs(listed: Vec<Ref>) -> Refs {
    let mut head = None;
    let (mut by_name, mut tags) = (BTreeMap::new(), BTreeMap::new());
    for listed in listed {
        if let Ref::Peeled { full_ref_name, tag, .. } = &listed
            && let Ok(name) = String::from_utf8(name_bytes(full_ref_name.clone()))
        {
            tags.insert(name, tag.to_string());
        }
        let (name, object) = match listed {
            Ref::Peeled { full_ref_name, object, .. } | Ref::Direct { full_ref_name, object } => {
                (full_ref_name, object)
            }
            Ref::Symbolic { full_ref_name, target, object, .. } => {
                if full_ref_name == "HEAD" {
                    head = String::from_utf8(target.into()).ok();
                }
                (full_ref_name, object)
            }
            Ref::Unborn { full_ref_name, target } => {
                if full_ref_name == "HEAD" {
                    head = String::from_utf8(target.into()).ok();
                }
                continue;
            }
        };
        if let Ok(name) = String::from_utf8(name_bytes(name)) {
            by_name.insert(name, object.to_string());
        }
    }
    Refs { head, by_name, tags, fetched_at: Instant::now() }
}

fn name_bytes(name: impl Into<Vec<u8>>) -> Vec<u8> {
    name.into()
}

/// The name of a repository's directory: nothing of a stranger's text reaches the disk.
fn directory_name(url: &str) -> String {
    Sha256::digest(url).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these guard is never left half changed by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error of gix, told in one line.
pub(crate) fn told(error: &(dyn std::error::Error + 'static)) -> String {
    net::excerpt(&chain(error))
}
