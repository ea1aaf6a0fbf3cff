//! Random faults, the same for the same seed: each request's fate hangs on the seed, on what it asks for and on how often
//! that was asked before, not on the order in which threads run.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use crate::draw;

/// Requests for the forbidden kind that are refused before its rights come back.
const FORBIDDEN: u64 = 25;
/// How long a request hangs before its connection breaks.
pub(crate) const HANG: Duration = Duration::from_secs(2);
/// How long a watch says nothing while those of other kinds go on.
pub(crate) const HELD: Duration = Duration::from_secs(5);
/// Answers that are remembered of each list, for replicas that lag behind.
const REMEMBERED: usize = 4;
/// Of a hundred watches and lists in a weather that lies, how many do.
const LIES: u64 = 35;
/// Delay of events on a slow watch.
pub(crate) const LATE: Duration = Duration::from_millis(300);

/// See the module. It begins when told, and ends when told.
#[derive(Debug)]
pub struct Weather {
    seed: u64,
    percent: u64,
    on: AtomicBool,
    asked: Mutex<HashMap<u64, u64>>,
    forbidden: Option<&'static str>,
    lies: Lies,
    refused: Mutex<u64>,
}

/// Whether a query is for a list from its beginning.
pub(crate) fn is_first_page(query: &str) -> bool {
    let goes_on = |part: &str| part.strip_prefix("continue=").is_some_and(|token| !token.is_empty());
    query.contains("limit=") && !query.split('&').any(goes_on)
}

/// What is told wrong (reliability F4).
#[derive(Debug, Default)]
struct Lies {
    /// Whether chance tells them, too.
    random: bool,
    /// Events that no watch tells, ever.
    withheld: Mutex<HashSet<String>>,
    /// Events by type and name that no watch tells.
    never: Mutex<HashSet<(String, String)>>,
    /// A path, and how a list of it was answered once: as it is answered now, too, while no watch of it says anything.
    lag: watch::Sender<Option<(String, Told)>>,
    /// What lists were answered with, oldest first.
    lists: Mutex<HashMap<String, Vec<Told>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line of a watch.
pub(crate) struct Event {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    pub(crate) kind: String,
    name: String,
    uid: String,
    version: String,
}

impl Event {
    pub(crate) fn parse(line: &[u8]) -> Self {
        let line: Value = serde_json::from_slice(line).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &line["object"]["metadata"];
        Self {
            kind: text(&line["type"]),
            name: text(&metadata["name"]),
            uid: text(&metadata["uid"]),
            version: text(&metadata["resourceVersion"]),
        }
    }

    fn id(&self) -> String {
        format!("{} {} {}", self.kind, self.uid, self.version)
    }
}

/// An answer to a list.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) content_type: Option<http::HeaderValue>,
    pub(crate) body: Bytes,
    /// Its resourceVersion.
    pub(crate) version: String,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered.
    Fair,
    /// This HTTP status, with `Retry-After: 1` where it is 429.
    Refused(u16),
    /// The connection breaks before anything is done.
    Reset,
    /// It is done, and the answer is lost.
    Unanswered,
    /// It is done, and the connection breaks in the middle of the answer.
    Cut,
    /// Nothing happens for [`HANG`], then the connection breaks.
    Hangs,
    /// A watch ends after so many events.
    Ends(u64),
    /// A watch is told that its resourceVersion is too old after so many events.
    Expires(u64),
    /// A watch gives each event twice.
    Repeats,
    /// A watch gives each event later by [`LATE`].
    Slow,
    /// A watch says nothing for [`HELD`], then everything: kinds are told of in another order than things happened.
    Held,
    /// A watch leaves out an event, after so many, and no other watch tells it, either.
    Withholds(u64),
    /// A watch has no bookmarks.
    Unmarked,
    /// A replica that lags behind answers: a list as it was before, a watch from there on. The number chooses how far.
    Stale(u64),
}

impl Weather {
    /// No faults, ever.
    pub fn fair() -> Self {
        Self::new(0, 0)
    }

    /// Faults on about `percent` of all requests, and one kind that is forbidden for a while.
    pub fn new(seed: u64, percent: u64) -> Self {
        let kinds = ["/configmaps", "/deployments", "/secrets", "/namespaces", "/applications"];
        let kind = usize::try_from(draw(seed, 1) % 5).unwrap_or_default();
        let forbidden = (percent > 0).then(|| kinds[kind]);
        let (asked, refused) = (Mutex::default(), Mutex::default());
        Self {
            seed,
            percent,
            on: AtomicBool::new(percent > 0),
            asked,
            forbidden,
            lies: Lies::default(),
            refused,
        }
    }

    /// Watches and lists that are answered, and do not say what is: events are withheld for ever, kinds told of in another order, and
    /// replicas lag behind.
    #[must_use]
    pub fn that_lies(mut self) -> Self {
        self.lies.random = true;
        self.on.store(true, Ordering::Release);
        self
    }

    /// No watch tells this event (`ADDED`, `MODIFIED`, `DELETED`) of objects of this name from now on, whatever the weather.
    pub fn never_tells(&self, event: &str, name: &str) {
        lock(&self.lies.never).insert((event.to_owned(), name.to_owned()));
    }

    /// Whoever asks for this path sees what `list` said, and nothing else, until the replica [catches up](Self::catches_up).
    pub fn lags_behind(&self, path: &str, list: &Value) {
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let content_type = Some(http::HeaderValue::from_static("application/json"));
        let told = Told { content_type, body: list.to_string().into(), version };
        self.lies.lag.send_replace(Some((path.to_owned(), told)));
    }

    /// See [`lags_behind`](Self::lags_behind).
    pub fn catches_up(&self) {
        self.lies.lag.send_replace(None);
    }

    /// What lists of a path are answered with while its replica lags behind.
    pub(crate) fn lag(&self, path: &str) -> Option<Told> {
        let lag = self.lies.lag.borrow();
        lag.as_ref().filter(|(behind, _)| behind == path).map(|(_, told)| told.clone())
    }

    /// Waits until no replica lags behind.
    pub(crate) fn caught_up(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut lag = self.lies.lag.subscribe();
        async move { drop(lag.wait_for(Option::is_none).await) }
    }

    /// What an answer is that speaks of an earlier state, where one is known.
    pub(crate) fn earlier(&self, list: &str, which: u64) -> Option<Told> {
        let lists = lock(&self.lies.lists);
        let known = lists.get(list)?;
        known.get(usize::try_from(which).unwrap_or_default() % known.len().max(1)).cloned()
    }

    /// Keeps an answer to a list.
    pub(crate) fn remember(&self, list: &str, told: Told) {
        let mut lists = lock(&self.lies.lists);
        let known = lists.entry(list.to_owned()).or_default();
        if known.len() < REMEMBERED && known.last().is_none_or(|last| last.version != told.version) {
            known.push(told);
        }
    }

    /// Decides that an event is never told.
    pub(crate) fn withhold(&self, event: &Event) {
        lock(&self.lies.withheld).insert(event.id());
    }

    /// Whether answers to lists are kept.
    pub(crate) fn remembers(&self) -> bool {
        self.lies.random && self.is_bad()
    }

    /// Whether anything may be withheld at all.
    pub(crate) fn lies(&self) -> bool {
        self.lies.random || !lock(&self.lies.never).is_empty()
    }

    /// Whether an event is never told.
    pub(crate) fn is_withheld(&self, event: &Event) -> bool {
        let never = lock(&self.lies.never).contains(&(event.kind.clone(), event.name.clone()));
        never || lock(&self.lies.withheld).contains(&event.id())
    }

    fn lie(&self, watch: bool, list: bool, number: u64) -> Option<Fate> {
        if !self.lies.random || number % 100 >= LIES {
            return None;
        }
        let number = number / 100;
        let (which, more) = (number % 5, number / 5);
        match which {
            0 if watch => Some(Fate::Held),
            1 if watch => Some(Fate::Unmarked),
            2 | 3 if watch => Some(Fate::Withholds(more % 5)),
            _ if watch || list => Some(Fate::Stale(more)),
            _ => None,
        }
    }

    /// Ends the faults.
    pub fn clear_up(&self) {
        self.on.store(false, Ordering::Release);
    }

    pub(crate) fn is_bad(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    pub(crate) fn fate(&self, method: &http::Method, path: &str, query: &str) -> Fate {
        if !self.is_bad() {
            return Fate::Fair;
        }
        if self.forbidden.is_some_and(|kind| path.contains(kind)) {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused += 1;
            if *refused <= FORBIDDEN {
                return Fate::Refused(403);
            }
        }
        let watch = query.contains("watch=");
        let mut hasher = DefaultHasher::new();
        (method.as_str(), path, watch).hash(&mut hasher);
        let asked = {
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let count = all.entry(hasher.finish()).or_default();
            *count += 1;
            *count
        };
        let list = is_first_page(query);
        if let Some(lie) = self.lie(watch, list, draw(!self.seed ^ hasher.finish(), asked)) {
            return lie;
        }
        let number = draw(self.seed ^ hasher.finish(), asked);
        // A watch is one request for many events.
        let percent = if watch { (self.percent * 4).min(80) } else { self.percent };
        if number % 100 >= percent {
            return Fate::Fair;
        }
        let number = number / 100;
        let (which, events) = (number % 12, 1 + number / 12 % 6);
        if watch {
            return match which {
                0 => Fate::Refused(410),
                1 => Fate::Refused(500),
                2 => Fate::Reset,
                3 | 4 => Fate::Ends(events),
                5 | 6 => Fate::Expires(events),
                7 => Fate::Repeats,
                8 => Fate::Slow,
                9 => Fate::Refused(401),
                10 => Fate::Refused(429),
                _ => Fate::Hangs,
            };
        }
        let write = method != http::Method::GET;
        match which {
            0 => Fate::Refused(429),
            1 => Fate::Refused(500),
            2 => Fate::Refused(503),
            3 => Fate::Refused(504),
            4 | 5 if write => Fate::Refused(409),
            4 | 5 if query.contains("continue=") => Fate::Refused(410),
            6 => Fate::Reset,
            7 => Fate::Cut,
            8 => Fate::Refused(401),
            9 => Fate::Hangs,
            _ => Fate::Unanswered,
        }
    }
}
