//! What a watch never told is found, and what a replica that lags behind tells removes nothing (reliability F4: P1, P2, P6).

use std::time::Duration;

use anyhow::Result;
use faults::story::config;
use faults::{Record, Rig, Weather};
use serde_json::{Value, json};
use testkit::eventually;

use crate::Ground;

const A: &str = "/api/v1/namespaces/app/configmaps/a";
const B: &str = "/api/v1/namespaces/app/configmaps/b";
const APPS: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";
const OURS: [&str; 3] = [A, B, "/api/v1/namespaces"];
const TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// An application with two objects that is as git wants it.
async fn begun() -> Result<Rig> {
    let rig = Ground::Simulated.rig(Weather::fair()).await?;
    rig.start("1", rig.line("1").await?, false).await?;
    let files = [("app/a.yaml", config("a", "1", &[])), ("app/b.yaml", config("b", "1", &[]))];
    let commit = rig.commit(&files, &[])?;
    rig.api.apply(&rig.application("app", true)).await?;
    rig.until_good_at("app", &commit).await;
    Ok(rig)
}

/// Waits until a controller has asked for this path so often.
async fn looked(rig: &Rig, who: &str, path: &str, times: usize) {
    let is_it = |record: &Record| matches!(record, Record::Request(entry) if entry.who == who && entry.method == "GET" && entry.path == path);
    eventually("a look", rig.patience(), || async {
        Ok::<_, ()>(rig.log.records().iter().filter(|record| is_it(record)).count() >= times)
    })
    .await;
}

/// The wait within is as long as is promised.
#[tokio::test(start_paused = true)]
async fn a_change_that_no_watch_tells_is_undone() {
    let wanted = |a: &Value| a["data"]["key"] == "1";
    for event in ["MODIFIED", "DELETED"] {
        let rig = begun().await.unwrap();
        rig.weather.never_tells(event, "a");
        if event == "MODIFIED" {
            rig.api.patch(A, &json!({"data": {"key": "mine"}})).await.unwrap();
        } else {
            rig.api.delete(A).await.unwrap();
        }
        rig.until(A, &format!("as git wants it though {event} was withheld"), wanted).await;
        let mut wrong = rig.judgement(&OURS);
        // What somebody deleted is made anew.
        wrong.retain(|what| event != "DELETED" || !what.starts_with("P8: created 2 times"));
        assert_eq!(wrong, [""; 0], "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_no_watch_tells_of_is_served() {
    for event in ["ADDED", "MODIFIED", "DELETED"] {
        let rig = begun().await.unwrap();
        rig.weather.never_tells(event, if event == "ADDED" { "more" } else { "app" });
        match event {
            "ADDED" => {
                let commit = rig.commit(&[("more/c.yaml", config("c", "1", &[]))], &[]).unwrap();
                rig.api.apply(&rig.application("more", true)).await.unwrap();
                rig.until_good_at("more", &commit).await;
            }
            "MODIFIED" => {
                // Somebody asks for a refresh, and gets it.
                let asked = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
                rig.api.patch(&rig.app_path("app"), &asked).await.unwrap();
                let done =
                    |app: &Value| app["metadata"]["annotations"]["argocd.argoproj.io/refresh"].is_null();
                rig.until(&rig.app_path("app"), "refreshed", done).await;
            }
            _ => {
                rig.may_go(&[A, B]);
                rig.api.delete(&rig.app_path("app")).await.unwrap();
                rig.until(&rig.app_path("app"), "gone", Value::is_null).await;
                // Nothing is made for one that is gone.
                rig.commit(&[("app/a.yaml", config("a", "2", &[]))], &[]).unwrap();
                rig.pushed();
                tokio::time::sleep(rig.patience()).await;
                assert_eq!(rig.api.get(A).await.unwrap(), None);
            }
        }
        let more = "/api/v1/namespaces/more/configmaps/c";
        assert_eq!(rig.judgement(&[&OURS[..], &[more]].concat()), [""; 0], "{event}");
    }
}

/// Git has the object no more, and by then it is somebody else's; the watch did not say so.
#[tokio::test(start_paused = true)]
async fn what_became_somebody_elses_unseen_is_not_pruned() {
    for anew in [false, true] {
        let rig = begun().await.unwrap();
        for event in ["MODIFIED", "DELETED", "ADDED"] {
            rig.weather.never_tells(event, "b");
        }
        if anew {
            rig.api.delete(B).await.unwrap();
            let mine = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "app"}});
            rig.api.apply(&mine).await.unwrap();
        } else {
            let mine = json!({"metadata": {"annotations": {TRACKING: null}}});
            rig.api.patch(B, &mine).await.unwrap();
        }
        let commit = rig.commit(&[("app/a.yaml", config("a", "2", &[]))], &["app/b.yaml"]).unwrap();
        rig.pushed();
        rig.until(A, "as git wants it", |a| a["data"]["key"] == "2").await;
        looked(&rig, "1", B, 1).await;
        rig.until_good_at("app", &commit).await;
        assert!(rig.api.get(B).await.unwrap().is_some(), "{anew}");
        assert_eq!(rig.judgement(&OURS), [""; 0], "{anew}");
    }
}

/// A controller starts at a replica that still shows an Application on its way out. It went since, its objects stayed, and another one
/// of its name has them now.
#[tokio::test(start_paused = true)]
async fn the_end_of_an_application_of_old_takes_nothing_from_its_namesake() {
    let rig = begun().await.unwrap();
    let app = rig.app_path("app");
    // Nobody acts on it.
    let idle = rig.line("idle").await.unwrap();
    idle.cut();
    drop(tokio::time::timeout(Duration::from_secs(1), rig.start("idle", idle, false)).await);
    rig.api.delete(&app).await.unwrap();
    let list = rig.api.get(APPS).await.unwrap().unwrap();
    assert!(!list["items"][0]["metadata"]["deletionTimestamp"].is_null());
    rig.api.patch(&app, &json!({"metadata": {"finalizers": null}})).await.unwrap();
    rig.until(&app, "gone", Value::is_null).await;
    rig.api.apply(&rig.application("app", true)).await.unwrap();

    rig.weather.lags_behind(APPS, &list);
    rig.start("2", rig.line("2").await.unwrap(), false).await.unwrap();
    looked(&rig, "2", &app, 1).await;
    tokio::time::sleep(rig.patience()).await;
    assert_eq!(rig.judgement(&OURS), [""; 0]);
    rig.weather.catches_up();
    let commit = rig.commit(&[("app/a.yaml", config("a", "2", &[]))], &[]).unwrap();
    rig.pushed();
    rig.until_good_at("app", &commit).await;
    assert_eq!(rig.judgement(&OURS), [""; 0]);
}
