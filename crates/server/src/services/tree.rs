//! The objects of an application with all that they made.

use std::sync::Arc;
use std::time::Duration;

use ::api::tracking::AppInstanceName;
use applications::{Host, HostResource, Node, Parent, Site, Tree};
use cluster::{Changes, Notice};
use futures::StreamExt as _;
use health::Health;
use rbac::Action;
use resource::ResourceKey;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::Status;

use super::site::{revisit, site_of, visit};
use super::{Asked, Table, enter_again};
use crate::apps::App;
use crate::call::{Answers, NoSuchMethod, Reply};
use crate::guard::Guard;
use crate::server::Backend;

/// Between two trees of one stream: what changes meanwhile is told together.
const PACE: Duration = Duration::from_secs(1);
/// How often whoever watches is asked for rights although nothing changes.
const RIGHTS: Duration = Duration::from_secs(10);

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/ResourceTree", |backend, ask| async move {
        let (tree, _) = Box::pin(tree(&backend, &ask.caller.guard, &ask.request)).await?;
        Ok(tree.into())
    })?;
    table.many("application.ApplicationService/WatchResourceTree", watch)
}

/// The tree, and what is told of changes in its cluster from before it was made.
pub(super) async fn tree(
    backend: &Backend,
    guard: &Guard,
    request: &Value,
) -> Result<(Value, TreeChanges), Status> {
    let visited = visit(backend, guard, request, &[Action::Get], "applicationName").await?;
    Ok(tree_at(backend, &visited.site).await)
}

/// The same of an application as it is kept, for whoever decides themselves who sees it.
pub(crate) async fn tree_of(backend: &Backend, app: &App) -> Result<(Value, TreeChanges), Status> {
    let value = serde_json::from_slice(app.text()).map_err(|error| Status::internal(error.to_string()))?;
    let (_, site) = site_of(backend, value).await?;
    Ok(tree_at(backend, &site).await)
}

/// The tree of an application with a subscription from before it was made.
async fn tree_at(backend: &Backend, site: &Site) -> (Value, TreeChanges) {
    let changes = site.changes();
    let exists = |instance: &str| {
        let instance = AppInstanceName::from_text(instance);
        let (namespace, name) = instance.split(&backend.namespace);
        backend.apps.index().get(&(namespace.to_owned(), name.to_owned())).is_some()
    };
    let tree = shown(&site.tree(&exists).await);
    (tree, TreeChanges { changes, instance: site.instance().to_owned() })
}

/// What a stream of trees knows.
struct Watch {
    backend: Arc<Backend>,
    ask: Asked,
    last: Value,
    at: Instant,
    changes: TreeChanges,
}

/// What is told of changes in an application's cluster.
pub(crate) struct TreeChanges {
    changes: Changes,
    instance: String,
}

/// **Source**: `Server.WatchResourceTree`, which sends none before something changes.
async fn watch(backend: Arc<Backend>, ask: Asked) -> Result<Answers, Status> {
    let at = Instant::now();
    let (last, changes) = Box::pin(tree(&backend, &ask.caller.guard, &ask.request)).await?;
    let first = Ok(Reply::from(last.clone()));
    let state = Watch { backend, ask, last, at, changes };
    let later = futures::stream::try_unfold(state, |mut state| async move {
        loop {
            let changed = state.changes.changed().await;
            // Rights may be gone since, also where nothing changed.
            let guard = enter_again(&state.backend, &state.ask.caller).await?;
            if !changed {
                let place = "applicationName";
                super::site::kept(&state.backend, &guard, &state.ask.request, place)?;
                continue;
            }
            sleep_until(state.at + PACE).await;
            state.at = Instant::now();
            let request = &state.ask.request;
            let visited = Box::pin(revisit(&state.backend, &guard, request, "applicationName")).await?;
            let (next, changes) = Box::pin(tree_at(&state.backend, &visited.site)).await;
            state.changes = changes;
            if next != state.last {
                state.last.clone_from(&next);
                return Ok(Some((Reply::from(next), state)));
            }
        }
    });
    Ok(futures::stream::iter([first]).chain(later).boxed())
}

impl TreeChanges {
    /// Waits until something of the application changes in its cluster, or until it is time to ask for rights again: then it is false.
    pub(crate) async fn changed(&mut self) -> bool {
        let deadline = Instant::now() + RIGHTS;
        let instance = &self.instance;
        loop {
            match timeout_at(deadline, self.changes.next()).await {
                Ok(Some(Notice::Changed(change))) => {
                    if change.instances.iter().any(|known| **known == **instance) {
                        return true;
                    }
                }
                Ok(Some(Notice::Lagged | Notice::Discovery)) => return true,
                Ok(Some(Notice::Knowledge(_) | Notice::Reach)) => {}
                // The cluster was let go of; it is connected to anew.
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }
}

/// An `ApplicationTree`.
fn shown(tree: &Tree) -> Value {
    let all = |nodes: &[Node]| nodes.iter().map(node).collect::<Vec<_>>();
    let mut shown = json!({ "nodes": all(&tree.nodes) });
    if !tree.orphaned.is_empty() {
        shown["orphanedNodes"] = json!(all(&tree.orphaned));
    }
    if !tree.hosts.is_empty() {
        shown["hosts"] = tree.hosts.iter().map(host).collect();
    }
    shown
}

fn reference(key: &ResourceKey, version: &str, uid: &str) -> Map<String, Value> {
    let fields = [
        ("group", key.group.as_str()),
        ("version", version),
        ("kind", &key.kind),
        ("namespace", &key.namespace),
        ("name", &key.name),
        ("uid", uid),
    ];
    let said = fields.into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(name, text)| (name.to_owned(), json!(text))).collect()
}

fn node(node: &Node) -> Value {
    let mut value = reference(&node.key, &node.version, &node.uid);
    let mut say = |name: &str, field: Value| drop(value.insert(name.to_owned(), field));
    let Some(shown) = &node.shown else {
        say("health", json!({"status": "Missing"}));
        return Value::Object(value);
    };
    if !node.parents.is_empty() {
        let parent = |parent: &Parent| Value::Object(reference(&parent.key, &parent.version, &parent.uid));
        say("parentRefs", node.parents.iter().map(parent).collect());
    }
    if !shown.facts.info.is_empty() {
        let info = shown.facts.info.iter().map(|(name, value)| json!({"name": name, "value": value}));
        say("info", info.collect());
    }
    if let Some(networking) = &shown.facts.networking {
        say("networkingInfo", networking.clone());
    }
    if !shown.facts.images.is_empty() {
        say("images", json!(shown.facts.images));
    }
    say("resourceVersion", json!(node.resource_version));
    if let Some(health) = &shown.health {
        say("health", healthy(health));
    }
    if let Some(created) = node.created {
        say("createdAt", json!(::api::format_time(created)));
    }
    Value::Object(value)
}

/// What is said of a system, also where it is empty.
const SYSTEM: [&str; 10] = [
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
];

/// A `HostInfo`.
fn host(host: &Host) -> Value {
    let text = |name: &str| host.system.get(name).and_then(Value::as_str).unwrap_or_default();
    let system: Map<String, Value> =
        SYSTEM.into_iter().map(|name| (name.to_owned(), text(name).into())).collect();
    let mut value = json!({"name": host.name, "systemInfo": system});
    if !host.resources.is_empty() {
        value["resourcesInfo"] = host.resources.iter().map(resource).collect();
    }
    if !host.labels.is_empty() {
        value["labels"] = json!(host.labels);
    }
    value
}

fn resource(resource: &HostResource) -> Value {
    let mut value = json!({"resourceName": resource.name, "capacity": resource.capacity});
    for (name, amount) in
        [("requestedByApp", resource.by_app), ("requestedByNeighbors", resource.by_neighbors)]
    {
        if amount != 0 {
            value[name] = amount.into();
        }
    }
    value
}

fn healthy(health: &Health) -> Value {
    let mut value = json!({"status": health.status.as_str()});
    if !health.message.is_empty() {
        value["message"] = json!(health.message);
    }
    value
}
