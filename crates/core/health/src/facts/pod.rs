//! What is shown of a pod, as `kubectl get pods` shows it.

use std::collections::BTreeMap;

use resource::Object;
use serde_json::Value;

use super::Facts;
use super::quantity::milli;
use crate::read::{at, below, field, items, text};

/// What a pod asks for, in thousandths, by the name of the resource.
pub type Requests = BTreeMap<String, i64>;

pub(super) fn describe(pod: &Object, facts: &mut Facts) {
    let containers =
        ["initContainers", "containers"].into_iter().flat_map(|list| items(pod, &["spec", list]));
    facts.images = containers.map(|container| field(container, "image").to_owned()).collect();
    facts.images.sort_unstable();
    facts.images.dedup();
    let Shown { reason, ready, total, restarts } = Shown::of(pod);
    let mut say = |name: &str, value: String| facts.info.push((name.to_owned(), value));
    if !reason.is_empty() {
        say("Status Reason", reason);
    }
    say("Node", text(pod, &["spec", "nodeName"]).to_owned());
    say("Containers", format!("{ready}/{total}"));
    if restarts > 0 {
        say("Restart Count", restarts.to_string());
    }
    if !is_over(pod) {
        let requests = requests(pod);
        for name in ["cpu", "memory"] {
            say(name, requests.get(name).copied().unwrap_or_default().to_string());
        }
    }
}

/// Whether all of a pod has ended, well or not.
fn is_over(pod: &Object) -> bool {
    matches!(text(pod, &["status", "phase"]), "Failed" | "Succeeded")
}

struct Shown {
    reason: String,
    ready: usize,
    total: usize,
    restarts: i64,
}

impl Shown {
    fn of(pod: &Object) -> Self {
        let status = text(pod, &["status", "reason"]);
        let phase = text(pod, &["status", "phase"]);
        let mut shown = Self {
            reason: if status.is_empty() { phase } else { status }.to_owned(),
            ready: 0,
            total: items(pod, &["spec", "containers"]).len(),
            restarts: 0,
        };
        let conditions = items(pod, &["status", "conditions"]);
        let gated = |c: &Value| field(c, "type") == "PodScheduled" && field(c, "reason") == "SchedulingGated";
        if conditions.iter().any(gated) {
            "SchedulingGated".clone_into(&mut shown.reason);
        }
        let initializing = shown.initializers(pod);
        let initialized = conditions.iter().find(|condition| field(condition, "type") == "Initialized");
        if !initializing || initialized.is_some_and(|condition| field(condition, "status") == "True") {
            shown.containers(pod);
        }
        if at(pod, &["metadata", "deletionTimestamp"]).is_some() {
            if status == "NodeLost" {
                "Unknown".clone_into(&mut shown.reason);
            } else if !is_over(pod) {
                "Terminating".clone_into(&mut shown.reason);
            }
        }
        shown
    }

    /// The containers that go before the others; whether they are not over yet.
    fn initializers(&mut self, pod: &Object) -> bool {
        let declared = items(pod, &["spec", "initContainers"]);
        let stays = |name: &str| {
            let container = declared.iter().find(|container| field(container, "name") == name);
            container.is_some_and(|container| field(container, "restartPolicy") == "Always")
        };
        self.total +=
            declared.iter().filter(|container| field(container, "restartPolicy") == "Always").count();
        for (place, container) in items(pod, &["status", "initContainerStatuses"]).iter().enumerate() {
            self.restarts += restarts(container);
            let ended = below(container, &["state", "terminated"]);
            let waits = below(container, &["state", "waiting"]).map(|state| field(state, "reason"));
            match ended {
                Some(state) if code(state) == 0 => continue,
                None | Some(_) if stays(field(container, "name")) && is(container, "started") => {
                    self.ready += usize::from(is(container, "ready"));
                    continue;
                }
                Some(state) => self.reason = format!("Init:{}", end(state)),
                None => {
                    self.reason = match waits {
                        Some(reason) if !reason.is_empty() && reason != "PodInitializing" => {
                            format!("Init:{reason}")
                        }
                        _ => format!("Init:{place}/{}", declared.len()),
                    };
                }
            }
            return true;
        }
        false
    }

    fn containers(&mut self, pod: &Object) {
        let mut running = false;
        for container in items(pod, &["status", "containerStatuses"]).iter().rev() {
            self.restarts += restarts(container);
            let waits = below(container, &["state", "waiting"]).map(|state| field(state, "reason"));
            let ended = below(container, &["state", "terminated"]);
            match (waits.filter(|reason| !reason.is_empty()), ended) {
                (Some(reason), _) => reason.clone_into(&mut self.reason),
                (None, Some(state)) => self.reason = end(state),
                (None, None)
                    if is(container, "ready") && below(container, &["state", "running"]).is_some() =>
                {
                    running = true;
                    self.ready += 1;
                }
                (None, None) => {}
            }
        }
        if running && self.reason == "Completed" {
            "Running".clone_into(&mut self.reason);
        }
    }
}

fn restarts(container: &Value) -> i64 {
    container.get("restartCount").and_then(Value::as_i64).unwrap_or_default()
}

fn is(container: &Value, name: &str) -> bool {
    container.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn code(state: &Value) -> i64 {
    state.get("exitCode").and_then(Value::as_i64).unwrap_or_default()
}

/// How a container ended.
fn end(state: &Value) -> String {
    let signal = state.get("signal").and_then(Value::as_i64).unwrap_or_default();
    match (field(state, "reason"), signal) {
        ("", 0) => format!("ExitCode:{}", code(state)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// What a pod asks for: its containers together, or its initialization where that asks for more, and what it costs to run it.
///
/// **Source.** `PodRequests` of k8s.io/component-helpers.
pub fn requests(pod: &Object) -> Requests {
    let mut all = Requests::new();
    for container in items(pod, &["spec", "containers"]) {
        add(&mut all, &asked(container));
    }
    // Those that stay run beside all that come after them.
    let (mut staying, mut most) = (Requests::new(), Requests::new());
    for container in items(pod, &["spec", "initContainers"]) {
        let mut own = asked(container);
        if field(container, "restartPolicy") == "Always" {
            add(&mut all, &own);
            add(&mut staying, &own);
            own.clone_from(&staying);
        } else {
            add(&mut own, &staying);
        }
        raise(&mut most, &own);
    }
    raise(&mut all, &most);
    add(&mut all, &amounts(at(pod, &["spec", "overhead"])));
    all
}

fn asked(container: &Value) -> Requests {
    amounts(below(container, &["resources", "requests"]))
}

/// A map of quantities in thousandths, as of a node's capacity; what is no quantity is left out.
pub fn amounts(map: Option<&Value>) -> Requests {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    let amount = |value: &Value| match value {
        Value::String(text) => milli(text),
        Value::Number(number) => milli(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    entries.filter_map(|(name, value)| Some((name.clone(), amount(value)?))).collect()
}

fn add(to: &mut Requests, more: &Requests) {
    for (name, amount) in more {
        let sum = to.entry(name.clone()).or_default();
        *sum = sum.saturating_add(*amount);
    }
}

fn raise(to: &mut Requests, at_least: &Requests) {
    for (name, amount) in at_least {
        let most = to.entry(name.clone()).or_default();
        *most = (*most).max(*amount);
    }
}
