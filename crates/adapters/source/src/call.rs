//! One conversation with a server: its deadline, its byte budget, and the true reason when it breaks.

use crate::error::SourceError;
use crate::remote::Remote;
use crate::url::RepoUrl;
use net::{Secret, chain, without};
use std::error::Error;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by all who take part in one conversation.
pub(crate) struct Call {
    pub(crate) repo: RepoUrl,
    secrets: Vec<Secret>,
    limit: Duration,
    deadline: Instant,
    max_bytes: u64,
    bytes: AtomicU64,
    /// Set when the time is over; the long computations over a pack look at it.
    pub(crate) interrupt: AtomicBool,
    /// What went wrong first, in our words. What gix makes of it comes second.
    failure: Mutex<Option<SourceError>>,
}

impl Call {
    pub(crate) fn new(remote: &Remote, limit: Duration, max_bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            repo: remote.url.clone(),
            secrets: remote.secrets().into_iter().cloned().collect(),
            limit,
            deadline: Instant::now() + limit,
            max_bytes,
            bytes: AtomicU64::new(0),
            interrupt: AtomicBool::new(false),
            failure: Mutex::new(None),
        })
    }

    /// Notes the reason (the first one stays) and gives the error that ends the conversation.
    pub(crate) fn fail(&self, error: SourceError) -> io::Error {
        let text = error.to_string();
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        io::Error::other(text)
    }

    /// Fails when the time is over.
    pub(crate) fn check_time(&self) -> io::Result<()> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        self.interrupt.store(true, Ordering::Relaxed);
        Err(self.fail(self.timed_out()))
    }

    pub(crate) fn timed_out(&self) -> SourceError {
        SourceError::TimedOut { repo: self.repo.clone(), limit: self.limit }
    }

    /// What to tell the caller of an error that came out of gix.
    pub(crate) fn explain(&self, error: &(dyn Error + 'static)) -> SourceError {
        if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return failure;
        }
        if self.interrupt.load(Ordering::Relaxed) {
            return self.timed_out();
        }
        SourceError::Protocol { repo: self.repo.clone(), detail: self.shown(&chain(error)) }
    }

    /// A server's or library's text without our secrets.
    pub(crate) fn shown(&self, text: &str) -> String {
        without(text, &self.secrets.iter().collect::<Vec<_>>())
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        let sum = self.bytes.fetch_add(bytes as u64, Ordering::Relaxed).saturating_add(bytes as u64);
        if sum <= self.max_bytes {
            return Ok(());
        }
        Err(self.fail(SourceError::TooLarge {
            repo: self.repo.clone(),
            what: "bytes",
            limit: self.max_bytes,
        }))
    }
}

/// A reader that keeps to a call's time and bytes.
pub(crate) struct Metered<R> {
    inner: R,
    call: Arc<Call>,
}

impl<R> Metered<R> {
    pub(crate) fn new(inner: R, call: Arc<Call>) -> Self {
        Self { inner, call }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.call.check_time()?;
        let read = self.inner.read(buffer)?;
        self.call.count(read)?;
        Ok(read)
    }
}

/// Ends a conversation from outside when its time is over, also where a thread waits in a read that nothing else ends.
pub(crate) struct Watchdog {
    _alive: mpsc::Sender<()>,
}

impl Watchdog {
    /// Runs `end` once the call's time is over, unless this is dropped before.
    pub(crate) fn new(call: &Arc<Call>, end: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (alive, gone) = mpsc::channel();
        let call = Arc::clone(call);
        std::thread::Builder::new().name("git-watchdog".to_owned()).spawn(move || {
            let left = call.deadline.saturating_duration_since(Instant::now());
            if gone.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                call.interrupt.store(true, Ordering::Relaxed);
                end();
            }
        })?;
        Ok(Self { _alive: alive })
    }
}
