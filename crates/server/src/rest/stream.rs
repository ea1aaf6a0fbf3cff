//! Streams over REST: server-sent events, or a line of JSON for each answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;
use tonic::Status;
use wire::Message;

use super::fields::Fields;
use super::http_code;
use crate::body::Body;
use crate::call::{Answers, Reply};

/// How often a silent stream of events shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const EVENTS: &str = "text/event-stream";

/// The body of a stream in the form that the client asks for.
pub(super) fn response(
    answers: Answers,
    message: &'static Message,
    fields: Option<Fields>,
    headers: &HeaderMap,
) -> Response<Body> {
    let accepts = headers.get(header::ACCEPT).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let events = accepts.contains(EVENTS);
    let fields = fields.map(Arc::new);
    let start =
        (answers.fuse(), tokio::time::interval_at(tokio::time::Instant::now() + KEEP_ALIVE, KEEP_ALIVE));
    let frames = futures::stream::unfold(start, move |(mut answers, mut alive)| {
        let fields = fields.clone();
        async move {
            let frame = tokio::select! {
                biased;
                answer = answers.next() => encode(answer?, message, fields.as_deref(), events),
                _ = alive.tick(), if events => Bytes::from_static(b":\n"),
            };
            alive.reset();
            Some((Ok::<_, Status>(Frame::data(frame)), (answers, alive)))
        }
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let kind = if events { EVENTS } else { "application/json" };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // A proxy that collects answers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn encode(
    answer: Result<Reply, Status>,
    message: &'static Message,
    fields: Option<&Fields>,
    events: bool,
) -> Bytes {
    let mut out = BytesMut::new();
    if events {
        out.put_slice(b"data: ");
    }
    match answer {
        Ok(reply) => {
            let start = out.len();
            out.put_slice(b"{\"result\":");
            out.put(reply.json(message));
            out.put_slice(b"}");
            if let Some(fields) = fields {
                let whole = out.split_off(start).freeze();
                out.put(fields.of_text(&whole));
            }
        }
        Err(status) => {
            let code = status.code();
            let http = http_code(code);
            let error = json!({
                "grpc_code": code as i32, "http_code": http.as_u16(), "message": status.message(),
                "http_status": http.canonical_reason().unwrap_or_default(),
            });
            out.put_slice(json!({ "error": error }).to_string().as_bytes());
        }
    }
    out.put_slice(if events { b" \n\n" } else { b"\n" });
    out.freeze()
}
