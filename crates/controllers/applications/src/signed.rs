//! Whether what a source is at is signed as its project asks.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use api::ApplicationSource;
use api::project::SignatureKeys;
use cluster::chain;
use futures::StreamExt as _;
use signatures::{Keyring, Verdict};
use source::{Refs, Remote, Signed};

use crate::obtain::View;
use crate::shared::Shared;

/// Verdicts that are remembered; past it all are forgotten.
const MOST_VERDICTS: usize = 50_000;
/// Commits of a history that are looked at until one vouches for what was before it.
const MOST_COMMITS: usize = 10_000;
/// Commits of a history that are read, and verified, at the same time.
const BATCH: usize = 64;
/// Programs at the same time.
const PARALLEL: usize = 4;
/// Commits that are named, of those that do not hold. **Source**: the peer.
const MOST_PROBLEMS: usize = 10;

/// Below the data directory, where keyrings lie.
const DIRECTORY: &str = "gpg";

/// The keyring, and what it says of commits and tags.
#[derive(Default)]
pub(crate) struct Signatures {
    ring: tokio::sync::Mutex<Option<Arc<Keyring>>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// By keyring and object; `None` is one without a signature.
    verdicts: HashMap<(u64, String), Option<Verdict>>,
    /// Commits whose whole history holds, by keyring and the keys that are asked for.
    whole: HashSet<(u64, String, String)>,
}

/// What a source is at.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) commit: &'a str,
    /// The annotated tag that led there: its name and its own id.
    pub(crate) tag: Option<(&'a str, &'a str)>,
}

impl At<'_> {
    /// The object whose signature counts first.
    fn head(&self) -> &str {
        self.tag.map_or(self.commit, |(_, id)| id)
    }

    /// What it is called.
    fn name(&self) -> &str {
        self.tag.map_or(self.commit, |(name, _)| name)
    }
}

/// The annotated tag that a target revision names, where it leads to this commit.
pub(crate) async fn tag_of(
    shared: &Shared,
    source: &ApplicationSource,
    remote: &Remote,
    refs: &Refs,
    commit: &str,
) -> Option<(String, String)> {
    let found =
        shared.sources.revision(remote, refs, &source.target_revision, &source.tag_prefix).await.ok()?;
    let name = found.name.filter(|_| found.commit == commit)?;
    let id = refs.tags.get(&name)?.clone();
    Some((name.strip_prefix("refs/tags/").unwrap_or(&name).to_owned(), id))
}

/// What the project asks of this source's repository.
pub(crate) fn asked<'a>(
    shared: &Shared,
    view: &'a View,
    source: &ApplicationSource,
) -> Result<Option<&'a SignatureKeys>, String> {
    if !shared.options.signatures {
        return Ok(None);
    }
    view.project.limits.integrity()?.asked_of(&source.repo_url)
}

/// Holds a revision against the keys of which one must have signed it (`signatureKeys`, `sourceIntegrity`).
///
/// **Shape**: an annotated tag's own signature counts in place of its commit's; where the history is asked for, both do, and those of all
/// that came before, up to good commits that vouch for theirs.
/// **Errors**: it is not signed by one of them, or that cannot be told; in the peer's words where it has them.
/// **Source**: the peer's `VerifyGnuPGSignature`, and `VerifyGit` of its version 3.5.
pub(crate) async fn check(
    shared: &Shared,
    view: &View,
    keys: &SignatureKeys,
    at: At<'_>,
) -> Result<(), String> {
    let ring = shared.signatures.ring(shared, view).await?;
    let check = Check { shared, ring: &ring, keys, at };
    if keys.ask_for_history() { check.history().await } else { check.head().await }
}

struct Check<'a> {
    shared: &'a Shared,
    ring: &'a Keyring,
    keys: &'a SignatureKeys,
    at: At<'a>,
}

impl Check<'_> {
    async fn head(&self) -> Result<(), String> {
        let name = self.at.name();
        match self.verdict(self.at.head()).await? {
            None => Err(format!("Target revision {name} in Git is not signed, but a signature is required")),
            Some(Verdict::Good { key, primary, .. }) if self.allows(&key, &primary) => Ok(()),
            Some(Verdict::Good { key, cipher, .. }) => Err(format!(
                "Found good signature made with {cipher} key {key}, but this key is not allowed in AppProject"
            )),
            Some(Verdict::Invalid { key, reason }) => Err(format!(
                "Found signature made with key {key}, but verification result was invalid: '{reason}'"
            )),
            Some(Verdict::Unknown { reason }) => {
                Err(format!("Could not verify commit signature on revision '{name}': {reason}"))
            }
        }
    }

    /// A key of which a part signed may be named as a whole.
    fn allows(&self, key: &str, primary: &str) -> bool {
        self.keys.allows(key) || self.keys.allows(primary)
    }

    async fn verdict(&self, id: &str) -> Result<Option<Verdict>, String> {
        if let Some(known) = self.shared.signatures.verdict(self.ring, id) {
            return Ok(known);
        }
        let signed = self.read(vec![id.to_owned()]).await?.pop().flatten();
        let signed = signed.ok_or_else(|| format!("commit {id} is not here"))?;
        self.verify(&signed).await
    }

    async fn read(&self, ids: Vec<String>) -> Result<Vec<Option<Signed>>, String> {
        let At { remote, commit, .. } = self.at;
        let read = self.shared.sources.signed(remote, self.at.head(), ids).await;
        read.map_err(|error| format!("commit {commit}: {}", chain(&error)))
    }

    async fn verify(&self, signed: &Signed) -> Result<Option<Verdict>, String> {
        let signatures = &self.shared.signatures;
        if let Some(known) = signatures.verdict(self.ring, &signed.id) {
            return Ok(known);
        }
        let found = match &signed.signature {
            None => None,
            Some((payload, signature)) => {
                let verdict = self.ring.verify(payload, signature).await;
                Some(verdict.map_err(|error| {
                    let error = chain(&error);
                    format!("Could not verify commit signature on revision '{}': {error}", signed.id)
                })?)
            }
        };
        signatures.note(self.ring, &signed.id, found.clone());
        Ok(found)
    }

    async fn history(&self) -> Result<(), String> {
        let signatures = &self.shared.signatures;
        let mut next: Vec<String> = vec![self.at.head().to_owned()];
        let mut seen: HashSet<String> = next.iter().cloned().collect();
        let mut problems = Vec::new();
        while !next.is_empty() {
            if seen.len() > MOST_COMMITS {
                return Err(format!(
                    "GIT/GPG: more than {MOST_COMMITS} commits would have to be verified: seal the history with a signed commit \
                     that has the trailer Argocd-gpg-seal"
                ));
            }
            let batch = next.drain(..next.len().min(BATCH)).collect();
            let all = self.read(batch).await?;
            let verified = futures::stream::iter(all).map(|signed| async move {
                let signed = signed.ok_or(
                    "GIT/GPG: the history is cut off by the repository's depth, and the project asks for all of it",
                )?;
                let problem = self.problem(&signed).await?;
                Ok::<_, String>((signed, problem))
            });
            let verified: Vec<_> = verified.buffered(PARALLEL).collect().await;
            for verified in verified {
                let (signed, problem) = verified?;
                let vouched = signed.seals && problem.is_none();
                problems.extend(problem);
                if problems.len() >= MOST_PROBLEMS {
                    return Err(format!("GIT/GPG: {}", problems.join("; ")));
                }
                let earlier = signed.parents.into_iter().filter(|_| !vouched);
                let earlier = earlier.filter(|id| !signatures.is_whole(self.ring, self.keys, id));
                next.extend(earlier.filter(|id| seen.insert(id.clone())));
            }
        }
        if !problems.is_empty() {
            return Err(format!("GIT/GPG: {}", problems.join("; ")));
        }
        signatures.note_whole(self.ring, self.keys, self.at.commit);
        Ok(())
    }

    async fn problem(&self, signed: &Signed) -> Result<Option<String>, String> {
        let name = if signed.id == self.at.head() { self.at.name() } else { &signed.id };
        let told =
            |what: &str| Some(format!("Failed verifying revision {name} by '{}': {what}", signed.author));
        Ok(match self.verify(signed).await? {
            None => told("unsigned (key_id=)"),
            Some(Verdict::Good { key, primary, .. }) if self.allows(&key, &primary) => None,
            Some(Verdict::Good { key, .. }) => told(&format!("signed with unallowed key (key_id={key})")),
            Some(Verdict::Invalid { key, reason }) => told(&format!("{reason} (key_id={key})")),
            Some(Verdict::Unknown { reason }) => told(&reason),
        })
    }
}

impl Signatures {
    /// The keyring of the keys in the settings.
    async fn ring(&self, shared: &Shared, view: &View) -> Result<Arc<Keyring>, String> {
        let keys = &view.settings.gpg_keys;
        let mut ring = self.ring.lock().await;
        if let Some(ring) = ring.as_ref().filter(|ring| ring.is_of(keys)) {
            return Ok(Arc::clone(ring));
        }
        let under = shared.sources.data_dir().join(DIRECTORY);
        let made = Keyring::new(keys, &under).await;
        let made = made.map_err(|error| format!("signatures cannot be verified: {}", chain(&error)))?;
        Ok(Arc::clone(ring.insert(Arc::new(made))))
    }

    fn verdict(&self, ring: &Keyring, id: &str) -> Option<Option<Verdict>> {
        self.known().verdicts.get(&(ring.id(), id.to_owned())).cloned()
    }

    fn note(&self, ring: &Keyring, id: &str, found: Option<Verdict>) {
        let mut known = self.known();
        if known.verdicts.len() >= MOST_VERDICTS {
            known.verdicts.clear();
        }
        known.verdicts.insert((ring.id(), id.to_owned()), found);
    }

    fn is_whole(&self, ring: &Keyring, keys: &SignatureKeys, id: &str) -> bool {
        self.known().whole.contains(&(ring.id(), keys.ids().join(","), id.to_owned()))
    }

    fn note_whole(&self, ring: &Keyring, keys: &SignatureKeys, id: &str) {
        let mut known = self.known();
        if known.whole.len() >= MOST_VERDICTS {
            known.whole.clear();
        }
        known.whole.insert((ring.id(), keys.ids().join(","), id.to_owned()));
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
