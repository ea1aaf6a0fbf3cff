use crate::{FileError, FileTree, Kind, Limits, MemoryStore, TreePath};
use std::sync::Arc;

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn tree() -> MemoryStore {
    let mut store = MemoryStore::from_files([
        ("shared/x.yaml", "x"),
        ("apps/web/values.yaml", "v"),
        ("apps/deep/a/b/c.yaml", "c"),
    ])
    .unwrap();
    for (link, target) in [
        ("apps/web/passwd", "/etc/passwd"),
        ("apps/web/shared.yaml", "../../shared/x.yaml"),
        ("apps/web/above.yaml", "../../../x.yaml"),
        ("apps/out", "../.."),
        ("apps/alias", "web"),
        ("apps/loop", "loop"),
        ("apps/ping", "pong"),
        ("apps/pong", "ping"),
        ("apps/nowhere", "web/none"),
        ("apps/through-file", "web/values.yaml/x"),
        ("short", "apps/deep/a/b"),
        // `..` after a link goes up from where the link leads, as on a disk.
        ("up", "short/../../../web/values.yaml"),
    ] {
        store.link(&path(link), target);
    }
    for hop in 0..100 {
        store.link(&path(&format!("chain/{hop}")), &format!("{}", hop + 1));
    }
    store.write(&path("chain/100"), "end");
    store
}

#[test]
fn links_are_followed_inside_the_tree_only() {
    let rows: [(&str, &str, Result<&str, &str>); 14] = [
        (
            "A1 absolute",
            "apps/web/passwd",
            Err("apps/web/passwd: the link apps/web/passwd to '/etc/passwd' leaves the tree"),
        ),
        ("A2 loop", "apps/loop", Err("apps/loop: more than 40 symbolic links on the way")),
        ("A2 two-link loop", "apps/ping", Err("apps/ping: more than 40 symbolic links on the way")),
        ("A2 long chain", "chain/0", Err("chain/0: more than 40 symbolic links on the way")),
        ("A2 chain of 40", "chain/60", Ok("end")),
        ("A2 chain of 41", "chain/59", Err("chain/59: more than 40 symbolic links on the way")),
        ("A3 sibling", "apps/web/shared.yaml", Ok("x")),
        (
            "A3 one above the root",
            "apps/web/above.yaml",
            Err("apps/web/above.yaml: the link apps/web/above.yaml to '../../../x.yaml' leaves the tree"),
        ),
        (
            "A4 through a directory link that leaves",
            "apps/out/x",
            Err("apps/out/x: the link apps/out to '../..' leaves the tree"),
        ),
        ("through a directory link", "apps/alias/values.yaml", Ok("v")),
        ("link, then parent", "up", Ok("v")),
        ("dangling", "apps/nowhere", Err("apps/nowhere: no such file or directory")),
        ("through a file", "apps/through-file", Err("apps/through-file: no such file or directory")),
        ("a directory", "short", Err("short: is not a file")),
    ];
    for (row, at, expected) in rows {
        let tree = FileTree::new(Arc::new(tree()), Limits::default());
        let read = tree.read(&path(at)).map(|content| String::from_utf8_lossy(&content).into_owned());
        assert_eq!(
            read.map_err(|error| error.to_string()),
            expected.map(str::to_owned).map_err(str::to_owned),
            "{row}"
        );
    }
}

#[test]
fn kinds_and_lists_see_through_links() {
    let tree = FileTree::new(Arc::new(tree()), Limits::default());
    assert_eq!(tree.kind(&path("apps/alias")).unwrap(), Some(Kind::Directory));
    assert_eq!(tree.kind(&path("apps/nowhere")).unwrap(), None);
    assert!(matches!(tree.kind(&path("apps/out")), Err(FileError::LeavesTree { .. })), "A4");
    let names: Vec<_> =
        tree.list(&path("apps/alias")).unwrap().into_iter().map(|entry| (entry.name, entry.kind)).collect();
    let expected = [
        ("above.yaml", Kind::Symlink),
        ("passwd", Kind::Symlink),
        ("shared.yaml", Kind::Symlink),
        ("values.yaml", Kind::File { executable: false }),
    ];
    assert_eq!(names, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert!(matches!(tree.list(&path("apps/alias/values.yaml")), Err(FileError::NotADirectory { .. })));
}
