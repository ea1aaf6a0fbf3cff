//! Functions and objects of a dialect: what they are given, what they give back, and how their failures read.

mod dialect;

use dialect::{Probe, functions, render, value};
use gotemplate::{Budget, Limits, Object, Run, Templates, Value};

const TYPED: &str = r#"{"s": "text", "n": 3, "l": [1], "m": {"a": 1}, "nil": null, "f": 1.5}"#;

#[test]
fn calls_of_a_dialect() {
    let rows = [
        ("strings", "{{upper .s}} {{.s | upper}} {{upper `raw`}}", "TEXT TEXT RAW"),
        ("numbers as the parameters want them", "{{plus 1 2}} {{printf \"%T\" (plus 1 2)}}", "3 int64"),
        ("a float from an integer literal", "{{printf \"%T %v\" (half 1) (half 1)}}", "float64 1"),
        ("a character for a byte", "{{printf \"%T\" (byte 'a')}}", "uint8"),
        ("nil for a list", "{{items nil}} {{items .missing}}", "[] []"),
        ("a host", "{{greeting}}", "hello"),
        ("maps are references", "{{$d := dict \"a\" 1}}{{$e := $d}}{{$x := set $e \"a\" 2}}{{$d.a}}", "2"),
        ("a nil result", "{{set .m \"x\" nil}}{{.m.x}}", "map[a:1 x:<nil>]<no value>"),
        ("include", "{{define \"a\"}}<{{.}}>{{end}}{{include \"a\" .s | upper}}", "<TEXT>"),
        (
            "include in an argument",
            "{{define \"a\"}}{{.}}{{end}}{{print (include \"a\" 1) (include \"a\" 2)}}",
            "12",
        ),
        (
            "include in a range",
            "{{define \"a\"}}{{range .}}{{.}}{{end}}{{end}}{{range .l}}{{include \"a\" $.l}}{{end}}",
            "1",
        ),
        ("tpl", "{{tpl \"{{.s}} {{$.n}}\" .}}", "text 3"),
        ("tpl sees the templates around it", "{{define \"a\"}}A{{end}}{{tpl \"{{include `a` .}}\" .}}", "A"),
        (
            "tpl shadows inside only",
            "{{define \"a\"}}A{{end}}{{tpl \"{{define `a`}}B{{end}}{{include `a` .}}\" .}}{{include \"a\" .}}",
            "BA",
        ),
        (
            "bytes",
            "{{bytes \"ab\"}} {{printf \"%s %x\" (bytes \"ab\") (bytes \"ab\")}} {{len (bytes \"ab\")}} {{index (bytes \"ab\") 1}}",
            "[97 98] ab 6162 2 98",
        ),
        ("range over bytes", "{{range $i, $b := bytes \"ab\"}}{{$i}}{{$b}};{{end}}", "097;198;"),
    ];
    for (name, template, expected) in rows {
        assert_eq!(
            render(template, &value(TYPED)).map_err(|e| e.to_string()).as_deref(),
            Ok(expected),
            "{name}"
        );
    }
}

#[test]
fn calls_that_fail() {
    let rows = [
        ("{{upper 1}}", "<1>: expected string; found 1"),
        ("{{upper .n}}", "<.n>: wrong type for value; expected string; got int"),
        ("{{upper .nil}}", "<.nil>: wrong type for value; expected string; got interface {}"),
        ("{{upper .missing}}", "<.missing>: invalid value; expected string"),
        ("{{upper nil}}", "<nil>: cannot assign nil to string"),
        ("{{upper}}", "<upper>: wrong number of args for upper: want 1 got 0"),
        ("{{upper .s .s}}", "<upper>: wrong number of args for upper: want 1 got 2"),
        ("{{.s | upper .s}}", "<upper>: wrong number of args for upper: want 1 got 2"),
        ("{{plus 1.5 2}}", "<1.5>: expected integer; found 1.5"),
        ("{{plus 1 .n}}", "<.n>: wrong type for value; expected int64; got int"),
        ("{{flag 1}}", "<1>: expected bool; found 1"),
        ("{{half \"a\"}}", "<\"a\">: expected float; found \"a\""),
        ("{{byte -1}}", "<-1>: expected unsigned integer; found -1"),
        ("{{items 1}}", "<1>: can't handle 1 for arg of type []interface {}"),
        ("{{items .m}}", "<.m>: wrong type for value; expected []interface {}; got map[string]interface {}"),
        (
            "{{set .nil \"a\" 1}}",
            "<.nil>: wrong type for value; expected map[string]interface {}; got interface {}",
        ),
        (
            "{{set .missing \"a\" 1}}",
            "<set .missing \"a\" 1>: error calling set: assignment to entry in nil map",
        ),
        ("{{fail \"no\"}}", "<fail \"no\">: error calling fail: no"),
        ("{{\"no\" | fail}}", "<fail>: error calling fail: no"),
        (
            "{{include \"zz\" .}}",
            "<include \"zz\" .>: error calling include: template: no template \"zz\" associated with template \"zz\"",
        ),
        (
            "{{define \"a\"}}{{fail \"no\"}}{{end}}{{include \"a\" .}}",
            "<include \"a\" .>: error calling include: template: t:1:16: executing \"a\" at <fail \"no\">: error calling fail: no",
        ),
        (
            "{{tpl \"x{{.s.y}}\" .}}",
            "<tpl \"x{{.s.y}}\" .>: error calling tpl: error during tpl: template: t:1:5: executing \"t\" at <.s.y>: can't evaluate field y in type interface {}",
        ),
        (
            "{{tpl \"{{\" .}}",
            "<tpl \"{{\" .>: error calling tpl: cannot parse: template: t:1: unclosed action",
        ),
    ];
    for (template, expected) in rows {
        let error = render(template, &value(TYPED)).unwrap_err().to_string();
        let told = error.split_once(" at ").map_or(error.as_str(), |(_, told)| told);
        assert_eq!(told, expected, "{template}");
    }
}

#[test]
fn objects_have_fields_and_methods() {
    let rows = [
        ("{{.Field}} {{.Name}} {{.Add \"x\"}} {{\"y\" | .Add}}", Ok("field a probe added x added y")),
        ("{{.}} {{printf \"%+v\" .}} {{printf \"%T\" .}}", Ok("&{field} &{Field:field} *test.Probe")),
        ("{{if .}}true{{end}}{{(probe .).Field}}", Ok("truefield")),
        ("{{.Nothing}}", Err("<.Nothing>: can't evaluate field Nothing in type *test.Probe")),
        ("{{.Field 1}}", Err("<.Field>: Field has arguments but cannot be invoked as function")),
        ("{{.Add}}", Err("<.Add>: wrong number of args for Add: want 1 got 0")),
        ("{{.Add 1}}", Err("<1>: expected string; found 1")),
        ("{{.Name 1}}", Err("<.Name>: wrong number of args for Name: want 0 got 1")),
        ("{{range .}}{{end}}", Err("<.>: range can't iterate over {field}")),
        ("{{len .}}", Err("<len .>: error calling len: len of type test.Probe")),
    ];
    for (template, expected) in rows {
        let got = render(template, &Value::object(Probe::default())).map_err(|error| error.to_string());
        let got =
            got.as_deref().map_err(|error| error.split_once(" at ").map_or(error.as_str(), |(_, told)| told));
        assert_eq!(got, expected, "{template}");
    }
}

#[test]
fn named_containers_have_methods_and_may_be_read_late() {
    let rows = [
        ("{{.Versions.Has \"a\"}} {{.Versions}} {{range .Versions}}{{.}};{{end}}", Ok("true [a b] a;b;")),
        (
            "{{.Versions.Lacks \"a\"}}",
            Err("<.Versions.Lacks>: can't evaluate field Lacks in type interface {}"),
        ),
        (
            "{{.Late}} {{len .Late}} {{index .Late \"k\"}} {{range $k, $v := .Late}}{{$k}}={{$v}}{{end}}",
            Ok("map[k:v] 1 v k=v"),
        ),
    ];
    for (template, expected) in rows {
        let got = render(template, &dialect::containers()).map_err(|error| error.to_string());
        let got =
            got.as_deref().map_err(|error| error.split_once(" at ").map_or(error.as_str(), |(_, told)| told));
        assert_eq!(got, expected, "{template}");
    }
}

#[test]
fn compiled_texts_can_be_kept_and_shared_between_threads() {
    let set = Templates::new(functions());
    let parsed = set.compile("t", "{{upper .}}").unwrap();
    let parsed = std::thread::spawn(move || parsed).join().unwrap();
    for _ in 0..2 {
        let mut templates = set.clone();
        templates.add(&parsed);
        let mut run = Run::new(Budget::new(Limits::default()));
        assert_eq!(templates.execute(&mut run, "t", &"a".into()).as_deref(), Ok("A"));
    }
    assert!(set.lookup("t").is_none());
}

#[test]
fn strings_that_are_not_utf8_are_kept() {
    let mut templates = Templates::new(functions());
    templates.parse("t", "{{slice . 0 1}}").unwrap();
    let mut run = Run::new(Budget::new(Limits::default()));
    let bytes = templates.execute_bytes(&mut run, "t", &"é".into()).unwrap();
    assert_eq!(bytes.as_bytes(), [0xc3]);
    assert_eq!(templates.execute(&mut run, "t", &"é".into()).as_deref(), Ok("\u{fffd}"));
}

/// A struct whose pointer has a `String` method.
struct Version;

impl Object for Version {
    fn type_name(&self) -> &str {
        "test.Version"
    }

    fn field(&self, name: &str) -> Option<Value> {
        (name == "Number").then(|| Value::int(3))
    }

    fn field_names(&self) -> &[&'static str] {
        &["Number"]
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        vec![("number", Value::int(3))]
    }

    fn printed(&self) -> Option<String> {
        Some("v3".into())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[test]
fn a_pointers_text_is_for_what_is_printed_itself() {
    let rows = [
        ("itself", "{{.}}", "v3"),
        ("in a variable", "{{$v := .}}{{$v}}", "v3"),
        ("in parentheses", "{{(.)}}", "v3"),
        ("a function's argument", "{{print .}} {{printf \"%+v\" .}}", "{3} {Number:3}"),
        ("piped", "{{. | print}} {{. | html}}", "{3} {3}"),
        ("within another value", "{{list .}}", "[{3}]"),
        (
            "out of a function",
            "{{set (dict) \"v\" . | print}} {{index (dict \"v\" .) \"v\"}}",
            "map[v:{3}] {3}",
        ),
    ];
    for (name, template, want) in rows {
        assert_eq!(render(template, &Value::object(Version)).unwrap(), want, "{name}");
    }
    assert_eq!(Value::object(Version).to_json().unwrap(), serde_json::json!({"number": 3}));
}
