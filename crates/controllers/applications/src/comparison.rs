//! What git wants against what the cluster has, for one application: the verdict on each object and on the whole.

use api::{ApplicationSourceType, HealthStatusCode, SyncStatusCode};
use health::Health;
use resource::ResourceKey;
use sync::auto::Differences;

/// One object of an application.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceState {
    /// The object.
    pub key: ResourceKey,
    /// API version, git's where git has it.
    pub version: String,
    /// Whether live matches desired; `Unknown` where its kind cannot be seen.
    pub sync: SyncStatusCode,
    /// Its health; `None` where its kind has none.
    pub health: Option<Health>,
    /// Whether git has it.
    pub wanted: bool,
    /// Whether the cluster has it.
    pub live: bool,
    /// Whether it is live, ours, and not in git.
    pub requires_pruning: bool,
    /// Whether its removal waits for somebody's word.
    pub requires_confirmation: bool,
    /// `argocd.argoproj.io/sync-wave`.
    pub wave: i32,
    /// Why it is not synced, for people: fields, or what could not be told.
    pub reason: String,
}

/// The verdict on an application.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Every object, sorted by key.
    pub resources: Vec<ResourceState>,
    /// What hooks made and is live, with its version: shown, and neither compared nor judged.
    pub hooks: Vec<(ResourceKey, String)>,
    /// Whether live matches desired.
    pub sync: SyncStatusCode,
    /// Health of the whole.
    pub health: HealthStatusCode,
    /// Why, where there is something to say.
    pub health_message: String,
    /// Commits that were compared, one a source.
    pub revisions: Vec<String>,
    /// What rendered the sources.
    pub source_types: Vec<ApplicationSourceType>,
    /// Images that run.
    pub images: Vec<String>,
    /// Addresses of the application.
    pub external_urls: Vec<String>,
    /// Whether git rendered any object.
    pub rendered_any: bool,
}

impl Comparison {
    /// What an automated sync looks at.
    pub fn differences(&self) -> Differences {
        let keys = |wanted: bool| {
            self.resources
                .iter()
                .filter(|r| r.sync == SyncStatusCode::OutOfSync && r.wanted == wanted)
                .map(|r| r.key.clone())
                .collect()
        };
        Differences { changed: keys(true), to_prune: keys(false), rendered_any: self.rendered_any }
    }

    /// The verdict on the whole, from the verdicts on its objects: Unknown where one cannot be seen, else OutOfSync
    /// where one differs. An object that has to be pruned makes it OutOfSync, one that is told to stay does not.
    pub fn overall(resources: &[ResourceState]) -> SyncStatusCode {
        let has = |code: SyncStatusCode| resources.iter().any(|r| r.sync == code);
        if has(SyncStatusCode::Unknown) {
            SyncStatusCode::Unknown
        } else if has(SyncStatusCode::OutOfSync) {
            SyncStatusCode::OutOfSync
        } else {
            SyncStatusCode::Synced
        }
    }
}
