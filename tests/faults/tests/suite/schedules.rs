//! Random faults on every line while the story runs; once they end, so does the story, as if there had been none (reliability
//! F2–F4: P1–P6).

use std::time::Duration;

use anyhow::Result;
use faults::story::{self, OURS, Pace};
use faults::{Rig, Weather, long, number, snapshot};
use futures::StreamExt as _;

/// Seeds of the quick suite, and of the long one.
const SEEDS: [u64; 2] = [6, 200];
/// Runs at the same time.
const AT_ONCE: usize = 6;
/// How long each step of the story waits under faults before git and clients go on.
const HASTE: Duration = Duration::from_secs(3);

async fn one(seed: u64) -> Result<(u64, Vec<String>)> {
    let percent = if seed.is_multiple_of(2) { 20 } else { 5 };
    let rig = Rig::new(Weather::new(seed, percent)).await?;
    // The start is not the story: a process that cannot read its settings exits, and is started again.
    let mut tries = 0;
    while let Err(error) = rig.start("1", rig.line("1"), false).await {
        tries += 1;
        assert!(tries < 100, "seed {seed}: never started: {error:#}");
    }
    story::play(&rig, Pace::Hasty(HASTE)).await?;
    rig.weather.clear_up();
    story::end(&rig).await?;
    let mut wrong = rig.judgement(&OURS);
    let state = snapshot::take(&rig, false).await?;
    let expected = &crate::undisturbed().await?.without_history;
    wrong.extend(snapshot::differences(expected, &state));
    Ok((seed, wrong))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_faults_delayed_is_done_when_they_end() {
    let from = number("CAPSTAN_SEED_FROM").unwrap_or(1);
    let to = number("CAPSTAN_SEED_TO").unwrap_or(from + SEEDS[usize::from(long())] - 1);
    let mut runs = futures::stream::iter((from..=to).map(one)).buffer_unordered(AT_ONCE);
    let mut wrong = Vec::new();
    while let Some(result) = runs.next().await {
        let (seed, what) = result.unwrap();
        println!("seed {seed}: {} wrong", what.len());
        wrong.extend(what.into_iter().map(|what| format!("seed {seed}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
