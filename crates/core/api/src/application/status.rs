//! What is known about an application.

use super::operation::{OperationInitiator, OperationState};
use super::source::ApplicationSource;
use super::spec::{ApplicationDestination, ResourceIgnoreDifferences};
use crate::wire::wire;
use crate::words::{ApplicationSourceType, ConditionType, HealthStatusCode, SyncStatusCode};
use resource::ResourceKey;
use serde_json::Value;

wire! {
    /// `status` of an Application. Times are RFC 3339 with seconds, in UTC.
    pub struct ApplicationStatus {
        /// Every managed resource.
        resources: Vec<ResourceStatus>,
        [
            /// Whether live matches desired.
            sync: SyncStatus,
        ]
        /// Health of the whole.
        health: HealthStatus,
        /// Successful syncs, oldest first.
        history: Vec<RevisionHistory>,
        /// What is wrong or strange.
        conditions: Vec<ApplicationCondition>,
        /// When live and desired were last compared.
        reconciled_at: Option<String>,
        /// The operation under way, or the last one.
        operation_state: Option<OperationState>,
        /// When the status was last written; no longer used by the peer.
        observed_at: Option<String>,
        /// What renders the source.
        source_type: Option<ApplicationSourceType>,
        /// What renders the sources, in their order.
        source_types: Vec<ApplicationSourceType>,
        /// For overviews.
        summary: ApplicationSummary,
        /// Where resources' health is kept: `appTree`, or empty for inline.
        resource_health_source: String,
        /// Namespace of the controller that wrote this.
        controller_namespace: String,
        /// State of the source hydrator, as it came.
        source_hydrator: Option<Value>,
        /// What the peer has no place for.
        capstan: CapstanStatus,
    }

    /// What the peer's status has no place for. Its definition of the resource, where that one is installed, drops it.
    pub struct CapstanStatus {
        /// Why the application is not as git wants it: a list of reasons, and how many more there are.
        why: Option<Value>,
    }

    /// Whether live matches desired, and what was compared.
    pub struct SyncStatus {
        [
            /// The verdict.
            status: SyncStatusCode,
        ]
        /// What was compared.
        compared_to: ComparedTo,
        /// Revision that was compared.
        revision: String,
        /// Revisions, one a source.
        revisions: Vec<String>,
    }

    /// What was compared.
    pub struct ComparedTo {
        /// Source.
        source: Option<ApplicationSource>,
        [
            /// Destination.
            destination: ApplicationDestination,
        ]
        /// Sources.
        sources: Vec<ApplicationSource>,
        /// Differences that did not count.
        ignore_differences: Vec<ResourceIgnoreDifferences>,
    }

    /// Health, for whom and since when.
    pub struct HealthStatus {
        /// The verdict.
        status: Option<HealthStatusCode>,
        /// For people.
        message: String,
        /// When the verdict changed.
        last_transition_time: Option<String>,
    }

    /// One managed resource.
    pub struct ResourceStatus {
        /// API group.
        group: String,
        /// API version.
        version: String,
        /// Kind.
        kind: String,
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// Whether live matches desired.
        status: Option<SyncStatusCode>,
        /// Its health.
        health: Option<HealthStatus>,
        /// Whether it is a hook.
        hook: bool,
        /// Whether it is no longer desired.
        requires_pruning: bool,
        /// Wave.
        sync_wave: i64,
        /// Whether its deletion waits for a person.
        requires_deletion_confirmation: bool,
    }

    /// A successful sync.
    pub struct RevisionHistory {
        /// Revision.
        revision: String,
        [
            /// End of the sync.
            deployed_at: String,
            /// Number, growing by one.
            id: i64,
        ]
        /// Source.
        source: Option<ApplicationSource>,
        /// Begin of the sync.
        deploy_started_at: Option<String>,
        /// Sources.
        sources: Vec<ApplicationSource>,
        /// Revisions, one a source.
        revisions: Vec<String>,
        /// Who asked.
        initiated_by: OperationInitiator,
    }

    /// What is wrong or strange.
    pub struct ApplicationCondition {
        [
            /// Its kind.
            #[serde(rename = "type")]
            condition_type: ConditionType,
            /// For people.
            message: String,
        ]
        /// When it appeared.
        last_transition_time: Option<String>,
    }

    /// For overviews.
    pub struct ApplicationSummary {
        /// Addresses under which the application is reached.
        #[serde(rename = "externalURLs")]
        external_urls: Vec<String>,
        /// Images that run.
        images: Vec<String>,
        /// Whether the application manages Applications.
        is_app_of_apps: bool,
    }
}

impl ApplicationStatus {
    /// The operation under way: one that has begun and has not ended.
    pub fn running(&self) -> Option<&OperationState> {
        self.operation_state.as_ref().filter(|state| !state.phase.is_completed())
    }
}

impl ResourceStatus {
    /// Which object it speaks of.
    pub fn key(&self) -> ResourceKey {
        ResourceKey::new(&*self.group, &*self.kind, &*self.namespace, &*self.name)
    }

    /// Whether it speaks of this object.
    pub fn is(&self, key: &ResourceKey) -> bool {
        (&self.group, &self.kind, &self.namespace, &self.name)
            == (&key.group, &key.kind, &key.namespace, &key.name)
    }
}
