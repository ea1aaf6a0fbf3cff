//! Names that the peer's users write: group, kinds, annotations, labels, finalizers, ConfigMaps, Secrets.

/// API group of our custom resources.
pub const GROUP: &str = "argoproj.io";
/// Their version.
pub const VERSION: &str = "v1alpha1";
/// Both.
pub const API_VERSION: &str = "argoproj.io/v1alpha1";
/// Kind.
pub const APPLICATION: &str = "Application";
/// Kind.
pub const APP_PROJECT: &str = "AppProject";
/// Kind.
pub const APPLICATION_SET: &str = "ApplicationSet";

/// Field manager under which everything is applied: the peer's, so that a migration leaves no shared ownership.
pub const FIELD_MANAGER: &str = "argocd-controller";
/// URL by which Applications name the cluster that they live in.
pub const IN_CLUSTER_SERVER: &str = "https://kubernetes.default.svc";
/// Name by which Applications name the cluster that they live in.
pub const IN_CLUSTER_NAME: &str = "in-cluster";

/// Annotations.
pub mod annotation {
    /// Asks for a refresh: `normal` or `hard`. Removed when it is done.
    pub const REFRESH: &str = "argocd.argoproj.io/refresh";
    /// When the refresh was asked for.
    pub const REFRESH_TIMESTAMP: &str = "argocd.argoproj.io/refresh-timestamp";
    /// Asks for rendering ahead.
    pub const HYDRATE: &str = "argocd.argoproj.io/hydrate";
    /// When rendering ahead was asked for.
    pub const HYDRATE_TIMESTAMP: &str = "argocd.argoproj.io/hydrate-timestamp";
    /// `true` leaves an Application alone.
    pub const SKIP_RECONCILE: &str = "argocd.argoproj.io/skip-reconcile";
    /// Paths that rendering reads, separated by `;`. Not needed here, accepted.
    pub const MANIFEST_GENERATE_PATHS: &str = "argocd.argoproj.io/manifest-generate-paths";
    /// Makes a manifest a hook.
    pub const HOOK: &str = "argocd.argoproj.io/hook";
    /// When a hook is deleted.
    pub const HOOK_DELETE_POLICY: &str = "argocd.argoproj.io/hook-delete-policy";
    /// The run of a hook that an object was made for: begin of the operation, attempt, phase. Ours; the peer has no such annotation.
    pub const HOOK_RUN: &str = "capstan/hook-run";
    /// Applications that must be well before this one syncs by itself: names, separated by commas. Ours.
    pub const DEPENDS_ON: &str = "capstan/depends-on";
    /// Until when an Application does not sync by itself: RFC 3339. Ours.
    pub const HOLD_UNTIL: &str = "capstan/hold-until";
    /// Why, for people. Ours.
    pub const HOLD_REASON: &str = "capstan/hold-reason";
    /// Wave, a whole number.
    pub const SYNC_WAVE: &str = "argocd.argoproj.io/sync-wave";
    /// Options for one resource, separated by commas.
    pub const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";
    /// Options for comparing one resource.
    pub const COMPARE_OPTIONS: &str = "argocd.argoproj.io/compare-options";
    /// Which application a resource belongs to.
    pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
    /// Which installation a resource belongs to.
    pub const INSTALLATION_ID: &str = "argocd.argoproj.io/installation-id";
    /// When a person approved a deletion.
    pub const DELETION_APPROVED: &str = "argocd.argoproj.io/deletion-approved";
    /// `true` leaves a resource out of the application's health.
    pub const IGNORE_HEALTHCHECK: &str = "argocd.argoproj.io/ignore-healthcheck";
    /// `true` reads a Pod's health whatever its restart policy.
    pub const IGNORE_RESTART_POLICY: &str = "argocd.argoproj.io/ignore-restart-policy";
    /// Whether rules about unimportant updates apply to a resource.
    pub const IGNORE_RESOURCE_UPDATES: &str = "argocd.argoproj.io/ignore-resource-updates";
    /// Field manager whose client-side applied fields are taken over.
    pub const CLIENT_SIDE_APPLY_MIGRATION_MANAGER: &str =
        "argocd.argoproj.io/client-side-apply-migration-manager";
    /// Who manages the Application, for links.
    pub const MANAGED_BY_URL: &str = "argocd.argoproj.io/managed-by-url";
    /// Helm's hooks.
    pub const HELM_HOOK: &str = "helm.sh/hook";
    /// Helm's order of hooks.
    pub const HELM_HOOK_WEIGHT: &str = "helm.sh/hook-weight";
    /// Helm's policy for deleting hooks.
    pub const HELM_HOOK_DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
    /// Helm's `keep`.
    pub const HELM_RESOURCE_POLICY: &str = "helm.sh/resource-policy";
    /// Begin of the annotations that subscribe to notifications.
    pub const NOTIFICATIONS_SUBSCRIBE: &str = "notifications.argoproj.io/subscribe.";
    /// What kubectl's client-side apply leaves.
    pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
}

/// Labels.
pub mod label {
    /// Application that a resource belongs to, unless the settings name another label.
    pub const INSTANCE: &str = "app.kubernetes.io/instance";
    /// The label that the peer once used.
    pub const INSTANCE_LEGACY: &str = "applications.argoproj.io/app-name";
    /// Kind of a Secret that configures us.
    pub const SECRET_TYPE: &str = "argocd.argoproj.io/secret-type";
    /// Kind of a cluster's Secret.
    pub const AUTO_LABEL_CLUSTER_INFO: &str = "argocd.argoproj.io/auto-label-cluster-info";
    /// What our own ConfigMaps carry.
    pub const PART_OF: &str = "app.kubernetes.io/part-of";
}

/// Values of the label that tells Secrets apart.
pub mod secret_type {
    /// A cluster.
    pub const CLUSTER: &str = "cluster";
    /// A repository.
    pub const REPOSITORY: &str = "repository";
    /// Credentials for all repositories below a URL.
    pub const REPO_CREDS: &str = "repo-creds";
    /// A repository to write to.
    pub const REPOSITORY_WRITE: &str = "repository-write";
    /// Credentials to write with.
    pub const REPO_WRITE_CREDS: &str = "repo-write-creds";
    /// Credentials for a source-code host's API.
    pub const SCM_CREDS: &str = "scm-creds";
}

/// Finalizers.
pub mod finalizer {
    /// Deletes the application's resources, in the foreground.
    pub const RESOURCES: &str = "resources-finalizer.argocd.argoproj.io";
    /// The same, said outright.
    pub const RESOURCES_FOREGROUND: &str = "resources-finalizer.argocd.argoproj.io/foreground";
    /// Deletes the application's resources, in the background.
    pub const RESOURCES_BACKGROUND: &str = "resources-finalizer.argocd.argoproj.io/background";
    /// Those with any of which the application's resources go.
    pub const CASCADES: [&str; 3] = [RESOURCES, RESOURCES_FOREGROUND, RESOURCES_BACKGROUND];
    /// Runs hooks before the deletion.
    pub const PRE_DELETE: &str = "pre-delete-finalizer.argocd.argoproj.io";
    /// Deletes the hooks that ran before the deletion.
    pub const PRE_DELETE_CLEANUP: &str = "pre-delete-finalizer.argocd.argoproj.io/cleanup";
    /// Runs hooks after the deletion.
    pub const POST_DELETE: &str = "post-delete-finalizer.argocd.argoproj.io";
    /// Deletes the hooks that ran after the deletion.
    pub const POST_DELETE_CLEANUP: &str = "post-delete-finalizer.argocd.argoproj.io/cleanup";
    /// Holds a hook until its result is recorded.
    pub const HOOK: &str = "argocd.argoproj.io/hook-finalizer";
}

/// ConfigMaps.
pub mod config_map {
    /// General settings.
    pub const ARGOCD_CM: &str = "argocd-cm";
    /// Settings of processes.
    pub const CMD_PARAMS: &str = "argocd-cmd-params-cm";
    /// Who may do what.
    pub const RBAC: &str = "argocd-rbac-cm";
    /// Keys of SSH servers.
    pub const SSH_KNOWN_HOSTS: &str = "argocd-ssh-known-hosts-cm";
    /// Certificates of TLS servers.
    pub const TLS_CERTS: &str = "argocd-tls-certs-cm";
    /// Keys that sign commits.
    pub const GPG_KEYS: &str = "argocd-gpg-keys-cm";
    /// What is told of applications, and to whom.
    pub const NOTIFICATIONS: &str = "argocd-notifications-cm";
}
