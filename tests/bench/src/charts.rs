//! Charts: what `capstan helm template` costs beside the real `helm template`, each as a process of its own, in one run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::programs::{cost, print};

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
    let missed = print(&rows, "charts", "helm");
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
