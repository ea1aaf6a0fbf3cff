//! Git, memory and the disk show a renderer the same tree, and a result whose read set holds on a new commit is the fresh one.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use dice::Dice;
use filetree::{FileTree, Limits, MemoryStore, Store, TreePath};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use support::git::Origins;
use support::{checkout, remote};

fn path(dice: &mut Dice) -> String {
    let depth = 1 + dice.roll(3);
    (0..depth).map(|_| ["a", "b", "c", "d"][dice.roll(4)]).collect::<Vec<_>>().join("/")
}

fn clear(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        fs::remove_dir_all(path).unwrap();
    } else {
        drop(fs::remove_file(path));
    }
}

fn edit(dice: &mut Dice, root: &Path) {
    let path = path(dice);
    let mut way = root.to_owned();
    for name in path.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev() {
        way.push(name);
        if !fs::symlink_metadata(&way).is_ok_and(|metadata| metadata.is_dir()) {
            clear(&way);
            fs::create_dir(&way).unwrap();
        }
    }
    let path = root.join(path);
    clear(&path);
    match dice.roll(5) {
        0 => {}
        1 => symlink(["a", "../b", "./c/d", "../../a", "b/../c", "/x", "../../../.."][dice.roll(7)], path)
            .unwrap(),
        2 => {
            fs::write(&path, "run").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        _ => fs::write(&path, ["1", "2", "3"][dice.roll(3)]).unwrap(),
    }
}

/// Git has no empty directories, so nobody else may.
fn remove_empty(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() && entry.file_name() != ".git" {
            remove_empty(&entry.path());
            drop(fs::remove_dir(entry.path()));
        }
    }
}

fn load(store: &mut MemoryStore, root: &Path, at: &TreePath) {
    for entry in fs::read_dir(root.join(at.as_str())).unwrap() {
        let entry = entry.unwrap();
        let path = at.join(entry.file_name().to_str().unwrap()).unwrap();
        let kind = entry.file_type().unwrap();
        if path.as_str() == ".git" {
            continue;
        } else if kind.is_symlink() {
            store.link(&path, fs::read_link(entry.path()).unwrap().to_str().unwrap());
        } else if kind.is_dir() {
            load(store, root, &path);
        } else if entry.metadata().unwrap().permissions().mode() & 0o100 != 0 {
            store.write_executable(&path, fs::read(entry.path()).unwrap());
        } else {
            store.write(&path, fs::read(entry.path()).unwrap());
        }
    }
}

/// A render in small: what it does next depends on what it saw.
fn render(tree: &FileTree, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let mut out = String::new();
    let read = |path: &TreePath| format!("{:?};", tree.read(path).map_err(|error| error.to_string()));
    for _ in 0..1 + dice.roll(4) {
        let path = TreePath::parse(&path(&mut dice)).unwrap();
        match dice.roll(3) {
            0 => out += &read(&path),
            1 => out += &format!("{:?};", tree.kind(&path).map_err(|error| error.to_string())),
            _ => match tree.list(&path) {
                Ok(entries) => {
                    for entry in entries {
                        out += &format!(
                            "{} {:?} {}",
                            entry.name,
                            entry.kind,
                            read(&path.join(&entry.name).unwrap())
                        );
                    }
                }
                Err(error) => out += &error.to_string(),
            },
        }
    }
    out
}

#[tokio::test]
async fn stores_agree_and_cached_is_fresh() {
    let origins = Origins::new();
    let origin = origins.create("app");
    let data = tempfile::tempdir().unwrap();
    let mut options = source::Options::new(data.path());
    options.allow_file = true;
    let sources = source::Sources::new(options).unwrap();
    let remote = remote(&origin.file_url());
    let mut dice = Dice::new(0x9E37_79B9_7F4A_7C15);
    let mut cached = Vec::new();
    let (mut held, mut broken) = (0, 0);
    for round in 0..25 {
        for _ in 0..if round == 0 { 30 } else { 1 } {
            edit(&mut dice, &origin.path);
        }
        remove_empty(&origin.path);
        origin.commit("edit");
        let snapshot = checkout(&sources, &remote, "main").await.unwrap();
        let mut memory = MemoryStore::new();
        load(&mut memory, &origin.path, &TreePath::root());
        let memory: Arc<dyn Store> = Arc::new(memory);
        let disk: Arc<dyn Store> = Arc::new(source::open_dir(&origin.path).unwrap());
        for seed in 1..=60_u64 {
            let fresh =
                |store: &Arc<dyn Store>| render(&FileTree::new(Arc::clone(store), Limits::default()), seed);
            let expected = fresh(&snapshot.store);
            assert_eq!(fresh(&memory), expected, "memory, round {round}, seed {seed}");
            assert_eq!(fresh(&disk), expected, "disk, round {round}, seed {seed}");
        }
        for (seed, text, reads) in &cached {
            let reads: &filetree::ReadSet = reads;
            if reads.holds(&*snapshot.store).unwrap() {
                assert_eq!(
                    &render(&FileTree::new(Arc::clone(&snapshot.store), Limits::default()), *seed),
                    text
                );
                held += 1;
            } else {
                broken += 1;
            }
        }
        for seed in 1..=60_u64 {
            let tree = FileTree::new(Arc::clone(&snapshot.store), Limits::default());
            cached.push((seed, render(&tree, seed), tree.reads()));
        }
    }
    assert!(held > 1000 && broken > 1000, "{held} held, {broken} broken");
}
