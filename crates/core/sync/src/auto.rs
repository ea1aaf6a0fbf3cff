//! Whether an application syncs by itself now.

use std::collections::BTreeSet;
use std::time::Duration;

use resource::ResourceKey;

use crate::retry::Backoff;

/// After this long without a self-heal the pace starts anew, as in the peer.
const SELF_HEAL_COOLDOWN: Duration = Duration::from_secs(330);

/// The automated policy of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Remove what git no longer names.
    pub prune: bool,
    /// Undo changes made in the cluster.
    pub self_heal: bool,
    /// Allow a render without objects to remove everything.
    pub allow_empty: bool,
}

/// The last operation, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub struct LastAttempt {
    /// Whether it was for the revision and the source that are wanted now.
    pub same_target: bool,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Its message.
    pub message: String,
    /// Self-heals in a row up to it.
    pub heals: u32,
    /// How long ago it ended.
    pub age: Duration,
}

/// What was found in the last comparison.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Differences {
    /// Objects that git wants and that differ or are missing.
    pub changed: BTreeSet<ResourceKey>,
    /// Live objects that git does not name.
    pub to_prune: BTreeSet<ResourceKey>,
    /// Whether git rendered any object at all.
    pub rendered_any: bool,
}

/// The answer, with its reason.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing to do.
    Rest(Rest),
    /// Sync everything.
    Sync,
    /// Undo drift: sync only these objects, as the `heals`-th self-heal in a row.
    Heal {
        /// What differs.
        only: BTreeSet<ResourceKey>,
        /// Count to record with the operation.
        heals: u32,
    },
    /// Undo drift, but not before this has passed.
    HealLater(Duration),
    /// Not by itself: somebody has to look. The text is for a `SyncError` condition.
    Refused(Refusal, String),
}

/// Why somebody has to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Git renders nothing, which would remove everything.
    Empty,
    /// The last attempt was for the same, and failed.
    Failed,
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Desired and live agree.
    Synced,
    /// All that differs would have to be pruned, and pruning is off.
    OnlyPruning,
    /// This revision was synced already, and self-healing is off.
    AlreadySynced,
}

/// Decides about an automated application that has no operation in progress and whose comparison is complete.
///
/// **Source**: the peer's auto-sync: once for a revision and source; a failed attempt is not repeated until git or the
/// source changes; drift of a synced revision is healed as a partial sync, with a growing pause while it recurs.
pub fn decide(policy: Policy, revision: &str, found: &Differences, last: Option<&LastAttempt>) -> Decision {
    if found.changed.is_empty() && found.to_prune.is_empty() {
        return Decision::Rest(Rest::Synced);
    }
    if found.changed.is_empty() && !policy.prune {
        return Decision::Rest(Rest::OnlyPruning);
    }
    if policy.prune && !policy.allow_empty && !found.rendered_any && !found.to_prune.is_empty() {
        let message = format!("Skipping sync attempt to {revision}: auto-sync will wipe out all resources");
        return Decision::Refused(Refusal::Empty, message);
    }
    let Some(last) = last.filter(|last| last.same_target) else {
        return Decision::Sync;
    };
    if !last.succeeded {
        let message = format!("Failed last sync attempt to {revision}: {}", last.message);
        return Decision::Refused(Refusal::Failed, message);
    }
    if !policy.self_heal {
        return Decision::Rest(Rest::AlreadySynced);
    }
    let heals = if last.age >= SELF_HEAL_COOLDOWN { 0 } else { last.heals };
    let pause = if heals == 0 { Duration::ZERO } else { Backoff::SELF_HEAL.wait(heals - 1) };
    match pause.checked_sub(last.age) {
        Some(left) if !left.is_zero() => Decision::HealLater(left),
        _ => {
            let pruned = found.to_prune.iter().filter(|_| policy.prune);
            Decision::Heal { only: found.changed.iter().chain(pruned).cloned().collect(), heals: heals + 1 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Policy = Policy { prune: true, self_heal: true, allow_empty: false };

    fn found(changed: &[&str], to_prune: &[&str]) -> Differences {
        let keys =
            |names: &[&str]| names.iter().map(|n| ResourceKey::new("", "ConfigMap", "a", *n)).collect();
        Differences { changed: keys(changed), to_prune: keys(to_prune), rendered_any: true }
    }

    fn last(heals: u32, age: u64) -> LastAttempt {
        LastAttempt {
            same_target: true,
            succeeded: true,
            message: "boom".to_owned(),
            heals,
            age: Duration::from_secs(age),
        }
    }

    #[test]
    fn decides_when_to_sync() {
        let heal = |only: &[&str], heals| Decision::Heal { only: found(only, &[]).changed, heals };
        let later = |seconds| Decision::HealLater(Duration::from_secs(seconds));
        let failed = LastAttempt { succeeded: false, ..last(0, 1) };
        let other = LastAttempt { same_target: false, ..last(0, 1) };
        let empty = Differences { rendered_any: false, ..found(&[], &["a"]) };
        for (reason, policy, found, last, expected) in [
            ("nothing differs", ALL, found(&[], &[]), None, Decision::Rest(Rest::Synced)),
            ("a new revision", ALL, found(&["a"], &[]), Some(other), Decision::Sync),
            ("a first sync", ALL, found(&["a"], &[]), None, Decision::Sync),
            (
                "only pruning, and that is off",
                Policy { prune: false, ..ALL },
                found(&[], &["a"]),
                None,
                Decision::Rest(Rest::OnlyPruning),
            ),
            (
                "an empty render wipes nothing",
                ALL,
                empty.clone(),
                None,
                Decision::Refused(
                    Refusal::Empty,
                    "Skipping sync attempt to r1: auto-sync will wipe out all resources".to_owned(),
                ),
            ),
            ("unless it may", Policy { allow_empty: true, ..ALL }, empty, None, Decision::Sync),
            (
                "a failed attempt is not repeated",
                ALL,
                found(&["a"], &[]),
                Some(failed),
                Decision::Refused(Refusal::Failed, "Failed last sync attempt to r1: boom".to_owned()),
            ),
            (
                "drift without self-heal is left",
                Policy { self_heal: false, ..ALL },
                found(&["a"], &[]),
                Some(last(0, 1)),
                Decision::Rest(Rest::AlreadySynced),
            ),
            (
                "the first drift is healed at once",
                ALL,
                found(&["a"], &["b"]),
                Some(last(0, 0)),
                heal(&["a", "b"], 1),
            ),
            (
                "what may not be pruned is not chosen",
                Policy { prune: false, ..ALL },
                found(&["a"], &["b"]),
                Some(last(0, 0)),
                heal(&["a"], 1),
            ),
            ("the second waits", ALL, found(&["a"], &[]), Some(last(1, 0)), later(2)),
            ("and is healed after it", ALL, found(&["a"], &[]), Some(last(1, 2)), heal(&["a"], 2)),
            ("the pause grows", ALL, found(&["a"], &[]), Some(last(3, 8)), later(10)),
            ("a quiet time starts it anew", ALL, found(&["a"], &[]), Some(last(5, 330)), heal(&["a"], 1)),
        ] {
            assert_eq!(decide(policy, "r1", &found, last.as_ref()), expected, "{reason}");
        }
    }
}
