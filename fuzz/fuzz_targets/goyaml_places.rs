//! Documents and fields are found where the text has them.
#![no_main]

use goyaml::Document;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let limits = goyaml::Limits { bytes: 1 << 20, depth: 50, nodes: 2_000, documents: 100 };
    let Ok(documents) = goyaml::parse_all(data, &limits) else { return };
    // A line ends with any of YAML 1.1's breaks, none of which is shorter than a byte.
    let lines = data.len() + 1;
    for document in &documents {
        assert!((1..=lines).contains(&document.start.line), "{:?}", document.start);
        visit(document, &document.value, &mut Vec::new(), lines);
    }
});

fn visit<'v>(document: &Document, value: &'v Value, path: &mut Vec<&'v str>, lines: usize) {
    if let Some(mark) = document.locate(path) {
        assert!((1..=lines).contains(&mark.line) && mark.column >= 1, "{path:?} at {mark:?}");
    }
    for (name, child) in value.as_object().into_iter().flatten() {
        path.push(name);
        visit(document, child, path, lines);
        path.pop();
    }
}
