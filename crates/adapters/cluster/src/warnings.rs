//! What the cluster's components have to say about an object.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::counters::Verb;
use crate::error::ClusterError;
use crate::http::{Failure, is_segment, malformed, query_value, segment};

/// Events that are read of one object.
const MOST: usize = 100;
/// The same where people ask for them.
const MOST_EVENTS: usize = 500;

impl Cluster {
    /// The events about one object as the server lists them, at most 500.
    ///
    /// **Shape.** A `v1` EventList. `namespace` is the object's; of cluster-wide objects, whose is empty, events lie in `default`.
    /// **Errors.** As a read's.
    pub async fn events(&self, namespace: &str, name: &str, uid: &str) -> Result<Value, ClusterError> {
        let place = if namespace.is_empty() { "default" } else { namespace };
        let failed = |failure: Failure| failure.into_cluster(Verb::List, &format!("events in {place}"));
        if !is_segment(place) {
            return Err(failed(malformed(format!("{place:?} is no namespace"))));
        }
        let mut selector = format!("involvedObject.name={name},involvedObject.uid={uid}");
        if !namespace.is_empty() {
            selector.push_str(&format!(",involvedObject.namespace={namespace}"));
        }
        if [name, uid, namespace].iter().any(|text| text.contains([',', '=', '\\'])) {
            return Err(failed(malformed("no object has such a name")));
        }
        let path = format!(
            "/api/v1/namespaces/{}/events?fieldSelector={}&limit={MOST_EVENTS}",
            segment(place),
            query_value(&selector)
        );
        let body = self.api().get_bytes(Verb::List, &path, "application/json").await.map_err(failed)?;
        serde_json::from_slice(&body).map_err(|error| failed(malformed(error)))
    }

    /// The warnings about one object: `Event`s of type `Warning` that regard its uid, in no order, at most 100 of them.
    ///
    /// **Shape.** `namespace` is the object's; of cluster-wide objects, whose is empty, events lie in `default`.
    /// **Errors.** As a read's. A server that does not let us list events is one of them; it blinds nothing else.
    pub async fn warnings(&self, namespace: &str, uid: &str) -> Result<Vec<Value>, ClusterError> {
        let namespace = if namespace.is_empty() { "default" } else { namespace };
        let plain = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        };
        if !plain(namespace) || !plain(uid) {
            return Ok(Vec::new());
        }
        let path = format!(
            "/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.uid%3D{uid}%2Ctype%3DWarning&limit={MOST}"
        );
        let failed = |failure: Failure| failure.into_cluster(Verb::List, &format!("events in {namespace}"));
        let body = self.api().get_bytes(Verb::List, &path, "application/json").await.map_err(failed)?;
        let list: Value = serde_json::from_slice(&body)
            .map_err(|error| failed(Failure::Malformed(format!("the answer cannot be read: {error}"))))?;
        Ok(match list {
            Value::Object(mut list) => match list.remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            },
            _ => Vec::new(),
        })
    }
}
