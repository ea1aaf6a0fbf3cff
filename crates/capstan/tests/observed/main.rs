//! What operators see of a process: figures and traces.
#![expect(clippy::disallowed_methods, reason = "tests start Prometheus' own programs")]
#![expect(clippy::print_stderr, reason = "a test says what is not there to run against")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod prometheus;
mod traces;

use std::time::Duration;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer that fits.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| unreachable!("{what} did not come"))
}
