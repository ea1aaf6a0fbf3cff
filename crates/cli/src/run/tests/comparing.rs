//! Commands that ask the controller's functions.

use api::names::API_VERSION;
use serde_json::{Value, json};

use super::Bench;
use crate::context::Style;

/// Manifests in a directory of their own, which goes with the value.
struct Checkout(std::path::PathBuf);

impl Checkout {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("capstan-cli-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(root)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_and_manifests_say_what_the_controller_would() {
    let mut bench = Bench::new().await;
    let config = |v: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  v: \"{v}\"\n  same: a\n")
    };
    let secret = |v: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\nstringData:\n  token: {v}\n")
    };
    let checkout = Checkout::new(
        "diff",
        &[
            ("guestbook/web.yaml", &config("2")),
            ("guestbook/keys.yaml", &secret("hush-new")),
            ("guestbook/new.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: new\n"),
            ("data/x", ""),
        ],
    );
    bench.context.data_dir = checkout.0.join("data");
    bench
        .post(
            &format!("/apis/{API_VERSION}/namespaces/argocd/appprojects"),
            &api::AppProject::default_project("argocd").to_value(),
        )
        .await;
    let change = |app: &mut Value| {
        app["status"]["resources"] = json!([]);
        app["spec"]["source"]["repoURL"] = json!("https://git.example/apps.git");
    };
    bench.app("guestbook", change).await;
    for (plural, text, name) in [
        ("configmaps", config("1"), "web"),
        ("secrets", secret("hush-old"), "keys"),
        ("configmaps", config("0"), "old"),
    ] {
        let mut object = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).unwrap();
        let kind = object["kind"].as_str().unwrap().to_owned();
        object["metadata"] = json!({"name": name, "namespace": "default",
            "annotations": {"argocd.argoproj.io/tracking-id": format!("guestbook:/{kind}:default/{name}")}});
        bench.post(&format!("/api/v1/namespaces/default/{plural}"), &object).await;
    }
    let directory = checkout.0.display().to_string();
    let hook = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hooked, annotations: {argocd.argoproj.io/hook: PreSync}}\n";
    std::fs::write(checkout.0.join("guestbook/hook.yaml"), hook).unwrap();
    let done = bench.run(&format!("diff guestbook --local {directory}")).await;
    assert!(done.code == 1 && !done.out.contains("hooked"), "a hook is no difference: {done:?}");
    for text in [
        "\n===== /ConfigMap default/web ======\n",
        "   same: a\n-  v: \"1\"\n+  v: \"2\"\n",
        "\n===== /ConfigMap default/new ======\n",
        "\n===== /ConfigMap default/old ======\n",
        "-  token: +++++++++\n+  token: ++++++++\n",
        "web.yaml",
    ] {
        assert!(done.out.contains(text), "{text}: {}", done.out);
    }
    let peer = bench
        .run_as(&format!("diff guestbook --local {directory}/guestbook --exit-code=false"), Style::Argocd, "")
        .await;
    assert_eq!((peer.code, peer.out.contains("web.yaml")), (0, false), "{peer:?}");
    let git = bench.run(&format!("manifests guestbook --local {directory}")).await;
    assert!(git.code == 0 && git.out.contains("kind: ConfigMap") && git.out.contains("name: new"), "{git:?}");
    assert!(git.out.contains("name: hooked"), "{git:?}");
    let live = bench.run(&format!("manifests guestbook --local {directory} --source live")).await;
    assert!(live.code == 0 && live.out.contains("name: old") && !live.out.contains("name: new"), "{live:?}");
    for done in [done, git, live] {
        for secret in ["hush", "aHVzaC"] {
            assert!(!done.out.contains(secret) && !done.err.contains(secret), "{done:?}");
        }
    }
    std::fs::write(checkout.0.join("guestbook/web.yaml"), "kind: ConfigMap\n\tbroken").unwrap();
    let done = bench.run(&format!("diff guestbook --local {directory}")).await;
    assert!(done.code == 20 && done.err.contains("web.yaml"), "{done:?}");
    let done = bench.run("diff guestbook --local /nonexistent").await;
    assert_eq!(done.code, 2, "{done:?}");
    assert_eq!(bench.run_as("diff guestbook --local /nonexistent", Style::Argocd, "").await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_sync_brings_along_what_is_rendered_here() {
    let mut bench = Bench::new().await;
    let chart = [
        ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("charts/web/values.yaml", "size: small\n"),
        (
            "charts/web/templates/c.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {size: {{ .Values.size }}}\n",
        ),
        ("data/x", ""),
    ];
    let checkout = Checkout::new("local", &chart);
    bench.context.data_dir = checkout.0.join("data");
    let project = api::AppProject::default_project("argocd").to_value();
    bench.post(&format!("/apis/{API_VERSION}/namespaces/argocd/appprojects"), &project).await;
    let by_hand = |app: &mut Value| {
        let helm = json!({"parameters": [{"name": "size", "value": "large"}]});
        app["spec"]["source"] =
            json!({"repoURL": "https://git.example/apps.git", "path": "elsewhere", "helm": helm});
        app["spec"]["syncPolicy"] = json!({});
        app["status"]["operationState"] = json!(null);
    };
    bench.app("web", by_hand).await;
    let automated = |app: &mut Value| {
        by_hand(app);
        app["spec"]["syncPolicy"] = json!({"automated": {}});
    };
    bench.app("auto", automated).await;
    let root = checkout.0.display();
    let local = format!("--local {root}/charts/web --local-repo-root {root} --async");
    let done = bench.run(&format!("sync web {local} --prune")).await;
    assert_eq!(done.code, 0, "{done:?}");
    let sync = bench.read("web").await["operation"]["sync"].clone();
    let manifests = sync["manifests"].as_array().unwrap();
    let object: Value = serde_json::from_str(manifests[0].as_str().unwrap()).unwrap();
    assert_eq!(
        (manifests.len(), &object["data"]["size"]),
        (1, &json!("large")),
        "with the source's own settings"
    );
    assert_eq!((&object["metadata"]["name"], &sync["prune"]), (&json!("web"), &json!(true)));

    let done = bench.run(&format!("sync auto {local}")).await;
    assert!(
        done.code != 0 && done.err.contains("Cannot use local sync when Automatic Sync Policy"),
        "{done:?}"
    );
    let done = bench.run(&format!("sync auto {local} --dry-run")).await;
    assert_eq!(done.code, 0, "{done:?}");
    let outside = format!("diff web --local /tmp --local-repo-root {root}/charts");
    let done = bench.run(&outside).await;
    assert!(done.code == 2 && done.err.contains("does not lie in --local-repo-root"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_tells_what_is_known_though_git_cannot_be_had() {
    let bench = Bench::new().await;
    let project = api::AppProject::default_project("argocd").to_value();
    bench.post(&format!("/apis/{API_VERSION}/namespaces/argocd/appprojects"), &project).await;
    let hook = json!({"group": "batch", "kind": "Job", "namespace": "shop", "name": "migrate\u{1b}"});
    let waits = json!({"type": "Waits", "since": "2026-01-02T03:04:05Z", "waitsFor": {"what": "Hook", "resource": hook, "more": 0}});
    let newer = json!({"type": "Moon", "phase": "full"});
    let unreadable = |app: &mut Value| {
        app["spec"]["source"]["repoURL"] = json!("file:///nowhere.git");
        app["status"]["resources"] = json!([]);
        app["status"]["operationState"]["phase"] = json!("Running");
        app["status"]["capstan"] = json!({"why": {"reasons": [newer, waits]}});
    };
    bench.app("web", unreadable).await;
    let done = bench.run("why web").await;
    let lines: Vec<&str> = done.out.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!((done.code, lines.len()), (0, 3), "{done:?}");
    assert!(
        lines[1].contains(
            "waiting for completion of hook batch/Job/shop/migrate\\x1b since 2026-01-02T03:04:05Z"
        ),
        "{done:?}"
    );
    assert!(lines[2].contains("ComparisonError: ") && lines[2].contains("file://"), "{done:?}");
    let json: Value = serde_json::from_str(&bench.run("why web -o json").await.out).unwrap();
    assert_eq!((&json["application"], &json["reasons"][0]), (&json!("argocd/web"), &waits));
    assert_eq!(json["reasons"][1]["type"], "Error");
    let yaml = bench.run("why web -o yaml").await;
    assert!(yaml.out.starts_with("application: argocd/web\n") && yaml.out.contains("what: Hook"), "{yaml:?}");

    bench
        .app("leaving", |app| {
            app["metadata"]["finalizers"] = json!(["resources-finalizer.argocd.argoproj.io"]);
            app["status"]["conditions"] =
                json!([{"type": "DeletionError", "message": "waiting: a finalizer"}]);
        })
        .await;
    let done = bench.run("delete leaving --yes").await;
    assert_eq!(done.code, 0, "{done:?}");
    let done = bench.run("why leaving").await;
    assert!(done.code == 0 && done.out.contains("DeletionError: waiting: a finalizer"), "{done:?}");
    assert_eq!(bench.run("why nobody").await.code, 3);
}
