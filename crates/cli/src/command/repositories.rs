//! What can be typed after `repo`, `repocreds`, `cert` and `gpg`.

use clap::{ArgAction, Args, Subcommand};

/// A command about repositories.
#[derive(Debug, Clone, Subcommand)]
pub enum RepoCommand {
    /// List repositories, and whether they answer
    List(ListReposArgs),
    /// Show a repository
    Get(GetRepoArgs),
    /// Add a repository
    Add(Box<AddRepoArgs>),
    /// Remove repositories
    Rm(RemoveReposArgs),
}

/// `repo list`.
#[derive(Debug, Clone, Args)]
pub struct ListReposArgs {
    /// How to print: json, yaml, wide or url
    #[arg(short, long, default_value = "wide")]
    pub output: String,
    /// Ask them anew: hard
    #[arg(long, default_value = "")]
    pub refresh: String,
}

/// `repo get`.
#[derive(Debug, Clone, Args)]
pub struct GetRepoArgs {
    /// Its URL
    #[arg(value_name = "URL")]
    pub url: String,
    /// Project that it belongs to
    #[arg(long, default_value = "")]
    pub project: String,
    /// What is printed, and whether it is asked anew
    #[command(flatten)]
    pub list: ListReposArgs,
}

/// `repo rm`.
#[derive(Debug, Clone, Args)]
pub struct RemoveReposArgs {
    /// Their URLs
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,
    /// Project that they belong to
    #[arg(long, default_value = "")]
    pub project: String,
}

/// `repo add`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  capstan repo add https://git.example/apps.git --username git --password secret\n  capstan repo add https://charts.example --type helm --name charts"
)]
pub struct AddRepoArgs {
    /// Its URL
    #[arg(value_name = "URL")]
    pub url: String,
    /// Its name, which charts are found by
    #[arg(long, default_value = "")]
    pub name: String,
    /// Project that it belongs to
    #[arg(long, default_value = "")]
    pub project: String,
    /// Who we are there
    #[command(flatten)]
    pub credentials: RepoCredentialFlags,
    /// Believe an SSH server whatever its key
    #[arg(long)]
    pub insecure_ignore_host_key: bool,
    /// Believe the server whatever its certificate or key
    #[arg(long)]
    pub insecure_skip_server_verification: bool,
    /// Fetch large files
    #[arg(long)]
    pub enable_lfs: bool,
    /// Speak http to an OCI registry
    #[arg(long)]
    pub insecure_oci_force_http: bool,
    /// Way out
    #[arg(long, default_value = "", value_name = "URL")]
    pub proxy: String,
    /// Hosts that go without it
    #[arg(long, default_value = "", value_name = "HOSTS")]
    pub no_proxy: String,
    /// Change it where it is there with other contents
    #[arg(long)]
    pub upsert: bool,
}

/// Who we are to a repository.
#[derive(Debug, Clone, Args)]
pub struct RepoCredentialFlags {
    /// git, helm or oci
    #[arg(long = "type", default_value = "git", value_name = "TYPE")]
    pub kind: String,
    /// User
    #[arg(long, default_value = "")]
    pub username: String,
    /// Password; asked for where a user is given alone
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    pub password: String,
    /// Token, for git over https
    #[arg(long, default_value = "", value_name = "TOKEN", allow_hyphen_values = true)]
    pub bearer_token: String,
    /// Key for SSH
    #[arg(long, value_name = "FILE")]
    pub ssh_private_key_path: Option<String>,
    /// Certificate to be known by in TLS
    #[arg(long, value_name = "FILE")]
    pub tls_client_cert_path: Option<String>,
    /// Key of that certificate
    #[arg(long, value_name = "FILE")]
    pub tls_client_cert_key_path: Option<String>,
    /// Charts in an OCI registry
    #[arg(long)]
    pub enable_oci: bool,
    /// GitHub App
    #[arg(long, default_value_t = 0, value_name = "ID", hide_default_value = true)]
    pub github_app_id: i64,
    /// Its installation
    #[arg(long, default_value_t = 0, value_name = "ID", hide_default_value = true)]
    pub github_app_installation_id: i64,
    /// Its key
    #[arg(long, value_name = "FILE")]
    pub github_app_private_key_path: Option<String>,
    /// API of a GitHub Enterprise
    #[arg(long, default_value = "", value_name = "URL")]
    pub github_app_enterprise_base_url: String,
    /// Service account of Google Cloud
    #[arg(long, value_name = "FILE")]
    pub gcp_service_account_key_path: Option<String>,
    /// Send the password without being asked for it
    #[arg(long)]
    pub force_http_basic_auth: bool,
    /// By Azure's workload identity
    #[arg(long)]
    pub use_azure_workload_identity: bool,
}

/// A command about credentials for all repositories below a URL.
#[derive(Debug, Clone, Subcommand)]
pub enum RepoCredsCommand {
    /// List URLs and their credentials
    List(ListRepoCredsArgs),
    /// Add credentials for a URL
    Add(Box<AddRepoCredsArgs>),
    /// Remove credentials
    Rm(RemoveRepoCredsArgs),
}

/// `repocreds list`.
#[derive(Debug, Clone, Args)]
pub struct ListRepoCredsArgs {
    /// How to print: json, yaml, wide or url
    #[arg(short, long, default_value = "wide")]
    pub output: String,
}

/// `repocreds add`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  capstan repocreds add https://git.example/team/ --username git --password secret"
)]
pub struct AddRepoCredsArgs {
    /// What the URLs begin with
    #[arg(value_name = "URL")]
    pub url: String,
    /// Who we are there
    #[command(flatten)]
    pub credentials: RepoCredentialFlags,
    /// Way out
    #[arg(long, default_value = "", value_name = "URL")]
    pub proxy_url: String,
    /// Change them where they are there with other contents
    #[arg(long)]
    pub upsert: bool,
}

/// `repocreds rm`.
#[derive(Debug, Clone, Args)]
pub struct RemoveRepoCredsArgs {
    /// The URLs
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,
}

/// A command about certificates and known hosts of repositories.
#[derive(Debug, Clone, Subcommand)]
pub enum CertCommand {
    /// List certificates and known hosts
    List(ListCertsArgs),
    /// Add known hosts
    AddSsh(AddSshArgs),
    /// Add certificates of a host
    AddTls(AddTlsArgs),
    /// Remove certificates and known hosts
    Rm(RemoveCertsArgs),
}

/// `cert list`.
#[derive(Debug, Clone, Args)]
pub struct ListCertsArgs {
    /// How to print: json, yaml or wide
    #[arg(short, long, default_value = "wide")]
    pub output: String,
    /// Order of the table: hostname or type
    #[arg(long, default_value = "")]
    pub sort: String,
    /// Only ssh, or only https
    #[arg(long, default_value = "")]
    pub cert_type: String,
    /// Pattern of hosts
    #[arg(long, default_value = "", value_name = "PATTERN")]
    pub hostname_pattern: String,
}

/// `cert add-ssh`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  ssh-keyscan git.example | capstan cert add-ssh --batch")]
pub struct AddSshArgs {
    /// File of known hosts; the standard input otherwise
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
    /// Read all of them; has to be given
    #[arg(long)]
    pub batch: bool,
    /// Replace keys that are others
    #[arg(long)]
    pub upsert: bool,
}

/// `cert add-tls`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan cert add-tls git.example --from ca.pem")]
pub struct AddTlsArgs {
    /// The host
    #[arg(value_name = "HOST")]
    pub host: String,
    /// File of certificates in PEM; the standard input otherwise
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
    /// Replace certificates that are others
    #[arg(long)]
    pub upsert: bool,
}

/// `cert rm`.
#[derive(Debug, Clone, Args)]
pub struct RemoveCertsArgs {
    /// Pattern of hosts
    #[arg(value_name = "HOST")]
    pub host: String,
    /// Only ssh, or only https
    #[arg(long, default_value = "")]
    pub cert_type: String,
    /// Only this kind of key
    #[arg(long, default_value = "")]
    pub cert_sub_type: String,
}

/// A command about keys that commits are signed by.
#[derive(Debug, Clone, Subcommand)]
pub enum GpgCommand {
    /// List keys
    List(ListKeysArgs),
    /// Show a key
    Get(GetKeyArgs),
    /// Add the keys of a file
    Add(AddKeysArgs),
    /// Remove a key
    Rm(RemoveKeyArgs),
}

/// `gpg list`.
#[derive(Debug, Clone, Args)]
pub struct ListKeysArgs {
    /// How to print: json, yaml or wide
    #[arg(short, long, default_value = "wide")]
    pub output: String,
}

/// `gpg get`.
#[derive(Debug, Clone, Args)]
pub struct GetKeyArgs {
    /// Its id
    #[arg(value_name = "KEYID")]
    pub id: String,
    /// How to print: json, yaml or wide
    #[arg(short, long, default_value = "wide")]
    pub output: String,
}

/// `gpg add`.
#[derive(Debug, Clone, Args)]
pub struct AddKeysArgs {
    /// File of public keys
    #[arg(short, long, value_name = "FILE", action = ArgAction::Set)]
    pub from: Option<String>,
}

/// `gpg rm`.
#[derive(Debug, Clone, Args)]
pub struct RemoveKeyArgs {
    /// Its id
    #[arg(value_name = "KEYID")]
    pub id: String,
}
