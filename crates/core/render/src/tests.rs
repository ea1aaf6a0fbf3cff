use std::fmt::Write as _;
use std::sync::Arc;

use api::ApplicationSource;
use filetree::{FileTree, MemoryStore, TreePath};
use serde_json::{Value, json};

use crate::{Context, EnabledTools, Limits, RenderError, Rendered, Request, Tool, detect, render};

fn path(text: &str) -> TreePath {
    TreePath::parse(text).expect("a path")
}

fn store(files: &[(&str, &str)]) -> MemoryStore {
    MemoryStore::from_files(files.iter().copied()).expect("paths")
}

fn source(fields: Value) -> ApplicationSource {
    serde_json::from_value(fields).expect("a source")
}

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n")
}

/// Renders `app` in a store.
struct Case {
    store: MemoryStore,
    source: ApplicationSource,
    limits: Limits,
    tools: EnabledTools,
}

impl Case {
    fn new(store: MemoryStore) -> Self {
        let (limits, tools) = (Limits::default(), EnabledTools::default());
        Self { store, source: ApplicationSource::default(), limits, tools }
    }

    fn of(files: &[(&str, &str)]) -> Self {
        Self::new(store(files))
    }

    fn source(mut self, fields: Value) -> Self {
        self.source = source(fields);
        self
    }

    fn with<T>(&self, run: impl FnOnce(&Request<'_>) -> T) -> T {
        let tree = Arc::new(FileTree::new(Arc::new(self.store.clone()), filetree::Limits::default()));
        run(&Request {
            tree: &tree,
            path: &path("app"),
            application: "web",
            source: &self.source,
            limits: &self.limits,
            tools: self.tools,
            context: &Context::default(),
        })
    }

    fn render(&self) -> Result<Rendered, RenderError> {
        self.with(render)
    }

    /// Names and places of the objects.
    fn names(&self) -> Vec<String> {
        let rendered = self.render().expect("a result");
        rendered.manifests.iter().map(|m| format!("{} {}", m.object.name(), m.origin)).collect()
    }

    fn error(&self) -> String {
        self.render().expect_err("an error").to_string()
    }

    fn warnings(&self) -> Vec<String> {
        self.render().expect("a result").warnings
    }
}

#[test]
fn detects_tools() {
    let (chart, kustomization) = (("app/Chart.yaml", "name: x"), ("app/kustomization.yaml", ""));
    let all = EnabledTools::default();
    let (no_helm, no_kustomize) =
        (EnabledTools { helm: false, ..all }, EnabledTools { kustomize: false, ..all });
    let none = json!({});
    type Row<'a> = (&'a str, Vec<(&'a str, &'a str)>, Value, EnabledTools, Tool);
    let rows: Vec<Row<'_>> = vec![
        ("nothing special", vec![("app/a.yaml", "")], none.clone(), all, Tool::Directory),
        ("chart", vec![chart], none.clone(), all, Tool::Helm),
        ("chart of a subdirectory", vec![("app/x/Chart.yaml", "")], none.clone(), all, Tool::Directory),
        ("kustomization", vec![kustomization], none.clone(), all, Tool::Kustomize),
        ("kustomization.yml", vec![("app/kustomization.yml", "")], none.clone(), all, Tool::Kustomize),
        ("Kustomization", vec![("app/Kustomization", "")], none.clone(), all, Tool::Kustomize),
        ("both, as the peer's walk has it", vec![chart, kustomization], none.clone(), all, Tool::Kustomize),
        ("both, kustomize off", vec![chart, kustomization], none.clone(), no_kustomize, Tool::Helm),
        ("chart, helm off", vec![chart], none.clone(), no_helm, Tool::Directory),
        ("field against file", vec![chart], json!({"directory": {}}), all, Tool::Directory),
        ("field without file", vec![("app/a.yaml", "")], json!({"helm": {}}), all, Tool::Helm),
        ("field of a tool that is off", vec![chart], json!({"helm": {}}), no_helm, Tool::Directory),
        ("plugin", vec![chart], json!({"plugin": {"name": "x"}}), all, Tool::Plugin),
        (
            "field from the repository",
            vec![("app/.argocd-source.yaml", "kustomize: {namePrefix: x}")],
            none,
            all,
            Tool::Kustomize,
        ),
    ];
    for (name, files, fields, tools, want) in rows {
        let case = Case { tools, ..Case::of(&files).source(fields) };
        assert_eq!(case.with(detect).expect(name), want, "{name}");
    }
    let two = Case::of(&[chart]).source(json!({"helm": {}, "kustomize": {}}));
    assert_eq!(two.error(), "multiple application sources defined: Kustomize,Helm");
}

#[test]
fn jsonnet_that_is_off_is_left_out() {
    let tools = EnabledTools { jsonnet: false, ..EnabledTools::default() };
    let case = Case { tools, ..Case::of(&[("app/a.jsonnet", "{}"), ("app/b.yaml", &map("b"))]) };
    assert_eq!(case.names(), ["b app/b.yaml:1"]);
}

#[test]
fn reads_files_in_the_order_of_their_names() {
    let (a, b, c, d) = (map("a"), map("b"), map("c"), map("d"));
    let two = format!("# first\n---\n{a}---\n# nothing\n---\n{b}");
    let files = [
        ("app/b.yml", two.as_str()),
        ("app/b/x.yaml", &c),
        ("app/.hidden.yaml", &d),
        ("app/z.json", r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "z"}}"#),
        ("app/README.md", "# no manifest"),
        ("app/x.txt", &d),
        ("other/y.yaml", &d),
    ];
    let flat = ["d app/.hidden.yaml:1", "a app/b.yml:3", "b app/b.yml:10", "z app/z.json:1"];
    assert_eq!(Case::of(&files).names(), flat);
    let deep =
        ["d app/.hidden.yaml:1", "c app/b/x.yaml:1", "a app/b.yml:3", "b app/b.yml:10", "z app/z.json:1"];
    assert_eq!(Case::of(&files).source(json!({"directory": {"recurse": true}})).names(), deep);
    let any = Case::of(&files).source(json!({"directory": {"disableExtensionFilter": true}}));
    assert_eq!(any.names(), [&flat[..3], &["d app/x.txt:1", "z app/z.json:1"]].concat());
}

#[test]
fn globs_choose_files() {
    let files = ["a.yaml", "b.yaml", "sub/a.yaml", "sub/c.yml", "sub/deep/b.yaml"];
    let written: Vec<(String, String)> = files.iter().map(|f| (format!("app/{f}"), map(f))).collect();
    let written: Vec<(&str, &str)> = written.iter().map(|(f, text)| (f.as_str(), text.as_str())).collect();
    let rows: [(&str, &str, &[&str]); 9] = [
        ("", "", &files),
        ("*.yml", "", &["sub/c.yml"]),
        ("a.yaml", "", &["a.yaml"]),
        ("*a.yaml", "", &["a.yaml", "sub/a.yaml"]),
        ("{a.yaml,sub/deep/*}", "", &["a.yaml", "sub/deep/b.yaml"]),
        ("", "sub/*", &["a.yaml", "b.yaml"]),
        ("", "{*/a.yaml,b.*}", &["a.yaml", "sub/c.yml", "sub/deep/b.yaml"]),
        ("sub/*", "*b.yaml", &["sub/a.yaml", "sub/c.yml"]),
        ("[!a].yaml", "", &["b.yaml"]),
    ];
    for (include, exclude, want) in rows {
        let directory = json!({"recurse": true, "include": include, "exclude": exclude});
        let rendered = Case::of(&written).source(json!({"directory": directory})).render().expect("a result");
        let got: Vec<&str> = rendered.manifests.iter().map(|m| m.object.name()).collect();
        assert_eq!(got, want, "include {include:?} exclude {exclude:?}");
    }
    let error =
        Case::of(&written).source(json!({"directory": {"include": "{a"}})).render().expect_err("a bad glob");
    assert_eq!(error.field(), Some("directory.include"));
    assert!(
        error.to_string().starts_with("directory.include: glob '{a': unclosed alternate group"),
        "{error}"
    );
}

#[test]
fn unrolls_lists() {
    let item = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let list = |items: Value| json!({"apiVersion": "v1", "kind": "List", "items": items});
    let rows = [
        ("list", list(json!([item("a"), item("b")])), vec!["a", "b"]),
        ("typed list", json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": [item("a")]}), vec!["a"]),
        (
            "nested",
            list(json!([item("a"), list(json!([item("b"), list(json!([item("c")]))])), item("d")])),
            vec!["a", "b", "c", "d"],
        ),
        ("empty", list(json!([])), vec![]),
        ("null", list(Value::Null), vec![]),
        (
            "items that are no list stay",
            json!({"apiVersion": "x/v1", "kind": "A", "metadata": {"name": "a"}, "items": {"b": 1}}),
            vec!["a"],
        ),
    ];
    for (name, object, want) in rows {
        let text = goyaml::to_string(&object);
        let rendered = Case::of(&[("app/a.yaml", &text)]).render().expect(name);
        let got: Vec<&str> = rendered.manifests.iter().map(|m| m.object.name()).collect();
        assert_eq!(got, want, "{name}");
    }
    let text = "kind: List\napiVersion: v1\nitems:\n- kind: A\n  apiVersion: v1\n  metadata: {name: a}\n- kind: B\n  metadata: {name: b}\n";
    let error = Case::of(&[("app/a.yaml", text)]).error();
    assert_eq!(error, "app/a.yaml: line 7: items.1.apiVersion: is missing or is not a non-empty string");
}

#[test]
fn leaves_out_what_is_no_manifest() {
    let good = map("a");
    let skipped = format!("# +argocd:skip-file-rendering\n{good}");
    let case = Case::of(&[
        ("app/a.yaml", good.as_str()),
        ("app/empty.yaml", "# nothing\n---\n"),
        ("app/skipped.yaml", &skipped),
        ("app/skipped-broken.yaml", "# +argocd:skip-file-rendering\na: [\napiVersion: kind: metadata:"),
        ("app/template.yaml", "{{- if .Values.x }}\na: 1\n{{- end }}\n"),
        ("app/values.yaml", "image: {repository: x}\nkinds: [a]\n"),
        ("app/package.json", "{\"name\": \"x\"}"),
        ("app/schema.json", r#"{"properties": {"apiVersion": 1, "kind": 2, "metadata": 3}}"#),
    ]);
    assert_eq!(case.names(), ["a app/a.yaml:1"]);
    let warnings = case.warnings();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert_eq!(warnings[0], "app/package.json: left out, since it is no Kubernetes manifest");
    assert!(warnings[2].starts_with("app/template.yaml: left out"), "{warnings:?}");
    assert_eq!(warnings[3], "app/values.yaml: left out, since it is no Kubernetes manifest");
}

#[test]
fn errors_name_file_line_and_field() {
    let after = format!("{}---\n", map("a"));
    let rows = [
        (
            "broken manifest",
            "apiVersion: v1\nkind: A\nmetadata:\n  name: a\n b: 1\n".to_owned(),
            "app/x.yaml: line 5: did not find expected key",
        ),
        (
            "broken after an object",
            format!("{after}a: [1\nb: 2\n"),
            "app/x.yaml: line 7: did not find expected ',' or ']'",
        ),
        (
            "broken, with kind only",
            "kind: A\na: 'x\n".to_owned(),
            "app/x.yaml: line 2: found unexpected end of stream",
        ),
        (
            "template",
            "apiVersion: v1\nkind: A\nmetadata:\n  name: {{ .Release.Name }}\n".to_owned(),
            "app/x.yaml: line 4: invalid map key: a map",
        ),
        (
            "no kind after an object",
            format!("{after}a: 1\n"),
            "app/x.yaml: line 6: apiVersion: is missing or is not a non-empty string",
        ),
        (
            "text after an object",
            format!("{after}hello\n"),
            "app/x.yaml: line 6: expected a map with apiVersion, kind and metadata, found a string",
        ),
        (
            "no apiVersion",
            "kind: A\nmetadata: {name: a}\n".to_owned(),
            "app/x.yaml: line 1: apiVersion: is missing or is not a non-empty string",
        ),
        (
            "kind misspelt",
            "apiVersion: v1\nKind: A\nmetadata: {name: a}\n".to_owned(),
            "app/x.yaml: line 1: kind: is missing or is not a non-empty string",
        ),
        (
            "kind is a number",
            "# c\napiVersion: v1\nmetadata: {name: a}\nkind: 1\n".to_owned(),
            "app/x.yaml: line 4: kind: is missing or is not a non-empty string",
        ),
        ("no metadata", "apiVersion: v1\nkind: A\n".to_owned(), "app/x.yaml: line 1: metadata: is missing"),
        (
            "no name",
            "apiVersion: v1\nkind: A\nmetadata:\n  namespace: b\n".to_owned(),
            "app/x.yaml: line 3: metadata.name: is missing",
        ),
        (
            "name is a number",
            "apiVersion: v1\nkind: A\nmetadata:\n  name: 1\n".to_owned(),
            "app/x.yaml: line 4: metadata.name: is not a string",
        ),
        (
            "labels are a list",
            "apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  labels: [a]\n".to_owned(),
            "app/x.yaml: line 5: metadata.labels: is missing or is not a map",
        ),
    ];
    for (name, text, want) in rows {
        let error = Case::of(&[("app/x.yaml", &text)]).render().expect_err(name);
        assert_eq!(error.to_string(), want, "{name}");
        assert_eq!((error.reason(), error.path()), ("ManifestInvalid", Some("app/x.yaml")), "{name}");
    }
    assert_eq!(
        Case::of(&[("app/x.json", "{\"a\": 1,\n \"b\" 2}")]).error(),
        "app/x.json: line 2: did not find expected ',' or '}'"
    );
    let two = r#"{"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}}"#;
    let two = format!("{two}\n{two}");
    assert_eq!(
        Case::of(&[("app/x.json", &two)]).error(),
        "app/x.json: line 2: only single objects are allowed in JSON files"
    );
    assert_eq!(Case::of(&[("other/x", "")]).error(), "app: app path does not exist");
    assert_eq!(Case::of(&[("app", "")]).error(), "app: app path does not exist");
}

#[test]
fn warns_of_repeated_keys() {
    let text = format!("{}data:\n  a: x\n  a: z\n", map("a"));
    let case = Case::of(&[("app/a.yaml", &text)]);
    assert_eq!(case.render().expect("a result").manifests[0].object.as_map()["data"], json!({"a": "z"}));
    assert_eq!(case.warnings(), ["app/a.yaml: line 7: data.a is there more than once; the last one counts"]);
    let many: String = (0..30).fold(map("a"), |mut text, i| {
        write!(text, "k{i}: 1\nk{i}: 2\n").expect("strings take everything");
        text
    });
    let warnings = Case::of(&[("app/a.yaml", &many)]).warnings();
    assert_eq!((warnings.len(), warnings[20].as_str()), (21, "and 10 warnings more"));
}

#[test]
fn follows_links_to_files_only() {
    let mut files = store(&[("shared/a.yaml", &map("a")), ("app/own.yaml", &map("own"))]);
    files.link(&path("app/a.yaml"), "../shared/a.yaml");
    files.link(&path("app/gone.yaml"), "nowhere.yaml");
    files.link(&path("app/dir.yaml"), "../shared");
    files.link(&path("app/dir"), "../shared");
    files.link(&path("app/note.txt"), "../../outside");
    let case = Case::new(files.clone()).source(json!({"directory": {"recurse": true}}));
    assert_eq!(case.names(), ["a app/a.yaml:1", "own app/own.yaml:1"]);
    let warnings = case.warnings();
    assert!(
        warnings[0].starts_with("app/dir.yaml: left out")
            && warnings[1].starts_with("app/gone.yaml: left out")
    );
    files.link(&path("app/out.yaml"), "../../outside.yaml");
    let error = Case::new(files).render().expect_err("a link out of the tree");
    assert!(error.to_string().contains("leaves the tree"), "{error}");
    assert_eq!(error.reason(), "FileInvalid");
}

#[test]
fn takes_parameters_from_the_repository() {
    let files = [
        ("app/.argocd-source.yaml", "directory: {recurse: true}\npath: elsewhere\nrepoURL: x\n"),
        ("app/.argocd-source-web.yaml", "directory: {exclude: '*b.yaml'}\n"),
        ("app/.argocd-source-other.yaml", "directory: {recurse: false}\n"),
        ("app/sub/a.yaml", &map("a")),
        ("app/sub/b.yaml", &map("b")),
    ];
    assert_eq!(Case::of(&files).names(), ["a app/sub/a.yaml:1"]);
    assert_eq!(
        Case::of(&[("app/.argocd-source.yaml", "[1]")]).error(),
        "app/.argocd-source.yaml: line 1: expected a map of source parameters"
    );
    assert_eq!(
        Case::of(&[("app/.argocd-source.yaml", "a: [")]).error(),
        "app/.argocd-source.yaml: line 1: did not find expected node content"
    );
}

/// A11: a file over the cap is not loaded, and is named.
#[test]
fn large_files_are_refused() {
    let huge = "x".repeat((32 << 20) + 1);
    let error = Case::of(&[("app/huge.yaml", &huge)]).render().expect_err("a limit");
    assert_eq!(error.to_string(), "app/huge.yaml: has 33554433 bytes, the limit for a file is 33554432");
    assert_eq!(error.reason(), "LimitExceeded");
}

/// A23: too many bytes, too many manifests.
#[test]
fn directories_are_limited() {
    let half = format!("{}data: {{a: {}}}\n", map("a"), "x".repeat(6_000_000));
    let marked = format!("# +argocd:skip-file-rendering {half}");
    let limits = Limits { object_bytes: 10_000_000, ..Limits::default() };
    let case = |files: &[(&str, &str)]| Case { limits, ..Case::of(files) };
    assert_eq!(
        case(&[("app/a.yaml", &half), ("app/b.yaml", &marked), ("app/c.txt", &half)]).names(),
        ["a app/a.yaml:1"]
    );
    assert_eq!(
        case(&[("app/a.yaml", &half), ("app/b.yaml", &half)]).error(),
        "app/b.yaml: bytes of all manifest files together would be more than the limit of 10000000 \
         (reposerver.max.combined.directory.manifests.size)"
    );
    let hundred = format!("{}---\n", map("a")).repeat(100);
    let files: Vec<String> = (0..200).map(|i| format!("app/{i:03}.yaml")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|file| (file.as_str(), hundred.as_str())).collect();
    assert_eq!(
        Case::of(&files).error(),
        "app/100.yaml: objects would be more than the limit of 10000 (objects)"
    );
    let limits = Limits { entries: 199, ..Limits::default() };
    let error = Case { limits, ..Case::of(&files) }.error();
    assert_eq!(error, "app: names of files and directories would be more than the limit of 199 (entries)");
}

/// A25: large objects, and many of them.
#[test]
fn results_are_limited() {
    let large = format!("{}data: {{a: {}}}\n", map("a"), "x".repeat(3 << 20));
    let error = Case::of(&[("app/a.yaml", &large)]).error();
    assert_eq!(
        error,
        "app/a.yaml: bytes of an object would be more than the limit of 3145728 (object_bytes)"
    );
    let limits = Limits { rendered_bytes: 1_000_000, ..Limits::default() };
    let many = format!("{}data: {{a: {}}}\n---\n", map("a"), "x".repeat(20_000)).repeat(60);
    let error = Case { limits, ..Case::of(&[("app/a.yaml", &many)]) }.error();
    assert_eq!(
        error,
        "app/a.yaml: bytes of all objects together would be more than the limit of 1000000 (rendered_bytes)"
    );
    let bomb = format!(
        "{}data: &d {{a: {}}}\nmore: [{}]\n",
        map("a"),
        "x".repeat(1 << 20),
        vec!["*d"; 10_000].join(",")
    );
    assert_eq!(
        Case::of(&[("app/a.yaml", &bomb)]).error(),
        "app/a.yaml: line 5: document contains excessive aliasing"
    );
}

#[test]
fn the_record_tells_what_matters() {
    let files = [("app/a.yaml", map("a")), ("app/b.txt", map("b")), ("other/c.yaml", map("c"))];
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (*file, text.as_str())).collect();
    let case = Case::of(&files);
    let reads = case.with(|request| {
        render(request).expect("a result");
        request.tree.reads()
    });
    let changed = |file: &str, text: &str| {
        let mut edited = case.store.clone();
        edited.write(&path(file), text);
        !reads.holds(&edited).expect("memory does not fail")
    };
    assert!(!changed("other/c.yaml", "x"), "another directory");
    assert!(changed("app/a.yaml", "x"), "a manifest");
    assert!(changed("app/Chart.yaml", "x"), "a file that makes it a chart");
    assert!(changed("app/.argocd-source.yaml", "x"), "a file that sets parameters");
}
