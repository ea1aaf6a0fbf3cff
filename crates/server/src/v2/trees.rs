//! Trees of applications that streams follow: each is made once for all who do, for as long as somebody does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::future::select_all;
use merge::json_merge_diff;
use rbac::Action;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::stream::Wanted;
use crate::guard::Guard;
use crate::index::{Entry as _, Name};
use crate::server::Backend;
use crate::services;

/// Between two looks at one tree: what changes meanwhile is told together.
const PACE: Duration = Duration::from_secs(1);
/// After a tree that could not be made.
const LATER: Duration = Duration::from_secs(5);
/// Trees that are followed at the same time.
const TREES: usize = 1_000;

/// The trees that are followed now.
#[derive(Default)]
pub(super) struct Trees(Mutex<HashMap<Name, Weak<Source>>>);

/// A tree as it is now; none before it was made.
struct Source {
    now: watch::Receiver<Option<Arc<Value>>>,
    _work: JoinSet<()>,
}

impl Trees {
    /// Begins to follow a tree; `None` where too many are.
    pub(super) fn follow(&self, backend: &Arc<Backend>, name: &Name, wanted: Wanted) -> Option<FollowedTree> {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let source = match sources.get(name).and_then(Weak::upgrade) {
            Some(source) => source,
            None => {
                sources.retain(|_, source| source.strong_count() > 0);
                if sources.len() >= TREES {
                    return None;
                }
                let (to, now) = watch::channel(None);
                let mut work = JoinSet::new();
                work.spawn(keep(Arc::clone(backend), name.clone(), to));
                let source = Arc::new(Source { now, _work: work });
                sources.insert(name.clone(), Arc::downgrade(&source));
                source
            }
        };
        let now = source.now.clone();
        Some(FollowedTree { name: name.clone(), wanted, now, told: None, _source: source })
    }
}

/// A tree that a stream follows.
pub(super) struct FollowedTree {
    name: Name,
    pub(super) wanted: Wanted,
    now: watch::Receiver<Option<Arc<Value>>>,
    told: Option<Arc<Value>>,
    _source: Arc<Source>,
}

impl FollowedTree {
    /// What is new of it, for whoever asks with these rights now: all of it first, then what changed, and its end once it is not to be seen any more.
    pub(super) fn advance(&mut self, backend: &Backend, guard: &Guard) -> Option<Value> {
        let (namespace, name) = (self.name.0.as_str(), self.name.1.as_str());
        // It was looked at, also where it is not to be seen: it is waited for what comes after it.
        let now = self.now.borrow_and_update().clone();
        if backend.apps.one(guard, &Action::Get, (namespace, name), "").is_err() {
            self.told.take()?;
            return Some(json!({"type": "removed", "namespace": namespace, "name": name}));
        }
        let now = now?;
        let change = match &self.told {
            Some(told) if Arc::ptr_eq(told, &now) => return None,
            Some(told) => json!({"type": "changed", "patch": json_merge_diff(told, &now)}),
            None => json!({"type": "replaced", "value": &*now}),
        };
        self.told = Some(now);
        Some(change)
    }
}

/// Waits until one of these trees is another one.
pub(super) async fn changed(trees: impl Iterator<Item = &mut FollowedTree>) {
    let waits: Vec<_> = trees.map(|tree| Box::pin(tree.now.changed())).collect();
    if waits.is_empty() || select_all(waits).await.0.is_err() {
        // Nothing comes of those whose making has ended.
        std::future::pending::<()>().await;
    }
}

async fn keep(backend: Arc<Backend>, name: Name, to: watch::Sender<Option<Arc<Value>>>) {
    loop {
        let at = Instant::now();
        let Some(app) = backend.apps.index().get(&name) else {
            sleep(LATER).await;
            continue;
        };
        let Ok((tree, mut changes)) = Box::pin(services::tree_of(&backend, &app)).await else {
            sleep(LATER).await;
            continue;
        };
        let tree = by_name(tree);
        to.send_if_modified(|known| {
            let differs = known.as_deref() != Some(&tree);
            if differs {
                *known = Some(Arc::new(tree));
            }
            differs
        });
        let same = || backend.apps.index().get(&name).is_some_and(|now| now.version() == app.version());
        // What the application has may be other objects without any of them having changed.
        while !changes.changed().await && same() {}
        sleep_until(at + PACE).await;
    }
}

/// The tree in a form in which a merge patch says what changed: nodes by `<group>/<kind>/<namespace>/<name>`, hosts by name.
fn by_name(mut tree: Value) -> Value {
    let text =
        |node: &Value, field: &str| node.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let node = |node: &Value| ["group", "kind", "namespace", "name"].map(|field| text(node, field)).join("/");
    let host = |host: &Value| text(host, "name");
    let named = |list: &mut Value, name: &dyn Fn(&Value) -> String| {
        let items = list.as_array_mut().map(std::mem::take).unwrap_or_default();
        *list = Value::Object(items.into_iter().map(|item| (name(&item), item)).collect::<Map<_, _>>());
    };
    for (field, name) in
        [("nodes", &node as &dyn Fn(&Value) -> String), ("orphanedNodes", &node), ("hosts", &host)]
    {
        if let Some(list) = tree.get_mut(field) {
            named(list, name);
        }
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_node_is_a_patch_of_that_node() {
        let node = |name: &str, version: &str| json!({"kind": "Pod", "namespace": "n", "name": name, "resourceVersion": version});
        let before = by_name(json!({"nodes": [node("a", "1"), node("b", "1")], "hosts": [{"name": "h"}]}));
        let after = by_name(json!({"nodes": [node("c", "2"), node("a", "2")], "hosts": [{"name": "h"}]}));
        let patch = json!({"nodes": {"/Pod/n/a": {"resourceVersion": "2"}, "/Pod/n/b": null, "/Pod/n/c": node("c", "2")}});
        assert_eq!(json_merge_diff(&before, &after), patch);
    }
}
