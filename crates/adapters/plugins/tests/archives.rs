//! What plugins are sent.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use filetree::{FileTree, MemoryStore, TreePath};
use plugins::{Archive, pack};

fn store() -> MemoryStore {
    let mut store = MemoryStore::from_files([
        ("README.md", "top"),
        ("apps/web/plugin.yaml", "a: 1"),
        ("apps/web/data.bin", "binary"),
        ("apps/base/b.yaml", "b: 1"),
        ("docs/guide.md", "words"),
    ])
    .expect("paths");
    let path = |text: &str| TreePath::parse(text).expect("a path");
    store.link(&path("apps/web/base"), "../base");
    store.link(&path("apps/web/same"), "plugin.yaml");
    store.link(&path("apps/web/outside"), "../../../etc/passwd");
    store.link(&path("apps/web/nowhere"), "missing");
    store.link(&path("apps/web/up"), "../../README.md");
    store
}

fn packed(root: &str, excluded: &[&str]) -> Result<Archive, String> {
    let tree = FileTree::new(Arc::new(store()), filetree::Limits::default());
    let excluded: Vec<String> = excluded.iter().map(|pattern| (*pattern).to_owned()).collect();
    pack(&tree, &TreePath::parse(root).expect("a path"), &excluded, 1 << 20)
        .map_err(|error| error.to_string())
}

/// Paths, and what is there: a text, `-> target`, or `/` for a directory.
fn contents(archive: &Archive) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&archive.bytes[..]));
    for entry in tar.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let content = match entry.header().entry_type() {
            tar::EntryType::Directory => "/".to_owned(),
            tar::EntryType::Symlink => {
                format!("-> {}", entry.link_name().expect("readable").expect("a target").to_string_lossy())
            }
            _ => {
                let mut text = String::new();
                entry.read_to_string(&mut text).expect("a text");
                text
            }
        };
        found.insert(path, content);
    }
    found
}

#[test]
fn a_tree_is_packed_but_what_is_left_out() {
    let all = [
        ("README.md", "top"),
        ("apps/", "/"),
        ("apps/base/", "/"),
        ("apps/base/b.yaml", "b: 1"),
        ("apps/web/", "/"),
        ("apps/web/base", "-> ../base"),
        ("apps/web/data.bin", "binary"),
        ("apps/web/plugin.yaml", "a: 1"),
        ("apps/web/same", "-> plugin.yaml"),
        ("apps/web/up", "-> ../../README.md"),
        ("docs/", "/"),
        ("docs/guide.md", "words"),
    ];
    let without = |names: &[&str]| -> Vec<(&str, &str)> {
        all.into_iter().filter(|(path, _)| !names.iter().any(|name| path.starts_with(name))).collect()
    };
    // Patterns are for whole paths, and `*` ends at a slash, as in Go.
    type Row<'a> = (&'a str, &'a str, &'a [&'a str], Vec<(&'a str, &'a str)>);
    let rows: [Row<'_>; 5] = [
        ("everything", "", &[], all.to_vec()),
        ("a directory", "", &["docs"], without(&["docs"])),
        ("files by pattern", "", &["*.bin", "apps/*/*.bin"], without(&["apps/web/data.bin"])),
        ("what fits nothing", "", &["*.yaml", "web"], all.to_vec()),
        (
            "a part, without links out of it",
            "apps/web",
            &[],
            vec![("data.bin", "binary"), ("plugin.yaml", "a: 1"), ("same", "-> plugin.yaml")],
        ),
    ];
    for (name, root, excluded, expected) in rows {
        let found = contents(&packed(root, excluded).expect(name));
        let found: Vec<(&str, &str)> =
            found.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(packed("", &[]).expect("bytes").checksum, packed("", &[]).expect("bytes").checksum);
}

#[test]
fn what_cannot_be_packed_is_said() {
    let rows: [(&str, &str, &[&str], &str); 3] = [
        ("no pattern", "", &["[a"], "pattern \"[a\" of files to leave out is none"),
        ("nothing left", "docs", &["*"], "there are no files to send in \"docs\""),
        ("no directory", "nowhere", &[], "nowhere: no such file or directory"),
    ];
    for (name, root, excluded, expected) in rows {
        assert_eq!(packed(root, excluded).expect_err(name), expected, "{name}");
    }
    let large = MemoryStore::from_files([("a", "x"), ("b", "y")]).expect("paths");
    let tree =
        FileTree::new(Arc::new(large), filetree::Limits { total_bytes: 1, ..filetree::Limits::default() });
    assert!(
        pack(&tree, &TreePath::root(), &[], 1 << 20)
            .expect_err("too large")
            .to_string()
            .contains("more than 1 bytes")
    );
    let tree = FileTree::new(Arc::new(store()), filetree::Limits::default());
    let error = pack(&tree, &TreePath::root(), &[], 10).expect_err("too large").to_string();
    assert!(error.contains("more than 10 bytes when compressed"), "{error}");
}
