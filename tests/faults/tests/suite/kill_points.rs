//! A controller that is killed at any of its writes is followed by one that ends the same way (reliability F1: P6, P8, P15).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use faults::{Kill, Moment, Weather, draw, number, of_the_day, say};

use crate::{Ground, Undisturbed, all_on, told_in, undisturbed};

/// Runs at the same time: time is simulated, so that a run waits for git alone.
const AT_ONCE: usize = 4;

/// Deaths of one run, and whether each successor has to do without what its predecessor had on disk.
#[derive(Clone)]
struct Point {
    kills: Vec<Kill>,
    fresh: bool,
}

/// The story with a controller that dies at each of the point's kills in turn. The answer is what is wrong.
async fn killed(
    ground: Ground,
    point: Point,
    twin: Arc<Undisturbed>,
    deaths: Arc<AtomicUsize>,
) -> Result<Vec<String>> {
    let rig = ground.rig(Weather::fair()).await?;
    let first = rig.line("1").await?.killed_at(point.kills.first().copied());
    rig.start("1", first.clone(), false).await?;
    let successors = async {
        let mut line = first;
        for n in 1.. {
            line.died().await;
            deaths.fetch_add(1, Ordering::Relaxed);
            let who = (n + 1).to_string();
            line = rig.line(&who).await?.killed_at(point.kills.get(n).copied());
            rig.start(&who, line.clone(), point.fresh).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let wrong = told_in(&rig, &twin, true, successors).await?;
    rig.leave().await?;
    Ok(wrong)
}

/// Every point of a run with so many writes, or those from `CAPSTAN_POINT_FROM` to `CAPSTAN_POINT_TO`, counted from 1.
fn every(writes: u64) -> Vec<Point> {
    let (from, to) =
        (number("CAPSTAN_POINT_FROM").unwrap_or(1), number("CAPSTAN_POINT_TO").unwrap_or(u64::MAX));
    let points = (1..=writes).flat_map(|write| {
        [Moment::Before, Moment::After]
            .map(|moment| Point { kills: vec![Kill { write, moment }], fresh: write.is_multiple_of(2) })
    });
    (1..).zip(points).filter(|(n, _)| (from..=to).contains(n)).map(|(_, point)| point).collect()
}

/// So many points, spread over a run with so many writes.
fn sample(writes: u64, points: u64, seed: u64) -> Vec<Point> {
    let one = |n| {
        let (from, to) = (n * writes / points, (n + 1) * writes / points);
        let write = 1 + from + draw(seed, n) % (to - from).max(1);
        let moment = if draw(seed, n) & 1024 == 0 { Moment::Before } else { Moment::After };
        let mut kills = vec![Kill { write, moment }];
        if n % 3 == 0 {
            // The recovery is killed too.
            kills.push(Kill { write: 1 + n % 4, moment });
        }
        Point { kills, fresh: n % 2 == 0 }
    };
    (0..points).map(one).collect()
}

/// Every point, or so many of them.
pub(crate) async fn kill(
    ground: &Ground,
    twin: &Arc<Undisturbed>,
    some: Option<u64>,
    at_once: usize,
) -> Vec<String> {
    let points = match some {
        Some(count) => sample(twin.writes, count, of_the_day()),
        None => every(twin.writes),
    };
    let deaths = Arc::new(AtomicUsize::new(0));
    let run = |point: &Point| {
        (
            format!("{:?}", point.kills),
            killed(ground.clone(), point.clone(), Arc::clone(twin), Arc::clone(&deaths)),
        )
    };
    let mut wrong = all_on(ground, points.iter().map(run), at_once).await;
    let deaths = deaths.load(Ordering::Relaxed);
    let (count, writes) = (points.len(), twin.writes);
    say(&format!("{count} points of {writes} writes, {deaths} deaths, {} violations", wrong.len()));
    // A run may take fewer writes than its twin.
    if deaths < points.len() * 4 / 5 {
        wrong.push(format!("{deaths} deaths only"));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_controller_is_followed_by_one_that_ends_the_same_way() {
    let twin = undisturbed(&Ground::Simulated).await.unwrap();
    let wrong = kill(&Ground::Simulated, &twin, None, AT_ONCE).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
