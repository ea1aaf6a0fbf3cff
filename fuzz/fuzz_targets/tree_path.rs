//! Lines: a path and a link's target. Whatever they say, the result lies inside the tree.
#![no_main]

use filetree::{FileTree, Limits, MemoryStore, TreePath};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|text: &str| {
    let (path, target) = text.split_once('\n').unwrap_or((text, ".."));
    let Ok(path) = TreePath::parse(path) else { return };
    assert!(path.names().all(|name| !matches!(name, "" | "." | "..")), "{path:?}");
    // Alone, a first name such as `c:` would be taken for a drive.
    assert_eq!(TreePath::parse(&format!("./{}", path.as_str())).as_ref(), Ok(&path));
    if let Ok(joined) = path.join(target) {
        assert!(joined.names().all(|name| !matches!(name, "" | "." | "..")), "{joined:?}");
    }
    if path.is_root() {
        return;
    }
    let mut store = MemoryStore::new();
    store.link(&path, target);
    let tree = FileTree::new(Arc::new(store), Limits::default());
    let _ = tree.read(&path);
    let _ = tree.list(&path);
});
