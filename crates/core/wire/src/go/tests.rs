use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::schema;
use crate::schema::Form;

const MESSAGES: &str = include_str!("../../tests/cases/messages.jsonl");

/// What clients print whole.
const PRINTED: [&str; 5] = ["Application", "AppProject", "Repository", "Cluster", "RepoCreds"];

#[test]
fn texts_are_those_that_go_writes() {
    let mut checked = 0;
    for line in MESSAGES.lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let name = recorded["message"].as_str().unwrap();
        // Others have pointers to times that are not set, which nobody sends, or a kind, which protobuf does not have.
        if recorded["case"] != "full" && recorded["case"] != "zero" {
            continue;
        }
        let message = schema().message(name).unwrap();
        if message.form != Form::Object
            || !PRINTED.iter().any(|printed| name.ends_with(&format!(".{printed}")))
        {
            continue;
        }
        let decoded = message.decode(&STANDARD.decode(recorded["proto"].as_str().unwrap()).unwrap()).unwrap();
        let (_, rest) = line.split_once("\"json\":").unwrap();
        let (expected, _) = rest.rsplit_once(",\"proto\":").unwrap();
        assert_eq!(message.go_json(&decoded, 0), expected, "{name}, {}", recorded["case"]);
        checked += 1;
    }
    assert!(checked >= 5, "{checked}");
}

#[test]
fn levels_are_set_in_and_texts_escaped() {
    let message =
        schema().message("github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.Info").unwrap();
    let expected = "[\n  {\n    \"kind\": \"x\",\n    \"name\": \"\\u003ca\\u0026b\\u003e\",\n    \"value\": \"\\\"\\n\\u0001\"\n  }\n]";
    assert_eq!(message.go_json(&json!([{"name": "<a&b>", "value": "\"\n\u{1}", "kind": "x"}]), 2), expected);
    assert_eq!(message.go_json(&json!([]), 2), "[]");
}

#[test]
fn fields_stand_as_in_the_peers_types() {
    let account = json!({"capabilities": ["login"], "enabled": true, "name": "a", "tokens": [{"issuedAt": 5, "id": "x"}]});
    let expected =
        r#"{"name":"a","enabled":true,"capabilities":["login"],"tokens":[{"id":"x","issuedAt":5}]}"#;
    assert_eq!(crate::tests::message("account.Account").go_json(&account, 0), expected);
    let project =
        json!({"spec": {"roles": [], "sourceRepos": ["*"]}, "metadata": {"labels": {"b": "1"}, "name": "p"}});
    let expected =
        r#"{"metadata":{"name":"p","labels":{"b":"1"}},"spec":{"sourceRepos":["*"],"roles":[]},"status":{}}"#;
    assert_eq!(crate::tests::v1alpha1("AppProject").go_json(&project, 0), expected);
}
