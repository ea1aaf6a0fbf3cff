//! What the containers of an application print.

mod merge;
mod query;

use std::sync::Arc;
use std::time::Duration;

use applications::Site;
use cluster::{LiveObject, LogRequest};
use futures::StreamExt as _;
use jiff::Timestamp;
use rbac::{Action, Resource};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tonic::Status;

use super::site::visit;
use super::{Asked, Table, enter_again};
use crate::call::{Answers, NoSuchMethod, Reply};
use crate::guard::Guard;
use crate::server::Backend;
use merge::{Line, Merge};
use query::Query;

/// How long lines wait for older ones of other pods.
const PATIENCE: Duration = Duration::from_millis(100);
/// Lines that are read ahead of whoever reads them, and bytes of all of them. With what waits for older lines, and what is on its way, a stream
/// takes less than a MiB, whatever containers print.
const AHEAD: usize = 256;
const AHEAD_BYTES: usize = 256 * 1024;
/// What a line takes beside its text.
const LINE: usize = 128;
/// How often whoever reads is asked for rights.
const RIGHTS: Duration = Duration::from_secs(2);
/// Setting: pods whose logs may be read together.
const MOST_PODS: &str = "server.maxPodLogsToRender";
/// The same where nothing is said.
const PODS: usize = 10;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.many("application.ApplicationService/PodLogs", pod_logs)
}

/// What a task that reads a log has to say.
enum News {
    /// It makes room for another one when it is taken.
    Line {
        log: usize,
        line: Line,
        _room: OwnedSemaphorePermit,
    },
    End(usize),
}

/// A stream of log entries at work. Its tasks end with it.
struct Reading {
    backend: Arc<Backend>,
    ask: Asked,
    query: Query,
    merge: Merge,
    news: mpsc::Receiver<News>,
    rights: Interval,
    /// Since when lines wait.
    waits: Option<Instant>,
    over: bool,
    _tasks: JoinSet<()>,
}

/// **Source**: `Server.PodLogs`. The right to `logs` and to the application is asked for again while lines come.
async fn pod_logs(backend: Arc<Backend>, ask: Asked) -> Result<Answers, Status> {
    let query = Query::of(&ask.request)?;
    let (site, pods) = Box::pin(pods(&backend, &ask, &query)).await?;
    let (tell, news) = mpsc::channel(AHEAD);
    let (mut tasks, room) = (JoinSet::new(), Arc::new(Semaphore::new(AHEAD_BYTES)));
    for (index, pod) in pods.iter().enumerate() {
        let reader = Reader {
            site: Arc::clone(&site),
            pod: Arc::clone(pod),
            index,
            tell: tell.clone(),
            room: Arc::clone(&room),
        };
        tasks.spawn(reader.read(query.log.clone()));
    }
    let mut rights = interval_at(Instant::now() + RIGHTS, RIGHTS);
    rights.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let merge = Merge::new(pods.len());
    // Without pods there is nothing to read, and no last entry either.
    let over = pods.is_empty();
    let reading = Reading { backend, ask, query, merge, news, rights, waits: None, over, _tasks: tasks };
    let entries = futures::stream::try_unfold(reading, |mut reading| async move {
        let entry = reading.next().await?;
        Ok(entry.map(|entry| (Reply::from(entry), reading)))
    });
    Ok(entries.boxed())
}

/// The pods that are meant, for whoever may read logs.
async fn pods(
    backend: &Backend,
    ask: &Asked,
    query: &Query,
) -> Result<(Arc<Site>, Vec<Arc<LiveObject>>), Status> {
    let visited = visit(backend, &ask.caller.guard, &ask.request, &[Action::Get], "name").await?;
    decide(backend, &ask.caller.guard, &visited.value)?;
    let pods = visited.site.pods(&|key| query.means(key));
    let config = &backend.settings.current().config;
    let most = config.get(MOST_PODS).and_then(|text| text.parse().ok()).unwrap_or(PODS);
    if pods.len() > most {
        let text = "max pods to view logs are reached. Please provide more granular query";
        return Err(Status::invalid_argument(text));
    }
    Ok((Arc::new(visited.site), pods))
}

fn decide(backend: &Backend, guard: &Guard, app: &Value) -> Result<(), Status> {
    let object = backend.apps.object(app).ok_or_else(crate::guard::denied)?;
    guard.decide(Resource::Logs, Action::Get, object).map(drop)
}

/// Reads the log of one pod.
struct Reader {
    site: Arc<Site>,
    pod: Arc<LiveObject>,
    index: usize,
    tell: mpsc::Sender<News>,
    room: Arc<Semaphore>,
}

impl Reader {
    /// Reads to the end, as fast as lines are taken. Why it cannot be read is a line of it, so that people see it.
    async fn read(self, request: LogRequest) {
        let mut last = Timestamp::UNIX_EPOCH;
        match self.site.log(&self.pod, &request).await {
            Ok(lines) => {
                let mut lines = std::pin::pin!(lines);
                while let Some(line) = lines.next().await {
                    let line = line.unwrap_or_else(|error| error.to_string().into());
                    let line = String::from_utf8_lossy(&line);
                    for text in parts(&line, &mut last) {
                        if self.say(last, text).await.is_none() {
                            return;
                        }
                    }
                }
            }
            Err(error) => drop(self.say(last, &error.to_string()).await),
        }
        drop(self.tell.send(News::End(self.index)).await);
    }

    /// Hands a line on once there is room. `None` where nobody reads any more.
    async fn say(&self, at: Timestamp, text: &str) -> Option<()> {
        let takes = u32::try_from((text.len() + LINE).min(AHEAD_BYTES)).ok()?;
        let room = Arc::clone(&self.room).acquire_many_owned(takes).await.ok()?;
        let line = Line { pod: self.pod.name().to_owned(), at, text: text.to_owned() };
        self.tell.send(News::Line { log: self.index, line, _room: room }).await.ok()
    }
}

/// A line without its time, which becomes the last one; what was written over by returns of the carriage are lines of their own.
fn parts<'line>(line: &'line str, last: &mut Timestamp) -> impl Iterator<Item = &'line str> + use<'line> {
    let line = line.trim_end();
    let (time, text) = line.split_once(' ').unwrap_or((line, ""));
    let text = match time.parse() {
        Ok(time) => {
            *last = time;
            text
        }
        // A piece of a line that was too long.
        Err(_) => line,
    };
    text.split('\r')
}

impl Reading {
    /// The next entry; `None` after the last.
    async fn next(&mut self) -> Result<Option<Value>, Status> {
        if self.over {
            return Ok(None);
        }
        loop {
            let late = self.waits.is_some_and(|since| since.elapsed() >= PATIENCE);
            while let Some(line) = self.merge.next(late) {
                if self.query.is_late(&line) {
                    self.over = true;
                    return Ok(Some(entry(&line, true)));
                }
                if self.query.shows(&line.text) {
                    return Ok(Some(entry(&line, false)));
                }
            }
            if self.merge.is_over() {
                self.over = true;
                let at = self.backend.now();
                return Ok(Some(entry(&Line { pod: String::new(), at, text: String::new() }, true)));
            }
            self.waits =
                self.merge.waits().then(|| self.waits.filter(|_| !late).unwrap_or_else(Instant::now));
            let patience = self.waits.unwrap_or_else(|| Instant::now() + RIGHTS) + PATIENCE;
            tokio::select! {
                biased;
                _ = self.rights.tick() => self.ask_again().await?,
                news = self.news.recv() => match news {
                    Some(News::Line { log, line, .. }) => self.merge.push(log, line),
                    Some(News::End(log)) => self.merge.end(log),
                    None => return Err(Status::internal("nobody reads the logs any more")),
                },
                () = sleep_until(patience) => {}
            }
        }
    }

    /// Whether the session, the right to the application and the right to its logs are still there.
    async fn ask_again(&self) -> Result<(), Status> {
        let guard = enter_again(&self.backend, &self.ask.caller).await?;
        let (app, _) = super::site::kept(&self.backend, &guard, &self.ask.request, "name")?;
        let app: Value =
            serde_json::from_slice(app.text()).map_err(|error| Status::internal(error.to_string()))?;
        decide(&self.backend, &guard, &app)
    }
}

fn entry(line: &Line, last: bool) -> Value {
    json!({
        "content": line.text, "podName": line.pod, "last": last, "timeStamp": ::api::format_time(line.at),
        "timeStampStr": line.at.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_time_and_parts() {
        for (line, expected, at) in [
            ("2026-01-02T03:04:05.6Z hello  world", vec!["hello  world"], 5),
            ("2026-01-02T03:04:06Z ", vec![""], 6),
            ("2026-01-02T03:04:07Z 10%\r20%", vec!["10%", "20%"], 7),
            ("the rest of a long line", vec!["the rest of a long line"], 7),
        ] {
            let mut last: Timestamp = "2026-01-02T03:04:07Z".parse().unwrap();
            assert_eq!(parts(line, &mut last).collect::<Vec<_>>(), expected, "{line}");
            assert_eq!(last.strftime("%-S").to_string(), at.to_string(), "{line}");
        }
    }
}
