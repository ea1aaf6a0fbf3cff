//! `application.ApplicationService`.

use std::sync::Arc;
use std::time::Duration;

use ::api::Application;
use ::api::names::annotation;
use applications::is_cut;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::StreamExt as _;
use rbac::{Action, Decision};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tonic::Status;
use wire::Message;

use super::{Asked, Table, again, text};
use crate::apps::{APPLICATION, App, Apps, Filter};
use crate::call::{Answers, Encode, NoSuchMethod, Reply};
use crate::guard::{Guard, denied};
use crate::index::{Change, Entry as _};
use crate::server::Backend;
use crate::store::{self, Kind, version};

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/List", |backend, ask| {
        std::future::ready(list(&backend.apps, &ask.caller.guard, &ask.request))
    })?;
    table.one("application.ApplicationService/Get", get)?;
    table.many("application.ApplicationService/Watch", |backend, ask| {
        let (apps, guard) = (Arc::clone(&backend.apps), ask.caller.guard);
        std::future::ready(watch(apps, move || again(&backend, &guard), &ask.request))
    })
}

/// One, as the API server has it now, to do something with it.
pub(super) async fn live(
    backend: &Backend,
    ask: &Asked,
    action: &Action,
    place: (&str, &str),
) -> Result<(Value, Decision), Status> {
    live_for(backend, &ask.caller.guard, &ask.request, action, place).await
}

/// The same for somebody whose rights may be others by now.
pub(super) async fn live_for(
    backend: &Backend,
    guard: &Guard,
    request: &Value,
    action: &Action,
    place: (&str, &str),
) -> Result<(Value, Decision), Status> {
    let query = Filter::of(request)?;
    let project = match (query.projects.as_slice(), text(request, "project")) {
        ([], project) => project.to_owned(),
        ([one], _) => one.clone(),
        _ => {
            return Err(Status::invalid_argument(
                "multiple projects specified - the get endpoint accepts either zero or one project",
            ));
        }
    };
    let (app, _) = backend.apps.one(guard, action, place, &project)?;
    let (namespace, name) = app.name();
    let live = backend.store.get(Kind::Application, &namespace, &name).await;
    let live = live.map_err(|error| store::status("reading the application", &error))?.ok_or_else(denied)?;
    // What was decided is about the project that it is in now.
    let decision = backend.apps.decide(guard, action, &live).ok_or_else(denied)?;
    Ok((live, decision))
}

/// `Get`: one, as the API server has it now; with `refresh`, once it was looked at anew.
async fn get(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let place = (text(&ask.request, "appNamespace"), text(&ask.request, "name"));
    let (live, _) = live(&backend, &ask, &Action::Get, place).await?;
    let kind = match text(&ask.request, "refresh") {
        "" => return Ok(with_all_resources(&backend, live).await.into()),
        "hard" => "hard",
        _ => "normal",
    };
    let live = refresh(&backend, &live, kind).await?;
    Ok(with_all_resources(&backend, live).await.into())
}

/// An application with all its resources, also where its status has no room for them. Where they cannot be had, with those that it has:
/// a condition says so.
async fn with_all_resources(backend: &Backend, mut live: Value) -> Value {
    let Ok(app) = Application::from_value(live.clone()) else { return live };
    if !is_cut(&app.status) {
        return live;
    }
    let all = tokio::time::timeout(COMPARED, Box::pin(backend.controller.resources(&app))).await;
    if let Ok(Ok(Ok(all))) = all.map(|all| all.map(serde_json::to_value)) {
        live["status"]["resources"] = all;
    }
    live
}

/// How long it may take to compare an application whose status has no room for all of it.
const COMPARED: Duration = Duration::from_secs(60);

/// Asks for a look at an application and waits until it was taken, as the peer does: the annotation is gone then.
async fn refresh(backend: &Backend, app: &Value, kind: &str) -> Result<Value, Status> {
    let Some(app) = App::of(app.clone()) else { return Err(denied()) };
    let (namespace, name) = app.name();
    let (_, mut changes) = backend.apps.index().all_and_changes();
    let patch = json!({"metadata": {"annotations": {annotation::REFRESH: kind}}});
    let patched = backend.store.patch(Kind::Application, &namespace, &name, &patch).await;
    let patched = patched.map_err(|error| store::status("refreshing the application", &error))?;
    let since = version_of(&patched);
    let waits = |value: &Value| {
        value.pointer("/metadata/annotations").and_then(|all| all.get(annotation::REFRESH)).is_some()
    };
    let done = async {
        loop {
            match changes.recv().await {
                Ok(Change::Deleted(gone)) if gone.name() == app.name() => return Err(denied()),
                Ok(Change::Added(seen) | Change::Modified(seen)) if seen.name() == app.name() => {
                    let value: Value = serde_json::from_slice(seen.text()).unwrap_or_default();
                    if version_of(&value) > since && !waits(&value) {
                        return Ok(value);
                    }
                }
                Err(RecvError::Closed) => return Err(Status::unavailable("the server ends")),
                _ => {}
            }
        }
    };
    tokio::time::timeout(REFRESHED, done).await.map_err(|_| {
        Status::deadline_exceeded(format!(
            "application {name} was not looked at within {} s: is the controller running?",
            REFRESHED.as_secs()
        ))
    })?
}

fn version_of(object: &Value) -> u64 {
    version(object).parse().unwrap_or_default()
}

/// How long a refresh is waited for.
const REFRESHED: Duration = Duration::from_secs(60);

fn message(name: &str) -> Result<&'static Message, Status> {
    wire::schema().message(name).ok_or_else(|| Status::internal(format!("{name} is no message")))
}

/// Applications with the version that they were listed at.
struct List {
    apps: Vec<Arc<App>>,
    version: String,
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} applications at {}", self.apps.len(), self.version)
    }
}

impl Encode for List {
    fn json(&self) -> Bytes {
        let head = json!({"resourceVersion": self.version}).to_string();
        let size = self.apps.iter().map(|app| app.text().len() + 1).sum::<usize>() + head.len() + 64;
        let mut out = BytesMut::with_capacity(size);
        out.put_slice(b"{\"metadata\":");
        out.put_slice(head.as_bytes());
        // A list of none is null in Go.
        let [open, close]: [&[u8]; 2] = if self.apps.is_empty() { [b"null", b""] } else { [b"[", b"]"] };
        out.put_slice(b",\"items\":");
        out.put_slice(open);
        for (index, app) in self.apps.iter().enumerate() {
            if index > 0 {
                out.put_u8(b',');
            }
            out.put_slice(app.text());
        }
        out.put_slice(close);
        out.put_u8(b'}');
        out.freeze()
    }

    fn protobuf(&self, list: &Message) -> Result<Bytes, Status> {
        let application = message(APPLICATION)?;
        let head = json!({"metadata": {"resourceVersion": self.version}});
        let mut out = list.encode(&head).map_err(|error| Status::internal(error.to_string()))?;
        for app in &self.apps {
            list.append("items", &app.protobuf(application)?, &mut out);
        }
        Ok(out.into())
    }
}

/// A change of an Application.
struct Event {
    kind: &'static str,
    app: Arc<App>,
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind)
    }
}

impl Encode for Event {
    fn json(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.app.text().len() + 48);
        out.put_slice(format!("{{\"type\":\"{}\",\"application\":", self.kind).as_bytes());
        out.put_slice(self.app.text());
        out.put_u8(b'}');
        out.freeze()
    }

    fn protobuf(&self, event: &Message) -> Result<Bytes, Status> {
        let head =
            event.encode(&json!({"type": self.kind})).map_err(|error| Status::internal(error.to_string()));
        let mut out = head?;
        event.append("application", &self.app.protobuf(message(APPLICATION)?)?, &mut out);
        Ok(out.into())
    }
}

/// `List`: those that are asked for and may be seen.
fn list(apps: &Apps, guard: &Guard, query: &Value) -> Result<Reply, Status> {
    let found = apps.list(guard, &Filter::of(query)?);
    let version = apps.index().newest().to_string();
    Ok(Reply::Made(Arc::new(List { apps: found, version })))
}

/// `Watch`: what there is, then every change of it. `guard` is asked anew for each, since rights may go.
///
/// Whoever asks from a version on is not told what there is, unless it is one application, of which nothing may be missed.
fn watch(
    apps: Arc<Apps>,
    guard: impl Fn() -> Guard + Send + 'static,
    query: &Value,
) -> Result<Answers, Status> {
    let filter = Filter::of(query)?;
    let from = query.get("resourceVersion").and_then(Value::as_str).unwrap_or_default();
    let (mut first, changes) = apps.follow(&guard(), &filter);
    if !from.is_empty() && filter.name.is_empty() {
        first.clear();
    }
    let event = |kind, app| Ok(Reply::Made(Arc::new(Event { kind, app })));
    // Who deletes and then watches would wait for ever for what is gone already.
    let gone = if first.is_empty() && !filter.name.is_empty() { apps.gone(&guard(), &filter) } else { None };
    let first = first.into_iter().map(|app| ("ADDED", app)).chain(gone.map(|app| ("DELETED", app)));
    let first: Vec<_> = first.collect();
    let first = futures::stream::iter(first).map(move |(kind, app)| event(kind, app));
    let start = (apps, guard, filter, changes);
    let later = futures::stream::unfold(start, move |(apps, guard, filter, mut changes)| async move {
        loop {
            let (kind, app) = match changes.recv().await {
                Ok(Change::Added(app)) => ("ADDED", app),
                Ok(Change::Modified(app)) => ("MODIFIED", app),
                Ok(Change::Deleted(app)) => ("DELETED", app),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(count)) => {
                    let text = format!("{count} changes were missed; list and watch again");
                    let over = (apps, guard, filter, closed());
                    return Some((Err(Status::aborted(text)), over));
                }
            };
            if apps.shows(&guard(), &filter, &app) {
                return Some((event(kind, app), (apps, guard, filter, changes)));
            }
        }
    });
    Ok(first.chain(later).boxed())
}

/// Changes of nothing: whoever missed some is told so once, and no more.
fn closed() -> tokio::sync::broadcast::Receiver<Change<App>> {
    tokio::sync::broadcast::channel(1).1
}
