//! `-o tree`: an application's resources and what they own.

use std::collections::{BTreeMap, BTreeSet};

use api::Application;
use jiff::{SignedDuration, Timestamp};
use resource::{Object, ResourceKey};
use serde_json::Value;

use crate::look::Look;
use crate::store::Cluster;
use crate::table::{Cell, Table};

/// How much the tree says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Plain,
    /// With ages and reasons.
    Detailed,
}

/// Kinds that controllers make of what users write, with their plural's path; the parts of the path before and after
/// the namespace.
const OWNED_KINDS: [(&str, &str); 6] = [
    ("/apis/apps/v1", "replicasets"),
    ("/apis/batch/v1", "jobs"),
    ("/api/v1", "pods"),
    ("/apis/discovery.k8s.io/v1", "endpointslices"),
    ("/apis/apps/v1", "controllerrevisions"),
    ("/api/v1", "persistentvolumeclaims"),
];
/// Namespaces that are looked at.
const MOST_NAMESPACES: usize = 20;
/// Deepest branch that is printed.
const DEEPEST: usize = 10;

/// A live object, as far as a tree shows it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) key: ResourceKey,
    /// Its health and what is said of that; both may be empty.
    pub(crate) health: String,
    pub(crate) message: String,
    /// When it was made; may be empty.
    created: String,
    /// What a container waits for or died of.
    reason: Option<String>,
}

impl From<&Object> for Node {
    fn from(object: &Object) -> Self {
        let health = health::of(object);
        let created = object.metadata().and_then(|metadata| metadata.get("creationTimestamp")?.as_str());
        Self {
            key: object.key(),
            health: health.as_ref().map(|health| health.status.as_str().to_owned()).unwrap_or_default(),
            message: health.map(|health| health.message).unwrap_or_default(),
            created: created.unwrap_or_default().to_owned(),
            reason: reason(object),
        }
    }
}

impl Node {
    /// Of what a server tells.
    pub(crate) fn told(node: &Value) -> Self {
        let text = |pointer: &str| node.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Self {
            key: key(node),
            health: text("/health/status").to_owned(),
            message: text("/health/message").to_owned(),
            created: text("/createdAt").to_owned(),
            reason: None,
        }
    }

    /// How old it is; nothing where that is not known.
    pub(crate) fn age(&self, now: Timestamp) -> Option<String> {
        let age = now.duration_since(api::parse_time(&self.created).ok()?);
        let seconds = age.max(SignedDuration::ZERO).as_secs();
        let (minutes, hours) = (seconds / 60, seconds / 3_600);
        Some(match seconds {
            0..120 => format!("{seconds}s"),
            120..600 if seconds % 60 != 0 => format!("{minutes}m{}s", seconds % 60),
            120..10_800 => format!("{minutes}m"),
            10_800..28_800 if minutes % 60 != 0 => format!("{hours}h{}m", minutes % 60),
            10_800..172_800 => format!("{hours}h"),
            172_800..691_200 if hours % 24 != 0 => format!("{}d{}h", hours / 24, hours % 24),
            _ => format!("{}d", hours / 24),
        })
    }
}

fn key(of: &Value) -> ResourceKey {
    let text = |field: &str| of[field].as_str().unwrap_or_default();
    ResourceKey::new(text("group"), text("kind"), text("namespace"), text("name"))
}

/// Live objects by the owner that they name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Children {
    owned: BTreeMap<ResourceKey, Vec<Node>>,
    /// What nobody owns, where that is known.
    roots: BTreeMap<ResourceKey, Node>,
}

impl Children {
    /// Reads what is owned in the application's namespaces. What may not be read is left out. An application for
    /// another cluster has none here.
    pub(crate) async fn read(cluster: &Cluster, app: &Application) -> Self {
        let destination = &app.spec.destination;
        let here = destination.server == api::names::IN_CLUSTER_SERVER
            || (destination.server.is_empty() && destination.name == api::names::IN_CLUSTER_NAME);
        if !here {
            return Self::default();
        }
        let names = app.status.resources.iter().map(|r| r.namespace.as_str()).filter(|name| !name.is_empty());
        let namespaces: BTreeSet<&str> = names.collect();
        let paths = namespaces.iter().take(MOST_NAMESPACES).flat_map(|namespace| {
            OWNED_KINDS.map(|(before, after)| format!("{before}/namespaces/{namespace}/{after}"))
        });
        let lists = paths.map(|path| async move { cluster.objects(&path).await });
        Self::of(futures::future::join_all(lists).await.into_iter().flatten())
    }

    pub(crate) fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        let mut owned: BTreeMap<ResourceKey, Vec<Node>> = BTreeMap::new();
        for object in objects.into_iter().filter_map(|value| Object::from_value(value).ok()) {
            for owner in object.owner_references() {
                let key = ResourceKey::new(
                    &*owner.group_kind.group,
                    &*owner.group_kind.kind,
                    object.namespace().unwrap_or_default(),
                    &*owner.name,
                );
                owned.entry(key).or_default().push(Node::from(&object));
            }
        }
        for nodes in owned.values_mut() {
            nodes.sort_by(|a, b| a.key.cmp(&b.key));
        }
        Self { owned, roots: BTreeMap::new() }
    }

    /// Of a tree that a server tells: each object below the first of its owners, as the peer has it.
    pub(crate) fn told(tree: &Value) -> Self {
        let mut children = Self::default();
        for node in tree["nodes"].as_array().into_iter().flatten() {
            match node.pointer("/parentRefs/0").map(key) {
                Some(owner) => children.owned.entry(owner).or_default().push(Node::told(node)),
                None => drop(children.roots.insert(key(node), Node::told(node))),
            }
        }
        children
    }

    fn of_key(&self, key: &ResourceKey) -> &[Node] {
        self.owned.get(key).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The tree.
///
/// **Shape**: one line an object, those of the status first and below each what it owns, to a depth of ten.
pub(crate) fn render(
    app: &Application,
    children: &Children,
    depth: Depth,
    now: Timestamp,
    look: Look,
) -> String {
    let mut table = Table::new(match depth {
        Depth::Plain => &["KIND/NAME", "STATUS", "HEALTH", "MESSAGE"],
        Depth::Detailed => &["KIND/NAME", "STATUS", "HEALTH", "AGE", "MESSAGE", "REASON"],
    });
    let rows = super::resources::rows(app);
    let managed: BTreeSet<&ResourceKey> = rows.iter().map(|row| &row.key).collect();
    let mut writer = Writer { table: &mut table, children, managed: &managed, depth, now, look };
    for row in rows.iter().filter(|row| row.present) {
        let message = if look.native() {
            let resource = app.status.resources.iter().find(|r| r.key() == row.key);
            resource.and_then(|r| r.health.as_ref()).map_or("", |health| health.message.as_str())
        } else {
            &row.message
        };
        let node = children.roots.get(&row.key);
        writer.line(&row.key, "", [look.word(&row.status), look.word(&row.health)], message, node);
        writer.below(&row.key, "", 0);
    }
    table.render(look)
}

struct Writer<'a> {
    table: &'a mut Table,
    children: &'a Children,
    managed: &'a BTreeSet<&'a ResourceKey>,
    depth: Depth,
    now: Timestamp,
    look: Look,
}

impl Writer<'_> {
    /// Cycles of owners end at the depth limit, which also bounds the recursion.
    fn below(&mut self, owner: &ResourceKey, prefix: &str, level: usize) {
        if level >= DEEPEST {
            return;
        }
        let children = self.children;
        let own: Vec<&Node> =
            children.of_key(owner).iter().filter(|node| !self.managed.contains(&node.key)).collect();
        let [more, last, passing] = self.look.branches();
        for (index, node) in own.iter().enumerate() {
            let is_last = index + 1 == own.len();
            let branch = format!("{prefix}{}", if is_last { last } else { more });
            let word = self.look.word(&node.health);
            let message = if self.look.native() { node.message.as_str() } else { "" };
            self.line(&node.key, &branch, [Cell::default(), word], message, Some(node));
            let below = format!("{prefix}{}", if is_last { "  " } else { passing });
            self.below(&node.key, &below, level + 1);
        }
    }

    fn line(
        &mut self,
        key: &ResourceKey,
        branch: &str,
        [sync, health]: [Cell; 2],
        message: &str,
        node: Option<&Node>,
    ) {
        let name = Cell::from(format!("{}/{}", key.kind, key.name)).text;
        let mut row = vec![Cell { text: format!("{branch}{name}"), ..Cell::default() }, sync, health];
        let native = self.look.native();
        if self.depth == Depth::Detailed {
            let unknown = if native { "" } else { "<unknown>" };
            let age = node.and_then(|node| node.age(self.now)).unwrap_or_else(|| unknown.to_owned());
            row.push(age.into());
        }
        row.push(message.into());
        if self.depth == Depth::Detailed {
            let reason = match node {
                Some(node) if native => node.reason.clone(),
                Some(node) => Some(node.message.clone()),
                None => None,
            };
            row.push(reason.unwrap_or_default().into());
        }
        self.table.row(row);
    }
}

/// What a container waits for or died of.
fn reason(object: &Object) -> Option<String> {
    let status = object.as_map().get("status")?;
    if let Some(reason) = status.get("reason").and_then(|reason| reason.as_str()) {
        return Some(reason.to_owned());
    }
    let containers = status.get("containerStatuses")?.as_array()?;
    let states = containers.iter().filter_map(|container| container.get("state"));
    let mut reasons = states.filter_map(|state| {
        let state = state.get("waiting").or_else(|| state.get("terminated"))?;
        state.get("reason")?.as_str()
    });
    reasons.next_back().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample;
    use super::*;
    use crate::context::Style;

    fn owned(kind: &str, name: &str, owner: (&str, &str, &str), status: &Value) -> Value {
        json!({
            "apiVersion": if kind == "Pod" { "v1" } else { "apps/v1" }, "kind": kind, "status": status,
            "metadata": {"name": name, "namespace": "default", "creationTimestamp": "2026-01-02T03:00:00Z",
                "ownerReferences": [{"apiVersion": owner.0, "kind": owner.1, "name": owner.2, "uid": "u"}]},
            "spec": {"restartPolicy": "Always", "containers": []}
        })
    }

    #[test]
    fn owners_and_owned() {
        let set = ("apps/v1", "ReplicaSet", "web-1");
        let waiting = json!({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]});
        let children = Children::of([
            owned("ReplicaSet", "web-1", ("apps/v1", "Deployment", "web"), &json!({})),
            owned("Pod", "web-1-b", set, &waiting),
            owned("Pod", "web-1-a", set, &json!({"phase": "Running"})),
            owned("Pod", "stranger", ("apps/v1", "ReplicaSet", "other"), &json!({})),
            // Two that own each other must not hang anything.
            owned("ReplicaSet", "loop", ("apps/v1", "ReplicaSet", "loop"), &json!({})),
        ]);
        let now = "2026-01-02T03:05:00Z".parse().unwrap();
        let peer = Look { style: Style::Argocd, color: false, unicode: true };
        let text = render(&sample::guestbook(), &children, Depth::Plain, now, peer);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(lines[0], "KIND/NAME           STATUS     HEALTH       MESSAGE");
        assert_eq!(lines[1], "Deployment/web      OutOfSync  Degraded     deployment.apps/web configured");
        assert!(lines[2].starts_with("└─ReplicaSet/web-1"), "{text}");
        assert!(lines[3].starts_with("  ├─Pod/web-1-a"), "{text}");
        assert!(lines[4].starts_with("  └─Pod/web-1-b                Degraded"), "{text}");
        assert_eq!(lines.len(), 7, "{text}");
        let ascii = render(&sample::guestbook(), &children, Depth::Detailed, now, Look::default());
        assert!(ascii.contains("  `-Pod/web-1-b") && ascii.contains("crash"), "{ascii}");
        assert!(ascii.contains("5m") && ascii.contains("ImagePullBackOff"), "{ascii}");
    }
}
