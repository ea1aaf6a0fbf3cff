use std::collections::{BTreeMap, BTreeSet};

use resource::ResourceKey;

use crate::order::{apply_order, mirrored, prune_order};

/// A part of a sync that is done before the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the objects are applied.
    PreSync,
    /// The application's own objects.
    Sync,
    /// After everything is applied and healthy.
    PostSync,
    /// After a failure.
    SyncFail,
}

impl Phase {
    /// As the Application's status spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreSync => "PreSync",
            Self::Sync => "Sync",
            Self::PostSync => "PostSync",
            Self::SyncFail => "SyncFail",
        }
    }
}

/// Why a live object that git no longer names may or may not go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// It carries this application's tracking and nothing forbids it.
    Allowed,
    /// It must stay, for the reason given.
    Kept(Kept),
}

/// Why an object is left alone although git does not name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Pruning was not asked for.
    PruneOff,
    /// `Prune=false` on the object or the application.
    PruneFalse,
    /// `Prune=confirm`, and nobody has confirmed.
    NeedsConfirmation,
    /// A controller owns it (`ownerReferences` with `controller: true`): it goes with its owner.
    OwnedByController,
    /// The render was empty and `allowEmpty` is not set: an empty result is more often a mistake than a wish.
    EmptyRender,
    /// What we know of its kind is not complete, with the reason.
    Incomplete(String),
    /// Another application claims it.
    ClaimedElsewhere(String),
}

impl Kept {
    /// One line for the operation's result, in the peer's words where it has them.
    pub fn message(&self) -> String {
        match self {
            Self::PruneOff => "ignored (requires pruning)".to_owned(),
            Self::PruneFalse => "ignored (no prune)".to_owned(),
            Self::NeedsConfirmation => "ignored (requires pruning confirmation)".to_owned(),
            Self::OwnedByController => "ignored (goes with its owner)".to_owned(),
            Self::EmptyRender => {
                "kept: git rendered no objects at all, and allowEmpty is not set on the automated sync policy"
                    .to_owned()
            }
            Self::Incomplete(reason) => format!("kept: not everything of this kind can be seen ({reason})"),
            Self::ClaimedElsewhere(app) => format!("kept: application {app} now has it in git"),
        }
    }
}

/// What is known of one object when a plan is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The object.
    pub key: ResourceKey,
    /// Whether git names it.
    pub wanted: bool,
    /// Whether it is in the cluster.
    pub live: bool,
    /// Whether desired and live differ (a missing one differs).
    pub out_of_sync: bool,
    /// `argocd.argoproj.io/sync-wave`.
    pub wave: i32,
    /// `PruneLast` on the object or the application.
    pub prune_last: bool,
    /// For objects that git does not name: whether they may go.
    pub removal: Removal,
}

/// A run of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookItem {
    /// The object; a generated name is known by now.
    pub key: ResourceKey,
    /// When it runs. A hook of several phases is there once for each.
    pub phase: Phase,
    /// `argocd.argoproj.io/sync-wave`, or Helm's weight.
    pub wave: i32,
}

/// What the operation asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Prune what git no longer names.
    pub prune: bool,
    /// Apply only what differs (`ApplyOutOfSyncOnly=true`).
    pub out_of_sync_only: bool,
    /// A selective sync: only these objects; `None` means all.
    pub only: Option<BTreeSet<ResourceKey>>,
    /// A namespace to make before anything else (`CreateNamespace=true`).
    pub create_namespace: Option<String>,
}

/// The steps of one wave; within it applies come first, so that what replaces an object is there before it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// Phase of its steps.
    pub phase: Phase,
    /// Number of the wave.
    pub number: i32,
    /// Objects to apply, in order.
    pub applies: Vec<ResourceKey>,
    /// Hooks to run, in order, after the applies.
    pub hooks: Vec<ResourceKey>,
    /// Objects to delete, in order.
    pub prunes: Vec<ResourceKey>,
}

/// All that an operation will do and, just as useful, what it leaves alone and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The namespace that is made first.
    pub create_namespace: Option<String>,
    /// Waves in order, phase by phase. Those of `SyncFail` run only when one of the others failed.
    pub waves: Vec<Wave>,
    /// Objects that git does not name and that stay.
    pub kept: BTreeMap<ResourceKey, Kept>,
}

impl Plan {
    /// Whether there is more than one wave, or a hook. Then each wave must be healthy before the next starts, and the last before
    /// the operation succeeds; a plan of one wave succeeds once it is applied, as in the peer.
    pub fn gated(&self) -> bool {
        self.waves.len() > 1 || self.waves.iter().any(|wave| !wave.hooks.is_empty())
    }

    /// How many objects are applied or deleted, and hooks run.
    pub fn steps(&self) -> usize {
        self.waves.iter().map(|w| w.applies.len() + w.hooks.len() + w.prunes.len()).sum()
    }
}

/// Orders an operation's work. Pure: same input, same plan, whatever the order of `items`.
///
/// **Shape**: phase by phase, waves ascending; inside a wave kinds in the peer's order, objects that define what others need (namespaces,
/// custom resource definitions) brought forward to the first wave that uses them.
/// **Source**: the peer's documented phases and waves; where we differ: pruned objects leave after the applies of
/// their wave and in reverse kind order, so that nothing goes before its replacement is there.
pub fn plan(items: &[Item], hooks: &[HookItem], request: &Request) -> Plan {
    let mut plan = Plan { create_namespace: request.create_namespace.clone(), ..Plan::default() };
    let chosen = |item: &&Item| request.only.as_ref().is_none_or(|only| only.contains(&item.key));

    let applies: Vec<&Item> = items
        .iter()
        .filter(chosen)
        .filter(|i| i.wanted && (i.out_of_sync || !request.out_of_sync_only))
        .collect();
    let mut prunes = Vec::new();
    for item in items.iter().filter(chosen).filter(|i| !i.wanted && i.live) {
        match &item.removal {
            Removal::Kept(why) => drop(plan.kept.insert(item.key.clone(), why.clone())),
            Removal::Allowed if !request.prune => drop(plan.kept.insert(item.key.clone(), Kept::PruneOff)),
            Removal::Allowed => prunes.push(item),
        }
    }

    let mut waves: Waves = BTreeMap::new();
    for item in &applies {
        wave(&mut waves, Phase::Sync, first_use(item, &applies)).applies.push(item.key.clone());
    }
    let in_place: Vec<i32> = prunes.iter().filter(|i| !i.prune_last).map(|i| i.wave).collect();
    let mirror = mirrored(&in_place);
    let beside = hooks.iter().filter(|hook| hook.phase == Phase::Sync).map(|hook| hook.wave);
    let all = applies.iter().map(|i| i.wave).chain(in_place.iter().copied()).chain(beside);
    let after_all = all.max().unwrap_or(-1).saturating_add(1);
    for item in prunes {
        let number = if item.prune_last { after_all } else { mirror(item.wave) };
        wave(&mut waves, Phase::Sync, number).prunes.push(item.key.clone());
    }
    for hook in hooks {
        wave(&mut waves, hook.phase, hook.wave).hooks.push(hook.key.clone());
    }
    for wave in waves.values_mut() {
        wave.hooks.sort_by(|a, b| apply_order(a).cmp(&apply_order(b)));
        wave.applies.sort_by(|a, b| apply_order(a).cmp(&apply_order(b)));
        wave.prunes.sort_by(|a, b| prune_order(a).cmp(&prune_order(b)));
    }
    plan.waves = waves.into_values().collect();
    plan
}

type Waves = BTreeMap<(Phase, i32), Wave>;

fn wave(waves: &mut Waves, phase: Phase, number: i32) -> &mut Wave {
    let empty = Wave { phase, number, applies: Vec::new(), hooks: Vec::new(), prunes: Vec::new() };
    waves.entry((phase, number)).or_insert(empty)
}

/// The wave of an object, or an earlier one for a Namespace that something earlier lives in and for a
/// CustomResourceDefinition whose objects come earlier.
fn first_use(item: &Item, all: &[&Item]) -> i32 {
    let key = &item.key;
    let needs_it = |other: &&&Item| match (key.group.as_str(), key.kind.as_str()) {
        ("", "Namespace") => other.key.namespace == key.name,
        // A definition is named `<plural>.<group>`; its objects are known by their group.
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            key.name.split_once('.').is_some_and(|(_, group)| group == other.key.group)
        }
        _ => false,
    };
    all.iter().filter(needs_it).map(|other| other.wave).min().map_or(item.wave, |first| first.min(item.wave))
}

#[cfg(test)]
mod tests;
