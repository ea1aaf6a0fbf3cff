//! Commands that change something, or wait for a change.

use std::path::PathBuf;
use std::time::Duration;

use super::help;
use super::source::{SourceRevisions, SpecFlags};

/// `app sync`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app sync guestbook"
    "capstan app sync guestbook --prune --timeout 5m"
    "capstan app sync guestbook --resource apps:Deployment:guestbook-ui"
    "capstan app sync guestbook --local ./guestbook --dry-run"
    "capstan app sync -l team=payments --async"
))]
pub struct SyncArgs {
    /// Names, or namespace/name
    #[arg(required_unless_present_any = ["selector", "projects"])]
    pub names: Vec<String>,
    /// Sync all applications with these labels
    #[arg(short = 'l', long, conflicts_with = "names")]
    pub selector: Option<String>,
    /// Sync to this revision instead of the one in the specification
    #[arg(long, help_heading = "Sync")]
    pub revision: Option<String>,
    /// Revisions of several sources
    #[command(flatten)]
    pub sources: SourceRevisions,
    /// Sync all applications of these projects
    #[arg(long = "project")]
    pub projects: Vec<String>,
    /// Only resources with this label, as key=value
    #[arg(long = "label", help_heading = "Sync")]
    pub labels: Vec<String>,
    /// Show what would change, and ask, first
    #[arg(long)]
    pub preview_changes: bool,
    /// Do not ask
    #[arg(long = "assumeYes", visible_alias = "yes")]
    pub assume_yes: bool,
    /// Budget of the peer's for jq rules; ours count steps
    #[arg(long, hide = true)]
    pub ignore_normalizer_jq_execution_timeout: Option<String>,
    /// Sync what is on this machine instead of git: a checkout of the repository, or the application's directory in one
    #[arg(long, help_heading = "Sync", conflicts_with_all = ["revision", "revisions"])]
    pub local: Option<PathBuf>,
    /// Root of the checkout that --local lies in: what is above it is never read
    #[arg(long, help_heading = "Sync", requires = "local")]
    pub local_repo_root: Option<PathBuf>,
    /// Delete what is no longer in git
    #[arg(long, help_heading = "Sync")]
    pub prune: bool,
    /// Change nothing: let the API server check
    #[arg(long, help_heading = "Sync")]
    pub dry_run: bool,
    /// Only this resource: GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME; ! before it means all others
    #[arg(long = "resource", help_heading = "Sync")]
    pub resources: Vec<String>,
    /// How to apply: hook runs hooks, apply leaves them out
    #[arg(long, help_heading = "Sync", value_parser = ["hook", "apply"])]
    pub strategy: Option<String>,
    /// Delete and create where an update is refused
    #[arg(long, help_heading = "Sync")]
    pub force: bool,
    /// Replace objects instead of applying them
    #[arg(long, help_heading = "Sync")]
    pub replace: bool,
    /// Apply the server's way
    #[arg(long, help_heading = "Sync")]
    pub server_side: bool,
    /// Leave alone what is in sync
    #[arg(long, help_heading = "Sync")]
    pub apply_out_of_sync_only: bool,
    /// A note for the record, as key=value
    #[arg(long = "info", help_heading = "Sync")]
    pub infos: Vec<String>,
    /// Most attempts after the first
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, help_heading = "Retry")]
    pub retry_limit: i64,
    /// Take a newer revision while retrying
    #[arg(long, help_heading = "Retry")]
    pub retry_refresh: bool,
    /// First wait between attempts
    #[arg(long, default_value = "5s", value_parser = duration_text, help_heading = "Retry")]
    pub retry_backoff_duration: String,
    /// Longest wait between attempts
    #[arg(long, default_value = "3m", value_parser = duration_text, help_heading = "Retry")]
    pub retry_backoff_max_duration: String,
    /// What each wait is multiplied by
    #[arg(long, default_value_t = 2, help_heading = "Retry")]
    pub retry_backoff_factor: i64,
    /// Do not wait for the end
    #[arg(long = "async")]
    pub no_wait: bool,
    /// Longest wait, in seconds or as a duration; 0 is no limit
    #[arg(long, default_value = "0", value_parser = super::timeout)]
    pub timeout: Duration,
    /// Form of the result: wide, tree, tree=detailed, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "tree", "tree=detailed", "json", "yaml"])]
    pub output: String,
    /// Namespace of the applications
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app wait`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app wait guestbook"
    "capstan app wait guestbook --health --timeout 300"
    "capstan app wait -l team=payments --sync"
    "capstan app wait guestbook --delete"
))]
pub struct WaitArgs {
    /// Names, or namespace/name
    #[arg(required_unless_present = "selector")]
    pub names: Vec<String>,
    /// Wait for all applications with these labels
    #[arg(short = 'l', long, conflicts_with = "names")]
    pub selector: Option<String>,
    /// Until it is synced
    #[arg(long, help_heading = "Conditions")]
    pub sync: bool,
    /// Until it is healthy
    #[arg(long, help_heading = "Conditions")]
    pub health: bool,
    /// Until no operation is under way
    #[arg(long, help_heading = "Conditions")]
    pub operation: bool,
    /// Until it is suspended (or what else is named)
    #[arg(long, help_heading = "Conditions")]
    pub suspended: bool,
    /// Until it is degraded (or what else is named)
    #[arg(long, help_heading = "Conditions")]
    pub degraded: bool,
    /// Until its manifests are rendered into git (spec.sourceHydrator)
    #[arg(long, help_heading = "Conditions")]
    pub hydrated: bool,
    /// Until it is gone
    #[arg(long, help_heading = "Conditions")]
    pub delete: bool,
    /// Only this resource counts: GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME; ! before it means all others
    #[arg(long = "resource")]
    pub resources: Vec<String>,
    /// Longest wait, in seconds or as a duration; 0 is no limit
    #[arg(long, default_value = "0", value_parser = super::timeout)]
    pub timeout: Duration,
    /// Form of the result: wide, tree, tree=detailed, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "tree", "tree=detailed", "json", "yaml"])]
    pub output: String,
    /// Namespace of the applications
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app rollback`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app rollback guestbook                  (to the sync before the last one)"
    "capstan app rollback guestbook 3                (by the ID in app history)"
    "capstan app rollback guestbook --revision 4f2a  (to the newest sync of that commit)"
))]
pub struct RollbackArgs {
    /// Name, or namespace/name
    pub name: String,
    /// ID of the history entry; the last but one where nothing is said
    pub id: Option<i64>,
    /// ID of the history entry, or the commit of one
    #[arg(long, conflicts_with = "id")]
    pub revision: Option<String>,
    /// How long an application that syncs by itself stays where it went back to; 0: until it is released
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = super::timeout)]
    pub hold: Duration,
    /// Why it stays there, for people
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Delete what was not there then
    #[arg(long)]
    pub prune: bool,
    /// Do not wait for the end
    #[arg(long = "async")]
    pub no_wait: bool,
    /// Longest wait, in seconds or as a duration; 0 is no limit
    #[arg(long, default_value = "0", value_parser = super::timeout)]
    pub timeout: Duration,
    /// Form of the result: wide, tree, tree=detailed, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "tree", "tree=detailed", "json", "yaml"])]
    pub output: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app create`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app create guestbook --repo https://git.example/apps.git --path guestbook \\\n      --dest-server https://kubernetes.default.svc --dest-namespace guestbook --sync-policy automated"
    "capstan app create nginx --repo https://charts.example --helm-chart nginx --revision 18.1.0 --dest-name in-cluster"
    "capstan app create -f app.yaml --upsert"
))]
pub struct CreateArgs {
    /// Name
    #[arg(required_unless_present_any = ["file", "name_flag"])]
    pub name: Option<String>,
    /// Name
    #[arg(long = "name", id = "name_flag", hide = true)]
    pub name_flag: Option<String>,
    /// File with Applications, - for the standard input; flags win over what is in it
    #[arg(short, long)]
    pub file: Option<String>,
    /// Change the application where there is one that differs
    #[arg(long)]
    pub upsert: bool,
    /// Delete what the application manages along with it
    #[arg(long)]
    pub set_finalizer: bool,
    /// Labels, as key=value
    #[arg(short = 'l', long = "label")]
    pub labels: Vec<String>,
    /// Annotations, as key=value
    #[arg(long = "annotations")]
    pub annotations: Vec<String>,
    /// Check the specification before it is sent
    #[arg(long, default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub validate: bool,
    /// What the application is
    #[command(flatten)]
    pub spec: SpecFlags,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app set`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app set guestbook --revision v1.2.0"
    "capstan app set guestbook -p image.tag=v2"
    "capstan app set guestbook --sync-policy none"
))]
pub struct SetArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Which of several sources to change, from 1
    #[arg(long)]
    pub source_position: Option<i64>,
    /// Check the specification before it is sent
    #[arg(long, default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub validate: bool,
    /// What becomes of the application
    #[command(flatten)]
    pub spec: SpecFlags,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app delete`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!(
    "capstan app delete guestbook"
    "capstan app delete guestbook --cascade=false --yes"
    "capstan app delete -l team=payments --yes --wait"
))]
pub struct DeleteArgs {
    /// Names, or namespace/name
    #[arg(required_unless_present = "selector")]
    pub names: Vec<String>,
    /// Delete all applications with these labels
    #[arg(short = 'l', long, conflicts_with = "names")]
    pub selector: Option<String>,
    /// Delete what the application manages as well
    #[arg(long, default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub cascade: bool,
    /// How dependents are deleted
    #[arg(short, long, value_parser = ["foreground", "background"])]
    pub propagation_policy: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Wait until it is gone
    #[arg(long)]
    pub wait: bool,
    /// Longest wait, in seconds or as a duration; 0 is no limit
    #[arg(long, default_value = "0", value_parser = super::timeout)]
    pub timeout: Duration,
    /// Namespace of the applications
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

impl DeleteArgs {
    /// How dependents are deleted.
    pub(crate) fn policy(&self) -> &str {
        self.propagation_policy.as_deref().unwrap_or("foreground")
    }
}

/// `app hold`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan app hold guestbook --for 2h --reason 'incident 4711'" "capstan app hold guestbook --for 0"))]
pub struct HoldArgs {
    /// Name, or namespace/name
    pub name: String,
    /// How long; 0: until it is released
    #[arg(long = "for", value_name = "TIME", default_value = "24h", value_parser = super::timeout)]
    pub time: Duration,
    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app release`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan app release guestbook"))]
pub struct ReleaseArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// `app terminate-op`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan app terminate-op guestbook"))]
pub struct TerminateOpArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Namespace of the application
    #[arg(short = 'N', long = "app-namespace")]
    pub app_namespace: Option<String>,
}

/// A duration that is sent as it was written.
fn duration_text(text: &str) -> Result<String, String> {
    super::timeout(text).map(|_| text.to_owned())
}
