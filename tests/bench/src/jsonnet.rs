//! Jsonnet: what programs cost here beside go-jsonnet, each in one process that evaluates them again and again.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use filetree::{FileTree, MemoryStore, TreePath};
use serde::Deserialize;

use crate::spans::used_by_process;

/// What we may cost, as a multiple of go-jsonnet.
const BAR: f64 = 2.0;
/// Programs, by name.
const PROGRAMS: [(&str, &str); 4] = [
    ("loop", include_str!("jsonnet/loop.jsonnet")),
    ("yaml", include_str!("jsonnet/yaml.jsonnet")),
    ("objects", include_str!("jsonnet/objects.jsonnet")),
    ("texts", include_str!("jsonnet/texts.jsonnet")),
];
/// The program that asks go-jsonnet.
const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/jsonnet-oracle");

/// Flags of the Jsonnet bench.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Evaluations of each program.
    #[arg(long, default_value_t = 10)]
    runs: u32,
    /// Leave go-jsonnet out, and evaluate this program alone, as a profiler wants it.
    #[arg(long)]
    only: Option<String>,
    /// Exit with 1 where the bar is missed.
    #[arg(long)]
    strict: bool,
}

/// What go-jsonnet says.
#[derive(Deserialize)]
struct Timed {
    /// CPU seconds of one evaluation.
    seconds: f64,
    value: serde_json::Value,
}

/// Evaluates every program so many times here and there, and prints both costs.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(only) = &arguments.only {
        let program = PROGRAMS.iter().find(|(name, _)| name == only).context("there is no such program")?;
        println!("{only}: {:.2} ms", ours(program.1, arguments.runs)?.0 * 1e3);
        return Ok(ExitCode::SUCCESS);
    }
    let dir = tempfile::Builder::new().prefix("capstan-bench-").tempdir()?;
    let oracle = dir.path().join("jsonnet-oracle");
    let built = Command::new("go").args(["build", "-o"]).arg(&oracle).arg(".").current_dir(ORACLE).status();
    if !built.is_ok_and(|status| status.success()) {
        println!("NOT RUN: go-jsonnet cannot be built here");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "CPU of one evaluation, the mean of {}, each in one process:\n\n| program | Capstan, ms | go-jsonnet 0.21, ms | ratio (less is better; bar ≤ {BAR}) |\n|---|---|---|---|",
        arguments.runs
    );
    let mut missed = false;
    for (name, text) in PROGRAMS {
        let (seconds, value) = ours(text, arguments.runs)?;
        let file = dir.path().join(format!("{name}.jsonnet"));
        std::fs::write(&file, text)?;
        let peer = theirs(&oracle, &file, arguments.runs)?;
        ensure!(peer.value == value, "{name}: go-jsonnet comes to something else");
        let ratio = seconds / peer.seconds;
        missed |= ratio > BAR;
        println!("| {name} | {:.2} | {:.2} | {ratio:.2} |", seconds * 1e3, peer.seconds * 1e3);
    }
    Ok(ExitCode::from(u8::from(arguments.strict && missed)))
}

/// CPU seconds of an evaluation here, and what it comes to. The first one is not counted.
fn ours(text: &str, runs: u32) -> Result<(f64, serde_json::Value)> {
    let store = Arc::new(MemoryStore::from_files([("a.jsonnet", text)])?);
    let file = TreePath::parse("a.jsonnet")?;
    let evaluate = || {
        let tree = FileTree::new(store.clone(), filetree::Limits::default());
        let program = jsonnet::Program {
            tree: &tree,
            file: &file,
            libraries: &[],
            external: &[],
            arguments: &[],
            limits: &jsonnet::Limits::default(),
            cancelled: None,
        };
        jsonnet::evaluate(&program).map(|evaluated| evaluated.value)
    };
    let value = evaluate()?;
    let begin = used_by_process();
    for _ in 0..runs {
        evaluate()?;
    }
    Ok(((used_by_process() - begin) / f64::from(runs.max(1)), value))
}

/// The same by go-jsonnet.
fn theirs(oracle: &Path, file: &Path, runs: u32) -> Result<Timed> {
    let output = Command::new(oracle).args(["-time", &runs.to_string()]).arg(file).output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
