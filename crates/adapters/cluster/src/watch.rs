//! Follows one kind: reads a paged list, then a watch from where the list ended, for ever; now and then it makes sure by another list
//! that the watch told everything.

mod verify;

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{Request, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

use crate::{
    counters::Verb,
    discovery::ResourceKind,
    history::History,
    http::{Api, Failure, Status, malformed, query_value, segment},
    ledger::{Audit, Doubts, Ledger},
    live::Knowledge,
    options::Options,
    seen::{ListMeta, ListPage, Seen, WatchLine},
};

/// Bytes of one line of a watch; etcd takes objects of 1.5 MiB, and JSON may be some times larger.
const MAX_LINE_BYTES: usize = 16 << 20;
/// Quick retries of a kind that is answered with 404, before the slow ones.
const MAX_QUICK_404: u32 = 6;
/// Refusals for want of rights that are tried again with a growing pause, half a minute in all, before the slow retry.
const MAX_QUICK_403: u32 = 6;
/// A watch that the server ends sooner than this before its time ends for another reason.
const EARLY: Duration = Duration::from_secs(1);
/// Lists begun anew because their continue token expired or their pages did not fit together, before the list
/// counts as failed.
const MAX_LIST_RESTARTS: u32 = 5;
/// Objects by their metadata alone. A server that knows no such form sends whole objects, which read just as well.
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// Whether a kind's objects are asked for whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Metadata,
    Full,
}

/// What one watcher follows.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) kind: ResourceKind,
    /// `None`: all namespaces, or a cluster-wide kind.
    pub(crate) namespace: Option<String>,
    pub(crate) mode: Mode,
}

impl Target {
    fn path(&self) -> String {
        collection(&self.kind, self.namespace.as_deref())
    }

    fn accept(&self, list: bool) -> &'static str {
        match (self.mode, list) {
            (Mode::Full, _) => "application/json",
            (Mode::Metadata, true) => METADATA_LIST,
            (Mode::Metadata, false) => {
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
            }
        }
    }
}

/// The path of a kind's collection.
pub(crate) fn collection(kind: &ResourceKind, namespace: Option<&str>) -> String {
    let root = match kind.gvk.group.as_str() {
        "" => format!("/api/{}", kind.gvk.version),
        group => format!("/apis/{group}/{}", kind.gvk.version),
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{}/{}", segment(namespace), kind.plural),
        None => format!("{root}/{}", kind.plural),
    }
}

/// What a watcher saw.
#[derive(Debug)]
pub(crate) enum Observation {
    /// A list begins. In the background of a view that is complete, or because there is none (any more).
    Listing { background: bool },
    /// Some objects of the list; what none of its pages names is gone.
    Page { objects: Vec<Seen>, moment: Moment, last: bool },
    /// An object appeared or changed.
    Applied(Seen),
    /// An object is gone; its last state.
    Deleted(Seen),
    /// What is known changed.
    State(Knowledge),
}

/// When a list was true.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) resource_version: String,
    /// The server's history went back (etcd restored): older resourceVersions are the newer truth.
    pub(crate) rewound: bool,
}

/// Shared by all watchers of a cluster.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) api: Api,
    pub(crate) options: Arc<Options>,
    /// Bounds the lists that run at once.
    pub(crate) lists: Arc<Semaphore>,
    /// Ends the slow pause after a 403 or a 404.
    pub(crate) poke: Arc<Notify>,
    /// Whether what is remembered is still true.
    pub(crate) history: Arc<History>,
}

enum Phase {
    /// To list.
    Idle,
    /// To read the page of this token, of the list at this resourceVersion.
    Paging { token: Option<String>, resource_version: String, _permit: OwnedSemaphorePermit },
    /// To read the page of this token, to see whether the watch told everything.
    Verifying { token: Option<String>, resource_version: String, audit: Audit, _permit: OwnedSemaphorePermit },
    /// To watch.
    Parted,
    /// A watch is open.
    Open { lines: Lines, until: Instant },
}

/// A rest before the next request.
enum Rest {
    None,
    For(Duration),
    /// Until somebody pokes, or this long.
    Poked(Duration),
}

/// Follows one target. [`next`](Self::next) is not cancel-safe: run it in a task of its own.
pub(crate) struct Watcher {
    shared: Shared,
    target: Target,
    phase: Phase,
    rest: Rest,
    /// Where to resume: the newest resourceVersion of the list, an event or a bookmark.
    resource_version: String,
    /// The last thing said, so that nothing is said twice.
    known: Knowledge,
    /// Whether `resource_version` continues a whole list without a gap.
    continuous: bool,
    /// Whether the watch said anything since the list.
    progressed: bool,
    page_size: u32,
    list_restarts: u32,
    old_lists: u32,
    failures: u32,
    listed: bool,
    watched: bool,
    /// When it is to be seen whether the watch told everything.
    due_at: Instant,
    /// What was told, of a kind that is watched whole.
    ledger: Ledger,
    /// Of what the last list showed that it was not told yet.
    doubts: Doubts,
    /// Whether the next look is because of them.
    doubting: bool,
    /// Since when no watch is open.
    parted_since: Instant,
    /// The watch ended otherwise than in its time: the server may be another than before.
    doubted: bool,
    /// Proofs that the history went back.
    history: watch::Receiver<u64>,
}

impl Watcher {
    pub(crate) fn new(shared: Shared, target: Target) -> Self {
        let now = Instant::now();
        Self {
            page_size: shared.options.page_size.max(1),
            history: shared.history.follow(),
            shared,
            target,
            phase: Phase::Idle,
            rest: Rest::None,
            resource_version: String::new(),
            known: Knowledge::Loading,
            continuous: false,
            progressed: false,
            list_restarts: 0,
            old_lists: 0,
            failures: 0,
            listed: false,
            watched: false,
            due_at: now,
            ledger: Ledger::default(),
            doubts: Doubts::new(),
            doubting: false,
            parted_since: now,
            doubted: false,
        }
    }

    /// The next thing seen; comes back when there is one, and never ends.
    pub(crate) async fn next(&mut self) -> Observation {
        loop {
            let rest = match std::mem::replace(&mut self.rest, Rest::None) {
                Rest::None => Ok(()),
                Rest::For(pause) => unless(&mut self.history, tokio::time::sleep(pause)).await,
                Rest::Poked(pause) => {
                    // Running out of time is the ordinary end.
                    let poked = tokio::time::timeout(pause, self.shared.poke.notified());
                    unless(&mut self.history, poked).await.map(drop)
                }
            };
            if rest.is_err() || self.history.has_changed().unwrap_or(false) {
                self.begin_anew();
            }
            let seen = match std::mem::replace(&mut self.phase, Phase::Idle) {
                Phase::Idle => Some(self.begin_list().await),
                Phase::Paging { token, resource_version, _permit } => {
                    self.read_page(token, resource_version, _permit).await
                }
                Phase::Verifying { token, resource_version, audit, _permit } => {
                    self.verify_page(token, resource_version, audit, _permit).await
                }
                Phase::Parted => self.open_watch().await,
                Phase::Open { lines, until } => self.read_event(lines, until).await,
            };
            if let Some(seen) = seen {
                return seen;
            }
        }
    }

    /// The history went back, it seems: a list tells.
    fn begin_anew(&mut self) {
        self.history.mark_unchanged();
        self.lose_continuity();
    }

    async fn begin_list(&mut self) -> Observation {
        let Ok(permit) = Arc::clone(&self.shared.lists).acquire_owned().await else {
            // Nobody closes the semaphore; were it so, this watcher would have nothing left to do.
            return std::future::pending().await;
        };
        if self.listed {
            self.shared.api.tally().relists.fetch_add(1, Relaxed);
        }
        self.listed = true;
        if !self.continuous && self.known == Knowledge::Complete {
            self.known = Knowledge::Loading;
        }
        self.phase = Phase::Paging { token: None, resource_version: String::new(), _permit: permit };
        Observation::Listing { background: self.continuous }
    }

    async fn read_page(
        &mut self,
        token: Option<String>,
        resource_version: String,
        permit: OwnedSemaphorePermit,
    ) -> Option<Observation> {
        let uri = self.page_uri(token.as_deref());
        let read = self.shared.api.get_bytes(Verb::List, &uri, self.target.accept(true)).await;
        let (page, objects) = match read.and_then(|body| parse_page(&body)) {
            Ok(read) => read,
            Err(failure) => return self.list_failed(&failure),
        };
        let next = page.continue_token.filter(|token| !token.is_empty());
        let torn = token.is_some() && (page.resource_version != resource_version || next == token);
        if torn {
            return self.restart_list(&Failure::Malformed("its pages do not fit together".to_owned()));
        }
        if page.resource_version.is_empty() {
            return self.list_failed(&Failure::Malformed("the list has no resourceVersion".to_owned()));
        }
        // All pages have the version of the first, so all are measured against the same past.
        let rewound = is_older(&page.resource_version, &self.resource_version);
        if token.is_none() && rewound && self.is_a_stale_replica() {
            self.backoff(None);
            return None;
        }
        if token.is_none() {
            self.ledger.clear();
            self.doubts.clear();
        }
        self.remember(&objects);
        let moment = Moment { resource_version: page.resource_version.clone(), rewound };
        if next.is_some() {
            self.phase =
                Phase::Paging { token: next, resource_version: page.resource_version, _permit: permit };
            return Some(Observation::Page { objects, moment, last: false });
        }
        self.resource_version = page.resource_version;
        self.known = Knowledge::Complete;
        self.continuous = true;
        self.doubted = false;
        self.list_restarts = 0;
        self.progressed = false;
        self.parted_since = Instant::now();
        self.is_right();
        Some(Observation::Page { objects, moment, last: true })
    }

    fn page_uri(&self, token: Option<&str>) -> String {
        let mut uri = format!("{}?limit={}", self.target.path(), self.page_size);
        if let Some(token) = token {
            uri.push_str("&continue=");
            uri.push_str(&query_value(token));
        }
        uri
    }

    /// A list that must begin anew: at once a few times, then as any failure.
    fn restart_list(&mut self, failure: &Failure) -> Option<Observation> {
        self.list_restarts += 1;
        if self.list_restarts <= MAX_LIST_RESTARTS {
            return None;
        }
        self.list_restarts = 0;
        self.backoff(None);
        self.list_lost(Knowledge::Failed { reason: format!("the list cannot be read to its end: {failure}") })
    }

    fn list_failed(&mut self, failure: &Failure) -> Option<Observation> {
        match failure {
            Failure::Status(status) if status.is_expired() => return self.restart_list(failure),
            Failure::TooLarge { .. } if self.page_size > 1 => {
                self.page_size = (self.page_size / 4).max(1);
                return None;
            }
            Failure::Status(status) => {
                if let Some(verdict) = self.verdict(status, Verb::List) {
                    self.continuous = false;
                    return self.list_lost(verdict);
                }
                self.backoff(status.retry_after);
            }
            Failure::TooLarge { .. } | Failure::Malformed(_) | Failure::Transport(_) => self.backoff(None),
        }
        // One failure may be a blip; whoever waits for the first list goes on waiting.
        if self.failures < 2 && !self.continuous {
            return None;
        }
        self.list_lost(Knowledge::Failed { reason: format!("the list failed: {failure}") })
    }

    /// A list did not come to its end. A view that is complete stays so by its watch; else this is the verdict.
    fn list_lost(&mut self, verdict: Knowledge) -> Option<Observation> {
        if self.continuous {
            return self.verify_later();
        }
        self.say(verdict)
    }

    /// What a refusal says about the kind for good, with a slow retry; `None` for what may pass by itself.
    fn verdict(&mut self, status: &Status, verb: Verb) -> Option<Knowledge> {
        // A kind that was made a moment ago is in discovery before its objects can be asked for.
        if status.code == 404 && self.failures < MAX_QUICK_404 {
            self.backoff(None);
            return Some(Knowledge::Absent);
        }
        let verdict = match status.code {
            403 => {
                let verdict = Knowledge::Forbidden { reason: status.message.clone() };
                // A server that just started refuses what it will grant in a moment.
                if self.failures < MAX_QUICK_403 {
                    self.backoff(None);
                    return Some(verdict);
                }
                verdict
            }
            404 => Knowledge::Absent,
            405 | 406 => {
                Knowledge::Failed { reason: format!("{} is refused: {}", verb.label(), status.message) }
            }
            _ => return None,
        };
        // Whoever needs a kind whole waits for it: once its right is granted it is not to rest as long as one among hundreds.
        let options = &self.shared.options;
        let rest = if self.target.mode == Mode::Full { options.backoff.1 } else { options.slow_retry };
        self.rest = Rest::Poked(stretched(rest, 5));
        Some(verdict)
    }

    async fn open_watch(&mut self) -> Option<Observation> {
        if let Some(due) = self.due() {
            self.phase = due;
            return None;
        }
        if self.doubted {
            match self.is_ahead().await {
                Ok(false) => self.doubted = false,
                Ok(true) => {
                    self.lose_continuity();
                    return None;
                }
                Err(failure) => return self.watch_failed(&failure),
            }
        }
        let timeout = stretched(self.shared.options.watch_timeout, 2);
        let uri = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
            self.target.path(),
            timeout.as_secs().max(1),
            query_value(&self.resource_version),
        );
        if self.watched {
            self.shared.api.tally().watch_restarts.fetch_add(1, Relaxed);
        }
        self.watched = true;
        let request = Request::get(uri)
            .header(header::ACCEPT, self.target.accept(false))
            // A server may compress each event by itself, which general decoders do not read.
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Vec::new());
        let opened = match request {
            Ok(request) => self.shared.api.open(Verb::Watch, request).await,
            Err(error) => Err(malformed(error)),
        };
        match opened {
            Ok(body) => {
                let until = Instant::now() + timeout + self.shared.options.watch_grace;
                self.phase = Phase::Open { lines: Lines::new(body), until };
                self.say(Knowledge::Complete)
            }
            Err(failure) => self.watch_failed(&failure),
        }
    }

    /// Whether the server has not come to the moment yet that was watched to.
    async fn is_ahead(&mut self) -> Result<bool, Failure> {
        // Nobody closes the semaphore; without its permit one more would ask at once.
        let _permit = self.shared.lists.acquire().await.ok();
        let uri = format!("{}?limit=1", self.target.path());
        let body = self.shared.api.get_bytes(Verb::List, &uri, METADATA_LIST).await?;
        let (page, _) = parse_page(&body)?;
        Ok(is_older(&page.resource_version, &self.resource_version))
    }

    /// A watch could not be opened, or broke: resume it where that is possible, else list again.
    fn watch_failed(&mut self, failure: &Failure) -> Option<Observation> {
        self.phase = Phase::Parted;
        self.doubted = true;
        match failure {
            Failure::Status(status) if status.is_expired() => {
                // A server to which even its own list is too old is not asked in a loop.
                if !self.progressed {
                    self.backoff(None);
                }
                self.lose_continuity();
                return None;
            }
            Failure::Status(status) => {
                if let Some(verdict) = self.verdict(status, Verb::Watch) {
                    self.lose_continuity();
                    return self.say(verdict);
                }
                self.backoff(status.retry_after);
                // Nothing that waiting mends, such as a resourceVersion that the server does not understand.
                if status.code < 500 && !matches!(status.code, 401 | 408 | 429) {
                    self.lose_continuity();
                }
            }
            Failure::Malformed(_) | Failure::TooLarge { .. } => {
                self.backoff(None);
                self.lose_continuity();
            }
            Failure::Transport(_) => self.backoff(None),
        }
        if self.parted_since.elapsed() < self.shared.options.stale_after {
            return None;
        }
        self.say(Knowledge::Failed { reason: format!("the watch failed: {failure}") })
    }

    fn lose_continuity(&mut self) {
        self.continuous = false;
        self.phase = Phase::Idle;
    }

    async fn read_event(&mut self, mut lines: Lines, until: Instant) -> Option<Observation> {
        self.parted_since = Instant::now();
        let line = tokio::time::timeout_at(until.min(self.due_at), lines.next());
        let Ok(line) = unless(&mut self.history, line).await else {
            self.begin_anew();
            return None;
        };
        let Ok(line) = line else {
            // Silent past its time, or it is time to see whether it told everything.
            self.phase = match self.due() {
                Some(due) => {
                    self.parted_since = Instant::now();
                    due
                }
                None if Instant::now() < until => Phase::Open { lines, until },
                None => {
                    self.doubted = true;
                    Phase::Parted
                }
            };
            return None;
        };
        let read = match line {
            Ok(Some(line)) => parse_line(&line),
            Ok(None) => {
                // The server closes a watch when its time is up; one that closes each at once is not asked in a loop.
                self.phase = Phase::Parted;
                self.doubted = Instant::now() + self.shared.options.watch_grace + EARLY < until;
                if lines.count == 0 && lines.opened.elapsed() < Duration::from_secs(1) {
                    self.backoff(None);
                } else {
                    self.failures = 0;
                }
                return None;
            }
            Err(failure) => Err(failure),
        };
        let event = match read {
            Ok(event) => event,
            Err(failure) => return self.watch_failed(&failure),
        };
        self.failures = 0;
        self.progressed = true;
        let (Event::Applied(seen) | Event::Deleted(seen) | Event::Bookmark(seen)) = &event;
        if !is_older(&seen.resource_version, &self.resource_version) {
            self.resource_version.clone_from(&seen.resource_version);
        } else if matches!(event, Event::Bookmark(_)) {
            // Another history, or a server that lags behind the one before: a consistent list decides.
            self.backoff(None);
            self.lose_continuity();
            return None;
        } else {
            // Told late or twice: what was gone may seem to be there.
            self.due_at = self.due_at.min(Instant::now() + self.shared.options.backoff.1);
        }
        self.phase = Phase::Open { lines, until };
        match event {
            Event::Applied(seen) => {
                self.remember(std::slice::from_ref(&seen));
                Some(Observation::Applied(seen))
            }
            Event::Deleted(seen) => {
                self.ledger.deleted(&seen);
                Some(Observation::Deleted(seen))
            }
            Event::Bookmark(_) => None,
        }
    }

    fn backoff(&mut self, retry_after: Option<Duration>) {
        let (first, longest) = self.shared.options.backoff;
        let pause = first.saturating_mul(1 << self.failures.min(16)).min(longest);
        self.failures = self.failures.saturating_add(1);
        self.rest = Rest::For(stretched(pause.max(retry_after.unwrap_or_default()), 2));
    }

    fn say(&mut self, known: Knowledge) -> Option<Observation> {
        if self.known == known {
            return None;
        }
        self.known = known.clone();
        Some(Observation::State(known))
    }
}

/// What comes of something, unless the history goes back meanwhile.
async fn unless<T>(history: &mut watch::Receiver<u64>, work: impl Future<Output = T>) -> Result<T, ()> {
    tokio::select! {
        done = work => Ok(done),
        Ok(()) = history.changed() => Err(()),
    }
}

/// Whether one resourceVersion is older than another; versions that are no numbers cannot be told apart by age.
pub(crate) fn is_older(a: &str, b: &str) -> bool {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a < b,
        _ => false,
    }
}

/// Up to one `part`-th longer, at random, so that many watchers do not act in step.
fn stretched(duration: Duration, part: u32) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1024;
    duration + (duration / part.max(1)).mul_f64(random as f64 / 1024.0)
}

fn parse_page(body: &Bytes) -> Result<(ListMeta, Vec<Seen>), Failure> {
    let page: ListPage<'_> = serde_json::from_slice(body).map_err(malformed)?;
    let items = page.items.unwrap_or_default();
    let seen = items.iter().map(|raw| Seen::parse(body.slice_ref(raw.get().as_bytes())));
    let seen = seen.collect::<Result<Vec<_>, _>>().map_err(malformed)?;
    Ok((page.metadata, seen))
}

#[derive(Debug)]
enum Event {
    Applied(Seen),
    Deleted(Seen),
    Bookmark(Seen),
}

fn parse_line(line: &Bytes) -> Result<Event, Failure> {
    let parsed: WatchLine<'_> = serde_json::from_slice(line).map_err(malformed)?;
    let object = line.slice_ref(parsed.object.get().as_bytes());
    if parsed.kind == "ERROR" {
        let status: Status = serde_json::from_slice(&object).map_err(malformed)?;
        return Err(Failure::Status(Box::new(status)));
    }
    let seen = Seen::parse(object).map_err(malformed)?;
    match parsed.kind.as_str() {
        "ADDED" | "MODIFIED" => Ok(Event::Applied(seen)),
        "DELETED" => Ok(Event::Deleted(seen)),
        "BOOKMARK" => Ok(Event::Bookmark(seen)),
        other => Err(Failure::Malformed(format!("a watch has no event {other:?}"))),
    }
}

/// The lines of a stream; a last line without its end is cut off and not a line.
struct Lines {
    body: Body,
    buffer: BytesMut,
    /// Bytes of `buffer` that hold no line end.
    scanned: usize,
    /// Lines read.
    count: u64,
    opened: Instant,
}

impl Lines {
    fn new(body: Body) -> Self {
        Self { body, buffer: BytesMut::new(), scanned: 0, count: 0, opened: Instant::now() }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let fresh = self.buffer.get(self.scanned..).unwrap_or_default();
            if let Some(end) = fresh.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.scanned + end).freeze();
                self.buffer.advance(1);
                self.scanned = 0;
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                self.count += 1;
                return Ok(Some(line));
            }
            self.scanned = self.buffer.len();
            if self.scanned > MAX_LINE_BYTES {
                return Err(Failure::TooLarge { limit: MAX_LINE_BYTES });
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| Failure::transport(&error))?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }
}
