use std::collections::BTreeMap;
use std::sync::Arc;

use api::settings::Settings;
use filetree::{FileTree, MemoryStore, TreePath};
use serde_json::{Value, json};

use crate::{
    Context, EnabledTools, Limits, Need, Remotes, RenderError, Rendered, Request, Supplies, Supply, Tool,
    render,
};

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'example.com/web:v1'}]}
";

fn tree(files: &[(&str, &str)]) -> Arc<FileTree> {
    let store = MemoryStore::from_files(files.iter().copied()).unwrap();
    Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()))
}

/// Renders `app` in a tree.
struct Case {
    tree: Arc<FileTree>,
    kustomize: Value,
    context: Context,
}

impl Case {
    fn of(files: &[(&str, &str)]) -> Self {
        Self { tree: tree(files), kustomize: json!({}), context: Context::default() }
    }

    /// A kustomization of a Deployment.
    fn web(kustomization: &str) -> Self {
        let text = format!("resources: [web.yaml]\n{kustomization}");
        Self::of(&[
            ("app/kustomization.yaml", &text),
            ("app/web.yaml", DEPLOYMENT),
            ("components/a/kustomization.yaml", "kind: Component\ncommonAnnotations: {a: 'yes'}\n"),
            ("components/b/kustomization.yaml", "kind: Component\ncommonAnnotations: {b: 'yes'}\n"),
        ])
    }

    fn asked(mut self, kustomize: Value) -> Self {
        self.kustomize = kustomize;
        self
    }

    fn settings(mut self, data: &[(&str, &str)]) -> Self {
        let data: BTreeMap<String, String> =
            data.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        self.context.kustomize = Settings::parse(&data, None).0.kustomize;
        self
    }

    fn render(&self) -> Result<Rendered, RenderError> {
        let source = serde_json::from_value(
            json!({"repoURL": "https://e.org/r", "path": "app", "kustomize": self.kustomize}),
        );
        render(&Request {
            tree: &self.tree,
            path: &TreePath::parse("app").unwrap(),
            application: "shop",
            source: &source.unwrap(),
            limits: &Limits::default(),
            tools: EnabledTools::default(),
            context: &self.context,
        })
    }

    /// The first object.
    fn object(&self) -> Value {
        Value::Object(self.render().unwrap().manifests[0].object.as_map().clone())
    }

    fn error(&self) -> String {
        self.render().unwrap_err().to_string()
    }
}

#[test]
fn a_kustomization_is_built() {
    let case = Case::web("namePrefix: a-\n");
    let rendered = case.render().unwrap();
    assert_eq!((rendered.tool, rendered.of_the_revision), (Tool::Kustomize, false));
    assert_eq!(rendered.manifests[0].object.name(), "a-web");
    assert_eq!(rendered.manifests[0].origin.path, "app/web.yaml");
    assert_eq!(rendered.warnings, [""; 0]);
    let deprecated = Case::web("commonLabels: {a: b}\n").render().unwrap().warnings;
    assert!(deprecated[0].contains("'commonLabels' is deprecated"), "{deprecated:?}");
}

#[test]
fn what_the_application_asks_for_is_in_the_result() {
    let rows = [
        ("prefix", json!({"namePrefix": "x-"}), "/metadata/name", json!("x-web-0")),
        ("suffix", json!({"nameSuffix": "-9"}), "/metadata/name", json!("a-web-9")),
        ("namespace", json!({"namespace": "ns"}), "/metadata/namespace", json!("ns")),
        (
            "image",
            json!({"images": ["example.com/web:v2"]}),
            "/spec/template/spec/containers/0/image",
            json!("example.com/web:v2"),
        ),
        ("replicas", json!({"replicas": [{"name": "web", "count": 4}]}), "/spec/replicas", json!(4)),
        (
            "labels",
            json!({"commonLabels": {"l": "1"}}),
            "/spec/selector/matchLabels",
            json!({"app": "web", "l": "1"}),
        ),
        (
            "labels without selectors",
            json!({"commonLabels": {"l": "1"}, "labelWithoutSelector": true}),
            "/spec/selector/matchLabels",
            json!({"app": "web"}),
        ),
        (
            "labels in templates",
            json!({"commonLabels": {"l": "1"}, "labelWithoutSelector": true, "labelIncludeTemplates": true}),
            "/spec/template/metadata/labels",
            json!({"app": "web", "l": "1"}),
        ),
        (
            "annotations",
            json!({"commonAnnotations": {"n": "$ARGOCD_APP_NAME"}, "commonAnnotationsEnvsubst": true}),
            "/metadata/annotations/n",
            json!("shop"),
        ),
        (
            "a patch",
            json!({"patches": [{
                "target": {"kind": "Deployment"}, "patch": "- {op: add, path: /spec/paused, value: true}",
            }]}),
            "/spec/paused",
            json!(true),
        ),
        (
            "a patch by its path",
            json!({"patches": [{"path": "patch.yaml"}]}),
            "/spec/minReadySeconds",
            json!(7),
        ),
        (
            "a patch with an option",
            json!({"patches": [{
                "target": {"name": "web"}, "options": {"allowNameChange": true},
                "patch": "{apiVersion: apps/v1, kind: Deployment, metadata: {name: other}}",
            }]}),
            "/metadata/name",
            json!("a-other-0"),
        ),
    ];
    let patch = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {minReadySeconds: 7}}";
    for (reason, asked, pointer, expected) in rows {
        let kustomization = "resources: [web.yaml]\nnamePrefix: a-\nnameSuffix: '-0'\n";
        let files = [
            ("app/kustomization.yml", kustomization),
            ("app/web.yaml", DEPLOYMENT),
            ("app/patch.yaml", patch),
        ];
        let object = Case::of(&files).asked(asked).object();
        assert_eq!(object.pointer(pointer), Some(&expected), "{reason}: {object}");
    }
}

#[test]
fn components_are_added() {
    let annotations = |asked: Value| {
        let case = Case::web("components: [../components/a]\n").asked(asked);
        case.render().map(|rendered| rendered.manifests[0].object.as_map()["metadata"]["annotations"].clone())
    };
    let (a, both) = (json!({"a": "yes"}), json!({"a": "yes", "b": "yes"}));
    for (reason, components, ignore, expected) in [
        ("one more", json!(["../components/b"]), false, &both),
        ("one that is there already", json!(["../components/a"]), false, &a),
        ("all that a glob matches", json!(["../components/*"]), false, &both),
        ("one that is missing", json!(["../components/c", "../components/b"]), true, &both),
        ("all that exist, not only the first", json!(["../components/a", "../components/b"]), true, &both),
        ("one outside of the repository", json!(["../../../etc"]), true, &a),
    ] {
        let asked = json!({"components": components, "ignoreMissingComponents": ignore});
        assert_eq!(annotations(asked).unwrap(), *expected, "{reason}");
    }
    let error = annotations(json!({"components": ["../components/c"]})).unwrap_err();
    assert!(error.to_string().contains("components/c"), "{error}");
    // Its coming would be seen.
    let case =
        Case::web("").asked(json!({"components": ["../components/c"], "ignoreMissingComponents": true}));
    case.render().unwrap();
    let reads = case.tree.reads();
    assert!(reads.paths().any(|path| path.as_str().starts_with("components/c")), "{reads:?}");
}

#[test]
fn versions_are_accepted() {
    let warnings = |data: &[(&str, &str)]| {
        let case = Case::web("").asked(json!({"version": "v4.0.1"})).settings(data);
        case.render().unwrap().warnings
    };
    let said = warnings(&[]);
    assert!(said[0].starts_with("kustomize version v4.0.1 is not registered"), "{said:?}");
    for registered in ["kustomize.path.v4.0.1", "kustomize.version.v4.0.1", "kustomize.buildOptions.v4.0.1"] {
        assert_eq!(warnings(&[(registered, "")]), [""; 0], "{registered}");
    }
}

#[test]
fn build_options_are_honoured_or_refused() {
    let files = [
        ("app/kustomization.yaml", "resources: [z.yaml, ../out/n.yaml]\n"),
        ("app/z.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}"),
        ("out/n.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: n}}"),
    ];
    let names = |asked: Value, data: &[(&str, &str)]| {
        let rendered = Case::of(&files).asked(asked).settings(data).render();
        rendered
            .map(|done| done.manifests.iter().map(|m| m.object.name().to_owned()).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    let outside = "--load-restrictor LoadRestrictionsNone";
    let key = "kustomize.buildOptions";
    assert_eq!(names(json!({}), &[(key, outside)]).unwrap(), ["n", "z"]);
    let in_order = format!("{outside} --reorder none");
    assert_eq!(names(json!({}), &[(key, &in_order)]).unwrap(), ["z", "n"]);
    let of_version = [(key, ""), ("kustomize.buildOptions.v5", outside)];
    assert_eq!(names(json!({"version": "v5"}), &of_version).unwrap(), ["n", "z"]);
    for (asked, data, words) in [
        (json!({}), [(key, "")], "is not in or below"),
        (json!({}), [(key, "--enable-exec")], "argocd-cm: kustomize.buildOptions: --enable-exec is refused"),
        (
            json!({"version": "v5"}),
            [("kustomize.buildOptions.v5", "--network")],
            "argocd-cm: kustomize.buildOptions.v5: --network is refused",
        ),
    ] {
        let said = names(asked, &data).unwrap_err();
        assert!(said.contains(words), "{said}");
    }
    let made = Case::web("").settings(&[(key, "--enable-managedby-label")]).object();
    let by = made["metadata"]["labels"]["app.kubernetes.io/managed-by"].as_str().unwrap();
    assert!(by.starts_with("kustomize-v5"), "{by}");
}

#[test]
fn what_is_elsewhere_is_asked_for_and_taken() {
    let base = "https://git.example.com/team/base.git//apps?ref=v1";
    let file = "https://files.example.com/c.yaml";
    let mut case = Case::of(&[("app/kustomization.yaml", &format!("resources: ['{base}', '{file}']\n"))]);
    let mut remotes = BTreeMap::new();
    for _ in 0..3 {
        let needs = match case.render() {
            Ok(_) => break,
            Err(RenderError::Needs(needs)) => needs,
            Err(error) => panic!("{error}"),
        };
        for need in needs {
            let Need::Remote(need) = need else { panic!("{need:?}") };
            let supply = if need.text == file {
                Supply::File(Arc::from(&b"{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}"[..]))
            } else {
                let repository = need.repository.unwrap();
                let (url, path) = (repository.url.as_str(), repository.path.as_str());
                let is = (url, path, repository.reference.as_str());
                assert_eq!(is, ("https://git.example.com/team/base.git", "apps", "v1"));
                let files = [
                    ("apps/kustomization.yaml", "resources: [d.yaml]\nnamePrefix: base-\n"),
                    ("apps/d.yaml", DEPLOYMENT),
                ];
                Supply::Tree(tree(&files), TreePath::parse(path).unwrap())
            };
            assert!(remotes.insert(need.text.clone(), supply).is_none(), "{} is asked for again", need.text);
        }
        case.context.supplies = Supplies { remotes: Remotes(remotes.clone()), ..Supplies::default() };
    }
    let names: Vec<String> =
        case.render().unwrap().manifests.iter().map(|m| m.object.name().to_owned()).collect();
    assert_eq!(names, ["c", "base-web"]);
}

#[test]
fn errors_are_kustomizes() {
    let prefix = json!({"namePrefix": "x-"});
    for (reason, files, asked, words) in [
        (
            "a file that is missing",
            vec![("app/kustomization.yaml", "resources: [a.yaml]")],
            json!({}),
            "a.yaml",
        ),
        (
            "nothing to build",
            vec![("app/x.yaml", "")],
            json!({}),
            "unable to find one of 'kustomization.yaml'",
        ),
        (
            "nothing to edit",
            vec![("app/x.yaml", "")],
            prefix.clone(),
            "unable to find one of 'kustomization.yaml'",
        ),
        (
            "several",
            vec![("app/kustomization.yaml", ""), ("app/Kustomization", "")],
            prefix.clone(),
            "Found multiple kustomization files",
        ),
        (
            "no YAML",
            vec![("app/kustomization.yaml", "a: [")],
            prefix.clone(),
            "kustomize build app: invalid Kustomization: yaml:",
        ),
        (
            "an unknown field",
            vec![("app/kustomization.yaml", "colour: red")],
            json!({}),
            "unknown field \"colour\"",
        ),
        (
            "the same beside an edit",
            vec![("app/kustomization.yaml", "colour: red")],
            prefix,
            "unknown field \"colour\"",
        ),
        (
            "a program of git",
            vec![("app/kustomization.yaml", "resources: ['git::ext::sh -c id']")],
            json!({}),
            "programs by which git reaches others (ext::) are never run",
        ),
        (
            "a plugin",
            vec![
                ("app/kustomization.yaml", "generators: [g.yaml]"),
                (
                    "app/g.yaml",
                    "{apiVersion: v1, kind: Run, metadata: {name: x, annotations: {config.kubernetes.io/function: '{exec: {path: ./x}}'}}}",
                ),
            ],
            json!({}),
            "plugin",
        ),
    ] {
        let case = Case::of(&files).asked(asked);
        let error = case.error();
        assert!(error.contains(words), "{reason}: {error}");
        assert_eq!(case.render().unwrap_err().reason(), "ManifestInvalid", "{reason}");
    }
}
