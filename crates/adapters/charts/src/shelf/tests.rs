use super::{BLOCK_BYTES, Shelf};
use crate::digest::Digest;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn put(shelf: &Shelf, text: &str) -> Digest {
    let name = Digest::of(text.as_bytes());
    shelf.write(&name, &[text.as_bytes()]).unwrap();
    name
}

fn get(shelf: &Shelf, name: &Digest) -> Option<String> {
    let content = shelf.read(name, |content| Digest::of(content) == *name)?;
    Some(String::from_utf8(content).unwrap())
}

#[test]
fn what_was_not_read_for_longest_goes() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(dir.path().join("x"), 2 * BLOCK_BYTES).unwrap();
    let (a, b) = (put(&shelf, "aaaa"), put(&shelf, "bbbb"));
    assert_eq!(get(&shelf, &a).as_deref(), Some("aaaa"));
    let c = put(&shelf, "cccc");
    assert_eq!((get(&shelf, &a).is_some(), get(&shelf, &b), get(&shelf, &c).is_some()), (true, None, true));
    assert_eq!(fs::read_dir(dir.path().join("x")).unwrap().count(), 2);
    let large = put(&shelf, &"larger than everything".repeat(1000));
    assert!(get(&shelf, &large).is_some(), "the newest stays, also alone over the budget");
    assert_eq!(fs::read_dir(dir.path().join("x")).unwrap().count(), 1);
}

#[test]
fn a_restart_finds_what_is_whole_and_drops_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(dir.path().to_owned(), 10 * BLOCK_BYTES).unwrap();
    let (a, b, c) = (put(&shelf, "aaaa"), put(&shelf, "bbbb"), put(&shelf, "cccc"));
    drop(shelf);
    fs::write(dir.path().join("new-x"), "half").unwrap();
    fs::write(dir.path().join(b.hex()), "XXXX").unwrap();
    fs::write(dir.path().join(c.hex()), "cut").unwrap();
    let shelf = Shelf::open(dir.path().to_owned(), 10 * BLOCK_BYTES).unwrap();
    assert_eq!((get(&shelf, &a).as_deref(), get(&shelf, &b), get(&shelf, &c)), (Some("aaaa"), None, None));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the half and the broken ones are gone");
    shelf.remove(&a);
    assert_eq!(get(&shelf, &a), None);
}

#[test]
fn a_folder_that_is_deleted_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("data/x");
    let shelf = Shelf::open(at.clone(), 2 * BLOCK_BYTES).unwrap();
    let (a, b) = (put(&shelf, "aaaa"), put(&shelf, "bbbb"));
    fs::remove_dir_all(dir.path().join("data")).unwrap();
    assert_eq!(get(&shelf, &a), None);
    let c = put(&shelf, "cccc");
    assert_eq!((get(&shelf, &b), get(&shelf, &c).as_deref()), (None, Some("cccc")));
    let d = put(&shelf, "dddd");
    assert!(get(&shelf, &c).is_some() && get(&shelf, &d).is_some(), "what is gone takes no room");
    assert_eq!(fs::metadata(&at).unwrap().permissions().mode() & 0o777, 0o700);

    // With a file in its place nothing can be kept; once that is gone, it can.
    fs::remove_dir_all(&at).unwrap();
    fs::write(&at, "").unwrap();
    assert!(shelf.write(&a, &[b"aaaa"]).is_err());
    fs::remove_file(&at).unwrap();
    assert_eq!(get(&shelf, &put(&shelf, "aaaa")).as_deref(), Some("aaaa"));
}
