//! Deep links of settings and their conditions: all end, and what is wrong is named.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let data = json!({"app": {"kind": "Application", "metadata": {"name": "web", "labels": {"a": "b"}}}, "project": {}});
    if let Ok(links) = links::parse(text) {
        let (shown, problems) = links::evaluate(&links, &data, 0);
        assert!(shown.len() + problems.len() <= links.len() * 2);
    }
});
