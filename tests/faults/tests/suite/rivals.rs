//! Somebody else who writes the same field each second is not fought each second, and whoever takes away what a sync has just made holds
//! it up no longer than its next attempt (reliability F13).

use std::time::Duration;

use anyhow::Result;
use faults::story::{config, object};
use faults::{Record, Rig, Weather, long};
use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Ground;

const A: &str = "/api/v1/namespaces/rival~/configmaps/a";
/// How long the fight is looked at, in real time in the quick suite and else, and how often it may be healed in that time: at once, then
/// after 2, 6, 18 and 54 seconds.
const FIGHTS: [(Duration, usize); 2] = [(Duration::from_secs(24), 3), (Duration::from_secs(78), 4)];

/// The controller's applies of the object so far.
fn heals(rig: &Rig) -> usize {
    let path = rig.at(A);
    let ours =
        |record: &Record| matches!(record, Record::Request(entry) if entry.write && entry.path == path);
    rig.log.records().iter().filter(|record| ours(record)).count()
}

/// The rival changes the field whenever it is as git wants it, and once a second at most.
pub(crate) async fn fight(ground: Ground) -> Result<Vec<String>> {
    let rig = ground.rig(Weather::fair()).await?;
    rig.start("1", rig.line("1").await?, false).await?;
    let commit = rig.commit(&[("rival/a.yaml", config("a", "git", &[]))], &[])?;
    rig.api.apply(&rig.application("rival", true)).await?;
    rig.until_good_at("rival", &commit).await;
    let (before, begin) = (heals(&rig), Instant::now());
    let (time, most) = FIGHTS[usize::from(long() || matches!(ground, Ground::Simulated))];
    let path = format!("{}?fieldManager=rival", rig.at(A));
    let mut second = tokio::time::interval(Duration::from_secs(1));
    while begin.elapsed() < time {
        second.tick().await;
        let change = json!({"data": {"key": format!("rival {}", begin.elapsed().as_secs())}});
        rig.api.send(Method::PATCH, &path, "application/merge-patch+json", Some(&change)).await?;
    }
    let healed = heals(&rig) - before;
    let mut wrong = rig.judgement(&[A, "/api/v1/namespaces"]);
    if healed == 0 || healed > most {
        wrong.push(format!("F13: healed {healed} times in {time:?}"));
    }
    // It is told, not hidden.
    rig.until(&rig.app_path("rival"), "OutOfSync", |app: &Value| {
        app["status"]["sync"]["status"] == "OutOfSync"
    })
    .await;
    rig.leave().await?;
    Ok(wrong)
}

#[tokio::test(start_paused = true)]
async fn a_rival_is_not_fought_each_second() {
    let wrong = fight(Ground::Simulated).await.unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_away_in_mid_sync_is_made_again() {
    let rig = Rig::new(Weather::fair()).await.unwrap();
    rig.cluster.run_nodes(false);
    rig.start("1", rig.line("1").await.unwrap(), false).await.unwrap();
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}});
    let web = json!({"spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template}});
    let files = [
        ("rival/a.yaml", config("a", "git", &[])),
        ("rival/web.yaml", object("apps/v1", "Deployment", "web", &[], web)),
        ("rival/z.yaml", config("z", "git", &[("argocd.argoproj.io/sync-wave", "1")])),
    ];
    let commit = rig.commit(&files, &[]).unwrap();
    rig.api.apply(&rig.application("rival", true)).await.unwrap();
    let waits =
        |app: &Value| app["status"]["operationState"]["message"].to_string().contains("Deployment/rival/web");
    rig.until(&rig.app_path("rival"), "waiting for its first wave", waits).await;
    rig.api.delete(&rig.at(A)).await.unwrap();
    let told = |app: &Value| app["status"]["operationState"].to_string().contains("was applied and is gone");
    rig.until(&rig.app_path("rival"), "told what is gone", told).await;
    rig.until(A, "made again", |a| a["data"]["key"] == "git").await;
    rig.cluster.run_nodes(true);
    rig.until_good_at("rival", &commit).await;
}
