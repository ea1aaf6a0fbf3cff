//! Whole builds against the verdicts of kustomize v5.8.2 (`tools/kustomize-oracle`), and what no recorded case shows: needs, limits, refusals.

use std::fmt::Write as _;
use std::sync::Arc;

use filetree::{FileTree, MemoryStore, TreePath};
use kustomize::{Built, Error, Limits, Options, Remotes, Supply};
use serde_json::Value;

/// Paths and what is in them.
type Files<'a> = &'a [(&'a str, &'a str)];

fn tree<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Arc<FileTree> {
    let store = MemoryStore::from_files(files).expect("paths of a test");
    Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()))
}

fn build(files: Files<'_>, target: &str, options: &Options<'_>) -> Result<Built, Error> {
    kustomize::build(&tree(files.iter().copied()), &TreePath::parse(target).expect("a path"), options)
        .map_err(|failure| failure.error)
}

#[test]
fn builds_are_those_of_the_peer() {
    let mut wrong = String::new();
    let files = [
        include_str!("cases/builds.jsonl"),
        // Values of the wrong kind, in each field of a kustomization.
        include_str!("cases/kinds.jsonl"),
        // Other mistakes, and some that are none.
        include_str!("cases/wrong.jsonl"),
    ];
    for line in files.into_iter().flat_map(str::lines) {
        let case: Value = serde_json::from_str(line).expect("a line of JSON");
        let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
        let files: Vec<(String, String)> = case["files"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(path, content)| (path.clone(), text(content)))
            .collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let ours = build(&files, &text(&case["config"]), &Options::default());
        let ours = ours.map(|built| kustomize::print(&built)).map_err(|error| error.to_string());
        let theirs = match &case["expected"]["error"] {
            Value::Null => Ok(text(&case["expected"])),
            error => Err(text(error)),
        };
        let same = match (&ours, &theirs) {
            // What they print of the resource, or of Go's memory, is not for people.
            (Err(ours), Err(theirs)) => {
                theirs.contains("interface {}") || theirs.contains("0x") || ours.trim() == theirs.trim()
            }
            (ours, theirs) => ours == theirs,
        };
        if !same {
            write!(wrong, "{}\n  theirs: {theirs:?}\n  ours:   {ours:?}\n", case["name"]).expect("a text");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

#[test]
fn all_that_is_missing_is_asked_for_at_once() {
    let files = [
        (
            "app/kustomization.yaml",
            "resources: [../base, 'https://h.example/x.yaml', 'git@h.example:o/r//d?ref=v1']\n",
        ),
        ("base/kustomization.yaml", "resources: ['https://h.example/y.yaml']\n"),
    ];
    let Err(Error::Needs(needs)) = build(&files, "app", &Options::default()) else {
        panic!("nothing is asked for")
    };
    let texts: Vec<&str> = needs.iter().map(|need| need.text.as_str()).collect();
    assert_eq!(
        texts,
        ["https://h.example/y.yaml", "https://h.example/x.yaml", "git@h.example:o/r//d?ref=v1"]
    );
    let repository = needs[2].repository.as_ref().expect("a repository");
    assert_eq!(
        (&*repository.url, &*repository.path, &*repository.reference),
        ("git@h.example:o/r", "d", "v1")
    );

    let mut remotes = Remotes::default();
    for (text, name) in [("https://h.example/x.yaml", "x"), ("https://h.example/y.yaml", "y")] {
        let content = CONFIG_MAP.replace("name: a", &format!("name: {name}"));
        remotes.0.insert(text.to_owned(), Supply::File(content.into_bytes().into()));
    }
    let elsewhere =
        tree([("d/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: far-\n"), ("d/a.yaml", CONFIG_MAP)]);
    let path = TreePath::parse("d").expect("a path");
    remotes.0.insert("git@h.example:o/r//d?ref=v1".to_owned(), Supply::Tree(elsewhere, path));
    let built =
        build(&files, "app", &Options { remotes: Some(&remotes), ..Options::default() }).expect("a build");
    let names: Vec<&str> =
        built.resources.iter().filter_map(|r| r.value["metadata"]["name"].as_str()).collect();
    assert_eq!(names, ["far-a", "x", "y"]);
}

#[test]
fn what_is_fetched_does_not_leave_its_repository() {
    let elsewhere = tree([("d/kustomization.yaml", "resources: [../../out]\n")]);
    let mut remotes = Remotes::default();
    let path = TreePath::parse("d").expect("a path");
    remotes.0.insert("https://h.example/o/r//d".to_owned(), Supply::Tree(elsewhere, path));
    let files = [
        ("app/kustomization.yaml", "resources: ['https://h.example/o/r//d']\n"),
        ("out/kustomization.yaml", "resources: []\n"),
    ];
    // The text is asked for as a file, too; here it is none.
    let error = build(&files, "app", &Options { remotes: Some(&remotes), ..Options::default() })
        .expect_err("it leaves");
    assert!(error.to_string().contains("no such file or directory"), "{error}");
}

#[test]
fn a_failure_comes_with_the_warnings_before_it() {
    let files = [
        ("app/kustomization.yaml", "bases: [../base]\nresources: [absent.yaml]\n"),
        ("base/kustomization.yaml", "commonLabels: {a: b}\n"),
    ];
    let failure =
        kustomize::build(&tree(files), &TreePath::parse("app").expect("a path"), &Options::default())
            .expect_err("a file is absent");
    let fields: Vec<&str> = failure.warnings.iter().filter_map(|text| text.split('\'').nth(1)).collect();
    assert_eq!(fields, ["bases"], "{failure}");
    let files = [files[1], ("app/kustomization.yaml", "bases: [../base]\ncomponents: [../base]\n")];
    let failure =
        kustomize::build(&tree(files), &TreePath::parse("app").expect("a path"), &Options::default())
            .expect_err("it is no component");
    let fields: Vec<&str> = failure.warnings.iter().filter_map(|text| text.split('\'').nth(1)).collect();
    assert_eq!(fields, ["bases", "commonLabels", "commonLabels"], "{failure}");
}

#[test]
fn limits_and_refusals() {
    let many: String = (0..50).map(|n| format!("- b{n}\n")).collect();
    let mut files = vec![("app/kustomization.yaml".to_owned(), format!("resources:\n{many}"))];
    files.extend((0..50).map(|n| (format!("app/b{n}/kustomization.yaml"), "namePrefix: x\n".to_owned())));
    let wide: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut files: Vec<(String, String)> = (0..20)
        .map(|n| (format!("d{n}/kustomization.yaml"), format!("resources: [../d{}]\n", n + 1)))
        .collect();
    files.push(("d20/kustomization.yaml".to_owned(), "namePrefix: x\n".to_owned()));
    let deep: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let two = [
        ("app/kustomization.yaml", "resources: [a.yaml]\n"),
        (
            "app/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n",
        ),
    ];
    let disk = [("app/kustomization.yaml", "resources: ['file:///etc/repo//base']\n")];
    let link = [("app/kustomization.yaml", "resources: ['ext::sh -c id']\n")];
    let limits = Limits { bases: 20, depth: 10, resources: 1, bytes: 40, ..Limits::default() };
    let cases: [(&str, Files<'_>, &str, &str); 5] = [
        ("bases", &wide, "app", "more than 20 bases and components"),
        ("depth", &deep, "d0", "more than 10 bases within each other"),
        ("resources", &two, "app", "more than 1 resources"),
        ("a repository on the disk", &disk, "app", "are not served"),
        ("a program for a transport", &link, "app", "are never run"),
    ];
    for (name, files, target, want) in cases {
        let error =
            build(files, target, &Options { limits, ..Options::default() }).expect_err(name).to_string();
        assert!(error.contains(want), "{name}: {error}");
    }
}
