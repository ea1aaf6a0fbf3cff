//! Programs beside each other: what one call of each costs.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

/// One program, so many times; the hidden command that the bench starts itself with, so that the peak memory is that
/// program's alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Measure {
    #[arg(long)]
    runs: u32,
    #[arg(last = true)]
    command: Vec<String>,
}

/// What one run of a program costs.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) wall_ms: f64,
    pub(crate) cpu_ms: f64,
    pub(crate) peak_kib: i64,
}

/// Runs a command and prints its cost as JSON.
#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
pub(crate) fn measure(arguments: &Measure) -> Result<ExitCode> {
    let (program, words) = arguments.command.split_first().context("no command")?;
    let started = Instant::now();
    for _ in 0..arguments.runs {
        let status =
            Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !status.success() {
            bail!("{program} {words:?} ended with {status}");
        }
    }
    let wall = started.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let ms = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    let runs = f64::from(arguments.runs.max(1));
    let cost = Cost {
        wall_ms: wall.as_secs_f64() * 1e3 / runs,
        cpu_ms: (ms(usage.user_time()) + ms(usage.system_time())) / runs,
        peak_kib: usage.max_rss(),
    };
    println!("{}", serde_json::to_string(&cost)?);
    Ok(ExitCode::SUCCESS)
}

/// What a program costs: the mean of so many runs.
pub(crate) fn cost(runs: u32, program: &Path, words: &[String]) -> Result<Cost> {
    let output = Command::new(std::env::current_exe()?)
        .args(["measure", "--runs", &runs.to_string(), "--"])
        .arg(program)
        .args(words)
        .output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A case, our cost, the peer's.
pub(crate) type Row = (String, Cost, Cost);

/// Prints the ratios (the peer's cost over ours) and says whether a bar is missed.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
pub(crate) fn print(rows: &[Row], what: &str, peer: &str) -> bool {
    type Part = (&'static str, fn(&Cost) -> f64, f64, f64);
    let parts: [Part; 3] = [
        ("wall time", |cost| cost.wall_ms, 1.0, 3.0),
        ("CPU time", |cost| cost.cpu_ms, 1.0, 3.0),
        ("peak memory", |cost| cost.peak_kib as f64, 1.0, 1.0),
    ];
    println!("One call a process, {} {what}; {peer}'s cost over Capstan's (more is better):\n", rows.len());
    println!(
        "| | least | on | bar | median | bar | most | Capstan's median | {peer}'s median |\n|---|---|---|---|---|---|---|---|---|"
    );
    let mut missed = false;
    for (name, part, least_bar, median_bar) in parts {
        let mut ratios: Vec<(f64, &str)> = rows
            .iter()
            .map(|(id, ours, theirs)| (part(theirs) / part(ours).max(f64::MIN_POSITIVE), id.as_str()))
            .collect();
        ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
        let median_of = |of: fn(&Row) -> &Cost| {
            let mut all: Vec<f64> = rows.iter().map(|row| part(of(row))).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        let (Some(least), Some(median), Some(most)) =
            (ratios.first(), ratios.get(ratios.len() / 2), ratios.last())
        else {
            continue;
        };
        missed |= least.0 < least_bar || median.0 < median_bar;
        println!(
            "| {name} | {:.1} | {} | ≥ {least_bar} | {:.1} | ≥ {median_bar} | {:.1} | {:.1} | {:.1} |",
            least.0,
            least.1,
            median.0,
            most.0,
            median_of(|row| &row.1),
            median_of(|row| &row.2)
        );
    }
    missed
}
