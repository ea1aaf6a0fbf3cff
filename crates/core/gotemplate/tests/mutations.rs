//! Every case, changed at random: no panic, no endless run, and the same answer twice.

use gotemplate::{Budget, Functions, Limits, Numbers, Run, Templates, Value};
use serde_json::Value as Json;

/// Changed texts; about two seconds in a debug build.
const ROUNDS: usize = 20_000;

/// Pieces that mean something to the parser.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "{{end}}",
    "{{else}}",
    "{{else if .n}}",
    "{{define \"a\"}}",
    "{{template \"a\" .}}",
    "{{block \"b\" .}}",
    "{{range .l}}",
    "{{with .m}}",
    "{{if .z}}",
    "{{break}}",
    "{{continue}}",
    "{{$x := .}}",
    "$x",
    ":=",
    "=",
    ",",
    "(",
    ")",
    "|",
    ".",
    ".x",
    "nil",
    "true",
    "1",
    "-1",
    "1.5",
    "2i",
    "'a'",
    "\"q\"",
    "`r`",
    "\\",
    "_",
    "print ",
    "printf \"%v %d\" ",
    "index ",
    "slice ",
    "len ",
    "and ",
    "or ",
    "eq ",
    "lt ",
    "html ",
    "/*",
    "*/",
    "\n",
    " ",
    "é",
    "☺",
    "\u{0}",
];

/// xorshift64*: the same texts in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound.max(1)
    }
}

fn changed(random: &mut Random, texts: &[String]) -> String {
    let mut text = texts[random.below(texts.len())].clone();
    for _ in 0..=random.below(3) {
        let mut at = random.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        match random.below(6) {
            0 => text.truncate(at),
            1 => {
                text.pop();
            }
            2 => text.insert_str(at, &texts[random.below(texts.len())]),
            _ => text.insert_str(at, PIECES[random.below(PIECES.len())]),
        }
    }
    text
}

#[test]
fn survives_changed_cases() {
    let cases: Vec<Json> = include_str!("cases/exec.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case is JSON"))
        .collect();
    let texts: Vec<String> =
        cases.iter().filter_map(|case| case["template"].as_str()).map(str::to_owned).collect();
    let data = Value::from_json(&cases[0]["data"], Numbers::Int).unwrap();
    let limits = Limits { steps: 5_000, output: 1 << 16, allocated: 1 << 20, depth: 50 };
    let answer = |text: &str| {
        let mut templates = Templates::new(Functions::builtin());
        templates.parse("t", text).map_err(|error| error.to_string())?;
        let mut run = Run::new(Budget::new(limits.clone()));
        templates.execute(&mut run, "t", &data).map_err(|error| error.to_string())
    };
    let mut random = Random(0x5EED);
    let mut rendered = 0;
    for _ in 0..ROUNDS {
        let text = changed(&mut random, &texts);
        let first = answer(&text);
        assert_eq!(first, answer(&text), "{text:?}");
        rendered += usize::from(first.is_ok());
    }
    assert!(rendered > ROUNDS / 10, "too few to mean something: {rendered}");
}
