//! Clocks that are wrong, or step, cost nothing but their time stamps (reliability F11: P6, P8).

use std::sync::Arc;

use anyhow::Result;
use faults::story::{config, definition, object};
use faults::{Kill, Moment, Weather};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{Ground, Undisturbed, all_on, told_in, undisturbed, written};

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;

/// By how much the first controller's clock is wrong, its successor's from the middle of the story on, and that one's once it ends.
const ROWS: [(&str, [i64; 3]); 5] = [
    ("an hour fast, then right", [HOUR, 0, 0]),
    ("an hour slow, then right", [-HOUR, 0, 0]),
    ("ten years fast, then right", [10 * YEAR, 0, 0]),
    ("right, then ten years fast", [0, 10 * YEAR, 0]),
    ("steps back while it runs", [0, 600, -600]),
];

async fn with(ground: Ground, clocks: [i64; 3], twin: Arc<Undisturbed>) -> Result<Vec<String>> {
    let rig = ground.rig(Weather::fair()).await?;
    let [first, second, third] = clocks.map(SignedDuration::from_secs);
    rig.set_clock(first);
    let line = rig.line("1").await?.killed_at(Some(Kill { write: twin.writes / 3, moment: Moment::After }));
    rig.start("1", line.clone(), false).await?;
    let successor = async {
        line.died().await;
        rig.set_clock(second);
        let line = rig.line("2").await?;
        rig.start("2", line.clone(), false).await?;
        written(&rig, &line, twin.writes / 3 + 1).await;
        rig.set_clock(third);
        std::future::pending::<Result<()>>().await
    };
    told_in(&rig, &twin, false, successor).await
}

/// A retry, a self-heal and a wave wait for a moment that a clock set which was ten years fast.
#[tokio::test(start_paused = true)]
async fn nothing_waits_for_a_moment_that_a_wrong_clock_set() {
    let rig = Ground::Kubesim.rig(Weather::fair()).await.unwrap();
    let delay = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cmd-params-cm", "namespace": "argocd"},
        "data": {"controller.sync.wave.delay.seconds": "5"},
    });
    rig.api.apply(&delay).await.unwrap();
    rig.set_clock(SignedDuration::from_secs(10 * YEAR));
    rig.start("1", rig.line("1").await.unwrap(), false).await.unwrap();
    let later = [("argocd.argoproj.io/sync-wave", "1")];
    let files = [
        ("healed/a.yaml", config("a", "git", &[])),
        ("waves/a.yaml", config("a", "git", &[])),
        ("waves/b.yaml", config("b", "git", &later)),
        ("retried/s.yaml", object("late.example.com/v1", "Widget", "s", &[], json!({}))),
    ];
    let commit = rig.commit(&files, &[]).unwrap();
    rig.api.apply(&rig.application("healed", true)).await.unwrap();
    rig.until_good_at("healed", &commit).await;
    let healed = "/api/v1/namespaces/healed/configmaps/a";
    let drift = json!({"data": {"key": "by hand"}});
    let is_healed = |o: &Value| o["data"]["key"] == "git";
    rig.api.patch(healed, &drift).await.unwrap();
    rig.until(healed, "healed", is_healed).await;
    rig.until_good_at("healed", &commit).await;
    let mut retried = rig.application("retried", true);
    retried["spec"]["syncPolicy"]["retry"]["backoff"] = json!({"duration": "10s", "maxDuration": "20s"});
    for app in [&retried, &rig.application("waves", true)] {
        rig.api.apply(app).await.unwrap();
    }
    rig.until("/api/v1/namespaces/waves/configmaps/a", "there", |o| !o.is_null()).await;
    let fails =
        |app: &Value| app["status"]["operationState"]["message"].to_string().contains("Retrying attempt #1");
    rig.until(&rig.app_path("retried"), "about to be tried again", fails).await;

    rig.set_clock(SignedDuration::ZERO);
    rig.api.patch(healed, &drift).await.unwrap();
    rig.api.apply(&definition("late.example.com")).await.unwrap();
    rig.until(healed, "healed again", is_healed).await;
    for name in ["healed", "waves", "retried"] {
        rig.until_good_at(name, &commit).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_stops_nothing() {
    let twin = undisturbed(&Ground::Simulated).await.unwrap();
    let run = |(name, clocks): &(&str, [i64; 3])| {
        ((*name).to_owned(), with(Ground::Simulated, *clocks, Arc::clone(&twin)))
    };
    let wrong = all_on(&Ground::Simulated, ROWS.iter().map(run), ROWS.len()).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
