use std::time::Duration;

use serde_json::{Value, json};

use crate::workloads::hash;
use crate::workloads::nodes::{Fate, NodeOptions};
use crate::workloads::plan::{Cx, Plan};
use crate::workloads::value::{int, items, name, namespace, set, text, uid};

/// Stages of a crashing container; it is restarted so many times, then nothing changes any more.
const RESTARTS: [&str; 7] =
    ["restart-1", "restart-2", "restart-3", "restart-4", "restart-5", "restart-6", "restart-7"];
/// Shortest pause between two states of a failing container, so that each of them can be seen.
const BACKOFF: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
}

/// The containers of a pod as its status shows them.
#[derive(Debug)]
pub(super) struct Containers {
    pub(super) phase: Phase,
    pub(super) initialized: bool,
    pub(super) init: Vec<Value>,
    pub(super) main: Vec<Value>,
}

impl Containers {
    /// Names of the main containers that are not ready.
    pub(super) fn unready(&self) -> Vec<&str> {
        self.main
            .iter()
            .filter(|c| c.get("ready") != Some(&Value::Bool(true)))
            .map(|c| text(c, "/name"))
            .collect()
    }
}

/// How one container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Pulling { backing_off: bool },
    Running,
    Ended(i32),
    Crashing { code: i32, restarts: usize },
}

pub(super) fn look(
    cx: &Cx<'_>,
    plan: &mut Plan,
    options: &NodeOptions,
    pod: &Value,
    started: bool,
) -> Containers {
    let restart = text(pod, "/spec/restartPolicy");
    let mut init = Vec::new();
    let mut initialized = true;
    for container in items(pod, "/spec/initContainers") {
        let sidecar = text(container, "/restartPolicy") == "Always";
        let state = match fate(options, container) {
            _ if !started || !initialized => State::Waiting,
            Fate::Runs if sidecar => State::Running,
            Fate::Runs => State::Ended(0),
            Fate::ImageMissing => pulling(cx, plan, options, pod),
            Fate::Crashes(code) if restart == "Never" => State::Ended(code),
            Fate::Crashes(code) => crashing(cx, plan, options, pod, code),
        };
        initialized &= matches!(state, State::Running | State::Ended(0));
        init.push(status(cx, pod, "initContainerStatuses", container, state, !sidecar));
    }
    let runs_on = restart == "Always" || restart.is_empty();
    let ran = started
        && initialized
        && (runs_on || cx.waited(plan, pod, "run", options.ready_delay + options.run_time));
    let mut states = Vec::new();
    for container in items(pod, "/spec/containers") {
        states.push(match fate(options, container) {
            _ if !started || !initialized => State::Waiting,
            Fate::Runs if runs_on || !ran => State::Running,
            Fate::Runs => State::Ended(0),
            Fate::ImageMissing => pulling(cx, plan, options, pod),
            Fate::Crashes(code) if restart == "Never" => State::Ended(code),
            Fate::Crashes(code) => crashing(cx, plan, options, pod, code),
        });
    }
    let init_failed = init.iter().any(|c| int(c, "/state/terminated/exitCode") != 0);
    let all_ended = states.iter().all(|s| matches!(s, State::Ended(_)));
    let phase = if init_failed || (all_ended && states.iter().any(|s| *s != State::Ended(0))) {
        Phase::Failed
    } else if all_ended {
        Phase::Succeeded
    } else if !initialized || states.iter().any(|s| matches!(s, State::Waiting | State::Pulling { .. })) {
        Phase::Pending
    } else {
        Phase::Running
    };
    let containers = items(pod, "/spec/containers").iter().zip(states);
    let main = containers.map(|(c, state)| status(cx, pod, "containerStatuses", c, state, false)).collect();
    Containers { phase, initialized, init, main }
}

fn fate(options: &NodeOptions, container: &Value) -> Fate {
    let words =
        ["/command", "/args"].iter().flat_map(|field| items(container, field)).filter_map(Value::as_str);
    (options.fate)(text(container, "/image"), &words.collect::<Vec<_>>().join(" "))
}

fn pulling(cx: &Cx<'_>, plan: &mut Plan, options: &NodeOptions, pod: &Value) -> State {
    State::Pulling { backing_off: cx.waited(plan, pod, "pull", options.ready_delay * 2 + BACKOFF) }
}

fn crashing(cx: &Cx<'_>, plan: &mut Plan, options: &NodeOptions, pod: &Value, code: i32) -> State {
    let pause = options.ready_delay.max(BACKOFF);
    let mut restarts = 0;
    for stage in RESTARTS {
        // Each stage's clock starts when the one before is over.
        if !cx.waited(plan, pod, stage, pause) {
            break;
        }
        restarts += 1;
    }
    State::Crashing { code, restarts }
}

/// A container's status; times stay as they were while its state stays the same.
fn status(cx: &Cx<'_>, pod: &Value, list: &str, container: &Value, state: State, init: bool) -> Value {
    let name = text(container, "/name");
    let image = text(container, "/image");
    let old = items(pod, &format!("/status/{list}")).iter().find(|c| text(c, "/name") == name);
    let old = old.filter(|c| text(c, "/image") == image);
    let stamp = cx.stamp();
    let time = |pointer: &str| {
        let known = old.map_or("", |c| text(c, pointer));
        if known.is_empty() { stamp.clone() } else { known.to_owned() }
    };
    let id = format!(
        "simulated://{:016x}{:016x}",
        hash::of_text(&format!("{}{name}", uid(pod))),
        hash::of_text(image)
    );
    let mut restarts = 0;
    let mut last = json!({});
    let ended = |code: i32, at: &str| {
        json!({"terminated": {"exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": time(&format!("{at}/terminated/startedAt")),
            "finishedAt": time(&format!("{at}/terminated/finishedAt")), "containerID": id}})
    };
    let (ready, started, state) = match state {
        State::Waiting => {
            let waits =
                if init || items(pod, "/spec/initContainers").is_empty() || list != "containerStatuses" {
                    "ContainerCreating"
                } else {
                    "PodInitializing"
                };
            (false, false, json!({"waiting": {"reason": waits}}))
        }
        State::Pulling { backing_off } => {
            (false, false, json!({"waiting": pull_failure(image, backing_off)}))
        }
        State::Running => (true, true, json!({"running": {"startedAt": time("/state/running/startedAt")}})),
        State::Ended(code) => (init && code == 0, false, ended(code, "/state")),
        State::Crashing { code, restarts: 0 } => (false, false, ended(code, "/state")),
        State::Crashing { code, restarts: count } => {
            restarts = count;
            last = ended(code, "/lastState");
            // 10 s, doubled with each restart, at most 5 minutes.
            let seconds = (10_u64 << (count - 1).min(5)).min(300);
            let pause = if seconds < 60 {
                format!("{seconds}s")
            } else {
                format!("{}m{}s", seconds / 60, seconds % 60)
            };
            let message = format!(
                "back-off {pause} restarting failed container={name} pod={}_{}({})",
                self::name(pod),
                namespace(pod),
                uid(pod)
            );
            (false, false, json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}}))
        }
    };
    let ran = state.get("waiting").is_none() || restarts > 0;
    let mut status = json!({"name": name, "image": image, "ready": ready, "started": started,
        "restartCount": restarts, "state": state, "lastState": last, "imageID": "", "resources": {}});
    if ran {
        set(&mut status, "imageID", format!("{image}@sha256:{:064x}", hash::of_text(image)));
        set(&mut status, "containerID", id);
    }
    if let Some(resources) = container.get("resources") {
        set(&mut status, "resources", resources.clone());
    }
    status
}

/// What containerd and the kubelet say of an image that its registry does not have.
fn pull_failure(image: &str, backing_off: bool) -> Value {
    let reference = full_reference(image);
    let error = format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{reference}\": \
         failed to resolve reference \"{reference}\": {reference}: not found"
    );
    if backing_off {
        json!({"reason": "ImagePullBackOff",
            "message": format!("Back-off pulling image \"{image}\": ErrImagePull: {error}")})
    } else {
        json!({"reason": "ErrImagePull", "message": error})
    }
}

fn full_reference(image: &str) -> String {
    let host = image.split_once('/').map(|(host, _)| host);
    match host {
        Some(host) if host.contains(['.', ':']) || host == "localhost" => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
        None => format!("docker.io/library/{image}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_image_is_told_as_the_kubelet_tells_it() {
        for (image, reference) in [
            ("nginx:bad", "docker.io/library/nginx:bad"),
            ("team/web:bad", "docker.io/team/web:bad"),
            ("ghcr.io/team/web:bad", "ghcr.io/team/web:bad"),
        ] {
            let failure = pull_failure(image, true);
            assert_eq!(failure["reason"], "ImagePullBackOff");
            let message = failure["message"].as_str().unwrap();
            assert!(message.starts_with(&format!("Back-off pulling image \"{image}\"")), "{message}");
            assert!(message.ends_with(&format!("{reference}: not found")), "{message}");
        }
    }
}
