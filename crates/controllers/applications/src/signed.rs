//! Whether a commit is signed as its project asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::ApplicationSource;
use cluster::chain;
use signatures::{Keyring, Verdict};
use source::Remote;

use crate::obtain::View;
use crate::shared::Shared;

/// Verdicts that are remembered; past it all are forgotten.
const MOST_VERDICTS: usize = 10_000;

/// Below the data directory, where keyrings lie.
const DIRECTORY: &str = "gpg";

/// The keyring, and what it says of commits.
#[derive(Default)]
pub(crate) struct Signatures {
    ring: tokio::sync::Mutex<Option<Arc<Keyring>>>,
    /// By keyring and commit; `None` is a commit without a signature.
    verdicts: Mutex<HashMap<(u64, String), Option<Verdict>>>,
}

/// Holds a commit against what the project asks of its repository (`signatureKeys`, `sourceIntegrity`), if it asks anything.
///
/// **Errors**: it is not signed by one of them, or that cannot be told; in the peer's words where it has them.
/// **Source**: the peer's `verifyGnuPGSignature`. We differ at annotated tags: the commit's own signature counts, not the tag's.
pub(crate) async fn check(
    shared: &Shared,
    view: &View,
    source: &ApplicationSource,
    (remote, commit): (&Remote, &str),
) -> Result<(), String> {
    let Some(keys) = view.project.limits.integrity()?.asked_of(&source.repo_url)? else { return Ok(()) };
    match verdict(shared, view, remote, commit).await? {
        None => Err(format!("Target revision {commit} in Git is not signed, but a signature is required")),
        // A key of which a part signed may be named as a whole.
        Some(Verdict::Good { key, primary, .. }) if keys.allows(&key) || keys.allows(&primary) => Ok(()),
        Some(Verdict::Good { key, cipher, .. }) => Err(format!(
            "Found good signature made with {cipher} key {key}, but this key is not allowed in AppProject"
        )),
        Some(Verdict::Invalid { key, reason }) => Err(format!(
            "Found signature made with key {key}, but verification result was invalid: '{reason}'"
        )),
        Some(Verdict::Unknown { reason }) => {
            Err(format!("Could not verify commit signature on revision '{commit}': {reason}"))
        }
    }
}

async fn verdict(
    shared: &Shared,
    view: &View,
    remote: &Remote,
    commit: &str,
) -> Result<Option<Verdict>, String> {
    let signatures = &shared.signatures;
    let ring = signatures.ring(shared, view).await?;
    let place = (ring.id(), commit.to_owned());
    if let Some(known) = signatures.known().get(&place) {
        return Ok(known.clone());
    }
    let signed = shared.sources.signed_commit(remote, commit).await;
    let found = match signed.map_err(|error| format!("commit {commit}: {}", chain(&error)))? {
        None => None,
        Some(signed) if signed.signature.starts_with(b"-----BEGIN SSH") => {
            let reason = "it is signed with an SSH key, which is not verified yet".to_owned();
            Some(Verdict::Unknown { reason })
        }
        Some(signed) => {
            let verdict = ring.verify(&signed.payload, &signed.signature).await;
            Some(verdict.map_err(|error| {
                format!("Could not verify commit signature on revision '{commit}': {}", chain(&error))
            })?)
        }
    };
    let mut known = signatures.known();
    if known.len() >= MOST_VERDICTS {
        known.clear();
    }
    known.insert(place, found.clone());
    Ok(found)
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

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<(u64, String), Option<Verdict>>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
