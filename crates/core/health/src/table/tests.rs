use resource::{GroupKind, Object};
use serde_json::{Value, json};

use super::{FILES, Table, parse};

fn table(text: &str) -> Result<Table, String> {
    parse::files(&[("test", text)])
}

/// What a table with one kind, `g/K`, says of a status; `-` where no line holds.
fn says(rule: &str, status: &Value) -> String {
    let text = format!("kind g/K\n{rule}");
    let object = json!({"apiVersion": "g/v1", "kind": "K", "metadata": {"generation": 2}, "status": status});
    let object = Object::from_value(object).unwrap();
    let table = table(&text).unwrap();
    let health = table.find(&object.group_kind()).unwrap().judge(&object);
    health.map_or_else(|| "-".to_owned(), |health| format!("{}: {}", health.status, health.message))
}

#[test]
fn the_files_can_be_read() {
    let table = parse::files(FILES).unwrap();
    assert!(table.exact.len() > 250, "{}", table.exact.len());
}

#[test]
fn tests_of_lines() {
    let two = json!({"conditions": [
        {"type": "Synced", "status": "False", "reason": "Late", "message": "not yet"},
        {"type": "Ready", "status": "True", "message": "all well", "observedGeneration": 1}]});
    for (row, rule, status, expected) in [
        (
            "the message of what was found",
            "  Healthy {.message} if Ready=True",
            two.clone(),
            "Healthy: all well",
        ),
        ("one of several", "  Degraded {.message} if Ready|Synced=False", two.clone(), "Degraded: not yet"),
        ("a reason", "  Degraded no if Synced=*:!Late|Slow\n  Missing x", two.clone(), "Missing: x"),
        ("not a status", "  Progressing {.reason} if Synced=!True", two.clone(), "Progressing: Late"),
        ("none", "  Missing no if no Stalled=*", two.clone(), "Missing: no"),
        ("by type", "  Healthy {@Synced.message}", two.clone(), "Healthy: not yet"),
        ("last", "  Healthy {status.conditions.last.message}", two.clone(), "Healthy: all well"),
        (
            "in order",
            "  each status.conditions\n    Healthy a if Ready=True\n    Degraded b if Synced=False",
            two,
            "Degraded: b",
        ),
        (
            "is",
            "  Healthy {status.phase} if status.phase is \"Up|Not up\"",
            json!({"phase": "Not up"}),
            "Healthy: Not up",
        ),
        ("isnt counts what is absent", "  Healthy yes if status.phase isnt Up", json!({}), "Healthy: yes"),
        ("numbers are texts", "  Healthy yes if status.code is 0", json!({"code": 0}), "Healthy: yes"),
        ("default", "  Healthy yes if status.a?3 >= status.b minus 1", json!({"b": 4}), "Healthy: yes"),
        ("no number", "  Healthy yes if status.a < 1", json!({}), "-"),
        ("absent is no number", "  Healthy yes if status.a == 0\n  Missing no", json!({}), "Missing: no"),
        ("absent is absent", "  Healthy yes if status.a == status.b", json!({}), "Healthy: yes"),
        ("absent is no number", "  Healthy yes if status.a == 0\n  Missing no", json!({}), "Missing: no"),
        ("absent is absent", "  Healthy yes if status.a == status.b", json!({}), "Healthy: yes"),
        ("length", "  Healthy {#status.a} if #status.a == 2", json!({"a": [1, 2]}), "Healthy: 2"),
        ("null is absent", "  Healthy yes if no status.a", json!({"a": null}), "Healthy: yes"),
        ("or", "  Healthy yes if status.a and status.b or status.c", json!({"c": 1}), "Healthy: yes"),
        ("stale", "  Progressing old if stale", json!({"observedGeneration": 1}), "Progressing: old"),
        ("stale needs both", "  Progressing old if stale", json!({}), "-"),
        ("unseen", "  Progressing old if unseen", json!({}), "Progressing: old"),
        ("absent", "  Healthy \"{status.a ?? 'none'}\"", json!({"a": ""}), "Healthy: "),
        ("empty", "  Healthy \"{status.a ?: 'none'}\"", json!({"a": ""}), "Healthy: none"),
        ("names with dots", "  Healthy {status.'a.b'}", json!({"a.b": ["x", 1]}), "Healthy: x, 1"),
        (
            "outer",
            "  each status.a\n    each .b\n      Healthy {^n}{.n}",
            json!({"a": [{"n": 1, "b": [{"n": 2}]}]}),
            "Healthy: 12",
        ),
        (
            "by time",
            "  each status.a by t\n    Healthy {.n}",
            json!({"a": [{"n": 1}, {"n": 2, "t": "b"}, {"n": 3, "t": "a"}]}),
            "Healthy: 3",
        ),
        (
            "values of a map",
            "  each status.a\n    Degraded {.n} if .n > 1",
            json!({"a": {"x": {"n": 1}, "y": {"n": 2}}}),
            "Degraded: 2",
        ),
        (
            "a wrong type",
            "  each status.a\n    Healthy x\n  Missing {status.a.b}",
            json!({"a": 7}),
            "Missing: ",
        ),
    ] {
        assert_eq!(says(rule, &status), expected, "{row}");
    }
}

#[test]
fn patterns_come_after_kinds() {
    let table =
        table("kind *.x.io/*\n  Healthy a\nkind g.x.io/K\n  Missing b\nkind h/*\n  Healthy c").unwrap();
    for (group, kind, expected) in [
        ("g.x.io", "K", Some("b")),
        ("g.x.io", "L", Some("a")),
        ("x.io", "K", None),
        ("h", "Any", Some("c")),
        ("other", "K", None),
    ] {
        let object = json!({"apiVersion": format!("{group}/v1"), "kind": kind});
        let object = Object::from_value(object).unwrap();
        let rule = table.find(&GroupKind { group: group.to_owned(), kind: kind.to_owned() });
        let said = rule.and_then(|rule| rule.judge(&object)).map(|health| health.message);
        assert_eq!(said.as_deref(), expected, "{group}/{kind}");
    }
}

#[test]
fn errors_name_the_line() {
    for (text, expected) in [
        ("kind a/B\n  Healty x", "test.rules:1: test.rules:2: Healty is no word of a rule"),
        ("kind a/B\n  Healthy", "test.rules:1: test.rules:2: Healthy says nothing"),
        ("kind a/B\n  Healthy x when y", "test.rules:1: test.rules:2: when stands where `if` should"),
        ("kind a/B\n  use none", "test.rules:1: test.rules:2: there is no rule none"),
        ("kind a/B\n  code none", "test.rules:1: test.rules:2: there is no function none"),
        ("kind a/B\n  Healthy x if a is b c", "test.rules:1: test.rules:2: \"a is b c\" is no test"),
        ("kind a/B\n  Healthy {x", "test.rules:1: test.rules:2: a brace is open in {x"),
        ("kind a/B\nkind a/B", "test.rules:2: a/B stands in the table twice"),
        ("kind B", "test.rules:1: B is no group/Kind"),
        (
            "rule r\n  Healthy $1\nkind a/B\n  use r",
            "test.rules:3: test.rules:4: test.rules:2: \"$1\" wants a text that its user does not give",
        ),
        ("rule r\n  use r\nkind a/B\n  use r", "conventions use each other without end"),
    ] {
        let error = table(text).unwrap_err();
        assert!(error.ends_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn deletion_says_what_is_waited_for() {
    let text = "kind g/K\n  deleting \"K goes.\" a/f \"waits for a.\"\n  Healthy x";
    let object = json!({"apiVersion": "g/v1", "kind": "K", "metadata": {"finalizers": ["a/f", "b/f"]}});
    let object = Object::from_value(object).unwrap();
    let table = table(text).unwrap();
    let health = table.find(&object.group_kind()).unwrap().deletion(&object).unwrap();
    assert_eq!(health.message, "K goes. a/f: waits for a. b/f: still present.");
}
