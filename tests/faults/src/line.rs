//! The line between one controller and its cluster: it records, kills, holds up, and has weather.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use e2e::{Clock, Cluster};
use futures::StreamExt as _;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::{BoxError, Service};

use crate::judge::{Entry, Log, Record, Sleep};
use crate::weather::{Event, Fate, HANG, HELD, LATE, Told, Weather, is_first_page};

/// When, at its write, a controller dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the request is sent.
    Before,
    /// After it was done, before its answer came.
    After,
}

/// At which of its writes a controller dies, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// Which write.
    pub write: u64,
    /// When.
    pub moment: Moment,
}

/// Where a controller falls asleep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// At this write, counted from 1.
    AtWrite(u64),
    /// When it looks at the object of this path: what comes of the look, it decides when it is awake again.
    AtLook(String),
}

/// Stops the thread of whoever comes to it: with a runtime of one thread behind it, that is SIGSTOP.
#[derive(Debug, Default)]
pub struct Gate {
    closed: Mutex<bool>,
    stopped: AtomicBool,
    opened: Condvar,
}

impl Gate {
    /// Nobody passes from now on.
    pub fn close(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// All go on.
    pub fn open(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.opened.notify_all();
    }

    /// Whether somebody stands before it.
    pub fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether it had to wait.
    fn pass(&self) -> bool {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = *closed;
        while *closed {
            self.stopped.store(true, Ordering::Release);
            closed = self.opened.wait(closed).unwrap_or_else(PoisonError::into_inner);
        }
        waits
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// See the module.
#[derive(Clone)]
pub struct Line {
    /// Where it leads, as the controller's user.
    to: kube::Client,
    /// The same cluster for the line's own looks.
    observer: kube::Client,
    state: Arc<State>,
}

struct State {
    who: String,
    log: Arc<Log>,
    weather: Arc<Weather>,
    clock: Clock,
    kill: Option<Kill>,
    gate: Option<(Stop, Arc<Gate>)>,
    writes: AtomicU64,
    dead: watch::Sender<bool>,
}

impl Line {
    /// A line to a cluster that nothing happens on but weather: requests go on by `to`.
    pub fn new(
        to: kube::Client,
        cluster: &Cluster,
        who: &str,
        log: &Arc<Log>,
        weather: &Arc<Weather>,
    ) -> Self {
        let state = State {
            who: who.to_owned(),
            log: Arc::clone(log),
            weather: Arc::clone(weather),
            clock: Arc::clone(&cluster.clock),
            kill: None,
            gate: None,
            writes: AtomicU64::new(0),
            dead: watch::Sender::new(false),
        };
        Self { to, observer: cluster.client.clone(), state: Arc::new(state) }
    }

    /// A line that goes dead, and its controller with it.
    #[must_use]
    pub fn killed_at(mut self, kill: Option<Kill>) -> Self {
        if let Some(state) = Arc::get_mut(&mut self.state) {
            state.kill = kill;
        }
        self
    }

    /// A line that stops its controller's thread there, while the gate is closed.
    #[must_use]
    pub fn stopped_at(mut self, stop: &Stop, gate: &Arc<Gate>) -> Self {
        if let Some(state) = Arc::get_mut(&mut self.state) {
            state.gate = Some((stop.clone(), Arc::clone(gate)));
        }
        self
    }

    /// Writes so far.
    pub fn writes(&self) -> u64 {
        self.state.writes.load(Ordering::Acquire)
    }

    /// Waits until the line is dead.
    pub async fn died(&self) {
        let mut dead = self.state.dead.subscribe();
        drop(dead.wait_for(|dead| *dead).await);
    }

    /// Makes the line dead.
    pub fn cut(&self) {
        self.state.dead.send_replace(true);
    }

    fn is_dead(&self) -> bool {
        *self.state.dead.borrow()
    }

    async fn die<T>(&self) -> T {
        self.state.dead.send_replace(true);
        std::future::pending().await
    }

    async fn carry(self, request: Request<Body>) -> Result<Answer, BoxError> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        if self.is_dead() {
            return std::future::pending().await;
        }
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let write = is_write(&parts.method, &path, &query);
        let nth = if write { self.state.writes.fetch_add(1, Ordering::AcqRel) + 1 } else { 0 };
        if let Some((stop, gate)) = &self.state.gate
            && match stop {
                Stop::AtWrite(from) => self.writes() >= *from,
                Stop::AtLook(at) => parts.method == Method::GET && path == *at,
            }
        {
            let from = (self.state.clock)();
            if gate.pass() {
                let (who, to) = (self.state.who.clone(), (self.state.clock)());
                self.state.log.push(Record::Slept(Sleep { who, from, to }));
            }
        }
        let kill = self.state.kill.filter(|kill| write && kill.write == nth).map(|kill| kill.moment);
        if kill == Some(Moment::Before) {
            return self.die().await;
        }
        let fate = self.state.weather.fate(&parts.method, &path, &query);
        match fate {
            Fate::Refused(status) => return Ok(refusal(status)),
            Fate::Reset => return Err(reset()),
            Fate::Hangs => {
                tokio::time::sleep(HANG).await;
                return Err(reset());
            }
            _ => {}
        }
        if self.state.weather.is_bad() && query.contains("limit=500") {
            // Small pages, so that lists have a second one to fail on.
            let smaller = format!("{path}?{}", query.replace("limit=500", "limit=2"));
            parts.uri = smaller.parse()?;
        }
        let lag = self.state.weather.lag(&path).filter(|_| parts.method == Method::GET);
        if query.contains("watch=") {
            if lag.is_some() {
                return Ok(Response::new(silent(self.state.weather.caught_up())));
            }
            let earlier = match fate {
                Fate::Stale(which) => self.state.weather.earlier(&list_of(&path, &query), which),
                _ => None,
            };
            if let Some(told) = earlier {
                parts.uri = format!("{path}?{}", from(&query, &told.version)).parse()?;
            }
            let response = self.send(parts, body).await?;
            let weather = Arc::clone(&self.state.weather);
            return Ok(
                response.map(|body| weathered(body.map_err(BoxError::from).boxed_unsync(), fate, weather))
            );
        }
        let form = parts.headers.get("accept").and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let list = list_of(&path, &query);
        let in_form = format!("{list} {form}");
        let earlier = match fate {
            Fate::Stale(which) => self.state.weather.earlier(&in_form, which),
            _ => lag,
        };
        if let Some(told) = earlier {
            let mut response = Response::new(whole(told.body));
            if let Some(kind) = told.content_type {
                response.headers_mut().insert("content-type", kind);
            }
            return Ok(response);
        }
        let is_list = is_first_page(&query);
        let before = if parts.method == Method::DELETE { self.look(&path).await } else { None };
        let (method, kind) = (parts.method.clone(), parts.headers.get("content-type").cloned());
        let response = self.send(parts, body.clone()).await?;
        let (head, answer) = response.into_parts();
        let answer = answer.collect().await?.to_bytes();
        if is_list && self.state.weather.remembers() && head.status.is_success() {
            self.remember([&list, &in_form], &head, &answer);
        }
        self.state.log.push(Record::Request(Box::new(Entry {
            at: (self.state.clock)(),
            who: self.state.who.clone(),
            method: method.to_string(),
            content_type: kind.and_then(|kind| kind.to_str().ok().map(str::to_owned)).unwrap_or_default(),
            path,
            query,
            write,
            status: head.status.as_u16(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            answer: if write { serde_json::from_slice(&answer).unwrap_or_default() } else { Value::Null },
            before,
        })));
        if kill == Some(Moment::After) {
            return self.die().await;
        }
        if self.is_dead() {
            return std::future::pending().await;
        }
        if fate == Fate::Unanswered {
            return Err(reset());
        }
        let body = if fate == Fate::Cut { half(answer) } else { whole(answer) };
        Ok(Response::from_parts(head, body))
    }

    async fn send(&self, parts: http::request::Parts, body: Bytes) -> Result<Response<Body>, BoxError> {
        Ok(self.to.send(Request::from_parts(parts, Body::from(body))).await?)
    }

    fn remember(&self, names: [&str; 2], head: &http::response::Parts, answer: &Bytes) {
        let parsed: Value = serde_json::from_slice(answer).unwrap_or_default();
        let version = parsed.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            let content_type = head.headers.get("content-type").cloned();
            let told = Told { content_type, body: answer.clone(), version: version.to_owned() };
            names.iter().for_each(|name| self.state.weather.remember(name, told.clone()));
        }
    }

    async fn look(&self, path: &str) -> Option<Value> {
        self.observer.request(Request::get(path).body(Vec::new()).ok()?).await.ok()
    }
}

impl Service<Request<Body>> for Line {
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().carry(request))
    }
}

/// What a list or a watch is about.
fn list_of(path: &str, query: &str) -> String {
    let selector = query.split('&').find(|part| part.starts_with("labelSelector="));
    format!("{path} {}", selector.unwrap_or_default())
}

/// The query of a watch from another place.
fn from(query: &str, version: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some(("resourceVersion", _)) => format!("resourceVersion={version}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

fn reset() -> BoxError {
    std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()
}

fn whole(body: impl Into<Bytes>) -> UnsyncBoxBody<Bytes, BoxError> {
    Full::new(body.into()).map_err(BoxError::from).boxed_unsync()
}

/// The first half of a body, then a broken connection.
fn half(mut body: Bytes) -> UnsyncBoxBody<Bytes, BoxError> {
    body.truncate(body.len() / 2);
    let frames = [Ok(Frame::data(body)), Err(reset())];
    StreamBody::new(futures::stream::iter(frames)).boxed_unsync()
}

/// Nothing, until then.
fn silent(until: impl Future<Output = ()> + Send + 'static) -> UnsyncBoxBody<Bytes, BoxError> {
    let nothing = futures::stream::once(until).filter_map(|()| async { None });
    StreamBody::new(nothing).boxed_unsync()
}

/// Whether a request writes something that counts: no dry run, no lease, no event, no review.
pub(crate) fn is_write(method: &Method, path: &str, query: &str) -> bool {
    *method != Method::GET
        && !query.contains("dryRun=All")
        && !["/leases", "/events", "reviews"].iter().any(|other| path.contains(other))
}

fn refusal(code: u16) -> Answer {
    let reason = match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": format!("{code} by the weather"),
    });
    let mut response = Response::new(whole(status.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    if code == 429 {
        response.headers_mut().insert("retry-after", http::HeaderValue::from_static("1"));
    }
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

/// A watch's body, event by event, under its weather.
fn weathered(
    body: UnsyncBoxBody<Bytes, BoxError>,
    fate: Fate,
    weather: Arc<Weather>,
) -> UnsyncBoxBody<Bytes, BoxError> {
    let start = (body, BytesMut::new(), VecDeque::<Bytes>::new(), 0u64, false);
    let events = futures::stream::unfold(
        start,
        move |(mut body, mut rest, mut lines, mut sent, mut ended)| {
            let weather = Arc::clone(&weather);
            async move {
                loop {
                    if let Some(line) = lines.pop_front() {
                        if fate == Fate::Slow {
                            tokio::time::sleep(LATE).await;
                        }
                        return Some((Ok(Frame::data(line)), (body, rest, lines, sent, ended)));
                    }
                    if ended {
                        return None;
                    }
                    let Some(Ok(frame)) = body.frame().await else {
                        ended = true;
                        continue;
                    };
                    rest.extend_from_slice(&frame.into_data().unwrap_or_default());
                    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                        let line = rest.split_to(end + 1).freeze();
                        if weather.lies() {
                            let event = Event::parse(&line);
                            let bookmark = event.kind == "BOOKMARK";
                            if bookmark && fate == Fate::Unmarked {
                                continue;
                            }
                            if !bookmark && matches!(fate, Fate::Withholds(after) if sent == after) {
                                weather.withhold(&event);
                                sent += 1;
                            }
                            if weather.is_withheld(&event) {
                                continue;
                            }
                            if fate == Fate::Held && sent == 0 {
                                tokio::time::sleep(HELD).await;
                            }
                        }
                        match fate {
                            Fate::Ends(count) if sent >= count => ended = true,
                            Fate::Expires(count) if sent >= count => {
                                let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old resource version: by the weather"});
                                lines.push_back(
                                    format!("{}\n", json!({"type": "ERROR", "object": status})).into(),
                                );
                                ended = true;
                            }
                            Fate::Repeats => lines.extend([line.clone(), line]),
                            _ => lines.push_back(line),
                        }
                        sent += 1;
                        if ended {
                            break;
                        }
                    }
                }
            }
        },
    );
    StreamBody::new(events).boxed_unsync()
}
