//! The memory of the cluster itself (F5): etcd goes and comes back, forgets its past, takes no writes for a while, and is put back to what
//! was saved of it earlier.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use faults::story::{self, Pace};
use faults::{Weather, long};

use crate::{Ground, Undisturbed, told_in, written, wrong_with};

/// How long etcd is away.
const AWAY: Duration = Duration::from_secs(10);
/// How long etcd is full: long enough to see that nothing can be written.
const FULL: Duration = Duration::from_secs(5);
/// As long, in the long suite: the lease is lost meanwhile.
const FULL_LONG: Duration = Duration::from_secs(60);

/// Each in the middle of the story: etcd forgets its past under watches that go on; it goes and comes back; the API server does, and the
/// past from which its clients would go on watching is forgotten; etcd is full, so that objects can be deleted and nothing else.
pub(crate) async fn fails(ground: Ground, twin: Arc<Undisturbed>) -> Result<Vec<String>> {
    let rig = ground.rig(Weather::fair()).await?;
    let real = rig.cluster.real.as_ref().context("no real cluster")?;
    let line = rig.line("1").await?;
    rig.start("1", line.clone(), false).await?;
    let failing = async {
        written(&rig, &line, twin.writes / 5).await;
        real.compact_etcd().await?;
        real.stop_etcd();
        tokio::time::sleep(AWAY).await;
        real.start_etcd().await?;
        written(&rig, &line, twin.writes * 2 / 5).await;
        real.set_etcd_full(true).await?;
        tokio::time::sleep(if long() { FULL_LONG } else { FULL }).await;
        real.set_etcd_full(false).await?;
        written(&rig, &line, twin.writes * 2 / 3).await;
        real.stop_api_server();
        real.compact_etcd().await?;
        real.start_api_server().await?;
        std::future::pending::<Result<()>>().await
    };
    told_in(&rig, &twin, false, failing).await
}

/// Whether the server's versions look as if time had gone on when etcd is put back, first to the middle of a sync, then to before it.
const AHEAD: [[bool; 2]; 3] = [[true, false], [false, false], [true, true]];

/// The rows of the quick suite, or all, one after the other.
pub(crate) async fn is_put_back(ground: Ground, twin: Arc<Undisturbed>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for ahead in &AHEAD[..if long() { AHEAD.len() } else { 1 }] {
        wrong.extend(is_put_back_so(&ground, &twin, *ahead).await?);
    }
    Ok(wrong)
}

/// etcd is put back, with the controller alive and its memory ahead of the cluster. What a person did since is done again by that person.
async fn is_put_back_so(ground: &Ground, twin: &Undisturbed, ahead: [bool; 2]) -> Result<Vec<String>> {
    let rig = ground.rig(Weather::fair()).await?;
    let real = rig.cluster.real.as_ref().context("no real cluster")?;
    let line = rig.line("1").await?;
    rig.start("1", line.clone(), false).await?;
    story::first(&rig, Pace::Patient).await?;
    let before = real.save_etcd()?;
    let begun = line.writes();
    let half = async {
        written(&rig, &line, begun + twin.writes / 10).await;
        real.save_etcd()
    };
    let (told, middle) = tokio::join!(Box::pin(story::second(&rig, Pace::Patient)), half);
    told?;
    let commit = rig.repository.head()?;
    for (saved, ahead) in [middle?, before].iter().zip(ahead) {
        rig.cluster.run_nodes(false);
        real.stop_api_server();
        rig.went_back();
        real.restore_etcd(saved, ahead).await?;
        rig.cluster.run_nodes(true);
        Box::pin(story::second_is_done(&rig, &commit, Pace::Patient)).await?;
    }
    story::last(&rig).await?;
    story::end(&rig).await?;
    let wrong = wrong_with(&rig, twin, false).await;
    rig.leave().await?;
    wrong
}
