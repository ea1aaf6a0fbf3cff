//! Texts that want to hurt: each ends in a value or an error, in linear time, and on a small stack.

use std::thread;

use goyaml::{ErrorKind, Limits, parse_all, parse_one, to_string};
use serde_json::{Value, json};

/// What Go's library allows.
const DEEP: Limits = Limits { bytes: 64 << 20, depth: 10_000, nodes: 4_000_000, documents: 1_000_000 };

fn on_stack<T: Send + 'static>(bytes: usize, run: impl FnOnce() -> T + Send + 'static) -> T {
    thread::Builder::new()
        .stack_size(bytes)
        .spawn(run)
        .expect("threads are to be had")
        .join()
        .expect("no panic")
}

fn nested(depth: usize) -> [(&'static str, String); 5] {
    [
        ("lists", format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
        ("lists that never close", "[".repeat(depth)),
        ("JSON maps", format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth))),
        ("dashes", format!("{}x", "- ".repeat(depth))),
        ("question marks", format!("{}x", "? ".repeat(depth))),
    ]
}

/// A26.
#[test]
fn aliases_have_a_budget() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..9 {
        let items = vec![format!("*a{}", i - 1); 9].join(",");
        bomb.push_str(&format!("a{i}: &a{i} [{items}]\n"));
    }
    let mut merges = "a0: &a0 {k: 1}\n".to_owned();
    for i in 1..30 {
        merges.push_str(&format!("a{i}: &a{i}\n  <<: [*a{0}, *a{0}, *a{0}]\n", i - 1));
    }
    let long = "x".repeat(1 << 20);
    let quadratic = format!("a: &a {long}\nb: [{}]", vec!["*a"; 1_000].join(","));
    let keys = format!("a: &a {long}\n{}", "? *a\n: 1\n".repeat(1_000));
    let wide = format!("a: &a [{}]\nb: [{}]\n", vec!["1"; 2_000].join(","), vec!["*a"; 2_000].join(","));
    for (name, text) in
        [("bomb", bomb), ("merges", merges), ("long text", quadratic), ("keys", keys), ("wide", wide)]
    {
        let error = parse_all(text.as_bytes(), &Limits::default()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Aliases | ErrorKind::TooManyNodes(_)), "{name}: {error}");
    }
}

/// A27: the depth that Go allows is read on a small stack; one more is an error. Only the value's own drop needs a large one.
#[test]
fn depth_is_bounded_and_needs_no_stack() {
    for (depth, fits) in [(10_000, true), (10_001, false), (1_000_000, false)] {
        for (name, text) in nested(depth) {
            let closes = matches!(name, "lists" | "JSON maps" | "dashes");
            let result = on_stack(256 << 10, move || {
                // Forgotten, for dropping would recurse.
                parse_one(text.as_bytes(), &DEEP).map(std::mem::forget).map_err(|error| error.to_string())
            });
            assert_eq!(result.is_ok(), fits && closes, "{name} at {depth}: {result:?}");
            if !fits {
                assert_eq!(result.unwrap_err(), "line 1: exceeded max depth of 10000", "{name} at {depth}");
            }
        }
    }
}

#[test]
fn the_default_depth_fits_any_thread() {
    for (name, text) in nested(Limits::default().depth) {
        on_stack(2 << 20, move || {
            let limits = Limits::default();
            let Ok(value) = parse_one(text.as_bytes(), &limits) else { return };
            let copy = value.clone();
            assert_eq!(copy, value, "{name}");
            let yaml = to_string(&value);
            let json = value.to_string();
            assert_eq!(parse_one(yaml.as_bytes(), &limits).as_ref(), Ok(&value), "{name}");
            assert_eq!(parse_one(json.as_bytes(), &limits).as_ref(), Ok(&value), "{name}");
        });
    }
    let text = nested(Limits::default().depth + 1)[0].1.clone();
    assert_eq!(
        parse_one(text.as_bytes(), &Limits::default()).unwrap_err().kind(),
        &ErrorKind::TooDeep(Limits::default().depth)
    );
}

#[test]
fn aliases_cannot_go_deeper() {
    let mut text = "a0: &a0 []\n".to_owned();
    for i in 1..100 {
        text.push_str(&format!("a{i}: &a{i} {}*a{}{}\n", "[".repeat(400), i - 1, "]".repeat(400)));
    }
    let error = parse_one(text.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooDeep(Limits::default().depth));
}

/// A28, what is not among the peer's cases.
#[test]
fn odd_texts() {
    let big = "k".repeat(1 << 20);
    let rows: [(&str, Vec<u8>, Option<Value>); 7] = [
        ("key of 1 MiB", format!("{big}: 1").into_bytes(), None),
        ("key of 1 MiB after ?", format!("? {big}\n: 1").into_bytes(), Some(json!({(big.as_str()): 1}))),
        ("text of 1 MiB", format!("a: {big}").into_bytes(), Some(json!({"a": big}))),
        ("foreign tag", b"a: !!python/object:os.system x".to_vec(), Some(json!({"a": "x"}))),
        ("tab for indentation", b"a:\n\tb: 1".to_vec(), None),
        ("zero bytes", b"a: 1\0".to_vec(), None),
        ("repeated keys", b"a: 1\na: 2".to_vec(), Some(json!({"a": 2}))),
    ];
    for (name, text, want) in rows {
        assert_eq!(parse_one(&text, &Limits::default()).ok(), want, "{name}");
    }
}

/// A28 and A29: long lines, long numbers, many anchors. Each of these takes minutes when any step is quadratic.
#[test]
fn long_texts_are_read_in_linear_time() {
    let unit = 1 << 16;
    let anchors: String = (0..20_000).fold(String::new(), |mut text, i| {
        text.push_str(&format!("- &a{i} x\n"));
        text
    });
    let keys: String = (0..20_000).fold(String::new(), |mut text, i| {
        text.push_str(&format!("k{i}: {{a: 1}}\n"));
        text
    });
    let rows = [
        ("no line break", "a ".repeat(8 * unit)),
        ("digits", format!("a: {}", "9".repeat(10 << 20))),
        ("digits after a point", format!("a: 0.{}", "9".repeat(8 * unit))),
        ("digits of 0x", format!("a: 0x{}", "f".repeat(8 * unit))),
        ("underscores", format!("a: 1{}", "_".repeat(8 * unit))),
        ("date of digits", format!("a: 2001-{}", "1".repeat(8 * unit))),
        ("base 60", format!("a: 1{}", ":30".repeat(unit))),
        ("empty lines", "\n".repeat(8 * unit)),
        ("empty lines in a block", format!("a: |\n{}", "\n".repeat(8 * unit))),
        ("empty lines in quotes", format!("a: \"{}", "\n".repeat(8 * unit))),
        ("comments", "#\n".repeat(4 * unit)),
        ("markers", "---\n".repeat(unit)),
        ("directives", "%TAG !a! b\n".repeat(unit)),
        ("flow of nothing", format!("[{}", "a,".repeat(unit))),
        ("brackets", "[],".repeat(unit)),
        ("question marks", format!("{{{}", "?,".repeat(unit))),
        ("colons", ":".repeat(8 * unit)),
        ("colons in flow", format!("[{}", ": ".repeat(unit))),
        ("quotes", "''".repeat(unit)),
        ("tags", "!a ".repeat(unit)),
        ("anchors", anchors),
        ("keys", keys),
        ("aliases in a row", format!("a: &a 1\nb: [{}1]", "*a,".repeat(unit))),
    ];
    for (name, text) in rows {
        // The answer is of no interest here, only that there is one; a test that takes minutes is seen.
        let bytes = text.len();
        let Ok(documents) = parse_all(text.as_bytes(), &DEEP) else { continue };
        assert!(documents.len() <= bytes, "{name}");
        // Writing is linear, too; the largest text would only show it more slowly.
        for document in documents.iter().filter(|_| bytes <= 1 << 20) {
            assert!(to_string(&document.value).len() <= 64 * bytes + 64, "{name}");
        }
    }
}

/// A29.
#[test]
fn numbers() {
    let text = "- 1e999999999\n- -1e999999999\n- 0o7\n- 1_000\n- yes\n- no\n- 1e-999999999\n";
    let value = parse_one(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(value, json!(["1e999999999", "-1e999999999", 7, 1000, true, false, 0]));
    let error = parse_one(b"a: .inf", &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Number("+Inf"));
}

#[test]
fn limits_hold() {
    let limits = Limits { bytes: 100, depth: 3, nodes: 10, documents: 2 };
    let rows = [
        ("bytes", "a".repeat(101), ErrorKind::TooLong { bytes: 101, limit: 100 }),
        ("depth", "[[[[]]]]".to_owned(), ErrorKind::TooDeep(3)),
        ("nodes", "[1,2,3,4,5,6,7,8,9,10]".to_owned(), ErrorKind::TooManyNodes(10)),
        ("nodes of all documents", "[1,2,3,4,5]\n---\n[1,2,3,4,5]".to_owned(), ErrorKind::TooManyNodes(10)),
        ("nodes by aliases", "[&a [1,2,3,4],*a]".to_owned(), ErrorKind::TooManyNodes(10)),
        ("documents", "1\n---\n2\n---\n3\n".to_owned(), ErrorKind::TooManyDocuments(2)),
    ];
    for (name, text, want) in rows {
        assert_eq!(parse_all(text.as_bytes(), &limits).unwrap_err().kind(), &want, "{name}");
    }
    assert_eq!(parse_all(b"[[[1,2,3,4]]]\n---\n1", &limits).unwrap().len(), 2);
}
