use std::io;

use serde_json::{Value, json};

use super::{Generated, GeneratorArgs, GeneratorOptions, generate, hash, merge_into, pairs, replace_by};
use crate::patch::tests::{check, documents};

fn args(case: &Value) -> Result<GeneratorArgs, String> {
    let config: Value = serde_json::from_str(case["config"].as_str().unwrap()).unwrap();
    let mut args: GeneratorArgs =
        serde_json::from_value(config.clone()).map_err(|error| error.to_string())?;
    if args.name.is_empty() {
        args.name = config["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    }
    Ok(args)
}

fn read(case: &Value) -> impl FnMut(&str) -> Result<Vec<u8>, io::Error> {
    let files = case["files"].clone();
    move |path| {
        let content = files[path.trim_start_matches("./")].as_str();
        content.map(|text| text.as_bytes().to_vec()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

#[test]
fn pairs_are_those_of_the_peer() {
    check(include_str!("../../tests/cases/pairs.jsonl"), |case| {
        let pairs = pairs(&args(case)?, &mut read(case)).map_err(|error| error.to_string())?;
        let pairs = pairs
            .into_iter()
            .map(|(key, value)| json!({"Key": key, "Value": String::from_utf8(value).unwrap()}));
        let pairs: Vec<Value> = pairs.collect();
        // No pairs at all are nil in Go.
        Ok(if pairs.is_empty() { Value::Null } else { json!(pairs) })
    });
}

#[test]
fn generated_objects_are_those_of_the_peer() {
    check(include_str!("../../tests/cases/generate.jsonl"), |case| {
        let secret = case["config"].as_str().unwrap().contains("SecretGenerator");
        let kind = if secret { Generated::Secret } else { Generated::ConfigMap };
        let args = args(case)?;
        let mut object = generate(kind, &args, &mut read(case)).map_err(|error| error.to_string())?;
        if args.needs_hash() {
            let name = format!("{}-{}", args.name, hash(&object));
            object["metadata"]["name"] = json!(name);
        }
        Ok(json!([object]))
    });
}

#[test]
fn hashes_are_those_of_the_peer() {
    check(include_str!("../../tests/cases/hash.jsonl"), |case| {
        Ok(json!(hash(&documents(case["resources"].as_str().unwrap())[0])))
    });
}

#[test]
fn bytes_that_are_no_text_go_to_binary_data() {
    let args: GeneratorArgs = serde_json::from_value(json!({"name": "c", "files": ["f"]})).unwrap();
    let mut read = |_: &str| Ok::<_, io::Error>(vec![0xff, 0xfe]);
    let object = generate(Generated::ConfigMap, &args, &mut read).unwrap();
    assert_eq!(
        object,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "binaryData": {"f": "//4="}})
    );
}

#[test]
fn lines_that_are_too_long_end_an_env_file() {
    let args: GeneratorArgs = serde_json::from_value(json!({"name": "c", "envs": ["f"]})).unwrap();
    for (length, expected) in [(65_535, 3), (65_536, 1)] {
        let mut read =
            |_: &str| Ok::<_, io::Error>(format!("A=1\nB={}\nC=3\n", "x".repeat(length - 2)).into_bytes());
        assert_eq!(pairs(&args, &mut read).unwrap().len(), expected, "{length}");
    }
}

#[test]
fn options_of_an_entry_win_over_those_of_all() {
    let mut args: GeneratorArgs =
        serde_json::from_value(json!({"options": {"labels": {"a": "own"}, "immutable": false}})).unwrap();
    let global: GeneratorOptions = serde_json::from_value(
        json!({"labels": {"a": "all", "b": "all"}, "annotations": {"c": "all"}, "immutable": true}),
    )
    .unwrap();
    args.inherit(Some(&global));
    let expected: GeneratorOptions = serde_json::from_value(
        json!({"labels": {"a": "own", "b": "all"}, "annotations": {"c": "all"}, "immutable": true}),
    )
    .unwrap();
    assert_eq!(args.options, Some(expected));
}

#[test]
fn a_generated_object_is_merged_with_the_old_one() {
    let old = json!({
        "kind": "Secret", "type": "old",
        "metadata": {"name": "pre-s", "namespace": "n", "labels": {"a": "old", "b": "old"}},
        "data": {"k": "MQ=="}, "stringData": {"t": "x"}
    });
    let new = json!({
        "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "s", "labels": {"a": "new"}, "annotations": {"c": "new"}}, "data": {"l": "Mg=="}
    });
    let mut replaced = new.clone();
    replace_by(&old, &mut replaced);
    let metadata = json!({
        "name": "pre-s", "namespace": "n", "labels": {"a": "new", "b": "old"}, "annotations": {"c": "new"}
    });
    assert_eq!(
        replaced,
        json!({"kind": "Secret", "type": "Opaque", "metadata": metadata, "data": {"l": "Mg=="}})
    );
    let mut merged = new;
    merge_into(&old, &mut merged).unwrap();
    assert_eq!(merged["data"], json!({"k": "MQ==", "l": "Mg==", "t": "eA=="}));
    assert_eq!(merged["stringData"], Value::Null);
}
