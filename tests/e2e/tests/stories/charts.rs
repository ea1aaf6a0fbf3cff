//! Helm charts: from git, from a repository, from a registry, with values from everywhere.

use e2e::{World, conditions};
use serde_json::{Value, json};
use testkit::{ChartRepository, OciRegistry, RegistryLogin, WebTls, chart_archive};

use crate::manifests::{config, config_map, text};

const CHART: &str = "{apiVersion: v2, name: web, version: 1.2.0, appVersion: '3'}\n";
const VALUES: &str = "color: chart\nsize: chart\nteam: chart\n";
/// One ConfigMap that shows what the chart was given.
const TEMPLATE: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-web
  namespace: {{ .Release.Namespace }}
data:
  color: {{ .Values.color | quote }}
  size: {{ .Values.size | quote }}
  team: {{ .Values.team | quote }}
  version: {{ .Chart.Version | quote }}
"#;

fn packed(version: &str, color: &str) -> Vec<u8> {
    let chart = CHART.replace("1.2.0", version);
    let values = VALUES.replace("color: chart", &format!("color: {color}"));
    chart_archive(&[
        ("web/Chart.yaml", &chart),
        ("web/values.yaml", &values),
        ("web/templates/config.yaml", TEMPLATE),
    ])
}

pub(crate) fn with_source(mut app: Value, change: &[(&str, Value)]) -> Value {
    for (field, value) in change {
        app["spec"]["source"][*field] = value.clone();
    }
    app
}

async fn until_data(world: &World, namespace: &str, name: &str, expected: &[(&str, &str)]) {
    let what = format!("has {expected:?}");
    let has = |live: Option<&Value>| {
        live.is_some_and(|live| expected.iter().all(|(key, value)| live["data"][*key] == *value))
    };
    world.until(&config_map(namespace, name), &what, has).await;
}

pub(crate) async fn a_chart_in_git_has_values_for_each_environment(world: &mut World) {
    world
        .push(&[
            ("charts/web/Chart.yaml", CHART),
            ("charts/web/values.yaml", VALUES),
            ("charts/web/values-prod.yaml", "size: prod\nteam: prod\n"),
            ("charts/web/templates/config.yaml", TEMPLATE),
            ("teams/prod-a.yaml", "team: a\n"),
        ])
        .unwrap();
    let helm = json!({
        "valueFiles": ["values-prod.yaml", "/teams/prod-*.yaml", "absent.yaml"], "ignoreMissingValueFiles": true,
        "parameters": [{"name": "color", "value": "$ARGOCD_APP_NAME,blue"}],
    });
    let app = with_source(world.application("prod", "charts/web", "charts"), &[("helm", helm)]);
    world.api.apply(&app).await.unwrap();
    let app = world.until_good("prod").await;
    assert_eq!(app["status"]["sourceType"], "Helm");
    assert_eq!(conditions(&app), [""; 0]);
    until_data(world, "charts", "prod-web", &[("color", "prod,blue"), ("size", "prod"), ("team", "a")]).await;
    let renders = world.controller.metrics().renders();
    let commit = world.push(&[("teams/prod-b.yaml", "team: b\n"), ("teams/dev.yaml", "team: x\n")]).unwrap();
    world.until_good_at("prod", &commit).await;
    until_data(world, "charts", "prod-web", &[("team", "b")]).await;
    assert_eq!(world.controller.metrics().renders(), renders + 1);
}

pub(crate) async fn a_chart_of_a_repository_takes_its_values_from_git(world: &mut World) {
    let charts = ChartRepository::start(WebTls::Off, None).unwrap();
    let publish = |versions: &[(&str, &str)]| {
        let urls: Vec<String> = versions.iter().map(|(version, _)| format!("web-{version}.tgz")).collect();
        for ((version, color), url) in versions.iter().zip(&urls) {
            charts.put(&format!("/{url}"), packed(version, color));
        }
        let rows: Vec<_> = versions
            .iter()
            .zip(&urls)
            .map(|((version, _), url)| ("web", *version, url.as_str(), ""))
            .collect();
        charts.index(&rows);
    };
    publish(&[("1.2.0", "first"), ("2.0.0", "other")]);
    allow_http(world, "charts", "helm", &charts.url()).await;
    world.push(&[("values/web.yaml", "team: git\n")]).unwrap();
    let mut app = world.application("shop", "", "shop");
    let git = app["spec"]["source"]["repoURL"].clone();
    app["spec"]["source"].take();
    app["spec"]["sources"] = json!([
        {"repoURL": charts.url(), "chart": "web", "targetRevision": "1.x",
         "helm": {"releaseName": "front", "valueFiles": ["$values/values/web.yaml"], "valuesObject": {"size": "own"}}},
        {"repoURL": git, "targetRevision": "main", "ref": "values"},
    ]);
    app["spec"].as_object_mut().unwrap().remove("source");
    world.api.apply(&app).await.unwrap();
    let app = world.until_good("shop").await;
    assert_eq!(app["status"]["sync"]["revisions"][0], "1.2.0");
    until_data(world, "shop", "front-web", &[("color", "first"), ("size", "own"), ("team", "git")]).await;
    // A value file that changes is a change of the application; another file is none.
    let revision = app["status"]["sync"]["revisions"][1].clone();
    world.push(&[("values/other.yaml", "team: x\n")]).unwrap();
    world.push(&[("values/web.yaml", "team: new\n")]).unwrap();
    until_data(world, "shop", "front-web", &[("team", "new")]).await;
    let app = world.until_good("shop").await;
    assert_ne!(app["status"]["sync"]["revisions"][1], revision);
    // A version in the range that comes later is taken when the repository is asked again.
    publish(&[("1.2.0", "first"), ("1.3.0", "second"), ("2.0.0", "other")]);
    world.refresh("shop").await.unwrap();
    until_data(world, "shop", "front-web", &[("color", "second"), ("version", "1.3.0")]).await;
    // What is gone keeps what runs, and says so.
    charts.reply("/index.yaml", testkit::WebReply::new(500, "down"));
    world.refresh("shop").await.unwrap();
    let app =
        world.until_app("shop", "says that its repository is down", |app| !conditions(app).is_empty()).await;
    assert!(conditions(&app)[0].contains("500"), "{:?}", conditions(&app));
    until_data(world, "shop", "front-web", &[("color", "second")]).await;
}

pub(crate) async fn a_chart_of_a_registry_is_had_in_both_forms(world: &mut World) {
    let registry = OciRegistry::start(WebTls::Off, RegistryLogin::Open).unwrap();
    registry.push_chart("team/web", "1.2.0", &packed("1.2.0", "registry"));
    let host = registry.host();
    for (name, url, chart, kind) in [
        (
            "by-name",
            format!("{host}/team"),
            "web",
            json!({"type": "helm", "enableOCI": "true", "insecureOCIForceHttp": "true"}),
        ),
        (
            "by-address",
            format!("oci://{host}/team/web"),
            "",
            json!({"type": "oci", "insecureOCIForceHttp": "true"}),
        ),
    ] {
        secret(world, name, &url, kind).await;
        let mut change =
            vec![("repoURL", json!(url)), ("targetRevision", json!("1.2.0")), ("path", json!("."))];
        if !chart.is_empty() {
            change.extend([("chart", json!(chart)), ("path", json!(""))]);
        }
        world.api.apply(&with_source(world.application(name, "", name), &change)).await.unwrap();
        world.until_good(name).await;
        until_data(world, name, &format!("{name}-web"), &[("color", "registry")]).await;
    }
    // An artifact may hold any tree of files.
    let files = chart_archive(&[("plain/c.yaml", &config("c", "artifact"))]);
    let digest = registry.push("team/files", "v1", "application/vnd.oci.image.layer.v1.tar+gzip", &files);
    let url = format!("oci://{host}/team/files");
    secret(world, "files", &url, json!({"type": "oci", "insecureOCIForceHttp": "true"})).await;
    let change = [("repoURL", json!(url)), ("targetRevision", json!("v1")), ("path", json!("plain"))];
    world.api.apply(&with_source(world.application("files", "", "files"), &change)).await.unwrap();
    let app = world.until_good("files").await;
    assert_eq!(app["status"]["sync"]["revision"], digest);
    until_data(world, "files", "c", &[("key", "artifact")]).await;
}

pub(crate) async fn what_a_chart_depends_on_is_fetched(world: &mut World) {
    let charts = ChartRepository::start(WebTls::Off, None).unwrap();
    charts.put("/web-1.2.0.tgz", packed("1.2.0", "fetched"));
    charts.index(&[("web", "1.2.0", "web-1.2.0.tgz", "")]);
    allow_http(world, "dependencies", "helm", &charts.url()).await;
    let chart = |url: &str| {
        text(&json!({
            "apiVersion": "v2", "name": "umbrella", "version": "0.1.0",
            "dependencies": [{"name": "web", "version": "~1.2", "repository": url}],
        }))
    };
    world
        .push(&[
            ("umbrella/Chart.yaml", &chart(&charts.url())),
            ("umbrella/values.yaml", "web: {team: umbrella}\n"),
            ("broken/Chart.yaml", &chart("http://127.0.0.1:9/nowhere")),
            ("stale/Chart.yaml", &chart(&charts.url())),
            (
                "stale/Chart.lock",
                &text(&json!({
                    "dependencies": [{"name": "web", "version": "1.2.0", "repository": charts.url()}],
                    "digest": "sha256:0", "generated": "2026-01-01T00:00:00Z",
                })),
            ),
        ])
        .unwrap();
    world.api.apply(&world.application("umbrella", "umbrella", "umbrella")).await.unwrap();
    world.until_good("umbrella").await;
    until_data(world, "umbrella", "umbrella-web", &[("color", "fetched"), ("team", "umbrella")]).await;
    world.api.apply(&world.application("broken", "broken", "broken")).await.unwrap();
    let app = world.until_app("broken", "says what it cannot have", |app| !conditions(app).is_empty()).await;
    assert!(conditions(&app)[0].contains("dependency \"web\""), "{:?}", conditions(&app));
    world.api.apply(&world.application("stale", "stale", "stale")).await.unwrap();
    let app = world.until_app("stale", "says that its lock is old", |app| !conditions(app).is_empty()).await;
    let expected = "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml)";
    assert!(conditions(&app)[0].contains(expected), "{:?}", conditions(&app));
}

/// A54, A55: `sourceRepos` holds for what a chart depends on and for whose files it takes values from.
pub(crate) async fn a_project_holds_for_what_a_chart_takes_from_elsewhere(world: &mut World) {
    let charts = ChartRepository::start(WebTls::Off, None).unwrap();
    charts.put("/web-1.2.0.tgz", packed("1.2.0", "forbidden"));
    charts.index(&[("web", "1.2.0", "web-1.2.0.tgz", "")]);
    allow_http(world, "forbidden", "helm", &charts.url()).await;
    let umbrella = json!({
        "apiVersion": "v2", "name": "umbrella", "version": "0.1.0",
        "dependencies": [{"name": "web", "version": "1.2.0", "repository": charts.url()}],
    });
    world
        .push(&[
            ("umbrella/Chart.yaml", &text(&umbrella)),
            ("web/Chart.yaml", CHART),
            ("web/templates/config.yaml", TEMPLATE),
        ])
        .unwrap();
    let git = world.application("x", "web", "x")["spec"]["source"]["repoURL"].clone();
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "team", "namespace": "argocd"},
        "spec": {"sourceRepos": [git], "destinations": [{"server": "*", "namespace": "*"}]},
    });
    world.api.apply(&project).await.unwrap();
    let refused = format!("dependency \"web\": repository {}/ is not permitted in the project", charts.url());
    let mut depends = world.application("depends", "umbrella", "held");
    depends["spec"]["project"] = json!("team");
    let mut borrows = world.application("borrows", "web", "held");
    borrows["spec"]["project"] = json!("team");
    borrows["spec"].as_object_mut().unwrap().remove("source");
    borrows["spec"]["sources"] = json!([
        {"repoURL": git, "targetRevision": "main", "path": "web", "helm": {"valueFiles": ["$other/values.yaml"]}},
        {"repoURL": "https://elsewhere.example.com/config.git", "targetRevision": "main", "ref": "other"},
    ]);
    let rows = [
        (depends, "depends", refused.as_str()),
        (borrows, "borrows", "https://elsewhere.example.com/config.git is not permitted in project"),
    ];
    for (app, name, expected) in rows {
        world.api.apply(&app).await.unwrap();
        let app =
            world.until_app(name, "says what is not permitted", |app| !conditions(app).is_empty()).await;
        assert!(conditions(&app)[0].contains(expected), "{:?}", conditions(&app));
    }
    assert!(charts.server().asked().is_empty(), "nobody was asked");
}

pub(crate) async fn an_error_of_a_template_is_told_in_helms_words(world: &mut World) {
    world
        .push(&[
            ("wrong/Chart.yaml", CHART),
            ("wrong/templates/config.yaml", "a: 1\nb: {{ required \"say a color\" .Values.color }}\n"),
        ])
        .unwrap();
    world.api.apply(&world.application("wrong", "wrong", "wrong")).await.unwrap();
    let app = world.until_app("wrong", "says what is wrong", |app| !conditions(app).is_empty()).await;
    let said = conditions(&app);
    let expected = "execution error at (web/templates/config.yaml:2:6): say a color";
    assert!(said[0].contains(expected), "{said:?}");
}

/// Plain http is spoken where a repository's own Secret asks for it.
pub(crate) async fn allow_http(world: &World, name: &str, kind: &str, url: &str) {
    secret(world, name, url, json!({"type": kind})).await;
}

async fn secret(world: &World, name: &str, url: &str, mut fields: Value) {
    fields["url"] = json!(url);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": format!("repo-{name}"), "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "repository"}},
        "stringData": fields,
    });
    world.api.apply(&secret).await.unwrap();
}

mod tests {
    crate::on_kubesim!(
        a_chart_in_git_has_values_for_each_environment,
        a_chart_of_a_repository_takes_its_values_from_git,
        a_chart_of_a_registry_is_had_in_both_forms,
        what_a_chart_depends_on_is_fetched,
        a_project_holds_for_what_a_chart_takes_from_elsewhere,
        an_error_of_a_template_is_told_in_helms_words,
    );
}
