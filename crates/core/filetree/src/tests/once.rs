//! What was asked is not asked again.

use crate::{ContentId, Entry, FileError, FileTree, Kind, Limits, MemoryStore, Store, TreePath};
use std::sync::{Arc, Mutex};

struct Counting(MemoryStore, Mutex<Vec<String>>);

impl Store for Counting {
    fn entry(&self, path: &TreePath) -> Result<Option<(Kind, ContentId)>, FileError> {
        self.1.lock().unwrap().push(path.to_string());
        self.0.entry(path)
    }

    fn read(&self, path: &TreePath, cap_bytes: u64) -> Result<Arc<[u8]>, FileError> {
        self.0.read(path, cap_bytes)
    }

    fn list(&self, path: &TreePath) -> Result<Vec<Entry>, FileError> {
        self.0.list(path)
    }
}

#[test]
fn the_store_is_asked_once_for_what_is_there_and_for_what_is_not() {
    let path = |text| TreePath::parse(text).unwrap();
    let mut memory = MemoryStore::new();
    memory.write(&path("a/b"), "x");
    let store = Arc::new(Counting(memory, Mutex::default()));
    let tree = FileTree::new(Arc::clone(&store) as Arc<dyn Store>, Limits::default());
    for _ in 0..3 {
        assert!(tree.kind(&path("a/b")).unwrap().is_some_and(Kind::is_file));
        assert_eq!(&*tree.read(&path("a/b")).unwrap(), b"x");
        assert_eq!(tree.kind(&path("a/none")).unwrap(), None);
    }
    let mut asked = std::mem::take(&mut *store.1.lock().unwrap());
    let all = asked.len();
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked.len(), all, "{asked:?}");
}
