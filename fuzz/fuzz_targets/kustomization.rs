//! Files, each behind a line `=== path`: built as they are, twice with the same outcome, and never beyond the limits.
#![no_main]

use filetree::{FileTree, MemoryStore, TreePath};
use kustomize::{Limits, LoadRestrictor, Options};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

/// Files that are taken from one input.
const MAX_FILES: usize = 16;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut store = MemoryStore::new();
    // What stands before the first mark is the kustomization at the top.
    let (first, rest) = text.split_once("\n=== ").unwrap_or((text, ""));
    let mut write = |path: &str, content: &str| {
        if let Ok(path) = TreePath::parse(path)
            && !path.is_root()
        {
            store.write(&path, content);
        }
    };
    write("kustomization.yaml", first);
    for file in rest.split("\n=== ").take(MAX_FILES) {
        let (path, content) = file.split_once('\n').unwrap_or((file, ""));
        write(path, content);
    }
    let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
    let limits = Limits {
        resources: 100,
        bases: 20,
        depth: 8,
        bytes: 1 << 20,
        yaml_depth: 60,
        yaml_nodes: 5_000,
    };
    for load_restrictor in [LoadRestrictor::RootOnly, LoadRestrictor::None] {
        let options = Options { limits, load_restrictor, enable_helm: true, ..Options::default() };
        let build = || kustomize::build(&tree, &TreePath::root(), &options).map_err(|error| error.to_string());
        let built = build();
        assert_eq!(built, build());
        if let Ok(built) = built {
            assert!(built.resources.len() <= limits.resources);
            let stream = kustomize::print(&built);
            let read = goyaml::parse_all(stream.as_bytes(), &goyaml::Limits::default());
            assert_eq!(read.map(|documents| documents.len()).ok(), Some(built.resources.len()), "{stream}");
        }
    }
});
