//! Random edits of random texts: what is read afterwards is what was wanted, and no comment is lost that was not within it.

#![expect(clippy::unwrap_used, reason = "a test")]

use dice::Dice;
use serde_json::{Map, Value, json};
use yamledit::{Error, Path, Stream};

/// A text in random styles, with a comment of its own number wherever one may stand.
struct Writer {
    dice: Dice,
    comments: usize,
    out: String,
    indented: bool,
    width: usize,
}

const WORDS: &[&str] = &[
    "x",
    "'it''s'",
    "\"a\\tb\"",
    "1.10",
    "on",
    "~",
    "'7'",
    "v1.2.3",
    "a: b",
    "2024-01-01",
    "\"\"",
    "é",
    "a#b",
];

impl Writer {
    fn text(seed: u64) -> String {
        let mut dice = Dice::new(seed);
        let (indented, width) = (dice.roll(2) == 0, [2, 2, 4][dice.roll(3)]);
        let mut writer = Self { dice, comments: 0, out: String::new(), indented, width };
        for i in 0..=writer.dice.roll(2) {
            if i > 0 || writer.dice.roll(4) == 0 {
                writer.out.push_str("---\n");
            }
            writer.comment(0);
            writer.map(0, 3, true);
        }
        if writer.dice.roll(8) == 0 {
            writer.out.pop();
        }
        if writer.dice.roll(8) == 0 { writer.out.replace('\n', "\r\n") } else { writer.out }
    }

    fn comment(&mut self, indent: usize) {
        if self.dice.roll(4) == 0 {
            self.comments += 1;
            self.out.push_str(&format!("{}# c{}.\n", " ".repeat(indent), self.comments));
        }
        if self.dice.roll(8) == 0 {
            self.out.push('\n');
        }
    }

    fn end_line(&mut self) {
        if self.dice.roll(4) == 0 {
            self.comments += 1;
            self.out.push_str(&format!("  # c{}.", self.comments));
        }
        self.out.push('\n');
    }

    fn map(&mut self, indent: usize, depth: usize, new_line: bool) {
        for i in 0..=self.dice.roll(4) {
            if i > 0 || new_line {
                self.comment(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            self.out.push_str(["k", "'q'", "name"][self.dice.roll(3)].trim_matches('\''));
            self.out.push_str(&format!("{i}:"));
            self.value(indent, depth);
        }
    }

    fn value(&mut self, indent: usize, depth: usize) {
        match self.dice.roll(if depth == 0 { 7 } else { 12 }) {
            0 => self.end_line(),
            1 => {
                self.out.push_str(
                    [" {}", " []", " {a: 1, b: [x, 'y']}", " [1, {c: d}, \"e\"]"][self.dice.roll(4)],
                );
                self.end_line();
            }
            2 => {
                let line = format!("\n{}", " ".repeat(indent + 2));
                let text = ["|{}one{}two", "|-{}one", ">{}one{}two", "|+{}one\n"][self.dice.roll(4)];
                self.out.push_str(&format!(" {}\n", text.replace("{}", &line)));
            }
            3..=6 => {
                self.out.push_str(&format!(" {}", WORDS[self.dice.roll(WORDS.len())].replace("a: b", "ab")));
                self.end_line();
            }
            7..=9 => {
                self.end_line();
                self.map(indent + self.width, depth - 1, true);
            }
            _ => {
                self.end_line();
                let column = if self.indented { indent + self.width } else { indent };
                for _ in 0..=self.dice.roll(3) {
                    self.comment(column);
                    self.out.push_str(&format!("{}-", " ".repeat(column)));
                    if self.dice.roll(2) == 0 {
                        self.out.push(' ');
                        self.map(column + 2, depth - 1, false);
                    } else {
                        self.value(column, 0);
                    }
                }
            }
        }
    }
}

/// A random change in a value, and whether it takes something away that may have comments in it.
fn change(dice: &mut Dice, value: &mut Value, loses: &mut bool) {
    match value {
        Value::Object(map) if !map.is_empty() && dice.roll(5) > 0 => {
            let key = map.keys().nth(dice.roll(map.len())).cloned().unwrap();
            match dice.roll(6) {
                0 => {
                    map.insert("added".to_owned(), new(dice));
                }
                1 => {
                    *loses = true;
                    map.remove(&key);
                }
                _ => change(dice, map.get_mut(&key).unwrap(), loses),
            }
        }
        Value::Array(items) if !items.is_empty() && dice.roll(5) > 0 => {
            let at = dice.roll(items.len());
            match dice.roll(6) {
                0 => items.insert(dice.roll(items.len() + 1), new(dice)),
                1 => {
                    *loses = true;
                    items.remove(at);
                }
                _ => change(dice, &mut items[at], loses),
            }
        }
        other => {
            *loses |= other.is_object()
                || other.is_array()
                || other.as_str().is_some_and(|text| text.contains('\n'));
            *other = new(dice);
        }
    }
}

fn new(dice: &mut Dice) -> Value {
    [
        json!("x"),
        json!("1.10"),
        json!(""),
        json!(7),
        json!(null),
        json!(true),
        json!({}),
        json!([]),
        json!({"a": "on", "b": {"c": [1]}}),
        json!(["x", {"y": "z", "w": []}, ["n"]]),
        json!("one\n two\n"),
        json!(" one\n"),
        json!("a: b # d"),
        json!("2024-01-01"),
        json!(-1.5),
        json!("one\n\n\n"),
        json!("\u{85}\u{1F600}"),
        json!("- x"),
        json!({"": "*x"}),
    ][dice.roll(19)]
    .clone()
}

fn comments(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> =
        text.split("# c").skip(1).filter_map(|rest| rest.split_once('.')).map(|(number, _)| number).collect();
    found.sort_unstable();
    found
}

#[test]
fn a_text_says_what_was_wanted_and_keeps_the_rest() {
    let rounds = if std::env::var_os("CAPSTAN_LONG").is_some() { 200_000 } else { 2_500 };
    let (mut edits, mut refused) = (0, 0);
    for seed in 1..=rounds {
        let text = Writer::text(seed);
        let mut stream = Stream::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut dice = Dice::new(seed * 7_919);
        for _ in 0..3 {
            let document = dice.roll(stream.documents());
            let (mut wanted, mut loses) = (stream.value(document).clone(), false);
            change(&mut dice, &mut wanted, &mut loses);
            let before = stream.clone();
            let same = &wanted == before.value(document);
            match stream.update(document, &wanted) {
                Ok(changed) => {
                    assert_eq!(changed, !same);
                    assert_eq!(stream.value(document), &wanted);
                    assert_eq!(same, before.text() == stream.text(), "{}", before.text());
                    if !loses {
                        assert_eq!(
                            comments(before.text()),
                            comments(stream.text()),
                            "to {wanted}\n{}\n---->\n{}",
                            before.text(),
                            stream.text()
                        );
                    }
                    let lines = |text: &str| (text.contains("\r\n"), text.replace("\r\n", "").contains('\n'));
                    if before.text().contains('\n') && stream.text().contains('\n') {
                        assert_eq!(lines(before.text()), lines(stream.text()), "{}", before.text());
                    }
                    edits += 1;
                }
                Err(Error::Disturbs { .. }) => {
                    assert_eq!(before.text(), stream.text());
                    refused += 1;
                    if std::env::var_os("SHOW_REFUSED").is_some() {
                        println!("to {wanted}\n{}\n=====", before.text());
                    }
                }
                Err(other) => panic!("{other}, to {wanted}\n{}", before.text()),
            }
        }
    }
    assert!(refused * 200 < edits, "{refused} of {edits} refused");
}

#[test]
fn setting_what_is_there_changes_nothing() {
    for seed in 1..=800 {
        let text = Writer::text(seed);
        let mut stream = Stream::parse(&text).unwrap();
        for document in 0..stream.documents() {
            for path in paths(stream.value(document)) {
                let value = path.find(stream.value(document)).unwrap().clone();
                assert_eq!(stream.set(document, &path, &value), Ok(false), "{path}\n{text}");
            }
        }
        assert_eq!(stream.text(), text);
    }
}

/// A scalar alone: all lines but its own are the same bytes.
#[test]
fn a_scalar_changes_its_line_only() {
    for seed in 1..=800 {
        let text = Writer::text(seed);
        let stream = Stream::parse(&text).unwrap();
        let value = stream.value(0).clone();
        let scalar =
            |path: &Path| matches!(path.find(&value), Some(Value::String(text)) if !text.contains('\n'));
        for path in paths(&value).into_iter().filter(scalar) {
            let mut edited = stream.clone();
            edited.set(0, &path, &json!("other")).unwrap();
            let line = edited.locate_value(0, &path).unwrap().line;
            let lines = |text: &str| text.split('\n').map(str::to_owned).collect::<Vec<_>>();
            let (before, after) = (lines(&text), lines(edited.text()));
            if before.len() == after.len() {
                let differ: Vec<usize> =
                    (0..before.len()).filter(|&i| before[i] != after[i]).map(|i| i + 1).collect();
                assert!(
                    differ.iter().all(|&at| at == line || at == line + 1),
                    "{path} {differ:?} {line}\n{text}"
                );
            }
        }
    }
}

fn paths(value: &Value) -> Vec<Path> {
    fn walk(path: &Path, value: &Value, out: &mut Vec<Path>) {
        out.push(path.clone());
        for (key, value) in value.as_object().unwrap_or(&Map::new()) {
            walk(&path.key(key), value, out);
        }
        for (i, item) in value.as_array().into_iter().flatten().enumerate() {
            walk(&path.index(i), item, out);
        }
    }
    let mut out = Vec::new();
    walk(&Path::root(), value, &mut out);
    out
}
