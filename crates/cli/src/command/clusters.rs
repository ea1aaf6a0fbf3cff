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
    /// Add a cluster of your kubeconfig
    Add(Box<AddClusterArgs>),
    /// Change a cluster
    Set(SetClusterArgs),
    /// Remove clusters
    Rm(RemoveClustersArgs),
    /// Change the token that a cluster is spoken to with
    RotateAuth(RotateAuthArgs),
}

impl ClusterCommand {
    /// Whether it changes something, which the server alone does.
    pub fn changes(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Get(_))
    }
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

/// `cluster add`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Examples:\n  capstan cluster add staging\n  capstan cluster add staging --namespace shop --project shop -y"
)]
pub struct AddClusterArgs {
    /// Context of the kubeconfig; without one those that there are are listed
    #[arg(value_name = "CONTEXT", default_value = "", hide_default_value = true)]
    pub context: String,
    /// Its name; that of the context otherwise
    #[arg(long, default_value = "")]
    pub name: String,
    /// Project that it belongs to
    #[arg(long, default_value = "")]
    pub project: String,
    /// Namespace that is managed; may be repeated; all otherwise
    #[arg(long)]
    pub namespace: Vec<String>,
    /// Manage kinds without namespaces, too, where namespaces are named
    #[arg(long)]
    pub cluster_resources: bool,
    /// Label, as key=value; may be repeated
    #[arg(long)]
    pub label: Vec<String>,
    /// Annotation, as key=value; may be repeated
    #[arg(long)]
    pub annotation: Vec<String>,
    /// Shard that it is for
    #[arg(long, default_value_t = -1, hide_default_value = true, allow_negative_numbers = true)]
    pub shard: i64,
    /// Service account that is there already
    #[arg(long, default_value = "")]
    pub service_account: String,
    /// Namespace of the service account
    #[arg(long, default_value = "kube-system")]
    pub system_namespace: String,
    /// It is the cluster that the server runs in
    #[arg(long)]
    pub in_cluster: bool,
    /// Which address: kubeconfig or internal
    #[arg(long, default_value = "", value_parser = ["", "kubeconfig", "internal"], hide_possible_values = true)]
    pub cluster_endpoint: String,
    /// Way out
    #[arg(long, default_value = "", value_name = "URL")]
    pub proxy_url: String,
    /// Name in EKS, for tokens of AWS
    #[arg(long, default_value = "", value_name = "NAME")]
    pub aws_cluster_name: String,
    /// Role to take on for them
    #[arg(long, default_value = "", value_name = "ARN")]
    pub aws_role_arn: String,
    /// Profile to take for them
    #[arg(long, default_value = "")]
    pub aws_profile: String,
    /// Program that gives credentials
    #[arg(long, default_value = "", value_name = "PROGRAM")]
    pub exec_command: String,
    /// Its arguments; may be repeated
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub exec_command_args: Vec<String>,
    /// Its environment, as key=value
    #[arg(long, value_name = "VARIABLE", value_delimiter = ',')]
    pub exec_command_env: Vec<String>,
    /// Version of what it prints
    #[arg(long, default_value = "", value_name = "VERSION")]
    pub exec_command_api_version: String,
    /// What is said where it is not there
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub exec_command_install_hint: String,
    /// Send nothing compressed
    #[arg(long)]
    pub disable_compression: bool,
    /// Change it where it is there with other contents
    #[arg(long)]
    pub upsert: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `cluster set`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Examples:\n  capstan cluster set staging --namespace a --namespace b\n  capstan cluster set staging --namespace '*'"
)]
pub struct SetClusterArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub cluster: String,
    /// Another name
    #[arg(long, default_value = "")]
    pub name: String,
    /// Namespace that is managed; may be repeated; * for all
    #[arg(long)]
    pub namespace: Vec<String>,
    /// Label, as key=value; may be repeated
    #[arg(long)]
    pub label: Vec<String>,
    /// Annotation, as key=value; may be repeated
    #[arg(long)]
    pub annotation: Vec<String>,
}

/// `cluster rm`.
#[derive(Debug, Clone, clap::Args)]
pub struct RemoveClustersArgs {
    /// Names or servers
    #[arg(value_name = "CLUSTER", required = true)]
    pub clusters: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `cluster rotate-auth`.
#[derive(Debug, Clone, clap::Args)]
pub struct RotateAuthArgs {
    /// Name or server
    #[arg(value_name = "CLUSTER")]
    pub cluster: String,
}
