//! A controller that is killed at any of its writes is followed by one that ends the same way (reliability F1: P6, P8, P15).

use std::collections::BTreeMap;

use anyhow::Result;
use faults::story::{self, OURS, Pace};
use faults::{Kill, Moment, Rig, Weather, draw, long, snapshot};
use futures::StreamExt as _;
use serde_json::Value;

/// Points of the quick suite.
const POINTS: u64 = 25;
/// Runs at the same time: most of a run is waiting.
const AT_ONCE: usize = 6;

type State = BTreeMap<String, Value>;

/// The story with a controller that dies at each of `kills` in turn. The answer is what is wrong, and how many of them died.
async fn killed(kills: &[Kill], fresh: bool, expected: &State) -> Result<(Vec<String>, usize)> {
    let rig = Rig::new(Weather::fair()).await?;
    let first = rig.line("1").killed_at(kills.first().copied());
    rig.start("1", first.clone(), false).await?;
    let deaths = std::cell::Cell::new(0);
    let successors = async {
        let mut line = first;
        for n in 1.. {
            line.died().await;
            deaths.set(n);
            let who = (n + 1).to_string();
            line = rig.line(&who).killed_at(kills.get(n).copied());
            rig.start(&who, line.clone(), fresh).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let story = async {
        story::play(&rig, Pace::Patient).await?;
        story::end(&rig).await
    };
    tokio::select! {
        told = story => told?,
        failed = successors => failed?,
    }
    let mut wrong = rig.judgement(&OURS);
    wrong.extend(snapshot::differences(expected, &snapshot::take(&rig, true).await?));
    Ok((wrong, deaths.get()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_controller_is_followed_by_one_that_ends_the_same_way() {
    let twin = crate::undisturbed().await.unwrap();
    let (expected, writes) = (&twin.state, twin.writes);
    let points: Vec<(Vec<Kill>, bool)> = if long() {
        let moments = [Moment::Before, Moment::After];
        (1..=writes)
            .flat_map(|write| moments.map(|moment| (vec![Kill { write, moment }], write % 2 == 0)))
            .collect()
    } else {
        let seed = faults::number("CAPSTAN_SEED_FROM").unwrap_or(1);
        (0..POINTS)
            .map(|n| {
                let (from, to) = (n * writes / POINTS, (n + 1) * writes / POINTS);
                let write = 1 + from + draw(seed, n) % (to - from).max(1);
                let moment = if draw(seed, n) & 1024 == 0 { Moment::Before } else { Moment::After };
                let mut kills = vec![Kill { write, moment }];
                if n % 3 == 0 {
                    // The recovery is killed too.
                    kills.push(Kill { write: 1 + n % 4, moment });
                }
                (kills, n % 2 == 0)
            })
            .collect()
    };
    let runs =
        points.iter().map(|(kills, fresh)| async move { (kills, killed(kills, *fresh, expected).await) });
    let results: Vec<_> = futures::stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    let mut wrong = Vec::new();
    let mut died = 0;
    for (kills, result) in results {
        let (what, deaths) = result.unwrap();
        died += deaths;
        wrong.extend(what.into_iter().map(|what| format!("{kills:?}: {what}")));
    }
    println!("{} points of {writes} writes, {died} deaths", points.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(died >= points.len() * 4 / 5, "{died} deaths only");
}
