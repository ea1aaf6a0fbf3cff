//! What kustomizations take from other repositories: fetched under the project's rules, and looked at again while it is in use.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Application, ConditionType, NameValue, Operation};
use cluster::chain;
use filetree::{FileTree, ReadSet, Store, TreePath};
use render::{RepoSpec, Supply};
use source::{RepoUrl, Scheme};

use crate::conditions::Findings;
use crate::fetch::{is_commit, last_known, poll_interval};
use crate::obtain::View;
use crate::remote::remote;
use crate::repositories::{Freshness, Remote, RepositoryKey};
use crate::shared::Shared;
use crate::sights::Seen;

/// What stands before a base's address as the name of an operation's `info`; its value is the commit.
const RECORD: &str = "kustomize base ";

/// Longest such name, in bytes. Whether a base of a longer one moved, nobody remembers.
const MOST_RECORD_BYTES: usize = 2_000;

/// Through which eyes repositories are looked at in a pass.
pub(crate) struct Look<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) view: &'a View,
    pub(crate) freshness: Freshness,
    /// What is wrong with repositories that answered before.
    pub(crate) findings: Findings,
    pub(crate) seen: Seen,
    /// Whether something could not be had that may be there later.
    pub(crate) lacking: bool,
}

/// A directory of another repository at one commit.
pub(crate) struct Base {
    /// As the kustomization says it.
    pub(crate) text: String,
    repository: RepoSpec,
    key: RepositoryKey,
    commit: String,
    store: Arc<dyn Store>,
    path: TreePath,
}

/// What a render read of a base.
pub(crate) struct BaseReads {
    pub(crate) key: RepositoryKey,
    pub(crate) text: String,
    pub(crate) repository: RepoSpec,
    /// The earliest known commit that reads the same.
    commit: String,
    reads: ReadSet,
}

impl Base {
    /// The base for one render, which records what it reads.
    pub(crate) fn open(&self) -> (Arc<FileTree>, Supply) {
        let tree = Arc::new(FileTree::new(Arc::clone(&self.store), filetree::Limits::default()));
        (Arc::clone(&tree), Supply::Tree(tree, self.path.clone()))
    }

    /// What was read of it.
    pub(crate) fn reads(&self, tree: &FileTree) -> BaseReads {
        BaseReads {
            key: self.key.clone(),
            text: self.text.clone(),
            repository: self.repository.clone(),
            commit: self.commit.clone(),
            reads: tree.reads(),
        }
    }
}

/// Whether the project permits an address, as a message.
pub(crate) fn permitted(view: &View, text: &str, url: &str) -> Result<(), String> {
    let limits = &view.project.limits;
    limits.permits_source(url).map_err(|denied| refused(text, &denied.message))
}

impl BaseReads {
    /// What an operation keeps of it, so that a restart knows whether it moved. None of what cannot move.
    fn record(&self) -> Option<(String, String)> {
        let RepoSpec { url, path, reference, .. } = &self.repository;
        let name = format!("{RECORD}{}//{path}?ref={reference}", api::redact_url(url));
        let kept = !is_commit(&self.repository.reference) && name.len() <= MOST_RECORD_BYTES;
        kept.then(|| (name, self.commit.clone()))
    }
}

/// The commits of bases that a render took, by the names under which an operation keeps them.
pub(crate) fn records<'a>(bases: impl Iterator<Item = &'a BaseReads>) -> BTreeMap<String, String> {
    bases.filter_map(BaseReads::record).collect()
}

/// Puts them into the operation that syncs what was rendered.
pub(crate) fn keep(operation: &mut Operation, records: &BTreeMap<String, String>) {
    operation.info.retain(|info| !info.name.starts_with(RECORD));
    let records = records.iter().map(|(name, commit)| NameValue {
        name: name.clone(),
        value: commit.clone(),
        ..NameValue::default()
    });
    operation.info.extend(records);
}

/// Whether a base is another one than an operation took. One that it kept no commit of has not moved.
pub(crate) fn moved(operation: &Operation, records: &BTreeMap<String, String>) -> bool {
    let kept = operation.info.iter().filter(|info| info.name.starts_with(RECORD));
    kept.into_iter().any(|info| records.get(&info.name).is_some_and(|now| *now != info.value))
}

impl<'a> Look<'a> {
    pub(crate) fn new(shared: &'a Shared, view: &'a View, freshness: Freshness, seen: Seen) -> Self {
        Self { shared, view, freshness, findings: Findings::default(), seen, lacking: false }
    }

    /// Fetches a base. `Err` is a message without secrets.
    pub(crate) async fn fetch(&mut self, text: &str, repository: &RepoSpec) -> Result<Base, String> {
        let (remote, key) = self.remote(text, repository)?;
        let path = TreePath::parse(&repository.path).map_err(|error| refused(text, &error.to_string()))?;
        let found = self.find(&remote, &key, repository).await;
        let (commit, snapshot) = self.had(found).map_err(|message| failed(text, &message))?;
        let (text, repository, store) = (text.to_owned(), repository.clone(), Arc::clone(&snapshot.store));
        Ok(Base { text, repository, key, commit, store, path })
    }

    /// Whether a render that read this of a base would read the same now.
    pub(crate) async fn holds(&mut self, base: &BaseReads) -> Result<bool, String> {
        let (remote, key) = self.remote(&base.text, &base.repository)?;
        // One that is a commit is what it was, and nobody is asked.
        if is_commit(&base.repository.reference) {
            return Ok(true);
        }
        let found = self.find(&remote, &key, &base.repository).await;
        let (commit, snapshot) = self.had(found).map_err(|message| failed(&base.text, &message))?;
        Ok(commit == base.commit || matches!(base.reads.holds(snapshot.store.as_ref()), Ok(true)))
    }

    /// Says of each base the commit that the last operation took where that one reads the same, so that neither a restart nor a commit
    /// beside what is read of it makes it another base.
    pub(crate) async fn settle(&self, app: &Application, bases: &mut [BaseReads]) {
        let Some(state) = &app.status.operation_state else { return };
        for base in bases {
            let Some((name, commit)) = base.record() else { continue };
            let kept = state.operation.info.iter().find(|info| info.name == name).map(|info| &info.value);
            let Some(old) = kept.filter(|old| is_commit(old) && **old != commit) else { continue };
            let Ok((remote, _)) = self.remote(&base.text, &base.repository) else { continue };
            let remote =
                source::Remote { submodules: base.repository.submodules, ..source::Remote::clone(&remote) };
            if let Ok(snapshot) = self.shared.sources.snapshot(&remote, old).await
                && matches!(base.reads.holds(snapshot.store.as_ref()), Ok(true))
            {
                base.commit.clone_from(old);
            }
        }
    }

    /// What was to be had, noting whether it was.
    pub(crate) fn had<T>(&mut self, found: Result<T, String>) -> Result<T, String> {
        self.lacking |= found.is_err();
        found
    }

    /// Whom to ask, if it may be asked.
    fn remote(
        &self,
        text: &str,
        repository: &RepoSpec,
    ) -> Result<(Arc<source::Remote>, RepositoryKey), String> {
        let url = RepoUrl::parse(&repository.url).map_err(|error| refused(text, &error.to_string()))?;
        if url.scheme() == Scheme::File {
            return Err(refused(text, "file:// is for repositories of this machine, which no base may name"));
        }
        permitted(self.view, text, &repository.url)?;
        let project = self.view.project.limits.name();
        let remote = remote(&self.view.settings, &repository.url, project)?;
        let key = RepositoryKey::git(&remote.url, project);
        Ok((Arc::new(remote), key))
    }

    /// The commit that a reference means; one that is a commit asks nobody.
    async fn commit(
        &mut self,
        remote: &Arc<source::Remote>,
        key: &RepositoryKey,
        reference: &str,
    ) -> Result<String, String> {
        if is_commit(reference) {
            return Ok(reference.to_ascii_lowercase());
        }
        let before = self.seen.get(key).copied();
        self.seen.entry(key.clone()).or_default();
        let shared = self.shared;
        let next = poll_interval(&self.view.settings, &key.url);
        let asked = Remote::Git(Arc::clone(remote));
        let known = shared.repositories.answer(key, &asked, self.freshness, next).await;
        // Where the source is of the same repository, what was seen first counts.
        self.seen.insert(key.clone(), before.map_or(known.version, |before| before.min(known.version)));
        match (known.refs(), &known.error) {
            (None, error) => Err(error.clone().unwrap_or_else(|| "not asked yet".to_owned())),
            (Some(refs), error) => {
                if let Some(error) = error {
                    self.findings.add(ConditionType::ComparisonError, last_known(&remote.url, error));
                }
                if let Some(named) = source::resolve_name(refs, reference) {
                    return Ok(named.commit);
                }
                let found = shared.sources.revision(remote, refs, reference, "").await;
                found.map(|found| found.commit).map_err(|error| chain(&error))
            }
        }
    }

    /// The commit that a base means now, and its files, within the time that its address allows.
    async fn find(
        &mut self,
        remote: &Arc<source::Remote>,
        key: &RepositoryKey,
        repository: &RepoSpec,
    ) -> Result<(String, Arc<source::Snapshot>), String> {
        let Some(limit) = repository.timeout else { return self.find_at_last(remote, key, repository).await };
        let found = tokio::time::timeout(limit, self.find_at_last(remote, key, repository)).await;
        found.unwrap_or_else(|_| Err(format!("not to be had within {limit:?}, its timeout")))
    }

    async fn find_at_last(
        &mut self,
        remote: &Arc<source::Remote>,
        key: &RepositoryKey,
        repository: &RepoSpec,
    ) -> Result<(String, Arc<source::Snapshot>), String> {
        let commit = self.commit(remote, key, &repository.reference).await?;
        let remote = source::Remote { submodules: repository.submodules, ..source::Remote::clone(remote) };
        let snapshot = self.shared.sources.snapshot(&remote, &commit).await;
        let snapshot = snapshot.map_err(|error| format!("commit {commit}: {}", chain(&error)))?;
        self.shared.repositories.hold(key, &snapshot);
        Ok((commit, snapshot))
    }
}

fn failed(text: &str, message: &str) -> String {
    format!("remote base {}: {message}", api::redact_url(text))
}

fn refused(text: &str, why: &str) -> String {
    format!("remote base {} is refused: {why}", api::redact_url(text))
}
