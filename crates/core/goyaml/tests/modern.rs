//! `parse_modern` against what `kustomize build` 5.8.2 makes of the same text.

use goyaml::{Limits, Verbatim, parse_modern};
use serde_json::{Value, json};

fn read(text: &str) -> (Value, Option<String>) {
    let verbatim = Verbatim {
        maps: &[&["metadata", "annotations"], &["items", "*", "metadata", "annotations"]],
        nulls: true,
    };
    let read =
        parse_modern(text.as_bytes(), &Limits::default(), verbatim).expect("YAML").expect("a document");
    (read.value, read.flaw)
}

#[test]
fn scalars() {
    let cases = [
        ("a truth value of old", "yes", json!("yes")),
        ("a truth value", "True", json!(true)),
        ("a date", "2020-1-2", json!("2020-01-02T00:00:00Z")),
        ("a time", "2020-01-02t3:04:05.120+02:00", json!("2020-01-02T03:04:05.12+02:00")),
        ("a time in Greenwich", "2020-01-02 03:04:05.5", json!("2020-01-02T03:04:05.5Z")),
        ("a quoted date", "'2020-01-02'", json!("2020-01-02")),
        ("octal of old", "0777", json!(511)),
        ("octal", "0o17", json!(15)),
        ("underscores", "1_000", json!(1000)),
        ("a whole float", "1e3", json!(1000)),
        ("a tag of one's own", "!mine 5", json!("5")),
        ("a tagged text", "!!str 5", json!("5")),
        ("bytes", "!!binary aGVsbG8=", json!("hello")),
        ("beyond 64 bits", "18446744073709551616", json!(18_446_744_073_709_551_616.0)),
    ];
    for (name, text, want) in cases {
        assert_eq!(read(&format!("v: {text}\n")), (json!({ "v": want }), None), "{name}");
    }
}

#[test]
fn merges_and_annotations() {
    let cases = [
        (
            "own entries win wherever they stand",
            "a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a\n",
            "/b",
            json!({"x": 1, "y": 3}),
        ),
        (
            "of several, the first wins",
            "a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc:\n  <<: [*a, *b]\n",
            "/c",
            json!({"x": 1, "z": 3}),
        ),
        (
            "annotations stay as written",
            "metadata:\n  annotations: {v: 1.10, n: null, t: yes}\n",
            "/metadata/annotations",
            json!({"v": "1.10", "n": "null", "t": "yes"}),
        ),
        (
            "those of a list's items, too",
            "items:\n- metadata: {annotations: {v: 010}}\n",
            "/items/0/metadata/annotations/v",
            json!("010"),
        ),
        ("labels do not", "metadata:\n  labels: {v: 1.10}\n", "/metadata/labels/v", json!(1.1)),
    ];
    for (name, text, pointer, want) in cases {
        let (value, flaw) = read(text);
        assert_eq!(value.pointer(pointer), Some(&want), "{name}");
        assert_eq!(flaw, None, "{name}");
    }
}

#[test]
fn what_json_cannot_have_is_read_and_told() {
    let cases = [
        ("a key twice", "a: {b: 1, b: 2}\n", "already defined"),
        ("a number for a key", "a: {1: b}\n", "json: unsupported type: map[interface {}]interface {}"),
        ("a map for a key", "a: {{b: c}: d}\n", "json: unsupported type"),
        ("no end", "a: .inf\n", "json: unsupported value: +Inf"),
    ];
    for (name, text, want) in cases {
        let flaw = read(text).1.unwrap_or_default();
        assert!(flaw.contains(want), "{name}: {flaw}");
    }
}
