//! Rules and options that change what counts, on small objects.

use std::collections::BTreeMap;

use compare::{
    IgnoreRule, IgnoreStatus, KnownTypeField, Options, Rules, Verdict, Why, apply_body, compare,
    compare_predicted, ignores_extraneous, run_problems,
};
use resource::{GroupKind, Object};
use serde_json::{Value, json};

fn object(api_version: &str, kind: &str, fields: Value) -> Object {
    let mut value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}});
    if let Value::Object(fields) = fields {
        for (name, field) in fields {
            value[name] = field;
        }
    }
    Object::from_value(value).expect("the tests write objects")
}

/// A live object with what we own in it.
fn owned(api_version: &str, kind: &str, fields: Value, owned: Value) -> Object {
    let mut object = object(api_version, kind, fields);
    let mut entry = json!({"manager": "argocd-controller", "operation": "Apply", "apiVersion": api_version});
    entry["fieldsV1"] = owned;
    object.metadata_mut().insert("managedFields".into(), Value::Array(vec![entry]));
    object
}

fn rules(options: Options) -> Rules {
    Rules::compile(&[], &[], options).0
}

#[test]
fn status_counts_only_where_the_setting_says_so() {
    let live = |kind: (&str, &str), phase: &str| object(kind.0, kind.1, json!({"status": {"phase": phase}}));
    let (crd, map) = (("apiextensions.k8s.io/v1", "CustomResourceDefinition"), ("example.com/v1", "Widget"));
    for (mode, kind, synced) in [
        (IgnoreStatus::All, map, true),
        (IgnoreStatus::Crd, map, false),
        (IgnoreStatus::Crd, crd, true),
        (IgnoreStatus::None, crd, false),
    ] {
        let rules = rules(Options { ignore_status: mode, ..Options::default() });
        let verdict = compare_predicted(&live(kind, "a"), &live(kind, "b"), &rules);
        assert_eq!(verdict == Verdict::Synced, synced, "{mode:?} {kind:?}");
    }
}

#[test]
fn rules_of_aggregated_roles() {
    let role = |fields| object("rbac.authorization.k8s.io/v1", "ClusterRole", fields);
    let desired = role(json!({"aggregationRule": {"x": 1}, "rules": []}));
    let live = role(json!({"aggregationRule": {"x": 1}, "rules": [{"verbs": ["get"]}]}));
    let other = role(json!({"aggregationRule": {"x": 1}, "rules": [{"verbs": ["list"]}]}));
    assert_eq!(apply_body(&desired, None, &Rules::default(), false).as_map().get("rules"), None);
    let ignoring = rules(Options { ignore_aggregated_roles: true, ..Options::default() });
    assert_eq!(compare_predicted(&live, &other, &ignoring), Verdict::Synced);
    assert_ne!(compare_predicted(&live, &other, &Rules::default()), Verdict::Synced);
}

#[test]
fn known_types_make_quantities_of_custom_kinds_equal() {
    let desired = object("example.com/v1", "Widget", json!({"spec": {"size": "0.5"}}));
    let live = owned(
        "example.com/v1",
        "Widget",
        json!({"spec": {"size": "500m"}}),
        json!({"f:spec": {"f:size": {}}}),
    );
    assert_eq!(
        compare(&desired, &live, &Rules::default()),
        Verdict::AskServer(Why::MayBeSame { path: "spec.size".into() })
    );
    let known = KnownTypeField { field: "spec.size".into(), type_name: "core/Quantity".into() };
    let known_types = BTreeMap::from([(GroupKind::new("example.com", "Widget"), vec![known])]);
    assert_eq!(
        compare(&desired, &live, &rules(Options { known_types, ..Options::default() })),
        Verdict::Synced
    );
}

#[test]
fn keyed_lists_sets_and_nulls() {
    let live = owned(
        "v1",
        "Service",
        json!({"metadata": {"name": "a", "finalizers": ["x", "y"]}, "spec": {"ports": [
            {"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "UDP"}, {"port": 90, "protocol": "TCP"}]}}),
        json!({"f:metadata": {"f:finalizers": {"v:\"x\"": {}}}, "f:spec": {"f:ports": {
            "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:protocol": {}},
            "k:{\"port\":80,\"protocol\":\"UDP\"}": {".": {}, "f:port": {}, "f:protocol": {}}}}}),
    );
    let service = |finalizers: Value, ports: Value| {
        let metadata = json!({"name": "a", "finalizers": finalizers, "creationTimestamp": null});
        object("v1", "Service", json!({"metadata": metadata, "spec": {"ports": ports, "selector": null}}))
    };
    let udp = json!({"port": 80, "protocol": "UDP"});
    let tcp = json!({"port": 80, "protocol": "TCP"});
    let not_owned = |path: &str| Verdict::AskServer(Why::NotOwned { path: path.into() });
    for (row, finalizers, ports, expected) in [
        ("as applied", json!(["x"]), json!([tcp, udp]), Verdict::Synced),
        (
            "a key left to its default",
            json!(["x"]),
            json!([{"port": 80}, udp]),
            Verdict::AskServer(Why::NoLongerDesired {
                path: "spec.ports[port=80,protocol=TCP].protocol".into(),
            }),
        ),
        (
            "a set member of others is now wanted",
            json!(["x", "y"]),
            json!([tcp, udp]),
            not_owned("metadata.finalizers"),
        ),
        (
            "one item twice",
            json!(["x"]),
            json!([tcp, udp, udp]),
            not_owned("spec.ports[port=80,protocol=UDP].port"),
        ),
        (
            "a set member is gone",
            json!([]),
            json!([tcp, udp]),
            Verdict::AskServer(Why::NoLongerDesired { path: "metadata.finalizers[=x]".into() }),
        ),
    ] {
        assert_eq!(compare(&service(finalizers, ports), &live, &Rules::default()), expected, "{row}");
    }
}

#[test]
fn what_a_manifest_has_no_say_in_is_not_sent() {
    let desired = object(
        "v1",
        "ConfigMap",
        json!({"metadata": {"name": "a", "uid": "1", "resourceVersion": "7", "generation": 3, "managedFields": [],
            "creationTimestamp": null, "selfLink": "/x", "ownerReferences": [{"uid": "2"}], "finalizers": ["keep"]},
            "status": {"x": 1}, "data": {"k": "v"}}),
    );
    assert_eq!(
        apply_body(&desired, None, &Rules::default(), false).to_value(),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "finalizers": ["keep"]}, "data": {"k": "v"}})
    );
}

#[test]
fn a_rule_that_runs_out_of_budget_is_named() {
    let rule = IgnoreRule {
        kind: "*".into(),
        jq_path_expressions: vec!["(., .) | ".repeat(40) + "select(false)"],
        ..IgnoreRule::default()
    };
    let (rules, problems) = Rules::compile(&[rule], &[], Options::default());
    assert_eq!(problems, []);
    let rules = rules.with_jq_steps(20_000);
    let (a, b) = (
        object("v1", "ConfigMap", json!({"data": {"k": "a"}})),
        object("v1", "ConfigMap", json!({"data": {"k": "b"}})),
    );
    let name = "ignoreDifferences[0].jqPathExpressions[0]";
    assert_eq!(run_problems(&a, &rules).map(|problem| problem.rule).as_deref(), Some(name));
    for verdict in [compare(&a, &b, &rules), compare_predicted(&a, &b, &rules)] {
        assert!(
            matches!(&verdict, Verdict::AskServer(Why::RuleFailed { rule, .. }) if rule == name),
            "{verdict:?}"
        );
    }
    assert_eq!(compare_predicted(&a, &a, &rules), Verdict::Synced, "no difference needs no rule");
}

#[test]
fn the_identity_of_an_object_cannot_be_ignored() {
    let rule = IgnoreRule {
        kind: "*".into(),
        json_pointers: ["/metadata", "/metadata/name", "/kind", "/data"].map(Into::into).to_vec(),
        ..IgnoreRule::default()
    };
    let (rules, _) = Rules::compile(&[rule], &[], Options::default());
    let live = |value: &str| object("v1", "ConfigMap", json!({"data": {"k": value}}));
    assert_eq!(compare_predicted(&live("a"), &live("b"), &rules), Verdict::Synced);
    assert_eq!(apply_body(&live("a"), Some(&live("b")), &rules, true).name(), "a");
}

#[test]
fn extraneous_objects_can_be_left() {
    let object = |options: &str| {
        let metadata = json!({"name": "a", "annotations": {"argocd.argoproj.io/compare-options": options}});
        object("v1", "ConfigMap", json!({"metadata": metadata}))
    };
    assert!(ignores_extraneous(&object("IgnoreExtraneous")));
    assert!(ignores_extraneous(&object("ServerSideDiff=true, IgnoreExtraneous")));
    assert!(!ignores_extraneous(&object("ServerSideDiff=true")));
}
