//! A12 in small: a tree of which an application uses next to nothing costs next to nothing.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use filetree::{FileTree, Limits, TreePath};
use std::fmt::Write as _;
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;
use support::git::{Origins, command};
use support::{checkout, remote};

/// Files in `n` directories of 500, and one directory of 30,000.
fn fill(path: &std::path::Path) {
    let mut stream = String::from(
        "blob\nmark :1\ndata 1\nx\ncommit refs/heads/main\ncommitter A <a@example.org> 1700000000 +0000\ndata 1\nm\n",
    );
    for n in 0..30_000 {
        writeln!(stream, "M 100644 :1 apps/{:02}/f{n:05}.yaml\nM 100644 :1 flat/f{n:05}.yaml", n / 500)
            .unwrap();
    }
    let mut child = command("git")
        .args(["fast-import", "--quiet"])
        .current_dir(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn three_files_of_sixty_thousand_are_read_at_once() {
    let origins = Origins::new();
    let origin = origins.create("app");
    fill(&origin.path);
    let data = tempfile::tempdir().unwrap();
    let mut options = source::Options::new(data.path());
    options.allow_file = true;
    let sources = source::Sources::new(options).unwrap();
    let snapshot = checkout(&sources, &remote(&origin.file_url()), "main").await.unwrap();

    let start = Instant::now();
    let tree = FileTree::new(Arc::clone(&snapshot.store), Limits::default());
    for path in ["apps/07/f03500.yaml", "apps/59/f29999.yaml", "flat/f12345.yaml"] {
        assert_eq!(&*tree.read(&TreePath::parse(path).unwrap()).unwrap(), b"x", "{path}");
    }
    assert_eq!(tree.list(&TreePath::parse("apps/07").unwrap()).unwrap().len(), 500);
    let first = start.elapsed();

    // Once the few trees are decoded, checking what a render saw is look-ups alone.
    let reads = tree.reads();
    let start = Instant::now();
    for _ in 0..1000 {
        assert!(reads.holds(&*snapshot.store).unwrap());
    }
    let thousand = start.elapsed();
    println!("first reads {first:?}, a thousand checks of {} paths {thousand:?}", reads.len());
    assert!(first.as_millis() < 3000, "A12, unoptimised: {first:?}");
    assert!(thousand.as_millis() < 3000, "{thousand:?}");
}
