//! Services and what is behind and before them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, list, name, number, or, selector, text};

/// Addresses that are shown before `+ n more...`.
const MAX_ENDPOINTS: usize = 3;

pub(super) const SERVICE: &[&str] =
    &["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*"];

pub(super) fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let kind = text(spec, "type");
    let ports: Vec<String> = list(spec, "ports")
        .iter()
        .map(|port| {
            let number_and_node = match port["nodePort"].as_i64().filter(|n| *n != 0) {
                Some(node) => format!("{}:{node}", number(port, "port")),
                None => number(port, "port").to_string(),
            };
            format!("{number_and_node}/{}", text(port, "protocol"))
        })
        .collect();
    let labels = crate::scale::selector_text(&json!({"matchLabels": spec["selector"]}));
    vec![
        name(object),
        json!(kind),
        json!(or(text(spec, "clusterIP"), "<none>")),
        json!(external(object, &kind)),
        json!(or(ports.join(","), "<none>")),
        age(object, now),
        json!(or(labels, "<none>")),
    ]
}

fn external(object: &Value, kind: &str) -> String {
    let spec = &object["spec"];
    let mut addresses = ingress_points(object);
    addresses.extend(list(spec, "externalIPs").iter().filter_map(|ip| ip.as_str().map(str::to_owned)));
    match kind {
        "ExternalName" => text(spec, "externalName"),
        "LoadBalancer" => or(addresses.join(","), "<pending>"),
        _ => {
            let own: Vec<String> =
                list(spec, "externalIPs").iter().filter_map(|ip| ip.as_str().map(str::to_owned)).collect();
            or(own.join(","), "<none>")
        }
    }
}

fn ingress_points(object: &Value) -> Vec<String> {
    let points = list(&object["status"]["loadBalancer"], "ingress");
    points.iter().map(|p| or(text(p, "ip"), &text(p, "hostname"))).filter(|p| !p.is_empty()).collect()
}

fn shortened(mut all: Vec<String>) -> String {
    if all.is_empty() {
        return "<none>".to_owned();
    }
    let more = all.len().saturating_sub(MAX_ENDPOINTS);
    all.truncate(MAX_ENDPOINTS);
    let shown = all.join(",");
    if more > 0 { format!("{shown} + {more} more...") } else { shown }
}

pub(super) const ENDPOINTS: &[&str] = &["Name", "Endpoints", "Age"];

pub(super) fn endpoints(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut all = Vec::new();
    for subset in list(object, "subsets") {
        let ports = list(subset, "ports");
        for address in list(subset, "addresses") {
            let ip = text(address, "ip");
            if ports.is_empty() {
                all.push(ip.clone());
            }
            all.extend(ports.iter().map(|port| format!("{ip}:{}", number(port, "port"))));
        }
    }
    vec![name(object), json!(shortened(all)), age(object, now)]
}

pub(super) const SLICE: &[&str] = &["Name", "AddressType", "Ports", "Endpoints", "Age"];

pub(super) fn slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports: Vec<String> = list(object, "ports")
        .iter()
        .map(|p| p["port"].as_i64().map_or("*".to_owned(), |n| n.to_string()))
        .collect();
    let addresses = list(object, "endpoints").iter().flat_map(|e| list(e, "addresses"));
    let addresses = addresses.filter_map(|a| a.as_str().map(str::to_owned)).collect();
    let ports = if ports.is_empty() { "<unset>".to_owned() } else { shortened(ports) };
    let addresses: Vec<String> = addresses;
    let shown = if addresses.is_empty() { "<unset>".to_owned() } else { shortened(addresses) };
    vec![name(object), json!(text(object, "addressType")), json!(ports), json!(shown), age(object, now)]
}

pub(super) const INGRESS: &[&str] = &["Name", "Class", "Hosts", "Address", "Ports", "Age"];

pub(super) fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let mut hosts: Vec<String> =
        list(spec, "rules").iter().map(|rule| text(rule, "host")).filter(|host| !host.is_empty()).collect();
    hosts.dedup();
    let hosts = if hosts.is_empty() { "*".to_owned() } else { shortened(hosts) };
    let ports = if list(spec, "tls").is_empty() { "80" } else { "80, 443" };
    vec![
        name(object),
        json!(or(text(spec, "ingressClassName"), "<none>")),
        json!(hosts),
        json!(ingress_points(object).join(",")),
        json!(ports),
        age(object, now),
    ]
}

pub(super) const CLASS: &[&str] = &["Name", "Controller", "Parameters", "Age"];

pub(super) fn class(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let parameters = &spec["parameters"];
    let shown = if parameters.is_object() {
        let group = text(parameters, "apiGroup");
        let dot = if group.is_empty() { "" } else { "." };
        format!("{}{dot}{group}/{}", text(parameters, "kind"), text(parameters, "name"))
    } else {
        "<none>".to_owned()
    };
    vec![name(object), json!(text(spec, "controller")), json!(shown), age(object, now)]
}

pub(super) const POLICY: &[&str] = &["Name", "Pod-Selector", "Age"];

pub(super) fn policy(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), selector(&object["spec"]["podSelector"]), age(object, now)]
}
