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
