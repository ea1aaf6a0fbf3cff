use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::schema;
use crate::schema::Form;
use crate::tests::v1alpha1;

const MESSAGES: &str = include_str!("../../tests/cases/messages.jsonl");

/// What clients print whole.
const PRINTED: [&str; 5] = ["Application", "AppProject", "Repository", "Cluster", "RepoCreds"];

#[test]
fn texts_are_those_that_go_writes() {
    let (mut checked, mut printed) = (0, 0);
    for line in MESSAGES.lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let (name, case) = (recorded["message"].as_str().unwrap(), recorded["case"].as_str().unwrap());
        let message = schema().message(name).unwrap();
        // Pointers to times that are not set are what nobody sends; overrides come back from protobuf as they went in, and not as Go has them.
        let odd = case == "pointers" || name == "cluster.Settings" || name.ends_with(".ResourceOverride");
        if message.form != Form::Object || odd {
            continue;
        }
        let decoded = message.decode(&STANDARD.decode(recorded["proto"].as_str().unwrap()).unwrap()).unwrap();
        let said = message.go_json(&decoded, 0);
        let (mut ours, mut gos): (Value, Value) =
            (serde_json::from_str(&said).unwrap(), recorded["json"].clone());
        for value in [&mut ours, &mut gos] {
            // Protobuf has no place for what an object says of its own kind.
            let typed = value.get("metadata").is_some();
            value
                .as_object_mut()
                .unwrap()
                .retain(|key, _| !typed || !["apiVersion", "kind"].contains(&key.as_str()));
        }
        assert_eq!(ours, gos, "{name}, {case}");
        checked += 1;
        if ["full", "zero"].contains(&case) && PRINTED.iter().any(|one| name.ends_with(&format!(".{one}"))) {
            let (_, rest) = line.split_once("\"json\":").unwrap();
            assert_eq!(said, rest.rsplit_once(",\"proto\":").unwrap().0, "{name}, {case}");
            printed += 1;
        }
    }
    assert!(checked > 400 && printed >= 5, "{checked}, {printed}");
}

#[test]
fn what_is_empty_is_left_out_where_go_leaves_it_out() {
    let (settings, cluster) = (crate::tests::message("cluster.Settings"), v1alpha1("Cluster"));
    for (message, given, expected) in [
        (
            settings,
            json!({"url": "", "execEnabled": false, "plugins": [], "help": {"chatUrl": "", "binaryUrls": {}}, "trackingMethod": null}),
            json!({"help": {}}),
        ),
        (
            cluster,
            json!({"server": "s", "clusterResources": false, "namespaces": [], "shard": 0, "labels": {}, "x": ""}),
            json!({
                "server": "s", "name": "", "config": {"tlsClientConfig": {"insecure": false}}, "shard": 0, "x": "",
                "connectionState": {"status": "", "message": "", "attemptedAt": null},
                "info": {"connectionState": {"status": "", "message": "", "attemptedAt": null}, "cacheInfo": {}, "applicationsCount": 0},
            }),
        ),
    ] {
        let filled = message.filled(&given);
        let common = expected.as_object().unwrap().iter().all(|(key, value)| filled[key] == *value);
        assert!(
            common && filled.as_object().unwrap().len() >= expected.as_object().unwrap().len(),
            "{filled}"
        );
        for gone in ["url", "execEnabled", "plugins", "clusterResources", "namespaces", "labels"] {
            assert!(filled.get(gone).is_none(), "{gone}: {filled}");
        }
    }
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
    let project = json!({"spec": {"roles": [{"name": "r"}], "sourceRepos": ["*"]}, "metadata": {"labels": {"b": "1"}, "name": "p"}});
    let expected = r#"{"metadata":{"name":"p","labels":{"b":"1"}},"spec":{"sourceRepos":["*"],"roles":[{"name":"r"}]},"status":{}}"#;
    assert_eq!(v1alpha1("AppProject").go_json(&project, 0), expected);
    let typed = json!({"kind": "AppProject", "spec": {"kind": "x"}});
    let [told, gateway] =
        [v1alpha1("AppProject").go_json(&typed, 0), v1alpha1("AppProject").gateway_json(&typed)];
    assert_eq!(told, r#"{"kind":"AppProject","metadata":{},"spec":{"kind":"x"},"status":{}}"#);
    assert_eq!(gateway, r#"{"metadata":{},"spec":{},"status":{}}"#);
}
