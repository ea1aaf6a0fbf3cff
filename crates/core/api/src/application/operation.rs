//! A sync that was asked for, and how it went.

use super::source::{ApplicationSource, NameValue};
use super::spec::{ManagedNamespaceMetadata, RetryStrategy};
use super::{Application, RevisionHistory};
use crate::wire::wire;
use crate::words::{HookType, OperationPhase, ResultCode, SyncPhase};

impl Operation {
    /// What goes back to an entry of an application's history: a sync without hooks to what the entry says, with the application's own
    /// options.
    ///
    /// **Source**: the peer's `Server.Rollback`.
    pub fn rollback(app: &Application, entry: &RevisionHistory, user: &str) -> Self {
        let options = app.spec.sync_policy.as_ref().map(|policy| policy.sync_options.clone());
        let apply = Some(SyncStrategyApply::default());
        let sync = SyncOperation {
            revision: entry.revision.clone(),
            revisions: entry.revisions.clone(),
            source: entry.source.clone(),
            sources: entry.sources.clone(),
            sync_options: options.unwrap_or_default(),
            sync_strategy: Some(SyncStrategy { apply, ..SyncStrategy::default() }),
            ..SyncOperation::default()
        };
        Self { sync: Some(sync), initiated_by: OperationInitiator::of(user), ..Self::default() }
    }
}

impl OperationInitiator {
    /// A user.
    pub fn of(user: &str) -> Self {
        Self { username: user.to_owned(), ..Self::default() }
    }
}

wire! {
    /// Something to be done, in the top-level field `operation`.
    pub struct Operation {
        /// A sync.
        sync: Option<SyncOperation>,
        /// Who asked.
        initiated_by: OperationInitiator,
        /// Notes for people.
        info: Vec<NameValue>,
        /// What to do when it fails.
        retry: RetryStrategy,
    }

    /// Who asked for an operation.
    pub struct OperationInitiator {
        /// A user.
        username: String,
        /// The controller itself.
        automated: bool,
    }

    /// A sync to a revision.
    pub struct SyncOperation {
        /// Revision; what `targetRevision` says where empty.
        revision: String,
        /// Delete what is no longer desired.
        prune: bool,
        /// Change nothing.
        dry_run: bool,
        /// How to apply.
        sync_strategy: Option<SyncStrategy>,
        /// Only these resources.
        resources: Vec<SyncOperationResource>,
        /// Source to sync instead of the one in `spec`.
        source: Option<ApplicationSource>,
        /// Manifests to sync instead of rendering.
        manifests: Vec<String>,
        /// Options instead of those of the sync policy.
        sync_options: Vec<String>,
        /// Sources to sync instead of those in `spec`.
        sources: Vec<ApplicationSource>,
        /// Revisions, one a source.
        revisions: Vec<String>,
        /// How often healing was tried before.
        #[serde(rename = "autoHealAttemptsCount")]
        self_heal_attempts_count: i64,
    }

    /// How to apply.
    pub struct SyncStrategy {
        /// Without hooks.
        apply: Option<SyncStrategyApply>,
        /// With hooks; the default.
        hook: Option<SyncStrategyHook>,
    }

    /// Apply without hooks.
    pub struct SyncStrategyApply {
        /// Delete and create where an update is refused.
        force: bool,
    }

    /// Apply with hooks.
    pub struct SyncStrategyHook {
        /// Delete and create where an update is refused.
        force: bool,
    }

    /// One resource to sync.
    pub struct SyncOperationResource {
        /// API group.
        group: String,
        [
            /// Kind.
            kind: String,
            /// Name.
            name: String,
        ]
        /// Namespace; any where empty.
        namespace: String,
    }

    /// An operation and how far it got.
    pub struct OperationState {
        [
            /// What was asked for.
            operation: Operation,
            /// State.
            phase: OperationPhase,
            /// Begin, RFC 3339.
            started_at: String,
        ]
        /// For people.
        message: String,
        /// What was done.
        sync_result: Option<SyncOperationResult>,
        /// End, RFC 3339.
        finished_at: Option<String>,
        /// Attempts after the first.
        retry_count: i64,
    }

    /// What a sync did.
    pub struct SyncOperationResult {
        /// Each resource.
        resources: Vec<ResourceResult>,
        [
            /// Revision that was synced.
            revision: String,
        ]
        /// Source that was synced.
        source: Option<ApplicationSource>,
        /// Sources that were synced.
        sources: Vec<ApplicationSource>,
        /// Revisions, one a source.
        revisions: Vec<String>,
        /// What the created namespace was given.
        managed_namespace_metadata: Option<ManagedNamespaceMetadata>,
    }

    /// What became of one resource.
    pub struct ResourceResult {
        [
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
        ]
        /// Result of applying or pruning; not set while a hook runs.
        status: Option<ResultCode>,
        /// For people.
        message: String,
        /// Kind of hook, if it is one.
        hook_type: Option<HookType>,
        /// State of the hook's run, or of the resource's.
        hook_phase: Option<OperationPhase>,
        /// Phase in which it was applied.
        sync_phase: Option<SyncPhase>,
        /// Images that it runs.
        images: Vec<String>,
    }
}

impl SyncStrategy {
    /// Whether updates that are refused become a deletion and a creation.
    pub fn is_forced(&self) -> bool {
        self.apply.as_ref().is_some_and(|apply| apply.force)
            || self.hook.as_ref().is_some_and(|hook| hook.force)
    }

    /// Whether hooks are left out.
    pub fn skips_hooks(&self) -> bool {
        self.apply.is_some()
    }
}
