//! What Capstan costs: `cargo run --release -p bench -- --on real --apps 500`. See `docs/performance.md`.

#![expect(
    clippy::disallowed_methods,
    reason = "the bench starts its own program again as the controller; nothing of this ships"
)]

mod api;
mod charts;
mod clients;
mod controller;
mod follow;
mod installation;
mod jsonnet;
mod kustomizations;
mod large;
mod peer;
mod phases;
mod programs;
mod pushes;
mod report;
mod spans;
mod stand;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::phases::Phase;
use crate::stand::On;

/// Measures Capstan's controller and sets its figures beside the peer's and the bars.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The controller alone, as the bench starts it.
    #[command(hide = true)]
    Controller(controller::Arguments),
    /// Charts, beside the real helm
    Charts(charts::Arguments),
    /// Kustomizations, beside the real kustomize
    Kustomizations(kustomizations::Arguments),
    /// Jsonnet programs, beside go-jsonnet
    Jsonnet(jsonnet::Arguments),
    /// One Application with very many objects
    Large(large::Arguments),
    /// From a push to what runs, and logins beside reads
    Pushes(pushes::Arguments),
    /// The server with very many applications: lists, and streams of what changes
    Api(api::Arguments),
    /// Clients of streams, as the bench starts them.
    #[command(hide = true)]
    Clients(clients::Arguments),
    /// The server alone, as the bench starts it.
    #[command(hide = true)]
    Serve(installation::Arguments),
    /// One program's cost, as the benches of programs ask for it.
    #[command(hide = true)]
    Measure(programs::Measure),
}

/// Flags of a run.
#[derive(Debug, clap::Args)]
struct Bench {
    /// Cluster to measure against; without it both, one after the other.
    #[arg(long, value_enum)]
    on: Option<On>,
    /// Applications, of four objects each; without it 500 on the real API server and 1,000 on kubesim.
    #[arg(long)]
    apps: Option<usize>,
    /// Phases to run, beside the first sync that all need.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Phase::ALL)]
    phases: Vec<Phase>,
    /// How long the steady state is looked at.
    #[arg(long, default_value_t = 180)]
    steady_seconds: u64,
    #[command(flatten)]
    outcome: Outcome,
}

/// Flags of benches of a controller: what it runs under, and what becomes of the figures.
#[derive(Debug, clap::Args)]
pub(crate) struct Outcome {
    /// Write the figures as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// A program to run the controller under, such as a profiler.
    #[arg(long)]
    pub(crate) through: Option<String>,
    /// Exit with 1 where a bar is missed.
    #[arg(long)]
    strict: bool,
}

impl Outcome {
    /// Writes the figures where they are wanted; how to exit, by the bars that were missed.
    pub(crate) fn end(&self, figures: &impl serde::Serialize, misses: usize) -> anyhow::Result<ExitCode> {
        if let Some(path) = &self.json {
            std::fs::write(path, serde_json::to_string_pretty(figures)?)?;
        }
        Ok(ExitCode::from(u8::from(self.strict && misses > 0)))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match &arguments.command {
        Some(Command::Controller(arguments)) => controller::run(arguments).await.map(|()| ExitCode::SUCCESS),
        Some(Command::Charts(arguments)) => charts::run(arguments),
        Some(Command::Kustomizations(arguments)) => kustomizations::run(arguments),
        Some(Command::Jsonnet(arguments)) => jsonnet::run(arguments),
        Some(Command::Large(arguments)) => large::run(arguments).await,
        Some(Command::Pushes(arguments)) => pushes::run(arguments).await,
        Some(Command::Api(arguments)) => api::run(arguments).await,
        Some(Command::Serve(arguments)) => installation::serve(arguments).await.map(|()| ExitCode::SUCCESS),
        Some(Command::Clients(arguments)) => clients::run(arguments).await.map(|()| ExitCode::SUCCESS),
        Some(Command::Measure(arguments)) => programs::measure(arguments),
        None => bench(&arguments.bench).await,
    }
}

#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
async fn bench(arguments: &Bench) -> anyhow::Result<ExitCode> {
    let mut reports = Vec::new();
    for on in arguments.on.map_or_else(|| vec![On::Real, On::Kubesim], |on| vec![on]) {
        let apps = arguments.apps.unwrap_or(if on == On::Real { 500 } else { 1000 });
        let Some(report) = phases::run(arguments, on, apps).await? else { continue };
        println!("{}", report.table());
        reports.push(report);
    }
    let misses = reports.iter().map(report::Report::misses).sum();
    arguments.outcome.end(&reports, misses)
}
