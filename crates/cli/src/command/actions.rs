//! Commands about actions of resources.

use super::help;

/// `app actions`
#[derive(Debug, Clone, clap::Subcommand)]
pub enum ActionsCommand {
    /// List the actions of an application's resources
    List(ListActionsArgs),
    /// Run an action on resources of an application
    Run(RunActionArgs),
}

/// Which resources are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct ResourceFlags {
    /// Only resources of this API group
    #[arg(long)]
    pub group: Option<String>,
    /// Only resources of this kind
    #[arg(long)]
    pub kind: Option<String>,
    /// Only resources in this namespace
    #[arg(long)]
    pub namespace: Option<String>,
    /// Only resources of this name
    #[arg(long)]
    pub resource_name: Option<String>,
}

/// `app actions list`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app actions list guestbook"
    "capstan app actions list guestbook --kind Deployment -o json"
))]
pub struct ListActionsArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Which resources
    #[command(flatten)]
    pub resources: ResourceFlags,
    /// Form: wide, json or yaml
    #[arg(short, long, visible_alias = "out", default_value = "wide", value_parser = ["wide", "json", "yaml"])]
    pub output: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app actions run`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app actions run guestbook restart --kind Deployment"
    "capstan app actions run guestbook scale --kind Deployment --resource-name web --param replicas=3"
    "capstan app actions run guestbook create-job --kind CronJob --all"
))]
pub struct RunActionArgs {
    /// Name, or namespace/name
    pub name: String,
    /// The action
    pub action: String,
    /// Which resources
    #[command(flatten)]
    pub resources: ResourceFlags,
    /// Run it on every resource that is meant, not only on one
    #[arg(long)]
    pub all: bool,
    /// A parameter of the action, NAME=VALUE
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}
