//! The published words of statuses, phases and hooks.

use crate::wire::words;

words! {
    /// Whether live matches desired.
    pub enum SyncStatusCode {
        /// No difference.
        Synced = "Synced",
        /// A difference, or something to prune.
        OutOfSync = "OutOfSync",
        /// Could not be told.
        Unknown = "Unknown",
    }

    /// Health, in the order of severity: the worst of a set is its maximum.
    pub enum HealthStatusCode {
        /// Does what it should.
        Healthy = "Healthy",
        /// Paused or waiting for a person.
        Suspended = "Suspended",
        /// Not healthy yet, and on its way.
        Progressing = "Progressing",
        /// Not in the cluster.
        Missing = "Missing",
        /// Failed, or will not become healthy by itself.
        Degraded = "Degraded",
        /// Could not be told.
        Unknown = "Unknown",
    }

    /// State of an operation, and of a hook's run.
    pub enum OperationPhase {
        /// Under way.
        Running = "Running",
        /// Asked to end, still under way.
        Terminating = "Terminating",
        /// Ended: something that was applied or ran did not succeed.
        Failed = "Failed",
        /// Ended: could not be done at all.
        Error = "Error",
        /// Ended well.
        Succeeded = "Succeeded",
    }

    /// What became of one resource in a sync.
    pub enum ResultCode {
        /// Applied.
        Synced = "Synced",
        /// Refused or failed.
        SyncFailed = "SyncFailed",
        /// Deleted.
        Pruned = "Pruned",
        /// Would have been deleted, had pruning been asked for.
        PruneSkipped = "PruneSkipped",
    }

    /// Phase of a sync, in order of execution.
    pub enum SyncPhase {
        /// Before anything is applied.
        PreSync = "PreSync",
        /// The manifests themselves.
        Sync = "Sync",
        /// After all are healthy.
        PostSync = "PostSync",
        /// After a failure.
        SyncFail = "SyncFail",
    }

    /// When a hook runs.
    pub enum HookType {
        /// Before the sync.
        PreSync = "PreSync",
        /// With the manifests.
        Sync = "Sync",
        /// After the sync.
        PostSync = "PostSync",
        /// When the sync failed.
        SyncFail = "SyncFail",
        /// Never: the manifest is left out.
        Skip = "Skip",
        /// Before the application's resources are deleted.
        PreDelete = "PreDelete",
        /// After the application's resources are deleted.
        PostDelete = "PostDelete",
    }

    /// What renders a source.
    pub enum ApplicationSourceType {
        /// Helm.
        Helm = "Helm",
        /// Kustomize.
        Kustomize = "Kustomize",
        /// Plain manifests and Jsonnet.
        Directory = "Directory",
        /// A config management plugin.
        Plugin = "Plugin",
    }

    /// Kind of an entry of `status.conditions`.
    pub enum ConditionType {
        /// The deletion of the application's resources failed.
        DeletionError = "DeletionError",
        /// The specification refers to something that does not exist or is not permitted.
        InvalidSpecError = "InvalidSpecError",
        /// Desired and live could not be compared.
        ComparisonError = "ComparisonError",
        /// An automated sync failed or was not begun.
        SyncError = "SyncError",
        /// An error of no other kind.
        UnknownError = "UnknownError",
        /// A resource belongs to more than one application.
        SharedResourceWarning = "SharedResourceWarning",
        /// The rendered manifests hold a resource more than once.
        RepeatedResourceWarning = "RepeatedResourceWarning",
        /// The rendered manifests hold a resource that the settings exclude.
        ExcludedResourceWarning = "ExcludedResourceWarning",
        /// The destination namespace holds resources of no application.
        OrphanedResourceWarning = "OrphanedResourceWarning",
        /// The application does not sync by itself for a while (ours).
        HoldWarning = "HoldWarning",
        /// The specification holds fields that nobody reads (ours; the peer drops them in silence).
        LintWarning = "LintWarning",
    }
}

impl Default for SyncStatusCode {
    /// Nothing was compared yet.
    fn default() -> Self {
        Self::Unknown
    }
}

impl Default for OperationPhase {
    /// A state without a phase is one that has not ended, as in the peer.
    fn default() -> Self {
        Self::Running
    }
}

impl Default for ConditionType {
    /// A condition without a type.
    fn default() -> Self {
        Self::UnknownError
    }
}

impl OperationPhase {
    /// Whether the operation has ended.
    pub fn is_completed(&self) -> bool {
        matches!(self, Self::Failed | Self::Error | Self::Succeeded)
    }

    /// Whether the operation has ended, and not well.
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}

impl ConditionType {
    /// Whether the condition stands for an error; the others are warnings. By the word, as in the peer.
    pub fn is_error(&self) -> bool {
        self.as_str().ends_with("Error")
    }
}
