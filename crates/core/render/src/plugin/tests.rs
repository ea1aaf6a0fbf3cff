//! What plugins are told, and what becomes of what they say.

use std::sync::Arc;

use filetree::{FileTree, MemoryStore, TreePath};
use serde_json::{Value, json};

use crate::{
    Context, EnabledTools, Limits, Need, PluginAnswer, PluginNeed, RenderError, Rendered, Request, Supplies,
    Tool, render,
};

/// Renders `apps/web` with what a plugin said.
fn run(
    fields: &Value,
    plugins: bool,
    answer: Option<PluginAnswer>,
) -> (Result<Rendered, RenderError>, Arc<FileTree>) {
    let file = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n";
    let store = MemoryStore::from_files([("apps/web/a.yaml", file), ("other", "")]).expect("paths");
    let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
    let source = serde_json::from_value(fields.clone()).expect("a source");
    let context = Context {
        revision: "0123456789abcdef".to_owned(),
        namespace: "shop".to_owned(),
        api_versions: Arc::new(vec!["v1".to_owned(), "apps/v1".to_owned()]),
        supplies: Supplies { plugin: answer, ..Supplies::default() },
        plugins,
        ..Context::default()
    };
    let rendered = render(&Request {
        tree: &tree,
        path: &TreePath::parse("apps/web").expect("a path"),
        application: "web",
        source: &source,
        limits: &Limits { rendered_bytes: 1000, ..Limits::default() },
        tools: EnabledTools::default(),
        context: &context,
    });
    (rendered, tree)
}

fn made(texts: &[&str]) -> Option<PluginAnswer> {
    Some(PluginAnswer::Made {
        plugin: "p-v1".to_owned(),
        manifests: texts.iter().map(|text| (*text).to_owned()).collect(),
        warnings: vec!["know this".to_owned()],
    })
}

fn needed(fields: &Value, plugins: bool) -> PluginNeed {
    match run(fields, plugins, None).0 {
        Err(RenderError::Needs(needs)) => match needs.as_slice() {
            [Need::Plugin(need)] => need.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plugin_is_told_what_the_peers_is() {
    let need = needed(
        &json!({
            "repoURL": "https://git.example.com/r.git", "path": "apps/web", "targetRevision": "main",
            "plugin": {
                "name": "p-v1",
                "env": [{"name": "STAGE", "value": "$ARGOCD_APP_NAME-$KUBE_VERSION"}, {"name": "COST", "value": "5$$"}],
                "parameters": [
                    {"name": "my-values", "array": ["a", "b<c"]},
                    {"name": "é.x", "string": ""},
                    {"name": "m", "map": {"k.1": "v", "b": "w"}},
                    {"name": "none", "map": {}},
                ],
            },
        }),
        false,
    );
    assert_eq!(need.name, "p-v1");
    // The peer's functions (`getPluginEnvs`, `Environ`) by hand; entries of maps have no order there.
    let expected = [
        ("ARGOCD_APP_NAME", "web"),
        ("ARGOCD_APP_NAMESPACE", "shop"),
        ("ARGOCD_APP_PROJECT_NAME", "default"),
        ("ARGOCD_APP_REVISION", "0123456789abcdef"),
        ("ARGOCD_APP_REVISION_SHORT", "0123456"),
        ("ARGOCD_APP_REVISION_SHORT_8", "01234567"),
        ("ARGOCD_APP_SOURCE_PATH", "apps/web"),
        ("ARGOCD_APP_SOURCE_REPO_URL", "https://git.example.com/r.git"),
        ("ARGOCD_APP_SOURCE_TARGET_REVISION", "main"),
        ("KUBE_API_VERSIONS", "v1,apps/v1"),
        ("KUBE_VERSION", "1.34.0"),
        ("ARGOCD_ENV_STAGE", "web-1.34.0"),
        ("ARGOCD_ENV_COST", "5$"),
        (
            "ARGOCD_APP_PARAMETERS",
            r#"[{"array":["a","b\u003cc"],"name":"my-values"},{"name":"é.x","string":""},{"map":{"b":"w","k.1":"v"},"name":"m"},{"map":{},"name":"none"}]"#,
        ),
        ("PARAM_MY_VALUES_0", "a"),
        ("PARAM_MY_VALUES_1", "b<c"),
        ("PARAM___X", ""),
        ("PARAM_M_B", "w"),
        ("PARAM_M_K_1", "v"),
    ];
    let told: Vec<(&str, &str)> =
        need.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(told, expected);
    let bare = needed(&json!({"plugin": {}}), false);
    let last = bare.environment.last().map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!((bare.name.as_str(), last), ("", Some(("ARGOCD_APP_PARAMETERS", "null"))));
    let offered = needed(&json!({}), true);
    assert_eq!((bare.asked_for, offered.asked_for, offered.environment.len()), (true, false, 11));
}

#[test]
fn what_a_plugin_says_is_read_as_manifests() {
    let map = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}", map("c").replace('\n', "\n  "));
    let json = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}}"#;
    let two = format!("{}---\n---\nnull\n---\n{}", map("a"), map("b"));
    let rendered = run(&json!({"plugin": {}}), false, made(&[&two, &list, json, ""])).0.expect("a result");
    let names: Vec<String> =
        rendered.manifests.iter().map(|it| format!("{} {}", it.object.name(), it.origin)).collect();
    assert_eq!(
        names,
        [
            "a plugin p-v1, manifest 1:1",
            "b plugin p-v1, manifest 1:8",
            "c plugin p-v1, manifest 2:4",
            "d plugin p-v1, manifest 3:1",
        ]
    );
    assert_eq!((rendered.tool, rendered.of_the_revision), (Tool::Plugin, true));
    assert_eq!(rendered.warnings, ["know this"]);
    let long = "#".repeat(1001);
    let rows: [(&str, &str, &str); 4] = [
        ("no YAML", "a: [", "plugin p-v1, manifest 1: "),
        ("no object", "hello", "plugin p-v1, manifest 1: line 1: expected a map"),
        (
            "no name",
            "apiVersion: v1\nkind: X\nmetadata: {}\n",
            "plugin p-v1, manifest 1: line 3: metadata.name: is missing",
        ),
        (
            "too long",
            &long,
            "plugin p-v1: bytes of all manifests together would be more than the limit of 1000",
        ),
    ];
    for (name, text, expected) in rows {
        let error = run(&json!({"plugin": {}}), false, made(&[text])).0.expect_err(name).to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
    }
}

#[test]
fn plugins_are_asked_about_sources_that_name_no_tool() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}\n";
    let (none, wants) = (Some(PluginAnswer::NoneWants), made(&[map]));
    type Row<'a> = (&'a str, Value, bool, Option<PluginAnswer>, Result<(Tool, &'a str), &'a str>);
    let rows: [Row<'_>; 6] = [
        ("no plugins", json!({}), false, None, Ok((Tool::Directory, "plain"))),
        ("asked first", json!({}), true, None, Err("1 things have to be fetched first")),
        ("none wants it", json!({}), true, none.clone(), Ok((Tool::Directory, "plain"))),
        ("one wants it", json!({}), true, wants, Ok((Tool::Plugin, "made"))),
        (
            "a source that names its tool",
            json!({"directory": {}}),
            true,
            None,
            Ok((Tool::Directory, "plain")),
        ),
        (
            "a plugin, none wants it",
            json!({"plugin": {}}),
            true,
            none,
            Err("could not find plugin supporting the given repository"),
        ),
    ];
    for (name, fields, plugins, answer, expected) in rows {
        let rendered = run(&fields, plugins, answer).0;
        let found = match &rendered {
            Ok(rendered) => Ok((rendered.tool, rendered.manifests[0].object.name())),
            Err(error) => Err(error.to_string()),
        };
        assert_eq!(found, expected.map_err(str::to_owned), "{name}");
    }
    // That none wanted it holds while nothing below the path changes; what one made is of all that there is.
    let rows = [
        (json!({}), Some(PluginAnswer::NoneWants), "other", true),
        (json!({}), Some(PluginAnswer::NoneWants), "apps/web/new", false),
        (json!({"plugin": {}}), made(&[map]), "other", false),
    ];
    for (fields, answer, path, holds) in rows {
        let (_, tree) = run(&fields, true, answer);
        let file = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n";
        let mut store = MemoryStore::from_files([("apps/web/a.yaml", file), ("other", "")]).expect("paths");
        assert!(tree.reads().holds(&store).expect("readable"), "{path}");
        store.write(&TreePath::parse(path).expect("a path"), "changed");
        assert_eq!(tree.reads().holds(&store).expect("readable"), holds, "{path}");
    }
}
