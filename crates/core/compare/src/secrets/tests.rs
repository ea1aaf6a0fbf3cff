use serde_json::json;

use super::*;
use crate::{Options, Verdict, Why, apply_body, cache_key, compare, compare_predicted, normalized};

const CANARY: &str = "czNjcmV0LWNhbmFyeQ==";

fn secret(fields: Value) -> Object {
    let mut value = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password"}});
    if let Value::Object(fields) = fields {
        for (name, field) in fields {
            value[name] = field;
        }
    }
    Object::from_value(value).expect("the tests write objects")
}

fn masked(desired: &Object, live: &Object) -> (Value, Value) {
    let (desired, live) = mask(Some(desired), Some(live), &Rules::default());
    (desired.unwrap().to_value(), live.unwrap().to_value())
}

#[test]
fn placeholders_tell_only_whether_values_are_equal() {
    let large = STANDARD.encode("x".repeat(1 << 20));
    let (same, other) = ("++++++++", "+++++++++");
    for (row, desired, live, expected) in [
        ("equal", json!({"data": {"a": "YQ=="}}), json!({"data": {"a": "YQ=="}}), same),
        ("differing", json!({"data": {"a": "YQ=="}}), json!({"data": {"a": "Yg=="}}), other),
        ("one byte longer", json!({"data": {"a": "YQ=="}}), json!({"data": {"a": "YWI="}}), other),
        ("empty", json!({"data": {"a": ""}}), json!({"data": {"a": "YQ=="}}), other),
        ("both empty", json!({"data": {"a": ""}}), json!({"data": {"a": ""}}), same),
        ("large", json!({"data": {"a": large}}), json!({"data": {"a": "YQ=="}}), other),
        (
            "written with line breaks",
            json!({"data": {"a": "Y\nQ==\n"}}),
            json!({"data": {"a": "YQ=="}}),
            same,
        ),
        ("as text in git", json!({"stringData": {"a": "a"}}), json!({"data": {"a": "YQ=="}}), same),
        ("as another text in git", json!({"stringData": {"a": "b"}}), json!({"data": {"a": "YQ=="}}), other),
        (
            "text wins",
            json!({"data": {"a": "Yg=="}, "stringData": {"a": "a"}}),
            json!({"data": {"a": "YQ=="}}),
            same,
        ),
        ("no base64", json!({"data": {"a": "s3cret!"}}), json!({"data": {"a": "YQ=="}}), other),
        ("a number", json!({"stringData": {"a": 5}}), json!({"data": {"a": "YQ=="}}), other),
    ] {
        let (desired, live) = masked(&secret(desired), &secret(live));
        assert_eq!(live["data"]["a"], expected, "{row}");
        for field in ["data", "stringData"] {
            let value = desired.get(field).and_then(|field| field.get("a"));
            assert!(value.is_none_or(|value| value == same), "{row}: {field}");
        }
    }
    let (desired, live) = masked(&secret(json!({"data": "s3cret"})), &secret(json!({"data": {"a": "YQ=="}})));
    assert_eq!((&desired["data"], &live["data"]["a"]), (&json!(same), &json!(same)), "no map at all");
}

#[test]
fn annotations_are_masked_where_configured() {
    let object = |kind: &str, token: &str| {
        Object::from_value(
            json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "annotations": {
            "token": token, "plain": "x", LAST_APPLIED: format!("{{\"token\":\"{token}\"}}")}}}),
        )
        .unwrap()
    };
    let options = Options { mask_annotations: vec!["token".into()], ..Options::default() };
    let (rules, _) = Rules::compile(&[], &[], options);
    let (_, live) = mask(Some(&object("ConfigMap", "a")), Some(&object("ConfigMap", "b")), &rules);
    let live = live.unwrap();
    assert_eq!(live.annotation("token"), Some("+++++++++"));
    assert_eq!(live.annotation(LAST_APPLIED), Some("+++++++++"));
    assert_eq!(live.annotation("plain"), Some("x"));
    let (only, none) = mask(Some(&object("Secret", "a")), None, &Rules::default());
    assert_eq!(only.unwrap().annotation(LAST_APPLIED), Some("++++++++"), "always on Secrets");
    assert_eq!(none, None);
}

#[test]
fn nothing_that_leaves_the_crate_has_a_value() {
    let rules = Rules::default();
    let fields = json!({"f:data": {"f:a": {}, "f:gone": {}}});
    let metadata = |manager: &str| {
        json!({"name": "password", "annotations": {LAST_APPLIED: format!("{{\"data\":{{\"old\":\"{CANARY}\"}}}}")},
            "managedFields": [
                {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields},
                {"manager": manager, "operation": "Update", "apiVersion": "v1",
                 "fieldsV1": {"f:data": {"f:b": {}, "f:old": {}}}}]})
    };
    let desired = secret(json!({"data": {"b": "Yg=="}, "stringData": {"a": "s3cret-canary!"}}));
    for manager in ["kubectl-edit", "kubectl-client-side-apply"] {
        let data = json!({"a": CANARY, "b": CANARY, "gone": CANARY, "old": CANARY});
        let live = secret(json!({"metadata": metadata(manager), "data": data}));
        let predicted = apply_body(&desired, Some(&live), &rules, false);
        let said = [
            format!("{:?}", compare(&desired, &live, &rules)),
            format!("{:?}", compare_predicted(&live, &predicted, &rules)),
            format!("{:?}", normalized(&desired, &live, &rules)),
            format!("{:?}", masked(&desired, &live)),
            format!("{:?}", cache_key(&desired, &live, &rules)),
        ]
        .concat();
        for value in [CANARY, "s3cret", "Yg==", &STANDARD.encode("s3cret-canary!")] {
            assert!(!said.contains(value), "{manager}: {value} in {said}");
        }
    }
}

#[test]
fn secrets_differ_by_value() {
    let live = |fields: Value| {
        let metadata = json!({"name": "password", "managedFields": [{"manager": "argocd-controller",
            "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}}]});
        secret(json!({"metadata": metadata, "data": fields}))
    };
    let rules = Rules::default();
    let text = secret(json!({"stringData": {"a": "a"}}));
    assert_eq!(compare(&text, &live(json!({"a": "YQ=="})), &rules), Verdict::Synced);
    assert_eq!(
        compare(&text, &live(json!({"a": "Yg=="})), &rules),
        Verdict::AskServer(Why::Differs { path: "data.a".into() })
    );
    let Verdict::OutOfSync(fields) =
        compare_predicted(&live(json!({"a": "Yg=="})), &live(json!({"a": "YQ=="})), &rules)
    else {
        panic!("they differ")
    };
    let [field] = fields.as_slice() else { panic!("{fields:?}") };
    let values = (field.live.clone(), field.desired.clone());
    assert_eq!(values, (Some(json!("+++++++++")), Some(json!("++++++++"))));
    assert_eq!((&*field.path, field.manager.as_deref()), ("data.a", Some("argocd-controller")));
}

#[test]
fn what_is_sent_has_data_only() {
    let body = apply_body(
        &secret(json!({"data": {"a": "YQ==\n", "b": "Yg=="}, "stringData": {"b": "text", "c": null}})),
        None,
        &Rules::default(),
        false,
    );
    assert_eq!(body.as_map().get("stringData"), None);
    assert_eq!(body.as_map()["data"], json!({"a": "YQ==", "b": "dGV4dA==", "c": ""}));
}

#[test]
fn a_malformed_secret_is_named_without_its_value() {
    for (fields, message) in [
        (json!({"data": 5}), "data of Secret password is not a map"),
        (json!({"data": {"a": "s3cret!"}}), "data.a of Secret password is not base64"),
        (json!({"data": {"a": 5}}), "data.a of Secret password is not a string"),
        (json!({"stringData": {"a": 5}}), "stringData.a of Secret password is not a string"),
    ] {
        assert_eq!(check_secret(&secret(fields)).unwrap_err().to_string(), message);
    }
    assert_eq!(check_secret(&secret(json!({"data": {"a": "Y\nQ=="}, "stringData": null}))), Ok(()));
}
