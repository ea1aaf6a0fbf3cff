//! Kustomizations: overlays and bases, what applications add to them, and what lies in other repositories.

use applications::What;
use e2e::{World, conditions};
use serde_json::{Value, json};
use testkit::{WebReply, WebServer};

use crate::charts::{allow_http, with_source};
use crate::manifests::{config, config_map, deployment, deployment_path};

const BASE: &str = "resources: [d.yaml]\n";
const OVERLAY: &str =
    "resources: [../../base]\nnamePrefix: prod-\nimages:\n- {name: registry.example.com/web, newTag: v2}\n";

/// What a Deployment runs, and how often.
fn runs(live: &Value) -> (i64, &str) {
    let image = &live["spec"]["template"]["spec"]["containers"][0]["image"];
    (live["spec"]["replicas"].as_i64().unwrap_or_default(), image.as_str().unwrap_or_default())
}

async fn until_runs(world: &World, namespace: &str, name: &str, replicas: i64, image: &str) {
    let what = format!("runs {replicas} of {image}");
    let is = |live: Option<&Value>| live.is_some_and(|live| runs(live) == (replicas, image));
    world.until(&deployment_path(namespace, name), &what, is).await;
}

async fn until_key(world: &World, namespace: &str, name: &str, value: &str) {
    let has = |live: Option<&Value>| live.is_some_and(|live| live["data"]["key"] == value);
    world.until(&config_map(namespace, name), &format!("says {value}"), has).await;
}

/// The condition of an application that has one.
async fn until_said(world: &World, name: &str, words: &str) -> String {
    let says = |app: &Value| conditions(app).iter().any(|said| said.contains(words));
    let app = world.until_app(name, &format!("says {words}"), says).await;
    conditions(&app).into_iter().find(|said| said.contains(words)).unwrap()
}

pub(crate) async fn an_overlay_follows_its_base_and_nothing_else(world: &mut World) {
    world
        .push(&[
            ("base/d.yaml", &deployment("web", "web:v1", 0)),
            ("base/kustomization.yaml", BASE),
            ("overlays/prod/kustomization.yaml", OVERLAY),
            ("overlays/dev/kustomization.yaml", "resources: [../../base]\nnamePrefix: dev-\n"),
        ])
        .unwrap();
    for (name, path) in [("prod", "overlays/prod"), ("dev", "overlays/dev")] {
        world.api.apply(&world.application(name, path, "shop")).await.unwrap();
    }
    world.until_good("dev").await;
    let app = world.until_good("prod").await;
    assert_eq!(app["status"]["sourceType"], "Kustomize");
    assert_eq!(app["status"]["summary"]["images"], json!(["registry.example.com/web:v2"]));
    assert_eq!(conditions(&app), [""; 0]);
    until_runs(world, "shop", "prod-web", 2, "registry.example.com/web:v2").await;
    until_runs(world, "shop", "dev-web", 2, "registry.example.com/web:v1").await;

    // A commit to one overlay, and beside both, concerns the one.
    let renders = world.controller.metrics().renders();
    world.push(&[("README.md", "more\n"), ("base/notes.txt", "x\n")]).unwrap();
    let commit = world.push(&[("overlays/prod/kustomization.yaml", &OVERLAY.replace("v2", "v3"))]).unwrap();
    let app = world.until_good_at("prod", &commit).await;
    assert_eq!(app["status"]["summary"]["images"], json!(["registry.example.com/web:v3"]));
    until_runs(world, "shop", "prod-web", 2, "registry.example.com/web:v3").await;
    assert_eq!(world.controller.metrics().renders(), renders + 1);

    // What is not committed yet can be looked at.
    let directory = world.repository.work();
    std::fs::write(directory.join("overlays/prod/kustomization.yaml"), OVERLAY.replace("prod-", "next-"))
        .unwrap();
    let app = api::Application::from_value(world.app("prod").await.unwrap()).unwrap();
    let what = What { local: Some(directory), desired_only: true, ..What::default() };
    let seen = world.controller.evaluate(&app, &what).await.unwrap();
    let names: Vec<&str> = seen.desired.iter().map(|(object, _)| object.name()).collect();
    assert_eq!((names, seen.desired[0].1.as_str()), (vec!["next-web"], "base/d.yaml:1"));

    // One to the base concerns both.
    let commit = world.push(&[("base/d.yaml", &deployment("web", "web:v1", 1))]).unwrap();
    for name in ["prod", "dev"] {
        world.until_good_at(name, &commit).await;
    }
}

pub(crate) async fn an_application_adds_its_own_options(world: &mut World) {
    world
        .push(&[
            ("app/d.yaml", &deployment("web", "web:v1", 0)),
            ("app/kustomization.yaml", "resources: [d.yaml]\nnamePrefix: old-\n"),
            ("app/.argocd-source-eu.yaml", "kustomize: {images: ['registry.example.com/web:written']}\n"),
            ("components/cheap/kustomization.yaml", "kind: Component\ncommonAnnotations: {cost: low}\n"),
        ])
        .unwrap();
    let kustomize = json!({
        "namePrefix": "eu-", "nameSuffix": "-1", "namespace": "eu",
        "images": ["registry.example.com/web:v7"],
        "replicas": [{"name": "web", "count": "3"}],
        "commonLabels": {"team": "$ARGOCD_APP_PROJECT_NAME"}, "labelWithoutSelector": true,
        "commonAnnotations": {"app": "${ARGOCD_APP_NAME}"}, "commonAnnotationsEnvsubst": true,
        "components": ["../components/cheap", "../components/absent"], "ignoreMissingComponents": true,
        "patches": [{
            "target": {"kind": "Deployment"},
            "patch": "- {op: add, path: /spec/template/spec/containers/0/env, value: [{name: REGION, value: eu}]}",
        }],
    });
    let app = with_source(world.application("eu", "app", "eu"), &[("kustomize", kustomize.clone())]);
    world.api.apply(&app).await.unwrap();
    let app = world.until_good("eu").await;
    assert_eq!(conditions(&app), [""; 0]);
    let live = world.api.get(&deployment_path("eu", "eu-web-1")).await.unwrap().unwrap();
    // The file beside the kustomization wins, as in the peer.
    assert_eq!(runs(&live), (3, "registry.example.com/web:written"));
    assert_eq!(live["metadata"]["labels"], json!({"team": "default"}));
    assert_eq!(live["spec"]["selector"]["matchLabels"], json!({"app": "web"}));
    assert_eq!(live["metadata"]["annotations"]["app"], "eu");
    assert_eq!(live["metadata"]["annotations"]["cost"], "low");
    let env = &live["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(*env, json!([{"name": "REGION", "value": "eu"}]));

    // A component that is missing is an error unless it is said that it is none; once it is there it is used.
    let mut strict = kustomize;
    strict["ignoreMissingComponents"] = json!(false);
    let app = with_source(world.application("strict", "app", "eu"), &[("kustomize", strict)]);
    world.api.apply(&app).await.unwrap();
    let said = until_said(world, "strict", "components/absent").await;
    assert!(said.starts_with("ComparisonError"), "{said}");
    world
        .push(&[(
            "components/absent/kustomization.yaml",
            "kind: Component\ncommonAnnotations: {found: 'yes'}\n",
        )])
        .unwrap();
    let has = |live: Option<&Value>| live.is_some_and(|o| o["metadata"]["annotations"]["found"] == "yes");
    world.until(&deployment_path("eu", "eu-web-1"), "has the component", has).await;
}

pub(crate) async fn errors_and_warnings_are_kustomizes(world: &mut World) {
    world
        .push(&[
            ("lacks/kustomization.yaml", "resources: [absent.yaml]\n"),
            ("labelled/c.yaml", &config("c", "x")),
            ("labelled/kustomization.yaml", "resources: [c.yaml]\ncommonLabels: {a: b}\n"),
        ])
        .unwrap();
    world.api.apply(&world.application("lacks", "lacks", "words")).await.unwrap();
    let said = until_said(world, "lacks", "absent.yaml").await;
    assert!(said.contains("accumulating resources"), "{said}");

    // A version that nobody registered, and a field that has another name now.
    let version = json!({"version": "v4.0.1"});
    let app = with_source(world.application("old", "labelled", "words"), &[("kustomize", version)]);
    world.api.apply(&app).await.unwrap();
    let app = world.until_good("old").await;
    let said = conditions(&app);
    for words in ["kustomize version v4.0.1 is not registered", "'commonLabels' is deprecated"] {
        let told = said.iter().any(|said| said.starts_with("LintWarning") && said.contains(words));
        assert!(told, "{words}: {said:?}");
    }
    let path = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
    let data = json!({"data": {"kustomize.path.v4.0.1": "/tools/kustomize-4"}});
    world.api.patch(path, &data).await.unwrap();
    let registered = |app: &Value| {
        !conditions(app).is_empty() && conditions(app).iter().all(|said| !said.contains("v4.0.1"))
    };
    world.until_app("old", "knows the version", registered).await;

    let taken = json!({"commonLabels": {"a": "c"}});
    let app = with_source(world.application("taken", "labelled", "words"), &[("kustomize", taken)]);
    world.api.apply(&app).await.unwrap();
    let said = until_said(world, "taken", "already in kustomization file").await;
    assert!(said.contains("label a"), "{said}");
}

/// A113: nothing that was rendered with other options is served. A39: what would run programs is refused.
pub(crate) async fn build_options_are_in_force_at_once(world: &mut World) {
    world
        .push(&[
            ("shared/c.yaml", &config("c", "outside")),
            ("app/kustomization.yaml", "resources: [../shared/c.yaml]\n"),
            ("plain/p.yaml", &config("p", "x")),
        ])
        .unwrap();
    world.api.apply(&world.application("plain", "plain", "options")).await.unwrap();
    world.until_good("plain").await;
    world.api.apply(&world.application("outside", "app", "options")).await.unwrap();
    let said = until_said(world, "outside", "is not in or below").await;
    assert!(said.starts_with("ComparisonError") && said.contains("security"), "{said}");
    let path = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
    let set = async |options: &str| {
        let data = json!({"data": {"kustomize.buildOptions": options}});
        world.api.patch(path, &data).await.unwrap();
    };
    let renders = world.controller.metrics().renders();
    set("--load-restrictor LoadRestrictionsNone").await;
    world.until_good("outside").await;
    until_key(world, "options", "c", "outside").await;
    assert_eq!(world.controller.metrics().renders(), renders + 1, "what is no kustomization is left alone");
    set("--load-restrictor LoadRestrictionsNone --enable-exec").await;
    let said = until_said(world, "outside", "--enable-exec is refused").await;
    assert!(said.contains("argocd-cm: kustomize.buildOptions"), "{said}");
    set("").await;
    until_said(world, "outside", "is not in or below").await;
    until_key(world, "options", "c", "outside").await;
}

pub(crate) async fn a_base_of_another_repository_is_followed(world: &mut World) {
    let base = world.repository.sibling("base").unwrap();
    let commit = |value: &str| base.commit(&[("apps/c.yaml", &config("c", value))], "change").unwrap();
    base.commit(&[("apps/kustomization.yaml", "resources: [c.yaml]\n")], "begin").unwrap();
    let pinned = commit("first");
    let url = world.git.url(&base);
    allow_http(world, "base", "git", &url).await;
    world
        .push(&[
            ("branch/kustomization.yaml", &format!("resources: ['{url}//apps?ref=main']\nnamePrefix: b-\n")),
            (
                "pinned/kustomization.yaml",
                &format!("resources: ['{url}//apps?ref={pinned}']\nnamePrefix: p-\n"),
            ),
        ])
        .unwrap();
    for name in ["branch", "pinned"] {
        let mut app = world.application(name, name, "bases");
        app["spec"]["syncPolicy"]["automated"]["selfHeal"] = json!(false);
        world.api.apply(&app).await.unwrap();
        let app = world.until_good(name).await;
        assert_eq!(conditions(&app), [""; 0], "{name}");
    }
    until_key(world, "bases", "b-c", "first").await;
    let revision = world.app("branch").await.unwrap()["status"]["sync"]["revision"].clone();

    // The branch moves on, which is no commit of the application's own; what is pinned stays.
    let renders = world.controller.metrics().renders();
    commit("second");
    world.controller.repository_changed(&url);
    until_key(world, "bases", "b-c", "second").await;
    let app = world.until_good("branch").await;
    assert_eq!(app["status"]["sync"]["revision"], revision);
    until_key(world, "bases", "p-c", "first").await;
    assert_eq!(world.controller.metrics().renders(), renders + 1);
    // A commit that touches nothing of it renders nothing.
    base.commit(&[("README.md", "more\n")], "beside").unwrap();
    world.refresh("branch").await.unwrap();
    assert_eq!(world.controller.metrics().renders(), renders + 1);

    // What is pinned is never asked about again.
    world.api.delete(&e2e::app_path("branch")).await.unwrap();
    world.until(&e2e::app_path("branch"), "is gone", |o| o.is_none()).await;
    let asked = world.git.requests();
    world.refresh("pinned").await.unwrap();
    let now = world.git.requests();
    assert_eq!((now.ls_refs - asked.ls_refs, now.fetch - asked.fetch), (1, 0), "its own repository only");

    // A base that cannot be had any more leaves what runs.
    world
        .push(&[("pinned/kustomization.yaml", &format!("resources: ['{url}//apps?ref=nowhere']\n"))])
        .unwrap();
    let said = until_said(world, "pinned", "nowhere").await;
    assert!(said.starts_with("ComparisonError: remote base"), "{said}");
    until_key(world, "bases", "p-c", "first").await;
}

pub(crate) async fn a_base_that_moves_while_nobody_looks_is_synced(world: &mut World) {
    let base = world.repository.sibling("base").unwrap();
    let commit = |value: &str| base.commit(&[("apps/c.yaml", &config("c", value))], "change").unwrap();
    base.commit(&[("apps/kustomization.yaml", "resources: [c.yaml]\n")], "begin").unwrap();
    let first = commit("first");
    let url = world.git.url(&base);
    allow_http(world, "base", "git", &url).await;
    let text = format!("{url}//apps?ref=main&timeout=1m");
    world.push(&[("app/kustomization.yaml", &format!("resources: ['{text}']\n"))]).unwrap();
    let mut app = world.application("follows", "app", "bases");
    app["spec"]["syncPolicy"]["automated"]["selfHeal"] = json!(false);
    world.api.apply(&app).await.unwrap();
    let app = world.until_good("follows").await;
    until_key(world, "bases", "c", "first").await;
    let info = &app["status"]["operationState"]["operation"]["info"];
    assert_eq!(*info, json!([{"name": format!("kustomize base {url}//apps?ref=main"), "value": first}]));

    // The branch moves, and the controller ends before it has asked about it again.
    let second = commit("second");
    world.restart().await.unwrap();
    until_key(world, "bases", "c", "second").await;
    let app = world.until_good("follows").await;
    let info = &app["status"]["operationState"]["operation"]["info"];
    assert_eq!(info[0]["value"], second);

    // A commit beside what is read of it is none that anything is synced for: what was changed by hand stays as it is.
    base.commit(&[("README.md", "more\n")], "beside").unwrap();
    world.api.patch(&config_map("bases", "c"), &json!({"data": {"key": "by hand"}})).await.unwrap();
    world.restart().await.unwrap();
    world.until_app("follows", "is out of sync", |app| app["status"]["sync"]["status"] == "OutOfSync").await;
    world.refresh("follows").await.unwrap();
    until_key(world, "bases", "c", "by hand").await;
}

/// A41.
pub(crate) async fn bases_come_only_from_where_the_project_lets_them(world: &mut World) {
    let other = world.repository.sibling("other").unwrap();
    other
        .commit(&[("kustomization.yaml", "resources: [c.yaml]\n"), ("c.yaml", &config("c", "x"))], "begin")
        .unwrap();
    let url = world.git.url(&other);
    allow_http(world, "other", "git", &url).await;
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "walled", "namespace": "argocd"},
        "spec": {"sourceRepos": [world.git.url(&world.repository)], "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]},
    });
    world.api.apply(&project).await.unwrap();
    let file = other.file_url();
    let rows = [
        ("elsewhere", format!("{url}//?ref=main"), "walled", "is not permitted in project 'walled'"),
        ("by-file", format!("{file}//?ref=main"), "default", "file://"),
        ("by-program", "git::ext::sh -c touch% /tmp/owned".to_owned(), "default", "are never run"),
        (
            "by-address",
            "https://example.com/c.yaml".to_owned(),
            "walled",
            "is not permitted in project 'walled'",
        ),
    ];
    for (name, base, project, words) in rows {
        let path = format!("refused/{name}");
        let file = format!("{path}/kustomization.yaml");
        world.push(&[(&file, &format!("resources: ['{base}']\n"))]).unwrap();
        let mut app = world.application(name, &path, "refused");
        app["spec"]["project"] = json!(project);
        world.api.apply(&app).await.unwrap();
        let said = until_said(world, name, words).await;
        assert!(said.starts_with("ComparisonError"), "{name}: {said}");
    }
    assert_eq!(world.api.get(&config_map("refused", "c")).await.unwrap(), None);

    // What the project permits later is taken, and what it forbids later is given up by name.
    let mut wider = project.clone();
    wider["spec"]["sourceRepos"] = json!([world.git.url(&world.repository), url]);
    world.api.apply(&wider).await.unwrap();
    world.until_good("elsewhere").await;
    world.api.apply(&project).await.unwrap();
    until_said(world, "elsewhere", "is not permitted in project 'walled'").await;
    until_key(world, "refused", "c", "x").await;
}

pub(crate) async fn a_resource_is_had_by_its_address(world: &mut World) {
    let manifest = config("c", "web");
    let web = WebServer::start(testkit::WebTls::Off, move |_| WebReply::ok(manifest.clone())).unwrap();
    let address = format!("{}/c.yaml", web.url());
    world
        .push(&[("app/kustomization.yaml", &format!("resources: ['{address}']\nnamePrefix: a-\n"))])
        .unwrap();
    world.api.apply(&world.application("addressed", "app", "addressed")).await.unwrap();
    world.until_good("addressed").await;
    until_key(world, "addressed", "a-c", "web").await;
}

mod tests {
    crate::on_kubesim!(
        an_overlay_follows_its_base_and_nothing_else,
        an_application_adds_its_own_options,
        errors_and_warnings_are_kustomizes,
        build_options_are_in_force_at_once,
        a_base_of_another_repository_is_followed,
        a_base_that_moves_while_nobody_looks_is_synced,
        bases_come_only_from_where_the_project_lets_them,
        a_resource_is_had_by_its_address,
    );
}
