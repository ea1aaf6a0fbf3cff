//! `index.yaml`. What is read keeps to its bounds, and every version that is found by range is one of the index.
#![no_main]

use charts::Index;
use libfuzzer_sys::fuzz_target;

/// Versions an index may have here.
const MOST: usize = 200;

fuzz_target!(|text: &[u8]| {
    let Ok(index) = Index::parse(text, MOST) else { return };
    assert!(index.versions() <= MOST);
    let mut versions = 0;
    for chart in index.charts() {
        let entries: Vec<_> = index.entries(chart).into_iter().flatten().collect();
        versions += entries.len();
        for revision in ["", "1.x", ">0.0.0-0"] {
            if let Some(found) = index.resolve(chart, revision) {
                assert!(entries.contains(&found), "{found:?}");
            }
        }
        for entry in &entries {
            // The very version is found, at its first place; blanks around a version cannot be asked for.
            if entry.version.trim() == entry.version {
                let found = index.resolve(chart, entry.version).map(|found| found.version);
                assert_eq!(found, Some(entry.version));
            }
        }
    }
    assert_eq!(versions, index.versions());
});
