//! What an operation has on record in its `info` while it runs: the wave that it ran last, so that the pause before the next one outlives
//! the controller, and up to which wave results were left out because there are too many of them.

use std::time::Duration;

use api::{NameValue, Operation, OperationState};
use jiff::Timestamp;
use sync::Phase;
use sync::pause::{LastWave, WAVE_DELAY};

use crate::deciding::paused;
use crate::shared::Shared;

/// Name of the entry; its value is the phase, the number of the wave, and when its steps were done.
const RECORD: &str = "last wave";

/// Name of the entry that says what was left out; its value is the phase and the number of a wave, and how many results.
const LEFT_OUT: &str = "results left out";

/// Results that are not on record: those of all steps up to a wave that have none, and they went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) phase: Phase,
    pub(crate) wave: i32,
    pub(crate) count: usize,
}

fn put(operation: &mut Operation, name: &str, value: String) {
    operation.info.retain(|info| info.name != name);
    operation.info.push(NameValue { name: name.to_owned(), value, ..NameValue::default() });
}

/// Puts on record that a wave was run.
pub(crate) fn note(state: &mut OperationState, phase: Phase, number: i32, now: Timestamp) {
    put(&mut state.operation, RECORD, format!("{} {number} {now}", phase.as_str()));
}

/// Puts on record that results are not.
pub(crate) fn note_left_out(state: &mut OperationState, LeftOut { phase, wave, count }: LeftOut) {
    put(&mut state.operation, LEFT_OUT, format!("{} {wave} {count}", phase.as_str()));
}

/// The results that are not on record, if any are not.
pub(crate) fn left_out(state: &OperationState) -> Option<LeftOut> {
    let info = state.operation.info.iter().find(|info| info.name == LEFT_OUT)?;
    let mut words = info.value.split(' ');
    let phase = phase(words.next()?)?;
    Some(LeftOut { phase, wave: words.next()?.parse().ok()?, count: words.next()?.parse().ok()? })
}

/// Takes all of the record out: nothing comes after it.
pub(crate) fn forget(operation: &mut Operation) {
    operation.info.retain(|info| info.name != LEFT_OUT && info.name != RECORD);
}

fn phase(word: &str) -> Option<Phase> {
    let all = [Phase::PreSync, Phase::Sync, Phase::PostSync, Phase::SyncFail];
    all.into_iter().find(|known| known.as_str() == word)
}

/// The wave that was run last, if one was. A record of the future, of a clock that was put back, is an old one.
pub(crate) fn last(state: &OperationState, now: Timestamp) -> Option<LastWave> {
    let info = state.operation.info.iter().find(|info| info.name == RECORD)?;
    let mut words = info.value.split(' ');
    let phase = phase(words.next()?)?;
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
        assert_eq!(left_out(&state), None);
        let gone = LeftOut { phase: Phase::Sync, wave: -1, count: 7 };
        note_left_out(&mut state, gone);
        assert_eq!((left_out(&state), state.operation.info.len()), (Some(gone), 2));
        forget(&mut state.operation);
        assert_eq!(state, OperationState::default());
    }
}
