//! `helmCharts` against the verdicts of kustomize v5.8.2 with helm v3.22.0 (`tools/kustomize-oracle`).

use std::fmt::Write as _;
use std::sync::Arc;

use filetree::{FileTree, MemoryStore, TreePath};
use kustomize::Options;
use serde_json::Value;

/// What stands in the oracle's texts for the directory of a case.
const ROOT: &str = "ROOT";

/// A case as it is recorded, built here.
fn ours(case: &Value) -> Result<String, String> {
    let files = case["files"].as_object().expect("files");
    let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str().expect("a text")));
    let store = MemoryStore::from_files(files).expect("paths of a test");
    let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
    let flags = &case["helm"];
    let api_versions: Vec<String> = flags["apiVersions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let options = Options {
        root: ROOT,
        enable_helm: flags["off"] != true,
        kube_version: flags["kubeVersion"].as_str(),
        api_versions: &api_versions,
        ..Options::default()
    };
    let target =
        TreePath::parse(case["config"].as_str().expect("a path").trim_start_matches('.')).expect("a path");
    let built = kustomize::build(&tree, &target, &options).map_err(|failure| failure.to_string())?;
    Ok(kustomize::print(&built))
}

/// Whether ours says what theirs does. What helm says ends ours.
fn same_error(ours: &str, theirs: &str) -> bool {
    match theirs.split_once("Error: ") {
        Some((before, of_helm)) => {
            let of_helm = of_helm.split("\n\nUse --debug").next().unwrap_or_default();
            ours.starts_with(before) && ours.trim_end().ends_with(of_helm.trim_end())
        }
        // What they print of Go's memory and of values is not for people.
        None => {
            theirs.contains("0x") || theirs.contains("node contents") || ours.trim_end() == theirs.trim_end()
        }
    }
}

#[test]
fn charts_are_those_of_the_peer() {
    let mut wrong = String::new();
    for line in include_str!("cases/charts.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("a line of JSON");
        let (ours, expected) = (ours(&case), &case["expected"]);
        let same = match (&ours, expected["error"].as_str()) {
            (Ok(ours), None) => Some(ours.as_str()) == expected.as_str(),
            (Err(ours), Some(theirs)) => same_error(ours, theirs),
            (Ok(_), Some(_)) | (Err(_), None) => false,
        };
        if !same {
            write!(wrong, "{}\n  theirs: {expected:?}\n  ours:   {ours:?}\n", case["name"]).expect("a text");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
