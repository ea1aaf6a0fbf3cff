//! How a server is reached.

use clap::{ArgAction, Args};

/// Flags about the server, for every command; the peer's client has them, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Server")]
pub struct ConnectionFlags {
    /// Address of the server: host or host:port (ARGOCD_SERVER)
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub server: Option<String>,
    /// Token to be known by (ARGOCD_AUTH_TOKEN)
    #[arg(long, value_name = "TOKEN", global = true, allow_hyphen_values = true)]
    pub auth_token: Option<String>,
    /// File of servers, tokens and contexts
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<String>,
    /// Context in it, instead of the current one
    #[arg(long, value_name = "NAME", global = true)]
    pub argocd_context: Option<String>,
    /// Straight to the cluster's API, whatever contexts say
    #[arg(long, global = true, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub core: bool,
    /// Without TLS
    #[arg(long, global = true, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub plaintext: bool,
    /// Believe the server whatever certificate it shows
    #[arg(long, global = true, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub insecure: bool,
    /// Speak gRPC-Web, for proxies that know no HTTP/2
    #[arg(long, global = true, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub grpc_web: bool,
    /// Speak gRPC-Web below this path
    #[arg(long, value_name = "PATH", global = true)]
    pub grpc_web_root_path: Option<String>,
    /// Certificates in PEM to believe the server by, beside the system's
    #[arg(long, value_name = "FILE", global = true)]
    pub server_crt: Option<String>,
    /// Certificate in PEM to be known by
    #[arg(long, value_name = "FILE", global = true)]
    pub client_crt: Option<String>,
    /// Key of that certificate
    #[arg(long, value_name = "FILE", global = true)]
    pub client_crt_key: Option<String>,
    /// Header of every request, as 'Name: value'; may be repeated
    #[arg(short = 'H', long = "header", value_name = "HEADER", global = true, value_delimiter = ',')]
    pub headers: Vec<String>,
    /// Whether questions are asked that a flag would answer
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub prompts_enabled: Option<bool>,
    /// Attempts
    #[arg(long, global = true, hide = true)]
    pub http_retry_max: Option<u32>,
    /// Form of log lines
    #[arg(long, global = true, hide = true)]
    pub logformat: Option<String>,
    /// Level of log lines
    #[arg(long, global = true, hide = true)]
    pub loglevel: Option<String>,
    /// By a port that the cluster forwards to the server's pod; see --kube-context
    #[arg(long, global = true, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub port_forward: bool,
    /// The same, in this namespace instead of the kubeconfig's
    #[arg(long, value_name = "NAMESPACE", global = true)]
    pub port_forward_namespace: Option<String>,
    /// Label app.kubernetes.io/name of that pod (ARGOCD_SERVER_NAME); argocd-server otherwise
    #[arg(long, value_name = "NAME", global = true)]
    pub server_name: Option<String>,
}

impl ConnectionFlags {
    /// Whether the server is reached by a forwarded port.
    pub(crate) fn forwards(&self) -> bool {
        self.port_forward
            || self.port_forward_namespace.as_ref().is_some_and(|namespace| !namespace.is_empty())
    }
}
