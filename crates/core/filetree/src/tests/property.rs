//! Cached ≡ fresh, on random trees, readers and edits.

use crate::{FileTree, Limits, MemoryStore, TreePath};
use dice::Dice;
use std::sync::Arc;

/// Few names and little depth, so that paths meet.
fn path(dice: &mut Dice) -> TreePath {
    let depth = 1 + dice.roll(3);
    let names: Vec<_> = (0..depth).map(|_| ["a", "b", "c", "d"][dice.roll(4)]).collect();
    TreePath::parse(&names.join("/")).unwrap()
}

fn edit(dice: &mut Dice, store: &mut MemoryStore) {
    let at = path(dice);
    match dice.roll(6) {
        0 => drop(store.remove(&at)),
        1 => store.link(&at, ["a", "../b", "./c/d", "../../a", "b/../c", "/x", "../../../.."][dice.roll(7)]),
        2 => drop(store.rename(&at, &path(dice))),
        3 => store.write_executable(&at, ["1", "2"][dice.roll(2)]),
        _ => store.write(&at, ["1", "2", "3"][dice.roll(3)]),
    }
}

/// A render in small: what it does next depends on what it saw.
fn render(tree: &FileTree, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let mut out = String::new();
    for _ in 0..1 + dice.roll(5) {
        let path = path(&mut dice);
        match dice.roll(3) {
            0 => out += &format!("read {:?};", tree.read(&path).map_err(|error| error.to_string())),
            1 => out += &format!("kind {:?};", tree.kind(&path).map_err(|error| error.to_string())),
            _ => match tree.list(&path) {
                Ok(entries) => {
                    for entry in entries {
                        out += &format!("{} {:?};", entry.name, entry.kind);
                        let child = path.join(&entry.name).unwrap();
                        out += &format!("{:?};", tree.read(&child).map_err(|error| error.to_string()));
                    }
                }
                Err(error) => out += &error.to_string(),
            },
        }
    }
    out
}

#[test]
fn a_result_whose_record_holds_is_the_fresh_one() {
    let (mut held, mut broken, mut needless) = (0, 0, 0);
    for seed in 1..=600_u64 {
        let mut dice = Dice::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut store = MemoryStore::new();
        (0..20).for_each(|_| edit(&mut dice, &mut store));
        let first = FileTree::new(Arc::new(store.clone()), Limits::default());
        let cached = render(&first, seed);
        for _ in 0..12 {
            edit(&mut dice, &mut store);
            let fresh = render(&FileTree::new(Arc::new(store.clone()), Limits::default()), seed);
            if first.reads().holds(&store).unwrap() {
                assert_eq!(cached, fresh, "seed {seed}");
                held += 1;
            } else {
                broken += 1;
                needless += usize::from(cached == fresh);
            }
        }
    }
    assert!(held > 1000 && broken > 1000, "the dice see both: {held} held, {broken} broken");
    assert!(needless * 3 < broken, "of {broken} records that did not hold, {needless} broke for nothing");
}
