//! The binary: reads flags, wires everything, nothing else.

mod app;
mod bootstrap;
mod complete;
mod connect;
mod demo;
mod environment;
mod metrics;
mod run;
mod screen;
mod serve;
mod shutdown;
mod traces;
mod up;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cli::Deferred;

/// Pull-based delivery for Kubernetes: git says what should run, Capstan keeps the cluster so.
#[derive(Debug, Parser)]
#[command(name = "capstan", version, propagate_version = true, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a playground: a Kubernetes API in memory, a git server and the controllers, in this process
    Up(up::Arguments),
    /// Print what a cluster needs before the controllers run, for `kubectl apply --server-side -f -`
    Install(InstallArguments),
    /// Run the controllers on a cluster
    Run(Box<run::Arguments>),
    /// List, show, compare, sync, roll back applications: the words of `argocd app`
    App(Deferred<Box<app::Arguments<cli::AppCommand>>>),
    /// Manage ApplicationSets by a server: the words of `argocd appset`
    Appset(Deferred<Box<app::Arguments<cli::AppSetCommand>>>),
    /// Show the clusters that applications go to, and whether they answer: words of `argocd cluster`
    Cluster(Deferred<Box<app::Arguments<cli::ClusterCommand>>>),
    /// Log in to a server
    Login(Deferred<Box<app::Served<cli::command::LoginArgs>>>),
    /// Forget the token of a context
    Logout(Deferred<Box<app::Served<cli::command::LogoutArgs>>>),
    /// Log in again where the current context did
    Relogin(Deferred<Box<app::Served<cli::command::ReloginArgs>>>),
    /// List servers and contexts, change to one, or forget one
    #[command(visible_alias = "ctx")]
    Context(Deferred<Box<app::Served<cli::command::ContextArgs>>>),
    /// Print the versions of this program and of the server
    Version(Deferred<Box<app::Served<cli::command::VersionArgs>>>),
    /// Manage accounts of a server, their passwords and tokens
    Account(Deferred<Box<app::Arguments<cli::command::AccountCommand>>>),
    /// Manage projects of a server, their roles and sync windows
    Proj(Deferred<Box<app::Arguments<cli::command::ProjectCommand>>>),
    /// Manage repositories of a server
    Repo(Deferred<Box<app::Arguments<cli::command::RepoCommand>>>),
    /// Manage credentials for all repositories below a URL
    Repocreds(Deferred<Box<app::Arguments<cli::command::RepoCredsCommand>>>),
    /// Manage certificates and known hosts of repositories
    Cert(Deferred<Box<app::Arguments<cli::command::CertCommand>>>),
    /// Manage keys that commits are signed by
    Gpg(Deferred<Box<app::Arguments<cli::command::GpgCommand>>>),
    /// Ask about settings and first passwords: words of `argocd admin`
    #[command(subcommand)]
    Admin(Deferred<Box<cli::AdminCommand>>),
    /// Render charts on this machine: the words of `helm` that need no cluster
    #[command(subcommand)]
    Helm(Deferred<cli::HelmCommand>),
    /// Write images into a repository: what a pipeline does after it has built one
    #[command(subcommand)]
    Image(Deferred<cli::ImageCommand>),
    /// Judge objects of files as the controllers judge live ones
    Health(cli::HealthArgs),
    /// Build and edit kustomizations on this machine: the words of `kustomize`
    #[command(subcommand)]
    Kustomize(Deferred<cli::KustomizeCommand>),
    /// Print what a shell needs to complete words, flags and names of applications
    Completion(complete::CompletionArguments),
    /// What a shell asks
    #[command(name = "__complete", hide = true)]
    Complete(complete::CompleteArguments),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  capstan install | kubectl apply --server-side -f -")]
struct InstallArguments {
    /// Namespace of the Applications, projects and settings
    #[arg(short, long, default_value = "argocd")]
    namespace: String,
}

fn main() -> ExitCode {
    if called_argocd() {
        return one_thread(app::argocd());
    }
    let surroundings =
        || cli::Surroundings { environment: &environment::variable, temp_dir: std::env::temp_dir() };
    let result = match Arguments::parse().command {
        Command::Up(arguments) => many_threads(up::up(arguments)),
        Command::Install(arguments) => std::io::stdout()
            .write_all(cli::install::yaml(&arguments.namespace).as_bytes())
            .map_err(Into::into),
        Command::Run(arguments) => many_threads(run::run(*arguments)),
        Command::Helm(command) => {
            let cache = std::env::temp_dir().join("capstan-cli");
            return one_thread(async { cli::helm(command.0, cache, environment::proxies()).await.into() });
        }
        Command::Image(command) => {
            return one_thread(async { cli::image(command.0, surroundings()).await.into() });
        }
        Command::Health(arguments) => return cli::health(&arguments).into(),
        Command::Kustomize(command) => {
            return one_thread(async { cli::kustomize(&command.0, &surroundings()).await.into() });
        }
        Command::Cluster(arguments) => {
            return one_thread(app::run_cluster(*arguments.0, cli::Style::Native));
        }
        Command::Admin(command) => return one_thread(app::admin(*command.0, cli::Style::Native)),
        Command::Completion(arguments) => return complete::script(&arguments, "capstan"),
        Command::Complete(arguments) => {
            return one_thread(complete::complete(<Arguments as clap::CommandFactory>::command(), arguments));
        }
        Command::Appset(arguments) => {
            return one_thread(app::run_appset(*arguments.0, cli::Style::Native));
        }
        Command::Login(args) => return one_thread(args.0.run(cli::ServerCommand::Login)),
        Command::Logout(args) => return one_thread(args.0.run(cli::ServerCommand::Logout)),
        Command::Relogin(args) => return one_thread(args.0.run(cli::ServerCommand::Relogin)),
        Command::Context(args) => return one_thread(args.0.run(cli::ServerCommand::Context)),
        Command::Version(args) => return one_thread(args.0.run(cli::ServerCommand::Version)),
        Command::Account(args) => return one_thread(args.0.serve(cli::ServerCommand::Account)),
        Command::Proj(args) => return one_thread(args.0.serve(cli::ServerCommand::Proj)),
        Command::Repo(args) => return one_thread(args.0.serve(cli::ServerCommand::Repo)),
        Command::Repocreds(args) => return one_thread(args.0.serve(cli::ServerCommand::Repocreds)),
        Command::Cert(args) => return one_thread(args.0.serve(cli::ServerCommand::Cert)),
        Command::Gpg(args) => return one_thread(args.0.serve(cli::ServerCommand::Gpg)),
        Command::App(arguments) => return one_thread(app::run(*arguments.0, cli::Style::Native)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Runs a command of a person: it starts quickly, and what it waits for is elsewhere.
fn one_thread(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => failed(&no_runtime(error)),
    }
}

/// Runs what serves, on every core.
fn many_threads(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(no_runtime)?;
    let result = runtime.block_on(work);
    // What hangs in a system call must not keep a process that was told to end.
    runtime.shutdown_background();
    result
}

fn no_runtime(error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context("the runtime could not be started")
}

/// Whether the binary goes by the peer's name: `ln -s capstan argocd`.
fn called_argocd() -> bool {
    let name = std::env::args_os().next().map(std::path::PathBuf::from);
    name.as_deref().and_then(std::path::Path::file_stem).is_some_and(|stem| stem == "argocd")
}

#[expect(clippy::print_stderr, reason = "the command line talks to its user")]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error}");
    let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    for cause in causes {
        eprintln!("  cause: {cause}");
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn no_flag_is_there_twice() {
        super::Arguments::command().debug_assert();
    }
}
