//! The corpus of kustomizations: what `kustomize build` printed.

use crate::report::{Report, Verdict, say};
use crate::{Options, compare};
use ::kustomize::{LoadRestrictor, Order};
use anyhow::Context;
use filetree::{FileTree, MemoryStore, TreePath};
use flate2::read::GzDecoder;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Largest recorded file, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// What the recorded errors call the directory in which the command ran.
const ROOT: &str = "ROOT";

#[derive(Deserialize)]
struct Corpus {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    id: String,
    inputs: String,
    cwd: String,
    target: String,
    #[serde(default)]
    args: Vec<String>,
    expect: String,
    #[serde(default)]
    golden: Option<String>,
    #[serde(default)]
    golden_path: Option<String>,
    #[serde(default)]
    stderr: String,
}

/// What a build gave: the stream, with what it warns of; or the error.
struct Outcome {
    stream: Result<String, String>,
    warnings: Vec<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    let text = std::fs::read(options.path.join("cases.json")).context("cannot read cases.json")?;
    let corpus: Corpus = serde_json::from_slice(&text).context("cases.json is not what it should be")?;
    let mut archives = Archives { corpus: &options.path, inputs: BTreeMap::new(), golden: BTreeMap::new() };
    let mut report = Report::default();
    let mut times: Vec<(Duration, &str)> = Vec::new();
    let mut warned = 0;
    for case in &corpus.cases {
        if options.show.as_ref().is_some_and(|wanted| !case.id.contains(wanted.as_str())) {
            continue;
        }
        if options.render && case.expect != "ok" {
            continue;
        }
        let store = archives.input(&case.inputs)?;
        let ours = case.build(&store)?;
        if options.render {
            anyhow::ensure!(ours.stream.is_ok(), "{} does not build", case.id);
            continue;
        }
        if options.time {
            let begin = Instant::now();
            drop(case.build(&store)?);
            times.push((begin.elapsed(), &case.id));
        }
        let golden = case.golden(&mut archives)?;
        let verdict = case.judge(&golden, &ours);
        warned += usize::from(case.warns_as(&ours));
        if options.show.is_some() {
            case.show(&golden, &ours, verdict);
        }
        report.add(case.id.clone(), verdict);
    }
    if !options.render {
        say(&format!("warnings    {warned} of {}", report.len()));
    }
    times.sort_unstable_by_key(|(time, _)| std::cmp::Reverse(*time));
    for (time, id) in times.iter().take(15) {
        say(&format!("{:>9.3} ms, warm: {id}", time.as_secs_f64() * 1000.0));
    }
    if !times.is_empty() {
        let all: Duration = times.iter().map(|(time, _)| *time).sum();
        say(&format!("{:>9.3} ms, warm: all together", all.as_secs_f64() * 1000.0));
    }
    Ok(report)
}

impl Case {
    fn build(&self, store: &Arc<MemoryStore>) -> anyhow::Result<Outcome> {
        let tree = Arc::new(FileTree::new(store.clone(), filetree::Limits::default()));
        let root = TreePath::parse(&self.cwd)?;
        let target = root.join(&self.target)?;
        let mut options = ::kustomize::Options { root: ROOT, ..::kustomize::Options::default() };
        let words: Vec<&str> = self.args.iter().map(String::as_str).collect();
        for pair in words.chunks(2) {
            match pair {
                ["--load-restrictor", "LoadRestrictionsNone"] => {
                    options.load_restrictor = LoadRestrictor::None
                }
                ["--reorder", "none"] => options.order = Order::None,
                ["--reorder", "legacy"] => {}
                other => anyhow::bail!("{}: {other:?} is not known", self.id),
            }
        }
        // The command ran in the case's own directory, which the corpus calls the root.
        let own = if root.is_root() { ROOT.to_owned() } else { format!("{ROOT}/{}", root.as_str()) };
        Ok(match ::kustomize::build(&tree, &target, &options) {
            Ok(built) => Outcome { stream: Ok(::kustomize::print(&built)), warnings: built.warnings },
            Err(failure) => {
                let stream = Err(failure.to_string().replace(&own, ROOT));
                Outcome { stream, warnings: failure.warnings }
            }
        })
    }

    fn judge(&self, golden: &str, ours: &Outcome) -> Verdict {
        if self.expect == "error" {
            let text = ours.stream.as_ref().err().is_some_and(|ours| ours.trim_end() == self.error_text());
            return Verdict { passed: ours.stream.is_err(), text: Some(text), ..Verdict::default() };
        }
        match &ours.stream {
            Ok(ours) => compare::streams(ours, golden),
            Err(_) => Verdict::default(),
        }
    }

    /// What stands behind `Error: `.
    fn error_text(&self) -> &str {
        let (_, text) = self.stderr.split_once("Error: ").unwrap_or(("", &self.stderr));
        text.trim_end()
    }

    /// Whether the warnings are those of the command, times and the flags' own aside.
    fn warns_as(&self, ours: &Outcome) -> bool {
        let theirs: Vec<&str> =
            self.stderr.lines().take_while(|line| line.starts_with("# Warning")).collect();
        ours.warnings.iter().filter(|line| line.starts_with("# Warning")).eq(theirs)
    }

    fn golden(&self, archives: &mut Archives<'_>) -> anyhow::Result<String> {
        let (Some(golden), Some(path)) = (&self.golden, &self.golden_path) else { return Ok(String::new()) };
        let files = archives.golden(golden)?;
        let text = files.get(path).with_context(|| format!("{golden} has no {path}"))?;
        Ok(String::from_utf8(text.clone())?)
    }

    fn show(&self, golden: &str, ours: &Outcome, verdict: Verdict) {
        if verdict.passed && (verdict.bytes || verdict.text == Some(true)) {
            return;
        }
        say(&format!("{}: {verdict:?}", self.id));
        match (&ours.stream, self.expect.as_str()) {
            (Ok(ours), "ok") => say(&compare::difference(ours, golden)),
            (Ok(_), _) => say(&format!("  should fail: {}", self.error_text())),
            (Err(ours), "ok") => say(&format!("  fails: {ours}")),
            (Err(ours), _) => say(&format!("  theirs: {}\n  ours:   {ours}", self.error_text())),
        }
    }
}

/// The corpus's archives, each read once.
struct Archives<'a> {
    corpus: &'a Path,
    inputs: BTreeMap<String, Arc<MemoryStore>>,
    golden: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
}

impl Archives<'_> {
    fn input(&mut self, file: &str) -> anyhow::Result<Arc<MemoryStore>> {
        if let Some(store) = self.inputs.get(file) {
            return Ok(Arc::clone(store));
        }
        let mut store = MemoryStore::new();
        for (path, content) in unpack(&self.corpus.join(file))? {
            store.write(&TreePath::parse(&path)?, content);
        }
        let store = Arc::new(store);
        self.inputs.insert(file.to_owned(), Arc::clone(&store));
        Ok(store)
    }

    fn golden(&mut self, file: &str) -> anyhow::Result<&BTreeMap<String, Vec<u8>>> {
        if !self.golden.contains_key(file) {
            self.golden.insert(file.to_owned(), unpack(&self.corpus.join(file))?);
        }
        self.golden.get(file).context("it was put in above")
    }
}

fn unpack(path: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let packed = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(&*packed).take(MOST_BYTES));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let path = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            files.insert(path, content);
        }
    }
    Ok(files)
}
