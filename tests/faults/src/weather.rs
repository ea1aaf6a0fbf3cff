//! Random faults, the same for the same seed: each request's fate hangs on the seed, on what it asks for and on how often
//! that was asked before, not on the order in which threads run.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::draw;

/// Requests for the forbidden kind that are refused before its rights come back.
const FORBIDDEN: u64 = 25;
/// How long a request hangs before its connection breaks.
pub(crate) const HANG: Duration = Duration::from_secs(2);
/// Delay of events on a slow watch.
pub(crate) const LATE: Duration = Duration::from_millis(300);

/// See the module. It begins when told, and ends when told.
#[derive(Debug)]
pub struct Weather {
    seed: u64,
    percent: u64,
    on: AtomicBool,
    asked: Mutex<HashMap<u64, u64>>,
    forbidden: Option<&'static str>,
    refused: Mutex<u64>,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered.
    Fair,
    /// This HTTP status, with `Retry-After: 1` where it is 429.
    Refused(u16),
    /// The connection breaks before anything is done.
    Reset,
    /// It is done, and the answer is lost.
    Unanswered,
    /// It is done, and the connection breaks in the middle of the answer.
    Cut,
    /// Nothing happens for [`HANG`], then the connection breaks.
    Hangs,
    /// A watch ends after so many events.
    Ends(u64),
    /// A watch is told that its resourceVersion is too old after so many events.
    Expires(u64),
    /// A watch gives each event twice.
    Repeats,
    /// A watch gives each event later by [`LATE`].
    Slow,
}

impl Weather {
    /// No faults, ever.
    pub fn fair() -> Self {
        Self::new(0, 0)
    }

    /// Faults on about `percent` of all requests, and one kind that is forbidden for a while.
    pub fn new(seed: u64, percent: u64) -> Self {
        let kinds = ["/configmaps", "/deployments", "/secrets", "/namespaces", "/applications"];
        let kind = usize::try_from(draw(seed, 1) % 5).unwrap_or_default();
        let forbidden = (percent > 0).then(|| kinds[kind]);
        let (asked, refused) = (Mutex::default(), Mutex::default());
        Self { seed, percent, on: AtomicBool::new(percent > 0), asked, forbidden, refused }
    }

    /// Ends the faults.
    pub fn clear_up(&self) {
        self.on.store(false, Ordering::Release);
    }

    pub(crate) fn is_bad(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    pub(crate) fn fate(&self, method: &http::Method, path: &str, query: &str) -> Fate {
        if !self.is_bad() {
            return Fate::Fair;
        }
        if self.forbidden.is_some_and(|kind| path.contains(kind)) {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused += 1;
            if *refused <= FORBIDDEN {
                return Fate::Refused(403);
            }
        }
        let watch = query.contains("watch=");
        let mut hasher = DefaultHasher::new();
        (method.as_str(), path, watch).hash(&mut hasher);
        let asked = {
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let count = all.entry(hasher.finish()).or_default();
            *count += 1;
            *count
        };
        let number = draw(self.seed ^ hasher.finish(), asked);
        // A watch is one request for many events.
        let percent = if watch { (self.percent * 4).min(80) } else { self.percent };
        if number % 100 >= percent {
            return Fate::Fair;
        }
        let number = number / 100;
        let (which, events) = (number % 12, 1 + number / 12 % 6);
        if watch {
            return match which {
                0 => Fate::Refused(410),
                1 => Fate::Refused(500),
                2 => Fate::Reset,
                3 | 4 => Fate::Ends(events),
                5 | 6 => Fate::Expires(events),
                7 => Fate::Repeats,
                8 => Fate::Slow,
                9 => Fate::Refused(401),
                10 => Fate::Refused(429),
                _ => Fate::Hangs,
            };
        }
        let write = method != http::Method::GET;
        match which {
            0 => Fate::Refused(429),
            1 => Fate::Refused(500),
            2 => Fate::Refused(503),
            3 => Fate::Refused(504),
            4 | 5 if write => Fate::Refused(409),
            4 | 5 if query.contains("continue=") => Fate::Refused(410),
            6 => Fate::Reset,
            7 => Fate::Cut,
            8 => Fate::Refused(401),
            9 => Fate::Hangs,
            _ => Fate::Unanswered,
        }
    }
}
