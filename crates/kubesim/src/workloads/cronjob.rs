//! CronJob: a Job at each scheduled minute (UTC; other time zones are not known here).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::condition::is_true;
use super::engine::{Controller, unrelated};
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::schedule::Schedule;
use super::template;
use super::value::{created, flag, int_or, is_deleting, name, namespace, part, set, stamp, text, time, uid};

pub(super) const CONTROLLER: Controller =
    Controller { root: Kind::CronJob, watches: &[Kind::Job], plan, related: unrelated };

fn plan(cx: &Cx<'_>, cron: &Value) -> Plan {
    let mut plan = Plan::default();
    if is_deleting(cron) {
        return plan;
    }
    let mut jobs: Vec<&Arc<Value>> = cx.store.owned(uid(cron), Kind::Job).collect();
    jobs.sort_by_key(|job| created(job));
    forget_history(&mut plan, cron, &jobs);
    let active: Vec<_> = jobs.iter().filter(|j| !is_true(j, "Complete") && !is_true(j, "Failed")).collect();
    let mut status = part(cron, "/status");
    if !status.is_object() {
        status = json!({});
    }
    let references: Vec<Value> = active
        .iter()
        .map(|job| {
            json!({"apiVersion": "batch/v1", "kind": "Job", "name": name(job), "namespace": namespace(job),
                "uid": uid(job), "resourceVersion": text(job, "/metadata/resourceVersion")})
        })
        .collect();
    match status.as_object_mut() {
        Some(map) if references.is_empty() => drop(map.remove("active")),
        _ => set(&mut status, "active", references),
    }
    let succeeded = jobs.iter().filter_map(|job| time(job, "/status/completionTime")).max();
    if let Some(time) = succeeded {
        set(&mut status, "lastSuccessfulTime", stamp(time));
    }
    if let Some(due) = due(cx, &mut plan, cron) {
        let policy = text(cron, "/spec/concurrencyPolicy");
        if policy == "Forbid" && !active.is_empty() {
            // Looked at again when a job ends.
        } else {
            if policy == "Replace" {
                for job in &active {
                    plan.act(Action::Delete(Kind::Job, Value::clone(job), None));
                }
            }
            plan.act(Action::Create(Kind::Job, new_job(cron, due)));
            set(&mut status, "lastScheduleTime", stamp(due));
        }
    }
    plan.status(Kind::CronJob, cron, status);
    plan
}

/// The scheduled time that has passed without a job, if any; of several the last one.
fn due(cx: &Cx<'_>, plan: &mut Plan, cron: &Value) -> Option<jiff::Timestamp> {
    if flag(cron, "/spec/suspend") {
        return None;
    }
    let schedule = Schedule::parse(text(cron, "/spec/schedule"))?;
    let last =
        time(cron, "/status/lastScheduleTime").or_else(|| time(cron, "/metadata/creationTimestamp"))?;
    let mut due = None;
    let mut next = schedule.next(last)?;
    // After a long pause only the last hour is looked through: nobody wants the rest.
    if cx.seconds_since(next) > 3600 {
        next = schedule.next(cx.now - jiff::SignedDuration::from_hours(1)).unwrap_or(next);
    }
    while next <= cx.now {
        due = Some(next);
        next = schedule.next(next)?;
    }
    plan.again(Duration::from_secs(cx.seconds_since(next).unsigned_abs() + 1));
    let deadline = cron.pointer("/spec/startingDeadlineSeconds").and_then(Value::as_i64);
    due.filter(|due| deadline.is_none_or(|deadline| cx.seconds_since(*due) <= deadline))
}

fn new_job(cron: &Value, scheduled: jiff::Timestamp) -> Value {
    let template = "/spec/jobTemplate";
    let mut metadata = json!({"name": format!("{}-{}", name(cron), scheduled.as_second() / 60),
        "namespace": namespace(cron), "ownerReferences": template::owner(Kind::CronJob, cron)});
    for field in ["labels", "annotations"] {
        if let Some(content) = cron.pointer(&format!("{template}/metadata/{field}")) {
            set(&mut metadata, field, content.clone());
        }
    }
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
        "spec": part(cron, &format!("{template}/spec"))});
    template::set_annotation(&mut job, "batch.kubernetes.io/cronjob-scheduled-timestamp", &stamp(scheduled));
    job
}

fn forget_history(plan: &mut Plan, cron: &Value, jobs: &[&Arc<Value>]) {
    for (condition, limit) in [
        ("Complete", int_or(cron, "/spec/successfulJobsHistoryLimit", 3)),
        ("Failed", int_or(cron, "/spec/failedJobsHistoryLimit", 1)),
    ] {
        let finished: Vec<_> =
            jobs.iter().filter(|job| is_true(job, condition) && !is_deleting(job)).collect();
        let surplus = finished.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
        for job in finished.into_iter().take(surplus) {
            plan.act(Action::Delete(Kind::Job, Value::clone(job), None));
        }
    }
}
