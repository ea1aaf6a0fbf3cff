//! How long a render may take, of the clock and of the processor, and that it ends when nobody waits for it any more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use render::Cancelled;

/// How long a render may take (reliability P11). Its budgets end most in some seconds on an idle machine.
pub(crate) const RENDER_TIME: Allowed =
    Allowed { clock: Duration::from_secs(90), cpu: Duration::from_secs(10) };

/// Pause between two looks at the processor time of a thread, which is a file to be read.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a render may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    /// Time by the clock.
    pub(crate) clock: Duration,
    /// Time of the processor, on all threads together. Not limited where the system does not tell (it does on Linux).
    pub(crate) cpu: Duration,
}

/// Why a render gave nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ended {
    /// It took too long.
    #[error("it took longer than {} s", .0.as_secs())]
    Late(Duration),
    /// It kept the processor too long.
    #[error("it took more than {} s of processor time", .0.as_secs())]
    Costly(Duration),
    /// It panicked, or the process is ending.
    #[error("{0}")]
    Broken(String),
}

/// The processor time of a render so far.
struct Meter {
    /// The thread that it began on, which has done other things before.
    home: ThreadId,
    before: Duration,
    looks: Mutex<Looks>,
}

struct Looks {
    next: Instant,
    /// What was seen last of each thread. Those beside the first begin with a part of the render and end with it.
    threads: HashMap<ThreadId, Duration>,
}

impl Meter {
    /// Of what begins now on this thread; `None` where the system does not tell.
    fn start() -> Option<Self> {
        let looks = Looks { next: Instant::now(), threads: HashMap::new() };
        Some(Self { home: thread::current().id(), before: of_this_thread()?, looks: Mutex::new(looks) })
    }

    /// Whether it is more than that. Asked by the threads that work; a look comes too late by [`LOOK_EVERY`] at most.
    fn is_over(&self, limit: Duration) -> bool {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if now < looks.next {
            return false;
        }
        looks.next = now + LOOK_EVERY;
        let me = thread::current().id();
        if let Some(time) = of_this_thread() {
            let own = if me == self.home { time.saturating_sub(self.before) } else { time };
            looks.threads.insert(me, own);
        }
        looks.threads.values().sum::<Duration>() > limit
    }
}

/// The processor time of the thread that asks: the first number of its `schedstat`, in nanoseconds.
fn of_this_thread() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
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
/// **Shape**: `render` is given a question to ask now and then. The answer is yes once the time is over, by the clock or by the
/// processor, or once this future was dropped. A thread cannot be ended: one that does not ask goes on to the end of its budgets, and is
/// waited for; what it comes to counts, unless the clock's time is over.
/// **Errors**: [`Ended`].
pub(crate) async fn within<T: Send + 'static>(
    allowed: Allowed,
    render: impl FnOnce(Cancelled) -> T + Send + 'static,
) -> Result<T, Ended> {
    let wish = Wish(Arc::default());
    let (over, costly) = (Arc::clone(&wish.0), Arc::new(AtomicBool::new(false)));
    let (asked, told) = (Arc::clone(&over), Arc::clone(&costly));
    let work = tokio::task::spawn_blocking(move || {
        let meter = Meter::start();
        render(Arc::new(move || {
            if meter.as_ref().is_some_and(|meter| meter.is_over(allowed.cpu)) {
                told.store(true, Ordering::Release);
            }
            told.load(Ordering::Acquire) || asked.load(Ordering::Acquire)
        }))
    });
    tokio::pin!(work);
    let (done, late) = match tokio::time::timeout(allowed.clock, &mut work).await {
        Ok(done) => (done, false),
        Err(_) => {
            over.store(true, Ordering::Release);
            (work.await, true)
        }
    };
    let done = done.map_err(|error| Ended::Broken(error.to_string()))?;
    match (costly.load(Ordering::Acquire), late) {
        (true, _) => Err(Ended::Costly(allowed.cpu)),
        (false, true) => Err(Ended::Late(allowed.clock)),
        (false, false) => Ok(done),
    }
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
        let clock = Duration::from_millis(50);
        let ended = within(Allowed { clock, ..RENDER_TIME }, slow).await;
        assert_eq!(ended.map(drop), Err(Ended::Late(clock)));
    }

    /// On a thread of its own (Jsonnet) as on the render's (what asks there, as templates do).
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_keeps_the_processor_ends() {
        let cpu = Duration::from_millis(50);
        let allowed = Allowed { cpu, ..RENDER_TIME };
        let ended = within(allowed, slow).await;
        assert_eq!(ended.map(drop), Err(Ended::Costly(cpu)));
        let ended = within(allowed, |cancelled| while !cancelled() {}).await;
        assert_eq!(ended, Err(Ended::Costly(cpu)));
    }

    /// What the thread did before is not the render's, nor is the time in which it waits.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_a_renders_own_processor_time_counts() {
        let meter = tokio::task::spawn_blocking(|| {
            let begun = of_this_thread().unwrap();
            while of_this_thread().unwrap() < begun + Duration::from_millis(50) {}
            let meter = Meter::start().unwrap();
            thread::sleep(Duration::from_millis(60));
            meter.is_over(Duration::from_millis(40))
        });
        assert!(!meter.await.unwrap());
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
