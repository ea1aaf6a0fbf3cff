//! Resources, a line of `===`, a patch: merged into what it names or run on all, and never otherwise the second time.
#![no_main]

use filetree::{FileTree, MemoryStore, TreePath};
use kustomize::{Limits, Options};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

const BY_NAME: &str = "resources: [r.yaml]\npatches: [{path: p.yaml}]\n";
const BY_TARGET: &str = "resources: [r.yaml]\npatches: [{path: p.yaml, target: {name: .*}}]\n";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (resources, patch) = text.split_once("\n===\n").unwrap_or((text, ""));
    let limits = Limits { resources: 50, yaml_depth: 60, yaml_nodes: 5_000, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    for kustomization in [BY_NAME, BY_TARGET] {
        let files = [("kustomization.yaml", kustomization), ("r.yaml", resources), ("p.yaml", patch)];
        let Ok(store) = MemoryStore::from_files(files) else { return };
        let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
        let build = || kustomize::build(&tree, &TreePath::root(), &options).map_err(|error| error.to_string());
        assert_eq!(build(), build());
    }
});
