//! Config management plugins, served by the peer's own sidecar.

use std::os::unix::net::UnixListener;

use e2e::{World, conditions};
use serde_json::{Value, json};
use testkit::PluginServer;

use crate::charts::with_source;
use crate::manifests::{config, config_map};

/// Prints a ConfigMap with what the plugin was told and sent.
const PRINT: &str = r#"set -e
test ! -f fail || { echo "no luck with $ARGOCD_APP_NAME" >&2; exit 3; }
echo "{apiVersion: v1, kind: ConfigMap, metadata: {name: $ARGOCD_APP_NAME}, data: {key: $(cat value) $ARGOCD_ENV_STAGE $PARAM_SIZE}}""#;

fn plugin(world: &World, name: &str, spec: &Value) -> Option<PluginServer> {
    PluginServer::start(&world.plugin_sockets().unwrap(), name, spec).unwrap()
}

async fn until_key(world: &World, name: &str, value: &str) {
    let has = |live: Option<&Value>| live.is_some_and(|live| live["data"]["key"] == value);
    world.until(&config_map("plugged", name), &format!("says {value}"), has).await;
}

async fn until_said(world: &World, name: &str, words: &str) {
    let says = |app: &Value| conditions(app).iter().any(|said| said.contains(words));
    world.until_app(name, &format!("says {words}"), says).await;
}

pub(crate) async fn a_plugin_makes_what_runs(world: &mut World) {
    let spec = json!({"version": "v1.0", "generate": {"command": ["sh", "-c", PRINT]}});
    let Some(_server) = plugin(world, "print", &spec) else { return };
    world.push(&[("apps/web/value", "one\n"), ("apps/plain/c.yaml", &config("plain", "x"))]).unwrap();
    let options = json!({
        "name": "print-v1.0",
        "env": [{"name": "STAGE", "value": "to-$ARGOCD_APP_NAMESPACE"}],
        "parameters": [{"name": "size", "string": "7"}],
    });
    let app = with_source(world.application("web", "apps/web", "plugged"), &[("plugin", options)]);
    world.api.apply(&app).await.unwrap();
    world.api.apply(&world.application("plain", "apps/plain", "plugged")).await.unwrap();
    let app = world.until_good("web").await;
    assert_eq!((&app["status"]["sourceType"], conditions(&app).len()), (&json!("Plugin"), 0));
    until_key(world, "web", "one to-plugged 7").await;
    // A plugin without rules is for those alone that name it.
    assert_eq!(world.until_good("plain").await["status"]["sourceType"], "Directory");

    let commit = world.push(&[("apps/web/value", "two\n")]).unwrap();
    world.until_good_at("web", &commit).await;
    until_key(world, "web", "two to-plugged 7").await;

    // What its programs say is said; what runs stays, and others go on.
    world.push(&[("apps/web/fail", ""), ("apps/plain/c.yaml", &config("plain", "y"))]).unwrap();
    until_said(world, "web", "plugin print-v1.0: generating manifests: error generating manifests: `sh -c")
        .await;
    until_said(world, "web", "failed exit status 3: no luck with web").await;
    until_key(world, "plain", "y").await;
    until_key(world, "web", "two to-plugged 7").await;
}

pub(crate) async fn a_plugin_finds_its_sources(world: &mut World) {
    let spec = json!({"discover": {"fileName": "value"}, "generate": {"command": ["sh", "-c", PRINT]}});
    let Some(server) = plugin(world, "finds", &spec) else { return };
    world.push(&[("apps/web/value", "one\n"), ("apps/plain/c.yaml", &config("plain", "x"))]).unwrap();
    for (name, path) in [("web", "apps/web"), ("plain", "apps/plain")] {
        world.api.apply(&world.application(name, path, "plugged")).await.unwrap();
    }
    let nameless =
        with_source(world.application("nameless", "apps/web", "plugged"), &[("plugin", json!({}))]);
    world.api.apply(&nameless).await.unwrap();
    for (name, kind) in [("web", "Plugin"), ("plain", "Directory"), ("nameless", "Plugin")] {
        assert_eq!(world.until_good(name).await["status"]["sourceType"], kind, "{name}");
    }
    until_key(world, "nameless", "one").await;

    // One that was no plugin's is not asked about again while nothing of it changes, and becomes one when it does.
    let renders = world.controller.metrics().renders();
    world.push(&[("README.md", "more\n")]).unwrap();
    let commit = world.push(&[("apps/web/value", "two\n")]).unwrap();
    world.until_good_at("nameless", &commit).await;
    assert!(world.controller.metrics().renders() > renders);
    let commit = world.push(&[("apps/plain/value", "three\n")]).unwrap();
    let app =
        world.until_app("plain", "is the plugin's", |app| app["status"]["sourceType"] == "Plugin").await;
    assert_eq!(app["status"]["sync"]["revision"], commit.as_str());

    // A sidecar that is away makes no plain manifests of what was its own.
    drop(server);
    world.push(&[("apps/web/value", "four\n"), ("apps/web/c.yaml", &config("other", "x"))]).unwrap();
    until_said(world, "web", "plugin").await;
    until_key(world, "web", "two").await;
    assert!(world.api.get(&config_map("plugged", "other")).await.unwrap().is_none());
}

pub(crate) async fn a_plugin_that_is_not_there_is_named(world: &mut World) {
    // A socket that nobody listens on is not worse than none.
    drop(UnixListener::bind(world.plugin_sockets().unwrap().join("dead.sock")).unwrap());
    world.push(&[("apps/web/c.yaml", &config("c", "x"))]).unwrap();
    for name in ["absent", "dead", "../dead"] {
        let app = format!("app-{}", name.trim_start_matches("../"));
        let app = if name.contains('/') { "app-outside".to_owned() } else { app };
        let source =
            with_source(world.application(&app, "apps/web", "plugged"), &[("plugin", json!({"name": name}))]);
        world.api.apply(&source).await.unwrap();
    }
    until_said(
        world,
        "app-absent",
        "could not find cmp-server plugin with name \"absent\" supporting the given repository",
    )
    .await;
    until_said(
        world,
        "app-dead",
        "could not find cmp-server plugin with name \"dead\" supporting the given repository",
    )
    .await;
    until_said(world, "app-outside", "plugin name \"../dead\" is no name of a socket").await;
    // Sources that name no tool are none of its business.
    world.api.apply(&world.application("plain", "apps/web", "plugged")).await.unwrap();
    assert_eq!(world.until_good("plain").await["status"]["sourceType"], "Directory");
}

mod on_kubesim {
    crate::on_kubesim!(
        a_plugin_makes_what_runs,
        a_plugin_finds_its_sources,
        a_plugin_that_is_not_there_is_named
    );
}
