//! Objects as a real kube-apiserver (1.34) kept them, with the managed fields that it wrote: `applied.json` by our
//! server-side apply, `deployment.json` by us (`ssa`), by us and then `kubectl scale` and `kubectl set image` (`drift`), by
//! `kubectl apply` (`csa`), and by a client-side apply under the peer's name (`argo`).

use compare::{
    IgnoreRule, Options, Rules, Verdict, Why, apply_body, compare, compare_predicted, compare_unowned,
    takeover,
};
use resource::Object;
use serde_json::{Value, json};

fn applied() -> Vec<(Object, Object)> {
    let pairs: Value =
        serde_json::from_str(include_str!("recorded/applied.json")).expect("the recording is JSON");
    let pairs = pairs.as_array().expect("the recording is a list").iter();
    pairs.map(|pair| (object(&pair["desired"]), object(&pair["live"]))).collect()
}

fn deployment(which: &str) -> Object {
    let all: Value =
        serde_json::from_str(include_str!("recorded/deployment.json")).expect("the recording is JSON");
    object(&all[which])
}

fn object(value: &Value) -> Object {
    Object::from_value(value.clone()).expect("the recording holds objects")
}

fn changed(object: &Object, change: impl FnOnce(&mut Value)) -> Object {
    let mut value = object.to_value();
    change(&mut value);
    Object::from_value(value).expect("changes leave an object")
}

fn ignoring(rule: IgnoreRule) -> Rules {
    let rule = IgnoreRule { group: "apps".into(), kind: "Deployment".into(), ..rule };
    let (rules, problems) = Rules::compile(&[rule], &[], Options::default());
    assert_eq!(problems, []);
    rules
}

fn pointers(pointers: &[&str]) -> Rules {
    ignoring(IgnoreRule {
        json_pointers: pointers.iter().map(|&pointer| pointer.into()).collect(),
        ..Default::default()
    })
}

fn paths(verdict: Verdict) -> Vec<String> {
    match verdict {
        Verdict::OutOfSync(diffs) => diffs.into_iter().map(|diff| diff.path).collect(),
        other => vec![format!("{other:?}")],
    }
}

const WEB: &str = "/spec/template/spec/containers/0";

#[test]
fn what_we_applied_is_synced_without_a_request() {
    for (desired, live) in applied() {
        let expected = match desired.kind() {
            // Defaults of one list are computed from another one.
            "LimitRange" => Verdict::AskServer(Why::MayBeSame { path: "spec.limits".into() }),
            _ => Verdict::Synced,
        };
        assert_eq!(compare(&desired, &live, &Rules::default()), expected, "{}", desired.key());
        assert_eq!(compare_predicted(&live, &live, &Rules::default()), Verdict::Synced, "{}", desired.key());
        assert_eq!(takeover(&live), None, "{}", desired.key());
    }
}

#[test]
fn every_change_in_git_is_noticed() {
    let rules = Rules::default();
    for (desired, live) in applied() {
        for (name, value) in
            desired.as_map().iter().filter(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind"))
        {
            for pointer in leaves(value, format!("/{name}")) {
                if matches!(pointer.as_str(), "/metadata/name" | "/metadata/namespace") {
                    continue;
                }
                let git = changed(&desired, |value| {
                    let slot = value.pointer_mut(&pointer).unwrap();
                    *slot = match slot {
                        Value::String(text) => json!(format!("{text}x")),
                        Value::Bool(flag) => json!(!*flag),
                        _ => json!(77),
                    };
                });
                let verdict = compare(&git, &live, &rules);
                assert_ne!(verdict, Verdict::Synced, "{} changed at {pointer}", desired.key());
            }
        }
    }
}

/// Pointers to all scalars.
fn leaves(value: &Value, at: String) -> Vec<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(k, v)| leaves(v, format!("{at}/{}", k.replace('~', "~0").replace('/', "~1"))))
            .collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(i, v)| leaves(v, format!("{at}/{i}"))).collect()
        }
        Value::Null => vec![],
        _ => vec![at],
    }
}

#[test]
fn what_others_changed_is_drift_and_says_who() {
    let (desired, live) = (deployment("desired"), deployment("drift"));
    let Verdict::OutOfSync(fields) = compare(&desired, &live, &Rules::default()) else {
        panic!("it differs")
    };
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    let told: Vec<[String; 5]> = fields
        .iter()
        .map(|f| {
            let owner = [&f.manager, &f.changed_at].map(|text| text.clone().unwrap_or_default());
            let [manager, at] = owner;
            [f.path.clone(), text(&f.live), text(&f.desired), manager, at]
        })
        .collect();
    let image = "spec.template.spec.containers[name=web].image";
    assert_eq!(
        told,
        [
            ["spec.replicas", "5", "3", "kubectl", ""],
            [image, "\"nginx:1.28\"", "\"nginx:1.27\"", "kubectl-set", "2026-11-21T08:44:09Z"],
        ]
    );
    for field in &fields {
        let raw = |object: &Object| field.place.value_in(object).cloned();
        assert_eq!(
            (raw(&live), raw(&desired)),
            (field.live.clone(), field.desired.clone()),
            "{}",
            field.path
        );
    }
    for (row, rules, left) in [
        ("pointer", pointers(&["/spec/replicas"]), "spec.template.spec.containers[name=web].image"),
        (
            "jq",
            ignoring(IgnoreRule {
                jq_path_expressions: vec![
                    ".spec.template.spec.containers[] | select(.name == \"web\").image".into(),
                ],
                ..Default::default()
            }),
            "spec.replicas",
        ),
        (
            "manager",
            ignoring(IgnoreRule {
                managed_fields_managers: vec!["kubectl-set".into()],
                ..Default::default()
            }),
            "spec.replicas",
        ),
    ] {
        assert_eq!(paths(compare(&desired, &live, &rules)), [left], "{row}");
    }
    let both = pointers(&["/spec/replicas", "/spec/template/spec/containers/0/image"]);
    assert_eq!(compare(&desired, &live, &both), Verdict::Synced);
}

#[test]
fn what_git_changed_is_asked_about() {
    let (desired, live) = (deployment("desired"), deployment("ssa"));
    let rules = Rules::default();
    assert_eq!(compare(&desired, &live, &rules), Verdict::Synced);
    type Change = fn(&mut Value);
    let rows: [(&str, Change, Why); 8] = [
        ("value", |v| v["spec"]["replicas"] = json!(4), Why::Differs { path: "spec.replicas".into() }),
        (
            "new field",
            |v| v["spec"]["minReadySeconds"] = json!(4),
            Why::NotOwned { path: "spec.minReadySeconds".into() },
        ),
        (
            "default made explicit",
            |v| v["spec"]["revisionHistoryLimit"] = json!(10),
            Why::NotOwned { path: "spec.revisionHistoryLimit".into() },
        ),
        (
            "field removed",
            |v| drop(v["spec"].as_object_mut().unwrap().remove("replicas")),
            Why::NoLongerDesired { path: "spec.replicas".into() },
        ),
        (
            "label removed",
            |v| drop(v["metadata"]["labels"].as_object_mut().unwrap().remove("team")),
            Why::NoLongerDesired { path: "metadata.labels.team".into() },
        ),
        (
            "item removed",
            |v| drop(v.pointer_mut(&format!("{WEB}/env")).unwrap().as_array_mut().unwrap().remove(0)),
            Why::NoLongerDesired { path: "spec.template.spec.containers[name=web].env[name=A].name".into() },
        ),
        (
            "item added",
            |v| {
                v.pointer_mut(&format!("{WEB}/env"))
                    .unwrap()
                    .as_array_mut()
                    .unwrap()
                    .push(json!({"name": "B"}))
            },
            Why::NotOwned { path: "spec.template.spec.containers[name=web].env[name=B]".into() },
        ),
        (
            "items in another order",
            |v| v.pointer_mut(&format!("{WEB}/env")).unwrap().as_array_mut().unwrap().reverse(),
            Why::Order { path: "spec.template.spec.containers[name=web].env".into() },
        ),
    ];
    for (row, change, why) in rows {
        assert_eq!(compare(&changed(&desired, change), &live, &rules), Verdict::AskServer(why), "{row}");
    }
}

#[test]
fn fields_removed_from_git_go_even_where_a_client_side_apply_had_made_them() {
    for (which, manager) in [("csa", "kubectl-client-side-apply"), ("argo", "argocd-controller")] {
        let (desired, live) = (deployment("desired"), deployment(which));
        let rules = Rules::default();
        let not_ours = Verdict::AskServer(Why::NotAppliedByUs);
        assert_eq!(compare(&desired, &live, &rules), not_ours, "{which}");
        assert_eq!(compare_unowned(&desired, &live, &rules), not_ours, "{which}");

        let less = changed(&desired, |value| {
            value["metadata"]["labels"].as_object_mut().unwrap().remove("team");
            let web = value.pointer_mut(WEB).unwrap();
            web["env"].as_array_mut().unwrap().remove(0);
            web["resources"].as_object_mut().unwrap().remove("limits");
        });
        let Verdict::OutOfSync(diffs) = compare(&less, &live, &rules) else { panic!("{which}") };
        let web = "spec.template.spec.containers[name=web]";
        let names: Vec<&str> = diffs.iter().map(|diff| diff.path.as_str()).collect();
        assert_eq!(
            names,
            [
                "metadata.labels.team".to_owned(),
                format!("{web}.env[name=A]"),
                format!("{web}.resources.limits")
            ],
            "{which}: and no default among them"
        );
        assert!(diffs.iter().all(|diff| diff.desired.is_none() && diff.manager.as_deref() == Some(manager)));

        // After the entries are folded, what git lacks is ours to remove.
        let folded = takeover(&live).expect(which);
        let live = changed(&live, |value| value["metadata"]["managedFields"] = folded);
        assert_eq!(takeover(&live), None, "{which}: done once");
        let entries = live.as_map()["metadata"]["managedFields"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "{which}");
        assert_eq!(
            (&entries[0]["manager"], &entries[0]["operation"]),
            (&json!("argocd-controller"), &json!("Apply"))
        );
        assert_eq!(paths(compare(&less, &live, &rules)), names, "{which}: the takeover changes no verdict");
        assert_eq!(
            compare(&desired, &live, &rules),
            Verdict::AskServer(Why::NoLongerDesired {
                path: "metadata.annotations[\"kubectl.kubernetes.io/last-applied-configuration\"]".into()
            }),
            "{which}"
        );
    }
}

#[test]
fn entries_of_others_are_left_alone() {
    let live = changed(&deployment("csa"), |value| {
        let entries = value["metadata"]["managedFields"].as_array_mut().unwrap();
        entries.push(json!({"manager": "helm", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:paused": {}}}}));
        entries.push(
            json!({"manager": "kubectl-client-side-apply", "operation": "Update", "subresource": "status",
            "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {}}}),
        );
    });
    let folded = takeover(&live).unwrap();
    let managers: Vec<&str> =
        folded.as_array().unwrap().iter().filter_map(|entry| entry["manager"].as_str()).collect();
    assert_eq!(managers, ["argocd-controller", "helm", "kubectl-client-side-apply"]);
    // What a webhook or a replace wrote under our name stays where it is once we apply by server-side apply.
    let ours = changed(&deployment("ssa"), |value| {
        value["metadata"]["managedFields"].as_array_mut().unwrap().push(json!({"manager": "argocd-controller",
            "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:paused": {}}}}));
    });
    assert_eq!(takeover(&ours), None);
}

#[test]
fn an_ignore_rule_never_changes_replicas() {
    let (desired, live) = (deployment("desired"), deployment("ssa"));
    let without = changed(&desired, |value| drop(value["spec"].as_object_mut().unwrap().remove("replicas")));
    let scaled = changed(&live, |value| value["spec"]["replicas"] = json!(5));
    let (none, rules) = (Rules::default(), pointers(&["/spec/replicas"]));
    for (row, desired, live, rules, respect, sent) in [
        ("git's value is sent", &desired, Some(&scaled), &none, false, json!(3)),
        ("ignored, not respected", &desired, Some(&scaled), &rules, false, json!(3)),
        ("ignored and respected", &desired, Some(&scaled), &rules, true, json!(5)),
        ("created as git has it", &desired, None, &rules, true, json!(3)),
        ("git drops it, nobody ignores it", &without, Some(&live), &none, true, Value::Null),
        ("git drops it, now ignored, ours", &without, Some(&live), &rules, false, json!(3)),
        ("git drops it, now ignored and respected, ours", &without, Some(&live), &rules, true, json!(3)),
        ("git drops it, ours by takeover", &without, Some(&deployment("csa")), &rules, false, json!(3)),
        ("git drops it, an autoscaler's", &without, Some(&deployment("drift")), &rules, false, Value::Null),
    ] {
        let body = apply_body(desired, live, rules, respect).to_value();
        assert_eq!(body["spec"]["replicas"], sent, "{row}");
        assert!(body.get("status").is_none() && body["metadata"].get("managedFields").is_none(), "{row}");
    }
}

#[test]
fn ignored_items_are_found_by_name_not_by_place() {
    let sidecar = json!({"name": "proxy", "image": "proxy:2"});
    let live = changed(&deployment("ssa"), |value| {
        value
            .pointer_mut("/spec/template/spec/containers")
            .unwrap()
            .as_array_mut()
            .unwrap()
            .insert(0, sidecar.clone());
    });
    let rules = ignoring(IgnoreRule {
        jq_path_expressions: vec![
            ".spec.template.spec.containers[] | select(.name == \"proxy\")".into(),
            ".spec.template.spec.containers[].image".into(),
        ],
        ..Default::default()
    });
    let desired = changed(&deployment("desired"), |value| {
        value.pointer_mut(WEB).unwrap()["image"] = json!("nginx:9");
        let containers = value.pointer_mut("/spec/template/spec/containers").unwrap().as_array_mut().unwrap();
        containers.push(json!({"name": "new", "image": "new:1"}));
    });
    assert_eq!(
        compare(&deployment("desired"), &live, &rules),
        Verdict::Synced,
        "an injected container is somebody else's"
    );
    let body = apply_body(&desired, Some(&live), &rules, true).to_value();
    let containers = body.pointer("/spec/template/spec/containers").unwrap().as_array().unwrap();
    let images: Vec<(&str, &str)> = containers
        .iter()
        .map(|c| (c["name"].as_str().unwrap_or_default(), c["image"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(images, [("web", "nginx:1.27"), ("new", "new:1")], "the injected one is not ours to send");
}

#[test]
fn a_dry_run_gives_the_exact_difference() {
    let live = deployment("drift");
    let predicted = changed(&live, |value| {
        value["spec"]["replicas"] = json!(3);
        value["metadata"]["resourceVersion"] = json!("999");
        value["metadata"]["managedFields"] = json!([]);
        value["metadata"]["annotations"]["a.b/c"] = json!("new");
        let web = value.pointer_mut(WEB).unwrap();
        web["env"].as_array_mut().unwrap().remove(0);
        web["image"] = json!("nginx:1.27");
    });
    let web = "spec.template.spec.containers[name=web]";
    assert_eq!(
        paths(compare_predicted(&live, &predicted, &Rules::default())),
        [
            "metadata.annotations[\"a.b/c\"]".to_owned(),
            "spec.replicas".to_owned(),
            format!("{web}.env[name=A]"),
            format!("{web}.image")
        ]
    );
    let rules = ignoring(IgnoreRule {
        json_pointers: vec!["/spec/replicas".into(), "/metadata/annotations/a.b~1c".into()],
        jq_path_expressions: vec![".spec.template.spec.containers[] | .env, .image".into()],
        ..Default::default()
    });
    assert_eq!(compare_predicted(&live, &predicted, &rules), Verdict::Synced);
}

#[test]
fn an_ignored_annotation_may_be_the_only_one() {
    let live = changed(&deployment("ssa"), |value| value["metadata"]["annotations"] = json!({"x/y": "1"}));
    let predicted =
        changed(&live, |value| drop(value["metadata"].as_object_mut().unwrap().remove("annotations")));
    assert_eq!(
        compare_predicted(&live, &predicted, &pointers(&["/metadata/annotations/x~1y"])),
        Verdict::Synced
    );
}

#[test]
fn an_empty_struct_says_something() {
    let (desired, live) = (deployment("desired"), deployment("ssa"));
    let volume = |value: &mut Value, source: Value| {
        value["spec"]["template"]["spec"]["volumes"][0] = source;
    };
    let git = changed(&desired, |value| volume(value, json!({"name": "tmp", "ephemeral": {}})));
    assert!(matches!(compare(&git, &live, &Rules::default()), Verdict::AskServer(_)));
    let bare = changed(&live, |value| volume(value, json!({"name": "tmp"})));
    assert!(!matches!(compare(&desired, &bare, &Rules::default()), Verdict::Synced));
    assert_eq!(
        paths(compare_predicted(&bare, &live, &Rules::default())),
        ["spec.template.spec.volumes[name=tmp].emptyDir"]
    );
}
