//! The same with the peer's own server, and programs behind it.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use filetree::{FileTree, MemoryStore, TreePath};
use net::Secret;
use plugins::{Announcement, GitCredentials, Job, Lends, Limits, Plugins, pack};
use serde_json::{Value, json};
use testkit::PluginServer;

/// Prints a manifest with what it sees.
const PRINT: &str = r#"echo "apiVersion: v1"; echo "kind: ConfigMap"; echo "metadata: {name: \"$ARGOCD_ENV_NAME\"}"
echo "data: {file: \"$(cat settings.txt)\", above: \"$(cat ../shared.txt)\", list: \"$(ls | tr '\n' ' ')\", param: \"$PARAM_SIZE\"}""#;

fn job(name: &str) -> Job {
    let files =
        [("apps/web/settings.txt", "hello"), ("apps/shared.txt", "shared"), ("apps/web/big.bin", "x")];
    let mut store = MemoryStore::from_files(files).unwrap();
    store.link(&TreePath::parse("apps/web/link").unwrap(), "../shared.txt");
    store.write_executable(&TreePath::parse("apps/web/run.sh").unwrap(), "#!/bin/sh\necho '{}'\n");
    let tree = FileTree::new(Arc::new(store), filetree::Limits::default());
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Job {
        name: name.to_owned(),
        environment: vec![variable("ARGOCD_ENV_NAME", "made"), variable("PARAM_SIZE", "7")],
        path: "apps/web".to_owned(),
        repository: pack(&tree, &TreePath::root(), &["apps/web/*.bin".to_owned()], 1 << 20).unwrap(),
        part: None,
        lends: Lends::Nothing,
    }
}

fn shell(script: &str) -> Value {
    json!({"command": ["sh", "-c", script]})
}

#[tokio::test]
async fn the_peers_sidecars_serve_us() {
    let directory = tempfile::tempdir().unwrap();
    let start = |name: &str, spec: Value| PluginServer::start(directory.path(), name, &spec).unwrap();
    let Some(_first) = start("print", json!({"version": "v1", "generate": shell(PRINT)})) else { return };
    let wants = json!({"fileName": "settings.*"});
    let _second = start(
        "wants",
        json!({"discover": wants, "init": shell("echo x > made.txt"), "generate": shell("cat made.txt; echo '---'; ./run.sh")}),
    );
    let _third = start(
        "other",
        json!({"discover": {"find": {"glob": "**/*.nothing"}}, "generate": shell("echo other")}),
    );
    let _fourth = start("fails", json!({"generate": shell("echo some; echo 'no luck' >&2; exit 3")}));
    let _fifth = start("modes", json!({"preserveFileMode": true, "generate": shell("./run.sh")}));
    let _sixth = start("empty", json!({"generate": shell("true")}));
    let plugins = Plugins::new(directory.path(), Limits::default());
    assert_eq!(plugins.names().await.unwrap(), ["empty", "fails", "modes", "other", "print-v1", "wants"]);

    let made = plugins.make(&job("print-v1")).await.unwrap().unwrap();
    let manifest: Value = serde_json::from_str(&made.manifests[0]).unwrap();
    assert_eq!(manifest["metadata"]["name"], "made");
    let expected =
        json!({"file": "hello", "above": "shared", "list": "link run.sh settings.txt ", "param": "7"});
    assert_eq!(manifest["data"], expected);
    let modes = plugins.make(&job("modes")).await.unwrap().unwrap();
    assert_eq!(modes.manifests, ["{}"]);
    assert!(plugins.make(&job("empty")).await.unwrap().unwrap().manifests.is_empty());

    // Without its mode a file cannot be run, and that is what its program says.
    let error = plugins.make(&job("")).await.unwrap_err().to_string();
    assert!(
        error.starts_with("plugin wants: generating manifests: ") && error.contains("ermission denied"),
        "{error}"
    );
    let error = plugins.make(&job("fails")).await.unwrap_err().to_string();
    assert!(
        error.starts_with("plugin fails: generating manifests: error generating manifests: `sh -c "),
        "{error}"
    );
    assert!(error.ends_with("failed exit status 3: no luck"), "{error}");
    let error = plugins.make(&job("other")).await.unwrap_err().to_string();
    assert!(error.ends_with("its discovery rules do not match"), "{error}");
    let error = plugins.make(&job("print")).await.unwrap_err().to_string();
    assert!(error.starts_with("could not find cmp-server plugin with name \"print\""), "{error}");
}

/// What git would run in a sidecar that has the peer's program.
const ASK: &str = r#"say() { argocd "$1" 2>/dev/null || echo nobody; }
echo "{\"user\": \"$(say "Username for 'https://git.example':")\", \"password\": \"$(say "Password for 'https://git.example':")\", \"askpass\": \"$GIT_ASKPASS\"}""#;

#[tokio::test]
async fn a_plugin_that_wants_credentials_is_lent_them() {
    let directory = tempfile::tempdir().unwrap();
    let start = |name: &str, spec: Value| PluginServer::start(directory.path(), name, &spec).unwrap();
    let Some(_wants) = start("wants", json!({"provideGitCreds": true, "generate": shell(ASK)})) else {
        return;
    };
    let _other = start("other", json!({"generate": shell(ASK)}));
    let plugins = Plugins::new(directory.path(), Limits::default());
    let credentials = GitCredentials { username: "ann".to_owned(), password: Secret::new("hush") };
    for (name, lends, user, password, askpass) in [
        ("wants", Lends::Credentials(credentials.clone()), "ann", "hush", "argocd"),
        ("wants", Lends::Nothing, "nobody", "nobody", ""),
        ("other", Lends::Credentials(credentials), "nobody", "nobody", ""),
    ] {
        let made = plugins.make(&Job { lends, ..job(name) }).await.unwrap().unwrap();
        let said: Value = serde_json::from_str(&made.manifests[0]).unwrap();
        let expected = json!({"user": user, "password": password, "askpass": askpass});
        assert_eq!((said, made.lent_nothing), (expected, None), "{name}");
    }
}

#[tokio::test]
async fn a_plugin_says_which_parameters_it_takes() {
    let directory = tempfile::tempdir().unwrap();
    let start = |name: &str, spec: Value| PluginServer::start(directory.path(), name, &spec).unwrap();
    let announced = json!([{"name": "size", "title": "Size", "tooltip": "how large", "required": true, "itemType": "number", "string": "7"}]);
    let dynamic = r#"echo "[{\"name\": \"$ARGOCD_ENV_NAME\", \"collectionType\": \"map\", \"map\": {\"file\": \"$(cat settings.txt)\"}}, {\"name\": \"list\", \"collectionType\": \"array\", \"array\": [\"a\", \"b\"]}]""#;
    let both = json!({"generate": shell("true"), "discover": {"fileName": "settings.*"}, "parameters": {"static": announced, "dynamic": shell(dynamic)}});
    let Some(_both) = start("both", both) else { return };
    let _fails = start(
        "fails",
        json!({"generate": shell("true"), "parameters": {"dynamic": shell("echo broken >&2; exit 1")}}),
    );
    let _none = start("none", json!({"generate": shell("true")}));
    let plugins = Plugins::new(directory.path(), Limits::default());
    let map = [("file".to_owned(), "hello".to_owned())].into();
    let expected = [
        Announcement {
            name: "made".to_owned(),
            collection_type: "map".to_owned(),
            map,
            ..Announcement::default()
        },
        Announcement {
            name: "list".to_owned(),
            collection_type: "array".to_owned(),
            array: vec!["a".to_owned(), "b".to_owned()],
            ..Announcement::default()
        },
        Announcement {
            name: "size".to_owned(),
            title: "Size".to_owned(),
            tooltip: "how large".to_owned(),
            required: true,
            item_type: "number".to_owned(),
            string: "7".to_owned(),
            ..Announcement::default()
        },
    ];
    for name in ["both", ""] {
        assert_eq!(plugins.announcements(&job(name)).await.unwrap().unwrap(), expected, "{name:?}");
    }
    assert_eq!(plugins.announcements(&job("none")).await.unwrap(), Some(Vec::new()));
    let error = plugins.announcements(&job("fails")).await.unwrap_err().to_string();
    assert!(
        error.starts_with("plugin fails: asking for its parameters: ") && error.contains("broken"),
        "{error}"
    );
}
