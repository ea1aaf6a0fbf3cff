//! Templates that want too much, and values that never end.

mod dialect;

use std::cell::Cell;
use std::rc::Rc;

use dialect::{Probe, functions, render, render_with, value};
use gotemplate::{Budget, Limit, Limits, Run, Templates, Value};

fn small() -> Limits {
    Limits { steps: 200_000, output: 100_000, allocated: 1_000_000, depth: 100 }
}

#[test]
fn each_limit_ends_the_run_and_is_named() {
    let rows = [
        ("a long loop", "{{range 1000000000}}{{end}}", Limit::Steps),
        (
            "loops in loops",
            "{{range 10000}}{{range 10000}}{{range 10000}}{{end}}{{end}}{{end}}",
            Limit::Steps,
        ),
        (
            "an endless pipeline",
            "{{range 1000000000}}{{$x := print 1 | print 2 | print 3}}{{end}}",
            Limit::Steps,
        ),
        ("output", "{{range 1000000}}0123456789{{end}}", Limit::Output),
        ("one large value", "{{range 1000000000}}{{printf \"%1000d\" .}}{{end}}", Limit::Output),
        ("a width", "{{range 1000}}{{$x := printf \"%1000000d\" .}}{{end}}", Limit::Allocated),
        ("a precision", "{{$x := printf \"%.999999f %.999999f\" 1.5 1.5}}", Limit::Allocated),
        ("doubling", "{{$x := \"ab\"}}{{range 100}}{{$x = print $x $x}}{{end}}", Limit::Allocated),
        ("include in include", "{{define \"a\"}}{{include \"a\" .}}{{end}}{{include \"a\" .}}", Limit::Depth),
        ("tpl in tpl", "{{$d := dict \"t\" \"{{tpl .t .}}\"}}{{tpl $d.t $d}}", Limit::Depth),
        ("a map in itself, printed", "{{$d := dict \"a\" 1}}{{set $d \"self\" $d}}", Limit::Output),
        (
            "the same in printf",
            "{{$d := dict}}{{$d = set $d \"l\" (list $d)}}{{printf \"%d\" $d}}",
            Limit::Nesting,
        ),
    ];
    for (name, template, limit) in rows {
        let error = render_with(small(), template, &Value::Nil).unwrap_err();
        assert_eq!(error.exceeded.map(|exceeded| exceeded.limit), Some(limit), "{name}: {error}");
        assert!(error.place.is_some(), "{name}: {error}");
    }
}

#[test]
fn recursion_by_template_ends_where_go_ends_it() {
    let error =
        render("{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}", &Value::Nil).unwrap_err();
    assert!(error.to_string().ends_with("exceeded maximum template depth (100000)"), "{error}");
}

#[test]
fn a_probe_cancels() {
    let mut templates = Templates::new(functions());
    templates.parse("t", "{{range 1000000000}}{{end}}").unwrap();
    let asked = Rc::new(Cell::new(0));
    let counter = Rc::clone(&asked);
    let budget = Budget::new(Limits::default()).cancel_when(move || {
        counter.set(counter.get() + 1);
        counter.get() > 3
    });
    let error = templates.execute(&mut Run::new(budget), "t", &Value::Nil).unwrap_err();
    assert_eq!(error.exceeded.map(|exceeded| exceeded.limit), Some(Limit::Cancelled));
    assert_eq!(asked.get(), 4);
}

#[test]
fn nesting_in_texts_does_not_use_the_stack() {
    const DEPTH: usize = 30_000;
    let rows = [
        ("ifs", "{{if true}}".repeat(DEPTH) + "x" + &"{{end}}".repeat(DEPTH), Ok("x")),
        ("withs", "{{with 1}}".repeat(DEPTH) + "x" + &"{{end}}".repeat(DEPTH), Ok("x")),
        ("ranges", "{{range 1}}".repeat(DEPTH) + "x" + &"{{end}}".repeat(DEPTH), Ok("x")),
        (
            "else ifs",
            "{{if false}}".to_owned() + &"{{else if false}}".repeat(DEPTH) + "{{else}}x{{end}}",
            Ok("x"),
        ),
        ("blocks", "{{block \"a\" .}}".repeat(DEPTH), Err("unexpected EOF")),
        ("parentheses", "{{".to_owned() + &"(".repeat(DEPTH), Err("max expression depth exceeded")),
        ("most parentheses", format!("{{{{{}1{}}}}}", "(".repeat(10_000), ")".repeat(10_000)), Ok("1")),
        ("calls", format!("{{{{{}1{}}}}}", "(print ".repeat(9_999), ")".repeat(9_999)), Ok("1")),
        ("a pipeline", format!("{{{{1{}}}}}", " | print".repeat(DEPTH)), Ok("1")),
        ("fields", format!("{{{{.{}}}}}", "a.".repeat(DEPTH) + "a"), Ok("<no value>")),
        ("definitions", "{{define \"a\"}}{{end}}".repeat(DEPTH), Ok("")),
    ];
    for (name, template, expected) in rows {
        let mut templates = Templates::new(functions());
        let got = templates.parse("t", &template).map_err(|error| error.message).and_then(|()| {
            let mut run = Run::new(Budget::new(Limits::default()));
            templates.execute(&mut run, "t", &Value::Nil).map_err(|error| error.to_string())
        });
        assert_eq!(got.as_deref().map_err(String::as_str), expected, "{name}");
    }
}

#[test]
fn a_failure_deep_down_shows_its_place() {
    let open = "(print ".repeat(5_000);
    let template = format!("{{{{{open}.a.b{}}}}}", ")".repeat(5_000));
    let error = render(&template, &value(r#"{"a": "text"}"#)).unwrap_err();
    assert_eq!(error.message, "can't evaluate field b in type interface {}");
    let loud = format!("{{{{{open}(index 1 1){}}}}}", ")".repeat(5_000));
    let error = render(&loud, &Value::Nil).unwrap_err();
    assert_eq!(error.place.unwrap().context, "index 1 1");
}

#[test]
fn deep_values_can_be_built_and_dropped() {
    for template in [
        "{{$d := dict}}{{range 50000}}{{$d = dict \"a\" $d}}{{end}}",
        "{{$d := list}}{{range 50000}}{{$d = list $d $d}}{{end}}",
        "{{$d := dict}}{{range 30000}}{{$n := dict}}{{$d = set $n \"l\" (list $d 1)}}{{end}}",
    ] {
        assert_eq!(render(template, &Value::Nil).unwrap(), "", "{template}");
    }
}

#[test]
fn values_that_hold_themselves_are_freed_with_the_run() {
    let probe = Probe::default();
    let alive = Rc::clone(&probe.0);
    let mut templates = Templates::new(functions());
    templates
        .parse("t", "{{$d := dict \"p\" .}}{{$e := dict \"d\" $d}}{{$x := set $d \"e\" (list $e)}}")
        .unwrap();
    let mut run = Run::new(Budget::new(Limits::default()));
    templates.execute(&mut run, "t", &Value::object(probe)).unwrap();
    assert_eq!(Rc::strong_count(&alive), 2, "the circle lives as long as the run");
    drop(run);
    assert_eq!(Rc::strong_count(&alive), 1);
}

#[test]
fn deep_values_are_refused_as_json() {
    let mut deep = Value::Nil;
    for _ in 0..10_000 {
        deep = Value::list(vec![deep]);
    }
    assert!(deep.to_json().is_err());
    assert!(render("{{.}}", &deep).is_ok_and(|text| text.len() > 20_000));
}
