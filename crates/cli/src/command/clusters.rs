//! What can be typed after `cluster`.

use clap::ValueEnum;

/// A command about the clusters that applications go to.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum ClusterCommand {
    /// List clusters, and whether they answer
    #[command(visible_alias = "ls")]
    List(ListClustersArgs),
    /// Show one cluster, by its name or server
    Get(GetClusterArgs),
}

/// `cluster list`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:\n  capstan cluster list\n  capstan cluster list -o server")]
pub struct ListClustersArgs {
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    pub output: ClusterOutput,
}

/// `cluster get`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Examples:\n  capstan cluster get in-cluster\n  capstan cluster get https://10.0.0.1:6443 -o json"
)]
pub struct GetClusterArgs {
    /// Name or server
    #[arg(value_name = "CLUSTER")]
    pub cluster: String,
    /// How to print
    #[arg(short, long, value_enum, default_value = "yaml")]
    pub output: ClusterOutput,
}

/// How to print clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ClusterOutput {
    /// A table
    #[default]
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// The servers alone
    Server,
}
