//! Whether a client still does its part: asks, or takes what it asked for.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use super::Bounds;
use crate::body::Body;

/// What of an answer is given at once: what lies beyond is given when the client took that.
const PIECE: usize = 64 * 1024;

/// Of one connection.
#[derive(Debug)]
pub(super) struct Pulse(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Requests that are not answered as a whole.
    under_way: usize,
    /// Since when there are none.
    quiet: Instant,
    /// Whether there ever was one.
    begun: bool,
    /// The answers of which a piece was given, since when, and no other one wanted.
    owed: HashMap<u64, Instant>,
    next: u64,
}

impl Pulse {
    pub(super) fn new() -> Arc<Self> {
        let quiet = Instant::now();
        Arc::new(Self(Mutex::new(State { under_way: 0, quiet, begun: false, owed: HashMap::new(), next: 0 })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins; it is over when this goes.
    pub(super) fn begin(self: &Arc<Self>) -> Beat {
        let mut state = self.state();
        (state.under_way, state.begun, state.next) = (state.under_way + 1, true, state.next + 1);
        Beat { pulse: Arc::clone(self), id: state.next }
    }

    /// When it is over, unless something happens.
    fn end(&self, bounds: &Bounds) -> Option<Instant> {
        let state = self.state();
        let patience = if state.begun { bounds.idle } else { bounds.haste };
        let quiet = (state.under_way == 0).then(|| state.quiet + patience);
        let owed = state.owed.values().min().map(|since| *since + bounds.idle);
        quiet.into_iter().chain(owed).min()
    }

    /// Ends when the client has not done its part for too long.
    pub(super) async fn over(&self, bounds: &Bounds) {
        loop {
            // Whatever begins from now on has as long as that.
            let end = self.end(bounds).unwrap_or_else(|| Instant::now() + bounds.idle);
            sleep_until(end).await;
            if self.end(bounds).is_some_and(|end| end <= Instant::now()) {
                return;
            }
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Beat {
    pulse: Arc<Pulse>,
    id: u64,
}

impl Beat {
    /// The answer, which goes as the client takes it.
    pub(super) fn answer(self, inner: Body) -> Body {
        Body::new(Answer { inner, rest: Bytes::new(), beat: self })
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        let mut state = self.pulse.state();
        state.owed.remove(&self.id);
        state.under_way -= 1;
        state.quiet = Instant::now();
    }
}

struct Answer {
    inner: Body,
    /// What is left of a part of it.
    rest: Bytes,
    beat: Beat,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.beat.pulse.state().owed.remove(&self.beat.id);
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(context)).map(|part| part.map(Frame::into_data))
            {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None => return Poll::Ready(None),
            }
        }
        let piece = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(piece);
        self.beat.pulse.state().owed.insert(self.beat.id, Instant::now());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), u64::try_from(self.rest.len()).unwrap_or(u64::MAX));
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}
