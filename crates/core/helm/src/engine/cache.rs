//! Templates that were parsed before.

use gotemplate::Parsed;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Parsed templates, kept from one render to the next; several threads may use one. It changes nothing but the time that a render takes.
///
/// A template is known by its path and its whole text, so nothing has to be taken out of it. When it holds more than it may, what has
/// not been used for longest goes.
pub struct Cache {
    most_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: BTreeMap<(Arc<str>, Arc<[u8]>), Kept>,
    bytes: usize,
    clock: u64,
}

struct Kept {
    parsed: Parsed,
    used: u64,
}

impl Cache {
    /// A cache for so many bytes of template text. What is kept takes about ten times as much.
    #[must_use]
    pub fn new(most_bytes: usize) -> Self {
        Self { most_bytes, state: Mutex::default() }
    }

    pub(super) fn get(&self, path: &Arc<str>, text: &Arc<[u8]>) -> Option<Parsed> {
        let mut state = self.state();
        state.clock += 1;
        let now = state.clock;
        let kept = state.kept.get_mut(&(Arc::clone(path), Arc::clone(text)))?;
        kept.used = now;
        Some(kept.parsed.clone())
    }

    pub(super) fn put(&self, path: &Arc<str>, text: &Arc<[u8]>, parsed: Parsed) {
        let bytes = path.len() + text.len();
        if bytes > self.most_bytes {
            return;
        }
        let mut state = self.state();
        if state.bytes + bytes > self.most_bytes {
            state.make_room(self.most_bytes / 2);
        }
        let used = state.clock;
        if state.kept.insert((Arc::clone(path), Arc::clone(text)), Kept { parsed, used }).is_none() {
            state.bytes += bytes;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held leaves at worst a count that is off.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops what was used longest ago, down to so many bytes.
    fn make_room(&mut self, bytes: usize) {
        let mut ages: Vec<(u64, usize)> =
            self.kept.iter().map(|((path, text), kept)| (kept.used, path.len() + text.len())).collect();
        ages.sort_unstable_by(|a, b| b.cmp(a));
        let (mut total, mut oldest) = (0, u64::MAX);
        for (used, size) in ages {
            total += size;
            if total > bytes {
                break;
            }
            oldest = used;
        }
        self.kept.retain(|_, kept| kept.used >= oldest);
        self.bytes = self.kept.keys().map(|(path, text)| path.len() + text.len()).sum();
    }
}

impl Default for Cache {
    /// 32 MiB of text.
    fn default() -> Self {
        Self::new(32 << 20)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(f, "Cache of {} templates, {} bytes", state.kept.len(), state.bytes)
    }
}
