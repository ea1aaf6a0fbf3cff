//! A small scripted API server: lists in pages, watches, and whatever faults a test asks for.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use cluster::{Change, Changes, Cluster, Knowledge, Notice, Options};
use futures::stream;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::client::Body;
use resource::{GroupKind, ResourceKey};
use serde_json::{Value, json};
use tokio::sync::mpsc;

type Answer = Response<UnsyncBoxBody<Bytes, std::convert::Infallible>>;
type Line = http_body::Frame<Bytes>;

/// One kind that the server serves.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) group: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) namespaced: bool,
}

pub(crate) const CONFIG_MAP: Served =
    Served { group: "", kind: "ConfigMap", plural: "configmaps", namespaced: true };
pub(crate) const POD: Served = Served { group: "", kind: "Pod", plural: "pods", namespaced: true };
pub(crate) const NAMESPACE: Served =
    Served { group: "", kind: "Namespace", plural: "namespaces", namespaced: false };
pub(crate) const DEPLOYMENT: Served =
    Served { group: "apps", kind: "Deployment", plural: "deployments", namespaced: true };
pub(crate) const REPLICA_SET: Served =
    Served { group: "apps", kind: "ReplicaSet", plural: "replicasets", namespaced: true };
pub(crate) const WIDGET: Served =
    Served { group: "demo.io", kind: "Widget", plural: "widgets", namespaced: true };
pub(crate) const CRD: Served = Served {
    group: "apiextensions.k8s.io",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    namespaced: false,
};

impl Served {
    pub(crate) fn group_kind(&self) -> GroupKind {
        GroupKind::new(self.group, self.kind)
    }

    pub(crate) fn key(&self, name: &str) -> ResourceKey {
        ResourceKey::new(self.group, self.kind, if self.namespaced { "shop" } else { "" }, name)
    }

    fn root(&self) -> String {
        if self.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/v1", self.group) }
    }
}

struct Fault {
    matches: String,
    times: usize,
    outcome: Outcome,
}

/// What a faulty request comes to.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// This answer.
    Answer(u16, Value),
    /// 429, and the seconds to wait.
    Throttle(u64),
    /// No answer at all.
    Hang,
    /// An answer without end.
    Flood,
    /// The beginning of an answer.
    Cut(&'static str),
}

struct Watcher {
    plural: String,
    lines: mpsc::UnboundedSender<Line>,
}

#[derive(Default)]
struct State {
    aggregated: bool,
    kinds: Vec<Served>,
    stale_groups: Vec<String>,
    version: u64,
    compacted: u64,
    /// By plural, namespace and name.
    objects: BTreeMap<(String, String, String), Value>,
    history: Vec<(u64, String, &'static str, Value)>,
    watchers: Vec<Watcher>,
    lists: BTreeMap<String, (u64, Vec<Value>)>,
    faults: Vec<Fault>,
    requests: Vec<(String, Value)>,
    withheld: bool,
}

/// The server. Clones share all.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub(crate) fn new(kinds: &[Served]) -> Self {
        Self(Arc::new(Mutex::new(State {
            aggregated: true,
            kinds: kinds.to_vec(),
            version: 10,
            ..State::default()
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn client(&self) -> kube::Client {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let fake = fake.clone();
            async move { Ok::<_, tower::BoxError>(fake.answer(request).await) }
        });
        kube::Client::new(service, "default")
    }

    pub(crate) async fn cluster(&self) -> Cluster {
        Cluster::start(self.client(), options()).await.unwrap()
    }

    pub(crate) fn without_aggregation(self) -> Self {
        self.state().aggregated = false;
        self
    }

    pub(crate) fn serve(&self, served: Served) {
        self.state().kinds.push(served);
    }

    pub(crate) fn unserve(&self, served: &Served) {
        self.state().kinds.retain(|kind| kind.plural != served.plural);
    }

    pub(crate) fn stale(&self, group: &str, stale: bool) {
        let mut state = self.state();
        state.stale_groups.retain(|there| there != group);
        if stale {
            state.stale_groups.push(group.to_owned());
        }
    }

    /// Answers requests whose `METHOD uri` contains the text with an error, so many times.
    pub(crate) fn fail(&self, matches: &str, times: usize, code: u16, body: Value) {
        self.inject(matches, times, Outcome::Answer(code, body));
    }

    pub(crate) fn inject(&self, matches: &str, times: usize, outcome: Outcome) {
        self.state().faults.push(Fault { matches: matches.to_owned(), times, outcome });
    }

    pub(crate) fn mend(&self) {
        self.state().faults.clear();
    }

    /// `METHOD uri` of the requests whose line contains the text.
    pub(crate) fn requests(&self, matches: &str) -> Vec<String> {
        self.bodies(matches).into_iter().map(|(line, _)| line).collect()
    }

    pub(crate) fn bodies(&self, matches: &str) -> Vec<(String, Value)> {
        self.state().requests.iter().filter(|(line, _)| line.contains(matches)).cloned().collect()
    }

    /// Creates or changes an object and tells the watches.
    pub(crate) fn put(&self, served: &Served, object: Value) -> Value {
        self.state().put(served, object, true)
    }

    /// Changes an object and loses the event.
    pub(crate) fn put_silently(&self, served: &Served, object: Value) -> Value {
        self.state().put(served, object, false)
    }

    pub(crate) fn delete(&self, served: &Served, name: &str) {
        self.state().delete(served, name, true);
    }

    /// Deletes an object and loses the event.
    pub(crate) fn delete_silently(&self, served: &Served, name: &str) {
        self.state().delete(served, name, false);
    }

    /// Keeps all events back until the next call.
    pub(crate) fn withhold(&self, withhold: bool) {
        let mut state = self.state();
        state.withheld = withhold;
        if !withhold {
            state.watchers.clear();
        }
    }

    /// Sends the present resourceVersion to all watches.
    pub(crate) fn bookmark(&self) {
        let mut state = self.state();
        state.version += 1;
        let version = state.version.to_string();
        let line = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}});
        state.watchers.retain(|watcher| watcher.lines.send(frame(&line)).is_ok());
    }

    /// Forgets all history: open watches end with 410, and so do those that are resumed.
    pub(crate) fn compact(&self) {
        let mut state = self.state();
        state.version += 1;
        state.compacted = state.version;
        let line = json!({"type": "ERROR", "object": expired()});
        for watcher in state.watchers.drain(..) {
            watcher.lines.send(frame(&line)).ok();
        }
    }

    /// Ends all watches without a word.
    pub(crate) fn drop_watches(&self) {
        self.state().watchers.clear();
    }

    pub(crate) fn open_watches(&self, plural: &str) -> usize {
        self.state().watchers.iter().filter(|w| w.plural == plural && !w.lines.is_closed()).count()
    }

    /// Goes back to an earlier resourceVersion, as an etcd that is restored.
    pub(crate) fn rewind(&self, version: u64) {
        let mut state = self.state();
        state.version = version;
        state.history.clear();
        for object in state.objects.values_mut() {
            object["metadata"]["resourceVersion"] = json!((version - 1).to_string());
        }
    }

    /// Counts on to a later resourceVersion, as other kinds' writes do.
    pub(crate) fn forward(&self, version: u64) {
        self.state().version = version;
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = request.into_parts();
        let line = format!("{} {}", parts.method, parts.uri);
        let body = body.collect_bytes().await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let accept = parts.headers.get("accept").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let fault = {
            let mut state = self.state();
            state.requests.push((line.clone(), body.clone()));
            let fault =
                state.faults.iter_mut().find(|fault| fault.times > 0 && line.contains(&fault.matches));
            fault.map(|fault| {
                fault.times -= 1;
                fault.outcome.clone()
            })
        };
        if let Some(outcome) = fault {
            return outcome.answer().await;
        }
        let query: BTreeMap<String, String> = parts
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        self.state().route(parts.method.as_str(), parts.uri.path(), &query, body, &accept)
    }
}

impl Outcome {
    async fn answer(self) -> Answer {
        match self {
            Self::Answer(code, body) => json_answer(code, &body),
            Self::Throttle(seconds) => {
                let mut answer = json_answer(429, &json!({}));
                answer.headers_mut().insert("retry-after", seconds.into());
                answer
            }
            Self::Hang => std::future::pending().await,
            Self::Flood => {
                let piece = Bytes::from(vec![b' '; 1 << 20]);
                let endless = stream::repeat_with(move || Ok(Line::data(piece.clone())));
                Response::new(StreamBody::new(endless).boxed_unsync())
            }
            Self::Cut(text) => Response::new(Full::new(Bytes::from(text)).boxed_unsync()),
        }
    }
}

impl State {
    fn put(&mut self, served: &Served, mut object: Value, tell: bool) -> Value {
        self.version += 1;
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let namespace = if served.namespaced { "shop".to_owned() } else { String::new() };
        object["apiVersion"] =
            json!(if served.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", served.group) });
        object["kind"] = json!(served.kind);
        if served.namespaced {
            object["metadata"]["namespace"] = json!(namespace);
        }
        let key = (served.plural.to_owned(), namespace, name.clone());
        let kind = if self.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        let uid = match self.objects.get(&key) {
            Some(held) => held["metadata"]["uid"].clone(),
            None => json!(format!("uid-{}-{name}-{}", served.plural, self.version)),
        };
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = uid;
        }
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key, object.clone());
        if tell {
            self.tell(served.plural, kind, &object);
        }
        object
    }

    fn delete(&mut self, served: &Served, name: &str, tell: bool) {
        self.version += 1;
        let namespace = if served.namespaced { "shop".to_owned() } else { String::new() };
        let mut object =
            self.objects.remove(&(served.plural.to_owned(), namespace, name.to_owned())).unwrap();
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if tell {
            self.tell(served.plural, "DELETED", &object);
        }
    }

    fn tell(&mut self, plural: &str, kind: &'static str, object: &Value) {
        self.history.push((self.version, plural.to_owned(), kind, object.clone()));
        if self.withheld {
            return;
        }
        let line = frame(&json!({"type": kind, "object": object}));
        self.watchers.retain(|watcher| {
            watcher.plural != plural
                || watcher.lines.send(Line::data(line.data_ref().unwrap().clone())).is_ok()
        });
    }

    fn route(
        &mut self,
        method: &str,
        path: &str,
        query: &BTreeMap<String, String>,
        body: Value,
        accept: &str,
    ) -> Answer {
        match path {
            "/version" => return json_answer(200, &json!({"gitVersion": "v1.34.4"})),
            "/api" | "/apis" => return self.discovery(path, accept),
            _ => {}
        }
        let Some(served) = self
            .kinds
            .iter()
            .find(|kind| {
                path.starts_with(&format!("{}/", kind.root()))
                    && path.split('/').any(|part| part == kind.plural)
            })
            .cloned()
        else {
            if let Some(group) = self.group_of(path) {
                return self.group_version(&group);
            }
            return json_answer(404, &json!({"message": "404 page not found"}));
        };
        if !self.kinds.iter().any(|kind| kind.plural == served.plural) {
            return json_answer(404, &json!({"message": "404 page not found"}));
        }
        let parts: Vec<&str> = path.trim_start_matches(&served.root()).trim_matches('/').split('/').collect();
        let (namespace, rest) = match parts.as_slice() {
            ["namespaces", namespace, rest @ ..] if served.namespaced => {
                (Some((*namespace).to_owned()), rest)
            }
            rest => (None, rest),
        };
        match (method, rest) {
            ("GET", [_]) if query.contains_key("watch") => self.watch(&served, query),
            ("GET", [_]) => self.list(&served, namespace.as_deref(), query),
            ("GET", [_, name]) => self.get(&served, name),
            ("POST", [_]) => {
                let created = self.put(&served, body, true);
                json_answer(201, &created)
            }
            ("PATCH" | "PUT", [_, name]) => self.write(&served, name, body),
            ("DELETE", [_, name]) => self.remove(&served, name, &body),
            _ => json_answer(405, &json!({"message": "method not allowed"})),
        }
    }

    fn group_of(&self, path: &str) -> Option<String> {
        self.kinds.iter().find(|kind| kind.root() == path).map(|kind| kind.group.to_owned())
    }

    fn group_version(&self, group: &str) -> Answer {
        if self.stale_groups.iter().any(|stale| stale == group) {
            return json_answer(
                503,
                &json!({"message": "the server is currently unable to handle the request"}),
            );
        }
        let kinds = self.kinds.iter().filter(|kind| kind.group == group);
        let resources: Vec<_> = kinds
            .map(|kind| json!({"name": kind.plural, "kind": kind.kind, "namespaced": kind.namespaced, "verbs": ["get", "list", "watch"]}))
            .collect();
        json_answer(200, &json!({"kind": "APIResourceList", "resources": resources}))
    }

    fn discovery(&self, path: &str, accept: &str) -> Answer {
        let core = path == "/api";
        let mut groups: BTreeMap<&str, Vec<&Served>> = BTreeMap::new();
        for kind in self.kinds.iter().filter(|kind| kind.group.is_empty() == core) {
            groups.entry(kind.group).or_default().push(kind);
        }
        if !self.aggregated || !accept.contains("APIGroupDiscoveryList") {
            if core {
                return json_answer(200, &json!({"kind": "APIVersions", "versions": ["v1"]}));
            }
            let group = |name: &&str| json!({"name": name, "versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}});
            return json_answer(
                200,
                &json!({"kind": "APIGroupList", "groups": groups.keys().map(group).collect::<Vec<_>>()}),
            );
        }
        let resource = |kind: &&Served| {
            json!({"resource": kind.plural, "responseKind": {"kind": kind.kind}, "verbs": ["get", "list", "watch"],
                "scope": if kind.namespaced { "Namespaced" } else { "Cluster" }})
        };
        let items = groups.iter().map(|(name, kinds)| {
            let stale = self.stale_groups.iter().any(|stale| stale == name);
            json!({"metadata": {"name": name}, "versions": [{"version": "v1", "freshness": if stale { "Stale" } else { "Current" },
                "resources": if stale { Vec::new() } else { kinds.iter().map(resource).collect() }}]})
        });
        json_answer(200, &json!({"kind": "APIGroupDiscoveryList", "items": items.collect::<Vec<_>>()}))
    }

    fn list(&mut self, served: &Served, namespace: Option<&str>, query: &BTreeMap<String, String>) -> Answer {
        let limit = query.get("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
        let (version, mut rest) = match query.get("continue") {
            Some(token) => match self.lists.remove(token) {
                Some(list) => list,
                None => return json_answer(410, &expired()),
            },
            None => {
                let held = self.objects.iter().filter(|((plural, ns, _), _)| {
                    plural == served.plural && namespace.is_none_or(|n| n == ns)
                });
                // Items of a list lack the type's words, as a real server's do.
                let item = |object: &Value| {
                    let mut object = object.clone();
                    object.as_object_mut().unwrap().retain(|name, _| name != "apiVersion" && name != "kind");
                    object
                };
                (self.version, held.map(|(_, object)| item(object)).collect())
            }
        };
        let after = if rest.len() > limit { rest.split_off(limit) } else { Vec::new() };
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if !after.is_empty() {
            let token = format!("{version}-{}-{}", served.plural, after.len());
            metadata["continue"] = json!(token);
            self.lists.insert(token, (version, after));
        }
        json_answer(200, &json!({"kind": "List", "metadata": metadata, "items": rest}))
    }

    fn watch(&mut self, served: &Served, query: &BTreeMap<String, String>) -> Answer {
        let from: u64 = query["resourceVersion"].parse().unwrap();
        let (lines, receiver) = mpsc::unbounded_channel();
        if from < self.compacted {
            lines.send(frame(&json!({"type": "ERROR", "object": expired()}))).unwrap();
        } else {
            for (version, plural, kind, object) in &self.history {
                if *version > from && plural == served.plural && !self.withheld {
                    lines.send(frame(&json!({"type": kind, "object": object}))).unwrap();
                }
            }
            self.watchers.push(Watcher { plural: served.plural.to_owned(), lines });
        }
        let time = Duration::from_secs(query["timeoutSeconds"].parse().unwrap());
        let end = tokio::time::Instant::now() + time;
        let stream = stream::unfold(receiver, move |mut receiver| async move {
            let line = tokio::time::timeout_at(end, receiver.recv()).await.ok()?;
            line.map(|line| (Ok(line), receiver))
        });
        Response::new(StreamBody::new(stream).boxed_unsync())
    }

    fn get(&self, served: &Served, name: &str) -> Answer {
        let namespace = if served.namespaced { "shop" } else { "" };
        match self.objects.get(&(served.plural.to_owned(), namespace.to_owned(), name.to_owned())) {
            Some(object) => json_answer(200, object),
            None => json_answer(
                404,
                &json!({"reason": "NotFound", "details": {"name": name, "kind": served.plural}}),
            ),
        }
    }

    fn write(&mut self, served: &Served, name: &str, mut body: Value) -> Answer {
        let namespace = if served.namespaced { "shop" } else { "" };
        let held =
            self.objects.get(&(served.plural.to_owned(), namespace.to_owned(), name.to_owned())).cloned();
        let (asked, there) =
            (&body["metadata"]["resourceVersion"], held.as_ref().map(|h| &h["metadata"]["resourceVersion"]));
        if !asked.is_null() && Some(asked) != there {
            return json_answer(
                409,
                &json!({"reason": "Conflict", "message": "the object has been modified"}),
            );
        }
        body["metadata"]["name"] = json!(name);
        let created = held.is_none();
        let written = self.put(served, body, true);
        json_answer(if created { 201 } else { 200 }, &written)
    }

    fn remove(&mut self, served: &Served, name: &str, body: &Value) -> Answer {
        let namespace = if served.namespaced { "shop" } else { "" };
        let Some(held) = self.objects.get(&(served.plural.to_owned(), namespace.to_owned(), name.to_owned()))
        else {
            return json_answer(
                404,
                &json!({"reason": "NotFound", "details": {"name": name, "kind": served.plural}}),
            );
        };
        for field in ["uid", "resourceVersion"] {
            let asked = &body["preconditions"][field];
            if !asked.is_null() && *asked != held["metadata"][field] {
                return json_answer(
                    409,
                    &json!({"reason": "Conflict", "message": format!("the {field} in the precondition does not match")}),
                );
            }
        }
        self.delete(served, name, true);
        json_answer(200, &json!({"kind": "Status", "status": "Success"}))
    }
}

fn expired() -> Value {
    json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})
}

fn frame(line: &Value) -> Line {
    Line::data(Bytes::from(format!("{line}\n")))
}

fn json_answer(code: u16, body: &Value) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())).boxed_unsync());
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
    response
}

/// Options of all tests: an object is tracked by the annotation `app`.
pub(crate) fn options() -> Options {
    let tracker = Arc::new(|metadata: &serde_json::Map<String, Value>, _: &GroupKind| {
        Some(metadata.get("annotations")?.get("app")?.as_str()?.to_owned())
    });
    Options { page_size: 2, ..Options::new(tracker) }
}

/// A config map of an application, or of none.
pub(crate) fn object(name: &str, app: Option<&str>, data: &str) -> Value {
    let annotations = app.map_or(json!({}), |app| json!({"app": app}));
    json!({"metadata": {"name": name, "annotations": annotations}, "data": {"x": data}})
}

/// Asserts that these kinds become complete.
pub(crate) async fn complete(cluster: &Cluster, kinds: &[Served]) {
    let kinds = kinds.iter().map(Served::group_kind).collect();
    let incomplete = cluster.wait_complete(&kinds, Duration::from_secs(60)).await;
    assert!(incomplete.is_empty(), "{incomplete:?}");
}

/// Waits until something is known about a kind.
pub(crate) async fn known(
    cluster: &Cluster,
    changes: &mut Changes,
    served: &Served,
    right: impl Fn(&Knowledge) -> bool,
) {
    let kind = served.group_kind();
    let wait = async {
        while !right(&cluster.knowledge(&kind)) {
            changes.next().await.unwrap();
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(3600), wait).await;
    assert!(waited.is_ok(), "{kind} stays {:?}", cluster.knowledge(&kind));
}

/// The next change of an object, whatever is told before.
pub(crate) async fn changed(changes: &mut Changes, name: &str) -> Change {
    let wait = async {
        loop {
            match changes.next().await.expect("the cluster lives") {
                Notice::Changed(change) if change.key.name == name => return change,
                other => assert_ne!(other, Notice::Lagged),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(7200), wait).await.expect(name)
}
