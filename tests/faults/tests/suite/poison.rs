//! What one application is made of stops no other (reliability P18).

use std::time::{Duration, Instant};

use e2e::{app_path, is_good};
use faults::{Rig, Weather, repository_secret};
use serde_json::{Value, json};
use testkit::{Fault, GitServer, GitServerOptions, Repository, eventually};

/// How long good applications may take beside bad ones.
const NORMAL: Duration = Duration::from_secs(60);

/// An Application of which every field has a type that it must not have.
fn malformed(kind: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
        "spec": {
            "project": kind, "source": kind, "sources": kind, "destination": kind, "syncPolicy": kind, "ignoreDifferences": kind,
            "info": kind, "revisionHistoryLimit": kind,
        },
        "operation": kind,
        "status": {"operationState": kind, "history": kind, "resources": kind, "conditions": kind, "sync": kind, "health": kind},
    })
}

/// Ten levels of ten aliases.
fn bomb() -> String {
    let mut text =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            .to_owned();
    for n in 1..10 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_applications_stop_no_other() {
    let rig = Rig::new(Weather::fair()).await.unwrap();
    let mut files =
        vec![("bomb/bomb.yaml".to_owned(), bomb()), ("deep/deep.yaml".to_owned(), "[".repeat(200_000))];
    let good: Vec<String> = (0..5).map(|n| format!("good-{n}")).collect();
    for name in good.iter().chain([&"large".to_owned(), &"late".to_owned()]) {
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"app": name}});
        files.push((format!("{name}/c.yaml"), config.to_string()));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    rig.repository.commit(&files, "good and bad").unwrap();

    let silent = Repository::new("silent").unwrap();
    silent.commit(&[("hangs/README.md", "never read")], "begin").unwrap();
    let server = GitServer::start(&silent, GitServerOptions::default()).unwrap();
    server.set_fault(Fault::Hang);
    rig.api.apply(&repository_secret("silent", &server.url(&silent))).await.unwrap();

    // A definition without a schema takes any Application, as a cluster's that was made by hand does.
    let crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io";
    let mut definition = rig.api.get(crd).await.unwrap().unwrap();
    definition["spec"]["versions"][0]["schema"] =
        json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    rig.api.send(http::Method::PUT, crd, "application/json", Some(&definition)).await.unwrap();

    let mut apps = Vec::new();
    let kinds = [
        json!("x"),
        json!(7),
        json!([1]),
        json!({"x": {"x": 1}}),
        json!(true),
        json!([["x"]]),
        json!(-1.5e300),
    ];
    for (n, kind) in kinds.iter().enumerate() {
        let mut app = malformed(kind);
        app["metadata"]["name"] = json!(format!("malformed-{n}"));
        apps.push(app);
    }
    for name in ["bomb", "deep"] {
        apps.push(rig.application(name, true));
    }
    let mut large = rig.application("large", true);
    // All that the API server takes for annotations.
    large["metadata"]["annotations"] = json!({"story": "x".repeat((256 << 10) - 64)});
    apps.push(large);
    let mut app = rig.application("hangs", true);
    app["spec"]["source"]["repoURL"] = json!(server.url(&silent));
    apps.push(app);
    for app in &apps {
        rig.api
            .send(
                http::Method::POST,
                "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications",
                "application/json",
                Some(app),
            )
            .await
            .unwrap();
    }
    rig.start("1", rig.line("1").await.unwrap(), false).await.unwrap();
    for name in &good {
        rig.api.apply(&rig.application(name, true)).await.unwrap();
    }
    let start = Instant::now();
    for name in good.iter().map(String::as_str).chain(["large"]) {
        eventually(&format!("{name} is good"), NORMAL, || async {
            let app = rig.api.get(&app_path(name)).await?.unwrap_or_default();
            if is_good(&app) { Ok(true) } else { Err(anyhow::anyhow!("{}", app["status"])) }
        })
        .await;
    }
    println!("good ones took {:?}", start.elapsed());
    // The bad ones say why, each in its own status.
    for name in ["malformed-0", "malformed-3", "malformed-5", "bomb", "deep"] {
        eventually(&format!("{name} says why"), NORMAL, || async {
            let app = rig.api.get(&app_path(name)).await?.unwrap_or_default();
            let told = app["status"]["conditions"]
                .as_array()
                .is_some_and(|c| !c.is_empty() && c[0]["message"].is_string());
            if told { Ok(true) } else { Err(anyhow::anyhow!("{}", app["status"])) }
        })
        .await;
    }
    // And one that comes later is served as well.
    rig.api.apply(&rig.application("late", true)).await.unwrap();
    eventually("late is good", NORMAL, || async {
        let app = rig.api.get(&app_path("late")).await?.unwrap_or_default();
        if is_good(&app) { Ok(true) } else { Err(anyhow::anyhow!("{}", app["status"])) }
    })
    .await;
}
