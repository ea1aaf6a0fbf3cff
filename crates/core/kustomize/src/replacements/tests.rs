use serde_json::{Value, json};

use super::{Replacement, replace, split_field_path};
use crate::patch::tests::{check, documents};
use crate::resource::{Previous, Resource};

#[test]
fn replacements_are_those_of_the_peer() {
    let both = [
        include_str!("../../tests/cases/replacements.jsonl"),
        include_str!("../../tests/cases/structured.jsonl"),
    ];
    check(&both.concat(), |case| {
        let objects = documents(case["resources"].as_str().unwrap());
        let mut resources: Vec<Resource> = objects.into_iter().map(Resource::new).collect();
        let config: Value = serde_json::from_str(case["config"].as_str().unwrap()).unwrap();
        let list: Vec<Replacement> = serde_json::from_value(config["replacements"].clone()).unwrap();
        for replacement in &list {
            replace(&mut resources, replacement).map_err(|error| error.to_string())?;
        }
        Ok(json!(resources.iter().map(|resource| &resource.body).collect::<Vec<_>>()))
    });
}

#[test]
fn paths_are_split_at_dots() {
    for (path, expected) in [
        ("a.b", vec!["a", "b"]),
        (r"metadata.annotations.x\.io/y", vec!["metadata", "annotations", "x.io/y"]),
        ("metadata.annotations.[x.io/y]", vec!["metadata", "annotations", "x.io/y"]),
        ("c.[name=a.b].image", vec!["c", "[name=a.b]", "image"]),
        ("c.[name=a].image", vec!["c", "[name=a]", "image"]),
        ("c.[x].y", vec!["c", "[x]", "y"]),
        ("c.[name=a", vec!["c", "[name=a"]),
    ] {
        assert_eq!(split_field_path(path), expected, "{path}");
    }
}

#[test]
fn objects_are_known_by_former_names() {
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "pre-c"}, "data": {"a": "1"}});
    let mut resource = Resource::new(object);
    resource.previous.push(Previous {
        name: "c".to_owned(),
        namespace: "default".to_owned(),
        kind: "ConfigMap".to_owned(),
    });
    let replacement: Replacement = serde_json::from_value(json!({
        "source": {"kind": "ConfigMap", "name": "c"},
        "targets": [{"select": {"name": "c"}, "fieldPaths": ["data.a"]}]
    }))
    .unwrap();
    let mut resources = [resource];
    replace(&mut resources, &replacement).unwrap();
    assert_eq!(resources[0].body["data"]["a"], "pre-c");
}
