//! Pods: their status in a word.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, age::since, list, name, number, or, text};

pub(super) const COLUMNS: &[&str] =
    &["Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*", "Nominated Node*", "Readiness Gates*"];

pub(super) fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    let states = list(status, "containerStatuses");
    let ready = states.iter().filter(|s| s["ready"] == true && s["state"]["running"].is_object()).count();
    let total = list(spec, "containers").len();
    let ip = list(status, "podIPs").first().map_or_else(|| text(status, "podIP"), |ip| text(ip, "ip"));
    let gates = list(spec, "readinessGates");
    let gates = if gates.is_empty() {
        "<none>".to_owned()
    } else {
        let met = gates.iter().filter(|g| condition(status, &text(g, "conditionType")) == "True").count();
        format!("{met}/{}", gates.len())
    };
    vec![
        name(pod),
        json!(format!("{ready}/{total}")),
        json!(word(pod)),
        json!(restarts(status, now)),
        age(pod, now),
        json!(or(ip, "<none>")),
        json!(or(text(spec, "nodeName"), "<none>")),
        json!(or(text(status, "nominatedNodeName"), "<none>")),
        json!(gates),
    ]
}

fn condition(status: &Value, kind: &str) -> String {
    let found = list(status, "conditions").iter().find(|c| c["type"] == kind);
    found.map(|c| text(c, "status")).unwrap_or_default()
}

fn restarts(status: &Value, now: Timestamp) -> String {
    let states = list(status, "containerStatuses");
    let count: i64 = states.iter().map(|s| number(s, "restartCount")).sum();
    let last = states.iter().filter_map(|s| s["lastState"]["terminated"]["finishedAt"].as_str()).max();
    match last {
        Some(last) if count > 0 => format!("{count} ({} ago)", since(&json!(last), now)),
        _ => count.to_string(),
    }
}

/// Why a container that is not running is not, in a word.
fn stopped(state: &Value) -> Option<String> {
    let waiting = text(&state["waiting"], "reason");
    if !waiting.is_empty() {
        return Some(waiting);
    }
    let terminated = &state["terminated"];
    if !terminated.is_object() {
        return None;
    }
    let reason = text(terminated, "reason");
    Some(if !reason.is_empty() {
        reason
    } else if number(terminated, "signal") != 0 {
        format!("Signal:{}", number(terminated, "signal"))
    } else {
        format!("ExitCode:{}", number(terminated, "exitCode"))
    })
}

/// The status column.
fn word(pod: &Value) -> String {
    let status = &pod["status"];
    let mut word = or(text(status, "reason"), &text(status, "phase"));
    let gated = list(status, "conditions")
        .iter()
        .any(|c| c["type"] == "PodScheduled" && c["reason"] == "SchedulingGated");
    if gated {
        word = "SchedulingGated".to_owned();
    }
    let inits = list(status, "initContainerStatuses");
    let total = list(&pod["spec"], "initContainers").len();
    let mut initializing = false;
    for (at, state) in inits.iter().enumerate() {
        let terminated = &state["state"]["terminated"];
        if terminated.is_object() && number(terminated, "exitCode") == 0 {
            continue;
        }
        let always = list(&pod["spec"], "initContainers")
            .iter()
            .any(|c| c["name"] == state["name"] && c["restartPolicy"] == "Always");
        if always && state["started"] == true {
            continue;
        }
        word = match stopped(&state["state"]) {
            Some(reason) if reason != "PodInitializing" => format!("Init:{reason}"),
            _ => format!("Init:{at}/{total}"),
        };
        initializing = true;
        break;
    }
    if !initializing || condition(status, "Initialized") == "True" {
        let mut running = false;
        for state in list(status, "containerStatuses").iter().rev() {
            if let Some(reason) = stopped(&state["state"]) {
                word = reason;
            } else if state["ready"] == true && state["state"]["running"].is_object() {
                running = true;
            }
        }
        if word == "Completed" && running {
            word = if condition(status, "Ready") == "True" { "Running" } else { "NotReady" }.to_owned();
        }
    }
    let phase = text(status, "phase");
    if pod["metadata"]["deletionTimestamp"].is_string() {
        if text(status, "reason") == "NodeLost" {
            return "Unknown".to_owned();
        }
        if !matches!(phase.as_str(), "Failed" | "Succeeded") {
            return "Terminating".to_owned();
        }
    }
    word
}
