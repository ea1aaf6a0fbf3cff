//! An edit says what was wanted and touches nothing before it; one that is refused leaves the text alone.
#![no_main]

use dice::Dice;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use yamledit::{Error, Path, Sharing, Stream};

fuzz_target!(|data: &[u8]| {
    let limits = goyaml::Limits { bytes: 1 << 20, depth: 50, nodes: 2_000, documents: 20 };
    let Some((seed, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(stream) = Stream::parse_within(text, limits) else { return };
    let mut dice = Dice::new(u64::from(*seed) + 1);
    let document = dice.roll(stream.documents());
    let value = stream.value(document).clone();
    let path = place(&mut dice, &value);
    let sharing = [Sharing::Refuse, Sharing::Refuse, Sharing::Change][dice.roll(3)];
    let mut edited = stream.clone().sharing(sharing);
    // What loses its last entry is written anew behind its own key or dash.
    let outer =
        (0..2).fold(path.clone(), |path, _| path.parent().map(|(outer, _)| outer).unwrap_or_default());
    let kept = stream.locate(document, &outer).map_or("", |mark| before(text, mark.line));
    // What is there already changes nothing.
    if let Some(there) = path.find(&value) {
        assert_eq!(edited.set(document, &path, there), Ok(false), "{path}");
        assert_eq!(edited.text(), text);
    }
    let new = new(&mut dice);
    let done = match dice.roll(4) {
        0 => edited.remove(document, &path),
        1 => edited.push(document, &path, &new),
        2 => edited.set(document, &path.key("added"), &new).map(|_| ()),
        _ => edited.set(document, &path, &new).map(|_| ()),
    };
    match done {
        Err(error) => {
            assert_eq!(edited.text(), text);
            assert!(!matches!(error, Error::Syntax(_)), "{error}");
        }
        Ok(()) => {
            let again = Stream::parse(edited.text());
            assert!(again.is_ok_and(|again| again.value(document) == edited.value(document)));
            if sharing == Sharing::Refuse {
                assert!(edited.text().starts_with(kept), "{path}: {:?}", edited.text());
            }
        }
    }
});

/// A path somewhere into a value.
fn place(dice: &mut Dice, value: &Value) -> Path {
    let (mut path, mut at) = (Path::root(), value);
    while dice.roll(6) > 0 {
        let next = match at {
            Value::Object(map) => {
                map.iter().nth(dice.roll(map.len())).map(|(key, value)| (path.key(key), value))
            }
            Value::Array(items) => {
                let index = dice.roll(items.len());
                items.get(index).map(|item| (path.index(index), item))
            }
            _ => None,
        };
        let Some((below, value)) = next else { break };
        (path, at) = (below, value);
    }
    path
}

fn new(dice: &mut Dice) -> Value {
    let values = [
        json!("x"),
        json!("1.10"),
        json!(""),
        json!(7),
        json!(null),
        json!({}),
        json!([]),
        json!({"a": "on", "b": {"c": [1]}}),
        json!(["x", {"y": "z"}, ["n"]]),
        json!("one\n two\n"),
        json!(" one\n\n"),
        json!("a: b # c"),
        json!("\u{85}\t"),
        json!({"": "*x"}),
    ];
    values.get(dice.roll(values.len())).cloned().unwrap_or_default()
}

/// The lines before one. Only LF counts: a text with other breaks is compared less far.
fn before(text: &str, line: usize) -> &str {
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) || text.replace("\r\n", "").contains('\r') {
        return "";
    }
    let end = text.match_indices('\n').nth(line.wrapping_sub(2)).map_or(0, |(at, _)| at + 1);
    text.get(..end).unwrap_or_default()
}
