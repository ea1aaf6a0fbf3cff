//! What is kept of one repository, and how a commit comes into it.

use crate::admitted::Admitted;
use crate::call::Call;
use crate::error::SourceError;
use crate::local;
use crate::objects::Objects;
use crate::remote::Remote;
use crate::revision::RevisionError;
use crate::snapshot::{About, Snapshot, about};
use crate::sources::{Inner, lock};
use crate::submodules::{Budget, WithSubmodules};
use crate::tree::GitTree;
use crate::url::Scheme;
use crate::wire::Want;
use filetree::Store;
use gix::ObjectId;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};
use tokio::time::Instant;

/// How many branches and tags are asked for at once.
const WANTED_TIPS: usize = 1000;

/// What a disk says and a server does not.
const DISK: [io::ErrorKind; 7] = [
    io::ErrorKind::StorageFull,
    io::ErrorKind::QuotaExceeded,
    io::ErrorKind::FileTooLarge,
    io::ErrorKind::ReadOnlyFilesystem,
    io::ErrorKind::NotFound,
    io::ErrorKind::NotADirectory,
    io::ErrorKind::PermissionDenied,
];

/// What makes two snapshots of a repository the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SnapshotKey {
    commit: String,
    submodules: bool,
    refuse_lfs: bool,
}

impl SnapshotKey {
    pub(crate) fn new(remote: &Remote, commit: &str) -> Self {
        Self {
            commit: commit.to_ascii_lowercase(),
            submodules: remote.submodules,
            refuse_lfs: remote.enable_lfs,
        }
    }
}

/// A snapshot that somebody may still hold, and the store that it reads from.
type Held = (Weak<Snapshot>, Weak<Objects>);

/// One repository. What is here already never waits for the network: only `fetching` is held for long.
pub(crate) struct Repository {
    /// Holds one directory a generation of the store; the highest number counts.
    directory: PathBuf,
    /// For people who look into the directory.
    name: String,
    objects: Mutex<Option<Arc<Objects>>>,
    fetching: Mutex<()>,
    snapshots: Mutex<HashMap<([u8; 32], SnapshotKey), Held>>,
    admitted: Admitted,
}

impl Repository {
    pub(crate) fn new(directory: PathBuf, name: String) -> Self {
        Self {
            admitted: Admitted::open(directory.join("admitted")),
            directory,
            name,
            objects: Mutex::default(),
            fetching: Mutex::default(),
            snapshots: Mutex::default(),
        }
    }

    /// Notes that the server let these credentials in.
    pub(crate) fn admit(&self, remote: &Remote) {
        self.admitted.insert(&remote.access());
    }

    /// Notes that it does not let them in any more.
    pub(crate) fn refuse(&self, remote: &Remote) {
        self.admitted.remove(&remote.access());
    }

    fn is_admitted(&self, remote: &Remote) -> bool {
        self.admitted.contains(&remote.access())
    }

    /// A snapshot that somebody with the same credentials still holds, unless its store turned out to be damaged.
    pub(crate) fn cached(&self, remote: &Remote, key: &SnapshotKey) -> Option<Arc<Snapshot>> {
        if !self.is_admitted(remote) {
            return None;
        }
        let (snapshot, objects) = lock(&self.snapshots).get(&(remote.access(), key.clone()))?.clone();
        let sound = !objects.upgrade()?.damaged.load(Ordering::Relaxed);
        snapshot.upgrade().filter(|_| sound)
    }

    fn keep(&self, remote: &Remote, key: SnapshotKey, snapshot: &Arc<Snapshot>, objects: &Arc<Objects>) {
        let mut snapshots = lock(&self.snapshots);
        snapshots.retain(|_, (held, _)| held.strong_count() > 0);
        snapshots.insert((remote.access(), key), (Arc::downgrade(snapshot), Arc::downgrade(objects)));
    }

    /// The one commit whose id begins with `prefix` among those that are here.
    pub(crate) fn abbreviated(
        &self,
        inner: &Inner,
        remote: &Remote,
        prefix: &str,
    ) -> Result<String, SourceError> {
        let wrong = |error| SourceError::Revision { repo: remote.url.clone(), error };
        let not_found = || wrong(RevisionError::NotFound { revision: prefix.to_owned() });
        let objects = self.objects(inner, remote)?;
        let parsed = gix::hash::Prefix::from_hex(prefix).map_err(|_| not_found())?;
        let mut candidates = HashSet::new();
        let found = objects.with(|odb| odb.lookup_prefix(parsed, Some(&mut candidates)));
        found.map_err(|error| SourceError::Store {
            repo: remote.url.clone(),
            detail: crate::sources::told(&error),
        })?;
        let commits: Vec<_> =
            candidates.iter().filter_map(|id| about(&objects, id).ok()).map(|about| about.commit).collect();
        match commits.as_slice() {
            [commit] => Ok(commit.to_string()),
            [] => Err(not_found()),
            _ => Err(wrong(RevisionError::Ambiguous { prefix: prefix.to_owned() })),
        }
    }

    /// The store that is in use, opened when it is not, or was taken away: the directory is a cache, which anybody may empty.
    fn objects(&self, inner: &Inner, remote: &Remote) -> Result<Arc<Objects>, SourceError> {
        let mut current = lock(&self.objects);
        if let Some(objects) = current.as_ref().filter(|objects| objects.is_there()) {
            return Ok(Arc::clone(objects));
        }
        let bytes = inner.options.limits.object_bytes;
        let objects = match remote.url.scheme() {
            Scheme::File => local::objects(remote, bytes)?,
            Scheme::Https | Scheme::Http | Scheme::Ssh => {
                self.open(bytes).map_err(|error| store_error(remote, &error))?
            }
        };
        Ok(Arc::clone(current.insert(Arc::new(objects))))
    }

    /// Opens the latest generation and removes the others.
    fn open(&self, object_bytes: usize) -> io::Result<Objects> {
        fs::create_dir_all(&self.directory)?;
        fs::write(self.directory.join("url"), format!("{}\n", self.name))?;
        let mut generations = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if let Some(number) = path.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok()) {
                generations.push((number, path));
            }
        }
        generations.sort_unstable();
        let latest = generations.pop().map_or_else(|| self.directory.join("1"), |(_, path)| path);
        for (_, old) in generations {
            fs::remove_dir_all(old)?;
        }
        Objects::open(&latest, object_bytes)
    }

    /// An empty store beside `old`.
    fn begin_anew(&self, old: &Objects, object_bytes: usize) -> io::Result<Objects> {
        let number =
            old.directory().file_name().and_then(|name| name.to_str()?.parse::<u64>().ok()).unwrap_or(0);
        Objects::open(&self.directory.join((number + 1).to_string()), object_bytes)
    }
}

impl Inner {
    /// The files of a commit, `depth` submodules down. Blocks: on the network, and behind another fetch from this repository.
    pub(crate) fn snapshot(
        self: &Arc<Self>,
        remote: &Remote,
        commit: &str,
        depth: usize,
        budget: &Arc<Budget>,
    ) -> Result<Arc<Snapshot>, SourceError> {
        self.check(remote)?;
        let key = SnapshotKey::new(remote, commit);
        let id = commit_id(remote, &key.commit)?;
        let repository = self.repository(remote);
        if !repository.is_admitted(remote) {
            self.ls_refs(remote)?;
        }
        if depth == 0
            && let Some(snapshot) = repository.cached(remote, &key)
        {
            return Ok(snapshot);
        }
        let (objects, about) = self.obtain(remote, &repository, id)?;
        let tree = GitTree { objects: Arc::clone(&objects), root: about.tree, refuse_lfs: remote.enable_lfs };
        let store: Arc<dyn Store> = if remote.submodules {
            Arc::new(WithSubmodules::new(
                tree,
                remote.clone(),
                Arc::downgrade(self),
                depth,
                Arc::clone(budget),
            ))
        } else {
            Arc::new(tree)
        };
        let About { commit, author, date, subject, .. } = about;
        let snapshot = Arc::new(Snapshot { commit: commit.to_string(), store, author, date, subject });
        if depth == 0 {
            repository.keep(remote, key, &snapshot, &objects);
        }
        Ok(snapshot)
    }

    /// A store that has a commit, for who will build on it.
    pub(crate) fn whole_commit(
        self: &Arc<Self>,
        remote: &Remote,
        commit: &str,
    ) -> Result<(Arc<Objects>, About), SourceError> {
        let id = commit_id(remote, commit)?;
        let repository = self.repository(remote);
        if !repository.is_admitted(remote) {
            self.ls_refs(remote)?;
        }
        self.obtain(remote, &repository, id)
    }

    /// A store that has the commit.
    fn obtain(
        &self,
        remote: &Remote,
        repository: &Repository,
        id: ObjectId,
    ) -> Result<(Arc<Objects>, About), SourceError> {
        let bytes = self.options.limits.object_bytes;
        let sound = |objects: &Objects| !objects.damaged.load(Ordering::Relaxed);
        let here = |objects: &Arc<Objects>| match () {
            () if !sound(objects) || !objects.has(&id) => Ok(None),
            () => match about(objects, &id) {
                Ok(about) => Ok(Some((Arc::clone(objects), about))),
                // It is whole, and it is no commit: nothing to fetch.
                Err(detail) if sound(objects) => Err(no_commit(remote, &id, &detail)),
                Err(_) => Ok(None),
            },
        };
        if let Some(found) = here(&repository.objects(self, remote)?)? {
            return Ok(found);
        }
        let fetching = lock(&repository.fetching);
        // Who came before may have brought it.
        let mut objects = repository.objects(self, remote)?;
        if let Some(found) = here(&objects)? {
            return Ok(found);
        }
        if remote.url.scheme() == Scheme::File {
            // Somebody else's store: look at it afresh, and that is all.
            objects = Arc::new(local::objects(remote, bytes)?);
            let about = about(&objects, &id).map_err(|detail| no_commit(remote, &id, &detail))?;
            *lock(&repository.objects) = Some(Arc::clone(&objects));
            return Ok((objects, about));
        }
        let packs = objects.packs();
        if sound(&objects) && packs < self.options.limits.packs {
            self.fetch_somehow(remote, &objects, id)?;
            if let Some(found) = here(&objects)? {
                objects.add_tip(id).map_err(|error| store_error(remote, &error))?;
                return Ok(found);
            }
            if packs == 0 {
                return Err(no_commit(remote, &id, "the server sent something else"));
            }
        }
        // Damaged, or full; or the server sent less than all for what it took us to have.
        tracing::warn!(repo = %remote.url, packs, damaged = !sound(&objects), "an object store is begun anew");
        let fresh =
            Arc::new(repository.begin_anew(&objects, bytes).map_err(|error| store_error(remote, &error))?);
        let about = self
            .fetch_somehow(remote, &fresh, id)
            .and_then(|()| about(&fresh, &id).map_err(|detail| no_commit(remote, &id, &detail)))
            .inspect_err(|_| fresh.retire())?;
        fresh.add_tip(id).map_err(|error| store_error(remote, &error))?;
        objects.retire();
        *lock(&repository.objects) = Some(Arc::clone(&fresh));
        drop(fetching);
        Ok((fresh, about))
    }

    /// Fetches a commit by its id, or, from a server that gives out none but the tips of its branches and tags, all of those.
    fn fetch_somehow(&self, remote: &Remote, objects: &Objects, id: ObjectId) -> Result<(), SourceError> {
        let error = match self.fetch(remote, objects, &[id]) {
            Err(error @ SourceError::NoCommit { .. }) if remote.depth.is_none() => error,
            outcome => return outcome,
        };
        let refs = self.ls_refs(remote)?;
        let tips: BTreeSet<_> =
            refs.by_name.values().filter_map(|tip| ObjectId::from_hex(tip.as_bytes()).ok()).collect();
        let wanted: Vec<_> = tips.into_iter().filter(|tip| !objects.has(tip)).take(WANTED_TIPS).collect();
        if wanted.is_empty() {
            return Err(error);
        }
        self.fetch(remote, objects, &wanted)?;
        for tip in wanted.iter().filter(|tip| objects.has(tip)) {
            objects.add_tip(*tip).map_err(|error| store_error(remote, &error))?;
        }
        if objects.has(&id) { Ok(()) } else { Err(error) }
    }

    fn fetch(&self, remote: &Remote, objects: &Objects, commits: &[ObjectId]) -> Result<(), SourceError> {
        let limits = &self.options.limits;
        let call = Call::new(remote, self.options.timeouts.fetch, limits.pack_bytes);
        let shallow_file = objects.shallow_file();
        let have = objects.tips();
        let depth = remote.depth.and_then(NonZeroU32::new);
        let want = Want { commits, have: &have, depth, shallow_file: &shallow_file };
        let mut disk = None;
        let asked = Instant::now();
        let outcome = self.converse(remote, &call, |talk| {
            talk.fetch(&want, &call, |pack| {
                let received = objects.receive(pack, &call.interrupt, limits.object_bytes);
                received.inspect_err(|error| disk = of_the_disk(error))
            })
        });
        self.count(remote, |counts| {
            counts.fetches += 1;
            counts.fetches_failed += u64::from(outcome.is_err());
            counts.fetches_took.observe(asked.elapsed());
        });
        outcome.map_err(|error| match (error, commits) {
            // Not the server's fault.
            (SourceError::Protocol { repo, .. }, _) if disk.is_some() => {
                SourceError::Store { repo, detail: disk.take().unwrap_or_default() }
            }
            (SourceError::Protocol { repo, detail }, [commit, ..])
                if detail.contains("not our ref") || detail.contains("unadvertised object") =>
            {
                SourceError::NoCommit {
                    repo,
                    commit: commit.to_string(),
                    detail: "the server does not have it".to_owned(),
                }
            }
            (error, _) => error,
        })
    }
}

/// What the disk said, where it is why something failed: it is full, read-only, broken, or not there.
fn of_the_disk(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut told = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
    told.find(|told| told.raw_os_error().is_some() || DISK.contains(&told.kind())).map(ToString::to_string)
}

fn commit_id(remote: &Remote, commit: &str) -> Result<ObjectId, SourceError> {
    ObjectId::from_hex(commit.as_bytes()).map_err(|_| SourceError::NoCommit {
        repo: remote.url.clone(),
        commit: net::excerpt(commit),
        detail: "that is no commit id".to_owned(),
    })
}

fn no_commit(remote: &Remote, id: &ObjectId, detail: &str) -> SourceError {
    SourceError::NoCommit { repo: remote.url.clone(), commit: id.to_string(), detail: net::excerpt(detail) }
}

fn store_error(remote: &Remote, error: &io::Error) -> SourceError {
    SourceError::Store { repo: remote.url.clone(), detail: error.to_string() }
}
