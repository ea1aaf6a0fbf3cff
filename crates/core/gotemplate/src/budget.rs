//! What a run may cost.

use std::fmt;
use std::rc::Rc;

/// The limits of one [`Run`](crate::Run); everything it executes draws on them together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Nodes evaluated, and loop rounds; functions charge what they do beyond that ([`Budget::step`]).
    pub steps: u64,
    /// Bytes written by templates, what `include` returns counted each time.
    pub output: u64,
    /// Bytes of values built by functions ([`Budget::allocate`]); freeing gives nothing back.
    pub allocated: u64,
    /// Templates that functions run inside each other (`include`, `tpl`). By `template` alone it goes to Go's own limit, 100,000.
    pub depth: usize,
}

impl Default for Limits {
    /// Far above what charts need (the largest takes about a million steps), and a few seconds at most.
    fn default() -> Self {
        Self { steps: 100_000_000, output: 256 << 20, allocated: 1 << 30, depth: 5_000 }
    }
}

/// The limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::steps`].
    Steps,
    /// [`Limits::output`].
    Output,
    /// [`Limits::allocated`].
    Allocated,
    /// [`Limits::depth`].
    Depth,
    /// Values nested deeper than a function can follow, such as a map that holds itself.
    Nesting,
    /// The probe said that nobody wants the result any more.
    Cancelled,
}

/// A limit was reached. The run ends; templates cannot catch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Which.
    pub limit: Limit,
    /// Its value; 0 for [`Limit::Cancelled`].
    pub value: u64,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        match self.limit {
            Limit::Steps => write!(formatter, "template budget exceeded: more than {value} steps"),
            Limit::Output => write!(formatter, "template budget exceeded: more than {value} bytes of output"),
            Limit::Allocated => {
                write!(formatter, "template budget exceeded: more than {value} bytes of values")
            }
            Limit::Depth => {
                write!(formatter, "template budget exceeded: more than {value} templates inside each other")
            }
            Limit::Nesting => {
                write!(formatter, "template budget exceeded: a value nests deeper than {value} levels")
            }
            Limit::Cancelled => formatter.write_str("template run cancelled"),
        }
    }
}

impl std::error::Error for Exceeded {}

/// Steps between two looks at the cancel probe.
const PROBE_EVERY: u64 = 4096;

/// Limits and what has been used of them.
#[derive(Clone)]
pub struct Budget {
    limits: Limits,
    steps: u64,
    output: u64,
    allocated: u64,
    next_probe: u64,
    cancelled: Option<Rc<dyn Fn() -> bool>>,
}

impl Budget {
    /// A fresh budget.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let next_probe = limits.steps.saturating_add(1);
        Self { limits, steps: 0, output: 0, allocated: 0, next_probe, cancelled: None }
    }

    /// Asks the probe every few thousand steps whether to stop: how an edge with a clock sets a deadline.
    #[must_use]
    pub fn cancel_when(mut self, cancelled: impl Fn() -> bool + 'static) -> Self {
        self.cancelled = Some(Rc::new(cancelled));
        self.next_probe = 0;
        self
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Counts work. One step is what a field access costs; 1 a KiB of text, 1 an element, are good rules for functions.
    #[inline]
    pub fn step(&mut self, count: u64) -> Result<(), Exceeded> {
        self.steps = self.steps.saturating_add(count);
        if self.steps >= self.next_probe { self.probe() } else { Ok(()) }
    }

    #[cold]
    fn probe(&mut self) -> Result<(), Exceeded> {
        if self.steps > self.limits.steps {
            return Err(Exceeded { limit: Limit::Steps, value: self.limits.steps });
        }
        match &self.cancelled {
            Some(cancelled) => {
                if cancelled() {
                    return Err(Exceeded { limit: Limit::Cancelled, value: 0 });
                }
                self.next_probe =
                    self.steps.saturating_add(PROBE_EVERY).min(self.limits.steps.saturating_add(1));
            }
            None => self.next_probe = self.limits.steps.saturating_add(1),
        }
        Ok(())
    }

    /// Counts bytes of a value that is about to be built. Call it before building: `repeat 1000000000` must not come to be.
    pub fn allocate(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.allocated = self.allocated.saturating_add(bytes as u64);
        if self.allocated > self.limits.allocated {
            return Err(Exceeded { limit: Limit::Allocated, value: self.limits.allocated });
        }
        self.step(bytes as u64 >> 10)
    }

    /// Bytes that [`Budget::allocate`] still allows.
    pub(crate) fn allocation_left(&self) -> usize {
        usize::try_from(self.limits.allocated.saturating_sub(self.allocated)).unwrap_or(usize::MAX)
    }

    /// Bytes that [`Budget::write`] still allows.
    pub(crate) fn output_left(&self) -> usize {
        usize::try_from(self.limits.output.saturating_sub(self.output)).unwrap_or(usize::MAX)
    }

    pub(crate) fn write(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.output = self.output.saturating_add(bytes as u64);
        if self.output > self.limits.output {
            return Err(Exceeded { limit: Limit::Output, value: self.limits.output });
        }
        Ok(())
    }
}
