use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::Stream;
use http_body::{Body, Frame, SizeHint};

/// The body of an answer: chunks that are there already, or a watch that goes on.
pub struct SimBody(Inner);

enum Inner {
    Chunks(VecDeque<Bytes>),
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl SimBody {
    /// A body of one chunk.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Inner::Chunks(VecDeque::from([bytes.into()])))
    }

    /// A body of several chunks, none of which is copied.
    pub fn chunks(chunks: impl IntoIterator<Item = Bytes>) -> Self {
        Self(Inner::Chunks(chunks.into_iter().filter(|c| !c.is_empty()).collect()))
    }

    /// A body that comes bit by bit.
    pub fn stream(stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self(Inner::Stream(Box::pin(stream)))
    }
}

impl fmt::Debug for SimBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Inner::Chunks(_) => "SimBody(chunks)",
            Inner::Stream(_) => "SimBody(stream)",
        })
    }
}

impl Body for SimBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Inner::Chunks(chunks) => Poll::Ready(chunks.pop_front().map(|chunk| Ok(Frame::data(chunk)))),
            Inner::Stream(stream) => {
                stream.as_mut().poll_next(cx).map(|next| next.map(|c| Ok(Frame::data(c))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Chunks(chunks) => chunks.is_empty(),
            Inner::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Chunks(chunks) => SizeHint::with_exact(chunks.iter().map(|c| c.len() as u64).sum()),
            Inner::Stream(_) => SizeHint::default(),
        }
    }
}
