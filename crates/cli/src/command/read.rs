//! Commands that change nothing.

use std::path::PathBuf;

use super::help;
use super::source::SourceRevisions;

/// `app list`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app list"
    "capstan app list -l team=payments -o name"
    "capstan app list --project default --cluster in-cluster"
))]
pub struct ListArgs {
    /// Form: wide, name, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "name", "json", "yaml"])]
    pub output: String,
    /// Only applications with these labels; operators are =, ==, !=, in, notin, exists and not exists
    #[arg(short = 'l', long, default_value = "")]
    pub selector: String,
    /// Only applications of these projects
    #[arg(short, long = "project")]
    pub projects: Vec<String>,
    /// Only applications on this cluster, by name or URL
    #[arg(short, long)]
    pub cluster: Option<String>,
    /// Only applications from this directory
    #[arg(long)]
    pub path: Option<String>,
    /// Only applications from this repository
    #[arg(short, long)]
    pub repo: Option<String>,
    /// Applications of this namespace
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app get`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app get guestbook"
    "capstan app get guestbook --refresh"
    "capstan app get guestbook -o tree"
    "capstan app get guestbook -o json | jq .status.sync"
))]
pub struct GetArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Form: wide, tree, tree=detailed, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "tree", "tree=detailed", "json", "yaml"])]
    pub output: String,
    /// Look at the repository and compare anew first
    #[arg(long)]
    pub refresh: bool,
    /// Render and compare anew first, whatever is cached
    #[arg(long)]
    pub hard_refresh: bool,
    /// Show the parameters of the sources
    #[arg(long)]
    pub show_params: bool,
    /// Show the last operation
    #[arg(long)]
    pub show_operation: bool,
    /// Which of several sources' parameters to show, from 1
    #[arg(long)]
    pub source_position: Option<i64>,
    /// The same by the source's name
    #[arg(long)]
    pub source_name: Option<String>,
    /// Longest wait for a refresh, in seconds or as a duration; 0 is no limit
    #[arg(long, default_value = "60s", value_parser = super::timeout)]
    pub timeout: std::time::Duration,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app history`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app history guestbook"
    "capstan app rollback guestbook $(capstan app history guestbook -o id | tail -2 | head -1)"
))]
pub struct HistoryArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Form: wide, id, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "id", "json", "yaml"])]
    pub output: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app resources`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app resources guestbook"
    "capstan app resources guestbook -o tree=detailed"
))]
pub struct ResourcesArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Form: wide, tree or tree=detailed
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "tree", "tree=detailed"])]
    pub output: String,
    /// Only resources of nobody, if the project asks for them (orphanedResources)
    #[arg(long)]
    pub orphaned: bool,
    /// Project of the application, for a server
    #[arg(long)]
    pub project: Option<String>,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app diff`
#[derive(Debug, Clone, clap::Args)]
#[command(
    help_template = help!(
        "capstan app diff guestbook"
        "capstan app diff guestbook --revision my-branch"
        "capstan app diff guestbook --local ./guestbook"
    ),
    after_help = "Differences are printed by this program itself: KUBECTL_EXTERNAL_DIFF is not honoured, since nothing here \
                  starts other programs. Values of Secrets are masked."
)]
pub struct DiffArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Compare with this revision instead of the one in the specification
    #[arg(long)]
    pub revision: Option<String>,
    /// Revisions of several sources
    #[command(flatten)]
    pub sources: SourceRevisions,
    /// Compare with what is on this machine: a checkout of the repository, or the application's directory in one
    #[arg(long)]
    pub local: Option<PathBuf>,
    /// Root of the checkout that --local lies in: what is above it is never read
    #[arg(long, requires = "local")]
    pub local_repo_root: Option<PathBuf>,
    /// Let the server render what is on this machine from files that are sent to it, as it always does
    #[arg(long, requires = "local")]
    pub server_side_generate: bool,
    /// Names of the files that are sent
    #[arg(long = "local-include", default_values = ["*.yaml", "*.yml", "*.json"])]
    pub local_include: Vec<String>,
    /// Have the API server say what an apply would make of each object
    #[arg(long, default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub server_side_diff: Option<bool>,
    /// Look at the repository and compare anew first (on the cluster itself it always does)
    #[arg(long)]
    pub refresh: bool,
    /// Render anew, whatever is cached (on the cluster itself it always does)
    #[arg(long)]
    pub hard_refresh: bool,
    /// Budget of the peer's for jq rules; ours count steps
    #[arg(long, hide = true)]
    pub ignore_normalizer_jq_execution_timeout: Option<String>,
    /// Whether a difference shows in the exit code
    #[arg(long, default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub exit_code: bool,
    /// Exit code of a difference
    #[arg(long, default_value_t = 1)]
    pub diff_exit_code: u8,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app why`
#[derive(Debug, Clone, clap::Args)]
#[command(
    help_template = help!(
        "capstan app why guestbook"
        "capstan app why guestbook -o json | jq '.reasons[] | select(.type == \"Differs\")'"
    ),
    after_help = "For each thing that is amiss: a field that differs, with both values, the commit and author that last wrote git's and \
                  the manager that wrote the cluster's; an unwell object, down to its pod's container and event; what a sync waits \
                  for, and since when; why nothing is synced by itself. Values of Secrets are masked."
)]
pub struct WhyArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Form: text, json or yaml
    #[arg(short, long, default_value = "text", value_parser = ["text", "json", "yaml"])]
    pub output: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app manifests`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app manifests guestbook"
    "capstan app manifests guestbook --source live"
    "capstan app manifests guestbook --revision my-branch"
    "capstan app manifests guestbook --local ./guestbook"
))]
pub struct ManifestsArgs {
    /// Name, or namespace/name
    pub name: String,
    /// What to print: what git wants, or what is live
    #[arg(long, default_value = "git", value_parser = ["git", "live"])]
    pub source: String,
    /// Render this revision instead of the one in the specification
    #[arg(long)]
    pub revision: Option<String>,
    /// Revisions of several sources
    #[command(flatten)]
    pub sources: SourceRevisions,
    /// Render what is on this machine: a checkout of the repository, or the application's directory in one
    #[arg(long)]
    pub local: Option<PathBuf>,
    /// Root of the checkout that --local lies in: what is above it is never read
    #[arg(long, requires = "local")]
    pub local_repo_root: Option<PathBuf>,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}
