//! Runs corpora of recorded verdicts of the real programs against ours, and prints how many are equal.
//!
//! `parity helm|gotemplate|kustomize|health PATH [--update] [--show ID] [--time | --render]`; the last line is `N passed, N failed`. It fails when a case that passed before
//! (`passing/*.txt`) does not pass any more; `--update` writes those lists.

mod compare;
mod gotemplate;
mod health;
mod helm;
mod kustomize;
mod report;

use anyhow::{Context, bail};
use std::path::PathBuf;
use std::process::ExitCode;

/// What the command line asks for.
pub(crate) struct Options {
    /// The corpus.
    pub(crate) path: PathBuf,
    /// Rewrite the list of passing cases.
    pub(crate) update: bool,
    /// Show what differs in the cases whose id contains this.
    pub(crate) show: Option<String>,
    /// Render each case again, warm, and tell how long that takes.
    pub(crate) time: bool,
    /// Only render the cases that render, once, and judge nothing: the work that a bench measures.
    pub(crate) render: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let mut words = std::env::args().skip(1);
    let corpus =
        words.next().context("say helm, gotemplate, kustomize or health, and the path of the corpus")?;
    let mut options = Options {
        path: PathBuf::from(words.next().context("say where the corpus is")?),
        update: false,
        show: None,
        time: false,
        render: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--update" => options.update = true,
            "--time" => options.time = true,
            "--render" => options.render = true,
            "--show" => options.show = Some(words.next().context("--show wants an id")?),
            other => bail!("{other} is no option"),
        }
    }
    let report = match corpus.as_str() {
        "helm" => helm::run(&options)?,
        "gotemplate" => gotemplate::run(&options)?,
        "kustomize" => kustomize::run(&options)?,
        "health" => health::run(&options)?,
        other => bail!("{other} is no corpus: say helm, gotemplate, kustomize or health"),
    };
    if options.render {
        return Ok(ExitCode::SUCCESS);
    }
    report.finish(&corpus, &options)
}
