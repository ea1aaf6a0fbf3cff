use std::collections::BTreeMap;

use filetree::MemoryStore;

use super::*;
use crate::environment::Facts;
use crate::{Context, EnabledTools, Limits};

fn store() -> MemoryStore {
    let files = [
        "b.yaml",
        "a/x.yaml",
        "a/z/c.yaml",
        "c/d.yaml",
        "a.yaml",
        ".h.yaml",
        ".hd/q.yaml",
        "a-b/x.yaml",
        "B.yaml",
        "env/prod/v.yaml",
        "env/dev/v.yaml",
        "env/v.yaml",
        "d.yaml/e.yaml",
    ];
    let mut store = MemoryStore::from_files(files.map(|file| (file, file))).unwrap();
    store.link(&TreePath::parse("l.yaml").unwrap(), "b.yaml");
    store.link(&TreePath::parse("ld").unwrap(), "a");
    store
}

fn resolved(path: &str, entries: &[&str], ignore_missing: bool) -> Result<String, String> {
    let tree = Arc::new(FileTree::new(Arc::new(store()), filetree::Limits::default()));
    let shared = MemoryStore::from_files([("team/web.yaml", "x")]).unwrap();
    let refs = BTreeMap::from([(
        "values".to_owned(),
        Arc::new(FileTree::new(Arc::new(shared), filetree::Limits::default())),
    )]);
    let context =
        Context { refs, value_schemes: vec!["https".to_owned(), "secrets".to_owned()], ..Context::default() };
    let request = Request {
        tree: &tree,
        path: &TreePath::parse(path).unwrap(),
        application: "web",
        source: &api::ApplicationSource::default(),
        limits: &Limits { entries: 100, ..Limits::default() },
        tools: EnabledTools::default(),
        context: &context,
    };
    let environment = Environment::new(&Facts { application: "web", revision: "abc", ..Facts::default() });
    let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
    match resolve(&request, &environment, &entries, ignore_missing) {
        Ok((places, _)) => Ok(places.iter().map(Place::shown).collect::<Vec<_>>().join(" ")),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn globs_come_in_the_order_of_the_peers_library() {
    // Recorded from bmatcuk/doublestar v4.9.1; directories, which Helm could not read, are left out.
    let rows = [
        (
            "/**/*.yaml",
            ".h.yaml B.yaml a.yaml b.yaml l.yaml .hd/q.yaml a/x.yaml a/z/c.yaml a-b/x.yaml c/d.yaml d.yaml/e.yaml \
             env/v.yaml env/dev/v.yaml env/prod/v.yaml ld/x.yaml ld/z/c.yaml",
        ),
        ("/*.yaml", ".h.yaml B.yaml a.yaml b.yaml l.yaml"),
        ("/*/x.yaml", "a/x.yaml a-b/x.yaml ld/x.yaml"),
        ("/a/**", "a/x.yaml a/z/c.yaml"),
        ("/env/**/v.yaml", "env/v.yaml env/dev/v.yaml env/prod/v.yaml"),
        ("/*/*/*.yaml", "a/z/c.yaml env/dev/v.yaml env/prod/v.yaml ld/z/c.yaml"),
        ("/[ab].yaml", "a.yaml b.yaml"),
        ("/?.yaml", "B.yaml a.yaml b.yaml l.yaml"),
        ("/a**/x.yaml", "a/x.yaml a-b/x.yaml"),
        ("/**/z/*.yaml", "a/z/c.yaml ld/z/c.yaml"),
        ("/[!a].yaml", "B.yaml b.yaml l.yaml"),
        ("/a/**/*", "a/x.yaml a/z/c.yaml"),
        ("/**/{x,v}.yam?", "a-b/x.yaml a/x.yaml env/dev/v.yaml env/prod/v.yaml env/v.yaml ld/x.yaml"),
    ];
    for (glob, expected) in rows {
        assert_eq!(resolved("", &[glob], false).as_deref(), Ok(expected), "{glob}");
    }
}

#[test]
fn entries_lead_to_files() {
    type Row = (&'static str, &'static [&'static str], bool, Result<&'static str, &'static str>);
    let rows: [Row; 13] = [
        ("env", &["v.yaml", "dev/v.yaml"], false, Ok("env/v.yaml env/dev/v.yaml")),
        ("env", &["../a.yaml", "/b.yaml"], false, Ok("a.yaml b.yaml")),
        ("env", &["/$ARGOCD_APP_NAME.yaml"], true, Ok("")),
        ("env", &["v.yaml", "v.yaml"], false, Ok("env/v.yaml")),
        // What is named by itself keeps its place.
        ("", &["?.yaml", "a.yaml"], false, Ok("B.yaml b.yaml l.yaml a.yaml")),
        ("env", &["gone.yaml"], false, Ok("env/gone.yaml")),
        ("env", &["gone.yaml", "gone*.yaml"], true, Ok("")),
        ("env", &["$values/team/$ARGOCD_APP_NAME.yaml"], false, Ok("$values/team/web.yaml")),
        ("env", &["https://e.org/v.yaml"], false, Ok("https://e.org/v.yaml")),
        ("env", &["gone*.yaml"], false, Err("helm.valueFiles: 'gone*.yaml': the glob matched no files")),
        (
            "env",
            &["http://u:p@e.org/v.yaml"],
            false,
            Err(
                "helm.valueFiles: 'http://u:***@e.org/v.yaml': the URL scheme 'http' is not allowed (argocd-cm: \
                 helm.valuesFileSchemes)",
            ),
        ),
        (
            "env",
            &["secrets://a.yaml"],
            false,
            Err(
                "helm.valueFiles: 'secrets://a.yaml': 'secrets' needs a plugin of Helm's; there are none here",
            ),
        ),
        ("env", &["$values/"], false, Err("helm.valueFiles: '$values/': names no file after $values/")),
    ];
    for (path, entries, ignore_missing, expected) in rows {
        let got = resolved(path, entries, ignore_missing);
        assert_eq!(got.as_deref().map_err(String::as_str), expected, "{path} {entries:?}");
    }
}

#[test]
fn nothing_outside_the_tree_is_named() {
    for entry in ["../../etc/passwd", "/../x", "$values/../../x", "a/../../../x"] {
        assert!(resolved("env", &[entry], true).is_err(), "{entry}");
    }
}

#[test]
fn a_glob_looks_at_so_many_names_only() {
    let error = resolved("", &["/**/**/**/*.yaml", "/*.yaml"], false).unwrap_err();
    assert!(error.contains("would be more than the limit of 100"), "{error}");
}
