//! An index of the form of the largest that are published, in small (they have 500 charts with 200 versions: 53 MiB of text, 1 to 3 s
//! when optimised, 10 MiB kept, no more than that beside the text while it is read).

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use charts::{Index, Limits};
use std::fmt::Write;
use std::time::Instant;

const CHARTS: usize = 10;
const VERSIONS: usize = 200;

/// As `helm repo index` writes it, with what charts usually say of themselves.
fn index() -> String {
    let mut text = "apiVersion: v1\nentries:\n".to_owned();
    for chart in 0..CHARTS {
        writeln!(text, "  chart-{chart}:").unwrap();
        for version in 0..VERSIONS {
            let digest = format!("{:064x}", chart * VERSIONS + version);
            write!(
                text,
                "  - annotations:\n      category: Database\n    apiVersion: v2\n    appVersion: 1.{version}.0\n    created: \"2024-01-01T00:00:00.000000000Z\"\n    description: A chart that runs a program in Kubernetes, with a description\n      that goes over two lines.\n    digest: {digest}\n    home: https://example.com/chart-{chart}\n    keywords:\n    - one\n    - two\n    maintainers:\n    - name: Somebody\n      url: https://example.com\n    name: chart-{chart}\n    urls:\n    - https://charts.example.com/chart-{chart}-1.{version}.0.tgz\n    version: 1.{version}.0\n"
            )
            .unwrap();
        }
    }
    text.push_str("generated: \"2024-01-01T00:00:00Z\"\n");
    text
}

#[test]
fn a_large_index_is_read_piece_by_piece() {
    let text = index();
    let begun = Instant::now();
    let index = Index::parse(text.as_bytes(), Limits::default().versions).unwrap();
    let elapsed = begun.elapsed();
    assert_eq!(index.versions(), CHARTS * VERSIONS);
    let entry = index.resolve("chart-9", "1.x").unwrap();
    assert_eq!(entry.version, "1.199.0");
    assert_eq!(entry.url, "https://charts.example.com/chart-9-1.199.0.tgz");
    assert!(index.bytes() < text.len() / 3, "{} bytes of memory for {} of text", index.bytes(), text.len());
    println!("{} KiB of text in {elapsed:?}, {} KiB kept", text.len() / 1024, index.bytes() / 1024);
}
