//! Charts: what `capstan helm template` costs beside the real `helm template`, each as a process of its own, in one run.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

/// Flags of the charts' bench.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The corpus: `cases.json`, charts and values.
    #[arg(long, default_value = "../shared/parity/helm")]
    corpus: PathBuf,
    /// The program to measure; without it, the release build beside this one.
    #[arg(long)]
    capstan: Option<PathBuf>,
    /// Runs of each program on each chart; the figures are their mean.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Take every so-manieth chart only.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Instead, render every case of the corpus that renders: ours in one process, helm once a case.
    #[arg(long)]
    whole: bool,
    /// Exit with 1 where a bar is missed.
    #[arg(long)]
    strict: bool,
}

/// Less CPU by this factor for the whole corpus, at least.
const WHOLE_BAR: f64 = 20.0;

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
struct Cost {
    wall_ms: f64,
    cpu_ms: f64,
    peak_kib: i64,
}

#[derive(Deserialize)]
struct Corpus {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    id: String,
    chart: String,
    release: String,
    namespace: String,
    kube_version: String,
    #[serde(rename = "includeCRDs")]
    include_crds: bool,
    api_versions: Vec<String>,
    values: Vec<String>,
    args: Vec<String>,
    expect: String,
}

impl Case {
    /// The words after `template`, the same for both programs.
    fn words(&self, corpus: &Path) -> Vec<String> {
        let path = |file: &String| corpus.join(file).display().to_string();
        let mut words = vec![self.release.clone(), path(&self.chart)];
        words.extend(["--namespace".to_owned(), self.namespace.clone()]);
        words.extend(["--kube-version".to_owned(), self.kube_version.clone()]);
        words.extend(self.include_crds.then(|| "--include-crds".to_owned()));
        words.extend(self.values.iter().flat_map(|file| ["-f".to_owned(), path(file)]));
        words.extend(
            self.api_versions.iter().flat_map(|version| ["--api-versions".to_owned(), version.clone()]),
        );
        words.extend(self.args.iter().cloned());
        words
    }
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

fn cost(runs: u32, program: &Path, words: &[String]) -> Result<Cost> {
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

/// Measures one case of each chart that renders.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let file = arguments.corpus.join("cases.json");
    let Ok(text) = std::fs::read(&file) else {
        println!("NOT RUN: {} is not there", file.display());
        return Ok(ExitCode::SUCCESS);
    };
    let corpus: Corpus = serde_json::from_slice(&text).with_context(|| file.display().to_string())?;
    let helm = testkit::ensure_helm()?.program("helm");
    let capstan = match &arguments.capstan {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("capstan"),
    };
    if !capstan.is_file() {
        bail!("{} is not built: cargo build --release --package capstan", capstan.display());
    }
    if arguments.whole {
        return whole(arguments, &corpus, &helm);
    }
    let mut charts = Vec::new();
    for case in corpus.cases.into_iter().filter(|case| case.expect == "ok") {
        if charts.last().is_none_or(|last: &Case| last.chart != case.chart) {
            charts.push(case);
        }
    }
    let mut rows = Vec::new();
    for case in charts.iter().step_by(arguments.every.max(1)) {
        let words = case.words(&arguments.corpus);
        let template = |prefix: &[&str]| -> Vec<String> {
            prefix.iter().map(|&word| word.to_owned()).chain(words.iter().cloned()).collect()
        };
        let ours = cost(arguments.runs, &capstan, &template(&["helm", "template"]));
        let theirs = cost(arguments.runs, &helm, &template(&["template"]))?;
        match ours {
            Ok(ours) => rows.push((case.id.clone(), ours, theirs)),
            Err(error) => println!("{}: not measured: {error}", case.id),
        }
    }
    if rows.is_empty() {
        bail!("nothing was measured");
    }
    let missed = print(&rows);
    Ok(ExitCode::from(u8::from(arguments.strict && missed)))
}

/// The whole corpus, in one process and by one process a case.
#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn whole(arguments: &Arguments, corpus: &Corpus, helm: &Path) -> Result<ExitCode> {
    let parity = std::env::current_exe()?.with_file_name("parity");
    if !parity.is_file() {
        bail!("{} is not built: cargo build --release --package parity", parity.display());
    }
    let words = ["helm".to_owned(), arguments.corpus.display().to_string(), "--render".to_owned()];
    let ours = cost(1, &parity, &words)?;
    let (mut theirs, mut cases) = (0.0, 0);
    for case in corpus.cases.iter().filter(|case| case.expect == "ok") {
        let words: Vec<String> =
            std::iter::once("template".to_owned()).chain(case.words(&arguments.corpus)).collect();
        theirs += cost(1, helm, &words)?.cpu_ms;
        cases += 1;
    }
    let ratio = theirs / ours.cpu_ms;
    println!(
        "{cases} cases that render: helm, once a case, {:.1} s of CPU; Capstan, all in one process, {:.1} s; ratio {ratio:.1} (bar ≥ {WHOLE_BAR})",
        theirs / 1e3,
        ours.cpu_ms / 1e3
    );
    Ok(ExitCode::from(u8::from(arguments.strict && ratio < WHOLE_BAR)))
}

/// Prints the ratios (helm's cost over ours) and says whether a bar is missed.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
fn print(rows: &[(String, Cost, Cost)]) -> bool {
    type Part = (&'static str, fn(&Cost) -> f64, f64, f64);
    let parts: [Part; 3] = [
        ("wall time", |cost| cost.wall_ms, 1.0, 3.0),
        ("CPU time", |cost| cost.cpu_ms, 1.0, 3.0),
        ("peak memory", |cost| cost.peak_kib as f64, 1.0, 1.0),
    ];
    println!(
        "One `template` call a process, {} charts; helm's cost over Capstan's (more is better):\n",
        rows.len()
    );
    println!(
        "| | least | on | bar | median | bar | most | Capstan's median | helm's median |\n|---|---|---|---|---|---|---|---|---|"
    );
    let mut missed = false;
    for (name, part, least_bar, median_bar) in parts {
        let mut ratios: Vec<(f64, &str)> = rows
            .iter()
            .map(|(id, ours, theirs)| (part(theirs) / part(ours).max(f64::MIN_POSITIVE), id.as_str()))
            .collect();
        ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
        let median_of = |of: fn(&(String, Cost, Cost)) -> &Cost| {
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
