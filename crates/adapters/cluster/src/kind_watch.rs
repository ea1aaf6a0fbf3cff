use std::sync::{Arc, Weak};

use resource::Gvk;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    actors::Task,
    cluster::Inner,
    live::Knowledge,
    seen::Seen,
    watch::{Mode, Moment, Observation, Target, Watcher},
};

/// Events that wait for a slow reader before the watch itself waits.
const MAX_WAITING: usize = 64;

/// All objects of a kind at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listed {
    /// The objects. What is not among them is gone.
    pub objects: Vec<Value>,
    /// The list's resourceVersion: what is known of an object in a later version is newer than the list.
    pub version: String,
    /// The server's history went back: what was known before does not count, whatever its version.
    pub rewound: bool,
}

/// What a [`KindWatch`] tells.
#[derive(Debug, Clone, PartialEq)]
pub enum KindEvent {
    /// All objects there are: at first, after a gap, and now and then.
    Restarted(Listed),
    /// An object appeared or changed.
    Applied(Value),
    /// An object is gone; its last state.
    Deleted(Value),
    /// What is known about the kind changed, other than by a list.
    State(Knowledge),
}

/// All objects of one kind, whole and as they change. Dropping it ends the watch.
#[derive(Debug)]
pub struct KindWatch {
    events: mpsc::Receiver<KindEvent>,
    _task: Task,
}

impl KindWatch {
    pub(crate) fn start(inner: &Arc<Inner>, gvk: &Gvk, namespace: Option<&str>) -> Self {
        let (sender, events) = mpsc::channel(MAX_WAITING);
        let work = follow(Arc::downgrade(inner), gvk.clone(), namespace.map(str::to_owned), sender);
        Self { events, _task: Task::new(inner.runtime.spawn(work)) }
    }

    /// The next event; `None` if the cluster went before the kind was ever served. Cancel-safe.
    pub async fn next(&mut self) -> Option<KindEvent> {
        self.events.recv().await
    }
}

/// Waits until the kind is served, then follows it.
async fn follow(cluster: Weak<Inner>, gvk: Gvk, namespace: Option<String>, sender: mpsc::Sender<KindEvent>) {
    let mut said = false;
    let mut watcher = loop {
        let mut settled = {
            let Some(inner) = cluster.upgrade() else { return };
            let settled = inner.hub.settled();
            if let Some(kind) = inner.discovery().version(&gvk) {
                let namespace = namespace.clone().filter(|_| kind.namespaced);
                let target = Target { kind: kind.clone(), namespace, mode: Mode::Full };
                break Watcher::new(inner.shared.clone(), target);
            }
            settled
        };
        if !std::mem::replace(&mut said, true)
            && sender.send(KindEvent::State(Knowledge::Absent)).await.is_err()
        {
            return;
        }
        if settled.changed().await.is_err() {
            return;
        }
    };
    let mut listed = Vec::new();
    loop {
        let event = match watcher.next().await {
            Observation::Listing { .. } => {
                listed.clear();
                continue;
            }
            Observation::Page { objects, moment, last } => {
                listed.extend(objects.iter().filter_map(|seen| value(&gvk, seen)));
                if !last {
                    continue;
                }
                let Moment { resource_version: version, rewound } = moment;
                KindEvent::Restarted(Listed { objects: std::mem::take(&mut listed), version, rewound })
            }
            Observation::Applied(seen) => match value(&gvk, &seen) {
                Some(value) => KindEvent::Applied(value),
                None => continue,
            },
            Observation::Deleted(seen) => match value(&gvk, &seen) {
                Some(value) => KindEvent::Deleted(value),
                None => continue,
            },
            Observation::State(known) => KindEvent::State(known),
        };
        if sender.send(event).await.is_err() {
            return;
        }
    }
}

/// The object with the type's words that a list's items lack; `None` where it nests too deep to be read.
fn value(gvk: &Gvk, seen: &Seen) -> Option<Value> {
    let mut value: Value = match serde_json::from_slice(&seen.raw) {
        Ok(value) => value,
        Err(error) => {
            tracing::warn!(kind = %gvk, namespace = seen.namespace, name = seen.name, error = %error, "object was left out");
            return None;
        }
    };
    let map = value.as_object_mut()?;
    map.insert("apiVersion".to_owned(), Value::String(gvk.api_version()));
    map.insert("kind".to_owned(), Value::String(gvk.kind.clone()));
    Some(value)
}
