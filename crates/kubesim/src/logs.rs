//! What containers print, as a kubelet serves it: a line when one starts and one when it ends, and what tests and demonstrations have it
//! print between.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::watch;

use crate::body::SimBody;
use crate::read;
use crate::reply::Answer;
use crate::route::{Query, Target};
use crate::service::Context;
use crate::sim::KubeSim;
use crate::status::{ApiError, ApiResult};
use crate::store::Key;

/// Lines that are kept of a container; older ones go.
const KEPT: usize = 2_000;
/// Bytes of a line.
const LINE: usize = 16 << 10;
/// Bytes that are read of a spout at once.
const PIECE: usize = 16 << 10;
/// How long whoever follows may be behind the end of a container.
const LOOK: Duration = Duration::from_millis(50);

/// What was printed, by the pod's uid and the container's name.
#[derive(Debug)]
pub(crate) struct Logs {
    printed: Mutex<HashMap<(String, String), Numbered>>,
    spouts: Mutex<HashMap<(String, String), Arc<Spout>>>,
    news: watch::Sender<u64>,
}

/// Lines with their numbers, which grow.
type Numbered = VecDeque<(u64, Line)>;

#[derive(Debug, Clone)]
struct Line {
    at: Timestamp,
    text: String,
}

impl Default for Logs {
    fn default() -> Self {
        Self { printed: Mutex::default(), spouts: Mutex::default(), news: watch::channel(0).0 }
    }
}

impl Logs {
    fn print(&self, uid: &str, container: &str, line: Line) {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = printed.entry((uid.to_owned(), container.to_owned())).or_default();
        self.news.send_modify(|number| *number += 1);
        lines.push_back((*self.news.borrow(), line));
        if lines.len() > KEPT {
            lines.pop_front();
        }
    }

    /// The lines after one of this number, with the number of the last.
    fn after(&self, uid: &str, container: &str, number: u64) -> (Vec<Line>, u64) {
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = printed.get(&(uid.to_owned(), container.to_owned())).into_iter().flatten();
        let new: Vec<_> = lines.filter(|(own, _)| *own > number).collect();
        let last = new.last().map_or(number, |(own, _)| *own);
        (new.into_iter().map(|(_, line)| line.clone()).collect(), last)
    }
}

impl KubeSim {
    /// Has a container print a line now. `false` where there is no such pod.
    pub fn print(&self, namespace: &str, pod: &str, container: &str, line: &str) -> bool {
        let uid = self.lock().get("pods", &Key::new(namespace, pod)).map(|pod| pod.uid.clone());
        let end =
            (0..=line.len().min(LINE)).rev().find(|end| line.is_char_boundary(*end)).unwrap_or_default();
        let text = line.get(..end).unwrap_or_default().replace(['\n', '\r'], " ");
        if let Some(uid) = &uid {
            self.logs().print(uid, container, Line { at: self.now(), text });
        }
        uid.is_some()
    }
}

/// What a container prints again and again, as fast as those read it who follow.
#[derive(Debug)]
pub struct Spout {
    text: Bytes,
    taken: AtomicU64,
    readers: AtomicUsize,
}

impl Spout {
    /// How many bytes it got rid of.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    /// How many follow it.
    pub fn readers(&self) -> usize {
        self.readers.load(Ordering::SeqCst)
    }
}

/// Somebody who follows a spout.
struct Drinker(Arc<Spout>);

impl Drop for Drinker {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl KubeSim {
    /// Has a container print these bytes, times and ends of lines included, without an end, to whoever follows its log from now on. `None` where
    /// there is no such pod.
    pub fn spout(&self, namespace: &str, pod: &str, container: &str, text: &[u8]) -> Option<Arc<Spout>> {
        let uid = self.lock().get("pods", &Key::new(namespace, pod)).map(|pod| pod.uid.clone())?;
        let text = Bytes::copy_from_slice(text);
        let spout = Arc::new(Spout { text, taken: AtomicU64::new(0), readers: AtomicUsize::new(0) });
        let mut spouts = self.logs().spouts.lock().unwrap_or_else(PoisonError::into_inner);
        spouts.insert((uid, container.to_owned()), Arc::clone(&spout));
        Some(spout)
    }
}

/// The bytes of a spout in pieces of its reader's making.
fn drink(spout: Arc<Spout>) -> impl futures::Stream<Item = Bytes> + Send {
    spout.readers.fetch_add(1, Ordering::SeqCst);
    stream::unfold((Drinker(spout), 0), |(drinker, at)| async move {
        let text = &drinker.0.text;
        let end = (at + PIECE).min(text.len());
        let piece = text.slice(at..end);
        drinker.0.taken.fetch_add(u64::try_from(piece.len()).unwrap_or_default(), Ordering::SeqCst);
        // Others work, too, as they do where bytes come from a network.
        tokio::task::yield_now().await;
        let next = if end == text.len() { 0 } else { end };
        Some((piece, (drinker, next)))
    })
}

/// One container's log, as it is asked for.
struct Reader {
    sim: KubeSim,
    pod: Key,
    uid: String,
    container: String,
    timestamps: bool,
    /// The last line that was sent.
    number: u64,
}

/// Answers `GET …/pods/<name>/log`.
pub(crate) fn answer(context: &Context, target: &Target) -> ApiResult<Answer> {
    let stored = read::find(context, target)?;
    let pod: Value = serde_json::from_slice(&stored.bare()).unwrap_or_default();
    let query = &context.query;
    let container = container(&pod, &target.name, query.get("container"))?;
    let state = state(&pod, &target.name, &container, query.flag("previous"))?;
    let mut reader = Reader {
        sim: context.sim.clone(),
        pod: stored.key.clone(),
        uid: stored.uid.clone(),
        container,
        timestamps: query.flag("timestamps"),
        number: 0,
    };
    let image = image_of(&pod, &reader.container);
    let mut lines: Vec<Line> =
        state.began.map(|at| Line { at, text: format!("{image} started") }).into_iter().collect();
    if !state.previous {
        let (printed, number) = context.sim.logs().after(&reader.uid, &reader.container, 0);
        reader.number = number;
        lines.extend(printed);
    }
    lines.extend(state.ended.map(|(at, code)| Line { at, text: format!("{image} ended with code {code}") }));
    lines.sort_by_key(|line| line.at);
    choose(&mut lines, query, context.now)?;
    let first = reader.text(&lines);
    let key = (reader.uid.clone(), reader.container.clone());
    let spout = context.sim.logs().spouts.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let body = match (query.flag("follow") && state.ended.is_none(), spout) {
        (true, Some(spout)) => SimBody::stream(drink(spout)),
        (true, None) => SimBody::stream(follow(reader, first)),
        (false, _) => SimBody::full(first),
    };
    Ok(Answer { code: 200, content_type: "text/plain", body })
}

fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    let of = |list: &str| pod.pointer(&format!("/status/{list}")).and_then(Value::as_array);
    of("containerStatuses").into_iter().chain(of("initContainerStatuses")).flatten()
}

fn declared(pod: &Value) -> impl Iterator<Item = &Value> {
    let of = |list: &str| pod.pointer(&format!("/spec/{list}")).and_then(Value::as_array);
    of("containers").into_iter().chain(of("initContainers")).flatten()
}

fn name(value: &Value) -> &str {
    value.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn image_of(pod: &Value, container: &str) -> String {
    let image = declared(pod).find(|own| name(own) == container).and_then(|own| own.get("image")?.as_str());
    image.unwrap_or_default().to_owned()
}

/// The container that is meant.
pub(crate) fn container(pod: &Value, pod_name: &str, asked: &str) -> ApiResult<String> {
    let main =
        pod.pointer("/spec/containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match (asked, main) {
        ("", [one]) => Ok(name(one).to_owned()),
        ("", several) => {
            let names: Vec<&str> = several.iter().map(name).collect();
            Err(ApiError::bad_request(format!(
                "a container name must be specified for pod {pod_name}, choose one of: [{}]",
                names.join(" ")
            )))
        }
        (asked, _) if declared(pod).any(|own| name(own) == asked) => Ok(asked.to_owned()),
        (asked, _) => {
            Err(ApiError::bad_request(format!("container {asked} is not valid for pod {pod_name}")))
        }
    }
}

/// When a container began and ended.
struct State {
    began: Option<Timestamp>,
    ended: Option<(Timestamp, i64)>,
    previous: bool,
}

fn state(pod: &Value, pod_name: &str, container: &str, previous: bool) -> ApiResult<State> {
    let status = statuses(pod).find(|own| name(own) == container).cloned().unwrap_or_default();
    let time =
        |pointer: &str| status.pointer(pointer).and_then(Value::as_str).and_then(|text| text.parse().ok());
    let terminated = |at: &str, previous: bool| {
        let ended = time(&format!("{at}/terminated/finishedAt"))?;
        let code =
            status.pointer(&format!("{at}/terminated/exitCode")).and_then(Value::as_i64).unwrap_or_default();
        Some(State {
            began: time(&format!("{at}/terminated/startedAt")),
            ended: Some((ended, code)),
            previous,
        })
    };
    if previous {
        return terminated("/lastState", true).ok_or_else(|| {
            ApiError::bad_request(format!(
                "previous terminated container \"{container}\" in pod \"{pod_name}\" not found"
            ))
        });
    }
    if let Some(began) = time("/state/running/startedAt") {
        return Ok(State { began: Some(began), ended: None, previous });
    }
    terminated("/state", false).or_else(|| terminated("/lastState", false)).ok_or_else(|| {
        let reason =
            status.pointer("/state/waiting/reason").and_then(Value::as_str).unwrap_or("ContainerCreating");
        ApiError::bad_request(format!(
            "container \"{container}\" in pod \"{pod_name}\" is waiting to start: {reason}"
        ))
    })
}

/// Leaves the lines that are asked for.
fn choose(lines: &mut Vec<Line>, query: &Query, now: Timestamp) -> ApiResult<()> {
    let since = match (query.get("sinceTime"), query.number("sinceSeconds")) {
        ("", None) => None,
        ("", Some(seconds)) => {
            let ago = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            now.checked_sub(ago).ok()
        }
        (time, _) => {
            Some(time.parse().map_err(|_| ApiError::bad_request(format!("sinceTime {time:?} is no time")))?)
        }
    };
    lines.retain(|line| since.is_none_or(|since| line.at >= since));
    if let Some(tail) = query.number("tailLines") {
        let tail = usize::try_from(tail).unwrap_or(usize::MAX);
        lines.drain(..lines.len().saturating_sub(tail));
    }
    Ok(())
}

impl Reader {
    fn text(&self, lines: &[Line]) -> Bytes {
        let mut text = String::new();
        for line in lines {
            if self.timestamps {
                text.push_str(&line.at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string());
            }
            text.push_str(&line.text);
            text.push('\n');
        }
        text.into()
    }

    /// Whether the container can print more.
    fn goes_on(&self) -> bool {
        runs(&self.sim, &self.pod, &self.uid, &self.container)
    }
}

/// Whether a container of this very pod runs.
pub(crate) fn runs(sim: &KubeSim, pod: &Key, uid: &str, container: &str) -> bool {
    let state = sim.lock();
    let Some(stored) = state.get("pods", pod).filter(|stored| stored.uid == uid) else { return false };
    let pod: Value = serde_json::from_slice(&stored.bare()).unwrap_or_default();
    statuses(&pod).any(|own| name(own) == container && own.pointer("/state/running").is_some())
}

fn follow(reader: Reader, first: Bytes) -> impl futures::Stream<Item = Bytes> + Send {
    let news = reader.sim.logs().news.subscribe();
    stream::unfold((reader, news, Some(first)), |(mut reader, mut news, first)| async move {
        if let Some(first) = first {
            return Some((first, (reader, news, None)));
        }
        loop {
            let goes_on = reader.goes_on();
            let (lines, number) = reader.sim.logs().after(&reader.uid, &reader.container, reader.number);
            reader.number = number;
            if !lines.is_empty() {
                return Some((reader.text(&lines), (reader, news, None)));
            }
            if !goes_on {
                return None;
            }
            // Of the end of a container nobody tells.
            drop(tokio::time::timeout(LOOK, news.changed()).await);
        }
    })
}
