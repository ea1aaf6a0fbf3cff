//! Clocks that are wrong, or step, cost nothing but their time stamps (reliability F11: P6, P8).

use std::sync::Arc;

use anyhow::Result;
use faults::story::{self, OURS, Pace};
use faults::{Kill, Moment, Weather, snapshot};
use jiff::SignedDuration;

use crate::{Ground, Undisturbed, all, undisturbed};

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
        testkit::eventually("half of it is done", rig.patience(), || async {
            Ok::<_, ()>(line.writes() > twin.writes / 3)
        })
        .await;
        rig.set_clock(third);
        std::future::pending::<Result<()>>().await
    };
    let story = async {
        story::play(&rig, Pace::Patient).await?;
        story::end(&rig).await
    };
    tokio::select! {
        told = story => told?,
        failed = successor => failed?,
    }
    let mut wrong = rig.judgement(&OURS);
    wrong.extend(snapshot::differences(&twin.without_history, &snapshot::take(&rig, false).await?));
    Ok(wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_stops_nothing() {
    let twin = undisturbed(&Ground::Kubesim).await.unwrap();
    let run = |(name, clocks): &(&str, [i64; 3])| {
        ((*name).to_owned(), with(Ground::Kubesim, *clocks, Arc::clone(&twin)))
    };
    let wrong = all(ROWS.iter().map(run), ROWS.len()).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
