use serde_json::{Value, json};

use super::{EmptyNulls, Schemas, strategic_merge};

/// The cases of a file of recorded verdicts.
pub(crate) fn cases(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The resources of a case, all of its documents.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents = goyaml::parse_all(text.as_bytes(), &goyaml::Limits::default()).unwrap();
    documents.into_iter().map(|document| document.value).collect()
}

/// Fields without a value, by the indentation of block style.
fn empty_nulls(text: &str) -> EmptyNulls {
    let mut path: Vec<(usize, String)> = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let mut found = EmptyNulls::new();
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    for (at, line) in lines.iter().enumerate() {
        let Some((name, "")) = line.trim_start_matches([' ', '-']).split_once(':') else { continue };
        path.retain(|(outer, _)| *outer < indent(line));
        path.push((indent(line), name.to_owned()));
        if lines.get(at + 1).is_none_or(|next| indent(next) <= indent(line)) {
            found.insert(path.iter().map(|(_, name)| name.clone()).collect());
        }
    }
    found
}

#[test]
fn strategic_merges_are_those_of_the_peer() {
    let mut wrong = Vec::new();
    for case in cases(include_str!("../../tests/cases/strategic.jsonl")) {
        let mut resources = documents(case["resources"].as_str().unwrap());
        let patch = documents(case["patch"].as_str().unwrap()).remove(0);
        let empty = case["resources"].as_str().map(empty_nulls).unwrap();
        let merged = strategic_merge(resources.remove(0), &patch, Schemas::builtin(), &empty);
        let fits = match (&merged, case["expected"]["error"].as_str()) {
            (Ok(_), Some(_)) | (Err(_), None) => false,
            (Err(error), Some(expected)) => {
                let line = expected.lines().next().unwrap().split(": node contents").next().unwrap();
                error.to_string().ends_with(line)
            }
            (Ok(merged), None) => json!(merged.iter().collect::<Vec<_>>()) == case["expected"],
        };
        if !fits {
            let got = merged.map(|merged| json!(merged).to_string());
            wrong.push(format!("{}\n  expected {}\n  got      {got:?}", case["name"], case["expected"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
