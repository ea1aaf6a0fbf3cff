//! `values.schema.json`: the first line is the values, the rest the schema.
#![no_main]

use filetree::{FileTree, MemoryStore, TreePath};
use helm::{Chart, LoadLimits, RenderLimits, SchemaLimits};
use libfuzzer_sys::fuzz_target;
use std::rc::Rc;
use std::sync::Arc;

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (values, schema) = data.split_at(at);
    let files = [
        ("Chart.yaml", b"{apiVersion: v2, name: c, version: 1.0.0}".as_slice()),
        ("values.yaml", values),
        ("values.schema.json", schema),
    ];
    let store = MemoryStore::from_files(files).expect("these are paths");
    let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
    let load = LoadLimits {
        yaml: goyaml::Limits { nodes: 2_000, ..goyaml::Limits::default() },
        ..LoadLimits::default()
    };
    let Ok(chart) = Chart::from_tree(&tree, &TreePath::root(), &load) else { return };
    let schema = SchemaLimits { steps: 50_000, pattern_bytes: 1 << 16, ..SchemaLimits::default() };
    let rendered = helm::render(&helm::Request {
        chart: &Arc::new(chart),
        release: &helm::Release { name: "r".into(), namespace: "ns".into(), revision: 1, is_upgrade: false },
        values: &serde_json::Map::new(),
        capabilities: &helm::Capabilities::default(),
        world: Rc::new(sprig::Host::new(sprig::Fixed::new(sprig::Moment { seconds: 0, nanos: 0 }, 7))),
        lookup: None,
        include_crds: false,
        skip_schema: false,
        limits: &RenderLimits { schema, ..RenderLimits::default() },
        cancelled: None,
        cache: None,
    });
    if let Err(error) = rendered {
        assert!(!error.to_string().is_empty());
    }
});
