//! Replays what sigs.k8s.io/yaml answered to our cases. `tools/goyaml-oracle` fills the answers in; no Go is needed here.

use std::collections::BTreeMap;

use goyaml::{ErrorKind, Limits};
use serde_json::Value;

fn cases(text: &str) -> Vec<BTreeMap<String, String>> {
    text.lines().map(|line| serde_json::from_str(line).expect("a case is a map of strings")).collect()
}

#[test]
fn reads_as_the_peer() {
    let cases = cases(include_str!("cases/parse.jsonl"));
    let failures: Vec<String> = cases.iter().filter_map(|case| check_parse(case).err()).collect();
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn check_parse(case: &BTreeMap<String, String>) -> Result<(), String> {
    let name = &case["name"];
    let text = match case.get("base64") {
        Some(base64) => decode_base64(base64),
        None => case["yaml"].as_bytes().to_vec(),
    };
    match (goyaml::parse_one(&text, &Limits::default()), case.get("json"), case.get("error")) {
        (Ok(got), Some(want), _) => {
            let want: Value = serde_json::from_str(want).expect("the oracle writes JSON");
            if same(&got, &want) { Ok(()) } else { Err(format!("{name}: got {got}, want {want}")) }
        }
        (Err(error), None, Some(want)) => match error.kind() {
            // The words are Go's; its line is often one too small.
            ErrorKind::Syntax(problem) if !want.ends_with(problem) => {
                Err(format!("{name}: got error {problem:?}, want {want:?}"))
            }
            ErrorKind::Key { printed, .. } if want.strip_prefix("yaml: ").unwrap_or(want) != printed => {
                Err(format!("{name}: got error {printed:?}, want {want:?}"))
            }
            _ => Ok(()),
        },
        (Ok(got), _, want) => Err(format!("{name}: got {got}, want error {want:?}")),
        (Err(error), want, _) => Err(format!("{name}: got error {error}, want {want:?}")),
    }
}

/// Equal, with numbers by value: the test's JSON reader is off by one bit now and then.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) => a == b || (x - y).abs() <= x.abs() * 2.0 * f64::EPSILON,
            _ => false,
        },
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    let tagged = format!("!!binary {text}");
    // Bytes that are no UTF-8 would not survive our own reader, so this one is by hand.
    let digits: Vec<u32> = tagged
        .bytes()
        .skip("!!binary ".len())
        .filter_map(|b| {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|&d| d == b)
        })
        .map(|digit| digit as u32)
        .collect();
    let bits = |group: &[u32]| (0..4).fold(0, |bits, i| bits << 6 | group.get(i).copied().unwrap_or(0));
    digits.chunks(4).flat_map(|group| bits(group).to_be_bytes()[1..group.len()].to_vec()).collect()
}

#[test]
fn writes_as_the_peer() {
    let cases = cases(include_str!("cases/emit.jsonl"));
    let mut failures = Vec::new();
    for case in &cases {
        let value: Value = serde_json::from_str(&case["json"]).expect("the case has JSON");
        let (got, want) = (goyaml::to_string(&value), &case["yaml"]);
        if got != *want {
            failures.push(format!("{}:\n got {got:?}\nwant {want:?}", case["name"]));
        }
    }
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
