//! Commands that write and end.

use api::names::API_VERSION;
use serde_json::{Value, json};

use super::Bench;
use crate::context::Style;

#[tokio::test]
async fn create_says_what_it_did() {
    let bench = Bench::new().await;
    let line = "create web --repo https://h/r --path p --dest-server https://kubernetes.default.svc --dest-namespace d \
                --sync-policy automated --auto-prune --self-heal --sync-option CreateNamespace=true -l team=a";
    for (line, code, out) in [
        (line.to_owned(), 0, "application 'web' created\n"),
        (line.to_owned(), 0, "application 'web' unchanged\n"),
        (line.replace("--path p", "--path q"), 8, ""),
        (line.replace("--path p", "--path q") + " --upsert", 0, "application 'web' updated\n"),
        ("create bad --repo https://h/r --path p".to_owned(), 2, ""),
        ("create bad --repo https://h/r --path p --dest-name in-cluster --self-heal".to_owned(), 2, ""),
    ] {
        let done = bench.run(&line).await;
        assert_eq!((done.code, done.out.as_str()), (code, out), "{line}: {}", done.err);
    }
    let app = bench.read("web").await;
    let policy =
        json!({"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"]});
    assert_eq!((&app["spec"]["syncPolicy"], &app["spec"]["source"]["path"]), (&policy, &json!("q")));
    assert_eq!(
        (&app["spec"]["project"], &app["metadata"]["labels"]["team"]),
        (&json!("default"), &json!("a"))
    );
}

#[tokio::test]
async fn create_reads_files_and_set_changes_one_thing() {
    let bench = Bench::new().await;
    let yaml = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  custom: kept\n  source: {repoURL: r, path: p}\n  destination: {name: in-cluster}\n";
    let done = bench.run_as("create -f - --revision v1", Style::Argocd, yaml).await;
    assert_eq!((done.code, done.out.as_str()), (0, "application 'a' created\n"), "{}", done.err);
    let done = bench.run_as("create -f -", Style::Native, &yaml.replace("Application", "Pod")).await;
    assert!(
        done.code == 2 && done.err.contains("-:2: an Application was expected and Pod was found"),
        "{done:?}"
    );
    let done = bench.run("set a --revision v2 -p x=y").await;
    assert_eq!(done.code, 0, "{}", done.err);
    let spec = bench.read("a").await["spec"].clone();
    let source = json!({"repoURL": "r", "path": "p", "targetRevision": "v2", "helm": {"parameters": [{"name": "x", "value": "y"}]}});
    assert_eq!((&spec["source"], &spec["custom"]), (&source, &json!("kept")));
}

#[tokio::test]
async fn delete_asks_and_says_how() {
    let bench = Bench::new().await;
    for name in ["a", "b", "c", "d"] {
        bench.app(name, |_| {}).await;
    }
    let done = bench.run("delete a").await;
    assert!(done.code == 2 && done.err.contains("--yes"), "nobody to ask: {done:?}");
    let done = bench.run_as("delete a", Style::Argocd, "n\n").await;
    assert!(done.code == 0 && !bench.read("a").await.is_null(), "{done:?}");
    let done = bench.run_as("delete a", Style::Argocd, "").await;
    assert!(done.code == 20 && !bench.read("a").await.is_null(), "silence is no answer: {done:?}");
    let done = bench.run_as("delete a --cascade=false", Style::Argocd, "y\n").await;
    assert_eq!(
        (done.out.as_str(), bench.read("a").await),
        ("application 'a' deleted\n", Value::Null),
        "{}",
        done.err
    );
    // With a cascade it stays until the controller has taken its finalizer away.
    let done = bench.run("delete b -y").await;
    let left = bench.read("b").await;
    assert_eq!(
        (done.code, &left["metadata"]["finalizers"]),
        (0, &json!(["resources-finalizer.argocd.argoproj.io"]))
    );
    assert!(left["metadata"]["deletionTimestamp"].is_string());
    let done = bench.run("delete c -y --wait --timeout 50ms --propagation-policy background").await;
    assert!(done.code == 6, "{done:?}");
    assert_eq!(
        bench.read("c").await["metadata"]["finalizers"][0],
        "resources-finalizer.argocd.argoproj.io/background"
    );
    let controller = async {
        while !bench.read("d").await["metadata"]["deletionTimestamp"].is_string() {
            tokio::task::yield_now().await;
        }
        bench.patch("d", &json!({"metadata": {"finalizers": null}})).await;
    };
    let (done, ()) = tokio::join!(bench.run("delete d -y --wait"), controller);
    assert_eq!((done.code, done.out.as_str()), (0, "application 'd' deleted\n"), "{}", done.err);
}

#[tokio::test]
async fn automation_refuses_another_revision_and_holds_a_rollback() {
    let bench = Bench::new().await;
    bench.app("web", |app| app["spec"]["syncPolicy"] = json!({"automated": {}})).await;
    for (line, style, code, reason) in [
        ("sync web --revision v9", Style::Argocd, 20, "Cannot sync to v9: auto-sync currently set to main"),
        ("sync web --revision v9", Style::Native, 4, "Cannot sync to v9: auto-sync currently set to main"),
    ] {
        let done = bench.run_as(line, style, "").await;
        assert!(done.code == code && done.err.contains(reason), "{done:?}");
        assert!(bench.read("web").await["operation"].is_null(), "{line}");
    }
    let done = bench.run("rollback web --revision 0 --async --hold 2h").await;
    assert!(done.code == 0 && done.err.contains("capstan app release web"), "{done:?}");
    let hold = bench.read("web").await["metadata"]["annotations"].clone();
    assert_eq!(hold["capstan/hold-reason"], "rolled back to 0");
    assert!(api::parse_time(hold["capstan/hold-until"].as_str().unwrap()).is_ok(), "{hold}");
    assert_eq!(bench.run("release web").await.code, 0);
    assert_eq!(bench.run("release web").await.code, 8, "it is not held");
    assert_eq!(bench.run("hold web --for 0 --reason freeze").await.code, 0);
    let hold = bench.read("web").await["metadata"]["annotations"].clone();
    assert_eq!(
        (&hold["capstan/hold-until"], &hold["capstan/hold-reason"]),
        (&json!("released"), &json!("freeze"))
    );
    let sync = bench.read("web").await["operation"]["sync"].clone();
    assert_eq!(
        (&sync["syncStrategy"], &sync["source"]["path"]),
        (&json!({"apply": {}}), &json!("guestbook"))
    );
    assert!(sync["revision"].as_str().unwrap().starts_with("aaaaaaa"), "{sync}");
}

#[tokio::test]
async fn terminate_needs_an_operation() {
    let bench = Bench::new().await;
    bench.app("web", |_| {}).await;
    let done = bench.run("terminate-op web").await;
    assert!(done.code == 8 && done.err.contains("No operation is in progress"), "{done:?}");
    bench
        .patch("web", &json!({"status": {"operationState": {"phase": "Running", "finishedAt": null}}}))
        .await;
    assert_eq!(bench.run("terminate-op web").await.out, "Application 'web' operation terminating\n");
    assert_eq!(bench.read("web").await["status"]["operationState"]["phase"], "Terminating");
}

#[tokio::test]
async fn a_sync_window_refuses_a_sync() {
    let bench = Bench::new().await;
    bench.app("web", |_| {}).await;
    let window = |kind: &str, manual: bool| json!({"kind": kind, "schedule": "* * * * *", "duration": "1h", "applications": ["w*"], "manualSync": manual});
    let project = |name: &str, windows: Value| {
        let metadata = json!({"name": name, "namespace": "argocd", "labels": {"team": name}});
        json!({"apiVersion": API_VERSION, "kind": "AppProject", "metadata": metadata, "spec": {"syncWindows": windows}})
    };
    let projects = format!("/apis/{API_VERSION}/namespaces/argocd/appprojects");
    bench.post(&projects, &project("default", json!([window("allow", false)]))).await;
    bench.post(&projects, &project("house", json!([window("deny", false)]))).await;
    assert!(bench.run("get web").await.out.contains("SyncWindow:         Sync Allowed"));
    let globals = "- labelSelector: {matchLabels: {team: default}}\n  projectName: house\n";
    let metadata = json!({"name": "argocd-cm", "namespace": "argocd"});
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"globalProjects": globals}});
    bench.post("/api/v1/namespaces/argocd/configmaps", &settings).await;
    let shown = bench.run("get web").await.out;
    assert!(
        shown.contains(
            "SyncWindow:         Sync Denied\nAssigned Windows:   allow:* * * * *:1h,deny:* * * * *:1h\n"
        ),
        "{shown}"
    );
    let done = bench.run("sync web --async").await;
    assert!(done.code == 4 && done.err.contains("cannot sync: blocked by sync window"), "{done:?}");
    assert!(bench.read("web").await["operation"].is_null());
}
