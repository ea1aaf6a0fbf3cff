//! What clients ask about sources and settings without changing anything: details of sources, of artifacts, of kinds.

use serde_json::{Value, json};
use testkit::{OciRegistry, PluginServer, RegistryLogin, WebTls};

use crate::stand::Stand;

const CHART: &str = "{apiVersion: v2, name: web, version: 1.0.0}";
const POD: &str =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: 'web:1'}]}\n";

/// What it is about, who asks, for which application, about which source, and what is answered.
type Row<'a> = (&'a str, &'a str, &'a str, Value, Result<&'a Value, &'a str>);

async fn commit(stand: &Stand) -> String {
    stand
        .repository
        .commit(
            &[
                ("chart/Chart.yaml", CHART),
                ("chart/values.yaml", "image: {tag: v1, ports: [80]}\n"),
                ("chart/values-prod.yaml", "image: {tag: v2}\n"),
                ("kust/kustomization.yaml", "resources: [pod.yaml]\n"),
                ("kust/pod.yaml", POD),
                ("plugged/value", "x"),
            ],
            "sources",
        )
        .unwrap();
    stand.git.url(&stand.repository)
}

fn application(name: &str, source: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": "default", "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn details_of_sources_are_for_those_who_may_make_the_application() {
    let stand = Stand::begin().await.unwrap();
    let url = commit(&stand).await;
    let spec = json!({"version": "v1.0", "generate": {"command": ["true"]}, "parameters": {"static": [{"name": "size", "string": "7"}]}});
    let plugin = PluginServer::start(&stand.plugin_sockets(), "sized", &spec).unwrap();
    let source = |path: &str, more: Value| {
        let mut source = json!({"repoURL": url, "path": path, "targetRevision": "HEAD"});
        source.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        source
    };
    stand.api.apply(&application("app", &source("kust", json!({})))).await.unwrap();
    let boss = stand.account("boss", "g, boss, role:admin").await;
    let rights = "p, dev, repositories, get, *, allow\np, dev, applications, get, default/*, allow\np, dev, applications, create, default/new, allow\ng, boss, role:admin";
    let dev = stand.account("dev", rights).await;
    let prod = json!({"helm": {"valueFiles": ["values-prod.yaml"]}});
    let chart = json!({"type": "Helm", "helm": {
        "valueFiles": ["values-prod.yaml", "values.yaml"], "values": "image: {tag: v1, ports: [80]}\n",
        "parameters": [{"name": "image.ports[0]", "value": "80"}, {"name": "image.tag", "value": "v2"}],
    }});
    let kust = json!({"type": "Kustomize", "kustomize": {"images": ["web:1"]}});
    let plain = json!({"type": "Directory"});
    let sized =
        json!({"type": "Plugin", "plugin": {"parametersAnnouncement": [{"name": "size", "string": "7"}]}});
    let named = json!({"plugin": {"name": "sized-v1.0"}});
    let denied = "permission denied";
    let rows: [Row<'_>; 10] = [
        ("a chart", "boss", "new", source("chart", prod), Ok(&chart)),
        ("a kustomization", "dev", "new", source("kust", json!({})), Ok(&kust)),
        ("plain files", "dev", "new", source("app", json!({})), Ok(&plain)),
        ("a plugin", "dev", "new", source("plugged", named), Ok(&sized)),
        ("one that is there", "dev", "app", source("kust", json!({})), Ok(&kust)),
        ("another source of it", "dev", "app", source("chart", json!({})), Err(denied)),
        ("one that may not be made", "dev", "other", source("kust", json!({})), Err(denied)),
        ("nowhere", "dev", "new", source("none", json!({})), Err("none: app path does not exist")),
        ("no rights", "nobody", "new", source("kust", json!({})), Err(denied)),
        (
            "an unknown repository",
            "dev",
            "new",
            json!({"repoURL": "https://git.invalid/x", "path": "."}),
            Err("git.invalid"),
        ),
    ];
    let nobody = stand.account("nobody", rights).await;
    if plugin.is_some() {
        let answer = stand.get("/api/v1/settings/plugins", &nobody).await.text().await.unwrap();
        assert_eq!(answer, r#"{"plugins":[{"name":"sized-v1.0"}]}"#);
    }
    for (name, who, app, source, expected) in rows {
        if name == "a plugin" && plugin.is_none() {
            continue;
        }
        let token = [("boss", &boss), ("dev", &dev), ("nobody", &nobody)];
        let token = token.iter().find(|(known, _)| *known == who).unwrap().1;
        let repository = source["repoURL"].as_str().unwrap().replace(':', "%3A").replace('/', "%2F");
        let place = format!("/api/v1/repositories/{repository}/appdetails");
        let body = json!({"source": source, "appName": app, "appProject": "default"});
        let answer = stand.post(&place, token, &body).await;
        let status = answer.status();
        let said: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        match expected {
            Ok(expected) => assert_eq!((status.as_u16(), &said), (200, expected), "{name}"),
            Err(words) => {
                let message = said["message"].as_str().unwrap_or_default();
                assert!(!status.is_success() && message.contains(words), "{name}: {status} {said}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_and_settings_say_what_they_are() {
    let stand = Stand::begin().await.unwrap();
    let registry = OciRegistry::start(WebTls::Off, RegistryLogin::Open).unwrap();
    registry.put_manifest("shop", "1.0.0", annotated(&registry).to_string().as_bytes());
    let url = format!("oci://{}/shop", registry.host());
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "art", "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "repository"}},
        "stringData": {"type": "oci", "url": url, "insecureOCIForceHttp": "true"},
    });
    stand.api.apply(&secret).await.unwrap();
    stand
        .api
        .apply(&application("art", &json!({"repoURL": url, "path": ".", "targetRevision": "1.0.0"})))
        .await
        .unwrap();
    stand
        .api
        .apply(&application("git", &json!({"repoURL": stand.git.url(&stand.repository), "path": "app"})))
        .await
        .unwrap();
    let links = json!({
        "project.links": "- {title: Wiki, url: 'https://wiki.example/{{.project.metadata.name}}'}",
        "resource.customizations.health.a.io_K": "return {}",
    });
    stand.set(&links).await;
    let rights = "p, dev, applications, get, default/*, allow\np, dev, projects, get, default, allow";
    let token = stand.account("dev", rights).await;
    let rows = [
        (
            "/api/v1/applications/art/revisions/1.0.0/ocimetadata",
            "",
            Ok(json!({"authors": "me", "createdAt": "2026-01-02T03:04:05Z", "sourceUrl": "https://e.org/s"})),
        ),
        ("/api/v1/applications/git/revisions/1.0.0/ocimetadata", "", Err(400)),
        ("/api/v1/applications/art/revisions/7.0.0/ocimetadata", "", Err(400)),
        (
            "/api/v1/projects/default/links",
            "",
            Ok(json!({"items": [{"title": "Wiki", "url": "https://wiki.example/default"}]})),
        ),
        ("/api/v1/projects/other/links", "", Err(403)),
        ("/api/v1/settings", "/resourceOverrides/a.io~1K/health.lua", Ok(json!("return {}"))),
    ];
    for (path, pointer, expected) in rows {
        let (code, said) = json_at(&stand, path, &token).await;
        match expected {
            Ok(expected) => {
                assert_eq!((code, said.pointer(pointer)), (200, Some(&expected)), "{path}: {said}")
            }
            Err(expected) => assert_eq!(code, expected, "{path}: {said}"),
        }
    }
    let (_, strangers) = json_at(&stand, "/api/v1/settings", "").await;
    assert_eq!(strangers.get("resourceOverrides"), None);
}

/// The manifest of an artifact with annotations.
fn annotated(registry: &OciRegistry) -> Value {
    let layer = registry.put_blob("shop", b"x");
    json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": layer, "size": 1},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer, "size": 1}],
        "annotations": {
            "org.opencontainers.image.authors": "me", "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
            "org.opencontainers.image.source": "https://e.org/s", "other": "x",
        },
    })
}

async fn json_at(stand: &Stand, path: &str, token: &str) -> (u16, Value) {
    let answer = stand.get(path, token).await;
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}
