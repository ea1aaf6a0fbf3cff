//! What can be typed after `appset`.

use super::help;

/// A command about ApplicationSets, by a server.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum AppSetCommand {
    /// List ApplicationSets
    List(ListAppSetsArgs),
    /// Show one ApplicationSet
    Get(GetAppSetArgs),
    /// Create ApplicationSets of files
    Create(CreateAppSetsArgs),
    /// Show the applications that an ApplicationSet would make
    Generate(GenerateArgs),
    /// Delete ApplicationSets, and their applications
    Delete(DeleteAppSetsArgs),
}

/// `appset list`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan appset list" "capstan appset list -p shop -o name"))]
pub struct ListAppSetsArgs {
    /// Form: wide, name, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "name", "json", "yaml"])]
    pub output: String,
    /// Only those with these labels
    #[arg(short = 'l', long, default_value = "")]
    pub selector: String,
    /// Only those of these projects
    #[arg(short, long = "project")]
    pub projects: Vec<String>,
    /// Those of this namespace
    #[arg(short = 'N', long, default_value = "")]
    pub appset_namespace: String,
}

/// `appset get`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan appset get guestbooks -o yaml"))]
pub struct GetAppSetArgs {
    /// Name, or namespace/name
    pub name: String,
    /// Form: wide, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "json", "yaml"])]
    pub output: String,
    /// Also its parameters (there are none to show yet)
    #[arg(long, hide = true)]
    pub show_params: bool,
}

/// `appset create`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan appset create appset.yaml" "capstan appset create --upsert a.yaml b.yaml"))]
pub struct CreateAppSetsArgs {
    /// Files, - for the standard input
    #[arg(required = true)]
    pub files: Vec<String>,
    /// Change those that are there and differ
    #[arg(long)]
    pub upsert: bool,
    /// Change nothing: show what would be made
    #[arg(long)]
    pub dry_run: bool,
    /// Form: wide, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "json", "yaml"])]
    pub output: String,
}

/// `appset generate`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan appset generate appset.yaml -o yaml"))]
pub struct GenerateArgs {
    /// File with one ApplicationSet, - for the standard input
    pub file: String,
    /// Form: wide, json or yaml
    #[arg(short, long, default_value = "wide", value_parser = ["wide", "json", "yaml"])]
    pub output: String,
}

/// `appset delete`
#[derive(Debug, Clone, clap::Args)]
#[command(help_template = help!("capstan appset delete guestbooks" "capstan appset delete a b --yes"))]
pub struct DeleteAppSetsArgs {
    /// Names, or namespace/name
    #[arg(required = true)]
    pub names: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
