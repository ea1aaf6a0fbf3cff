//! The flags of `create` and `set` that describe an application, by the peer's names.

use std::path::PathBuf;

/// Which revision is meant of which of several sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct SourceRevisions {
    /// Revision of one of several sources; with --source-positions or --source-names, as many as there are of those
    #[arg(long, conflicts_with = "revision")]
    pub revisions: Vec<String>,
    /// Positions of the sources that the revisions are of, from 1
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    pub source_positions: Vec<i64>,
    /// The same by the sources' names
    #[arg(long)]
    pub source_names: Vec<String>,
}

/// What an application is. A flag that is not given leaves its field alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct SpecFlags {
    /// Repository
    #[arg(long, help_heading = "Source")]
    pub repo: Option<String>,
    /// Directory in the repository
    #[arg(long, help_heading = "Source")]
    pub path: Option<String>,
    /// Branch, tag, commit or version range
    #[arg(long, help_heading = "Source")]
    pub revision: Option<String>,
    /// Chart of a Helm repository
    #[arg(long, help_heading = "Source")]
    pub helm_chart: Option<String>,
    /// Name by which other sources' value files refer to this source
    #[arg(long = "ref", help_heading = "Source")]
    pub ref_name: Option<String>,
    /// Name of the source
    #[arg(long, help_heading = "Source")]
    pub source_name: Option<String>,
    /// Read subdirectories too
    #[arg(long, help_heading = "Source", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub directory_recurse: Option<bool>,
    /// Files to read, as a glob
    #[arg(long, help_heading = "Source")]
    pub directory_include: Option<String>,
    /// Files to leave out, as a glob
    #[arg(long, help_heading = "Source")]
    pub directory_exclude: Option<String>,
    /// External variable for Jsonnet, as key=value
    #[arg(long, help_heading = "Source")]
    pub jsonnet_ext_var_str: Vec<String>,
    /// External variable for Jsonnet that is code, as key=value
    #[arg(long, help_heading = "Source")]
    pub jsonnet_ext_var_code: Vec<String>,
    /// Top-level argument for Jsonnet, as key=value
    #[arg(long, help_heading = "Source")]
    pub jsonnet_tla_str: Vec<String>,
    /// Top-level argument for Jsonnet that is code, as key=value
    #[arg(long, help_heading = "Source")]
    pub jsonnet_tla_code: Vec<String>,
    /// Library directory for Jsonnet
    #[arg(long, help_heading = "Source")]
    pub jsonnet_libs: Vec<String>,
    /// Config management plugin
    #[arg(long, help_heading = "Source")]
    pub config_management_plugin: Option<String>,
    /// Environment variable for the plugin, as key=value
    #[arg(long, help_heading = "Source")]
    pub plugin_env: Vec<String>,

    /// Cluster, by the URL of its API server
    #[arg(long, help_heading = "Destination")]
    pub dest_server: Option<String>,
    /// Cluster, by name
    #[arg(long, help_heading = "Destination")]
    pub dest_name: Option<String>,
    /// Namespace for manifests that name none
    #[arg(long, help_heading = "Destination")]
    pub dest_namespace: Option<String>,
    /// Project
    #[arg(long, help_heading = "Destination")]
    pub project: Option<String>,

    /// When to sync: none, or automated
    #[arg(long, help_heading = "Sync", value_parser = ["none", "manual", "auto", "automated", "automatic"])]
    pub sync_policy: Option<String>,
    /// Delete what is no longer in git
    #[arg(long, help_heading = "Sync", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub auto_prune: Option<bool>,
    /// Undo changes made in the cluster
    #[arg(long, help_heading = "Sync", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub self_heal: Option<bool>,
    /// Sync even when nothing is rendered
    #[arg(long, help_heading = "Sync", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub allow_empty: Option<bool>,
    /// Option, as Name=value; ! before it takes it away
    #[arg(long = "sync-option", help_heading = "Sync")]
    pub sync_options: Vec<String>,
    /// Most attempts after the first
    #[arg(long, help_heading = "Sync", allow_negative_numbers = true)]
    pub sync_retry_limit: Option<i64>,
    /// First wait between attempts
    #[arg(long, help_heading = "Sync")]
    pub sync_retry_backoff_duration: Option<String>,
    /// Longest wait between attempts
    #[arg(long, help_heading = "Sync")]
    pub sync_retry_backoff_max_duration: Option<String>,
    /// What each wait is multiplied by
    #[arg(long, help_heading = "Sync")]
    pub sync_retry_backoff_factor: Option<i64>,
    /// Take a newer revision while retrying
    #[arg(long, help_heading = "Sync", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub sync_retry_refresh: Option<bool>,
    /// History entries to keep
    #[arg(long, help_heading = "Sync")]
    pub revision_history_limit: Option<i64>,

    /// Parameter of the source, as key=value: a Helm value
    #[arg(short = 'p', long = "parameter", help_heading = "Helm")]
    pub parameters: Vec<String>,
    /// Value file, relative to the chart
    #[arg(long, help_heading = "Helm")]
    pub values: Vec<String>,
    /// File on this machine whose content becomes the values
    #[arg(long, help_heading = "Helm")]
    pub values_literal_file: Option<PathBuf>,
    /// Leave out value files that do not exist
    #[arg(long, help_heading = "Helm", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub ignore_missing_value_files: Option<bool>,
    /// Release name
    #[arg(long, help_heading = "Helm")]
    pub release_name: Option<String>,
    /// Value, as key=value
    #[arg(long, help_heading = "Helm")]
    pub helm_set: Vec<String>,
    /// Value that stays a string, as key=value
    #[arg(long, help_heading = "Helm")]
    pub helm_set_string: Vec<String>,
    /// Value read from a file of the source, as key=path
    #[arg(long, help_heading = "Helm")]
    pub helm_set_file: Vec<String>,
    /// Send credentials to all domains
    #[arg(long, help_heading = "Helm", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub helm_pass_credentials: Option<bool>,
    /// Leave out the chart's resource definitions
    #[arg(long, help_heading = "Helm", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub helm_skip_crds: Option<bool>,
    /// Leave out test hooks
    #[arg(long, help_heading = "Helm", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub helm_skip_tests: Option<bool>,
    /// Do not validate values against the chart's schema
    #[arg(long, help_heading = "Helm", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub helm_skip_schema_validation: Option<bool>,
    /// Namespace of the release
    #[arg(long, help_heading = "Helm")]
    pub helm_namespace: Option<String>,
    /// Kubernetes version to render for
    #[arg(long, help_heading = "Helm")]
    pub helm_kube_version: Option<String>,
    /// API versions to render for
    #[arg(long, help_heading = "Helm")]
    pub helm_api_versions: Vec<String>,

    /// Prefix of all names
    #[arg(long = "nameprefix", help_heading = "Kustomize")]
    pub name_prefix: Option<String>,
    /// Suffix of all names
    #[arg(long = "namesuffix", help_heading = "Kustomize")]
    pub name_suffix: Option<String>,
    /// Image, as name=newName:newTag
    #[arg(long, help_heading = "Kustomize")]
    pub kustomize_image: Vec<String>,
    /// Replicas, as name=count
    #[arg(long, help_heading = "Kustomize")]
    pub kustomize_replica: Vec<String>,
    /// Version (the built-in engine renders whatever it says)
    #[arg(long, help_heading = "Kustomize")]
    pub kustomize_version: Option<String>,
    /// Namespace for all resources
    #[arg(long, help_heading = "Kustomize")]
    pub kustomize_namespace: Option<String>,
    /// Label for all resources, as key=value
    #[arg(long, help_heading = "Kustomize")]
    pub kustomize_common_label: Vec<String>,
    /// Annotation for all resources, as key=value
    #[arg(long, help_heading = "Kustomize")]
    pub kustomize_common_annotation: Vec<String>,
    /// Overwrite labels that are there
    #[arg(long, help_heading = "Kustomize", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub kustomize_force_common_label: Option<bool>,
    /// Overwrite annotations that are there
    #[arg(long, help_heading = "Kustomize", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub kustomize_force_common_annotation: Option<bool>,
    /// Do not add the labels to selectors
    #[arg(long, help_heading = "Kustomize", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub kustomize_label_without_selector: Option<bool>,
    /// Kubernetes version to render for
    #[arg(long, help_heading = "Kustomize")]
    pub kustomize_kube_version: Option<String>,
    /// API versions to render for
    #[arg(long, help_heading = "Kustomize")]
    pub kustomize_api_versions: Vec<String>,
}
