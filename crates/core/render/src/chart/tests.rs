use std::collections::BTreeMap;

use filetree::{FileTree, MemoryStore, TreePath};
use serde_json::json;

use super::*;
use crate::{Context, EnabledTools, Limits, Supplies};

const CHART: &str = "{apiVersion: v2, name: web, version: 1.2.0}";
/// Shows what a template is given, each key of the values in one line.
const TEMPLATE: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data:
  namespace: {{ .Release.Namespace }}
  kube: {{ .Capabilities.KubeVersion.Version }}
  widgets: {{ .Capabilities.APIVersions.Has "example.com/v1/Widget" | quote }}
  {{- range $key, $value := .Values }}
  {{ $key }}: {{ printf "%T %v" $value $value | quote }}
  {{- end }}
"#;

struct Case<'a> {
    files: Vec<(&'a str, &'a str)>,
    helm: Value,
    context: Context,
}

impl<'a> Case<'a> {
    fn of(helm: Value) -> Self {
        let files = vec![
            ("app/Chart.yaml", CHART),
            ("app/values.yaml", "a: chart"),
            ("app/templates/c.yaml", TEMPLATE),
            ("app/more.yaml", "{a: more, b: more}"),
            ("shared/c.yaml", "c: shared"),
            ("app/text.txt", "line, and = more\n"),
        ];
        Self { files, helm, context: Context::default() }
    }

    fn render(&self) -> Result<Rendered, RenderError> {
        let store = MemoryStore::from_files(self.files.iter().copied()).unwrap();
        let source =
            serde_json::from_value(json!({"repoURL": "https://e.org/r", "helm": self.helm})).unwrap();
        crate::render(&Request {
            tree: &Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default())),
            path: &TreePath::parse("app").unwrap(),
            application: "shop",
            source: &source,
            limits: &Limits::default(),
            tools: EnabledTools::default(),
            context: &self.context,
        })
    }

    /// The data of the ConfigMap.
    fn data(&self) -> Value {
        let rendered = self.render().unwrap();
        assert_eq!(rendered.tool, Tool::Helm);
        Value::Object(rendered.manifests[0].object.as_map()["data"].as_object().unwrap().clone())
    }
}

#[test]
fn values_come_in_the_peers_order_of_precedence() {
    let rows = [
        ("chart", json!({}), json!({"a": "string chart"})),
        ("files", json!({"valueFiles": ["more.yaml"]}), json!({"a": "string more", "b": "string more"})),
        (
            "values over files",
            json!({"valueFiles": ["more.yaml"], "values": "b: own\nm: 1"}),
            json!({"a": "string more", "b": "string own", "m": "float64 1"}),
        ),
        (
            "the object instead of the text",
            json!({"values": "b: text", "valuesObject": {"b": "object"}}),
            json!({"b": "string object"}),
        ),
        (
            "parameters over all",
            json!({"valuesObject": {"b": "object"}, "parameters": [{"name": "b", "value": "1"}]}),
            json!({"b": "int64 1"}),
        ),
        (
            "a string that is forced",
            json!({"parameters": [{"name": "b", "value": "1", "forceString": true}]}),
            json!({"b": "string 1"}),
        ),
        (
            "the last of a name",
            json!({"parameters": [{"name": "b", "value": "x"}, {"name": "b", "value": "y"}]}),
            json!({"b": "string y"}),
        ),
        (
            "commas, lists, variables",
            json!({"parameters": [
                {"name": "b", "value": "x,y"}, {"name": "c", "value": "{x,y}"}, {"name": "d", "value": "$ARGOCD_APP_NAME"},
            ]}),
            json!({"b": "string x,y", "c": "[]interface {} [x y]", "d": "string shop"}),
        ),
        (
            "the text of a file",
            json!({"fileParameters": [{"name": "b", "path": "text.txt"}]}),
            json!({"b": "string line, and = more\n"}),
        ),
        ("null takes away", json!({"valuesObject": {"a": null}}), json!({"a": null})),
    ];
    for (reason, helm, expected) in rows {
        let data = Case::of(helm).data();
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(data.get(key).unwrap_or(&Value::Null), value, "{reason}: {key}");
        }
    }
}

#[test]
fn release_and_cluster_are_those_of_the_destination_or_asked_for() {
    let mut case = Case::of(json!({}));
    case.context.kube_version = "v1.33.2+k3s1".to_owned();
    case.context.api_versions = Arc::new(vec!["example.com/v1/Widget".to_owned()]);
    let data = case.data();
    assert_eq!(
        (&data["namespace"], &data["kube"], &data["widgets"]),
        (&json!("default"), &json!("v1.33.2"), &json!("true"))
    );
    let asked = json!({"namespace": "other", "releaseName": "front", "kubeVersion": "1.30.0", "apiVersions": ["a/v1"]});
    case.helm = asked;
    let data = case.data();
    assert_eq!(
        (&data["namespace"], &data["kube"], &data["widgets"]),
        (&json!("other"), &json!("v1.30.0"), &json!("false"))
    );
    assert_eq!(case.render().unwrap().manifests[0].object.name(), "front");
}

#[test]
fn what_a_render_depends_on_beside_the_tree_is_told() {
    let rows = [("$ARGOCD_APP_REVISION", true), ("$ARGOCD_APP_NAME", false)];
    for (value, expected) in rows {
        let case = Case::of(json!({"parameters": [{"name": "b", "value": value}]}));
        assert_eq!(case.render().unwrap().of_the_revision, expected, "{value}");
    }
}

#[test]
fn definitions_and_tests_can_be_left_out() {
    let definition =
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets}}";
    let test = "{apiVersion: v1, kind: Pod, metadata: {name: test, annotations: {helm.sh/hook: test}}}";
    for (helm, expected) in [
        (json!({}), ["widgets", "shop", "test"].as_slice()),
        (json!({"skipCrds": true}), &["shop", "test"]),
        (json!({"skipTests": true}), &["widgets", "shop"]),
    ] {
        let mut case = Case::of(helm.clone());
        case.files.extend([("app/crds/w.yaml", definition), ("app/templates/t.yaml", test)]);
        let rendered = case.render().unwrap();
        let names: Vec<&str> = rendered.manifests.iter().map(|manifest| manifest.object.name()).collect();
        assert_eq!(names, expected, "{helm}");
    }
}

#[test]
fn what_is_elsewhere_is_asked_for_and_taken() {
    let chart = "{apiVersion: v2, name: web, version: 1.2.0, dependencies: [\
        {name: sub, version: ~1, repository: 'https://e.org/charts'}, {name: near, version: '*', repository: 'file://../near'}]}";
    let file = "https://e.org/values.yaml";
    let mut case = Case::of(json!({"valueFiles": [file]}));
    case.files[0].1 = chart;
    case.files.extend([("near/Chart.yaml", "{apiVersion: v2, name: near, version: 0.1.0}")]);
    let Err(RenderError::Needs(needs)) = case.render() else { panic!("nothing is asked for") };
    let wanted = Dependency {
        name: "sub".to_owned(),
        version: "~1".to_owned(),
        repository: "https://e.org/charts".to_owned(),
    };
    let charts = Need::Charts { wanted: vec![wanted.clone()], lock: None };
    assert_eq!(needs, [Need::File(file.to_owned()), charts]);
    let archive = testkit_archive();
    case.context.supplies = Supplies {
        files: BTreeMap::from([(file.to_owned(), Arc::from(b"b: web".as_slice()))]),
        charts: BTreeMap::from([(wanted, archive)]),
        ..Supplies::default()
    };
    assert_eq!(case.data()["b"], "string web");
}

#[test]
fn dependencies_by_file_stay_in_the_tree_and_end() {
    // (row, repository, what becomes of it)
    let rows = [
        ("A20 itself", "file://.", Ok("web")),
        ("beside it", "file://../near", Ok("near")),
        (
            "A54 above the root",
            "file://../..",
            Err("Chart.yaml: dependencies: 'file://../..': path '../..' leaves the tree"),
        ),
        ("A54 far above", "file://../../../etc", Err("leaves the tree")),
        ("A54 absolute", "file:///etc", Err("etc")),
        ("nothing there", "file://../far", Err("Chart.yaml file is missing")),
    ];
    for (reason, repository, expected) in rows {
        let name = expected.unwrap_or("near");
        let chart = format!(
            "{{apiVersion: v2, name: web, version: 1.2.0, dependencies: [{{name: {name}, version: '*', repository: '{repository}'}}]}}"
        );
        let mut case = Case::of(json!({}));
        case.files[0].1 = &chart;
        case.files.extend([
            ("near/Chart.yaml", "{apiVersion: v2, name: near, version: 0.1.0}"),
            ("near/templates/n.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: near}}"),
        ]);
        match (case.render(), expected) {
            (Ok(rendered), Ok(name)) => {
                let of_it = |manifest: &crate::Manifest| {
                    manifest.object.name() == if name == "web" { "shop" } else { name }
                };
                assert!(rendered.manifests.iter().any(of_it), "{reason}");
            }
            (Err(error), Err(part)) => {
                let error = error.to_string();
                assert!(error.contains(part), "{reason}: {error}");
            }
            (got, _) => panic!("{reason}: {got:?}"),
        }
    }
}

/// `sub-1.0.0.tgz`: a Chart.yaml and nothing else.
fn testkit_archive() -> Arc<[u8]> {
    use std::io::Write as _;
    let text = b"{apiVersion: v2, name: sub, version: 1.0.0}";
    let mut header = [0_u8; 512];
    header[..14].copy_from_slice(b"sub/Chart.yaml");
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut tar = header.to_vec();
    tar.extend_from_slice(text);
    tar.resize(1024 + 1024, 0);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&tar).unwrap();
    packed.finish().unwrap().into()
}

#[test]
fn a_file_that_is_not_there_is_named_with_its_field() {
    let rows = [
        (json!({"valueFiles": ["prod.yaml"]}), "helm.valueFiles: 'app/prod.yaml': no such file or directory"),
        (
            json!({"fileParameters": [{"name": "b", "path": "gone.txt"}]}),
            "helm.fileParameters: 'app/gone.txt': no such file or directory",
        ),
    ];
    for (helm, expected) in rows {
        assert_eq!(Case::of(helm).render().unwrap_err().to_string(), expected);
    }
}

#[test]
fn errors_are_helms() {
    let mut case = Case::of(json!({"valuesObject": {"a": {"b": 1}}}));
    case.files[2].1 = "a: {{ .Values.a.b.c }}";
    let error = case.render().unwrap_err();
    assert_eq!(
        error.to_string(),
        "template: web/templates/c.yaml:1:13: executing \"web/templates/c.yaml\" at <.Values.a.b.c>: \
         can't evaluate field c in type interface {}"
    );
    assert_eq!(error.reason(), "ManifestInvalid");
}
