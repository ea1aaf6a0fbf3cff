use serde_json::json;

use super::*;

#[test]
fn conditions_say_what_they_say_in_the_peer() {
    let data = json!({
        "application": {"spec": {"project": "shop", "n": 3}, "metadata": {"labels": {"a/b": "x"}, "name": "web-1"}},
        "resource": {"kind": "Pod", "items": ["a", "b"]},
    });
    for (text, expected) in [
        ("true", Ok(true)),
        ("application.spec.project == \"shop\"", Ok(true)),
        ("application.spec.project != 'shop'", Ok(false)),
        ("resource.kind == \"Pod\" || resource.kind == \"Deployment\"", Ok(true)),
        ("resource.kind == 'Job' or application.spec.n >= 3", Ok(true)),
        ("resource.kind == 'Pod' and not (application.spec.n < 3)", Ok(true)),
        ("resource.kind in ['Pod', 'Job']", Ok(true)),
        ("resource.kind not in ['Pod', 'Job']", Ok(false)),
        ("'a/b' in application.metadata.labels", Ok(true)),
        ("application.metadata.labels['a/b'] == `x`", Ok(true)),
        ("application.metadata.annotations == nil", Ok(true)),
        ("application.metadata.annotations?.x == nil", Ok(true)),
        ("application.metadata.annotations.x == nil", Err("cannot fetch \"x\" from <nil>")),
        ("'x' in application.metadata.annotations", Ok(false)),
        ("application.metadata.name startsWith 'web' && application.metadata.name endsWith '1'", Ok(true)),
        ("application.metadata.name contains 'eb-'", Ok(true)),
        ("application.metadata.name matches '^web-[0-9]+$'", Ok(true)),
        ("application.metadata.name matches '('", Err("missing closing )")),
        ("resource.items[0] == 'a' && resource.items[-1] == 'b'", Ok(true)),
        ("resource.items[2] == 'a'", Err("index out of range: 2")),
        ("(nothing ?? 'x') == 'x'", Ok(true)),
        ("nothing == nil ? len(resource.items) == 2 : false", Ok(true)),
        ("upper(resource.kind) + '!' == 'POD!'", Ok(true)),
        ("!true", Ok(false)),
        ("1 == 1.0", Ok(true)),
        ("-1 < 0", Ok(true)),
        ("resource.kind < 3", Err("have no order")),
        ("resource.kind and true", Err("neither true nor false")),
        ("any(resource.items, {# == 'a'})", Err("unexpected character")),
        ("any(resource.items)", Err("the function any is not known here")),
        ("1 +", Err("unexpected end")),
        ("(1", Err(") is missing")),
        ("'x", Err("a text does not end")),
        ("true false", Err("unexpected")),
        ("", Err("unexpected end")),
    ] {
        match (evaluate(text, &data), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, json!(expected), "{text}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
            (found, expected) => {
                assert_eq!(found, expected.map(Value::from).map_err(str::to_owned), "{text}")
            }
        }
    }
    let deep = "(".repeat(10_000);
    assert!(evaluate(&deep, &data).is_err());
    let nested = format!("{}1{}", "(".repeat(500), ")".repeat(500));
    assert!(evaluate(&nested, &data).unwrap_err().contains("nests at most"));
}
