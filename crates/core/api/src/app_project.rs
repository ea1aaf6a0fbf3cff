//! The custom resource `AppProject`.

use serde_json::Value;

use crate::metadata::Metadata;
use crate::parse::{ApiError, from_value, to_value};
use crate::wire::wire;

wire! {
    /// An AppProject, whole.
    pub struct AppProject {
        [
            /// `argoproj.io/v1alpha1`.
            api_version: String,
            /// `AppProject`.
            kind: String,
            /// Names, labels, annotations.
            metadata: Metadata,
            /// The limits.
            spec: AppProjectSpec,
        ]
        /// Tokens, as they came.
        status: Option<Value>,
    }

    /// `spec` of an AppProject: what its applications may do.
    pub struct AppProjectSpec {
        /// Repositories, as globs; `!` denies.
        source_repos: Vec<String>,
        /// Clusters and namespaces, as globs; `!` denies.
        destinations: Vec<ApplicationDestinationPattern>,
        /// For people.
        description: String,
        /// Who may do what.
        roles: Vec<ProjectRole>,
        /// Cluster-wide kinds that are permitted; none where absent or empty.
        cluster_resource_whitelist: Vec<ClusterResource>,
        /// Cluster-wide kinds that are denied.
        cluster_resource_blacklist: Vec<ClusterResource>,
        /// Namespaced kinds that are permitted; all where absent, none where empty.
        namespace_resource_whitelist: Option<Vec<NamespaceResource>>,
        /// Namespaced kinds that are denied.
        namespace_resource_blacklist: Vec<NamespaceResource>,
        /// Whether resources of no application are reported.
        orphaned_resources: Option<OrphanedResources>,
        /// When syncs are permitted.
        sync_windows: Vec<SyncWindow>,
        /// Keys of which one must have signed a commit.
        signature_keys: Vec<SignatureKey>,
        /// Signatures that commits must have, as it came.
        source_integrity: Option<Value>,
        /// Namespaces whose Applications may belong to the project, as globs.
        source_namespaces: Vec<String>,
        /// Permit only clusters that belong to the project.
        permit_only_project_scoped_clusters: bool,
        /// Service accounts to sync as.
        destination_service_accounts: Vec<DestinationServiceAccount>,
    }

    /// Clusters and namespaces, as globs.
    pub struct ApplicationDestinationPattern {
        /// URL of the API server.
        server: String,
        /// Name of the cluster.
        name: String,
        /// Namespace.
        namespace: String,
    }

    /// A cluster-wide kind and, where given, names of it.
    pub struct ClusterResource {
        [
            /// API group, as a glob.
            group: String,
            /// Kind, as a glob.
            kind: String,
        ]
        /// Name, as a glob; all where empty.
        name: String,
    }

    /// A namespaced kind.
    pub struct NamespaceResource {
        [
            /// API group, as a glob.
            group: String,
            /// Kind, as a glob.
            kind: String,
        ]
    }

    /// A role of the project.
    pub struct ProjectRole {
        [
            /// Name.
            name: String,
        ]
        /// For people.
        description: String,
        /// Policies.
        policies: Vec<String>,
        /// Tokens that were issued.
        jwt_tokens: Vec<JwtToken>,
        /// Groups that have the role.
        groups: Vec<String>,
    }

    /// A token that was issued.
    pub struct JwtToken {
        [
            /// When it was issued, in seconds since 1970.
            iat: i64,
        ]
        /// When it ends, in seconds since 1970.
        exp: i64,
        /// Identity.
        id: String,
    }

    /// Whether resources of no application are reported.
    pub struct OrphanedResources {
        /// Report them as a condition; off where not set.
        warn: Option<bool>,
        /// Those that are not reported.
        ignore: Vec<OrphanedResourceKey>,
    }

    /// Resources of no application that are not reported.
    pub struct OrphanedResourceKey {
        /// API group, as a glob.
        group: String,
        /// Kind, as a glob.
        kind: String,
        /// Name, as a glob.
        name: String,
    }

    /// When syncs are permitted or denied.
    pub struct SyncWindow {
        /// `allow` or `deny`.
        kind: String,
        /// Begin, in cron's format.
        schedule: String,
        /// Length, such as 1h.
        duration: String,
        /// Applications, as globs.
        applications: Vec<String>,
        /// Namespaces, as globs.
        namespaces: Vec<String>,
        /// Clusters, as globs.
        clusters: Vec<String>,
        /// Permit syncs by hand.
        manual_sync: bool,
        /// Time zone.
        time_zone: String,
        /// All of applications, namespaces and clusters must match.
        #[serde(rename = "andOperator")]
        use_and_operator: bool,
        /// For people.
        description: String,
        /// Let a sync that began run on past the end.
        sync_overrun: bool,
    }

    /// A key that signs commits.
    pub struct SignatureKey {
        [
            /// Its id.
            #[serde(rename = "keyID")]
            key_id: String,
        ]
    }

    /// The service account to sync as.
    pub struct DestinationServiceAccount {
        [
            /// Cluster, as a glob.
            server: String,
            /// Service account, as `name` or `namespace:name`.
            default_service_account: String,
        ]
        /// Namespace, as a glob.
        namespace: String,
    }
}

impl AppProject {
    /// Reads an AppProject; see [`Application::from_value`](crate::Application::from_value).
    pub fn from_value(value: Value) -> Result<Self, ApiError> {
        from_value(value)
    }

    /// The AppProject as JSON, unknown fields included.
    pub fn to_value(&self) -> Value {
        to_value(self)
    }

    /// The project that permits everything, as the peer creates it at its first start.
    pub fn default_project(namespace: &str) -> Self {
        let anything = "*".to_owned();
        Self {
            api_version: crate::names::API_VERSION.to_owned(),
            kind: crate::names::APP_PROJECT.to_owned(),
            metadata: Metadata {
                name: crate::DEFAULT_PROJECT.to_owned(),
                namespace: namespace.to_owned(),
                ..Metadata::default()
            },
            spec: AppProjectSpec {
                source_repos: vec![anything.clone()],
                destinations: vec![ApplicationDestinationPattern {
                    server: anything.clone(),
                    namespace: anything.clone(),
                    ..ApplicationDestinationPattern::default()
                }],
                cluster_resource_whitelist: vec![ClusterResource {
                    group: anything.clone(),
                    kind: anything,
                    ..ClusterResource::default()
                }],
                ..AppProjectSpec::default()
            },
            ..Self::default()
        }
    }
}
