//! A leader that sleeps past its lease is no leader when it wakes (reliability F7: P7, P19).

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use faults::story::{self, config};
use faults::{Gate, Line, Record, Rig, Stop, Weather, long, number};
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

/// The sleeper stops; the other takes over, and the sleeper wakes in the middle of that.
async fn hand_over(ground: Ground, stop: Stop, twin: Arc<Undisturbed>) -> Result<Vec<String>> {
    let rig = Arc::new(ground.rig(Weather::fair()).await?);
    let gate = Arc::new(Gate::default());
    gate.close();
    let line = rig.line("sleeper").await?.stopped_at(&stop, &gate);
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
    if let Stop::AtLook(path) = &stop {
        wrong.extend(written_awake(&rig.log.records(), path));
    }
    rig.leave().await?;
    Ok(wrong)
}

/// What the sleeper wrote to an object after it had slept at its look: it knew that its lease had run out.
fn written_awake(log: &[Record], path: &str) -> Vec<String> {
    let awake = log.iter().skip_while(|record| !matches!(record, Record::Slept(_)));
    let wrote = |record: &Record| match record {
        Record::Request(entry) if entry.write && entry.who == "sleeper" && entry.path == path => {
            Some(format!("{} {path} by the look before it slept", entry.method))
        }
        _ => None,
    };
    awake.filter_map(wrote).collect()
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
    stops(ground, twin, writes.iter().map(|write| Stop::AtWrite(*write))).await
}

async fn stops(ground: &Ground, twin: &Arc<Undisturbed>, stops: impl Iterator<Item = Stop>) -> Vec<String> {
    let run = |stop: Stop| (format!("{stop:?}"), hand_over(ground.clone(), stop, Arc::clone(twin)));
    all(stops.map(run), AT_ONCE).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_slept_changes_nothing() {
    let (from, to) = (number("CAPSTAN_POINT_FROM").unwrap_or(1), number("CAPSTAN_POINT_TO").unwrap_or(100));
    let points: Vec<u64> = if long() { (from..=to).collect() } else { vec![2, 9, 18] };
    let looks = [story::GONE, story::SMOKE, story::A].map(|path| Stop::AtLook(path.replace('~', "")));
    let all = points.into_iter().map(Stop::AtWrite).chain(looks);
    let twin = undisturbed(&Ground::Kubesim).await.unwrap();
    let wrong = stops(&Ground::Kubesim, &twin, all).await;
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
