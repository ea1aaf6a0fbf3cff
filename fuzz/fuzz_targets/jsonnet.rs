//! Programs from a stranger: each ends within its limits, with data or an error.
#![no_main]

use std::sync::Arc;

use filetree::{FileTree, MemoryStore, TreePath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(store) = MemoryStore::from_files([("a.jsonnet", data), ("l.libsonnet", b"{ f(x):: [x, self] }".as_slice())]) else {
        return;
    };
    let tree = FileTree::new(Arc::new(store), filetree::Limits::default());
    let Ok(file) = TreePath::parse("a.jsonnet") else { return };
    let limits = jsonnet::Limits { steps: 100_000, bytes: 32 << 20, output_bytes: 1 << 20, ..jsonnet::Limits::default() };
    let variable = |name: &str, value: &str| jsonnet::Variable { name: name.to_owned(), value: value.to_owned(), code: true };
    let _ = jsonnet::evaluate(&jsonnet::Program {
        tree: &tree,
        file: &file,
        libraries: &[],
        external: &[variable("x", "{ a: 1 }")],
        arguments: &[variable("x", "[1, 2]")],
        limits: &limits,
        cancelled: None,
    });
});
