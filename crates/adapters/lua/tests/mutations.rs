//! Scripts with accidents: whatever becomes of them, they end with an answer or an error.

use std::time::{Duration, Instant};

use dice::Dice;
use resource::Object;
use serde_json::{Value, json};

/// Pieces that break things in Lua.
const PIECES: &[&str] = &[
    "end",
    "do",
    "goto c ",
    "::c::",
    "repeat ",
    "until true",
    "(",
    ")",
    "[[",
    "]]",
    "'",
    "\\",
    "%",
    "..",
    "nil",
    "obj",
    "function() ",
    "while true do ",
    "pcall(",
    "string.rep(",
    "('a'):rep(1e9)",
    "setmetatable(_G, _G)",
    "0x",
    "1e309",
    "\0",
    "ä",
];

#[test]
fn broken_scripts_end() {
    let scripts: Vec<String> = include_str!("cases/peer.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["script"].as_str().unwrap().to_owned())
        .collect();
    let object = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "status": {"conditions": [{"type": "Ready"}]}});
    let object = Object::from_value(object).unwrap();
    let limits = lua::Limits { instructions: 50_000, memory: 8 << 20, ..lua::Limits::default() };
    let world = lua::World { open_libs: true, limits, ..lua::World::default() };
    let mut dice = Dice::new(7);
    let (mut answers, mut errors) = (0, 0);
    for round in 0..3000 {
        let mut script = scripts[dice.roll(scripts.len())].clone();
        for _ in 0..=dice.roll(3) {
            let chars: Vec<usize> = script.char_indices().map(|(at, _)| at).collect();
            let (from, to) = (chars[dice.roll(chars.len())], chars[dice.roll(chars.len())]);
            match dice.roll(3) {
                0 => script.replace_range(from.min(to)..from.max(to), ""),
                1 => script.insert_str(from, PIECES[dice.roll(PIECES.len())]),
                _ => {
                    let copy = script.get(from.min(to)..from.max(to)).unwrap().to_owned();
                    script.insert_str(from, &copy);
                }
            }
            if script.is_empty() {
                script.push(' ');
            }
        }
        let begun = Instant::now();
        let answer = lua::health(&script, &object, &world);
        assert!(begun.elapsed() < Duration::from_secs(20), "round {round}: {script}");
        match answer {
            Ok(_) => answers += 1,
            Err(_) => errors += 1,
        }
    }
    assert!(answers > 100 && errors > 100, "{answers} answers, {errors} errors");
}
