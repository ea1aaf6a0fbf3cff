//! What git wants against what the cluster has, for one application: the verdict on each object and on the whole.

use std::sync::Arc;

use api::{ApplicationSourceType, HealthStatusCode, SyncStatusCode};
use compare::FieldDiff;
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
    /// The fields in which it differs, as far as they are known. Long values are cut.
    pub fields: Fields,
}

/// Fields in which an object differs from git.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields {
    /// The first of them.
    pub listed: Arc<[FieldDiff]>,
    /// How many more there are.
    pub more: usize,
}

impl Fields {
    /// Fields of one object that are listed.
    pub const MOST: usize = 20;
    /// Bytes of a value that are kept, as JSON.
    const VALUE_BYTES: usize = 2 << 10;

    pub(crate) fn new(mut fields: Vec<FieldDiff>) -> Self {
        let more = fields.len().saturating_sub(Self::MOST);
        fields.truncate(Self::MOST);
        for value in fields.iter_mut().flat_map(|field| [&mut field.live, &mut field.desired]).flatten() {
            let text = value.to_string();
            if text.len() > Self::VALUE_BYTES {
                let text = value.as_str().map_or(text, str::to_owned);
                let cut =
                    text.char_indices().map(|(at, _)| at).take_while(|at| *at <= Self::VALUE_BYTES).last();
                *value = format!("{}…", text.get(..cut.unwrap_or_default()).unwrap_or_default()).into();
            }
        }
        Self { listed: fields.into(), more }
    }
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
