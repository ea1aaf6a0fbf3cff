use serde_json::{Value, json};

use super::{
    EmptyNulls, Patches, Schemas, Selector, apply_operations, classify, operations, strategic_merge,
};
use crate::resource::Resource;

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
    let random = cases(include_str!("../../tests/cases/strategic_random.jsonl"));
    for case in cases(include_str!("../../tests/cases/strategic.jsonl")).into_iter().chain(random) {
        let mut resources = documents(case["resources"].as_str().unwrap());
        let patch = documents(case["patch"].as_str().unwrap()).remove(0);
        let empty = case["resources"].as_str().map(empty_nulls).unwrap();
        let merged = strategic_merge(resources.remove(0), patch, Schemas::builtin(), &empty);
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

/// Fails with all cases of a file whose verdict differs. An error counts as the peer's if both are errors.
pub(crate) fn check(text: &str, run: impl Fn(&Value) -> Result<Value, String>) {
    let mut wrong = Vec::new();
    for case in cases(text) {
        let got = run(&case);
        let fits = match (&got, case["expected"]["error"].as_str()) {
            (Ok(got), None) => *got == case["expected"],
            (Err(_), Some(_)) => true,
            (Ok(_), Some(_)) | (Err(_), None) => false,
        };
        if !fits {
            wrong.push(format!("{}\n  expected {}\n  got      {got:?}", case["name"], case["expected"]));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn json_patches_are_those_of_the_peer() {
    check(include_str!("../../tests/cases/json6902.jsonl"), |case| {
        let mut resources = documents(case["resources"].as_str().unwrap());
        let list = operations(case["patch"].as_str().unwrap()).map_err(|error| error.to_string())?;
        apply_operations(&mut resources[0], &list).map_err(|error| error.to_string())?;
        Ok(json!(resources))
    });
}

#[test]
fn selectors_select_as_the_peer() {
    check(include_str!("../../tests/cases/select.jsonl"), |case| {
        let selector: Selector = serde_json::from_str(case["config"].as_str().unwrap()).unwrap();
        let matcher = selector.matcher().map_err(|error| error.to_string())?;
        let mut names = Vec::new();
        for object in documents(case["resources"].as_str().unwrap()) {
            let resource = Resource::new(object);
            let (id, cluster_wide) = (resource.id(), resource.kind() == "Namespace");
            let namespace = match id.namespace.as_str() {
                _ if cluster_wide => "_non_namespaceable_",
                "" => "default",
                namespace => namespace,
            };
            if matcher.selects_namespace(namespace)
                && matcher.selects_name(&id.name)
                && matcher.selects_kind(&id.gvk.group, &id.gvk.version, &id.gvk.kind)
                && matcher.selects_metadata(&resource.body).map_err(|error| error.to_string())?
            {
                names.push(id.name);
            }
        }
        Ok(json!(names))
    });
}

#[test]
fn a_patch_is_told_from_the_other_kind() {
    let object = || vec![json!({"kind": "A"})];
    for (name, text, objects, expected) in [
        ("a merge", "kind: A", Ok(object()), Ok(Patches::Merge(object()))),
        ("operations", "- op: a", Err(()), Ok(Patches::Operations(json!([{"op": "a"}])))),
        ("comments", "# a", Ok(Vec::new()), Ok(Patches::Nothing)),
        ("no text", "", Ok(Vec::new()), Ok(Patches::Nothing)),
        ("neither", "a", Err(()), Err("unable to parse SM or JSON patch from [path: \"p\"]")),
    ] {
        let found = classify(text, objects, "[path: \"p\"]").map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{name}");
    }
}

#[test]
fn a_document_of_ones_own_stands_alone() {
    let schemas = Schemas::from_openapi(
        &json!({
            "definitions": {
                "io.x.Thing": {
                    "properties": {"spec": {"$ref": "#/definitions/io.x.Spec"}},
                    "x-kubernetes-group-version-kind": [{"group": "x.io", "version": "v1", "kind": "Thing"}]
                },
                "io.x.Spec": {"properties": {
                    "items": {
                        "type": "array",
                        "items": {"$ref": "#/definitions/io.x.Spec"},
                        "x-kubernetes-patch-strategy": "merge",
                        "x-kubernetes-patch-merge-key": "id"
                    }
                }}
            },
            "paths": {"/apis/x.io/v1/namespaces/{namespace}/things/{name}": {"get": {
                "x-kubernetes-group-version-kind": {"group": "x.io", "version": "v1", "kind": "Thing"}
            }}}
        }),
        false,
    );
    let thing = |items: Value| json!({"apiVersion": "x.io/v1", "kind": "Thing", "spec": {"items": items}});
    let target = thing(json!([{"id": "a", "x": 1, "items": [{"id": "q"}]}, {"id": "b"}]));
    let patch = thing(json!([{"id": "a", "y": 2, "items": [{"id": "r"}]}]));
    let merged = strategic_merge(target, patch, &schemas, &EmptyNulls::new()).unwrap().unwrap();
    assert_eq!(
        merged,
        thing(json!([{"id": "a", "x": 1, "y": 2, "items": [{"id": "r"}, {"id": "q"}]}, {"id": "b"}]))
    );
    assert_eq!(schemas.is_namespaced("x.io/v1", "Thing"), Some(true));
    assert_eq!(schemas.kind("apps/v1", "Deployment"), None);
    assert_eq!(Schemas::builtin().is_namespaced("v1", "Namespace"), Some(false));
    assert_eq!(Schemas::builtin().is_namespaced("apps/v1", "Deployment"), Some(true));
}
