//! Bodies of requests and of answers.

use std::error::Error;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use tokio::time::{Sleep, sleep};
use tonic::Status;

/// Bytes of a body that make up for a second of its time.
const PACE: usize = 16 * 1024;

/// What is shorter is not worth it, in bytes.
const PACKED: u64 = 1400;
/// What is longer is packed beside, so that others are answered meanwhile, in bytes.
const ASIDE: usize = 64 << 10;

/// What an answer consists of.
pub type Body = tonic::body::Body;

/// The body of a request. It has to come in its time: a while from its beginning, and more the more comes.
#[derive(Debug)]
pub struct Incoming {
    inner: hyper::body::Incoming,
    end: Pin<Box<Sleep>>,
    /// What of it has not made up for a second yet.
    rest: usize,
}

impl Incoming {
    /// This one, with so long a while.
    pub(crate) fn new(inner: hyper::body::Incoming, patience: Duration) -> Self {
        Self { inner, end: Box::pin(sleep(patience)), rest: 0 }
    }

    /// More time for so many bytes.
    fn reward(&mut self, bytes: usize) {
        self.rest += bytes;
        let seconds = u64::try_from(self.rest / PACE).unwrap_or(u64::MAX);
        self.rest %= PACE;
        if seconds > 0 {
            let end = self.end.deadline() + Duration::from_secs(seconds);
            self.end.as_mut().reset(end);
        }
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        // Not before something is missing: what lies there already is never late.
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
                self.reward(data.len());
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(self.end.as_mut().poll(context));
        // Not `Cancelled`: tonic would take that for the end of a body that is whole.
        Poll::Ready(Some(Err(Status::deadline_exceeded("the request's body did not come in time").into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// What a caller over REST is told whose body could not be read: 408 where it came too late, otherwise 400.
pub(crate) fn broken(error: Box<dyn Error + Send + Sync>) -> Status {
    match error.downcast::<Status>() {
        Ok(late) => Status::cancelled(late.message()),
        Err(error) => Status::invalid_argument(error.to_string()),
    }
}

/// A body that is there as a whole.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Body::new(Full::new(bytes.into()).map_err(|never| match never {}))
}

/// An answer of this kind.
pub(crate) fn answer(status: StatusCode, kind: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(whole(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Whether a client takes answers that are packed by gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|text| text.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| matches!(name, "gzip" | "*"));
        named && parts.all(|part| !part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
    })
}

/// The answer packed by gzip, if it is there as a whole and long: streams go on as they are.
pub(crate) async fn packed(mut response: Response<Body>) -> Response<Body> {
    let length = response.body().size_hint().exact().unwrap_or_default();
    if length < PACKED || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let Ok(body) = std::mem::take(response.body_mut()).collect().await.map(|body| body.to_bytes()) else {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    let small = if body.len() < ASIDE {
        gzip(&body)
    } else {
        let body = body.clone();
        tokio::task::spawn_blocking(move || gzip(&body)).await.ok().flatten()
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if small.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    *response.body_mut() = whole(small.unwrap_or(body));
    response
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut packed = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    packed.write_all(bytes).ok()?;
    packed.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_gzip() {
        for (said, expected) in [
            ("gzip", true),
            ("deflate, gzip;q=1.0, *;q=0.5", true),
            ("*", true),
            ("", false),
            ("identity", false),
            ("gzip;q=0", false),
            ("br, gzip; q=0.000", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, said.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), expected, "{said}");
        }
    }
}
