//! Filters, orders, cursors and fields of strangers: all end, and what is wrong is named at a place inside of the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use query::{Cursor, Facet, Fields, Filter, QueryError, Row, Sort};
use serde_json::json;

fuzz_target!(|text: &str| {
    let app = json!({
        "metadata": {"name": "web", "namespace": "argocd", "labels": {"env": "prod"}, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"project": "shop", "source": {"repoURL": "https://git.example/web.git", "path": "a"}},
        "status": {"health": {"status": "Degraded"}, "summary": {"images": ["web:1"]}},
    });
    let (row, now) = (Row::of(&app), "2026-01-02T00:00:00Z".parse().unwrap());
    let within = |error: QueryError| assert!(error.position <= text.chars().count(), "{error}");
    match Filter::parse(text) {
        Ok(filter) => {
            // A single term and its opposite are never both true.
            let taken = filter.takes(&row, now);
            if text.split_whitespace().count() == 1 && !text.trim().starts_with('-') && !text.contains('"') {
                let opposite = Filter::parse(&format!("-{}", text.trim())).expect("a term can be negated");
                assert_ne!(taken, opposite.takes(&row, now), "{text}");
            }
        }
        Err(error) => within(error),
    }
    if let Err(error) = Sort::parse(text) {
        within(error);
    }
    if let Err(error) = Facet::parse(text) {
        within(error);
    }
    if let Err(error) = Fields::parse(text) {
        within(error);
    }
    if let Ok(cursor) = Cursor::parse(text, Sort::default()) {
        assert_eq!(Cursor::parse(&cursor.text(), Sort::default()), Ok(cursor));
    }
});
