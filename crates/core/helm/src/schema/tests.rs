//! Verdicts of helm 3.22.0 are in `tests/schema.jsonl`: a schema, values, and what helm says of them (nothing where they fit).

use super::{SchemaLimits, validate};
use serde_json::{Value, json};

fn say(schema: &str, values: &Value, limits: &SchemaLimits) -> String {
    let verdict = validate(schema.as_bytes(), values, limits, &mut Vec::new());
    verdict.err().unwrap_or_default().trim_end().to_owned()
}

#[test]
fn as_helm_says() {
    let mut failed = Vec::new();
    for line in include_str!("../../tests/schema.jsonl").lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap();
        let ours =
            say(text("schema"), &serde_json::from_str(text("values")).unwrap(), &SchemaLimits::default());
        if ours != text("verdict") {
            failed.push(format!(
                "{}\n{}\n  theirs: {}\n  ours:   {ours}",
                text("schema"),
                text("values"),
                text("verdict")
            ));
        }
    }
    assert!(failed.is_empty(), "{} differ:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn a34_nothing_outside_is_read_and_everything_ends() {
    let chain: String =
        (0..10_000).map(|n| format!(r##""d{n}":{{"$ref":"#/$defs/d{}"}},"##, n + 1)).collect();
    let chain = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{chain}"d10000":{{}}}}}}"##);
    let bushy: String = (0..40)
        .map(|n| {
            format!(
                r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{m}"}},{{"$ref":"#/$defs/d{m}"}}]}},"##,
                m = n + 1
            )
        })
        .collect();
    let bushy = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{bushy}"d40":{{}}}}}}"##);
    let deep = format!("{}{{}}{}", r#"{"not":"#.repeat(120), "}".repeat(120));
    let rows = [
        (
            "/dev/zero",
            r#"{"$ref":"/dev/zero"}"#,
            r#"failing loading "file:///dev/zero": references to other documents are not followed"#,
        ),
        (
            "http",
            r#"{"$ref":"http://a/b"}"#,
            r#"failing loading "http://a/b": references to other documents are not followed"#,
        ),
        (
            "file",
            r#"{"$ref":"file:///etc/passwd"}"#,
            r#"failing loading "file:///etc/passwd": references to other documents are not followed"#,
        ),
        (
            "schema of schemas",
            r#"{"$schema":"http://a/b"}"#,
            r#"failing loading "http://a/b": references to other documents are not followed"#,
        ),
        ("itself", r##"{"$ref":"#"}"##, "- at '': the schema refers to itself, causing reference cycle"),
        ("chain", &chain, "the schema nests or refers too deep"),
        ("twice and twice again", &bushy, "looking at the values by the schema takes too many steps"),
        ("deep", &deep, ""),
        (
            "wrong type",
            r#"{"type":"strng"}"#,
            "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with 'https://json-schema.org/draft/2020-12/schema#'\n- at '/type': value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'",
        ),
        (
            "no schema",
            "[]",
            "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with 'https://json-schema.org/draft/2020-12/schema#'\n- at '': got array, want boolean or object",
        ),
    ];
    let limits = SchemaLimits { steps: 200_000, ..SchemaLimits::default() };
    for (row, schema, want) in rows {
        assert_eq!(say(schema, &json!({"a": 1}), &limits), want, "{row}");
    }
    let pattern = format!(r#"{{"pattern":"{}"}}"#, "(x{1000}){1000}");
    assert!(say(&pattern, &json!({}), &limits).contains("invalid regex"), "a large pattern");
    assert!(say(&" ".repeat(6 << 20), &json!({}), &limits).contains("the limit is"), "a large schema");
}
