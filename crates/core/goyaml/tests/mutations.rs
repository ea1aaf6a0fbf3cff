//! Every case, changed at random: no panic, and what is read can be written and read again.

use std::collections::BTreeMap;

use dice::Dice;
use goyaml::{Limits, parse_all, parse_one, to_string};

/// Changed texts; some two seconds in a debug build.
const ROUNDS: usize = 100_000;

/// Pieces that mean something to a scanner.
const PIECES: &[&str] = &[
    "\n", " ", "  ", "\t", "- ", "? ", ": ", ":", ",", "[", "]", "{", "}", "#", " #", "&a ", "*a", "!",
    "!!str ", "|", ">", "|-\n", "'", "\"", "\\", "%", "---\n", "...\n", "<<: ", "\r", "\u{85}", "\u{2028}",
    "\u{feff}", "é", "😀", "0", "_", ".", "1e5", "\\u00", "~",
];

#[test]
fn survives_changed_cases() {
    let cases: Vec<BTreeMap<String, String>> = include_str!("cases/parse.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case is a map of strings"))
        .collect();
    let texts: Vec<&str> = cases.iter().filter_map(|case| case.get("yaml")).map(String::as_str).collect();
    let (mut dice, limits) = (Dice::new(0x5EED), Limits { nodes: 10_000, ..Limits::default() });
    let mut read = 0;
    for _ in 0..ROUNDS {
        let mut text = texts[dice.roll(texts.len())].as_bytes().to_vec();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(text.len() + 1);
            match dice.roll(5) {
                0 => text.truncate(at),
                1 => {
                    let end = (at + dice.roll(4)).min(text.len());
                    text.drain(at..end);
                }
                2 => {
                    let other = texts[dice.roll(texts.len())].as_bytes();
                    text.splice(at..at, other.iter().copied());
                }
                3 if at < text.len() => text[at] = dice.roll(256) as u8,
                _ => {
                    text.splice(at..at, PIECES[dice.roll(PIECES.len())].bytes());
                }
            }
        }
        let Ok(documents) = parse_all(&text, &limits) else { continue };
        read += 1;
        for document in &documents {
            let yaml = to_string(&document.value);
            // The peer writes a field of this name as if it were a merge.
            if yaml.contains("<<: ") || yaml.contains("<<:\n") {
                continue;
            }
            let again = parse_one(yaml.as_bytes(), &limits);
            let shown = String::from_utf8_lossy(&text);
            assert_eq!(again.as_ref(), Ok(&document.value), "written as {yaml:?}, from {shown:?}");
            assert!(document.locate(&[]).is_some_and(|mark| mark.line > 0), "{shown:?}");
        }
    }
    assert!(read > ROUNDS / 10, "only {read} of {ROUNDS} texts were YAML: the changes are too wild");
}
