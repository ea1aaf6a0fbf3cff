//! Charts in charts, and what of a tree is looked at.

use super::{Chart, LoadLimits};
use crate::archive::tests::tgz;
use crate::{Capabilities, Release, RenderLimits, Request, render};
use filetree::{FileTree, MemoryStore, TreePath};
use std::rc::Rc;
use std::sync::Arc;

const CHART: &str = "apiVersion: v2\nname: chart\nversion: 1.0.0\n";

fn named(name: &str) -> String {
    format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn tree(store: MemoryStore) -> Arc<FileTree> {
    Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()))
}

fn load(store: &MemoryStore) -> Result<Chart, String> {
    Chart::from_tree(&tree(store.clone()), &path("chart"), &LoadLimits::default())
        .map_err(|error| error.to_string())
}

fn store(files: &[(&str, &str)]) -> MemoryStore {
    MemoryStore::from_files(files.iter().copied()).unwrap()
}

/// What a chart renders to, with the paths that were looked at.
fn rendered(tree: &Arc<FileTree>) -> Result<String, String> {
    let run = || {
        let chart = Arc::new(Chart::from_tree(tree, &path("chart"), &LoadLimits::default())?);
        let rendered = render(&Request {
            chart: &chart,
            release: &Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false },
            values: &serde_json::Map::new(),
            capabilities: &Capabilities::default(),
            world: Rc::new(sprig::Host::new(sprig::Fixed::new(sprig::Moment { seconds: 0, nanos: 0 }, 7))),
            lookup: None,
            include_crds: false,
            skip_schema: false,
            limits: &RenderLimits::default(),
            cancelled: None,
            cache: None,
        })?;
        crate::print(&rendered, &crate::Printing::default())
    };
    run().map_err(|error: crate::Error| error.to_string())
}

#[test]
fn a20_charts_in_charts_end() {
    let mut deep = MemoryStore::new();
    let mut at = "chart".to_owned();
    for _ in 0..40 {
        deep.write(&path(&format!("{at}/Chart.yaml")), CHART);
        at.push_str("/charts/chart");
    }
    let got = load(&deep).unwrap_err();
    assert!(got.ends_with("charts nest deeper than 30 levels"), "{got}");

    let mut circle = store(&[("chart/Chart.yaml", CHART)]);
    circle.link(&path("chart/charts/chart"), "..");
    let got = load(&circle).unwrap_err();
    assert!(got.contains("charts nest deeper than 30 levels") || got.contains("links"), "{got}");

    let mut wide = store(&[("chart/Chart.yaml", CHART)]);
    for n in 0..5 {
        wide.write(&path(&format!("chart/charts/c{n}/Chart.yaml")), named("c"));
    }
    let limits = LoadLimits { charts: 5, ..LoadLimits::default() };
    let got = Chart::from_tree(&tree(wide), &path("chart"), &limits).unwrap_err().to_string();
    assert!(got.ends_with("the chart has more than 5 subcharts"), "{got}");
}

#[test]
fn a20_aliases_of_aliases_end() {
    let mut bushy = MemoryStore::new();
    let mut at = "chart".to_owned();
    let aliases: String =
        (0..10).map(|n| format!("- {{name: chart, version: 1.0.0, alias: a{n}}}\n")).collect();
    for depth in 0..8 {
        let dependencies = if depth < 7 { format!("dependencies:\n{aliases}") } else { String::new() };
        bushy.write(&path(&format!("{at}/Chart.yaml")), format!("{CHART}{dependencies}"));
        at.push_str("/charts/chart");
    }
    // As in Helm, only the first copy of a chart finds what its own aliases stand for, so this does not multiply.
    assert_eq!(rendered(&tree(bushy)), Ok("\n".to_owned()));
}

#[test]
fn archives_in_charts() {
    let sub = tgz(&[
        ("sub/Chart.yaml", &named("sub")),
        ("sub/templates/s.yaml", "s: {{ .Values.k }}"),
        ("sub/values.yaml", "k: 1"),
        ("sub/.helmignore", "*"),
    ]);
    let mut files = store(&[("chart/Chart.yaml", CHART)]);
    files.write(&path("chart/charts/sub-1.0.0.tgz"), &sub);
    files.write(&path("chart/charts/sub-1.0.0.tgz.prov"), "signed");
    let want = "---\n# Source: chart/charts/sub/templates/s.yaml\ns: 1\n";
    assert_eq!(rendered(&tree(files.clone())).unwrap(), want);
    files.write(&path("chart/charts/bad.tgz"), "no gzip");
    let got = load(&files).unwrap_err();
    assert_eq!(got, "error unpacking subchart bad.tgz in chart: gzip: invalid header");
}

#[test]
fn archive_and_directory_are_the_same_chart() {
    let template =
        "a: {{ .Values.k }} {{ .Files.Get \"f.txt\" }} {{ range $k, $_ := .Files }}{{ $k }}{{ end }}";
    let files = [
        ("chart/Chart.yaml", CHART),
        ("chart/values.yaml", "k: 1"),
        ("chart/templates/a.yaml", template),
        ("chart/f.txt", "f"),
    ];
    let chart = Chart::from_archive(&tgz(&files), &LoadLimits::default()).unwrap();
    let from_tree = load(&store(&files)).unwrap();
    assert_eq!(chart.metadata, from_tree.metadata);
    assert_eq!(chart.values, from_tree.values);
    assert_eq!(chart.templates, from_tree.templates);
    assert_eq!(chart.files.all().unwrap(), from_tree.files.all().unwrap());
    let got = Chart::from_archive(b"x", &LoadLimits::default()).unwrap_err().to_string();
    assert_eq!(got, "gzip: invalid header");
}

#[test]
fn only_what_counts_is_looked_at() {
    let base = [
        ("chart/Chart.yaml", CHART),
        ("chart/templates/a.yaml", "a: {{ .Files.Get \"used.txt\" }} {{ .Files.Get \"absent.txt\" }}"),
        ("chart/used.txt", "used"),
        ("chart/README.md", "read me"),
        ("chart/crds/c.yaml", "crd: 1"),
    ];
    // (row, path, content, whether a render made before still stands)
    let rows = [
        ("the readme", "chart/README.md", "new", true),
        ("a file nobody asked for", "chart/new.txt", "new", true),
        ("outside", "other/x", "new", true),
        ("crds/, which were not asked for", "chart/crds/c.yaml", "new", true),
        ("a template", "chart/templates/a.yaml", "new", false),
        ("a new template", "chart/templates/b.yaml", "new", false),
        ("a file that was read", "chart/used.txt", "new", false),
        ("a file that was looked for", "chart/absent.txt", "new", false),
        ("values that were not there", "chart/values.yaml", "a: 1", false),
        ("a schema that was not there", "chart/values.schema.json", "{}", false),
        (".helmignore", "chart/.helmignore", "*", false),
        ("a subchart", "chart/charts/x/Chart.yaml", CHART, false),
    ];
    let before = store(&base);
    let files = tree(before.clone());
    rendered(&files).unwrap();
    let reads = files.reads();
    assert!(reads.holds(&before).unwrap());
    for (row, at, content, want) in rows {
        let mut after = before.clone();
        after.write(&path(at), content);
        assert_eq!(reads.holds(&after).unwrap(), want, "{row}");
    }
}

#[test]
fn large_files_are_refused_when_asked_for() {
    let large = "x".repeat((5 << 20) + 1);
    let files = [
        ("chart/Chart.yaml", CHART),
        ("chart/templates/a.yaml", "a: {{ .Files.Get \"big.bin\" | len }}"),
        ("chart/big.bin", &large),
    ];
    let want = "chart file \"big.bin\" is larger than the maximum file size 5242880";
    assert_eq!(rendered(&tree(store(&files))).unwrap_err(), want);
    let files = [("chart/Chart.yaml", CHART), ("chart/templates/a.yaml", &large)];
    let want = "chart file \"a.yaml\" is larger than the maximum file size 5242880";
    assert_eq!(load(&store(&files)).unwrap_err(), want);
}

#[test]
fn fetched_dependencies() {
    let listed =
        format!("{CHART}dependencies:\n- {{name: sub, version: 1.x, repository: \"https://charts\"}}\n");
    let mut chart = load(&store(&[("chart/Chart.yaml", &listed)])).unwrap();
    let missing: Vec<_> =
        chart.missing_dependencies().into_iter().map(|it| (it.name.clone(), it.version.clone())).collect();
    assert_eq!(missing, [("sub".to_owned(), "1.x".to_owned())]);
    chart.add_dependency(
        Chart::from_archive(&tgz(&[("s/Chart.yaml", &named("sub"))]), &LoadLimits::default()).unwrap(),
    );
    assert!(chart.missing_dependencies().is_empty());
}

/// Random edits: where the record says that nothing changed that was looked at, the result is the same.
#[test]
fn a_record_that_holds_means_the_same_result() {
    let sub = format!("{}dependencies: [{{name: low, version: 1.x, condition: low.on}}]\n", named("sub"));
    let mut store = store(&[
        ("chart/Chart.yaml", CHART),
        ("chart/values.yaml", "a: 1\nsub: {low: {on: true}}\n"),
        (
            "chart/templates/a.yaml",
            "a: {{ .Values.a }} {{ .Files.Get \"f/0\" }} {{ range $k, $_ := .Files.Glob \"g/*\" }}{{ $k }}{{ end }}",
        ),
        ("chart/templates/_h.tpl", "{{ define \"h\" }}h{{ end }}"),
        ("chart/charts/sub/Chart.yaml", &sub),
        ("chart/charts/sub/templates/s.yaml", "s: {{ include \"h\" . }} {{ .Files.Get \"f/1\" }}"),
        ("chart/charts/sub/charts/low/Chart.yaml", &named("low")),
        ("chart/charts/sub/charts/low/templates/l.yaml", "l: {{ .Values.global }}"),
    ]);
    let places = [
        "README.md",
        "f/0",
        "f/1",
        "g/0",
        "values.yaml",
        "templates/a.yaml",
        "templates/_h.tpl",
        "templates/b.yaml",
        ".helmignore",
        "charts/sub/f/1",
        "charts/sub/values.yaml",
        "charts/sub/README.md",
        "charts/sub/charts/low/values.yaml",
        "charts/sub/charts/low/templates/l.yaml",
        "charts/new/Chart.yaml",
        "values.schema.json",
        "crds/c.yaml",
        "Chart.lock",
    ];
    let contents = [
        "a: {{ 1 }}",
        "a: 2",
        "{{ fail \"x\" }}",
        "{}",
        "g/\n",
        "*.md",
        "apiVersion: v2\nname: new\nversion: 1.0.0\n",
        "sub: {low: {on: false}}",
    ];
    let (mut state, mut held) = (1_u64, 0);
    let mut dice = |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % sides
    };
    let mut before = tree(store.clone());
    let mut result = rendered(&before);
    for step in 0..400 {
        let place = path(&format!("chart/{}", places[dice(places.len())]));
        if dice(3) == 0 {
            store.remove(&place);
        } else {
            store.write(&place, contents[dice(contents.len())]);
        }
        let after = tree(store.clone());
        let fresh = rendered(&after);
        if before.reads().holds(&store).unwrap() {
            held += 1;
            assert_eq!(fresh, result, "step {step}, {place}");
        }
        (before, result) = (after, fresh);
    }
    assert!(held > 50, "the record held only {held} times");
}
