use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

/// Pause between two looks at a condition: a tenth of the time that it has been waited for, within these limits.
const POLL: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(250));

/// Waits until `check` is true and fails the test where it is not within `timeout`; an `Err` counts as "not yet"
/// and is shown when time is up. This is the one place where tests wait.
///
/// # Panics
/// After `timeout`, naming `what` and the last error.
#[track_caller]
pub fn eventually<F, Fut, E>(what: &str, timeout: Duration, mut check: F) -> impl Future<Output = ()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<bool, E>>,
    E: Debug,
{
    eventually_some(what, timeout, move || {
        let pending = check();
        async move { pending.await.map(|done| done.then_some(())) }
    })
}

/// As [`eventually`], for a condition that yields a value.
///
/// # Panics
/// After `timeout`, naming `what` and the last error.
#[track_caller]
pub fn eventually_some<T, F, Fut, E>(what: &str, timeout: Duration, mut check: F) -> impl Future<Output = T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>, E>>,
    E: Debug,
{
    let caller = std::panic::Location::caller();
    async move {
        let start = tokio::time::Instant::now();
        loop {
            let last = match check().await {
                Ok(Some(value)) => return value,
                Ok(None) => None,
                Err(error) => Some(error),
            };
            // Told only here: an error with a backtrace costs more than the look itself.
            assert!(
                start.elapsed() < timeout,
                "{caller}: {what}: not within {timeout:?}; last look: {}",
                last.map_or_else(|| "not yet".to_owned(), |error| format!("{error:?}"))
            );
            tokio::time::sleep((start.elapsed() / 10).clamp(POLL.0, POLL.1)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_the_condition() {
        let mut looks = 0;
        eventually("three looks", Duration::from_secs(1), || {
            looks += 1;
            let done = looks == 3;
            async move { Ok::<_, ()>(done) }
        })
        .await;
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "a thing that never comes: not within 60ms; last look: \"still missing\"")]
    async fn fails_with_the_last_error() {
        eventually("a thing that never comes", Duration::from_millis(60), || async {
            Err::<bool, _>("still missing")
        })
        .await;
    }
}
