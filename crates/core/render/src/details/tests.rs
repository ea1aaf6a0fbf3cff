use filetree::{FileTree, MemoryStore, TreePath};
use serde_json::json;

use super::*;
use crate::{Context, EnabledTools, Limits};

fn of(files: &[(&str, &str)], source: &Value) -> Result<Details, RenderError> {
    let store = MemoryStore::from_files(files.iter().copied()).unwrap();
    let mut whole = json!({"repoURL": "https://e.org/r"});
    whole.as_object_mut().unwrap().extend(source.as_object().cloned().unwrap());
    details(&Request {
        tree: &Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default())),
        path: &TreePath::parse("app").unwrap(),
        application: "web",
        source: &serde_json::from_value(whole).unwrap(),
        limits: &Limits::default(),
        tools: EnabledTools::default(),
        context: &Context { plugins: true, ..context() },
    })
}

/// No plugin wants anything.
fn context() -> Context {
    let mut context = Context::default();
    context.supplies.plugin = Some(crate::PluginAnswer::NoneWants);
    context
}

const CHART: &str = "{apiVersion: v2, name: web, version: 1.2.0, dependencies: [{name: far, version: 1, repository: 'https://e.org'}]}";

#[test]
fn a_chart_tells_its_files_and_single_values() {
    let values =
        "a: {b: [x, {c: 1}, [2]], none: ~, t: true}\nbig: 5000000\nhalf: 0.5\nempty: {}\nover: chart\n";
    let files = [
        ("app/Chart.yaml", CHART),
        ("app/values.yaml", values),
        ("app/templates/broken.yaml", "{{ nothing }}"),
        ("app/env/values-prod.YAML", "over: file\nhost: h\n"),
        ("app/values.txt", ""),
        ("app/xvalues.yml", ""),
        ("values-elsewhere.yaml", ""),
    ];
    let source = json!({"helm": {"valueFiles": ["env/values-prod.YAML"], "fileParameters": [{"name": "k", "path": "f"}]}});
    let Details::Helm(chart) = of(&files, &source).unwrap() else { panic!("no chart") };
    assert_eq!(chart.value_files, ["env/values-prod.YAML", "values.yaml", "xvalues.yml"]);
    assert_eq!(chart.values, values);
    assert_eq!(chart.file_parameters[0].path, "f");
    let found: Vec<_> = chart.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expected = [
        "a.b[0]=x",
        "a.b[1].c=1",
        "a.b[2][0]=2",
        "a.none=<nil>",
        "a.t=true",
        "big=5e+06",
        "half=0.5",
        "host=h",
        "over=file",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_kustomization_tells_its_images() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: a, image: web:1}, {name: b, image: web:1}]\n  initContainers: [{name: c, image: init:2}]\n";
    let files = [("app/kustomization.yaml", "resources: [p.yaml]"), ("app/p.yaml", pod)];
    let found = of(&files, &json!({"kustomize": {"images": ["web:3"]}})).unwrap();
    assert_eq!(found, Details::Kustomize(vec!["init:2".into(), "web:3".into(), "web:3".into()]));
}

#[test]
fn others_say_nothing_and_errors_say_where() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    assert_eq!(of(&[("app/a.yaml", map)], &json!({})).unwrap(), Details::Directory);
    let rows = [
        ("no path", vec![("b", "")], json!({}), "app: app path does not exist"),
        (
            "a plugin that nobody is",
            vec![("app/a.yaml", map)],
            json!({"plugin": {}}),
            "could not find plugin",
        ),
        ("a list", vec![("app/Chart.yaml", CHART), ("app/values.yaml", "[a]")], json!({}), "values.yaml"),
        (
            "no value file",
            vec![("app/Chart.yaml", CHART)],
            json!({"helm": {"valueFiles": ["x.yaml"]}}),
            "no such file or directory",
        ),
        (
            "one that has to be fetched",
            vec![("app/Chart.yaml", CHART)],
            json!({"helm": {"valueFiles": ["https://e.org/v.yaml"]}}),
            "1 things have to be fetched first",
        ),
    ];
    for (name, files, source, expected) in rows {
        let error = of(&files, &source).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn names_that_repeat_what_is_above_them_are_bounded() {
    let deep = format!("{}: [{}]\n", "k".repeat(1000), "1, ".repeat(9000));
    let error = of(&[("app/Chart.yaml", CHART), ("app/values.yaml", &deep)], &json!({})).unwrap_err();
    assert!(matches!(error, RenderError::Limit { name: "PARAMETERS_BYTES", .. }), "{error}");
}
