//! The nodes that an application's pods are on, and how much of each they and others ask for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::Cluster;
use futures::StreamExt as _;
use health::Requests;
use resource::{GroupKind, Object, ResourceKey};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Site;
use super::tree::Node;

/// Nodes that are asked about at the same time.
const READS: usize = 8;
/// Most hosts of one tree.
const HOSTS: usize = 500;
/// How long what was read of a node counts.
const FRESH: Duration = Duration::from_secs(30);
/// Nodes of which is kept what was read.
const KEPT: usize = 5_000;
/// What is reckoned up.
const RESOURCES: [&str; 3] = ["cpu", "memory", "storage"];

/// A node with pods of an application.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// The node.
    pub name: String,
    /// Its `status.nodeInfo`.
    pub system: Value,
    /// Its labels that may be shown (`application.allowedNodeLabels`).
    pub labels: BTreeMap<String, String>,
    /// What it has, by the name of the resource.
    pub resources: Vec<HostResource>,
}

/// One resource of a node, in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostResource {
    /// `cpu`, `memory` or `storage`.
    pub name: &'static str,
    /// What the application's pods ask for.
    pub by_app: i64,
    /// What other pods ask for.
    pub by_neighbors: i64,
    /// What there is.
    pub capacity: i64,
}

/// What was read of a node.
#[derive(Debug, Default)]
struct Known {
    capacity: Requests,
    system: Value,
    labels: BTreeMap<String, String>,
    /// Its pods that are not over, by uid.
    pods: Vec<(String, Requests)>,
}

/// A cluster's server and a node of its.
type Place = (String, String);

/// What was read of nodes a moment ago, nothing of one that cannot be read. Several who ask at once are told the same.
#[derive(Default)]
pub(crate) struct HostCache(Mutex<HashMap<Place, (Instant, Answer)>>);

type Answer = Arc<OnceCell<Option<Arc<Known>>>>;

impl HostCache {
    async fn get(&self, place: Place, cluster: &Cluster) -> Option<Arc<Known>> {
        let node = place.1.clone();
        let answer = self.answer(place, Instant::now());
        answer.get_or_init(|| read(cluster, &node)).await.clone()
    }

    fn answer(&self, place: Place, now: Instant) -> Answer {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |at: Instant| now.duration_since(at) < FRESH;
        if let Some((_, answer)) = kept.get(&place).filter(|(at, _)| fresh(*at)) {
            return Arc::clone(answer);
        }
        if kept.len() >= KEPT {
            kept.retain(|_, (at, _)| fresh(*at));
        }
        let answer = Answer::default();
        if kept.len() < KEPT {
            kept.insert(place, (now, Arc::clone(&answer)));
        }
        answer
    }
}

/// A node and the pods on it, past what is held of the cluster: of most pods that is their metadata alone.
async fn read(cluster: &Cluster, node: &str) -> Option<Arc<Known>> {
    let object = cluster.fetch(&ResourceKey::new("", "Node", "", node)).await.ok().flatten()?;
    let pods = cluster.pods_on(node).await.ok()?;
    let status = |name: &str| object.as_map().get("status").and_then(|status| status.get(name));
    Some(Arc::new(Known {
        capacity: health::amounts(status("capacity")),
        system: status("nodeInfo").cloned().unwrap_or_default(),
        labels: labels(&object),
        pods: pods.iter().map(|pod| (pod.uid().to_owned(), health::requests(pod))).collect(),
    }))
}

fn labels(object: &Object) -> BTreeMap<String, String> {
    let labels = object.as_map().get("metadata").and_then(|metadata| metadata.get("labels")?.as_object());
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    labels.into_iter().flatten().filter_map(text).collect()
}

impl Site {
    /// The nodes that pods among these are on. What was read of a node counts for half a minute; a node that may not be read is left out.
    ///
    /// **Source**: the peer's `getAppHosts`: pods of the application count when they are over, too.
    pub(super) async fn hosts(&self, nodes: &[Node]) -> Vec<Host> {
        let pod = GroupKind::new("", "Pod");
        let mut own: BTreeMap<String, BTreeMap<String, Requests>> = BTreeMap::new();
        for node in nodes.iter().filter(|node| node.key.group_kind() == pod) {
            if let Some(shown) = node.shown.as_ref().filter(|shown| !shown.node.is_empty()) {
                let pods = own.entry(shown.node.clone()).or_default();
                pods.insert(node.uid.clone(), shown.requests.clone());
            }
        }
        let allowed = self.view.settings.config.get("application.allowedNodeLabels");
        let allowed: Vec<String> =
            allowed.into_iter().flat_map(|text| text.split(',')).map(|name| name.replace(' ', "")).collect();
        let to = &self.view.to;
        let ask = |(name, pods): (String, BTreeMap<String, Requests>)| {
            let allowed = &allowed;
            async move {
                let known = self.shared.hosts.get((to.server.clone(), name.clone()), &to.cluster).await?;
                Some(host(name, &known, &pods, allowed))
            }
        };
        let found = futures::stream::iter(own.into_iter().take(HOSTS)).map(ask).buffered(READS);
        found.filter_map(std::future::ready).collect().await
    }
}

/// `own` are the application's pods on it, by uid.
fn host(name: String, known: &Known, own: &BTreeMap<String, Requests>, allowed: &[String]) -> Host {
    let amount = |requests: &Requests, name: &str| requests.get(name).copied().unwrap_or_default();
    let neighbors = || known.pods.iter().filter(|(uid, _)| !own.contains_key(uid));
    let resource = |name: &'static str| HostResource {
        name,
        by_app: own.values().map(|requests| amount(requests, name)).fold(0, i64::saturating_add),
        by_neighbors: neighbors().map(|(_, requests)| amount(requests, name)).fold(0, i64::saturating_add),
        capacity: amount(&known.capacity, name),
    };
    let resources = RESOURCES.into_iter().map(resource).filter(|resource| resource.capacity > 0).collect();
    let shown = known.labels.iter().filter(|(name, _)| allowed.contains(name));
    let labels = shown.map(|(name, value)| (name.clone(), value.clone())).collect();
    Host { name, system: known.system.clone(), labels, resources }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_application_and_others_ask_for_is_told_apart() {
        let cpu = |amount: i64| Requests::from([("cpu".to_owned(), amount), ("pods".to_owned(), 1)]);
        let known = Known {
            capacity: Requests::from([
                ("cpu".to_owned(), 4_000),
                ("memory".to_owned(), 0),
                ("pods".to_owned(), 9),
            ]),
            system: Value::Null,
            labels: [("zone", "a"), ("secret", "b")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            pods: vec![
                ("own".to_owned(), cpu(1)),
                ("other".to_owned(), cpu(20)),
                ("third".to_owned(), cpu(300)),
            ],
        };
        // One of its pods is over and is not among the node's.
        let own = [("own".to_owned(), cpu(1)), ("over".to_owned(), cpu(4_000))].into();
        let found = host("n".to_owned(), &known, &own, &["zone".to_owned(), "rack".to_owned()]);
        let resources = vec![HostResource { name: "cpu", by_app: 4_001, by_neighbors: 320, capacity: 4_000 }];
        let labels = [("zone".to_owned(), "a".to_owned())].into();
        assert_eq!(found, Host { name: "n".to_owned(), system: Value::Null, labels, resources });
    }
}
