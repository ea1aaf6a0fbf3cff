//! The same on the real API server, whose audit log is a second witness: a controller killed at its writes (F1), faults on its lines
//! (F2–F4), a leader that slept (F7). Side by side on one server.

use faults::long;

use crate::kill_points::kill;
use crate::leaders::hand_overs;
use crate::schedules::{seeds, weather};
use crate::{Ground, undisturbed};

/// Kill points of the quick suite.
const POINTS: u64 = 6;
/// Seeds of the quick suite, and of the long one.
const SEEDS: [u64; 2] = [2, 50];
/// Writes at which a leader falls asleep, in the quick suite and the long one.
const SLEEPS: [&[u64]; 2] = [&[9], &[2, 5, 9, 18, 30, 40]];
/// Runs of each sort at the same time.
const AT_ONCE: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promises_hold_on_the_real_api_server() {
    let Some(ground) = Ground::real().await.unwrap() else { return };
    let twin = undisturbed(&ground).await.unwrap();
    let wrong = tokio::join!(
        kill(&ground, &twin, (!long()).then_some(POINTS), AT_ONCE),
        weather(&ground, &twin, seeds(SEEDS[0], SEEDS[1]), AT_ONCE),
        hand_overs(&ground, &twin, SLEEPS[usize::from(long())]),
    );
    let wrong = [wrong.0, wrong.1, wrong.2].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
