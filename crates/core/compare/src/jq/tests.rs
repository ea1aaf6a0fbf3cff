use serde_json::json;

use super::*;

const BUDGET: u64 = 50_000;

fn object() -> Value {
    json!({
        "metadata": {"annotations": {"a.b/c": "1", "keep": "2"}},
        "spec": {
            "replicas": 3,
            "containers": [
                {"name": "web", "env": [{"name": "A", "value": "x"}, {"name": "SECRET_B", "value": "y"}]},
                {"name": "istio-proxy", "env": [{"name": "C"}]}
            ]
        },
        "webhooks": [{"clientConfig": {"caBundle": "AA=="}}, {"clientConfig": {}}]
    })
}

fn deleted(expression: &str) -> Value {
    let mut value = object();
    let paths = Jq::compile(expression).expect(expression).paths(&value, BUDGET).expect(expression);
    crate::path::remove(&mut value, &paths);
    value
}

#[test]
fn names_places_as_jq_does() {
    let pointer = |value: &Value, pointer: &str| value.pointer(pointer).is_some();
    for (expression, gone, kept) in [
        (".spec.replicas", "/spec/replicas", "/spec/containers/0"),
        (".metadata.annotations[\"a.b/c\"]", "/metadata/annotations/a.b~1c", "/metadata/annotations/keep"),
        (".metadata.annotations.\"a.b/c\"", "/metadata/annotations/a.b~1c", "/metadata/annotations/keep"),
        (
            ".webhooks[]?.clientConfig.caBundle",
            "/webhooks/0/clientConfig/caBundle",
            "/webhooks/1/clientConfig",
        ),
        (".spec.containers[] | select(.name == \"istio-proxy\")", "/spec/containers/1", "/spec/containers/0"),
        (
            ".spec.containers[].env[] | select(.name | startswith(\"SECRET_\")).value",
            "/spec/containers/0/env/1/value",
            "/spec/containers/0/env/0/value",
        ),
        (
            ".spec.containers[] | select(.name | test(\"^ISTIO-\"; \"i\")) | .env",
            "/spec/containers/1/env",
            "/spec",
        ),
        (".spec.containers[0].env[1:]", "/spec/containers/0/env/1", "/spec/containers/0/env/0"),
        (".spec.containers[-1]", "/spec/containers/1", "/spec/containers/0"),
        (
            ".. | .caBundle? | select(. != null)",
            "/webhooks/0/clientConfig/caBundle",
            "/webhooks/0/clientConfig",
        ),
        (".spec.replicas, .webhooks", "/webhooks", "/spec/containers"),
        ("if .spec.replicas > 1 then .spec.replicas else .webhooks end", "/spec/replicas", "/webhooks"),
        (
            ".spec.containers[] | select(any(.env[]; .name == \"C\" or (.value // \"\") == \"z\"))",
            "/spec/containers/1",
            "/spec/containers/0",
        ),
        (
            ".spec.containers as $all | .spec.replicas | select(($all | length) == 2)",
            "/spec/replicas",
            "/webhooks",
        ),
    ] {
        let value = deleted(expression);
        assert!(!pointer(&value, gone), "{expression} leaves {gone}");
        assert!(pointer(&value, kept), "{expression} takes {kept}");
    }
}

#[test]
fn what_is_missing_or_fails_names_nothing() {
    for expression in
        [".spec.none.such", ".none[]?.x", ".spec.none[].x", ".spec.replicas | error(\"no\")", "1 + 1"]
    {
        assert_eq!(deleted(expression), object(), "{expression}");
    }
}

#[test]
fn refuses_what_is_unbounded_or_reaches_out() {
    let deep = format!("{}.a{}", "(".repeat(70), ")".repeat(70));
    let long = format!(".a{}", " ".repeat(5000));
    let pipes = ".a | ".repeat(200) + ".a";
    for (expression, reason) in [
        ("def f: f; f", "`def` is not available"),
        ("[range(1e9)]", "the function `range` with 1 arguments is not available in ignore rules"),
        ("repeat(.)", "the function `repeat` with 1 arguments is not available in ignore rules"),
        ("last(recurse(.))", "the function `recurse` with 1 arguments is not available in ignore rules"),
        (
            "[limit(1; until(false; .))]",
            "the function `until` with 2 arguments is not available in ignore rules",
        ),
        ("input", "the function `input` with 0 arguments is not available in ignore rules"),
        ("env.HOME", "the function `env` with 0 arguments is not available in ignore rules"),
        ("$ENV.HOME", "the variable $ENV is not defined"),
        ("$__loc__", "the variable $__loc__ is not defined"),
        ("capstan_step", "the function `capstan_step` with 0 arguments is not available in ignore rules"),
        ("{\"\\([range(0; 1e9; 1)])\"}", "a computed key needs a value"),
        (
            "{\"\\(range(0; 9; 1))\": 1}",
            "the function `range` with 3 arguments is not available in ignore rules",
        ),
        (
            ". as {(range(9)): $x} | $x",
            "the function `range` with 1 arguments is not available in ignore rules",
        ),
        (".a |= 1", "assignments are not available: the expression names places, it does not change them"),
        ("select(\"x\" * 1000000000 == .)", "the operator `*` is not available"),
        ("@sh \"x\"", "the format @sh is not available"),
        ("label $x | break $x", "`label` and `break` are not available"),
        (".spec[", "the expression cannot be read near its end"),
        (".a |", "the expression cannot be read near its end"),
        ("", "the expression cannot be read near its end"),
        (&deep, "brackets are nested deeper than 64 levels"),
        (&long, "the expression has 5002 bytes, more than 4096"),
        (&pipes, "the expression is nested deeper than 80 levels"),
    ] {
        assert_eq!(Jq::compile(expression).err().as_deref(), Some(reason), "{expression}");
    }
}

#[test]
fn bombs_run_out_of_budget() {
    let doubling = "(., .) | ".repeat(40) + "select(false)";
    let suppressed = "(try (., .) catch .) | ".repeat(40) + ".x?";
    let text = "select((\"ab\"".to_owned() + &" | . + .".repeat(40) + ") == \"\")";
    let shared = "select((.".to_owned() + &" | [., .]".repeat(40) + " | tojson) == \"\")";
    let fold = "select(reduce (.. , .. , .. , ..) as $x (\"ab\"; . + .) == \"\")";
    let search = "select([.., .., .., ..] | [., ., ., .] | . as $all | contains($all))";
    let patterns = (0..11).map(|n| format!("test(\"q{n}\")")).collect::<Vec<_>>().join(" or ");
    let patterns = format!(".. | strings | select({patterns})");
    let descent = "..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|.. | select(false)";
    for expression in [&doubling, &suppressed, &text, &shared, fold, search, &patterns, descent] {
        let jq = Jq::compile(expression).expect(expression);
        let error = jq.paths(&object(), BUDGET).expect_err(expression);
        assert!(error.contains("more than"), "{expression}: {error}");
    }
}

#[test]
fn regular_expressions_are_bounded() {
    for pattern in ["(a+)+$", "x{1000}{1000}{1000}", "(?:"] {
        let jq = Jq::compile(&format!("select((\"{}!\" | test(\"{pattern}\")))", "a".repeat(2000))).unwrap();
        assert_eq!(jq.paths(&object(), BUDGET), Ok(vec![]), "{pattern}");
    }
}

#[test]
fn compiled_expressions_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Jq>();
}
