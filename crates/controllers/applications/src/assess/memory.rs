//! What earlier passes found of each object, for as long as it holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cluster::LiveObject;
use compare::{CacheKey, FieldDiff, Rules};
use health::Health;
use resource::{Object, ResourceKey};

use super::name_fields;
use crate::comparison::Fields;
use crate::scripts::Answers;

/// Verdicts of earlier passes, so that an object is parsed and compared once for each state that it and git are in.
#[derive(Default)]
pub(crate) struct Memory {
    found: HashMap<ResourceKey, Known>,
    /// Answers of the server, by what the question was about; survives changes of live's status.
    pub(super) answers: BTreeMap<ResourceKey, (CacheKey, Answer)>,
    /// Answers of health scripts.
    pub(super) scripts: Answers,
}

/// What an object was held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    /// Hash of what git wants; 0 where it does not name the object.
    pub(super) wanted: u64,
    /// Which rules.
    pub(super) rules: u64,
}

/// What was found, and of which state.
struct Known {
    about: About,
    /// The state's resourceVersion, which health was judged at.
    version: Box<str>,
    /// The digest of a state that was seen whole: another of the same digest compares alike.
    digest: Option<u64>,
    /// What an update of it is judged by, where rules are about that.
    update: Option<u64>,
    found: Arc<Found>,
}

/// How an object stands against git.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) synced: bool,
    pub(super) reason: String,
    pub(super) fields: Fields,
}

impl Answer {
    pub(super) fn synced() -> Self {
        Self { synced: true, ..Self::default() }
    }

    pub(super) fn differs(fields: Vec<FieldDiff>) -> Self {
        Self { synced: false, reason: name_fields(&fields), fields: Fields::new(fields) }
    }

    pub(super) fn for_reason(reason: String) -> Self {
        Self { reason, ..Self::default() }
    }
}

/// What one look at one object gives.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) answer: Answer,
    pub(super) health: Option<Health>,
    pub(super) summary: health::Summary,
    pub(super) prune_confirm: bool,
    pub(super) extraneous_ignored: bool,
    pub(super) ignores_health: bool,
    pub(super) wave: i32,
    /// What kept a rule from being evaluated on it.
    pub(super) problem: Option<String>,
}

/// What is remembered of an object in its present state.
pub(super) enum Recalled {
    /// All of it.
    Whole(Arc<Found>),
    /// Only its status is another: how it compares holds, its health has to be judged.
    Comparison(Arc<Found>),
    /// Nothing that holds.
    Nothing,
}

impl Memory {
    /// Of how many objects anything is remembered.
    pub(super) fn len(&self) -> usize {
        self.found.len().max(self.answers.len())
    }

    /// Forgets objects that are no longer looked at.
    pub(super) fn retain(&mut self, keep: impl Fn(&ResourceKey) -> bool) {
        self.found.retain(|key, _| keep(key));
        self.answers.retain(|key, _| keep(key));
        self.scripts.retain(keep);
    }

    pub(super) fn recall(
        &self,
        key: &ResourceKey,
        about: About,
        live: &LiveObject,
        rules: &Rules,
    ) -> Recalled {
        match self.found.get(key).filter(|known| known.about == about) {
            Some(known) if *known.version == *live.resource_version() => {
                Recalled::Whole(Arc::clone(&known.found))
            }
            Some(known) if known.compares_alike(live, rules) => {
                Recalled::Comparison(Arc::clone(&known.found))
            }
            _ => Recalled::Nothing,
        }
    }

    pub(super) fn remember(
        &mut self,
        key: &ResourceKey,
        about: About,
        live: &LiveObject,
        update: Option<u64>,
        found: Arc<Found>,
    ) {
        let digest = live.is_full().then(|| live.digest());
        let known = Known { about, version: live.resource_version().into(), digest, update, found };
        match self.found.get_mut(key) {
            Some(place) => *place = known,
            None => drop(self.found.insert(key.clone(), known)),
        }
    }

    /// Whether no pass is needed though an object was written: only its status is another, or what `updates` names, and its health and
    /// what it adds to the summary are the same by the built-in rules. Where nothing but its status is another, it is remembered in its
    /// new state.
    pub(crate) fn holds(&mut self, live: &LiveObject, rules: &Rules, updates: &Rules) -> bool {
        let Some(known) = self.found.get_mut(&live.key()) else { return false };
        if *known.version == *live.resource_version() {
            return true;
        }
        let alike = known.compares_alike(live, rules);
        if !alike && known.update.is_none() {
            return false;
        }
        let Some(object) = live.object() else { return false };
        if !alike && compare::update_hash(&object, updates) != known.update {
            return false;
        }
        let same =
            health::of(&object) == known.found.health && health::summary([&object]) == known.found.summary;
        if same && alike {
            known.version = live.resource_version().into();
        }
        same
    }
}

impl Known {
    fn compares_alike(&self, live: &LiveObject, rules: &Rules) -> bool {
        live.is_full() && self.digest == Some(live.digest()) && !rules.look_at_status(&live.group_kind())
    }
}

impl Found {
    /// The same with what depends on the object's status.
    pub(super) fn with_status(&self, health: Option<Health>, object: &Object) -> Self {
        Self { health, summary: health::summary([object]), ..self.clone() }
    }
}
