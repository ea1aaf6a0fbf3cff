//! Verdicts of helm 3.22.0.

use super::{Given, assemble};
use serde_json::{Value, json};

fn values(given: &[Given<'_>]) -> Result<Value, String> {
    let limits = goyaml::Limits::default();
    assemble(given, &limits).map(Value::Object).map_err(|error| error.to_string())
}

#[test]
fn set() {
    let rows = [
        ("a=1", json!({"a": 1})),
        (
            "a=1.5,b=1e3,c=007,d=0x10,e=1_000",
            json!({"a": "1.5", "b": "1e3", "c": "007", "d": "0x10", "e": "1_000"}),
        ),
        (
            "a=true,b=False,c=null,d=NULL,e=0,f=-3",
            json!({"a": true, "b": false, "c": null, "d": null, "e": 0, "f": -3}),
        ),
        ("a=99999999999999999999", json!({"a": "99999999999999999999"})),
        ("a.b.c=x,a.b.d=y", json!({"a": {"b": {"c": "x", "d": "y"}}})),
        (r"a\.b=x,c=d\,e,f=g\=h", json!({"a.b": "x", "c": "d,e", "f": "g=h"})),
        ("a={1,x,},b={}", json!({"a": [1, "x", ""], "b": [""]})),
        ("a[0]=x,a[2]=y", json!({"a": ["x", null, "y"]})),
        ("a[0].b=1,a[0].c=2", json!({"a": [{"b": 1, "c": 2}]})),
        ("a[0][1]=x", json!({"a": [[null, "x"]]})),
        ("a[0]=1,a[0].b=2", json!({"a": [{"b": 2}]})),
        ("a[0]", json!({"a": []})),
        ("a[0].b=", json!({"a": []})),
        ("a=", json!({"a": ""})),
        ("a.b=", json!({"a": {"b": ""}})),
        ("a= b", json!({"a": " b"})),
        ("=1", json!({})),
        ("", json!({})),
    ];
    for (text, want) in rows {
        assert_eq!(values(&[Given::Set(text)]), Ok(want), "{text}");
    }
}

#[test]
fn set_refuses() {
    let deep = format!("{}=1", "a.".repeat(32));
    let brackets = format!("a{}=1", "[0]".repeat(5000));
    let places: Vec<String> = (0..40).map(|n| format!("a[{n}][65536]=1")).collect();
    let places = places.join(",");
    let rows = [
        ("a", r#"key "a" has no value"#),
        ("a,b=1", r#"key "a" has no value (cannot end with ,)"#),
        ("a.b", r#"key "b" has no value"#),
        ("a..b=1", r#"key map "a" has no value"#),
        ("a[-1]=1", "negative -1 index not allowed"),
        ("a[70000]=1", "index of 70000 is greater than maximum supported index of 65536"),
        ("a[x]=1", r#"error parsing index: strconv.Atoi: parsing "x": invalid syntax"#),
        ("a[0", "error parsing index: EOF"),
        ("a[0]b=1", "unexpected data at end of array index: ['b']"),
        ("a={1,2", "list must terminate with '}'"),
        (
            "a.b=1,a[0]=1",
            "unable to parse key: interface conversion: interface {} is map[string]interface {}, not []interface {}",
        ),
        (
            "a=1,a.b=2",
            "unable to parse key: interface conversion: interface {} is int64, not map[string]interface {}",
        ),
        (&deep, "value name nested level is greater than maximum supported nested level of 30"),
        (&brackets, "more than 100 list indices behind each other"),
        (&places, "the lists have more than 1000000 places"),
    ];
    for (text, want) in rows {
        let want = format!("failed parsing --set data: {want}");
        assert_eq!(values(&[Given::Set(text)]), Err(want), "{text:.40}");
    }
}

#[test]
fn other_flags() {
    let read = |name: &str| match name {
        "there" => Ok("text\n".to_owned()),
        name => Err(format!("open {name}: no such file or directory")),
    };
    let rows = [
        (Given::SetString("a=1,b=true,c={1,2}"), Ok(json!({"a": "1", "b": "true", "c": ["1", "2"]}))),
        (
            Given::SetJson(r#"a={"b":[1,2.5]},c="x",d=null"#),
            Ok(json!({"a": {"b": [1.0, 2.5]}, "c": "x", "d": null})),
        ),
        (Given::SetJson("a=,b=1"), Ok(json!({"a": null, "b": 1.0}))),
        (Given::SetJson("a={x}"), Err("failed parsing --set-json data a={x}")),
        (Given::SetLiteral(r"a.b=x,y=\n{1}"), Ok(json!({"a": {"b": r"x,y=\n{1}"}}))),
        (Given::SetLiteral("a[1]=x"), Ok(json!({"a": [null, "x"]}))),
        (Given::SetFile("a=there", &read), Ok(json!({"a": "text\n"}))),
        (
            Given::SetFile("a=gone", &read),
            Err("failed parsing --set-file data: open gone: no such file or directory"),
        ),
        (Given::File("v.yaml", b"a: 1\nb: {c: yes}\n"), Ok(json!({"a": 1.0, "b": {"c": true}}))),
        (Given::File("v.yaml", b""), Ok(json!({}))),
        (
            Given::File("v.yaml", b"- x"),
            Err(
                "failed to parse v.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}",
            ),
        ),
    ];
    for (at, (given, want)) in rows.into_iter().enumerate() {
        assert_eq!(values(&[given]), want.map_err(str::to_owned), "row {at}");
    }
}

#[test]
fn later_wins() {
    let got = values(&[
        Given::File("1", b"a: {b: 1, c: 2}\nl: [1, 2]\n"),
        Given::File("2", b"a: {b: null, d: 3}\nl: [3]\n"),
        Given::Set("a.c=4"),
    ]);
    assert_eq!(got, Ok(json!({"a": {"b": null, "c": 4, "d": 3.0}, "l": [3.0]})));
}
