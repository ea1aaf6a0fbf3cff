//! The wave that an operation ran last, on record in the operation's `info`: the pause before the next one outlives the controller.

use std::time::Duration;

use api::{NameValue, Operation, OperationState};
use jiff::Timestamp;
use sync::Phase;
use sync::pause::{LastWave, WAVE_DELAY};

use crate::deciding::paused;
use crate::shared::Shared;

/// Name of the entry; its value is the phase, the number of the wave, and when its steps were done.
const RECORD: &str = "last wave";

/// Puts on record that a wave was run.
pub(crate) fn note(state: &mut OperationState, phase: Phase, number: i32, now: Timestamp) {
    forget(&mut state.operation);
    let value = format!("{} {number} {now}", phase.as_str());
    state.operation.info.push(NameValue { name: RECORD.to_owned(), value, ..NameValue::default() });
}

/// Takes the record out: nothing comes after it.
pub(crate) fn forget(operation: &mut Operation) {
    operation.info.retain(|info| info.name != RECORD);
}

/// The wave that was run last, if one was. A record of the future, of a clock that was put back, is an old one.
pub(crate) fn last(state: &OperationState, now: Timestamp) -> Option<LastWave> {
    let info = state.operation.info.iter().find(|info| info.name == RECORD)?;
    let mut words = info.value.split(' ');
    let phase = words.next()?;
    let phase = [Phase::PreSync, Phase::Sync, Phase::PostSync, Phase::SyncFail]
        .into_iter()
        .find(|known| known.as_str() == phase)?;
    let number = words.next()?.parse().ok()?;
    let at: Timestamp = words.next()?.parse().ok()?;
    let age = paused(at, now);
    Some(LastWave { phase, number, age })
}

/// The pause between waves: by the settings, else by how the process was started, else the peer's.
pub(crate) fn delay(shared: &Shared) -> Duration {
    let set = shared.settings.current().params.wave_delay;
    set.or(shared.options.wave_delay).unwrap_or(WAVE_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_wave_is_read_back() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut state = OperationState::default();
        assert_eq!(last(&state, at("2026-01-01T00:00:00Z")), None);
        note(&mut state, Phase::PreSync, 3, at("2026-01-01T00:00:00Z"));
        note(&mut state, Phase::Sync, -1, at("2026-01-01T00:00:01.25Z"));
        assert_eq!(state.operation.info.len(), 1);
        for (now, age) in
            [("2026-01-01T00:00:02Z", Duration::from_millis(750)), ("2025-12-31T00:00:00Z", Duration::MAX)]
        {
            let expected = LastWave { phase: Phase::Sync, number: -1, age };
            assert_eq!(last(&state, at(now)), Some(expected), "{now}");
        }
        forget(&mut state.operation);
        assert_eq!(state, OperationState::default());
    }
}
