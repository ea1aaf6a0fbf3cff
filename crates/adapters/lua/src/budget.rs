//! What a run may use, and what it has used.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Limits of one run of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time; the peer's second by default.
    pub time: Duration,
    /// Instructions of the machine and steps of pattern matches together.
    pub instructions: u64,
    /// Bytes that the script may hold at once, its object included.
    pub memory: usize,
    /// Values and bytes of text in what it returns, together.
    pub result: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(1), instructions: 100_000_000, memory: 64 << 20, result: 8 << 20 }
    }
}

/// Which limit ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spent {
    Time,
    Instructions,
    Memory,
}

/// One run's account.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    started: Instant,
    left: Cell<u64>,
    spent: Cell<Option<Spent>>,
    /// How many functions of ours are waiting for a script that they have called.
    depth: Cell<u32>,
}

/// A function of ours that may call the script again, while it does.
pub(crate) struct Nested<'a>(&'a Budget);

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        self.0.depth.set(self.0.depth.get().saturating_sub(1));
    }
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            started: Instant::now(),
            left: Cell::new(limits.instructions),
            spent: Cell::new(None),
            depth: Cell::new(0),
        }
    }

    /// Takes so many steps off; `false` once a limit is reached, and for ever after.
    pub(crate) fn take(&self, steps: u64) -> bool {
        /// Reading the clock takes as long as some tens of steps.
        const CLOCK_EVERY: u64 = 1024;
        if self.spent.get().is_some() {
            return false;
        }
        let before = self.left.get();
        let Some(left) = before.checked_sub(steps) else {
            self.spend(Spent::Instructions);
            return false;
        };
        self.left.set(left);
        if before / CLOCK_EVERY != left / CLOCK_EVERY && self.started.elapsed() > self.limits.time {
            self.spend(Spent::Time);
            return false;
        }
        true
    }

    /// Counts a call that may come back to us: each takes some of the thread's stack. `None` beyond what fits.
    pub(crate) fn enter(&self) -> Option<Nested<'_>> {
        const DEEPEST: u32 = 30;
        let depth = self.depth.get();
        (depth < DEEPEST).then(|| {
            self.depth.set(depth + 1);
            Nested(self)
        })
    }

    pub(crate) fn spend(&self, what: Spent) {
        self.spent.set(Some(what));
    }

    pub(crate) fn spent(&self) -> Option<Spent> {
        self.spent.get()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }
}
