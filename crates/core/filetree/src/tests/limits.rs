use crate::{FileError, FileTree, Limits, MemoryStore, TreePath};
use std::sync::Arc;

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

#[test]
fn sizes_are_capped_by_file_and_together() {
    let store =
        MemoryStore::from_files([("small", "1234"), ("other", "5678"), ("big", "0123456789")]).unwrap();
    let tree = FileTree::new(Arc::new(store), Limits { file_bytes: 8, total_bytes: 7, link_hops: 40 });
    assert!(matches!(tree.read(&path("big")), Err(FileError::TooLarge { bytes: 10, limit: 8, .. })), "A11");
    assert!(tree.read(&path("small")).is_ok());
    assert!(tree.read(&path("small")).is_ok(), "a second read counts nothing");
    assert!(matches!(tree.read(&path("other")), Err(FileError::TotalTooLarge { limit: 7, .. })));
}

#[test]
fn records_hold_only_where_the_same_would_be_seen() {
    let mut store =
        MemoryStore::from_files([("apps/a.yaml", "a"), ("apps/b.yaml", "b"), ("lib/c.yaml", "c")]).unwrap();
    store.link(&path("alias"), "lib");
    type Act = fn(&FileTree);
    type Edit = fn(&mut MemoryStore);
    let rows: [(&str, Act, Edit, bool); 11] = [
        (
            "other file changed",
            |t| drop(t.read(&path("apps/a.yaml"))),
            |s| s.write(&path("apps/b.yaml"), "B"),
            true,
        ),
        (
            "file changed",
            |t| drop(t.read(&path("apps/a.yaml"))),
            |s| s.write(&path("apps/a.yaml"), "A"),
            false,
        ),
        (
            "file made executable",
            |t| drop(t.read(&path("apps/a.yaml"))),
            |s| s.write_executable(&path("apps/a.yaml"), "a"),
            false,
        ),
        ("listed, file added", |t| drop(t.list(&path("apps"))), |s| s.write(&path("apps/n"), ""), false),
        ("asked for, file added", |t| drop(t.kind(&path("apps"))), |s| s.write(&path("apps/n"), ""), true),
        ("absent, added", |t| drop(t.kind(&path("apps/n"))), |s| s.write(&path("apps/n"), ""), false),
        ("absent deep, parent added", |t| drop(t.kind(&path("x/y/z"))), |s| s.write(&path("x/o"), ""), false),
        (
            "absent, directory became a link",
            |t| drop(t.kind(&path("apps/c.yaml"))),
            |s| s.link(&path("apps"), "lib"),
            false,
        ),
        (
            "below a file, file became a directory",
            |t| drop(t.kind(&path("apps/a.yaml/x"))),
            |s| s.write(&path("apps/a.yaml/x"), ""),
            false,
        ),
        (
            "link retargeted",
            |t| drop(t.read(&path("alias/c.yaml"))),
            |s| s.link(&path("alias"), "apps"),
            false,
        ),
        (
            "other link added",
            |t| drop(t.read(&path("alias/c.yaml"))),
            |s| s.link(&path("alias2"), "apps"),
            true,
        ),
    ];
    for (row, act, edit, expected) in rows {
        let tree = FileTree::new(Arc::new(store.clone()), Limits::default());
        act(&tree);
        assert!(tree.reads().holds(&store).unwrap(), "{row}: unchanged");
        let mut edited = store.clone();
        edit(&mut edited);
        assert_eq!(tree.reads().holds(&edited).unwrap(), expected, "{row}");
    }
}

#[test]
fn directories_have_ids_by_content() {
    use crate::Store;
    let one = MemoryStore::from_files([("a/b/c", "1"), ("d", "2")]).unwrap();
    let mut two = MemoryStore::from_files([("d", "2"), ("a/b/x", "1")]).unwrap();
    assert_ne!(one.entry(&TreePath::root()).unwrap(), two.entry(&TreePath::root()).unwrap());
    assert!(two.rename(&path("a/b/x"), &path("a/b/c")).unwrap());
    assert_eq!(one.entry(&TreePath::root()).unwrap(), two.entry(&TreePath::root()).unwrap());
    assert!(two.rename(&path("a"), &path("a/b")).is_err(), "not into itself");
    two.write(&path("a"), "file");
    assert!(two.entry(&path("a/b/c")).unwrap().is_none());
}
