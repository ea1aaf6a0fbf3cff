//! Commands that wait for the controller.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Bench;
use crate::context::Style;

#[tokio::test]
async fn a_refresh_waits_for_the_controllers_answer() {
    let bench = Bench::new().await;
    bench.app("guestbook", |_| {}).await;
    let controller = async {
        while bench.read("guestbook").await["metadata"]["annotations"]["argocd.argoproj.io/refresh"] != "hard"
        {
            tokio::task::yield_now().await;
        }
        let gone = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": null}}, "status": {"sync": {"status": "Synced"}}});
        bench.patch("guestbook", &gone).await;
    };
    let (done, ()) = tokio::join!(bench.run("get guestbook --hard-refresh"), controller);
    assert!(done.code == 0 && done.out.contains("Synced to main"), "{done:?}");
    let done = bench.run("get guestbook --refresh --timeout 10ms").await;
    assert!(done.code == 6 && done.err.contains("was not refreshed within"), "{done:?}");
}

#[tokio::test]
async fn sync_writes_the_operation_and_follows_it() {
    let bench = Bench::new().await;
    bench
        .app("web", |app| app["spec"]["syncPolicy"] = json!({"syncOptions": ["CreateNamespace=true"]}))
        .await;
    let line = "sync web --prune --revision v1 --resource apps:Deployment:* --replace --retry-limit 2 --info why=test --async";
    assert_eq!(bench.run(line).await.code, 0);
    let app = bench.read("web").await;
    let expected = json!({
        "initiatedBy": {"username": "eve"}, "info": [{"name": "why", "value": "test"}],
        "retry": {"limit": 2, "backoff": {"duration": "5s", "maxDuration": "3m", "factor": 2}},
        "sync": {"revision": "v1", "prune": true, "syncStrategy": {"hook": {}}, "syncOptions": ["CreateNamespace=true", "Replace=true"],
            "resources": [{"group": "apps", "kind": "Deployment", "name": "web", "namespace": "default"}]}
    });
    assert_eq!((&app["operation"], &app["status"]["operationState"]), (&expected, &Value::Null));
    let done = bench.run("sync web").await;
    assert!(done.code == 8 && done.err.contains("another operation is already in progress"), "{done:?}");

    for (phase, left, native, peer) in [
        ("Succeeded", "Synced", 0, 0),
        ("Failed", "Synced", 7, 1),
        ("Error", "Synced", 7, 1),
        ("Succeeded", "PruneSkipped", 1, 1),
    ] {
        for (style, code) in [(Style::Native, native), (Style::Argocd, peer)] {
            bench.patch("web", &json!({"operation": null})).await;
            let (done, ()) =
                tokio::join!(bench.run_as("sync web", style, ""), play_controller(&bench, phase, left));
            assert_eq!(done.code, code, "{phase} {left} {style:?}: {done:?}");
            let lines = if style == Style::Native { &done.err } else { &done.out };
            assert!(
                lines.contains("TIMESTAMP  GROUP        KIND") && done.out.contains("Duration:"),
                "{done:?}"
            );
        }
    }
}

async fn play_controller(bench: &Bench, phase: &str, result: &str) {
    while bench.read("web").await["operation"].is_null() {
        tokio::task::yield_now().await;
    }
    let state = |phase: &str| {
        json!({"phase": phase, "operation": {"sync": {}}, "startedAt": "2026-01-02T03:04:05Z", "message": "as it is",
            "finishedAt": if phase == "Running" { Value::Null } else { json!("2026-01-02T03:04:05Z") },
            "syncResult": {"revision": "x", "resources": [{"group": "apps", "version": "v1", "kind": "Deployment",
                "namespace": "default", "name": "web", "status": result}]}})
    };
    bench.patch("web", &json!({"status": {"operationState": state("Running")}})).await;
    bench.patch("web", &json!({"operation": null, "status": {"operationState": state(phase)}})).await;
}

#[tokio::test]
async fn wait_ends_when_it_is_so_or_cannot_be() {
    let bench = Bench::new().await;
    bench.app("web", |app| app["status"]["health"] = json!({"status": "Progressing"})).await;
    let status = |health: &str| json!({"status": {"sync": {"status": "Synced"}, "health": {"status": health, "message": null}}});
    let turn = async |health: &str| {
        bench.watched().await;
        bench.patch("web", &status(health)).await;
    };
    let (done, ()) = tokio::join!(bench.run("wait web"), turn("Healthy"));
    assert!(done.code == 0 && done.out.contains("+ Healthy"), "{done:?}");
    let done = bench.run("wait web --suspended --timeout 50ms").await;
    assert!(
        done.code == 6 && done.err.contains("timed out (0s) waiting for app \"web\" match desired state"),
        "{done:?}"
    );
    assert!(done.err.contains("it still waits for health Suspended, it is Healthy"), "{done:?}");
    assert_eq!(bench.run_as("wait web --suspended --timeout 50ms", Style::Argocd, "").await.code, 20);

    bench.patch("web", &status("Progressing")).await;
    bench.sim.clear_requests();
    let (done, ()) = tokio::join!(bench.run("wait web --health --timeout 10"), turn("Degraded"));
    assert!(
        done.code == 1 && done.err.contains("health state has transitioned from Progressing to Degraded"),
        "{done:?}"
    );
}

#[tokio::test]
async fn wait_does_not_believe_the_dead() {
    let mut bench = Bench::new().await;
    bench.app("web", |app| app["status"]["sync"]["status"] = json!("Synced")).await;
    assert_eq!(bench.run("wait web --sync").await.code, 0);
    bench.context.clock = Arc::new(|| Timestamp::now() + jiff::SignedDuration::from_secs(361));
    let done = bench.run("wait web --sync --timeout 50ms").await;
    assert!(done.code == 6 && done.err.contains("its word is waited for"), "{done:?}");
}

#[tokio::test]
async fn an_unsteady_server_is_survived_and_a_lost_one_is_named() {
    let bench = Bench::new().await;
    bench.app("web", |_| {}).await;
    let fault = |verb: &str, code: u16| {
        let refuse = kubesim::FaultAction::Refuse { status: code, retry_after: None };
        kubesim::FaultRule::new(refuse).verb(verb).resource("applications")
    };
    // A write that meets another one is made again.
    bench.sim.set_faults(kubesim::Faults::default().rule(fault("patch", 409).times(2)));
    assert_eq!(bench.run("sync web --async").await.code, 0);
    assert!(bench.read("web").await["operation"].is_object());
    for (reason, verb, status, native, peer) in [
        ("somebody is always faster", "patch", 409, 8, 20),
        ("no right", "patch", 403, 4, 20),
        ("no service", "get", 503, 5, 20),
        ("a server's error", "patch", 500, 5, 20),
    ] {
        bench.patch("web", &json!({"operation": null})).await;
        bench.sim.set_faults(kubesim::Faults::default().rule(fault(verb, status)));
        for (style, code) in [(Style::Native, native), (Style::Argocd, peer)] {
            let done = bench.run_as("sync web --async", style, "").await;
            assert_eq!(done.code, code, "{reason} {style:?}: {done:?}");
        }
        bench.sim.set_faults(kubesim::Faults::default());
    }
    // A watch that breaks and a server that is away for a moment do not end a wait.
    let end = |action| kubesim::FaultRule::new(action).verb("watch").resource("applications").times(1);
    for (reason, rule) in [
        ("expired at once", fault("watch", 410).times(1)),
        ("expired later", end(kubesim::FaultAction::ExpireWatchAfter(0))),
        ("ended without a word", end(kubesim::FaultAction::EndWatchAfter(0))),
        ("no connection", end(kubesim::FaultAction::Reset)),
        ("away for a moment", fault("get", 503).skip(1).times(1)),
    ] {
        bench.patch("web", &json!({"operation": null, "status": {"sync": {"status": "OutOfSync"}}})).await;
        bench.sim.clear_requests();
        bench.sim.set_faults(kubesim::Faults::default().rule(rule));
        let turn = async {
            bench.watched().await;
            bench.patch("web", &json!({"status": {"sync": {"status": "Synced"}}})).await;
        };
        let (done, ()) = tokio::join!(bench.run("wait web --sync --timeout 30"), turn);
        assert_eq!(done.code, 0, "{reason}: {done:?}");
    }
}
