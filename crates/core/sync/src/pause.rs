//! The pause between waves.

use std::time::Duration;

use crate::plan::{Phase, Wave};

/// The pause where the settings say nothing, as in the peer.
pub const WAVE_DELAY: Duration = Duration::from_secs(2);

/// The wave that an operation ran last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastWave {
    /// Its phase.
    pub phase: Phase,
    /// Its number.
    pub number: i32,
    /// How long ago its steps were carried out.
    pub age: Duration,
}

/// How long `wave` has to wait for the time's sake; `None` where it may run now.
///
/// **Shape**: what is left of the wave that ran last goes on at once; the next one, of this phase or another, waits until `delay` has
/// passed, so that controllers of the cluster have seen what was applied before its health is believed. What is done about a failure
/// does not wait. **Source**: the peer's `delayBetweenSyncWaves`, which sleeps after every wave but the last; here the pause goes on while
/// health is waited for, and a dry run has none.
pub fn pause_before(wave: &Wave, last: Option<LastWave>, delay: Duration) -> Option<Duration> {
    let last = last?;
    let same = last.phase == wave.phase && last.number == wave.number;
    if same || wave.phase == Phase::SyncFail {
        return None;
    }
    delay.checked_sub(last.age).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_wave_waits_and_the_same_does_not() {
        let last = |phase, number, age| Some(LastWave { phase, number, age: Duration::from_millis(age) });
        for (reason, phase, number, last, left) in [
            ("the first", Phase::Sync, 0, None, None),
            ("the next, at once", Phase::Sync, 1, last(Phase::Sync, 0, 0), Some(2_000)),
            ("the next, a little later", Phase::Sync, 1, last(Phase::Sync, 0, 1_500), Some(500)),
            ("the next, in time", Phase::Sync, 1, last(Phase::Sync, 0, 2_000), None),
            ("another phase", Phase::PostSync, 0, last(Phase::Sync, 0, 0), Some(2_000)),
            ("the rest of the same", Phase::Sync, 1, last(Phase::Sync, 1, 0), None),
            ("after a failure", Phase::SyncFail, 0, last(Phase::Sync, 0, 0), None),
        ] {
            let wave = Wave { phase, number, applies: Vec::new(), hooks: Vec::new(), prunes: Vec::new() };
            let found = pause_before(&wave, last, WAVE_DELAY);
            assert_eq!(found, left.map(Duration::from_millis), "{reason}");
        }
        let wave = Wave { phase: Phase::Sync, number: 1, applies: vec![], hooks: vec![], prunes: vec![] };
        assert_eq!(pause_before(&wave, last(Phase::Sync, 0, 0), Duration::ZERO), None, "none is asked for");
    }
}
