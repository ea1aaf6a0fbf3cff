//! Job: pods until enough of them have succeeded, or too many have failed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::condition::{condition, find, is_true};
use super::engine::{Controller, unrelated};
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::podspec::{give_up_order, is_active, is_ready};
use super::template;
use super::value::{
    annotation, flag, int, int_or, is_deleting, items, label, name, part, set, text, time, uid,
};

pub(super) const CONTROLLER: Controller =
    Controller { root: Kind::Job, watches: &[Kind::Pod], plan, related: unrelated };

const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const UID_LABELS: [&str; 2] = ["batch.kubernetes.io/controller-uid", "controller-uid"];
const NAME_LABELS: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];

/// A job's pods, by what has become of them.
struct Pods<'a> {
    active: Vec<&'a Arc<Value>>,
    succeeded: i64,
    failed: i64,
    /// Completion indexes that have succeeded, where the job counts them.
    done: BTreeSet<i64>,
    /// Restarts of containers in active pods: with `OnFailure` they count against the limit.
    restarts: i64,
}

fn plan(cx: &Cx<'_>, job: &Value) -> Plan {
    let mut plan = Plan::default();
    if is_deleting(job) {
        return plan;
    }
    if is_true(job, "Complete") || is_true(job, "Failed") {
        expire(cx, &mut plan, job);
        return plan;
    }
    let pods = read(cx, job);
    let failure = failure(cx, &mut plan, job, &pods);
    let suspended = flag(job, "/spec/suspend");
    let complete = is_complete(job, &pods);
    let over = failure.is_some() || complete || suspended;
    let mut active = i64::try_from(pods.active.len()).unwrap_or(i64::MAX);
    if over {
        for pod in &pods.active {
            plan.act(Action::Delete(Kind::Pod, Value::clone(pod), None));
        }
        active = 0;
    } else {
        active += keep_going(&mut plan, job, &pods);
    }
    let status = status(cx, job, &pods, active, failure, complete, suspended);
    plan.status(Kind::Job, job, status);
    plan
}

fn is_indexed(job: &Value) -> bool {
    text(job, "/spec/completionMode") == "Indexed"
}

fn read<'a>(cx: &Cx<'a>, job: &Value) -> Pods<'a> {
    let mut pods = Pods { active: Vec::new(), succeeded: 0, failed: 0, done: BTreeSet::new(), restarts: 0 };
    for pod in cx.store.owned(uid(job), Kind::Pod) {
        match text(pod, "/status/phase") {
            "Succeeded" => {
                pods.succeeded += 1;
                pods.done.extend(annotation(pod, INDEX).parse::<i64>());
            }
            "Failed" => pods.failed += 1,
            _ if is_active(pod) => {
                pods.restarts += items(pod, "/status/containerStatuses")
                    .iter()
                    .map(|c| int(c, "/restartCount"))
                    .sum::<i64>();
                pods.active.push(pod);
            }
            _ => {}
        }
    }
    // Pods that were counted and deleted since stay counted.
    pods.succeeded = pods.succeeded.max(int(job, "/status/succeeded"));
    pods.failed = pods.failed.max(int(job, "/status/failed"));
    if is_indexed(job) {
        pods.succeeded = i64::try_from(pods.done.len()).unwrap_or(i64::MAX);
    }
    pods
}

fn is_complete(job: &Value, pods: &Pods<'_>) -> bool {
    match job.pointer("/spec/completions").and_then(Value::as_i64) {
        Some(completions) => pods.succeeded >= completions,
        // Without a number one success is enough, once the others have ended.
        None => pods.succeeded > 0 && pods.active.is_empty(),
    }
}

/// Reason and message of a failure.
fn failure(
    cx: &Cx<'_>,
    plan: &mut Plan,
    job: &Value,
    pods: &Pods<'_>,
) -> Option<(&'static str, &'static str)> {
    let limit = int_or(job, "/spec/backoffLimit", 6);
    let on_failure = text(job, "/spec/template/spec/restartPolicy") == "OnFailure";
    if pods.failed > limit || (on_failure && pods.restarts > 0 && pods.restarts >= limit) {
        return Some(("BackoffLimitExceeded", "Job has reached the specified backoff limit"));
    }
    let deadline = job.pointer("/spec/activeDeadlineSeconds").and_then(Value::as_i64)?;
    let since = time(job, "/status/startTime").map_or(0, |start| cx.seconds_since(start));
    if since >= deadline {
        return Some(("DeadlineExceeded", "Job was active longer than specified deadline"));
    }
    plan.again(Duration::from_secs((deadline - since).unsigned_abs()));
    None
}

/// Starts or gives up pods; returns by how many the active ones change.
fn keep_going(plan: &mut Plan, job: &Value, pods: &Pods<'_>) -> i64 {
    let parallelism = int_or(job, "/spec/parallelism", 1);
    let active = i64::try_from(pods.active.len()).unwrap_or(i64::MAX);
    let completions = job.pointer("/spec/completions").and_then(Value::as_i64);
    let wanted = match completions {
        Some(completions) => (completions - pods.succeeded).min(parallelism),
        None if pods.succeeded > 0 => active,
        None => parallelism,
    };
    if wanted < active {
        let mut given_up = pods.active.clone();
        given_up.sort_by_cached_key(|pod| give_up_order(pod));
        for pod in given_up.iter().take(usize::try_from(active - wanted).unwrap_or_default()) {
            plan.act(Action::Delete(Kind::Pod, Value::clone(pod), None));
        }
    }
    let running: BTreeSet<i64> =
        pods.active.iter().filter_map(|pod| annotation(pod, INDEX).parse().ok()).collect();
    let mut free =
        (0..completions.unwrap_or(i64::MAX)).filter(|i| !pods.done.contains(i) && !running.contains(i));
    for _ in active..wanted {
        let index = if is_indexed(job) { free.next() } else { None };
        plan.act(Action::Create(Kind::Pod, new_pod(job, index)));
    }
    wanted - active
}

fn new_pod(job: &Value, index: Option<i64>) -> Value {
    let mut pod = template::pod(Kind::Job, job, job.pointer("/spec/template").unwrap_or(&Value::Null));
    for (names, content) in [(UID_LABELS, uid(job)), (NAME_LABELS, name(job))] {
        for label_name in names {
            if label(&pod, label_name).is_empty() {
                template::set_label(&mut pod, label_name, content);
            }
        }
    }
    match index {
        Some(index) => {
            template::set_annotation(&mut pod, INDEX, &index.to_string());
            template::set_label(&mut pod, INDEX, &index.to_string());
            template::set_meta(&mut pod, "generateName", format!("{}-{index}-", name(job)));
        }
        None => template::set_meta(&mut pod, "generateName", format!("{}-", name(job))),
    }
    pod
}

fn status(
    cx: &Cx<'_>,
    job: &Value,
    pods: &Pods<'_>,
    active: i64,
    failure: Option<(&str, &str)>,
    complete: bool,
    suspended: bool,
) -> Value {
    let now = cx.stamp();
    let ready = if active == 0 { 0 } else { pods.active.iter().filter(|pod| is_ready(pod)).count() };
    let mut status = json!({"terminating": 0, "ready": ready, "uncountedTerminatedPods": {}});
    let failed = if failure.is_some() { pods.failed.max(1) } else { pods.failed };
    for (field, count) in [("active", active), ("succeeded", pods.succeeded), ("failed", failed)] {
        if count > 0 {
            set(&mut status, field, count);
        }
    }
    if is_indexed(job) && !pods.done.is_empty() {
        let done: Vec<String> = pods.done.iter().map(i64::to_string).collect();
        set(&mut status, "completedIndexes", done.join(","));
    }
    if !suspended {
        let start = text(job, "/status/startTime");
        set(&mut status, "startTime", if start.is_empty() { now.as_str() } else { start });
    }
    let timed = |kind: &str, status: bool, reason: &str, message: &str| {
        let mut made = condition(kind, status, reason, message);
        set(&mut made, "lastProbeTime", now.as_str());
        set(&mut made, "lastTransitionTime", now.as_str());
        match find(job, kind) {
            Some(old) if text(old, "/status") == text(&made, "/status") => old.clone(),
            _ => made,
        }
    };
    let mut conditions: Vec<Value> = part(job, "/status/conditions").as_array().cloned().unwrap_or_default();
    let mut put = |made: Value| {
        conditions.retain(|c| text(c, "/type") != text(&made, "/type"));
        conditions.push(made);
    };
    if let Some((reason, message)) = failure {
        put(timed("FailureTarget", true, reason, message));
        put(timed("Failed", true, reason, message));
    } else if complete {
        let message = "Reached expected number of succeeded pods";
        set(&mut status, "completionTime", now.as_str());
        put(timed("SuccessCriteriaMet", true, "CompletionsReached", message));
        put(timed("Complete", true, "CompletionsReached", message));
    } else if suspended {
        put(timed("Suspended", true, "JobSuspended", "Job suspended"));
    } else if find(job, "Suspended").is_some() {
        put(timed("Suspended", false, "JobResumed", "Job resumed"));
    }
    if !conditions.is_empty() {
        set(&mut status, "conditions", conditions);
    }
    status
}

/// Deletes a finished job after `ttlSecondsAfterFinished`.
fn expire(cx: &Cx<'_>, plan: &mut Plan, job: &Value) {
    let Some(ttl) = job.pointer("/spec/ttlSecondsAfterFinished").and_then(Value::as_i64) else { return };
    let finished =
        ["Complete", "Failed"].iter().find_map(|kind| time(find(job, kind)?, "/lastTransitionTime"));
    let left = ttl - finished.map_or(0, |at| cx.seconds_since(at));
    if left > 0 {
        plan.again(Duration::from_secs(left.unsigned_abs()));
    } else {
        plan.act(Action::Delete(Kind::Job, job.clone(), None));
    }
}
