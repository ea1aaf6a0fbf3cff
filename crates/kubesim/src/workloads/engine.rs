use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::kinds::Kind;
use super::nodes::NodeOptions;
use super::plan::{Action, Cx, Deadlines, Plan, Related};
use super::reflector::{News, reflect};
use super::store::{Id, Store, id};
use super::value::{name, namespace, text, uid};

/// Objects whose writes are under way at the same time.
const CONCURRENCY: usize = 32;
/// News that may wait to be taken in.
const BACKLOG: usize = 1024;
/// First and longest pause before a failed write is planned anew.
const RETRY_FIRST: Duration = Duration::from_millis(10);
const RETRY_LONGEST: Duration = Duration::from_secs(2);

/// Stops its controllers when dropped.
#[derive(Debug)]
pub struct Handle {
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Handle {
    /// Ends another task together with this one.
    pub(super) fn with(mut self, task: tokio::task::JoinHandle<()>) -> Self {
        self.tasks.push(task);
        self
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// One root kind and how it is looked after.
#[derive(Clone, Copy)]
pub(super) struct Controller {
    pub(super) root: Kind,
    /// Other kinds whose changes matter. A change of an object always matters to its managing controller.
    pub(super) watches: &'static [Kind],
    /// Pure: what to write now.
    pub(super) plan: fn(&Cx<'_>, &Value) -> Plan,
    /// Roots that a change of another kind's object matters to, beside its managing controller.
    pub(super) related: Related,
}

/// Nothing but the managing controller.
pub(super) fn unrelated(_: &Store, _: Kind, _: &Value) -> Vec<Id> {
    Vec::new()
}

/// What plans are told beside the store.
#[derive(Clone)]
pub(super) struct World {
    pub(super) clock: crate::Clock,
    pub(super) nodes: Option<NodeOptions>,
}

/// A root object of a controller, by the controller's index.
type Key = (usize, Id);

/// Answers of writes, and whether all of them went well.
struct Done {
    key: Key,
    answers: Vec<(Kind, Answer)>,
    failed: bool,
}

enum Answer {
    Is(Value),
    Gone(Id, String),
}

pub(super) struct Engine {
    client: kube::Client,
    agent: &'static str,
    controllers: Arc<[Controller]>,
    world: World,
    store: Store,
    deadlines: RefCell<Deadlines>,
    queue: VecDeque<Key>,
    queued: BTreeSet<Key>,
    busy: BTreeSet<Key>,
    timers: BTreeSet<(Instant, Key)>,
    timer_of: BTreeMap<Key, Instant>,
    failures: BTreeMap<Key, u32>,
    /// Kinds whose first list is still to come: until then nothing is decided.
    unlisted: BTreeSet<Kind>,
    done: Sender<Done>,
}

impl Engine {
    /// Runs controllers until the handle is dropped. `agent` is their user agent and field manager.
    pub(super) fn spawn(
        client: kube::Client,
        agent: &'static str,
        controllers: Vec<Controller>,
        world: World,
    ) -> Handle {
        let (done, finished) = channel(BACKLOG);
        let engine = Self {
            client,
            agent,
            controllers: controllers.into(),
            world,
            store: Store::default(),
            deadlines: RefCell::default(),
            queue: VecDeque::new(),
            queued: BTreeSet::new(),
            busy: BTreeSet::new(),
            timers: BTreeSet::new(),
            timer_of: BTreeMap::new(),
            failures: BTreeMap::new(),
            unlisted: BTreeSet::new(),
            done,
        };
        Handle { tasks: vec![tokio::spawn(engine.run(finished))] }
    }

    async fn run(mut self, mut finished: Receiver<Done>) {
        let kinds: BTreeSet<Kind> =
            self.controllers.iter().flat_map(|c| c.watches.iter().copied().chain([c.root])).collect();
        let (sender, mut news) = channel(BACKLOG);
        // Aborted with this task, for the set is dropped with it.
        let mut tasks = JoinSet::new();
        self.unlisted.clone_from(&kinds);
        for kind in kinds {
            tasks.spawn(reflect(self.client.clone(), kind, self.agent, sender.clone()));
        }
        loop {
            let timer = self.timers.first().map(|(at, _)| *at);
            tokio::select! {
                biased;
                Some(done) = finished.recv() => self.take_done(done),
                Some(item) = news.recv() => self.take_news(item),
                () = tokio::time::sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => self.ring(),
                Some(_) = tasks.join_next() => {}
            }
            // What has come in the meantime is taken in first: fewer plans on old knowledge.
            while let Ok(done) = finished.try_recv() {
                self.take_done(done);
            }
            while let Ok(item) = news.try_recv() {
                self.take_news(item);
            }
            if self.unlisted.is_empty() {
                self.start_plans(&mut tasks);
            }
        }
    }

    fn take_news(&mut self, news: News) {
        match news {
            News::Is(kind, object) => self.take(kind, &object),
            News::Gone(kind, id, uid) => self.drop_object(kind, &id, Some(&uid)),
            News::All(kind, seen) => {
                self.unlisted.remove(&kind);
                for id in self.store.ids(kind) {
                    if !seen.contains(&id) {
                        self.drop_object(kind, &id, None);
                    }
                }
            }
        }
    }

    fn take(&mut self, kind: Kind, object: &Arc<Value>) {
        if let Ok(old) = self.store.put(kind, Arc::clone(object)) {
            self.wake(kind, object);
            // What looked at the old labels or owner must look again too.
            if let Some(old) = old
                && old.get("metadata").map(|m| (m.get("labels"), m.get("ownerReferences")))
                    != object.get("metadata").map(|m| (m.get("labels"), m.get("ownerReferences")))
            {
                self.wake(kind, &old);
            }
        }
    }

    /// Takes out what is gone, unless its name is another object's by now.
    fn drop_object(&mut self, kind: Kind, id: &Id, gone: Option<&str>) {
        let known = self.store.get_by_id(kind, id).map(|object| uid(object));
        if gone.is_some() && known != gone {
            return;
        }
        if let Some(old) = self.store.remove(kind, id) {
            self.wake(kind, &old);
            let uid = uid(&old);
            let mut deadlines = self.deadlines.borrow_mut();
            let stages: Vec<_> = deadlines
                .range((uid.to_owned(), "")..)
                .take_while(|((u, _), _)| u == uid)
                .map(|(k, _)| k.clone())
                .collect();
            for stage in stages {
                deadlines.remove(&stage);
            }
        }
    }

    /// Queues every root that a change of this object matters to.
    fn wake(&mut self, kind: Kind, object: &Value) {
        let owner = self.store.with_uid(super::value::controller_uid(object)).cloned();
        for index in 0..self.controllers.len() {
            let Controller { root, watches, related, .. } = self.controllers[index];
            if root == kind {
                self.enqueue((index, id(object)));
            }
            if watches.contains(&kind) {
                for id in related(&self.store, kind, object) {
                    self.enqueue((index, id));
                }
                if let Some((owner_kind, owner_id)) = &owner
                    && *owner_kind == root
                {
                    self.enqueue((index, owner_id.clone()));
                }
            }
        }
    }

    fn enqueue(&mut self, key: Key) {
        if self.queued.insert(key.clone()) {
            self.queue.push_back(key);
        }
    }

    fn ring(&mut self) {
        let now = Instant::now();
        while let Some((at, _)) = self.timers.first()
            && *at <= now
        {
            if let Some((_, key)) = self.timers.pop_first() {
                self.timer_of.remove(&key);
                self.enqueue(key);
            }
        }
    }

    /// Looks at a root again after a while; of several such wishes the earliest stands.
    fn set_timer(&mut self, key: Key, after: Duration) {
        let at = Instant::now() + after;
        if let Some(known) = self.timer_of.get(&key).copied() {
            if known <= at {
                return;
            }
            self.timers.remove(&(known, key.clone()));
        }
        self.timer_of.insert(key.clone(), at);
        self.timers.insert((at, key));
    }

    fn start_plans(&mut self, tasks: &mut JoinSet<()>) {
        let mut later = Vec::new();
        while self.busy.len() < CONCURRENCY
            && let Some(key) = self.queue.pop_front()
        {
            if self.busy.contains(&key) {
                later.push(key);
                continue;
            }
            self.queued.remove(&key);
            let controller = self.controllers[key.0];
            let Some(object) = self.store.get_by_id(controller.root, &key.1).cloned() else { continue };
            let cx = Cx {
                store: &self.store,
                now: (self.world.clock)(),
                instant: Instant::now(),
                deadlines: &self.deadlines,
                nodes: self.world.nodes.as_ref(),
            };
            let plan = (controller.plan)(&cx, &object);
            if let Some(after) = plan.again_after {
                self.set_timer(key.clone(), after);
            }
            if !plan.actions.is_empty() {
                self.busy.insert(key.clone());
                tasks.spawn(execute(self.client.clone(), self.agent, key, plan.actions, self.done.clone()));
            }
        }
        self.queue.extend(later);
    }

    fn take_done(&mut self, done: Done) {
        self.busy.remove(&done.key);
        for (kind, answer) in done.answers {
            match answer {
                Answer::Is(object) => self.take(kind, &Arc::new(object)),
                Answer::Gone(id, uid) => self.drop_object(kind, &id, Some(&uid)),
            }
        }
        if done.failed {
            let failures = self.failures.entry(done.key.clone()).or_default();
            let pause = RETRY_FIRST.saturating_mul(1 << (*failures).min(10)).min(RETRY_LONGEST);
            *failures += 1;
            self.set_timer(done.key, pause);
        } else {
            self.failures.remove(&done.key);
        }
    }
}

/// Carries out one object's actions in order and stops at the first failure.
async fn execute(
    client: kube::Client,
    agent: &'static str,
    key: Key,
    actions: Vec<Action>,
    done: Sender<Done>,
) {
    let mut answers = Vec::new();
    let mut failed = false;
    for action in actions {
        let (kind, gone) = match &action {
            Action::Create(kind, _) | Action::Status(kind, _) | Action::Patch(kind, ..) => (*kind, None),
            Action::Delete(kind, object, _) => (*kind, Some((id(object), uid(object).to_owned()))),
            Action::Bind(..) => (Kind::Pod, None),
        };
        match send(&client, agent, action).await {
            // A deletion answers with the object while it is still there, with a Status when it is gone.
            Ok(answer) => match gone {
                Some((id, uid)) if answer.get("kind").is_none_or(|k| k == "Status") => {
                    answers.push((kind, Answer::Gone(id, uid)));
                }
                Some((id, uid)) if !super::value::is_deleting(&answer) => {
                    answers.push((kind, Answer::Gone(id, uid)));
                }
                _ if answer.get("kind").is_some_and(|k| k == "Status") => {}
                _ => answers.push((kind, Answer::Is(answer))),
            },
            Err(kube::Error::Api(status)) if status.code == 404 && gone.is_some() => {
                if let Some((id, uid)) = gone {
                    answers.push((kind, Answer::Gone(id, uid)));
                }
            }
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, key = ?key.1, "write failed");
                failed = true;
                break;
            }
        }
    }
    done.send(Done { key, answers, failed }).await.ok();
}

async fn send(client: &kube::Client, agent: &str, action: Action) -> Result<Value, kube::Error> {
    let path =
        |kind: Kind, object: &Value| format!("{}/{}", kind.collection_in(namespace(object)), name(object));
    let (method, uri, content_type, body) = match action {
        Action::Create(kind, object) => {
            ("POST", kind.collection_in(namespace(&object)), "application/json", object)
        }
        Action::Status(kind, object) => {
            ("PUT", format!("{}/status", path(kind, &object)), "application/json", object)
        }
        Action::Patch(kind, object, mut patch) => {
            if let Some(map) = patch.as_object_mut() {
                let metadata = super::value::child(map, "metadata");
                metadata.insert("uid".to_owned(), uid(&object).into());
                metadata
                    .insert("resourceVersion".to_owned(), text(&object, "/metadata/resourceVersion").into());
            }
            ("PATCH", path(kind, &object), "application/merge-patch+json", patch)
        }
        Action::Delete(kind, object, grace) => {
            let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
                "preconditions": {"uid": uid(&object)}});
            if let Some(seconds) = grace {
                super::value::set(&mut options, "gracePeriodSeconds", seconds);
            }
            ("DELETE", path(kind, &object), "application/json", options)
        }
        Action::Bind(pod, node) => {
            let binding = json!({"apiVersion": "v1", "kind": "Binding",
                "metadata": {"name": name(&pod), "namespace": namespace(&pod), "uid": uid(&pod)},
                "target": {"apiVersion": "v1", "kind": "Node", "name": node}});
            ("POST", format!("{}/binding", path(Kind::Pod, &pod)), "application/json", binding)
        }
    };
    let uri = if method == "DELETE" { uri } else { format!("{uri}?fieldManager={agent}") };
    let request = http::Request::builder()
        .method(method)
        .uri(uri)
        .header(http::header::USER_AGENT, agent)
        .header(http::header::CONTENT_TYPE, content_type)
        .body(body.to_string().into_bytes())
        .map_err(kube::Error::HttpError)?;
    client.request(request).await
}
