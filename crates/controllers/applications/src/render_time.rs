//! How long a render may take, and that it ends when nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use render::Cancelled;

/// How long a render may take (reliability P11). Its budgets end it in some seconds on an idle machine.
pub(crate) const RENDER_TIME: Duration = Duration::from_secs(90);

/// Why a render gave nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ended {
    /// It took too long.
    #[error("it took longer than {} s", .0.as_secs())]
    Late(Duration),
    /// It panicked, or the process is ending.
    #[error("{0}")]
    Broken(String),
}

/// Whoever drops this does not want the result any more.
struct Wish(Arc<AtomicBool>);

impl Drop for Wish {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs a render on a thread where it may block, for so long.
///
/// **Shape**: `render` is given a question to ask now and then. The answer is yes once the time is over, or once this future was
/// dropped. A thread cannot be ended: one that does not ask goes on to the end of its budgets, and is waited for.
/// **Errors**: [`Ended`].
pub(crate) async fn within<T: Send + 'static>(
    time: Duration,
    render: impl FnOnce(Cancelled) -> T + Send + 'static,
) -> Result<T, Ended> {
    let wish = Wish(Arc::default());
    let over = Arc::clone(&wish.0);
    let asked = Arc::clone(&over);
    let work = tokio::task::spawn_blocking(move || render(Arc::new(move || asked.load(Ordering::Acquire))));
    tokio::pin!(work);
    let (done, late) = match tokio::time::timeout(time, &mut work).await {
        Ok(done) => (done, false),
        Err(_) => {
            over.store(true, Ordering::Release);
            (work.await, true)
        }
    };
    let done = done.map_err(|error| Ended::Broken(error.to_string()))?;
    if late { Err(Ended::Late(time)) } else { Ok(done) }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use filetree::{FileTree, MemoryStore, TreePath};
    use render::{Context, EnabledTools, Limits, RenderError, Rendered, Request, render};
    use serde_json::json;

    use super::*;

    /// A program that is merely slow.
    const SLOW: &str = "std.length([x for x in std.range(1, 100000) for y in std.range(1, 100000) if y < 0])";

    fn slow(cancelled: Cancelled) -> Result<Rendered, RenderError> {
        let store = MemoryStore::from_files([("app/a.jsonnet", SLOW)]).unwrap();
        render(&Request {
            tree: &Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default())),
            path: &TreePath::parse("app").unwrap(),
            application: "slow",
            source: &serde_json::from_value(json!({"path": "app"})).unwrap(),
            limits: &Limits::default(),
            tools: EnabledTools::default(),
            context: &Context { cancelled: Some(cancelled), ..Context::default() },
        })
    }

    #[tokio::test]
    async fn a_program_that_is_merely_slow_ends_in_its_time() {
        let time = Duration::from_millis(50);
        let ended = within(time, slow).await;
        assert_eq!(ended.map(drop), Err(Ended::Late(time)));
    }

    #[tokio::test]
    async fn a_program_that_nobody_waits_for_ends() {
        let (sender, ended) = mpsc::channel();
        let render = within(RENDER_TIME, move |cancelled| {
            let outcome = slow(cancelled);
            sender.send(outcome).ok();
        });
        drop(tokio::time::timeout(Duration::from_millis(50), render).await);
        let outcome = tokio::task::spawn_blocking(move || ended.recv()).await.unwrap().unwrap();
        let error = outcome.map(drop).expect_err("it was not done");
        assert!(error.to_string().contains("cancelled"), "{error}");
    }

    #[tokio::test]
    async fn what_is_done_in_its_time_is_given() {
        assert_eq!(within(RENDER_TIME, |cancelled| cancelled()).await, Ok(false));
        let broken = within(RENDER_TIME, |_| -> bool { panic!("a bug") }).await;
        assert!(matches!(broken, Err(Ended::Broken(_))));
    }
}
