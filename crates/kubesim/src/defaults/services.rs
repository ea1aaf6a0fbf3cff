//! Services, and the addresses and ports that the server hands out.

use serde_json::{Value, json};

use super::{Fields, child, existing, items, set, set_text};
use crate::{status::FieldError, store::State};

/// Node ports are handed out from here upwards.
const FIRST_NODE_PORT: u32 = 30_000;
const LAST_NODE_PORT: u32 = 32_767;

pub(super) fn service(map: &mut Fields, live: Option<&Value>) {
    if let Some(status) = child(map, "status") {
        set(status, "loadBalancer", json!({}));
    }
    let Some(spec) = child(map, "spec") else { return };
    set_text(spec, "sessionAffinity", "None");
    set_text(spec, "type", "ClusterIP");
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    match spec.get("sessionAffinity").and_then(Value::as_str) {
        Some("ClientIP") => {
            if let Some(client) = child(spec, "sessionAffinityConfig").and_then(|c| child(c, "clientIP")) {
                set(client, "timeoutSeconds", json!(10_800));
            }
        }
        _ => {
            spec.remove("sessionAffinityConfig");
        }
    }
    for port in items(spec, "ports") {
        set_text(port, "protocol", "TCP");
        let number = port.get("port").cloned().unwrap_or_default();
        let target = port.get("targetPort");
        if target.is_none_or(|t| t.is_null() || t == 0 || t == "") {
            port.insert("targetPort".to_owned(), number);
        }
    }
    if kind == "ExternalName" {
        return;
    }
    set_text(spec, "internalTrafficPolicy", "Cluster");
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        set_text(spec, "externalTrafficPolicy", "Cluster");
    } else {
        spec.remove("externalTrafficPolicy");
    }
    if kind == "LoadBalancer" {
        set(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
    if let Some(live) = live {
        keep_allocated(spec, &live["spec"], &kind);
    }
}

/// A client that does not name what was allocated does not give it up.
fn keep_allocated(spec: &mut Fields, live: &Value, kind: &str) {
    if live["type"] == "ExternalName" {
        return;
    }
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if !live[field].is_null() {
            set(spec, field, live[field].clone());
        }
    }
    if kind == "ClusterIP" {
        // A Service that is no longer open to the outside gives its ports back.
        if live["type"] != "ClusterIP" {
            for port in items(spec, "ports") {
                port.remove("nodePort");
            }
        }
        return;
    }
    let old: Vec<Value> = live["ports"].as_array().cloned().unwrap_or_default();
    for port in items(spec, "ports") {
        let same = old
            .iter()
            .find(|o| Some(&o["port"]) == port.get("port") && Some(&o["protocol"]) == port.get("protocol"));
        if let Some(number) = same.map(|o| o["nodePort"].clone()).filter(|n| !n.is_null()) {
            set(port, "nodePort", number);
        }
    }
}

/// Addresses and ports that a Service has, as [`State`] keeps them.
pub(crate) fn claims(service: &Fields) -> Vec<String> {
    let Some(spec) = service.get("spec") else { return Vec::new() };
    let mut found = Vec::new();
    if let Some(ip) = spec["clusterIP"].as_str().filter(|ip| !ip.is_empty() && *ip != "None") {
        found.push(ip.to_owned());
    }
    let ports = spec["ports"].as_array().into_iter().flatten();
    found.extend(ports.filter_map(|p| p["nodePort"].as_u64()).map(|port| port.to_string()));
    found
}

/// Gives a Service its address and node ports.
pub(super) fn allocate(
    state: &mut State,
    object: &mut Value,
    live: Option<&Value>,
) -> Result<(), FieldError> {
    let own: Vec<String> = live.and_then(Value::as_object).map(claims).unwrap_or_default();
    let Some(spec) = object.as_object_mut().and_then(|o| existing(o, "spec")) else { return Ok(()) };
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind == "ExternalName" {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] {
            spec.remove(field);
        }
        return Ok(());
    }
    address(state, spec, &own)?;
    let headless = spec.get("clusterIP").and_then(Value::as_str) == Some("None");
    let selects = spec.get("selector").and_then(Value::as_object).is_some_and(|s| !s.is_empty());
    // Nobody but its owner knows what is behind a headless Service without a selector.
    let (families, policy) = if headless && !selects {
        (json!(["IPv4", "IPv6"]), "RequireDualStack")
    } else {
        (json!(["IPv4"]), "SingleStack")
    };
    set(spec, "ipFamilies", families);
    set_text(spec, "ipFamilyPolicy", policy);
    let opens = kind == "NodePort"
        || (kind == "LoadBalancer" && spec.get("allocateLoadBalancerNodePorts") != Some(&Value::Bool(false)));
    if !opens {
        return Ok(());
    }
    let mut wanted: Vec<u32> = Vec::new();
    for (at, port) in items(spec, "ports").enumerate() {
        let given = port
            .get("nodePort")
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or_default();
        if given != 0 {
            let taken = state.is_claimed(&given.to_string()) && !own.contains(&given.to_string());
            if taken {
                return Err(FieldError::invalid(
                    format!("spec.ports[{at}].nodePort"),
                    json!(given),
                    "provided port is already allocated",
                ));
            }
            if !(FIRST_NODE_PORT..=LAST_NODE_PORT).contains(&given) {
                return Err(FieldError::invalid(
                    format!("spec.ports[{at}].nodePort"),
                    json!(given),
                    "provided port is not in the valid range. The range of valid ports is 30000-32767",
                ));
            }
            wanted.push(given);
            continue;
        }
        let free = (FIRST_NODE_PORT..=LAST_NODE_PORT)
            .find(|port| !state.is_claimed(&port.to_string()) && !wanted.contains(port));
        if let Some(free) = free {
            wanted.push(free);
            port.insert("nodePort".to_owned(), json!(free));
        }
    }
    Ok(())
}

fn address(state: &mut State, spec: &mut Fields, own: &[String]) -> Result<(), FieldError> {
    let given = spec.get("clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
    let ip = if given.is_empty() { state.next_address() } else { given.clone() };
    if !given.is_empty() && given != "None" && state.is_claimed(&given) && !own.contains(&given) {
        return Err(FieldError::invalid(
            "spec.clusterIPs",
            json!([given]),
            "failed to allocate IP: provided IP is already allocated",
        ));
    }
    spec.insert("clusterIP".to_owned(), json!(ip));
    set(spec, "clusterIPs", json!([ip]));
    Ok(())
}
