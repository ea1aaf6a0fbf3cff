//! Service: an EndpointSlice of the pods that it selects.

use serde_json::{Value, json};

use super::engine::Controller;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::podspec::{is_finished, is_ready};
use super::store::{Id, Store, id};
use super::template;
use super::value::{flag, int, is_deleting, items, name, namespace, part, set, text, text_map, uid};

pub(super) const CONTROLLER: Controller =
    Controller { root: Kind::Service, watches: &[Kind::Pod, Kind::EndpointSlice], plan, related };

/// Endpoints of one slice, as the peer's default; more of them are left out.
const MOST_ENDPOINTS: usize = 1000;

fn related(store: &Store, kind: Kind, object: &Value) -> Vec<Id> {
    if kind != Kind::Pod {
        return Vec::new();
    }
    store.services_for(object).map(|service| id(service)).collect()
}

fn plan(cx: &Cx<'_>, service: &Value) -> Plan {
    let mut plan = Plan::default();
    let no_selector = text_map(service, "/spec/selector").is_empty();
    if is_deleting(service) || no_selector || text(service, "/spec/type") == "ExternalName" {
        return plan;
    }
    let wanted = slice(cx, service);
    match cx.store.owned(uid(service), Kind::EndpointSlice).next() {
        None => plan.act(Action::Create(Kind::EndpointSlice, wanted)),
        Some(have) => {
            let differs = |field: &str| have.get(field).filter(|v| !v.is_null()) != wanted.get(field);
            if differs("endpoints") || differs("ports") {
                let patch = json!({"endpoints": wanted["endpoints"], "ports": wanted["ports"]});
                plan.act(Action::Patch(Kind::EndpointSlice, Value::clone(have), patch));
            }
        }
    }
    plan
}

fn slice(cx: &Cx<'_>, service: &Value) -> Value {
    let selector = text_map(service, "/spec/selector");
    let pods = cx.store.pods_with(namespace(service), &selector);
    let mut pods: Vec<_> =
        pods.filter(|pod| !text(pod, "/status/podIP").is_empty() && !is_finished(pod)).collect();
    pods.sort_by_key(|pod| name(pod));
    let everything = flag(service, "/spec/publishNotReadyAddresses");
    let endpoints: Vec<Value> = pods
        .iter()
        .take(MOST_ENDPOINTS)
        .map(|pod| {
            let serving = is_ready(pod);
            let terminating = is_deleting(pod);
            json!({"addresses": [text(pod, "/status/podIP")], "nodeName": text(pod, "/spec/nodeName"),
                "conditions": {"ready": everything || (serving && !terminating), "serving": serving,
                    "terminating": terminating},
                "targetRef": {"kind": "Pod", "name": name(pod), "namespace": namespace(pod), "uid": uid(pod)}})
        })
        .collect();
    let ports: Vec<Value> = items(service, "/spec/ports")
        .iter()
        .map(|port| endpoint_port(port, pods.first().map(|p| &***p)))
        .collect();
    let mut labels = part(service, "/metadata/labels");
    if !labels.is_object() {
        labels = json!({});
    }
    set(&mut labels, "kubernetes.io/service-name", name(service));
    set(&mut labels, "endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
    json!({"apiVersion": Kind::EndpointSlice.api_version(), "kind": "EndpointSlice",
        "metadata": {"generateName": format!("{}-", name(service)), "namespace": namespace(service),
            "labels": labels, "ownerReferences": template::owner(Kind::Service, service)},
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports})
}

/// A Service's port on the pods' side: a named target is looked up in a pod.
fn endpoint_port(port: &Value, pod: Option<&Value>) -> Value {
    let target = match port.get("targetPort") {
        Some(Value::String(wanted)) => pod
            .into_iter()
            .flat_map(|pod| items(pod, "/spec/containers"))
            .flat_map(|container| items(container, "/ports"))
            .find(|p| text(p, "/name") == wanted)
            .map_or_else(|| int(port, "/port"), |p| int(p, "/containerPort")),
        Some(Value::Number(number)) => number.as_i64().unwrap_or_default(),
        _ => int(port, "/port"),
    };
    let protocol = if text(port, "/protocol").is_empty() { "TCP" } else { text(port, "/protocol") };
    let mut made = json!({"name": text(port, "/name"), "protocol": protocol, "port": target});
    if let Some(app) = port.get("appProtocol") {
        set(&mut made, "appProtocol", app.clone());
    }
    made
}
