//! What the parts of a pass cost: the CPU time of the thread between the begin and the end of the controller's spans.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// What the spans of one name cost, all in all. A span's cost is in that of the spans around it, too.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// How many ended.
    pub(crate) count: u64,
    /// CPU time of the threads that worked on them, in milliseconds.
    pub(crate) cpu_ms: f64,
    /// Time from begin to end, in milliseconds.
    pub(crate) wall_ms: f64,
}

/// Costs by the name of the span.
pub(crate) type Costs = BTreeMap<String, Cost>;

/// Sums up what spans cost.
#[derive(Clone, Default)]
pub(crate) struct Spans {
    costs: Arc<Mutex<Costs>>,
}

/// One span: when it began, and the CPU time that it took so far.
struct Begun {
    at: Instant,
    used: Duration,
}

thread_local! {
    /// The thread's CPU time when it went into the spans that it is in.
    static ENTERED: RefCell<Vec<Duration>> = const { RefCell::new(Vec::new()) };
}

/// CPU time of this thread so far; nothing where the system does not tell.
fn used_by_thread() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// CPU time of this process so far, in seconds; nothing where the system does not tell.
pub(crate) fn used_by_process() -> f64 {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default().as_secs_f64()
}

impl Spans {
    pub(crate) fn costs(&self) -> Costs {
        self.costs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(
        &self,
        _: &tracing::span::Attributes<'_>,
        id: &tracing::span::Id,
        context: Context<'_, S>,
    ) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Begun { at: Instant::now(), used: Duration::ZERO });
        }
    }

    fn on_enter(&self, _: &tracing::span::Id, _: Context<'_, S>) {
        ENTERED.with_borrow_mut(|entered| entered.push(used_by_thread()));
    }

    fn on_exit(&self, id: &tracing::span::Id, context: Context<'_, S>) {
        let Some(before) = ENTERED.with_borrow_mut(Vec::pop) else { return };
        if let Some(span) = context.span(id)
            && let Some(begun) = span.extensions_mut().get_mut::<Begun>()
        {
            begun.used += used_by_thread().saturating_sub(before);
        }
    }

    fn on_close(&self, id: tracing::span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let extensions = span.extensions();
        let Some(begun) = extensions.get::<Begun>() else { return };
        let mut costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = costs.entry(span.name().to_owned()).or_default();
        cost.count += 1;
        cost.cpu_ms += begun.used.as_secs_f64() * 1e3;
        cost.wall_ms += begun.at.elapsed().as_secs_f64() * 1e3;
    }
}

/// What came to `before`.
pub(crate) fn since(now: &Costs, before: &Costs) -> Costs {
    let difference = |(name, cost): (&String, &Cost)| {
        let old = before.get(name).copied().unwrap_or_default();
        let cost = Cost {
            count: cost.count - old.count,
            cpu_ms: cost.cpu_ms - old.cpu_ms,
            wall_ms: cost.wall_ms - old.wall_ms,
        };
        (name.clone(), cost)
    };
    now.iter().map(difference).collect()
}
