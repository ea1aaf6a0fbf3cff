//! Small charts, and what helm 3.22.0 made of them (`tools/helm-oracle/record` writes the verdicts).
//!
//! Each file of `tests/cases` has the files of a chart between lines of `-- path --`, the flags in a line `args: …`, and the verdict at the end.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use helm::{Chart, Given, KubeVersion, Printing};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

struct Case {
    args: Vec<String>,
    files: BTreeMap<String, String>,
    verdict: String,
}

/// Words of a shell, without anything but quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn read(text: &str) -> Case {
    let (mut case, mut path) =
        (Case { args: Vec::new(), files: BTreeMap::new(), verdict: String::new() }, String::new());
    for line in text.lines() {
        if path == "verdict" {
            case.verdict.push_str(line);
            case.verdict.push('\n');
        } else if let Some(name) = line.strip_prefix("-- ").and_then(|line| line.strip_suffix(" --")) {
            path = name.to_owned();
            case.files.insert(path.clone(), String::new());
        } else if let Some(file) = case.files.get_mut(&path) {
            file.push_str(line);
            file.push('\n');
        } else if let Some(args) = line.strip_prefix("args: ") {
            case.args = words(args);
        }
    }
    case.files.remove("verdict");
    case
}

fn run(case: &Case) -> Result<String, helm::Error> {
    let files = case.files.iter().map(|(path, text)| (path.as_str(), text));
    let store = filetree::MemoryStore::from_files(files).unwrap();
    let tree = Arc::new(filetree::FileTree::new(Arc::new(store), filetree::Limits::default()));
    let limits = helm::RenderLimits::default();
    let (mut given, mut printing) = (Vec::new(), Printing::default());
    let (mut include_crds, mut skip_schema, mut is_upgrade) = (false, false, false);
    let mut capabilities =
        helm::Capabilities { kube_version: KubeVersion::parse("1.34.0")?, ..helm::Capabilities::default() };
    let mut args = case.args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap();
        match arg {
            "-f" => {
                let name = value();
                given.push(Given::File(name, case.files[name].as_bytes()));
            }
            "--set" => given.push(Given::Set(value())),
            "--set-json" => given.push(Given::SetJson(value())),
            "--skip-tests" => printing.skip_tests = true,
            "--no-hooks" => printing.no_hooks = true,
            "-s" => printing.show_only.push(value().to_owned()),
            "-a" => capabilities.api_versions.push(value().to_owned()),
            "--include-crds" => include_crds = true,
            "--skip-schema-validation" => skip_schema = true,
            "--is-upgrade" => is_upgrade = true,
            other => panic!("{other} is not known here"),
        }
    }
    let values = helm::assemble(&given, &limits.yaml)?;
    let path = filetree::TreePath::parse("chart").unwrap();
    let chart = Arc::new(Chart::from_tree(&tree, &path, &helm::LoadLimits::default())?);
    let world = sprig::Fixed::new(sprig::Moment { seconds: 0, nanos: 0 }, 7);
    let rendered = helm::render(&helm::Request {
        chart: &chart,
        release: &helm::Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade },
        values: &values,
        capabilities: &capabilities,
        world: Rc::new(sprig::Host::new(world)),
        lookup: None,
        include_crds,
        skip_schema,
        limits: &limits,
        cancelled: None,
        cache: None,
    })?;
    helm::print(&rendered, &printing)
}

#[test]
fn as_helm_does() {
    let mut failed = Vec::new();
    let mut paths: Vec<_> =
        std::fs::read_dir("tests/cases").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let case = read(&std::fs::read_to_string(&path).unwrap());
        let ours = run(&case).unwrap_or_else(|error| format!("Error: {error}"));
        if ours.trim() != case.verdict.trim() {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            failed.push(format!("{name}\n  theirs:\n{}\n  ours:\n{ours}", case.verdict));
        }
    }
    assert!(failed.is_empty(), "{} differ:\n{}", failed.len(), failed.join("\n"));
}
