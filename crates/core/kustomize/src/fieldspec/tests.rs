use serde_json::{Value, json};

use super::{Create, FieldSpec, NameReference, for_each, merge_specs, split_path};
use crate::patch::tests::cases;

#[test]
fn the_default_specs_are_those_of_the_peer() {
    let recorded = cases(include_str!("../../tests/cases/field_specs.jsonl"));
    let tables: [(&str, Vec<FieldSpec>); 10] = [
        ("namePrefix", super::metadata_name()),
        ("nameSuffix", super::metadata_name()),
        ("namespace", super::namespace()),
        ("commonLabels", super::common_labels()),
        ("templateLabels", super::template_labels()),
        ("volumeClaimTemplateLabels", super::volume_claim_template_labels()),
        ("commonAnnotations", super::common_annotations()),
        ("varReference", super::var_references()),
        ("images", super::images()),
        ("replicas", super::replicas()),
    ];
    for (name, ours) in tables {
        let theirs: Vec<&Value> =
            recorded.iter().filter(|row| row["table"] == name).map(|row| &row["spec"]).collect();
        assert_same(name, ours.iter().map(to_json).collect(), theirs.into_iter().cloned().collect());
    }
    let ours = super::name_references().iter().flat_map(references).collect();
    let theirs = recorded.iter().filter(|row| row["table"] == "nameReference");
    let theirs = theirs.map(|row| json!([row["names"], row["spec"]])).collect();
    assert_same("nameReference", ours, theirs);
}

fn assert_same(table: &str, ours: Vec<Value>, theirs: Vec<Value>) {
    let sorted = |rows: Vec<Value>| {
        let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
        rows.sort();
        // The peer has one row twice.
        rows.dedup();
        rows
    };
    assert_eq!(sorted(ours), sorted(theirs), "{table}");
}

fn to_json(spec: &FieldSpec) -> Value {
    let mut row = kind(&spec.gvk.group, &spec.gvk.version, &spec.gvk.kind);
    row["path"] = json!(spec.path);
    if spec.create {
        row["create"] = json!(true);
    }
    row
}

fn references(reference: &NameReference) -> Vec<Value> {
    let names = kind(&reference.gvk.group, &reference.gvk.version, &reference.gvk.kind);
    reference.fields.iter().map(|spec| json!([names, to_json(spec)])).collect()
}

fn kind(group: &str, version: &str, kind: &str) -> Value {
    let parts = [("group", group), ("version", version), ("kind", kind)];
    let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
    parts.map(|(name, text)| (name.to_owned(), json!(text))).collect()
}

#[test]
fn paths_are_split_at_slashes() {
    for (path, expected) in [
        ("a/b", vec!["a", "b"]),
        ("/a/b", vec!["a", "b"]),
        (r"metadata/annotations/x.io\/y", vec!["metadata", "annotations", "x.io/y"]),
        ("a", vec!["a"]),
        ("", vec![""]),
        ("/", vec![""]),
        ("a//b", vec!["a", "", "b"]),
    ] {
        assert_eq!(split_path(path, '/'), expected, "{path}");
    }
}

#[test]
fn walks_set_what_they_find_or_make() {
    let object = |spec: Value| json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec});
    for (name, spec, path, create, make, expected) in [
        ("there", json!({"a": {"b": 1}}), "spec/a/b", false, Create::Never, Ok(json!({"a": {"b": "X"}}))),
        ("missing", json!({}), "spec/a/b", false, Create::Never, Ok(json!({}))),
        ("made", json!({}), "spec/a/b", true, Create::Scalar, Ok(json!({"a": {"b": "X"}}))),
        ("made by nobody", json!({}), "spec/a/b", true, Create::Never, Ok(json!({}))),
        ("not made", json!({}), "spec/a/b", false, Create::Scalar, Ok(json!({}))),
        ("null on the way", json!({"a": null}), "spec/a/b", true, Create::Map, Ok(json!({"a": {"b": "X"}}))),
        ("null stays", json!({"a": null}), "spec/a/b", false, Create::Map, Ok(json!({"a": null}))),
        ("null at the end", json!({"a": null}), "spec/a", false, Create::Map, Ok(json!({"a": "X"}))),
        (
            "a list",
            json!({"a": [{"b": 1}, {}]}),
            "spec/a/b",
            false,
            Create::Never,
            Ok(json!({"a": [{"b": "X"}, {}]})),
        ),
        (
            "a list, made",
            json!({"a": [{}]}),
            "spec/a/b",
            true,
            Create::Scalar,
            Ok(json!({"a": [{"b": "X"}]})),
        ),
        ("a hinted list", json!({"a": null}), "spec/a[]/b", true, Create::Scalar, Ok(json!({"a": []}))),
        ("no hinted list", json!({}), "spec/a[]/b", true, Create::Scalar, Ok(json!({}))),
        (
            "a list in a list",
            json!({"a": [[{"b": 1}]]}),
            "spec/a/b",
            false,
            Create::Never,
            Ok(json!({"a": [[{"b": "X"}]]})),
        ),
        (
            "a scalar on the way",
            json!({"a": 1}),
            "spec/a/b",
            false,
            Create::Never,
            Err("expected sequence or mapping node"),
        ),
        (
            "an empty name",
            json!({"a": {}}),
            "spec/a//b",
            false,
            Create::Never,
            Err("cannot set or create an empty field name"),
        ),
    ] {
        let mut value = object(spec);
        let spec = FieldSpec::new("apps", "", "Deployment", path, create);
        let done = for_each(&mut value, &spec, make, &mut |place| {
            *place = json!("X");
            Ok(())
        });
        match expected {
            Ok(expected) => assert_eq!((done, value), (Ok(()), object(expected)), "{name}"),
            Err(text) => assert!(done.unwrap_err().to_string().ends_with(text), "{name}"),
        }
    }
    let mut other = json!({"apiVersion": "v1", "kind": "Deployment", "spec": {"a": 1}});
    let spec = FieldSpec::new("apps", "", "Deployment", "spec/a", true);
    for_each(&mut other, &spec, Create::Scalar, &mut |_| Err("called".to_owned())).unwrap();
}

#[test]
fn merged_specs_agree_on_create() {
    let spec = |kind: &str, create| FieldSpec::new("", "", kind, "spec/a", create);
    let mut list = vec![spec("A", true)];
    merge_specs(&mut list, &[spec("A", true), spec("B", false)]).unwrap();
    assert_eq!(list.len(), 2);
    // A spec for all kinds is covered by one for any kind, but not the other way round.
    merge_specs(&mut list, &[spec("", true)]).unwrap();
    assert_eq!(list.len(), 2);
    assert!(merge_specs(&mut list, &[spec("B", true)]).is_err());
}
