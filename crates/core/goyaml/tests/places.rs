//! Streams of documents, and the places of fields in them.

use goyaml::{Limits, Mark, parse_all};
use serde_json::json;

fn values(text: &str) -> Vec<serde_json::Value> {
    parse_all(text.as_bytes(), &Limits::default())
        .expect("a stream of YAML")
        .into_iter()
        .map(|d| d.value)
        .collect()
}

#[test]
fn splits_streams() {
    let rows = [
        ("nothing", "", vec![]),
        ("comments only", "# a\n---\n# b\n---\n", vec![]),
        ("null documents are left out", "null\n---\n~\n---\na: 1\n", vec![json!({"a": 1})]),
        ("comment after a marker", "a: 1\n--- # next\nb: 2\n", vec![json!({"a": 1}), json!({"b": 2})]),
        ("comment glued to a marker", "a: 1\n---# next\nb: 2\n", vec![json!({"a": 1}), json!({"b": 2})]),
        ("directives", "%YAML 1.1\n---\na: 1\n", vec![json!({"a": 1})]),
        ("value on the marker's line", "--- 1\n--- {a: 2}\n", vec![json!(1), json!({"a": 2})]),
        ("what follows the end of a document", "a: 1\n...\nb: 2\n", vec![json!({"a": 1}), json!({"b": 2})]),
        (
            "marker inside a block is none",
            "a: |\n  ---\n  b\n---\nc: 1\n",
            vec![json!({"a": "---\nb\n"}), json!({"c": 1})],
        ),
        ("CRLF", "a: 1\r\n---\r\nb: 2\r\n", vec![json!({"a": 1}), json!({"b": 2})]),
        (
            "marks before each document",
            "\u{feff}a: 1\n---\n\u{feff}b: 2\n",
            vec![json!({"a": 1}), json!({"b": 2})],
        ),
        (
            "anchors end with their document",
            "a: &x 1\nb: *x\n---\na: &x 2\nb: *x\n",
            vec![json!({"a": 1, "b": 1}), json!({"a": 2, "b": 2})],
        ),
        (
            "glued JSON",
            "{\"a\": 1}{\"a\": 2}\n {\"a\": \"\\/\"}",
            vec![json!({"a": 1}), json!({"a": 2}), json!({"a": "/"})],
        ),
        ("JSON with surrogates", r#"{"a": "\ud83d\ude00"}"#, vec![json!({"a": "😀"})]),
        (
            "JSON documents with markers",
            "{\"a\": 1}\n---\n{\"b\": 2}\n",
            vec![json!({"a": 1}), json!({"b": 2})],
        ),
    ];
    for (name, text, want) in rows {
        assert_eq!(values(text), want, "{name}");
    }
}

#[test]
fn errors_name_their_line() {
    let rows = [
        (
            "in a later document",
            "a: 1\n---\nb: 1\n c: 2\n",
            "line 4: mapping values are not allowed in this context",
        ),
        (
            "missing colon: the line without it",
            "a: 1\n---\nb\nc: 2\n",
            "line 4: mapping values are not allowed in this context",
        ),
        ("missing colon at the end", "a: 1\nb\n", "line 2: could not find expected ':'"),
        ("unclosed quote: where it opens", "a: 1\nb: \"x\nc: 2\n", "line 2: found unexpected end of stream"),
        ("wrong indentation", "a:\n    b: 1\n  c: 2\n", "line 3: did not find expected key"),
        ("unclosed list", "a: [1,\n  2\nb: 3\n", "line 3: did not find expected ',' or ']'"),
        ("tab", "a:\n\tb: 1\n", "line 2: found character that cannot start any token"),
        ("alias", "a: 1\nb: *x\n", "line 2: unknown anchor 'x' referenced"),
        ("template", "a: 1\nb: {{ .Values.b }}\n", "line 2: invalid map key: a map"),
        ("infinity", "a:\n- .inf\n", "line 2: json: unsupported value: +Inf"),
        ("tag", "a: 1\nb: !!int x\n", "line 2: cannot decode !!str `x` as a !!int"),
        ("control character", "a: 1\nb: \u{1}\n", "line 2: control characters are not allowed"),
        ("JSON", "{\"a\": 1,\n \"b\" 2}", "line 2: did not find expected ',' or '}'"),
    ];
    for (name, text, want) in rows {
        assert_eq!(parse_all(text.as_bytes(), &Limits::default()).unwrap_err().to_string(), want, "{name}");
    }
}

#[test]
fn locates_fields() {
    let text = "# a comment\n---\nkind: A\nspec: &spec\n  list:\n  - name: x\n  -   image: y\n  'quoted': {inner: 1, yes: 2}\n\
                copy: *spec\nmerged:\n  <<: *spec\n  own: 1\n---\nkind: B\n";
    let documents = parse_all(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0].start, Mark { line: 3, column: 1 });
    assert_eq!(documents[1].start, Mark { line: 14, column: 1 });
    type Row<'a> = (&'a [&'a str], Option<(usize, usize)>);
    let rows: [Row<'_>; 12] = [
        (&[], Some((3, 1))),
        (&["spec"], Some((4, 1))),
        (&["spec", "list"], Some((5, 3))),
        (&["spec", "list", "1"], Some((7, 7))),
        (&["spec", "list", "1", "image"], Some((7, 7))),
        (&["spec", "quoted", "inner"], Some((8, 14))),
        (&["spec", "quoted", "true"], Some((8, 24))),
        (&["copy", "list", "0", "name"], Some((6, 5))),
        (&["merged", "own"], Some((12, 3))),
        (&["merged", "list"], Some((5, 3))),
        (&["spec", "list", "2"], None),
        (&["spec", "absent"], None),
    ];
    for (pointer, want) in rows {
        let got = documents[0].locate(pointer).map(|mark| (mark.line, mark.column));
        assert_eq!(got, want, "{pointer:?}");
    }
}

#[test]
fn reports_repeated_keys() {
    let text = "a: 1\nb:\n- c: 1\n  d: {e: 1, e: 2}\n  c: 2\na: 2\nx: &x {y: 1}\nz: {<<: *x, y: 2}\ntrue: 1\nyes: 2\n";
    let documents = parse_all(text.as_bytes(), &Limits::default()).unwrap();
    let got: Vec<(&str, usize)> =
        documents[0].duplicate_keys().iter().map(|(path, mark)| (path.as_str(), mark.line)).collect();
    assert_eq!(got, [("b.0.d.e", 4), ("b.0.c", 5), ("a", 6), ("true", 10)]);
    assert_eq!(documents[0].value["a"], 2);
}
