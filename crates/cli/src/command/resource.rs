//! Commands about single objects of an application, and about its source.

use super::actions::ResourceFlags;
use super::help;
use super::source::SpecFlags;

/// `app get-resource`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app get-resource guestbook --kind Pod"
    "capstan app get-resource guestbook --kind Pod --resource-name web-1 --filter-fields status.podIP,status.hostIP"
    "capstan app get-resource guestbook --kind Deployment --resource-name web -o yaml"
))]
pub struct GetResourceArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Kind of the objects
    #[arg(long)]
    pub kind: String,
    /// Name of the object; all of the kind where it is not said
    #[arg(long)]
    pub resource_name: Option<String>,
    /// Project of the application
    #[arg(long)]
    pub project: Option<String>,
    /// Only these fields, as status.podIP
    #[arg(long, value_delimiter = ',')]
    pub filter_fields: Vec<String>,
    /// Show who wrote which field
    #[arg(long)]
    pub show_managed_fields: bool,
    /// Form: wide, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "json", "yaml"])]
    pub output: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app patch-resource`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app patch-resource guestbook --kind Deployment --resource-name web --patch '{\"spec\":{\"replicas\":2}}'"
))]
pub struct PatchResourceArgs {
    /// Name, or namespace/name
    pub name: String,
    /// The patch
    #[arg(long)]
    pub patch: String,
    /// How it is meant
    #[arg(long, default_value = "application/merge-patch+json")]
    pub patch_type: String,
    /// Which resources
    #[command(flatten)]
    pub resources: ResourceFlags,
    /// Patch every object that is meant, not only one
    #[arg(long)]
    pub all: bool,
    /// Project of the application
    #[arg(long)]
    pub project: Option<String>,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app delete-resource`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan app delete-resource guestbook --kind Pod --resource-name web-1"))]
pub struct DeleteResourceArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Which resources
    #[command(flatten)]
    pub resources: ResourceFlags,
    /// Do not wait for a graceful end
    #[arg(long)]
    pub force: bool,
    /// Leave what the object owns
    #[arg(long)]
    pub orphan: bool,
    /// Delete every object that is meant, not only one
    #[arg(long)]
    pub all: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Project of the application
    #[arg(long)]
    pub project: Option<String>,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app logs`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app logs guestbook"
    "capstan app logs guestbook --kind Deployment --name web --follow --tail 100"
    "capstan app logs guestbook --filter error --since-seconds 3600"
))]
pub struct LogsArgs {
    /// Name, or namespace/name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Only of resources of this API group
    #[arg(long, default_value = "")]
    pub group: String,
    /// Only of resources of this kind
    #[arg(long, default_value = "")]
    pub kind: String,
    /// Only of resources in this namespace
    #[arg(long, default_value = "")]
    pub namespace: String,
    /// Only of resources of this name
    #[arg(long = "name", id = "resource_name", default_value = "")]
    pub resource_name: String,
    /// Only of this container
    #[arg(short, long, default_value = "")]
    pub container: String,
    /// Go on as more is printed
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines; 0 is all
    #[arg(long, default_value_t = 0)]
    pub tail: i64,
    /// Only what is not older than this; 0 is all
    #[arg(long, default_value_t = 0)]
    pub since_seconds: i64,
    /// Only what is older than this time
    #[arg(long, default_value = "")]
    pub until_time: String,
    /// Only lines with this text; with a ! before it those without
    #[arg(long, default_value = "")]
    pub filter: String,
    /// The text has to be written alike
    #[arg(short, long)]
    pub match_case: bool,
    /// Of the containers that ran before
    #[arg(short, long)]
    pub previous: bool,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app patch`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app patch guestbook --patch '{\"spec\":{\"source\":{\"targetRevision\":\"v2\"}}}' --type merge"
    "capstan app patch guestbook --patch '[{\"op\":\"replace\",\"path\":\"/spec/source/path\",\"value\":\"new\"}]'"
))]
pub struct PatchArgs {
    /// Name, or namespace/name
    pub name: String,
    /// The patch
    #[arg(long, default_value = "")]
    pub patch: String,
    /// How it is meant: json or merge
    #[arg(long = "type", default_value = "json")]
    pub kind: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app edit`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan app edit guestbook" "EDITOR=nano capstan app edit guestbook"))]
pub struct EditArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app confirm-deletion`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan app confirm-deletion guestbook"))]
pub struct ConfirmDeletionArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app unset`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app unset guestbook -p image.tag"
    "capstan app unset guestbook --kustomize-image nginx --namesuffix"
    "capstan app unset guestbook --source-position 1 --values values-prod.yaml"
))]
pub struct UnsetArgs {
    /// Name, or namespace/name
    pub name: String,
    /// What goes
    #[command(flatten)]
    pub flags: UnsetFlags,
    /// Which of several sources is meant, from 1
    #[arg(long)]
    pub source_position: Option<i64>,
    /// The same by the source's name
    #[arg(long)]
    pub source_name: Option<String>,
    /// Check the specification before it is written
    #[arg(long, default_value_t = false, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub validate: bool,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// What goes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct UnsetFlags {
    /// The parameter of a chart
    #[arg(short, long = "parameter")]
    pub parameters: Vec<String>,
    /// The value file
    #[arg(long)]
    pub values: Vec<String>,
    /// Values that stand in the application
    #[arg(long)]
    pub values_literal: bool,
    /// Leaving out value files that do not exist
    #[arg(long)]
    pub ignore_missing_value_files: bool,
    /// Credentials for all domains
    #[arg(long)]
    pub pass_credentials: bool,
    /// Prefix of all names
    #[arg(long)]
    pub nameprefix: bool,
    /// Suffix of all names
    #[arg(long)]
    pub namesuffix: bool,
    /// Version of kustomize
    #[arg(long)]
    pub kustomize_version: bool,
    /// Namespace for all resources
    #[arg(long)]
    pub kustomize_namespace: bool,
    /// The image, by its name
    #[arg(long)]
    pub kustomize_image: Vec<String>,
    /// The number of replicas, by name
    #[arg(long)]
    pub kustomize_replica: Vec<String>,
    /// Leaving out components that do not exist
    #[arg(long)]
    pub ignore_missing_components: bool,
    /// The environment variable of a plugin
    #[arg(long)]
    pub plugin_env: Vec<String>,
    /// The name by which other sources refer to this one
    #[arg(long = "ref")]
    pub ref_name: bool,
}

/// `app add-source`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan app add-source guestbook --repo https://git.example/apps.git --path more --source-name more"))]
pub struct AddSourceArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Check the specification before it is written
    #[arg(long, default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub validate: bool,
    /// What the source is
    #[command(flatten)]
    pub spec: SpecFlags,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app remove-source`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan app remove-source guestbook --source-position 2"))]
pub struct RemoveSourceArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Which source goes, from 1
    #[arg(long, allow_negative_numbers = true)]
    pub source_position: Option<i64>,
    /// The same by the source's name
    #[arg(long)]
    pub source_name: Option<String>,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}
