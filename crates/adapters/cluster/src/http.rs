//! Requests and answers of the Kubernetes API, as text: nothing here builds an object.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::upgrade::Upgraded;
use kube::client::Body;
use serde::Deserialize;

use crate::{
    counters::{Tally, Verb},
    error::{ClusterError, chain},
    options::Options,
    reach::{LOST, Reach},
    requests,
};

/// Bytes of one answer: a page of 500 objects of 128 KiB fits, and a page that does not is asked for in smaller pieces.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Bytes read of an answer that is an error.
const MAX_ERROR_BYTES: usize = 1 << 20;
/// Bytes kept of a server's text: it ends in conditions and logs.
const MAX_MESSAGE_BYTES: usize = 4 << 10;
/// Complaints kept of one refused object.
const MAX_CAUSES: usize = 64;
/// Longest pause that a server can ask of us.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// What went wrong with a request, before it is known what it was for.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The server answered with an error.
    Status(Box<Status>),
    /// It did not answer, or not to the end.
    Transport(String),
    /// The answer breaks its budget.
    TooLarge { limit: usize },
    /// The answer is not what the API sends.
    Malformed(String),
}

/// A `metav1.Status`, or what can be made of another error body.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) details: Option<Details>,
    #[serde(skip)]
    pub(crate) retry_after: Option<Duration>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Details {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) causes: Option<Vec<StatusCause>>,
    pub(crate) retry_after_seconds: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusCause {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) field: String,
}

impl Status {
    pub(crate) fn causes(&self) -> &[StatusCause] {
        self.details.as_ref().and_then(|details| details.causes.as_deref()).unwrap_or_default()
    }

    pub(crate) fn has_cause(&self, reason: &str) -> bool {
        self.causes().iter().any(|cause| cause.reason == reason)
    }

    /// The resourceVersion, or the continue token, is older than what the server keeps.
    pub(crate) fn is_expired(&self) -> bool {
        self.code == 410 || matches!(self.reason.as_str(), "Expired" | "Gone")
    }

    /// Reads an error body; an empty or foreign one keeps the HTTP status.
    fn read(code: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut status: Self = serde_json::from_slice(body).unwrap_or_else(|_| Self {
            message: String::from_utf8_lossy(body).trim().to_owned(),
            ..Self::default()
        });
        // An HTTP error that claims to be a success, or the other way round, is an error.
        status.code = code;
        if status.message.is_empty() {
            status.message = StatusCode::from_u16(code)
                .ok()
                .and_then(|code| code.canonical_reason())
                .unwrap_or("no message")
                .to_owned();
        }
        truncate(&mut status.message);
        if let Some(causes) = status.details.as_mut().and_then(|details| details.causes.as_mut()) {
            causes.truncate(MAX_CAUSES);
            causes.iter_mut().for_each(|cause| truncate(&mut cause.message));
        }
        let header =
            headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let seconds = header.or_else(|| status.details.as_ref()?.retry_after_seconds);
        status.retry_after = seconds.map(|s| Duration::from_secs(s).min(MAX_RETRY_AFTER));
        status
    }
}

fn truncate(message: &mut String) {
    if message.len() > MAX_MESSAGE_BYTES {
        let end =
            (0..=MAX_MESSAGE_BYTES).rev().find(|end| message.is_char_boundary(*end)).unwrap_or_default();
        message.truncate(end);
        message.push('…');
    }
}

impl Failure {
    /// A request that had no whole answer, for this reason.
    pub(crate) fn transport(error: &(dyn Error + 'static)) -> Self {
        let mut text = chain(error);
        truncate(&mut text);
        Self::Transport(text)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => f.write_str(&status.message),
            Self::Transport(text) | Self::Malformed(text) => f.write_str(text),
            Self::TooLarge { limit } => write!(f, "the answer is larger than {limit} bytes"),
        }
    }
}

impl Failure {
    /// The failure of a read.
    pub(crate) fn into_cluster(self, verb: Verb, what: &str) -> ClusterError {
        let message = self.to_string();
        let whole = || format!("{} of {what}", verb.label());
        match self {
            Self::Status(status) => match status.code {
                403 => ClusterError::Forbidden { verb: verb.rbac(), resource: what.to_owned(), message },
                429 | 500..=599 => {
                    ClusterError::Transient { what: whole(), message, retry_after: status.retry_after }
                }
                code => ClusterError::Refused { what: whole(), code, message },
            },
            Self::Transport(_) => ClusterError::Transient { what: whole(), message, retry_after: None },
            Self::TooLarge { .. } | Self::Malformed(_) => ClusterError::Malformed { what: whole(), message },
        }
    }
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The one way to the server: counts what is sent and bounds what comes back.
#[derive(Clone)]
pub(crate) struct Api {
    client: kube::Client,
    tally: Arc<Tally>,
    timeout: Duration,
    reach: Arc<Reach>,
}

impl Api {
    pub(crate) fn new(client: kube::Client, tally: Arc<Tally>, options: &Options) -> Self {
        Self { client, tally, timeout: options.request_timeout, reach: Arc::default() }
    }

    pub(crate) fn reach(&self) -> &Arc<Reach> {
        &self.reach
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Sends a request and reads its answer to the end, in `request_timeout` all in all.
    pub(crate) async fn send(&self, verb: Verb, request: Request<Vec<u8>>) -> Result<Answer, Failure> {
        let whole = async {
            let response = self.respond(verb, request).await?;
            let (parts, body) = response.into_parts();
            let body = read(body, MAX_ANSWER_BYTES).await?;
            Ok(Answer { code: parts.status.as_u16(), headers: parts.headers, body })
        };
        self.in_time(whole).await
    }

    /// Sends a request and waits for the head of its answer only.
    pub(crate) async fn open(&self, verb: Verb, request: Request<Vec<u8>>) -> Result<Body, Failure> {
        self.in_time(async { Ok(self.respond(verb, request).await?.into_body()) }).await
    }

    /// Sends a request to go on in frames of WebSockets, and waits for the server to do so.
    pub(crate) async fn switch(&self, verb: Verb, request: Request<Vec<u8>>) -> Result<Upgraded, Failure> {
        let switched = async {
            let response = self.respond(verb, request).await?;
            let to = response.headers().get(header::UPGRADE);
            if !to.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket")) {
                return Err(malformed("the server does not switch to WebSockets"));
            }
            hyper::upgrade::on(response).await.map_err(|error| Failure::transport(&error))
        };
        self.in_time(switched).await
    }

    pub(crate) async fn get_bytes(&self, verb: Verb, uri: &str, accept: &str) -> Result<Bytes, Failure> {
        let request = Request::get(uri).header(header::ACCEPT, accept).body(Vec::new()).map_err(malformed)?;
        self.send(verb, request).await.map(|answer| answer.body)
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        // Who is away answers nobody else either, and who is back answers soon.
        let limit = if self.reach.lost().is_some() { self.timeout.min(LOST) } else { self.timeout };
        let result = tokio::select! {
            biased;
            result = tokio::time::timeout(limit, work) => {
                result.unwrap_or_else(|_| Err(Failure::Transport(format!("no answer within {limit:?}"))))
            }
            why = self.reach.given_up() => return Err(Failure::Transport(why)),
        };
        match &result {
            Err(Failure::Transport(why)) => self.reach.failed(why),
            Ok(_) | Err(_) => self.reach.answered(),
        }
        result
    }

    async fn respond(&self, verb: Verb, request: Request<Vec<u8>>) -> Result<Response<Body>, Failure> {
        self.tally.count(verb);
        let uri = request.uri().clone();
        let sent = Box::pin(self.client.send(request.map(Body::from))).await;
        requests::answered(verb, &uri, sent.as_ref().map_or(0, |response| response.status().as_u16()));
        let response = sent.map_err(|error| Failure::transport(&error))?;
        if response.status().is_success() || response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = read(body, MAX_ERROR_BYTES).await.unwrap_or_default();
        Err(Failure::Status(Box::new(Status::read(parts.status.as_u16(), &parts.headers, &body))))
    }
}

async fn read(mut body: Body, limit: usize) -> Result<Bytes, Failure> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::transport(&error))?;
        if let Ok(data) = frame.into_data() {
            if whole.len() + data.len() > limit {
                return Err(Failure::TooLarge { limit });
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

pub(crate) fn malformed(error: impl std::fmt::Display) -> Failure {
    Failure::Malformed(error.to_string())
}

/// Escapes one value of a query.
pub(crate) fn query_value(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Whether a name can be one segment of a path, by the API server's own rule for such names; anything else
/// could reach another object than the one it names.
pub(crate) fn is_segment(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '%'])
}

/// Escapes one segment of a path: colons of RBAC names stay, whatever else a URI cannot hold is escaped.
pub(crate) fn segment(name: &str) -> String {
    query_value(name).replace("%3A", ":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whatever_an_error_body_is() {
        for (row, body, message) in [
            ("a status", r#"{"kind":"Status","message":"no such thing","code":404}"#, "no such thing"),
            ("plain text", "404 page not found\n", "404 page not found"),
            ("nothing", "", "Not Found"),
            ("JSON of another shape", "\"busy\"", "\"busy\""),
        ] {
            let status = Status::read(404, &HeaderMap::new(), body.as_bytes());
            assert_eq!((status.code, status.message.as_str()), (404, message), "{row}");
        }
    }

    #[test]
    fn pauses_are_read_and_bounded() {
        for (row, header, body, expect) in [
            ("header", Some("7"), "", Some(7)),
            ("body", None, r#"{"details":{"retryAfterSeconds":2}}"#, Some(2)),
            ("a date", Some("Wed, 21 Oct 2026 07:28:00 GMT"), "", None),
            ("a year", Some("31536000"), "", Some(300)),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(header::RETRY_AFTER, header.parse().unwrap());
            }
            let status = Status::read(429, &headers, body.as_bytes());
            assert_eq!(status.retry_after, expect.map(Duration::from_secs), "{row}");
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let status = Status::read(500, &HeaderMap::new(), "ä".repeat(MAX_MESSAGE_BYTES).as_bytes());
        assert!(status.message.len() <= MAX_MESSAGE_BYTES + '…'.len_utf8());
        assert!(status.message.ends_with('…'));
    }

    #[test]
    fn names_stay_in_their_segment() {
        assert_eq!(segment("system:node a"), "system:node%20a");
        for bad in ["", ".", "..", "a/b", "a%2fb"] {
            assert!(!is_segment(bad), "{bad}");
        }
        assert!(is_segment("system:kube-proxy"));
    }
}
