//! Programs whose results and errors go-jsonnet gave (`tools/jsonnet-oracle`).

use std::collections::BTreeMap;
use std::sync::Arc;

use filetree::{FileTree, MemoryStore, TreePath};
use jsonnet::{Error, Limits, Program, Variable};
use serde_json::Value;

/// Rows whose verdict is another one here, and why.
const DIFFERENT: [(&str, &str); 7] = [
    // The peer names a type of its own code.
    ("index of null", "error RUNTIME ERROR: Value non indexable: null at a.jsonnet:1:1-7"),
    // The words are those of the library that reads JSON.
    (
        "std parse json",
        "error RUNTIME ERROR: failed to parse JSON: EOF while parsing a list at line 1 column 2 at a.jsonnet:1:1-20",
    ),
    // It says where in the value that was.
    ("manifest json function", "error RUNTIME ERROR: tried to manifest function at a.jsonnet:1:1-37"),
    // It leaves out what it cannot print.
    ("yaml function", "error RUNTIME ERROR: tried to manifest function at "),
    // It says the place twice.
    ("syntax escape", "error a.jsonnet:1:1-5 Unknown escape sequence in string literal: \\q at "),
    // It lets the later one win, and then misses the first.
    ("syntax duplicate parameter", "error a.jsonnet:1:13-14 Duplicate function parameter: a at "),
    // It takes what a file that cannot be read says for what the importing one does.
    ("syntax error in import", "error x.libsonnet:3:1-2 Unexpected: \"}\" while parsing terminal at "),
];

fn variables(row: &Value, field: &str) -> Vec<Variable> {
    let text = |variable: &Value, name: &str| variable[name].as_str().unwrap_or_default().to_owned();
    let made = |variable: &Value| Variable {
        name: text(variable, "name"),
        value: text(variable, "value"),
        code: variable["code"].as_bool().unwrap_or(false),
    };
    row[field].as_array().into_iter().flatten().map(made).collect()
}

fn evaluate(row: &Value) -> Result<Value, Error> {
    let mut files: BTreeMap<&str, &str> = BTreeMap::new();
    if let Some(program) = row["program"].as_str() {
        files.insert("a.jsonnet", program);
    }
    for (path, text) in row["files"].as_object().into_iter().flatten() {
        files.insert(path, text.as_str().expect("a text"));
    }
    let store = MemoryStore::from_files(files).expect("paths");
    let tree = FileTree::new(Arc::new(store), filetree::Limits::default());
    let file = TreePath::parse(row["file"].as_str().unwrap_or("a.jsonnet")).expect("a path");
    // As the caller that is `render` has them: the last library first, the application's directory last.
    let libraries = row["libs"].as_array().into_iter().flatten().rev();
    let mut libraries: Vec<TreePath> =
        libraries.map(|path| TreePath::parse(path.as_str().unwrap_or_default()).expect("a path")).collect();
    libraries.extend(file.parent());
    jsonnet::evaluate(&Program {
        tree: &tree,
        file: &file,
        libraries: &libraries,
        external: &variables(row, "ext"),
        arguments: &variables(row, "tlas"),
        limits: &Limits::default(),
        cancelled: None,
    })
    .map(|evaluated| evaluated.value)
}

/// Numbers as floats, as JSON has them for everybody.
fn plain(value: &Value) -> Value {
    match value {
        // Nor is there a zero below zero.
        Value::Number(number) => Value::from(number.as_f64().unwrap_or(0.0) + 0.0),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(map) => map.iter().map(|(name, field)| (name.clone(), plain(field))).collect(),
        other => other.clone(),
    }
}

#[test]
fn programs_have_the_peers_verdicts() {
    let mut wrong = Vec::new();
    let rows: Vec<Value> =
        include_str!("cases/peer.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 180, "only {} rows", rows.len());
    for row in &rows {
        let name = row["name"].as_str().unwrap();
        let ours = match evaluate(row) {
            Ok(value) => format!("value {}", plain(&value)),
            Err(error) => {
                let text = error.to_string();
                let place = error.place().map(ToString::to_string).unwrap_or_default();
                // A syntax error has its place in its text.
                // Nor does the peer know places of what fails when the result is printed.
                let known = row["place"].is_string() && !matches!(error, Error::Syntax { .. });
                let place = if known { &place } else { "" };
                format!("error {} at {place}", text.lines().next().unwrap_or_default())
            }
        };
        let peers = match row["error"].as_str() {
            None => format!("value {}", plain(&row["value"])),
            Some(error) => format!("error {error} at {}", row["place"].as_str().unwrap_or_default()),
        };
        let expected =
            DIFFERENT.iter().find(|(other, _)| *other == name).map_or(peers.as_str(), |(_, ours)| ours);
        if ours != expected {
            wrong.push(format!("{name}\n   ours: {ours}\n  peers: {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
