//! Jsonnet as an application has it.

use std::sync::Arc;

use filetree::{FileTree, MemoryStore, TreePath};
use serde_json::{Value, json};

use crate::{Cancelled, Context, EnabledTools, Limits, RenderError, Rendered, Request, render};

/// Paths and contents.
type Files<'a> = &'a [(&'a str, &'a str)];

/// Renders `app`, and says what was read.
fn run(files: Files<'_>, jsonnet: &Value) -> (Result<Rendered, RenderError>, Arc<FileTree>) {
    run_in(files, jsonnet, None)
}

fn run_in(
    files: Files<'_>,
    jsonnet: &Value,
    cancelled: Option<Cancelled>,
) -> (Result<Rendered, RenderError>, Arc<FileTree>) {
    let store = MemoryStore::from_files(files.iter().copied()).expect("paths");
    let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
    let source = match jsonnet {
        Value::Null => json!({"path": "app"}),
        jsonnet => json!({"path": "app", "directory": {"jsonnet": jsonnet}}),
    };
    let source = serde_json::from_value(source).expect("a source");
    let context = Context { revision: "0123456789abcdef".to_owned(), cancelled, ..Context::default() };
    let rendered = render(&Request {
        tree: &tree,
        path: &TreePath::parse("app").expect("a path"),
        application: "web",
        source: &source,
        limits: &Limits { objects: 100, ..Limits::default() },
        tools: EnabledTools::default(),
        context: &context,
    });
    (rendered, tree)
}

const MAP: &str = "local map(name, data={}) = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name }, data: data };\n";

#[test]
fn objects_come_from_programs() {
    let list = "{ apiVersion: 'v1', kind: 'List', items: [map('d')] }";
    let rows: Vec<(&str, String, Value, &[&str])> = vec![
        ("one object", "map('a')".into(), json!({}), &["a"]),
        ("a list of objects", "[map('b'), map('a')]".into(), json!({}), &["b", "a"]),
        ("no object", "[]".into(), json!({}), &[]),
        ("a List", list.into(), json!({}), &["d"]),
        ("Lists in a list", format!("[map('c'), {list}]"), json!({}), &["c", "d"]),
        (
            "arguments",
            "function(name) map(name)".into(),
            json!({"tlas": [{"name": "name", "value": "x"}]}),
            &["x"],
        ),
        (
            "code as argument",
            "function(names) [map(n) for n in names]".into(),
            json!({"tlas": [{"name": "names", "value": "['x', 'y']", "code": true}]}),
            &["x", "y"],
        ),
        (
            "external variables",
            "[map(std.extVar('t')), map('n%d' % std.extVar('c'))]".into(),
            json!({"extVars": [{"name": "t", "value": "1 + 1"}, {"name": "c", "value": "1 + 1", "code": true}]}),
            &["1 + 1", "n2"],
        ),
        (
            "the build environment",
            "map(std.extVar('a'))".into(),
            json!({"extVars": [{"name": "a", "value": "${ARGOCD_APP_NAME}-$ARGOCD_APP_NAMESPACE"}]}),
            &["web-default"],
        ),
        ("a library", "map(import 'l.txt')".into(), json!({"libs": ["lib"]}), &["lib"]),
        ("a library from the root", "map(import 'l.txt')".into(), json!({"libs": ["/lib/"]}), &["lib"]),
        ("the last library", "map(import 'l.txt')".into(), json!({"libs": ["lib", "vendor"]}), &["vendor"]),
        ("the own directory", "map(import 'own.txt')".into(), json!({"libs": ["lib"]}), &["own"]),
    ];
    for (name, program, options, expected) in rows {
        let program = format!("{MAP}{program}");
        let files = [
            ("app/a.jsonnet", program.as_str()),
            ("app/own.txt", "'own'"),
            ("lib/l.txt", "'lib'"),
            ("lib/own.txt", "'not this one'"),
            ("vendor/l.txt", "'vendor'"),
        ];
        let rendered = run(&files, &options).0.expect(name);
        let names: Vec<&str> = rendered.manifests.iter().map(|manifest| manifest.object.name()).collect();
        assert_eq!(names, expected, "{name}");
        assert!(!rendered.of_the_revision, "{name}");
    }
}

#[test]
fn what_nobody_wants_any_more_ends() {
    let chart = [
        ("app/Chart.yaml", "{apiVersion: v2, name: app, version: 1.0.0}"),
        ("app/templates/a.yaml", "{{ range until 100000 }}{{ . }}{{ end }}"),
    ];
    let program = [("app/a.jsonnet", "[std.length([x for x in std.range(1, 100000)])][:0]")];
    let rows = [
        ("a program", &program[..], json!({}), "SourceUnavailable"),
        ("a chart", &chart, Value::Null, "ManifestInvalid"),
    ];
    for (row, files, options, reason) in rows {
        let error = run_in(files, &options, Some(Arc::new(|| true))).0.expect_err(row);
        assert!(error.to_string().contains("cancelled"), "{row}: {error}");
        assert_eq!(error.reason(), reason, "{row}");
        let wanted = run_in(files, &options, Some(Arc::new(|| false))).0;
        assert!(!wanted.is_err_and(|error| error.to_string().contains("cancelled")), "{row}");
    }
}

#[test]
fn files_are_taken_as_manifests_are() {
    let map = |name: &str| format!("{MAP}map('{name}')");
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\n";
    let (a, b, skipped) = (map("a"), map("b"), format!("// +argocd:skip-file-rendering\n{}", map("skipped")));
    let files = [
        ("app/a.jsonnet", a.as_str()),
        ("app/b.yaml", yaml),
        ("app/c.jsonnet", &skipped),
        ("app/lib.libsonnet", "error 'not by itself'"),
        ("app/sub/d.jsonnet", &b),
    ];
    let rendered = run(&files, &json!({})).0.unwrap();
    let names: Vec<String> =
        rendered.manifests.iter().map(|it| format!("{} {}", it.object.name(), it.origin)).collect();
    assert_eq!(names, ["a app/a.jsonnet:1", "yaml app/b.yaml:1"]);
}

#[test]
fn errors_name_file_and_line() {
    type Row<'a> = (&'a str, Files<'a>, Value, &'a str, &'a str, (Option<&'a str>, Option<usize>));
    let rows: [Row<'_>; 8] = [
        (
            "a library fails",
            &[
                ("app/a.jsonnet", "local l = import 'l.libsonnet';\nl.check(0)"),
                ("lib/l.libsonnet", "{\n  check(n):: error 'no ' + n,\n}"),
            ],
            json!({"libs": ["lib"]}),
            "failed to evaluate jsonnet app/a.jsonnet: RUNTIME ERROR: no 0\n\tlib/l.libsonnet:2:14-29\n\tapp/a.jsonnet:2:1-11",
            "ManifestInvalid",
            (Some("lib/l.libsonnet"), Some(2)),
        ),
        (
            "no program",
            &[("app/a.jsonnet", "{\n  a: 1\n  b: 2\n}")],
            json!({}),
            "failed to evaluate jsonnet app/a.jsonnet: app/a.jsonnet:3:3-4 Expected a comma before next field",
            "ManifestInvalid",
            (Some("app/a.jsonnet"), Some(3)),
        ),
        (
            "no library",
            &[("app/a.jsonnet", "import 'l'")],
            json!({}),
            "failed to evaluate jsonnet app/a.jsonnet: RUNTIME ERROR: couldn't open import \"l\": no match locally or in the Jsonnet library paths\n\tapp/a.jsonnet:1:1-11",
            "ManifestInvalid",
            (Some("app/a.jsonnet"), Some(1)),
        ),
        (
            "a library outside",
            &[("app/a.jsonnet", "{}")],
            json!({"libs": ["../lib"]}),
            "directory.jsonnet.libs: '../lib': path '../lib' leaves the tree",
            "SourceInvalid",
            (None, None),
        ),
        (
            "a bomb",
            &[("app/a.jsonnet", "std.range(1, 1000000000)")],
            json!({}),
            "failed to evaluate jsonnet app/a.jsonnet: bytes of values would be more than the limit of 536870912\n\tapp/a.jsonnet:1:1-25",
            "LimitExceeded",
            (Some("app/a.jsonnet"), Some(1)),
        ),
        (
            "no object",
            &[("app/a.jsonnet", "{ a: 1 }")],
            json!({}),
            "app/a.jsonnet: line 1: apiVersion: is missing or is not a non-empty string",
            "ManifestInvalid",
            (Some("app/a.jsonnet"), Some(1)),
        ),
        (
            "null in the list",
            &[("app/a.jsonnet", "[null]")],
            json!({}),
            "app/a.jsonnet: line 1: expected a map with apiVersion, kind and metadata, found nothing",
            "ManifestInvalid",
            (Some("app/a.jsonnet"), Some(1)),
        ),
        (
            "too many objects",
            &[(
                "app/a.jsonnet",
                "[{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } } for i in std.range(1, 101)]",
            )],
            json!({}),
            "app/a.jsonnet: objects would be more than the limit of 100 (objects)",
            "LimitExceeded",
            (Some("app/a.jsonnet"), None),
        ),
    ];
    for (name, files, options, text, reason, place) in rows {
        let error = run(files, &options).0.expect_err(name);
        assert_eq!((error.to_string().as_str(), error.reason()), (text, reason), "{name}");
        assert_eq!((error.path(), error.line()), place, "{name}");
        assert!(!error.is_transient(), "{name}");
    }
}

/// What makes another result has been read, and what was looked for in vain is known, too.
#[test]
fn imports_are_reads() {
    let program = format!("{MAP}map(import 'l.libsonnet')");
    let files = [("app/a.jsonnet", program.as_str()), ("lib/l.libsonnet", "'x'"), ("lib/other", "")];
    let (rendered, tree) = run(&files, &json!({"libs": ["lib", "vendor"]}));
    assert!(rendered.is_ok());
    let reads = tree.reads();
    let rows: [(&str, Files<'_>, bool); 5] = [
        ("nothing", &[], true),
        ("a file that was not read", &[("lib/other", "changed")], true),
        ("the library", &[("lib/l.libsonnet", "'y'")], false),
        ("a library that comes first", &[("vendor/l.libsonnet", "'z'")], false),
        ("a file beside the program", &[("app/l.libsonnet", "'z'")], false),
    ];
    for (name, changes, holds) in rows {
        let mut store = MemoryStore::from_files(files).unwrap();
        for (path, text) in changes {
            store.write(&TreePath::parse(path).unwrap(), *text);
        }
        assert_eq!(reads.holds(&store).unwrap(), holds, "{name}");
    }
}

#[test]
fn a_program_that_is_given_the_revision_is_of_it() {
    let program = format!("{MAP}map(std.extVar('r'))");
    let options = json!({"extVars": [{"name": "r", "value": "$ARGOCD_APP_REVISION_SHORT"}]});
    let rendered = run(&[("app/a.jsonnet", &program)], &options).0.unwrap();
    assert_eq!((rendered.manifests[0].object.name(), rendered.of_the_revision), ("0123456", true));
}
