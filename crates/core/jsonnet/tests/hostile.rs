//! Programs that want to hurt: each ends in an error that names the limit, soon, and the process lives on (A38).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use filetree::{FileTree, MemoryStore, TreePath};
use jsonnet::{Cancelled, Error, Limits, Program};
use serde_json::Value;

/// Small, so that the tests are quick.
const LIMITS: Limits =
    Limits { steps: 2_000_000, bytes: 32 << 20, frames: 500, files: 20, output_bytes: 1 << 20 };

fn evaluate(files: &[(&str, &str)], limits: &Limits) -> Result<Value, Error> {
    evaluate_until(files, limits, None)
}

fn evaluate_until(
    files: &[(&str, &str)],
    limits: &Limits,
    cancelled: Option<Cancelled<'_>>,
) -> Result<Value, Error> {
    let store = MemoryStore::from_files(files.iter().copied()).expect("paths");
    let tree = FileTree::new(Arc::new(store), filetree::Limits::default());
    let file = TreePath::parse(files[0].0).expect("a path");
    jsonnet::evaluate(&Program {
        tree: &tree,
        file: &file,
        libraries: &[TreePath::root()],
        external: &[],
        arguments: &[],
        limits,
        cancelled,
    })
    .map(|evaluated| evaluated.value)
}

fn limit_of(program: &str) -> String {
    match evaluate(&[("a.jsonnet", program)], &LIMITS) {
        Err(Error::Limit { what, .. }) => what.to_owned(),
        Err(other) => other.to_string().lines().next().unwrap_or_default().to_owned(),
        Ok(value) => format!("a value of {} bytes", value.to_string().len()),
    }
}

#[test]
fn what_nobody_wants_any_more_ends_soon() {
    // Each would take all its steps; what is lazy is asked for at the end only.
    for (row, program) in [
        (
            "a loop",
            "local f(n) = if n == 0 then 0 else f(n - 1) tailstrict; std.sum([f(400) for i in std.range(1, 100000)])",
        ),
        (
            "a comprehension",
            "std.length([x for x in std.range(1, 3000) for y in std.range(1, 3000) if y < 0])",
        ),
        ("a fold", "std.foldl(function(a, b) a + b, std.range(1, 1000000), 0)"),
        ("a sort", "std.sort(std.range(1, 300000), function(x) -x)[0]"),
        ("a text", "std.length(std.strReplace(std.repeat('ab', 1000000), 'a', 'c'))"),
        ("a list that is written", "[[x] for x in std.range(1, 1000000)]"),
    ] {
        let asked = AtomicU64::new(0);
        let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= 2;
        let limits = Limits { steps: u64::MAX, bytes: 1 << 30, output_bytes: 1 << 30, ..LIMITS };
        match evaluate_until(&[("a.jsonnet", program)], &limits, Some(&cancelled)) {
            Err(error @ Error::Cancelled { .. }) => assert!(error.is_transient(), "{row}"),
            other => panic!("{row}: {other:.200?}"),
        }
        assert_eq!(asked.into_inner(), 3, "{row}");
    }
}

#[test]
fn bombs_end_at_a_limit() {
    const STACK: &str = "RUNTIME ERROR: max stack frames exceeded.";
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let rows: Vec<(&str, String, &str)> = vec![
        ("a list of a billion", "std.range(1, 1000000000)".to_owned(), "bytes of values"),
        (
            "a range beyond numbers",
            "std.range(1, 1e12)".to_owned(),
            "RUNTIME ERROR: Expected an integer, but got 1e+12",
        ),
        ("a made list", "std.makeArray(2000000000, function(i) i)".to_owned(), "bytes of values"),
        (
            "a text that doubles",
            "std.foldl(function(a, x) a + a, std.range(1, 60), 'x')".to_owned(),
            "bytes of values",
        ),
        ("a repeated text", "std.repeat('abc', 2000000000)".to_owned(), "bytes of values"),
        (
            "a replaced text",
            "local s = std.repeat('a', 1000000); std.strReplace(s, 'a', s)".to_owned(),
            "bytes of values",
        ),
        ("a format", "'%999999999d' % 1".to_owned(), "width of a format"),
        ("a format by argument", "'%*d' % [999999999, 1]".to_owned(), "width of a format"),
        (
            "calls that double",
            "local f(n) = if n == 0 then 1 else f(n - 1) + f(n - 1); f(60)".to_owned(),
            "steps",
        ),
        ("a loop", "local f(n) = f(n + 1) tailstrict; f(0)".to_owned(), "steps"),
        ("a recursion", "local f(n) = 1 + f(n + 1); f(0)".to_owned(), STACK),
        ("an object in itself", "{a: {b: $}}".to_owned(), STACK),
        (
            "shared values in the result",
            "local d(x, n) = if n == 0 then x else d([x, x], n - 1); d('abc', 40)".to_owned(),
            "bytes of the result",
        ),
        (
            "a printed bomb",
            "local d(x, n) = if n == 0 then x else d([x, x], n - 1); std.toString(d('abc', 40))".to_owned(),
            "steps",
        ),
        (
            "compared bombs",
            "local d(x, n) = if n == 0 then x else d([x, x], n - 1); d(1, 40) == d(1, 40)".to_owned(),
            "steps",
        ),
        ("deep brackets", deep("[", "]"), "nesting of expressions"),
        ("deep parentheses", deep("(", ")"), "nesting of expressions"),
        ("deep signs", deep("-", ""), "nesting of expressions"),
        ("deep functions", deep("function() ", ""), "nesting of expressions"),
        ("a long chain", format!("1{}", " + 1".repeat(100_000)), "levels of an expression"),
        ("a long chain of fields", format!("a{}", ".a".repeat(100_000)), "levels of an expression"),
        ("a chain of objects", format!("{{}}{}", " {}".repeat(100_000)), "levels of an expression"),
        (
            "deep calls of deep expressions",
            format!("local f(n) = {}f(n){}; f(0)", "1 + (".repeat(400), ")".repeat(400)),
            "evaluations inside each other",
        ),
        (
            "deep calls of deep objects",
            format!("local f(n) = {}f(n){}; f(0)", "{a: ".repeat(90), "}.a".repeat(90)),
            STACK,
        ),
        (
            "thunks on thunks",
            "std.foldl(function(a, i) function() a() + i, std.range(1, 5000), function() 0)()".to_owned(),
            STACK,
        ),
        (
            "a long super chain",
            "std.foldl(function(o, i) o {a+: 1}, std.range(1, 2500), {a: 0}).a".to_owned(),
            "a value of 4 bytes",
        ),
        (
            "a list that hangs on a list",
            "std.foldl(function(a, i) [a], std.range(1, 20000), [])".to_owned(),
            STACK,
        ),
        (
            "sorting with a bomb",
            "std.sort(std.range(1, 20000), keyF=function(x) std.range(1, 20000))".to_owned(),
            "bytes of values",
        ),
        (
            "joined bombs",
            "local s = std.repeat('a', 1000000); std.join(s, std.range(1, 100000) + [])".to_owned(),
            "RUNTIME ERROR: Unexpected type number, expected string",
        ),
        (
            "a native function",
            "std.native('x')()".to_owned(),
            "RUNTIME ERROR: Unexpected type null, expected function",
        ),
        (
            "a deep document",
            format!("std.parseYaml('{}')", "[".repeat(100_000)),
            "RUNTIME ERROR: failed to parse YAML",
        ),
        (
            "a file of the machine",
            "importstr '/etc/passwd'".to_owned(),
            "RUNTIME ERROR: couldn't open import \"/etc/passwd\": path '/etc/passwd' is absolute",
        ),
        (
            "a file above",
            "importstr '../../etc/passwd'".to_owned(),
            "RUNTIME ERROR: couldn't open import \"../../etc/passwd\": path '../../etc/passwd' leaves the tree",
        ),
    ];
    for (name, program, expected) in &rows {
        let ended = limit_of(program);
        assert!(ended.starts_with(expected), "{name}: ended with {ended}, not with {expected}");
    }
}

#[test]
fn what_hangs_together_is_dropped_without_the_stack() {
    // A chain of a hundred thousand values, each of which holds the next one; the result needs the end of it alone.
    let rows = [
        "local l = std.foldl(function(a, i) [a, i], std.range(1, 100000), []); l[1]",
        "local o = std.foldl(function(a, i) {n: a, i: i}, std.range(1, 50000), {}); o.i",
        "std.length(std.foldl(function(a, i) [function() a], std.range(1, 50000), []))",
        "local l = std.foldl(function(a, i) std.map(function(x) x, [a]), std.range(1, 50000), []); std.length(l)",
    ];
    for program in rows {
        let limits = Limits { bytes: 256 << 20, steps: 20_000_000, ..LIMITS };
        let value = evaluate(&[("a.jsonnet", program)], &limits);
        assert!(value.is_ok(), "{program}: {value:?}");
    }
}

#[test]
fn imports_end() {
    type Row<'a> = (&'a str, Vec<(String, String)>, &'a str);
    let rows: [Row<'_>; 3] = [
        (
            "itself",
            vec![("a.jsonnet".into(), "import 'a.jsonnet'".into())],
            "RUNTIME ERROR: max stack frames exceeded.",
        ),
        (
            "each other",
            vec![("a.jsonnet".into(), "import 'b'".into()), ("b".into(), "import 'a.jsonnet'".into())],
            "RUNTIME ERROR: max stack frames exceeded.",
        ),
        (
            "many",
            (0..30)
                .map(|n| {
                    (if n == 0 { "a.jsonnet".into() } else { n.to_string() }, format!("import '{}'", n + 1))
                })
                .collect(),
            "files imported would be more than the limit of 20",
        ),
    ];
    for (name, files, expected) in rows {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let error = evaluate(&files, &LIMITS).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
    }
}
