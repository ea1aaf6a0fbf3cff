//! What the peer's Lua answered, recorded by `tools/lua-oracle`.

use resource::Object;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    script: String,
    #[serde(default)]
    obj: Option<Value>,
    #[serde(default)]
    open_libs: bool,
    #[serde(default)]
    kind: String,
    result: Option<Value>,
    error: Option<String>,
}

/// Where we answer otherwise on purpose, with the reason.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "string: match nothing",
        "no match is nil, as in Lua; the peer gives no value at all, which tostring refuses",
    ),
    ("string: match anchor", "the same"),
    ("string: match frontier", "the peer finds only the last word"),
    ("string: malformed", "the same verdict in other words"),
];

#[test]
fn scripts_answer_as_the_peers_do() {
    let cases = include_str!("cases/peer.jsonl");
    let mut differences = Vec::new();
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        if DIFFERENT.iter().any(|(name, _)| *name == case.name) {
            continue;
        }
        let object = case.obj.clone().unwrap_or_else(|| json!({"apiVersion": "v1", "kind": "X"}));
        let object = Object::from_value(object).unwrap();
        let world = lua::World { open_libs: case.open_libs, ..lua::World::default() };
        let ours = lua::value(&case.script, &object, &world);
        let agree = match (&ours, &case.result, &case.error) {
            (Ok(ours), Some(theirs), None) => same(ours, theirs),
            (Err(_), _, Some(_)) => true,
            (Ok(Value::Null), None, None) => true,
            // Values that are no table are an error for health and actions alike.
            (Err(lua::ScriptError::NotATable(_)), None, None) => case.kind != "table",
            _ => false,
        };
        if !agree {
            differences.push(format!(
                "{}\n  {}\n  theirs: {:?} {:?}\n  ours:   {ours:?}",
                case.name, case.script, case.result, case.error
            ));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

/// Numbers are floats in Lua: 2 and 2.0 are the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}
