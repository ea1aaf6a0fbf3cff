//! Streams of what changes, as server-sent events.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tonic::Status;

use super::frame::{CUT, FRAME_BYTES, MUCH, Told};
use super::refusal::Refusal;
use super::topic::{Class, Topic, View, event};
use super::trees::{self, FollowedTree};
use crate::body::Body;
use crate::door::{Entered, admit};
use crate::guard::Guard;
use crate::server::{Backend, random};

/// Topics of one stream.
const TOPICS: usize = 32;
/// Longest topic, in bytes.
const TOPIC_BYTES: usize = 8 << 10;
/// Streams at the same time.
const STREAMS: usize = 20_000;

/// What a stream is to follow, as its owner says from time to time.
pub(crate) struct Shared {
    /// Whose it is.
    who: String,
    wanted: Mutex<BTreeMap<String, Wanted>>,
    ordered: Notify,
}

/// Since when a topic is followed. One that is taken away and added again is another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    from: Option<String>,
    turn: usize,
}

/// Takes a stream off the list once it is over.
struct Place {
    backend: Arc<Backend>,
    id: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.backend.hub.streams.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// A topic that is followed.
struct Followed {
    class: Arc<Class>,
    wanted: Wanted,
    view: View,
}

/// A stream as it is read. Nothing is made for it before whoever reads has room; it has a place in the log, and no queue.
struct Reader {
    place: Place,
    shared: Arc<Shared>,
    headers: HeaderMap,
    topics: BTreeMap<String, Followed>,
    trees: BTreeMap<String, FollowedTree>,
    /// What was made and not read yet: of one look, at most one event a topic.
    ready: VecDeque<Bytes>,
    told: watch::Receiver<()>,
    alive: Instant,
    over: bool,
}

/// `GET /api/v2/events?topic=…&topic=…&from=…`: the stream.
///
/// **Shape**: `hello` (`{"stream", "position"}`) first; `changes` (`{"topic", "changes": […]}`); `reset` (`{"topic", "reason", "next"}`): what was known of the
/// topic is to be asked anew, and is followed from then on; `end` (an error) last. An event's id is the position behind all that was told. It goes on
/// behind `Last-Event-ID`, or else `from`, the `position` of an answer.
pub(super) fn open(
    backend: &Arc<Backend>,
    entered: &Entered,
    headers: &HeaderMap,
    query: &str,
) -> Result<Response<Body>, Refusal> {
    let mut wanted = BTreeMap::new();
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let mut from = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "topic" => drop(wanted.insert(value.into_owned(), Wanted::default())),
            "from" => from = Some(value.into_owned()),
            other => {
                let text = format!("there is no parameter {other:?}; there are topic and from");
                return Err(Refusal::malformed(text));
            }
        }
    }
    let from = last.map(str::to_owned).or(from);
    wanted.values_mut().for_each(|one| one.from.clone_from(&from));
    check(backend, &entered.guard, &wanted)?;
    let mut id = [0; 16];
    random(&mut id)?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let shared =
        Arc::new(Shared { who: entered.guard.who(), wanted: Mutex::new(wanted), ordered: Notify::new() });
    {
        let mut streams = backend.hub.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() >= STREAMS {
            return Err(Refusal::too_many("there are too many streams", "try again in a moment"));
        }
        streams.insert(id.clone(), Arc::downgrade(&shared));
    }
    let mut told = backend.hub.told();
    // What came since a position is told at once.
    told.mark_changed();
    let position = backend.hub.position();
    let hello = json!({"stream": id, "position": position}).to_string();
    let mut reader = Reader {
        place: Place { backend: Arc::clone(backend), id },
        shared,
        headers: headers.clone(),
        topics: BTreeMap::new(),
        trees: BTreeMap::new(),
        // Nothing was told yet: who breaks off now goes on from where they were.
        ready: VecDeque::from([event("hello", from.as_deref(), &[hello.as_bytes()])]),
        told,
        alive: Instant::now() + backend.hub.bounds.alive,
        over: false,
    };
    reader.follow(&entered.guard);
    let frames = futures::stream::unfold(reader, |mut reader| async move {
        let bytes = reader.next().await?;
        Some((Ok::<_, Status>(Frame::data(bytes)), reader))
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // A proxy that collects answers would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Whether all topics are such, and not too many.
fn check(backend: &Backend, guard: &Guard, wanted: &BTreeMap<String, Wanted>) -> Result<(), Refusal> {
    if wanted.len() > TOPICS {
        let text = format!("a stream follows at most {TOPICS} topics");
        return Err(Refusal::too_many(text, "take some away, or open another stream"));
    }
    for (topic, Wanted { from, .. }) in wanted {
        if topic.len() + from.as_ref().map_or(0, String::len) > TOPIC_BYTES {
            return Err(Refusal::malformed(format!("a topic is longer than {TOPIC_BYTES} bytes")));
        }
        Class::of(backend, guard, topic)?;
    }
    Ok(())
}

/// `POST /api/v2/events/<stream>/topics`: `{"add": ["…", {"topic": "…", "from": "<position>"}], "remove": ["…"]}`; answers what is followed then.
pub(super) fn order(backend: &Backend, guard: &Guard, id: &str, order: &Value) -> Result<Value, Refusal> {
    let shared = {
        let streams = backend.hub.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.get(id).and_then(std::sync::Weak::upgrade)
    };
    let shared = shared.filter(|shared| shared.who == guard.who()).ok_or_else(Refusal::no_stream)?;
    let listed = |name: &str| match order.get(name) {
        None => Ok(&[] as &[Value]),
        Some(Value::Array(list)) => Ok(list.as_slice()),
        Some(_) => Err(Refusal::malformed(format!("{name} is no list"))),
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let no_topic = || Refusal::malformed("a topic is a text, or {\"topic\": …, \"from\": …}");
    let mut wanted = shared.wanted.lock().unwrap_or_else(PoisonError::into_inner);
    let mut next = wanted.clone();
    for topic in listed("remove")? {
        next.remove(&text(topic).ok_or_else(no_topic)?);
    }
    for topic in listed("add")? {
        let name = text(topic).or_else(|| text(topic.get("topic")?)).ok_or_else(no_topic)?;
        let turn = wanted.get(&name).map_or(0, |before| before.turn + 1);
        next.insert(name, Wanted { from: topic.get("from").and_then(text), turn });
    }
    check(backend, guard, &next)?;
    *wanted = next;
    shared.ordered.notify_one();
    Ok(json!({"topics": wanted.keys().collect::<Vec<_>>()}))
}

impl Reader {
    /// What is sent next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                self.alive = Instant::now() + self.place.backend.hub.bounds.alive;
                return Some(bytes);
            }
            if self.over {
                return None;
            }
            let silent = tokio::select! {
                woken = super::hub::wait(&mut self.told, self.alive) => !woken,
                () = self.shared.ordered.notified() => false,
                () = trees::changed(self.trees.values_mut()) => false,
            };
            // By the session, the settings and the policy as they are now.
            match admit(&self.place.backend, &self.headers, false).await {
                Ok(entered) if entered.guard.who() == self.shared.who => self.look(&entered.guard),
                Ok(_) => {
                    self.end(&Refusal::from(Status::unauthenticated("the session is somebody else's now")))
                }
                Err(status) => self.end(&Refusal::from(status)),
            }
            if silent && self.ready.is_empty() {
                let id = self.seen().map(|seq| format!("id: {}\n", self.place.backend.hub.position_of(seq)));
                self.ready.push_back(format!("{}: alive\n\n", id.unwrap_or_default()).into());
            }
        }
    }

    fn end(&mut self, refusal: &Refusal) {
        self.ready.push_back(event("end", None, &[refusal.value().to_string().as_bytes()]));
        self.over = true;
    }

    /// Up to where all topics were told.
    fn seen(&self) -> Option<u64> {
        self.topics.values().map(|topic| topic.view.seq).min()
    }

    /// Begins and ends topics as the owner wants.
    fn follow(&mut self, guard: &Guard) {
        let wanted = self.shared.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.topics.retain(|name, followed| wanted.get(name) == Some(&followed.wanted));
        self.trees.retain(|name, followed| wanted.get(name) == Some(&followed.wanted));
        let backend = Arc::clone(&self.place.backend);
        for (name, wanted) in wanted {
            if self.topics.contains_key(&name) || self.trees.contains_key(&name) {
                continue;
            }
            let Ok(class) = Class::of(&backend, guard, &name) else { continue };
            if let Topic::Tree(of) = &class.topic {
                // Where too many are followed it is tried again at each look.
                if let Some(tree) = backend.hub.trees.follow(&backend, of, wanted) {
                    self.trees.insert(name, tree);
                }
                continue;
            }
            let (seq, at, rights) = {
                let log = backend.hub.log();
                (log.seq, log.at, log.rights)
            };
            let entry = wanted.from.as_deref().map(|from| backend.hub.entry(from));
            let begin = match entry {
                None => seq,
                Some(Some(entry)) if entry >= rights => entry,
                Some(_) => {
                    self.reset(&name, CUT, Some(seq));
                    seq
                }
            };
            let view = View { seq: begin, at, guard: guard.clone() };
            self.topics.insert(name, Followed { class, wanted, view });
        }
    }

    fn reset(&mut self, topic: &str, reason: &str, seq: Option<u64>) {
        let data =
            json!({"topic": topic, "reason": reason, "next": "ask for it anew; it is followed from here on"});
        let id = seq.map(|seq| self.place.backend.hub.position_of(seq));
        self.ready.push_back(event("reset", id.as_deref(), &[data.to_string().as_bytes()]));
    }

    /// Looks at what is new in each topic.
    fn look(&mut self, guard: &Guard) {
        self.follow(guard);
        let backend = Arc::clone(&self.place.backend);
        let (mut told, mut trees) = (Vec::new(), Vec::new());
        for (name, followed) in &mut self.topics {
            let (view, news) = followed.class.advance(&backend, &followed.view, guard);
            followed.view = view;
            if news != Told::Nothing {
                told.push((name.clone(), news));
            }
        }
        for (name, tree) in &mut self.trees {
            if let Some(change) = tree.advance(&backend, guard) {
                let text = change.to_string();
                let much = text.len() > FRAME_BYTES;
                trees.push((name.clone(), if much { None } else { Some(text) }));
            }
        }
        for (name, change) in trees {
            let Some(change) = change else {
                self.reset(&name, MUCH, None);
                continue;
            };
            let head = format!("{{\"topic\":{},\"changes\":[", Value::from(name));
            self.ready.push_back(event("changes", None, &[head.as_bytes(), change.as_bytes(), b"]}"]));
        }
        let seen = self.seen().unwrap_or_default();
        let last = told.len();
        for (n, (name, news)) in told.into_iter().enumerate() {
            match news {
                Told::Nothing => {}
                Told::Reset(reason) => self.reset(&name, reason, Some(seen)),
                Told::Changes(changes) => {
                    // Only behind the last one all was told.
                    let id = (n + 1 == last).then(|| backend.hub.position_of(seen));
                    let head = format!("{{\"topic\":{},\"changes\":[", Value::from(name));
                    self.ready.push_back(event(
                        "changes",
                        id.as_deref(),
                        &[head.as_bytes(), &changes, b"]}"],
                    ));
                }
            }
        }
    }
}
