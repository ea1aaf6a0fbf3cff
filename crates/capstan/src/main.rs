//! The binary: reads flags, wires everything, nothing else.

mod bootstrap;
mod connect;
mod demo;
mod metrics;
mod run;
mod screen;
mod shutdown;
mod up;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Run(run::Arguments),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  capstan install | kubectl apply --server-side -f -")]
struct InstallArguments {
    /// Namespace of the Applications, projects and settings
    #[arg(short, long, default_value = "argocd")]
    namespace: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("the runtime could not be started")),
    };
    let result = match arguments.command {
        Command::Up(arguments) => runtime.block_on(up::up(arguments)),
        Command::Install(arguments) => {
            std::io::stdout().write_all(cli::install::yaml(&arguments.namespace).as_bytes()).map_err(Into::into)
        }
        Command::Run(arguments) => runtime.block_on(run::run(arguments)),
    };
    // What hangs in a system call must not keep a process that was told to end.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
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
