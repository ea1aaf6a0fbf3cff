//! A leader that sleeps past its lease is no leader when it wakes (reliability F7: P7, P19).

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use faults::story::{self, config};
use faults::{Gate, Line, Record, Rig, Weather, long};
use kubesim::{FaultAction, FaultRule, Faults};
use testkit::eventually;

use crate::{Ground, Undisturbed, all, undisturbed, wrong_with};

/// Runs at the same time: most of a run is waiting.
const AT_ONCE: usize = 20;
const A_WHILE: Duration = Duration::from_secs(60);
/// How long a lease lasts, and a little.
const LEASE: Duration = Duration::from_millis(30_500);

/// A controller on a thread of its own, which stops as a whole where its line says so.
fn alone(rig: &Arc<Rig>, line: Line) -> std::thread::JoinHandle<Result<()>> {
    let rig = Arc::clone(rig);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let data = tempfile::tempdir()?;
        runtime.block_on(async {
            let (controller, task) = rig.run(line.clone(), data.path(), "sleeper").await?;
            rig.adopt(controller);
            line.died().await;
            task.abort();
            Ok(())
        })
    })
}

/// The sleeper stops at its `write`-th write; the other takes over, and the sleeper wakes in the middle of that.
async fn hand_over(ground: Ground, write: u64, twin: Arc<Undisturbed>) -> Result<Vec<String>> {
    let rig = Arc::new(ground.rig(Weather::fair()).await?);
    let gate = Arc::new(Gate::default());
    gate.close();
    let line = rig.line("sleeper").await?.stopped_at(write, &gate);
    let sleeper = alone(&rig, line.clone());
    let watcher = async {
        eventually("the sleeper sleeps", A_WHILE, || async { Ok::<_, ()>(gate.has_stopped()) }).await;
        // The other waits until the lease has run out.
        rig.join("2", rig.line("2").await?).await?;
        eventually("the other writes", A_WHILE, || async { Ok::<_, ()>(first_write(&rig, "2").is_some()) })
            .await;
        gate.open();
        Ok::<_, anyhow::Error>(())
    };
    let (told, watched) = tokio::join!(story::tell(&rig), watcher);
    told?;
    watched?;
    line.cut();
    sleeper.join().ok().context("the sleeper's thread ended badly")??;

    let mut wrong = wrong_with(&rig, &twin, false).await?;
    let leader = rig.leader().await?;
    if leader != "2" {
        wrong.push(format!("the lease is {leader}'s"));
    }
    rig.leave().await?;
    Ok(wrong)
}

/// The place in the log of the first write of a controller.
fn first_write(rig: &Rig, who: &str) -> Option<usize> {
    rig.log
        .records()
        .iter()
        .position(|record| matches!(record, Record::Request(entry) if entry.who == who && entry.write))
}

/// A hand-over at each of these writes.
pub(crate) async fn hand_overs(ground: &Ground, twin: &Arc<Undisturbed>, writes: &[u64]) -> Vec<String> {
    let run = |write: &u64| (format!("at {write}"), hand_over(ground.clone(), *write, Arc::clone(twin)));
    all(writes.iter().map(run), AT_ONCE).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_slept_changes_nothing() {
    let points: Vec<u64> = if long() { (1..=100).collect() } else { vec![2, 9, 18] };
    let twin = undisturbed(&Ground::Kubesim).await.unwrap();
    let wrong = hand_overs(&Ground::Kubesim, &twin, &points).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A renewal hangs until the lease has run out, and then renews it all the same: what was put off meanwhile is done.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_comes_late_loses_no_work() {
    let rig = Ground::Kubesim.rig(Weather::fair()).await.unwrap();
    let sim = rig.cluster.sim.clone().unwrap();
    let commit = rig.commit(&[("late/a.yaml", config("a", "1", &[]))], &[]).unwrap();
    rig.start("1", rig.line("1").await.unwrap(), false).await.unwrap();
    rig.api.apply(&rig.application("late", true)).await.unwrap();
    rig.until_good_at("late", &commit).await;
    let renewed = async || rig.renewed().await.unwrap();
    let first = renewed().await;
    eventually("the lease is renewed", A_WHILE, || async { Ok::<_, ()>(renewed().await != first) }).await;
    let (last, since) = (renewed().await, tokio::time::Instant::now());
    // The next renewal comes 10 s later and takes 25 s; the lease lasts for 30 s.
    let late = FaultAction::Delay(Duration::from_secs(25));
    sim.set_faults(Faults::default().rule(FaultRule::new(late).resource("leases").verb("patch")));
    eventually("the lease has run out", A_WHILE, || async { Ok::<_, ()>(since.elapsed() > LEASE) }).await;
    rig.api
        .patch("/api/v1/namespaces/late/configmaps/a", &serde_json::json!({"data": {"key": "2"}}))
        .await
        .unwrap();
    eventually("the lease is renewed late", A_WHILE, || async { Ok::<_, ()>(renewed().await != last) }).await;
    sim.set_faults(Faults::default());
    rig.until("/api/v1/namespaces/late/configmaps/a", "healed", |o| o["data"]["key"] == "1").await;
}
