//! `capstan app …`, and `argocd app …` where the binary is called so.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use clap::{Parser, Subcommand};
use cli::{
    AppCommand, AppSetCommand, ClusterCommand, Connection, ConnectionFlags, Context, OutputFlags, Style,
    Terminal,
};

use crate::{complete, connect, environment, failed};

/// `capstan app …` and `capstan cluster …`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments<C: Subcommand> {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    flags: ConnectionFlags,
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
    about = "Capstan under the name of argocd",
    // As in the peer the last one counts.
    args_override_self = true
)]
struct Argocd {
    #[command(subcommand)]
    command: ArgocdCommand,
}

#[derive(Debug, Subcommand)]
enum ArgocdCommand {
    /// Manage applications
    App(Box<Arguments<AppCommand>>),
    /// Manage ApplicationSets
    Appset(Box<Arguments<AppSetCommand>>),
    /// Show clusters
    Cluster(Box<Arguments<ClusterCommand>>),
    /// Ask about settings and first passwords
    #[command(subcommand)]
    Admin(Box<cli::AdminCommand>),
    /// Print what a shell needs to complete words, flags and names of applications
    Completion(complete::CompletionArguments),
    /// What a shell asks
    #[command(name = "__complete", hide = true)]
    Complete(complete::CompleteArguments),
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
        Ok(Argocd { command: ArgocdCommand::Completion(arguments) }) => {
            complete::script(&arguments, "argocd")
        }
        Ok(Argocd { command: ArgocdCommand::Complete(arguments) }) => {
            complete::complete(<Argocd as clap::CommandFactory>::command(), arguments).await
        }
        Ok(Argocd { command: ArgocdCommand::Appset(arguments) }) => {
            run_appset(*arguments, Style::Argocd).await
        }
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
            let output = error
                .get(ContextKind::InvalidArg)
                .is_some_and(|argument| argument.to_string().contains("--output"));
            let code = match (error.use_stderr(), error.kind()) {
                (false, _) => 0,
                // A form that is not known is what the peer finds out last.
                (true, ErrorKind::InvalidValue) if output => 20,
                (true, _) => 1 + u8::from(diff),
            };
            // Where nobody reads, nothing is lost.
            drop(error.print());
            ExitCode::from(code)
        }
    }
}

/// Where applications are, without a command.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Where {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    flags: ConnectionFlags,
}

/// The names of the applications that these flags lead to; none where they cannot be had.
pub(crate) async fn names(flags: Vec<OsString>) -> Vec<String> {
    let Ok(Where { place, flags }) = Where::try_parse_from(flags) else { return Vec::new() };
    let namespace = place.controller_namespace.clone();
    match connection(&place, flags).await {
        Ok(connection) => cli::application_names(&connection, &namespace).await,
        Err(_) => Vec::new(),
    }
}

pub(crate) async fn run(arguments: Arguments<AppCommand>, style: Style) -> ExitCode {
    let Arguments { place, output, flags, command } = arguments;
    match context(place, output, flags, style).await {
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

pub(crate) async fn run_appset(arguments: Arguments<AppSetCommand>, style: Style) -> ExitCode {
    let Arguments { place, output, flags, command } = arguments;
    match context(place, output, flags, style).await {
        Ok(context) => ExitCode::from(cli::run_appset(command, context).await),
        Err(code) => code,
    }
}

pub(crate) async fn run_cluster(arguments: Arguments<ClusterCommand>, style: Style) -> ExitCode {
    let Arguments { place, output, flags, command } = arguments;
    match context(place, output, flags, style).await {
        Ok(context) => ExitCode::from(cli::run_cluster(command, context).await),
        Err(code) => code,
    }
}

/// A server where a flag or the environment names one, else the cluster.
async fn connection(place: &Place, flags: ConnectionFlags) -> anyhow::Result<Connection> {
    let server = flags.server.or_else(|| environment::variable("ARGOCD_SERVER")).filter(|_| !flags.core);
    let Some(server) = server else {
        let client = connect::connect(place.kubeconfig.as_deref(), place.kube_context.as_deref()).await;
        return client.map(Connection::Cluster);
    };
    let token = flags.auth_token.or_else(|| environment::variable("ARGOCD_AUTH_TOKEN"));
    let url =
        format!("{}://{}", if flags.plaintext { "http" } else { "https" }, server.trim_end_matches(":443"));
    let options = remote::Options {
        plaintext: flags.plaintext,
        insecure: flags.insecure,
        web: flags.grpc_web,
        headers: flags.headers,
        token: token.map(remote::Secret::new),
        proxies: environment::proxies(),
        ..remote::Options::new(server, "argocd-client/v3.2.11")
    };
    Ok(Connection::Server { remote: remote::Remote::connect(options).await?, url })
}

async fn context(
    place: Place,
    output: OutputFlags,
    flags: ConnectionFlags,
    style: Style,
) -> Result<Context, ExitCode> {
    let connection = match connection(&place, flags).await {
        Ok(connection) => connection,
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
        editor: environment::variable("EDITOR").unwrap_or_else(|| "vi".to_owned()),
        ..Context::new(connection, place.controller_namespace, data_dir)
    })
}

fn say(text: &str) {
    use std::io::Write as _;
    drop(std::io::stdout().write_all(text.as_bytes()));
}
