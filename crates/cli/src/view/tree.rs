//! `-o tree`: an application's resources and what they own.

use std::collections::{BTreeMap, BTreeSet};

use api::{Application, HealthStatusCode};
use jiff::{SignedDuration, Timestamp};
use resource::{Object, ResourceKey};

use crate::look::Look;
use crate::store::Store;
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

/// Live objects by the owner that they name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Children(BTreeMap<ResourceKey, Vec<Object>>);

impl Children {
    /// Reads what is owned in the application's namespaces. What may not be read is left out. An application for
    /// another cluster has none here.
    pub(crate) async fn read(store: &Store, app: &Application) -> Self {
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
        let lists = paths.map(|path| async move { store.objects(&path).await });
        Self::of(futures::future::join_all(lists).await.into_iter().flatten())
    }

    pub(crate) fn of(objects: impl IntoIterator<Item = serde_json::Value>) -> Self {
        let mut children: BTreeMap<ResourceKey, Vec<Object>> = BTreeMap::new();
        for object in objects.into_iter().filter_map(|value| Object::from_value(value).ok()) {
            for owner in object.owner_references() {
                let key = ResourceKey::new(
                    &*owner.group_kind.group,
                    &*owner.group_kind.kind,
                    object.namespace().unwrap_or_default(),
                    &*owner.name,
                );
                children.entry(key).or_default().push(object.clone());
            }
        }
        for objects in children.values_mut() {
            objects.sort_by_key(Object::key);
        }
        Self(children)
    }

    fn of_key(&self, key: &ResourceKey) -> &[Object] {
        self.0.get(key).map(Vec::as_slice).unwrap_or_default()
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
        let message = app
            .status
            .resources
            .iter()
            .find(|r| r.kind == row.key.kind && r.name == row.key.name && r.namespace == row.key.namespace)
            .and_then(|r| r.health.as_ref())
            .map_or("", |health| health.message.as_str());
        writer.line(&row.key, "", [look.word(&row.status), look.word(&row.health)], message, None);
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
        let own: Vec<&Object> =
            children.of_key(owner).iter().filter(|object| !self.managed.contains(&object.key())).collect();
        let [more, last, passing] = self.look.branches();
        for (index, object) in own.iter().enumerate() {
            let is_last = index + 1 == own.len();
            let key = object.key();
            let health = health::of(object);
            let word = health.as_ref().map_or_else(Cell::default, |health| {
                self.look.health(&HealthStatusCode::from(health.status.as_str()))
            });
            let message = health.map(|health| health.message).unwrap_or_default();
            let branch = format!("{prefix}{}", if is_last { last } else { more });
            self.line(&key, &branch, [Cell::default(), word], &message, Some(object));
            let below = format!("{prefix}{}", if is_last { "  " } else { passing });
            self.below(&key, &below, level + 1);
        }
    }

    fn line(
        &mut self,
        key: &ResourceKey,
        branch: &str,
        [sync, health]: [Cell; 2],
        message: &str,
        object: Option<&Object>,
    ) {
        let name = Cell::from(format!("{}/{}", key.kind, key.name)).text;
        let mut row = vec![Cell { text: format!("{branch}{name}"), ..Cell::default() }, sync, health];
        if self.depth == Depth::Detailed {
            row.push(object.and_then(|object| age(object, self.now)).unwrap_or_default().into());
        }
        row.push(message.into());
        if self.depth == Depth::Detailed {
            row.push(object.and_then(reason).unwrap_or_default().into());
        }
        self.table.row(row);
    }
}

fn age(object: &Object, now: Timestamp) -> Option<String> {
    let created = object.metadata()?.get("creationTimestamp")?.as_str()?;
    let age = now.duration_since(api::parse_time(created).ok()?);
    let seconds = age.max(SignedDuration::ZERO).as_secs();
    Some(match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    })
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
    use serde_json::{Value, json};

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
        assert_eq!(lines[1], "Deployment/web      OutOfSync  Degraded     crash");
        assert!(lines[2].starts_with("└─ReplicaSet/web-1"), "{text}");
        assert!(lines[3].starts_with("  ├─Pod/web-1-a"), "{text}");
        assert!(lines[4].starts_with("  └─Pod/web-1-b                Degraded"), "{text}");
        assert_eq!(lines.len(), 7, "{text}");
        let ascii = render(&sample::guestbook(), &children, Depth::Detailed, now, Look::default());
        assert!(ascii.contains("  `-Pod/web-1-b"), "{ascii}");
        assert!(ascii.contains("5m") && ascii.contains("ImagePullBackOff"), "{ascii}");
    }
}
