//! Promises under faults, on kubesim and on the real API server. `CAPSTAN_LONG=1` runs every kill point and many seeds;
//! `CAPSTAN_SEED_FROM`..`CAPSTAN_SEED_TO` and `CAPSTAN_POINT_FROM`..`CAPSTAN_POINT_TO` say which.

mod clocks;
mod control_plane;
mod disk;
mod etcd;
mod git;
mod kill_points;
mod leaders;
mod poison;
mod real;
mod rivals;
mod schedules;
mod stale;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use e2e::Cluster;
use faults::story::{self, OURS};
use faults::{Line, Rig, Weather, say, snapshot};
use futures::StreamExt as _;
use serde_json::Value;
use testkit::eventually;

/// Where runs take place.
#[derive(Clone)]
pub(crate) enum Ground {
    /// Each on a kubesim of its own.
    Kubesim,
    /// As that, in simulated time: where all wait, time passes at once.
    Simulated,
    /// Side by side on one real API server; the number of the next one.
    Real(Arc<Cluster>, Arc<AtomicU64>),
}

impl Ground {
    /// The real API server, `None` where it cannot be had.
    pub(crate) async fn real() -> Result<Option<Self>> {
        Ok(faults::real().await?.map(|cluster| Self::Real(cluster, Arc::default())))
    }

    pub(crate) async fn rig(&self, weather: Weather) -> Result<Rig> {
        match self {
            Self::Kubesim | Self::Simulated => Rig::new(weather).await,
            Self::Real(cluster, next) => {
                Rig::on(cluster, next.fetch_add(1, Ordering::Relaxed), weather).await
            }
        }
    }
}

/// Runs this on a thread and a runtime of its own, in simulated time. Who works for it elsewhere holds time up (a blocking task does).
async fn simulated<T: Send + 'static>(run: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let run = || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
        runtime.block_on(run)
    };
    tokio::task::spawn_blocking(run).await?
}

/// The story without a fault.
pub(crate) struct Undisturbed {
    /// Its end.
    pub(crate) state: BTreeMap<String, Value>,
    /// Its end without the lists of past syncs.
    pub(crate) without_history: BTreeMap<String, Value>,
    /// The writes that it took.
    pub(crate) writes: u64,
}

pub(crate) async fn undisturbed(ground: &Ground) -> Result<Arc<Undisturbed>> {
    let run = undisturbed_on(ground.clone());
    if matches!(ground, Ground::Simulated) { simulated(run).await } else { run.await }
}

async fn undisturbed_on(ground: Ground) -> Result<Arc<Undisturbed>> {
    let rig = ground.rig(Weather::fair()).await?;
    let line = rig.line("1").await?;
    rig.start("1", line.clone(), false).await?;
    story::tell(&rig).await?;
    assert_eq!(rig.judgement(&OURS), Vec::<String>::new());
    let (state, without_history) = (snapshot::take(&rig, true).await?, snapshot::take(&rig, false).await?);
    rig.leave().await?;
    Ok(Arc::new(Undisturbed { state, without_history, writes: line.writes() }))
}

/// Waits until the controller at the end of this line has made so many writes.
pub(crate) async fn written(rig: &Rig, line: &Line, writes: u64) {
    eventually("so much is done", rig.patience(), || async { Ok::<_, ()>(line.writes() >= writes) }).await;
}

/// The story while `trouble` goes on, which ends by failing alone. The answer is what is wrong.
pub(crate) async fn told_in(
    rig: &Rig,
    twin: &Undisturbed,
    history: bool,
    trouble: impl Future<Output = Result<()>>,
) -> Result<Vec<String>> {
    tokio::select! {
        told = Box::pin(story::tell(rig)) => told?,
        failed = trouble => failed?,
    }
    wrong_with(rig, twin, history).await
}

/// What is wrong with a run that is over: promises that were broken, and an end other than the undisturbed one's, with or without the lists
/// of past syncs.
pub(crate) async fn wrong_with(rig: &Rig, twin: &Undisturbed, history: bool) -> Result<Vec<String>> {
    let expected = if history { &twin.state } else { &twin.without_history };
    let mut wrong = rig.judgement(&OURS);
    wrong.extend(snapshot::differences(expected, &snapshot::take(rig, history).await?));
    Ok(wrong)
}

/// Runs all of these, so many at a time. The answer is what is wrong with each, a panic included.
pub(crate) async fn all<F>(runs: impl Iterator<Item = (String, F)>, at_once: usize) -> Vec<String>
where
    F: Future<Output = Result<Vec<String>>> + Send + 'static,
{
    all_on(&Ground::Kubesim, runs, at_once).await
}

/// As [`all`], in this ground's time.
pub(crate) async fn all_on<F>(
    ground: &Ground,
    runs: impl Iterator<Item = (String, F)>,
    at_once: usize,
) -> Vec<String>
where
    F: Future<Output = Result<Vec<String>>> + Send + 'static,
{
    let runs = runs.map(|(name, run)| async move {
        let run = match ground {
            Ground::Simulated => tokio::spawn(simulated(run)),
            Ground::Kubesim | Ground::Real(..) => tokio::spawn(run),
        };
        let wrong = match run.await {
            Ok(Ok(wrong)) => wrong,
            Ok(Err(error)) => vec![format!("{error:#}")],
            Err(ended) => vec![ended.to_string()],
        };
        say(&format!("{name}: {} wrong", wrong.len()));
        wrong.into_iter().map(move |what| format!("{name}: {what}")).collect::<Vec<_>>()
    });
    futures::stream::iter(runs).buffer_unordered(at_once).concat().await
}
