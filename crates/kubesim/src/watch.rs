//! Watches: each keeps a place in the history of its kind and sends what came after.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::json;
use tokio::{sync::watch as signal, time::Instant};

use crate::{
    body::SimBody,
    convert,
    faults::FaultAction,
    read::bad_revision,
    registry::Kind,
    reply::{Accept, Answer, JSON, partial_chunks},
    route::Target,
    selectors::Selector,
    service::Context,
    sim::KubeSim,
    status::{ApiError, ApiResult, FieldError},
    store::{Change, Event, Stored},
    tables,
};

/// Events taken from the history at once, so that the lock is never held long.
const BATCH: usize = 256;

/// How long before its end a watch sends a last bookmark, if it lasts longer than that.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);

/// What is sent when the place in history is gone.
const TOO_OLD: &str = "too old resource version";

struct Watch {
    sim: KubeSim,
    kind: Arc<Kind>,
    namespace: String,
    name: String,
    selector: Selector,
    accept: Accept,
    wanted: tables::Wanted,
    revision: u64,
    bookmarks: bool,
    /// The bookmark that ends the initial events is still to come.
    initial: bool,
    first_table: bool,
    changed: signal::Receiver<u64>,
    queue: VecDeque<Bytes>,
    deadline: Instant,
    next_bookmark: Instant,
    fault: Option<FaultAction>,
    sent: u64,
    ended: bool,
}

/// Starts a watch.
pub(crate) fn watch(context: &mut Context, target: &Target) -> ApiResult<Answer> {
    let kind = &target.kind;
    let query = &context.query;
    let selector = Selector::parse(kind, query.get("labelSelector"), query.get("fieldSelector"))?;
    let send_initial = query.has("sendInitialEvents").then(|| query.flag("sendInitialEvents"));
    check_initial(context, send_initial)?;
    let from = query.get("resourceVersion");
    let from: u64 = if from.is_empty() { 0 } else { from.parse().map_err(|_| bad_revision(from))? };
    let mut state = context.sim.lock();
    let now = state.revision;
    let collection = state.collection(&kind.storage);
    if from > now && send_initial == Some(true) {
        return Err(crate::read::too_large(from, now));
    }
    let from_now = send_initial.unwrap_or(from == 0);
    let existing: Vec<Arc<Stored>> = if from_now {
        let all = collection.scan(&target.namespace, None);
        all.filter(|s| is_named(s, &target.name) && selector.matches(s)).cloned().collect()
    } else {
        Vec::new()
    };
    let started = if from_now || from == 0 { now } else { from };
    let changed = collection.subscribe();
    let expired = started < collection.forgotten;
    let oldest = collection.forgotten;
    drop(state);
    let options = context.sim.options();
    let seconds = context.query.number("timeoutSeconds").filter(|s| *s > 0);
    let timeout = seconds.map_or(options.watch_timeout, Duration::from_secs);
    let start = Instant::now();
    let mut watch = Watch {
        sim: context.sim.clone(),
        kind: Arc::clone(kind),
        namespace: target.namespace.clone(),
        name: target.name.clone(),
        selector,
        accept: context.accept,
        wanted: tables::Wanted::of(context),
        revision: started,
        bookmarks: context.query.flag("allowWatchBookmarks"),
        initial: send_initial == Some(true),
        first_table: true,
        changed,
        queue: VecDeque::new(),
        deadline: start + timeout,
        next_bookmark: bookmark_after(start, options.bookmark_interval, start + timeout),
        fault: context.fault.take(),
        sent: 0,
        ended: false,
    };
    if expired {
        watch.fail(&format!("{TOO_OLD}: {started} ({oldest})"));
    }
    for stored in &existing {
        watch.send("ADDED", stored);
    }
    if watch.initial && watch.bookmarks {
        watch.bookmark(true);
    }
    Ok(Answer { code: 200, content_type: JSON, body: SimBody::stream(watch.into_stream()) })
}

fn check_initial(context: &Context, send_initial: Option<bool>) -> ApiResult<()> {
    let query = &context.query;
    let field = "resourceVersionMatch";
    let error = match (send_initial, query.get(field)) {
        (Some(true), "NotOlderThan") if !query.flag("allowWatchBookmarks") => FieldError::forbidden(
            "allowWatchBookmarks",
            "sendInitialEvents requires setting allowWatchBookmarks to true",
        ),
        (Some(_), "NotOlderThan") | (None, "") => return Ok(()),
        (Some(_), _) => FieldError::forbidden(
            field,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (None, _) => FieldError::forbidden(
            field,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
    };
    Err(ApiError::invalid_options("ListOptions", &[error]))
}

/// When the next bookmark is due: after an interval, or shortly before the end if that comes first.
fn bookmark_after(now: Instant, interval: Duration, deadline: Instant) -> Instant {
    let last = deadline.checked_sub(LAST_BOOKMARK).filter(|last| *last > now);
    last.map_or(now + interval, |last| last.min(now + interval))
}

fn is_named(stored: &Stored, name: &str) -> bool {
    name.is_empty() || stored.key.name == name
}

impl Watch {
    fn into_stream(self) -> impl Stream<Item = Bytes> + Send {
        stream::unfold(self, |mut watch| async move {
            loop {
                if let Some(chunk) = watch.queue.pop_front() {
                    if let Some(FaultAction::DelayEvents(time)) = &watch.fault
                        && chunk.starts_with(b"{\"type\"")
                    {
                        tokio::time::sleep(*time).await;
                    }
                    return Some((chunk, watch));
                }
                if watch.ended {
                    return None;
                }
                watch.changed.borrow_and_update();
                watch.collect();
                if watch.queue.is_empty() && !watch.ended {
                    watch.rest().await;
                }
            }
        })
    }

    /// Waits for a change, the next bookmark or the end.
    async fn rest(&mut self) {
        let wake = if self.bookmarks { self.next_bookmark.min(self.deadline) } else { self.deadline };
        tokio::select! {
            // An error means that the simulator is gone.
            result = self.changed.changed() => self.ended |= result.is_err(),
            () = tokio::time::sleep_until(wake) => {
                let now = Instant::now();
                if self.bookmarks && now >= self.next_bookmark {
                    let interval = self.sim.options().bookmark_interval;
                    self.next_bookmark = bookmark_after(now, interval, self.deadline);
                    self.bookmark(false);
                }
                self.ended |= now >= self.deadline;
            }
        }
    }

    /// Takes the next events from the history.
    fn collect(&mut self) {
        let sim = self.sim.clone();
        let mut state = sim.lock();
        let current = state.revision;
        let collection = state.collection(&self.kind.storage);
        let Some(events) = collection.since(self.revision) else {
            let text = format!("{TOO_OLD}: {} ({})", self.revision, collection.forgotten);
            drop(state);
            self.fail(&text);
            return;
        };
        let events: Vec<Arc<Event>> = events.take(BATCH).cloned().collect();
        drop(state);
        if events.len() < BATCH {
            self.revision = self.revision.max(current);
        } else if let Some(last) = events.last() {
            self.revision = last.revision;
        }
        for event in &events {
            if self.ended {
                return;
            }
            self.take(event);
        }
    }

    fn take(&mut self, event: &Event) {
        let wanted = |s: &Stored| {
            (self.namespace.is_empty() || s.key.namespace == self.namespace)
                && is_named(s, &self.name)
                && self.selector.matches(s)
        };
        match &event.change {
            Change::Added(new) if wanted(new) => self.send("ADDED", new),
            Change::Deleted(last) if wanted(last) => self.send("DELETED", last),
            Change::Modified { old, new } => match (wanted(old), wanted(new)) {
                (true, true) => self.send("MODIFIED", new),
                (false, true) => self.send("ADDED", new),
                // What a client sees last is what it had seen, under the new version.
                (true, false) => {
                    let mut last = old.object();
                    last["metadata"]["resourceVersion"] = json!(event.revision.to_string());
                    self.send("DELETED", &Arc::new(Stored::new(&self.kind, last)));
                }
                (false, false) => {}
            },
            Change::Added(_) | Change::Deleted(_) => {}
        }
    }

    fn send(&mut self, what: &'static str, stored: &Arc<Stored>) {
        self.sent += 1;
        match &self.fault {
            Some(FaultAction::EndWatchAfter(count)) if self.sent > *count => {
                self.ended = true;
                return;
            }
            Some(FaultAction::ExpireWatchAfter(count)) if self.sent > *count => {
                self.fail(TOO_OLD);
                return;
            }
            Some(FaultAction::LoseEvent(nth)) if self.sent == *nth => return,
            _ => {}
        }
        let object = match self.accept {
            Accept::Json => convert::chunks(&self.kind, stored),
            Accept::Partial => partial_chunks(stored),
            Accept::Table => {
                let first = std::mem::take(&mut self.first_table);
                let table = tables::table(&self.kind, [stored], self.sim.now(), self.wanted, first);
                [table.to_string().into(), Bytes::new()]
            }
        };
        let times = if matches!(self.fault, Some(FaultAction::RepeatEvents)) { 2 } else { 1 };
        for _ in 0..times {
            self.queue.push_back(format!("{{\"type\":\"{what}\",\"object\":").into());
            self.queue.extend(object.iter().filter(|chunk| !chunk.is_empty()).cloned());
            self.queue.push_back(Bytes::from_static(b"}\n"));
        }
    }

    fn bookmark(&mut self, initial_end: bool) {
        let mut metadata = json!({"resourceVersion": self.revision.to_string()});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let (kind, api_version) = match self.accept {
            Accept::Json => (self.kind.kind.clone(), self.kind.api_version()),
            Accept::Partial => ("PartialObjectMetadata".to_owned(), "meta.k8s.io/v1".to_owned()),
            Accept::Table => ("Table".to_owned(), "meta.k8s.io/v1".to_owned()),
        };
        let mut object = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata});
        if self.accept == Accept::Table {
            object["columnDefinitions"] = json!([]);
            object["rows"] = json!([]);
        }
        self.queue.push_back(format!("{}\n", json!({"type": "BOOKMARK", "object": object})).into());
    }

    fn fail(&mut self, message: &str) {
        let status = ApiError::expired(message).to_value();
        self.queue.push_back(format!("{}\n", json!({"type": "ERROR", "object": status})).into());
        self.ended = true;
    }
}
