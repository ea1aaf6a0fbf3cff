//! Kustomizations: what `capstan kustomize build` costs beside the real `kustomize build`, each as a process of its own, in one run.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use filetree::{FileTree, MemoryStore, TreePath};
use serde::Deserialize;

use crate::programs::{Cost, cost, print};

/// Flags of the kustomizations' bench.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The corpus: `cases.json` and the inputs.
    #[arg(long, default_value = "../shared/parity/kustomize")]
    corpus: PathBuf,
    /// The program to measure; without it, the release build beside this one.
    #[arg(long)]
    capstan: Option<PathBuf>,
    /// Runs of each program on each case; the figures are their mean.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Take every so-manieth case only.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Instead, build every case of the corpus that builds: ours in one process, kustomize once a case.
    #[arg(long)]
    whole: bool,
    /// Instead, build overlays of three levels on so many resources.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_missing_value = "100,1000,10000")]
    sizes: Vec<usize>,
    /// Exit with 1 where a bar is missed.
    #[arg(long)]
    strict: bool,
}

/// Less CPU by this factor for the whole corpus, at least.
const WHOLE_BAR: f64 = 20.0;
/// A build of 1,000 resources in three levels, in milliseconds, at most.
const WARM_BAR: f64 = 50.0;
/// Builds of which the shortest counts.
const WARM_RUNS: usize = 7;

#[derive(Deserialize)]
struct Corpus {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    inputs: String,
    cwd: String,
    target: String,
    #[serde(default)]
    args: Vec<String>,
    expect: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let kustomize = testkit::ensure_kustomize()?.program("kustomize");
    let capstan = match &arguments.capstan {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("capstan"),
    };
    if !capstan.is_file() {
        bail!("{} is not built: cargo build --release --package capstan", capstan.display());
    }
    if !arguments.sizes.is_empty() {
        return curve(arguments, &capstan, &kustomize);
    }
    corpus(arguments, &capstan, &kustomize)
}

#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
fn corpus(arguments: &Arguments, capstan: &Path, kustomize: &Path) -> Result<ExitCode> {
    let file = arguments.corpus.join("cases.json");
    let Ok(text) = std::fs::read(&file) else {
        println!("NOT RUN: {} is not there", file.display());
        return Ok(ExitCode::SUCCESS);
    };
    let corpus: Corpus = serde_json::from_slice(&text).with_context(|| file.display().to_string())?;
    let trees = tempfile::tempdir()?;
    let cases: Vec<&Case> = corpus.cases.iter().filter(|case| case.expect == "ok").collect();
    if arguments.whole {
        return whole(arguments, trees.path(), &cases, kustomize);
    }
    let mut rows = Vec::new();
    for case in cases.iter().step_by(arguments.every.max(1)) {
        let words = case.words(&arguments.corpus, trees.path())?;
        let ours: Vec<String> =
            std::iter::once("kustomize".to_owned()).chain(words.iter().cloned()).collect();
        let theirs = cost(arguments.runs, kustomize, &words)?;
        match cost(arguments.runs, capstan, &ours) {
            Ok(ours) => rows.push((case.id.clone(), ours, theirs)),
            Err(error) => println!("{}: not measured: {error}", case.id),
        }
    }
    if rows.is_empty() {
        bail!("nothing was measured");
    }
    let missed = print(&rows, "kustomizations", "kustomize");
    Ok(ExitCode::from(u8::from(arguments.strict && missed)))
}

impl Case {
    /// The words of a build, the same for both programs. The tree is unpacked where it is not yet.
    fn words(&self, corpus: &Path, trees: &Path) -> Result<Vec<String>> {
        let group = trees.join(self.inputs.replace(['/', '.'], "-"));
        if !group.is_dir() {
            std::fs::create_dir(&group)?;
            let archive = corpus.join(&self.inputs);
            let status = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&group).status()?;
            if !status.success() {
                bail!("tar could not unpack {}", archive.display());
            }
        }
        let target = group.join(&self.cwd).join(&self.target);
        let mut words = vec!["build".to_owned(), target.display().to_string()];
        words.extend(self.args.iter().cloned());
        Ok(words)
    }
}

/// The whole corpus, in one process and by one process a case.
#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn whole(arguments: &Arguments, trees: &Path, cases: &[&Case], kustomize: &Path) -> Result<ExitCode> {
    let parity = std::env::current_exe()?.with_file_name("parity");
    if !parity.is_file() {
        bail!("{} is not built: cargo build --release --package parity", parity.display());
    }
    let words = ["kustomize".to_owned(), arguments.corpus.display().to_string(), "--render".to_owned()];
    let ours = cost(1, &parity, &words)?;
    let mut theirs = 0.0;
    for case in cases {
        theirs += cost(1, kustomize, &case.words(&arguments.corpus, trees)?)?.cpu_ms;
    }
    let ratio = theirs / ours.cpu_ms;
    println!(
        "{} cases that build: kustomize, once a case, {:.1} s of CPU; Capstan, all in one process, {:.2} s; ratio {ratio:.1} (bar ≥ {WHOLE_BAR})",
        cases.len(),
        theirs / 1e3,
        ours.cpu_ms / 1e3
    );
    Ok(ExitCode::from(u8::from(arguments.strict && ratio < WHOLE_BAR)))
}

/// How both grow with the number of resources.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
fn curve(arguments: &Arguments, capstan: &Path, kustomize: &Path) -> Result<ExitCode> {
    println!(
        "An overlay of three levels, one call a process; warm: again in one process, without reading and printing:\n"
    );
    println!(
        "| resources | Capstan, CPU ms | kustomize, CPU ms | ratio | Capstan, MiB | kustomize, MiB | Capstan warm, ms | bar |\n|---|---|---|---|---|---|---|---|"
    );
    let mut missed = false;
    for size in &arguments.sizes {
        let tree = tempfile::tempdir()?;
        write_overlay(tree.path(), *size)?;
        let top = tree.path().join("top").display().to_string();
        let words = ["build".to_owned(), top.clone()];
        let ours = cost(arguments.runs, capstan, &["kustomize".to_owned(), "build".to_owned(), top])?;
        // The large one takes minutes.
        let theirs = cost(if *size > 2000 { 1 } else { arguments.runs }, kustomize, &words)?;
        let warm = warm(tree.path())?;
        missed |= *size == 1000 && warm > WARM_BAR;
        let bar = if *size == 1000 { format!("≤ {WARM_BAR}") } else { String::new() };
        let mib = |cost: &Cost| cost.peak_kib as f64 / 1024.0;
        println!(
            "| {size} | {:.0} | {:.0} | {:.1} | {:.0} | {:.0} | {warm:.1} | {bar} |",
            ours.cpu_ms,
            theirs.cpu_ms,
            theirs.cpu_ms / ours.cpu_ms,
            mib(&ours),
            mib(&theirs)
        );
    }
    Ok(ExitCode::from(u8::from(arguments.strict && missed)))
}

/// The shortest of some builds in this process, in milliseconds.
fn warm(root: &Path) -> Result<f64> {
    let mut store = MemoryStore::new();
    for path in
        ["base/all.yaml", "base/kustomization.yaml", "middle/kustomization.yaml", "top/kustomization.yaml"]
    {
        store.write(&TreePath::parse(path)?, std::fs::read(root.join(path))?);
    }
    let store: Arc<dyn filetree::Store> = Arc::new(store);
    let top = TreePath::parse("top")?;
    let mut shortest = f64::MAX;
    for _ in 0..WARM_RUNS {
        let tree = Arc::new(FileTree::new(Arc::clone(&store), filetree::Limits::default()));
        let begin = Instant::now();
        let built = kustomize::build(&tree, &top, &kustomize::Options::default())?;
        shortest = shortest.min(begin.elapsed().as_secs_f64() * 1e3);
        drop(built);
    }
    Ok(shortest)
}

/// A base of Deployments with the ConfigMaps, Secrets and Services that they name; a level that names and labels them; and one that sets
/// namespace and images and patches one of them.
fn write_overlay(root: &Path, resources: usize) -> Result<()> {
    let mut base = String::new();
    for n in 0..resources.div_ceil(4) {
        write!(
            base,
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{n}\ndata:\n  key: value-{n}\n---\n\
             apiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-{n}\nstringData:\n  key: value-{n}\n---\n\
             apiVersion: v1\nkind: Service\nmetadata:\n  name: web-{n}\nspec:\n  selector:\n    app: web-{n}\n  ports:\n  - port: 80\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{n}\nspec:\n  selector:\n    matchLabels:\n      app: web-{n}\n  \
             template:\n    metadata:\n      labels:\n        app: web-{n}\n    spec:\n      containers:\n      - name: web\n        \
             image: registry.example.com/web:1\n        envFrom:\n        - configMapRef:\n            name: config-{n}\n        \
             - secretRef:\n            name: secret-{n}\n---\n"
        )?;
    }
    let put = |path: &str, text: &str| -> Result<()> {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        Ok(std::fs::write(path, text)?)
    };
    put("base/all.yaml", &base)?;
    put("base/kustomization.yaml", "resources:\n- all.yaml\n")?;
    put(
        "middle/kustomization.yaml",
        "resources:\n- ../base\nnamePrefix: shop-\nlabels:\n- pairs:\n    team: red\n  includeSelectors: true\n",
    )?;
    put(
        "top/kustomization.yaml",
        "resources:\n- ../middle\nnameSuffix: -prod\nnamespace: prod\nimages:\n- name: registry.example.com/web\n  newTag: '2'\n\
         patches:\n- target:\n    kind: Deployment\n    name: web-0\n  patch: |-\n    - op: add\n      path: /spec/replicas\n      value: 3\n",
    )
}
