//! When something is tried again: the retries of an operation, and the pace of self-healing.

use std::time::Duration;

/// Backoff between attempts: `duration × factor^attempt`, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Wait before the first retry.
    pub duration: Duration,
    /// Growth from one to the next.
    pub factor: u32,
    /// The longest wait.
    pub max: Duration,
}

impl Default for Backoff {
    /// The peer's defaults for a retry: 5 s, doubled, up to 3 minutes.
    fn default() -> Self {
        Self { duration: Duration::from_secs(5), factor: 2, max: Duration::from_secs(180) }
    }
}

impl Backoff {
    /// The pace of self-healing: at once the first time, then 2 s, 6 s, 18 s … up to 5 minutes.
    pub const SELF_HEAL: Self =
        Self { duration: Duration::from_secs(2), factor: 3, max: Duration::from_secs(300) };

    /// The wait before attempt `attempt` (0 is the first retry). Never overflows.
    pub fn wait(&self, attempt: u32) -> Duration {
        let growth = self.factor.max(1).saturating_pow(attempt);
        self.duration.checked_mul(growth).map_or(self.max, |wait| wait.min(self.max))
    }
}

/// How often an operation is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Number of retries; negative means without end.
    pub limit: i64,
    /// The waits between them.
    pub backoff: Backoff,
}

impl RetryPolicy {
    /// The wait before the next attempt after `done` retries, or `None` when there is none left.
    pub fn next(&self, done: i64) -> Option<Duration> {
        if self.limit >= 0 && done >= self.limit {
            return None;
        }
        Some(self.backoff.wait(u32::try_from(done.max(0)).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_maximum() {
        let waits = |b: Backoff, n: u32| (0..n).map(|i| b.wait(i).as_secs()).collect::<Vec<_>>();
        assert_eq!(waits(Backoff::default(), 7), [5, 10, 20, 40, 80, 160, 180]);
        assert_eq!(waits(Backoff::SELF_HEAL, 7), [2, 6, 18, 54, 162, 300, 300]);
        assert_eq!(Backoff::default().wait(u32::MAX), Duration::from_secs(180), "does not overflow");
        assert_eq!(Backoff { factor: 0, ..Backoff::default() }.wait(9), Duration::from_secs(5));
    }

    #[test]
    fn retries_end_at_the_limit() {
        let policy = |limit| RetryPolicy { limit, backoff: Backoff::default() };
        assert_eq!(policy(0).next(0), None);
        assert_eq!(policy(2).next(1), Some(Duration::from_secs(10)));
        assert_eq!(policy(2).next(2), None);
        assert_eq!(policy(-1).next(1_000), Some(Duration::from_secs(180)), "a negative limit means forever");
    }
}
