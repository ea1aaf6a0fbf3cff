//! The first line is a file's name, the rest its content: what a repository may hold.
#![no_main]

use filetree::{FileTree, MemoryStore, TreePath};
use libfuzzer_sys::fuzz_target;
use render::{EnabledTools, Limits, Request};
use std::sync::Arc;

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let name = std::str::from_utf8(&data[..at]).unwrap_or("a.yaml");
    let Ok(file) = TreePath::root().join(name) else { return };
    if file.is_root() {
        return;
    }
    let mut store = MemoryStore::new();
    store.write(&file, &data[at..]);
    let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
    let limits = Limits { yaml_depth: 50, yaml_nodes: 5_000, objects: 50, ..Limits::default() };
    let source = api::ApplicationSource {
        directory: Some(api::ApplicationSourceDirectory { recurse: true, ..Default::default() }),
        ..Default::default()
    };
    let (tools, path) = (EnabledTools::default(), &TreePath::root());
    let context = &render::Context::default();
    let request =
        Request { tree: &tree, path, application: "web", source: &source, limits: &limits, tools, context };
    if let Ok(rendered) = render::render(&request) {
        assert!(rendered.manifests.iter().all(|manifest| manifest.origin.line >= 1));
    }
});
