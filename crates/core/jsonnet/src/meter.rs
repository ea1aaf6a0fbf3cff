//! How much memory the values of the running program take. An evaluation has a thread of its own, and so its own meter.

use std::cell::Cell;

thread_local! {
    /// Bytes of all values that live.
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

/// Bytes that count until this is dropped.
pub(crate) struct Charge(usize);

impl Charge {
    /// Counts. The limit is looked at by [`crate::machine::Machine::step`], and before anything large is made.
    pub(crate) fn of(bytes: usize) -> Self {
        LIVE.with(|live| live.set(live.get().saturating_add(bytes)));
        Self(bytes)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        LIVE.with(|live| live.set(live.get().saturating_sub(self.0)));
    }
}

/// Bytes that live now.
pub(crate) fn live() -> usize {
    LIVE.with(Cell::get)
}
