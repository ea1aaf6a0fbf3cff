//! The words about an installation: `capstan app …` and the others, and `argocd …` where the binary is called so.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};
use cli::{
    AppCommand, AppSetCommand, Backend, ClusterCommand, Connection, ConnectionFlags, Context, Face, Local,
    OutputFlags, ServerCommand, Style, Terminal,
};

use crate::{complete, connect, environment, failed};

/// A word that has others below it.
#[derive(Debug, Args)]
pub(crate) struct Arguments<C: Subcommand> {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: C,
}

/// Flags of every word about an installation.
#[derive(Debug, Args)]
struct Globals {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
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
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: ArgocdCommand,
}

#[derive(Debug, Subcommand)]
enum ArgocdCommand {
    /// Manage applications
    #[command(subcommand)]
    App(Box<AppCommand>),
    /// Manage ApplicationSets
    #[command(subcommand)]
    Appset(Box<AppSetCommand>),
    /// Manage clusters
    #[command(subcommand)]
    Cluster(Box<ClusterCommand>),
    /// Ask about settings and first passwords
    #[command(subcommand)]
    Admin(Box<cli::AdminCommand>),
    /// Print what a shell needs to complete words, flags and names of applications
    Completion(complete::CompletionArguments),
    /// What a shell asks
    #[command(name = "__complete", hide = true)]
    Complete(complete::CompleteArguments),
    #[command(flatten)]
    Server(ServerCommand),
}

/// A word about a server, with its flags.
#[derive(Debug, Args)]
pub(crate) struct Served<C: Args> {
    #[command(flatten)]
    globals: Globals,
    #[command(flatten)]
    args: C,
}

impl<C: Args> Served<C> {
    /// Carries it out in our own style.
    pub(crate) async fn run(self, word: impl FnOnce(C) -> ServerCommand) -> ExitCode {
        serve(&self.globals, word(self.args), Style::Native).await
    }
}

impl<C: Subcommand> Arguments<C> {
    /// Carries out a word that a server answers, in our own style.
    pub(crate) async fn serve(self, word: impl FnOnce(C) -> ServerCommand) -> ExitCode {
        serve(&self.globals, word(self.command), Style::Native).await
    }
}

async fn serve(globals: &Globals, command: ServerCommand, style: Style) -> ExitCode {
    ExitCode::from(cli::serve(command, globals.local(style)).await)
}

/// Runs as `argocd`. Wrong arguments end with 1, as the peer's.
pub(crate) async fn argocd() -> ExitCode {
    match Argocd::try_parse() {
        Ok(Argocd { globals, command: ArgocdCommand::App(command) }) => {
            app(globals, *command, Style::Argocd).await
        }
        Ok(Argocd { globals, command: ArgocdCommand::Appset(command) }) => {
            appset(globals, *command, Style::Argocd).await
        }
        Ok(Argocd { command: ArgocdCommand::Completion(arguments), .. }) => {
            complete::script(&arguments, "argocd")
        }
        Ok(Argocd { command: ArgocdCommand::Complete(arguments), .. }) => {
            complete::complete(<Argocd as clap::CommandFactory>::command(), arguments).await
        }
        Ok(Argocd { globals, command: ArgocdCommand::Cluster(command) }) => {
            cluster(globals, *command, Style::Argocd).await
        }
        Ok(Argocd { command: ArgocdCommand::Admin(command), .. }) => admin(*command, Style::Argocd).await,
        Ok(Argocd { globals, command: ArgocdCommand::Server(command) }) => {
            serve(&globals, command, Style::Argocd).await
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
    globals: Globals,
}

/// The names of the applications that these flags lead to; none where they cannot be had.
pub(crate) async fn names(flags: Vec<OsString>) -> Vec<String> {
    let Ok(Where { globals }) = Where::try_parse_from(flags) else { return Vec::new() };
    match globals.connection(Style::Native).await {
        Ok(connection) => cli::application_names(&connection, &globals.place.controller_namespace).await,
        Err(_) => Vec::new(),
    }
}

pub(crate) async fn run(arguments: Arguments<AppCommand>, style: Style) -> ExitCode {
    app(arguments.globals, arguments.command, style).await
}

pub(crate) async fn run_cluster(arguments: Arguments<ClusterCommand>, style: Style) -> ExitCode {
    cluster(arguments.globals, arguments.command, style).await
}

pub(crate) async fn run_appset(arguments: Arguments<AppSetCommand>, style: Style) -> ExitCode {
    appset(arguments.globals, arguments.command, style).await
}

async fn appset(globals: Globals, command: AppSetCommand, style: Style) -> ExitCode {
    match globals.context(style).await {
        Ok(context) => ExitCode::from(cli::run_appset(command, context).await),
        Err(code) => code,
    }
}

async fn app(globals: Globals, command: AppCommand, style: Style) -> ExitCode {
    match globals.context(style).await {
        Ok(context) => ExitCode::from(cli::run(command, context).await),
        Err(code) => code,
    }
}

async fn cluster(globals: Globals, command: ClusterCommand, style: Style) -> ExitCode {
    let asks_server = match globals.backend(style) {
        Ok(backend) => command.changes() || backend.is_server(),
        Err(code) => return code,
    };
    if asks_server {
        let kubeconfig = globals.place.kubeconfig.as_deref();
        return ExitCode::from(cli::serve_cluster(command, globals.local(style), kubeconfig).await);
    }
    match globals.context(style).await {
        Ok(context) => ExitCode::from(cli::run_cluster(command, context).await),
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

impl Globals {
    /// What the words about a server run with.
    fn local(&self, style: Style) -> Local {
        Local {
            face: Face { style, terminal: Terminal::detect(environment::variable), color: self.output.color },
            flags: self.connection.clone(),
            kubeconfig: self.place.kubeconfig.clone(),
            kube_context: self.place.kube_context.clone(),
            variable: environment::variable,
            clock: Arc::new(jiff::Timestamp::now),
        }
    }

    /// Whether the cluster is asked without a look at what names a server: a kubeconfig was named, and no server.
    fn names_cluster(&self) -> bool {
        let cluster = self.place.kubeconfig.is_some() || self.place.kube_context.is_some();
        cluster
            && !self.local(Style::Native).forwards()
            && self.connection.server.is_none()
            && self.connection.argocd_context.is_none()
    }

    /// Whom a word asks that either a server or the cluster answers.
    fn backend(&self, style: Style) -> Result<Backend, ExitCode> {
        if self.names_cluster() {
            return Ok(Backend::Cluster);
        }
        self.local(style).backend().map_err(ExitCode::from)
    }

    /// The same, connected.
    async fn connection(&self, style: Style) -> Result<Connection, ExitCode> {
        if !self.names_cluster()
            && let Some(server) = self.local(style).connection().await.map_err(ExitCode::from)?
        {
            return Ok(server);
        }
        let Place { kubeconfig, kube_context, .. } = &self.place;
        let client = connect::connect(kubeconfig.as_deref(), kube_context.as_deref()).await;
        client.map(Connection::Cluster).map_err(|error| {
            failed(&error);
            ExitCode::from(if style == Style::Argocd { 20 } else { 5 })
        })
    }

    /// What the words run with that either a server or the cluster answers.
    async fn context(self, style: Style) -> Result<Context, ExitCode> {
        let connection = self.connection(style).await?;
        let Self { place, output, .. } = self;
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
}
