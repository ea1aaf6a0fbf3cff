//! What can be typed about logins and contexts.

use clap::Args;

/// `login`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  capstan login cd.example.com\n  capstan login cd.example.com --sso\n  capstan login --core"
)]
pub struct LoginArgs {
    /// Address of the server: host or host:port
    #[arg(value_name = "SERVER")]
    pub address: Option<String>,
    /// Name of the context
    #[arg(long)]
    pub name: Option<String>,
    /// Account
    #[arg(long)]
    pub username: Option<String>,
    /// Its password; asked for otherwise
    #[arg(long, allow_hyphen_values = true)]
    pub password: Option<String>,
    /// By the identity provider of the server, in a browser
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub sso: bool,
    /// Leave out the look at whether the server speaks TLS
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub skip_test_tls: bool,
    /// How it comes back
    #[command(flatten)]
    pub browser: BrowserArgs,
}

/// How a login in a browser comes back.
#[derive(Debug, Clone, Args)]
pub struct BrowserArgs {
    /// Port of this machine that the browser comes back to
    #[arg(long, value_name = "PORT", default_value_t = 8085)]
    pub sso_port: u16,
    /// Scheme, host and port that the browser comes back to, where another one leads to that port
    #[arg(long, value_name = "URL")]
    pub callback: Option<String>,
    /// Open a browser, not only print where it is to go
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub sso_launch_browser: bool,
}

/// `logout`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan logout cd.example.com")]
pub struct LogoutArgs {
    /// Context whose token is forgotten
    #[arg(value_name = "CONTEXT")]
    pub context: String,
}

/// `relogin`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan relogin\n  capstan relogin --password secret")]
pub struct ReloginArgs {
    /// The account's password; asked for otherwise
    #[arg(long, allow_hyphen_values = true)]
    pub password: Option<String>,
    /// How it comes back
    #[command(flatten)]
    pub browser: BrowserArgs,
}

/// `context`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  capstan context\n  capstan context cd.example.com\n  capstan context -\n  capstan context cd.example.com --delete"
)]
pub struct ContextArgs {
    /// Context to change to; - is the one before
    #[arg(value_name = "CONTEXT", allow_hyphen_values = true)]
    pub context: Option<String>,
    /// Forget it, its server and its token
    #[arg(long)]
    pub delete: bool,
}

/// `configure`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  capstan configure --prompts-enabled=false")]
pub struct ConfigureArgs {}

/// `version`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  capstan version\n  capstan version --client --short\n  capstan version -o json"
)]
pub struct VersionArgs {
    /// Only that of this program, without asking a server
    #[arg(long)]
    pub client: bool,
    /// Only the number
    #[arg(long)]
    pub short: bool,
    /// How to print: json, yaml, wide or short
    #[arg(short, long, default_value = "wide")]
    pub output: String,
}
