//! A node's part: pods that are bound to it run, fail or end as their images' names say, and go when deleted.

mod containers;

use serde_json::{Value, json};

use super::condition::{condition, find, is_true, since};
use super::engine::{Controller, unrelated};
use super::hash;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::podspec::is_finished;
use super::value::{generation, is_deleting, items, part, set, text, uid};
use containers::{Containers, Phase};

pub(super) const CONTROLLER: Controller =
    Controller { root: Kind::Pod, watches: &[], plan, related: unrelated };

/// The conditions that a kubelet sets; others belong to others.
const OWN_CONDITIONS: [&str; 4] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"];

fn plan(cx: &Cx<'_>, pod: &Value) -> Plan {
    let mut plan = Plan::default();
    let Some(options) = cx.nodes else { return plan };
    if !options.names.iter().any(|node| node == text(pod, "/spec/nodeName")) {
        return plan;
    }
    if is_deleting(pod) {
        if cx.waited(&mut plan, pod, "stop", options.stop_delay) {
            plan.act(Action::Delete(Kind::Pod, pod.clone(), Some(0)));
        }
        return plan;
    }
    if is_finished(pod) {
        return plan;
    }
    let started =
        cx.waited(&mut plan, pod, "start", options.ready_delay) || text(pod, "/status/phase") == "Running";
    let containers = containers::look(cx, &mut plan, options, pod, started);
    let status = status(cx, pod, &containers);
    plan.status(Kind::Pod, pod, status);
    plan
}

fn status(cx: &Cx<'_>, pod: &Value, containers: &Containers) -> Value {
    let stamp = cx.stamp();
    let mut status = part(pod, "/status");
    let phase = match containers.phase {
        Phase::Pending => "Pending",
        Phase::Running => "Running",
        Phase::Succeeded => "Succeeded",
        Phase::Failed => "Failed",
    };
    set(&mut status, "phase", phase);
    if generation(pod) > 0 {
        set(&mut status, "observedGeneration", generation(pod));
    }
    if text(&status, "/startTime").is_empty() {
        set(&mut status, "startTime", stamp.as_str());
    }
    let node = cx.store.get(Kind::Node, "", text(pod, "/spec/nodeName"));
    let host = node
        .and_then(|node| items(node, "/status/addresses").first())
        .map(|a| text(a, "/address").to_owned());
    if let Some(host) = host.filter(|host| !host.is_empty()) {
        set(&mut status, "hostIP", host.as_str());
        set(&mut status, "hostIPs", json!([{"ip": host}]));
    }
    if containers.phase != Phase::Pending && text(&status, "/podIP").is_empty() {
        let number = hash::of_text(uid(pod));
        let ip = format!("10.244.{}.{}", (number >> 8) % 250, number % 250 + 2);
        set(&mut status, "podIPs", json!([{"ip": ip.as_str()}]));
        set(&mut status, "podIP", ip);
    }
    set(&mut status, "conditions", conditions(pod, containers, &stamp));
    set(&mut status, "containerStatuses", containers.main.clone());
    if !containers.init.is_empty() {
        set(&mut status, "initContainerStatuses", containers.init.clone());
    }
    status
}

fn conditions(pod: &Value, containers: &Containers, now: &str) -> Vec<Value> {
    let unready = containers.unready();
    let message = if unready.is_empty() {
        String::new()
    } else {
        format!("containers with unready status: [{}]", unready.join(" "))
    };
    let gates: Vec<&str> =
        items(pod, "/spec/readinessGates").iter().map(|gate| text(gate, "/conditionType")).collect();
    let gates_open = gates.iter().all(|gate| is_true(pod, gate));
    let finished = containers.phase == Phase::Succeeded;
    let ready = |kind: &str, ready: bool| match (ready, finished) {
        (true, _) => condition(kind, true, "", ""),
        (false, true) => condition(kind, false, "PodCompleted", ""),
        (false, false) => condition(kind, false, "ContainersNotReady", &message),
    };
    let containers_ready = containers.phase == Phase::Running && unready.is_empty();
    let mut pod_ready = ready("Ready", containers_ready && gates_open);
    if containers_ready && !gates_open {
        set(&mut pod_ready, "reason", "ReadinessGatesNotReady");
        set(&mut pod_ready, "message", "the status of pod readiness gates is not \"True\"");
    }
    let mut initialized = condition("Initialized", containers.initialized, "", "");
    if !containers.initialized {
        set(&mut initialized, "reason", "ContainersNotInitialized");
        set(&mut initialized, "message", "containers with incomplete status: [init]");
    }
    let own = [
        condition("PodReadyToStartContainers", containers.phase == Phase::Running, "", ""),
        initialized,
        pod_ready,
        ready("ContainersReady", containers_ready),
    ];
    let mut all: Vec<Value> = own
        .into_iter()
        .map(|mut c| {
            set(&mut c, "lastProbeTime", Value::Null);
            since(pod, c, now)
        })
        .collect();
    let others =
        items(pod, "/status/conditions").iter().filter(|c| !OWN_CONDITIONS.contains(&text(c, "/type")));
    all.extend(others.cloned());
    if find(pod, "PodScheduled").is_none() {
        let mut scheduled = condition("PodScheduled", true, "", "");
        set(&mut scheduled, "lastProbeTime", Value::Null);
        all.push(since(pod, scheduled, now));
    }
    all
}
