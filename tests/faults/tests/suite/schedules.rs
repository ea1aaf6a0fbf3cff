//! Random faults on every line while the story runs; once they end, so does the story, as if there had been none (reliability
//! F2–F4: P1–P6).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use faults::story::{self, Pace};
use faults::{Weather, long, number, of_the_day, say};

use crate::{Ground, Undisturbed, all_on, undisturbed, wrong_with};

/// Seeds of the quick suite, and of the long one.
const SEEDS: [u64; 2] = [100, 2000];
/// Seeds that have found something.
const FIXED: [u64; 3] = [15, 28, 944];
/// Runs at the same time: time is simulated, so that a run waits for git alone.
const AT_ONCE: usize = 4;
/// How long each step of the story waits under faults before git and clients go on.
const HASTE: Duration = Duration::from_secs(3);

async fn one(ground: Ground, seed: u64, twin: Arc<Undisturbed>) -> Result<Vec<String>> {
    let lies = seed % 3 == 2;
    // What breaks no watch is not found by chance, either.
    let percent = if seed.is_multiple_of(2) {
        20
    } else if lies {
        0
    } else {
        5
    };
    let weather = Weather::new(seed, percent);
    let rig = ground.rig(if lies { weather.that_lies() } else { weather }).await?;
    // The start is not the story: a process that cannot read its settings exits, and is started again.
    let mut tries = 0;
    while let Err(error) = rig.start("1", rig.line("1").await?, false).await {
        tries += 1;
        assert!(tries < 100, "seed {seed}: never started: {error:#}");
    }
    story::play(&rig, Pace::Hasty(HASTE)).await?;
    rig.weather.clear_up();
    story::end(&rig).await?;
    let wrong = wrong_with(&rig, &twin, false).await?;
    rig.leave().await?;
    Ok(wrong)
}

/// So many seeds, others each day; in the long suite from 1 on.
pub(crate) fn seeds(quick: u64, whole: u64) -> Vec<u64> {
    let from = if long() { number("CAPSTAN_SEED_FROM").unwrap_or(1) } else { of_the_day() };
    let count = if long() { whole } else { quick };
    (from..=number("CAPSTAN_SEED_TO").unwrap_or(from + count - 1)).collect()
}

/// A run for each seed.
pub(crate) async fn weather(
    ground: &Ground,
    twin: &Arc<Undisturbed>,
    seeds: Vec<u64>,
    at_once: usize,
) -> Vec<String> {
    let run = |seed| (format!("seed {seed}"), one(ground.clone(), seed, Arc::clone(twin)));
    let wrong = all_on(ground, seeds.iter().copied().map(run), at_once).await;
    say(&format!("{} seeds, {} violations", seeds.len(), wrong.len()));
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_faults_delayed_is_done_when_they_end() {
    let twin = undisturbed(&Ground::Simulated).await.unwrap();
    let mut seeds = seeds(SEEDS[0], SEEDS[1]);
    if !long() {
        seeds.extend(FIXED);
    }
    let wrong = weather(&Ground::Simulated, &twin, seeds, AT_ONCE).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
