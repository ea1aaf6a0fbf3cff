//! What is shown of an object beside its name: words, images, and how it hangs together with others on the network.

mod network;
mod pod;
mod quantity;
#[cfg(test)]
mod tests;

use resource::Object;
use serde_json::{Value, json};

use crate::read::{at, field};
use crate::summary::links;

pub use pod::{Requests, amounts, requests};
pub use quantity::milli;

/// What is shown of an object in the tree of an application.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Names with values, in the peer's order: `Revision`, labels that the settings name, `Status Reason`, `Containers`.
    pub info: Vec<(String, String)>,
    /// A `ResourceNetworkingInfo`, where the object has anything of it.
    pub networking: Option<Value>,
    /// Images of a pod, sorted, each once.
    pub images: Vec<String>,
}

/// Reads what is shown of an object; `labels` are those that the setting `resource.customLabels` names.
///
/// **Source.** The peer's `controller/cache/info.go`. **Where we differ.** Lists that have no order there are sorted; links are taken only
/// with the schemes `http` and `https`; the hosts under an ingress's `tls` are honoured.
pub fn facts(object: &Object, labels: &[String]) -> Facts {
    let mut facts = Facts::default();
    if let Some(revision) = revision(object) {
        facts.info.push(("Revision".to_owned(), format!("Rev:{revision}")));
    }
    let own = at(object, &["metadata", "labels"]);
    for name in labels {
        if let Some(value) = own.and_then(|own| own.get(name)).and_then(Value::as_str) {
            facts.info.push((name.clone(), value.to_owned()));
        }
    }
    let mut urls: Vec<String> = links(object).map(str::to_owned).collect();
    let kind = object.group_kind();
    let mut networking = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => {
            pod::describe(object, &mut facts);
            Some(json!({ "labels": own }))
        }
        ("", "Service") => Some(network::service(object)),
        ("extensions" | "networking.k8s.io", "Ingress") => {
            urls.extend(crate::summary::ingress_urls(object));
            Some(network::ingress(object))
        }
        ("networking.istio.io", "VirtualService") => Some(network::virtual_service(object)),
        ("networking.istio.io", "ServiceEntry") => network::service_entry(object),
        _ => None,
    };
    if !urls.is_empty() {
        urls.sort_unstable();
        urls.dedup();
        networking.get_or_insert_with(|| json!({}))["externalURLs"] = json!(urls);
    }
    facts.networking = networking.map(without_nothing);
    facts
}

/// The revision of a rollout that an object belongs to.
fn revision(object: &Object) -> Option<i64> {
    let annotated = ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"]
        .into_iter()
        .find_map(|name| object.annotation(name));
    let revision = match annotated {
        Some(text) => text.parse().ok()?,
        None => object.as_map().get("revision").and_then(Value::as_i64)?,
    };
    (revision > 0).then_some(revision)
}

/// Without fields that are null, as Go leaves them out.
fn without_nothing(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, field| !field.is_null());
    }
    value
}

/// The addresses of a load balancer in a status.
fn addresses(object: &Object) -> Value {
    let all = at(object, &["status", "loadBalancer", "ingress"]).and_then(Value::as_array);
    let address = |entry: &Value| match (field(entry, "hostname"), field(entry, "ip")) {
        ("", "") => None,
        ("", ip) => Some(json!({ "ip": ip })),
        (hostname, _) => Some(json!({ "hostname": hostname })),
    };
    let all: Vec<Value> = all.into_iter().flatten().filter_map(address).collect();
    if all.is_empty() { Value::Null } else { json!(all) }
}
