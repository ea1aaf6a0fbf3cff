//! `capstan app …`, and `argocd app …` where the binary is called so.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cli::{AppCommand, ClusterCommand, ConnectionFlags, Context, OutputFlags, Style, Terminal};

use crate::{connect, environment, failed};

/// `capstan app …` and `capstan cluster …`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments<C: Subcommand> {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputFlags,
    // What the peer's client is told about a server; there is none between us and the cluster.
    #[command(flatten)]
    _connection: ConnectionFlags,
    #[command(subcommand)]
    command: C,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where and how")]
struct Place {
    /// Kubeconfig of the cluster; else KUBECONFIG, the user's own, or the pod's service account
    #[arg(long, value_name = "FILE", global = true)]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME", global = true)]
    kube_context: Option<String>,
    /// Namespace of the Applications, projects and settings
    #[arg(long, value_name = "NAMESPACE", default_value = "argocd", global = true)]
    controller_namespace: String,
    /// Where git objects are kept, for diff, why and manifests
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// Let diff and manifests read repositories of this machine by file:// URLs
    #[arg(long, global = true)]
    allow_file_repositories: bool,
}

/// The words of `argocd`.
#[derive(Debug, Parser)]
#[command(
    name = "argocd",
    version,
    about = "Capstan under the name of argocd: the app commands, on the cluster's own API"
)]
struct Argocd {
    #[command(subcommand)]
    command: ArgocdCommand,
}

#[derive(Debug, Subcommand)]
enum ArgocdCommand {
    /// Manage applications
    App(Box<Arguments<AppCommand>>),
    /// Show clusters
    Cluster(Box<Arguments<ClusterCommand>>),
    /// Ask about settings and first passwords
    #[command(subcommand)]
    Admin(Box<cli::AdminCommand>),
    /// Print the version
    Version {
        /// Only that of the client
        #[arg(long)]
        client: bool,
        /// Only the number
        #[arg(long)]
        short: bool,
    },
}

/// Runs as `argocd`. Wrong arguments end with 1, as the peer's.
pub(crate) async fn argocd() -> ExitCode {
    match Argocd::try_parse() {
        Ok(Argocd { command: ArgocdCommand::App(arguments) }) => run(*arguments, Style::Argocd).await,
        Ok(Argocd { command: ArgocdCommand::Cluster(arguments) }) => {
            run_cluster(*arguments, Style::Argocd).await
        }
        Ok(Argocd { command: ArgocdCommand::Admin(command) }) => admin(*command, Style::Argocd).await,
        Ok(Argocd { command: ArgocdCommand::Version { client: _, short: _ } }) => {
            say(&format!("argocd: v{} (capstan)\n", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
        Err(error) => {
            // The peer's `app diff` keeps 1 for differences.
            let diff = std::env::args().any(|argument| argument == "diff");
            let code = if error.use_stderr() { 1 + u8::from(diff) } else { 0 };
            // Where nobody reads, nothing is lost.
            drop(error.print());
            ExitCode::from(code)
        }
    }
}

pub(crate) async fn run(arguments: Arguments<AppCommand>, style: Style) -> ExitCode {
    let Arguments { place, output, command, .. } = arguments;
    match context(place, output, style).await {
        Ok(context) => ExitCode::from(cli::run(command, context).await),
        Err(code) => code,
    }
}

pub(crate) async fn admin(command: cli::AdminCommand, style: Style) -> ExitCode {
    let connect = |cluster: cli::Cluster| async move {
        let client = connect::connect(cluster.kubeconfig.as_deref(), cluster.context.as_deref()).await;
        client.map_err(|error| format!("{error:#}"))
    };
    ExitCode::from(cli::admin(command, style, connect).await)
}

pub(crate) async fn run_cluster(arguments: Arguments<ClusterCommand>, style: Style) -> ExitCode {
    let Arguments { place, output, command, .. } = arguments;
    match context(place, output, style).await {
        Ok(context) => ExitCode::from(cli::run_cluster(command, context).await),
        Err(code) => code,
    }
}

async fn context(place: Place, output: OutputFlags, style: Style) -> Result<Context, ExitCode> {
    let client = match connect::connect(place.kubeconfig.as_deref(), place.kube_context.as_deref()).await {
        Ok(client) => client,
        Err(error) => {
            failed(&error);
            return Err(ExitCode::from(if style == Style::Argocd { 20 } else { 5 }));
        }
    };
    let data_dir = place.data_dir.unwrap_or_else(|| std::env::temp_dir().join("capstan-cli"));
    Ok(Context {
        style,
        allow_file: place.allow_file_repositories,
        user: environment::variable("USER").unwrap_or_default(),
        terminal: Terminal::detect(environment::variable),
        proxies: environment::proxies(),
        credential_programs: environment::credential_programs(),
        aws: environment::aws(),
        color: output.color,
        progress: output.progress,
        ..Context::new(client, place.controller_namespace, data_dir)
    })
}

fn say(text: &str) {
    use std::io::Write as _;
    drop(std::io::stdout().write_all(text.as_bytes()));
}
