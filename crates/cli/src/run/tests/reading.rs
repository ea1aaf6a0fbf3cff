//! Commands that change nothing.

use std::sync::Arc;

use api::names::API_VERSION;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Bench;
use crate::context::Style;
use crate::view::sample;

#[tokio::test]
async fn list_chooses_and_prints() {
    let bench = Bench::new().await;
    bench.app("api", |app| app["metadata"]["labels"] = json!({"team": "a"})).await;
    bench.app("web", |app| app["spec"]["project"] = json!("shop")).await;
    for (line, expected) in [
        ("list -o name", "argocd/api\nargocd/web\n"),
        ("list -o name -l team=a", "argocd/api\n"),
        ("list -o name -p shop", "argocd/web\n"),
        ("list -o name -c in-cluster --path guestbook -r https://git.example", "argocd/api\nargocd/web\n"),
        ("list -o name -c elsewhere", ""),
        ("list -o name --path other", ""),
    ] {
        let done = bench.run(line).await;
        assert_eq!((done.code, done.out.as_str()), (0, expected), "{line}: {}", done.err);
    }
    let json: Value = serde_json::from_str(&bench.run("list -o json -p shop").await.out).unwrap();
    assert_eq!((&json[0]["kind"], &json[0]["metadata"]["name"]), (&json!("Application"), &json!("web")));
    let wide = bench.run_as("list", Style::Argocd, "").await;
    assert!(
        wide.out.contains("argocd/api  https://kubernetes.default.svc  default    default  OutOfSync"),
        "{}",
        wide.out
    );
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_the_nearest() {
    let bench = Bench::new().await;
    bench.app("guestbook", |_| {}).await;
    for line in [
        "get guestbok",
        "history guestbok",
        "sync guestbok",
        "wait guestbok",
        "delete guestbok -y",
        "diff guestbok",
    ] {
        let done = bench.run(line).await;
        assert_eq!((done.code, done.out.as_str()), (3, ""), "{line}");
        assert!(
            done.err.contains("application \"guestbok\" not found")
                && done.err.contains("did you mean \"guestbook\"?"),
            "{line}: {}",
            done.err
        );
        assert_eq!(bench.run_as(line, Style::Argocd, "").await.code, 20, "{line}");
    }
    let done = bench.run("get ../x").await;
    assert_eq!(done.code, 2, "{}", done.err);
}

#[tokio::test]
async fn without_definitions_the_next_step_is_named() {
    let done = Bench::empty().run("list").await;
    assert!(done.code == 3 && done.err.contains("capstan install"), "{done:?}");
}

#[tokio::test]
async fn get_shows_what_may_be_believed() {
    let bench = Bench::new().await;
    bench.app("guestbook", |_| {}).await;
    let done = bench.run("get guestbook --show-operation").await;
    for text in [
        "! OutOfSync from main (4f2a91c)",
        "x Degraded (web fell over)",
        "ComparisonError",
        "successfully synced",
    ] {
        assert!(done.out.contains(text), "{text}: {}", done.out);
    }
    // The controller dies: nothing is claimed any more (P17).
    let mut late = bench;
    late.context.clock = Arc::new(|| Timestamp::now() + jiff::SignedDuration::from_secs(361));
    for style in [Style::Native, Style::Argocd] {
        for line in ["get guestbook", "get guestbook -o tree", "list"] {
            let done = late.run_as(line, style, "").await;
            assert!(done.err.contains("the controller has not been heard of since"), "{line}: {}", done.err);
            assert!(done.out.contains("Unknown"), "{line}: {}", done.out);
            for claim in ["OutOfSync", "Healthy", "Degraded"] {
                assert!(!done.out.contains(claim), "{line}: {claim} in {}", done.out);
            }
        }
    }
    late.context.clock = Arc::new(|| Timestamp::now() + jiff::SignedDuration::from_secs(300));
    assert!(late.run("get guestbook").await.out.contains("OutOfSync"));
}

#[tokio::test]
async fn history_and_resources_are_tables_and_objects() {
    let bench = Bench::new().await;
    bench.app("web", |_| {}).await;
    assert_eq!(bench.run("history web -o id").await.out, "0\n1\n");
    let history: Value = serde_json::from_str(&bench.run("history web -o json").await.out).unwrap();
    assert_eq!(history[1]["id"], 1);
    assert!(
        bench.run("history web").await.out.contains("1       2026-01-02 03:04:05 +0000 UTC  main (4f2a91c)")
    );
    assert!(bench.run("resources web").await.out.contains("apps   Deployment  default    web   No"));
    assert!(
        bench
            .run("get web -o yaml")
            .await
            .out
            .starts_with("apiVersion: argoproj.io/v1alpha1\nkind: Application\n")
    );
}

#[tokio::test]
async fn applications_of_all_namespaces_are_listed() {
    let bench = Bench::new().await;
    bench.app("web", |_| {}).await;
    for namespace in ["team-a", "other"] {
        let home = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        bench.post("/api/v1/namespaces", &home).await;
        let mut app = sample::guestbook().to_value();
        app["metadata"] = json!({"name": "web", "namespace": namespace});
        bench.post(&format!("/apis/{API_VERSION}/namespaces/{namespace}/applications"), &app).await;
    }
    assert_eq!(bench.run("list -o name").await.out, "argocd/web\n");
    assert_eq!(bench.run("list -o name -N other").await.out, "other/web\n");
    let metadata = json!({"name": "argocd-cmd-params-cm", "namespace": "argocd"});
    let params = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"application.namespaces": "team-*"}});
    bench.post("/api/v1/namespaces/argocd/configmaps", &params).await;
    assert_eq!(bench.run("list -o name").await.out, "argocd/web\nteam-a/web\n");
    assert!(bench.run("get web -N team-a").await.out.contains("team-a/web"));
}
