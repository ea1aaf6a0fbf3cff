//! What an application asks for.

use std::collections::BTreeMap;
use std::slice;

use super::source::{ApplicationSource, NameValue, SourceHydrator, SyncSource};
use crate::wire::wire;

/// History entries that are kept where `revisionHistoryLimit` says nothing.
pub const REVISION_HISTORY_LIMIT: usize = 10;

/// The project of an application that names none.
pub const DEFAULT_PROJECT: &str = "default";

wire! {
    /// `spec` of an Application.
    pub struct ApplicationSpec {
        /// Where the manifests come from.
        source: Option<ApplicationSource>,
        /// Several sources; where there are any, `source` is not read.
        sources: Vec<ApplicationSource>,
        /// Manifests rendered ahead into git.
        source_hydrator: Option<SourceHydrator>,
        [
            /// Where the manifests go.
            destination: ApplicationDestination,
        ]
        /// Project, whose limits apply.
        project: String,
        /// When and how to sync.
        sync_policy: Option<SyncPolicy>,
        /// Fields that do not count as differences.
        ignore_differences: Vec<ResourceIgnoreDifferences>,
        /// Notes for people.
        info: Vec<NameValue>,
        /// History entries to keep.
        revision_history_limit: Option<i64>,
    }

    /// A cluster, by URL or by name, and a namespace in it.
    pub struct ApplicationDestination {
        /// URL of the cluster's API server.
        server: String,
        /// Name of the cluster, instead of its URL.
        name: String,
        /// Namespace for manifests that name none.
        namespace: String,
    }

    /// When and how to sync.
    pub struct SyncPolicy {
        /// Sync by itself.
        automated: Option<SyncPolicyAutomated>,
        /// Options, as `Name=value`.
        sync_options: Vec<String>,
        /// What to do after a failed sync.
        retry: Option<RetryStrategy>,
        /// Labels and annotations for a namespace that is created.
        managed_namespace_metadata: Option<ManagedNamespaceMetadata>,
    }

    /// Sync by itself.
    pub struct SyncPolicyAutomated {
        /// Delete what is no longer in git.
        prune: Option<bool>,
        /// Undo changes made in the cluster.
        self_heal: Option<bool>,
        /// Sync even when nothing is rendered.
        allow_empty: Option<bool>,
        /// Whether automated sync is on; on where not set.
        enabled: Option<bool>,
    }

    /// What to do after a failed sync.
    pub struct RetryStrategy {
        /// Most attempts after the first; below 0 without end.
        limit: i64,
        /// Time between attempts.
        backoff: Option<Backoff>,
        /// Take a newer revision while retrying.
        refresh: bool,
    }

    /// Time between attempts.
    pub struct Backoff {
        /// First wait, such as 5s or 2m.
        duration: String,
        /// What each wait is multiplied by.
        factor: Option<i64>,
        /// Longest wait, such as 3m.
        max_duration: String,
    }

    /// Labels and annotations for a namespace that is created.
    pub struct ManagedNamespaceMetadata {
        /// Labels.
        labels: BTreeMap<String, String>,
        /// Annotations.
        annotations: BTreeMap<String, String>,
    }

    /// Fields of a kind that do not count as differences.
    pub struct ResourceIgnoreDifferences {
        /// API group, as a glob.
        group: String,
        [
            /// Kind, as a glob.
            kind: String,
        ]
        /// Name; all where empty.
        name: String,
        /// Namespace; all where empty.
        namespace: String,
        /// JSON pointers.
        json_pointers: Vec<String>,
        /// jq path expressions.
        jq_path_expressions: Vec<String>,
        /// Field managers whose fields do not count.
        managed_fields_managers: Vec<String>,
    }
}

impl ApplicationSpec {
    /// The sources in force: `sources` where there are any, else `source`; none when neither is set.
    /// A source hydrator's output is not among them, see [`hydrated_source`](Self::hydrated_source).
    pub fn sources(&self) -> &[ApplicationSource] {
        match &self.source {
            _ if !self.sources.is_empty() => &self.sources,
            Some(source) => slice::from_ref(source),
            None => &[],
        }
    }

    /// Whether `sources` is in use, so that revisions are lists.
    pub fn has_multiple_sources(&self) -> bool {
        !self.sources.is_empty()
    }

    /// The place that a source hydrator's manifests are synced from.
    pub fn hydrated_source(&self) -> Option<ApplicationSource> {
        let hydrator = self.source_hydrator.as_ref()?;
        let SyncSource { target_branch, path, repo_url, .. } = &hydrator.sync_source;
        let repo_url = if repo_url.is_empty() { &hydrator.dry_source.repo_url } else { repo_url };
        Some(ApplicationSource {
            repo_url: repo_url.clone(),
            path: path.clone(),
            target_revision: target_branch.clone(),
            ..ApplicationSource::default()
        })
    }

    /// The project's name, `default` where none is given (the peer refuses such an application).
    pub fn project_name(&self) -> &str {
        if self.project.is_empty() { DEFAULT_PROJECT } else { &self.project }
    }

    /// The automated policy, if automated sync is on.
    pub fn automated(&self) -> Option<&SyncPolicyAutomated> {
        self.sync_policy.as_ref()?.automated.as_ref().filter(|automated| automated.is_enabled())
    }

    /// History entries to keep: 10 where not set, none where negative.
    pub fn history_limit(&self) -> usize {
        self.revision_history_limit
            .map_or(REVISION_HISTORY_LIMIT, |limit| usize::try_from(limit).unwrap_or(0))
    }
}

impl SyncPolicyAutomated {
    /// Whether automated sync is on; on where not set.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// Whether an automated sync deletes what is no longer desired.
    pub fn prunes(&self) -> bool {
        self.prune.unwrap_or(false)
    }

    /// Whether changes made in the cluster are undone.
    pub fn heals(&self) -> bool {
        self.self_heal.unwrap_or(false)
    }

    /// Whether an automated sync may delete everything.
    pub fn allows_empty(&self) -> bool {
        self.allow_empty.unwrap_or(false)
    }
}
