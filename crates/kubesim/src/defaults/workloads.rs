//! What runs pods.

use serde_json::{Value, json};

use super::{Fields, child, existing, items, pods::pod_spec, set, set_text};

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// The pod template of a spec.
pub(super) fn template(map: &mut Fields) {
    if let Some(spec) = existing(map, "template").and_then(|t| child(t, "spec")) {
        pod_spec(spec);
    }
}

pub(super) fn deployment(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    template(spec);
    set(spec, "replicas", json!(1));
    set(spec, "revisionHistoryLimit", json!(10));
    set(spec, "progressDeadlineSeconds", json!(600));
    rolling(spec, "strategy", &[("maxUnavailable", json!("25%")), ("maxSurge", json!("25%"))]);
}

/// The strategy of updates, with these defaults where it rolls.
fn rolling(spec: &mut Fields, field: &str, defaults: &[(&str, Value)]) {
    let Some(strategy) = child(spec, field) else { return };
    set_text(strategy, "type", "RollingUpdate");
    if strategy.get("type").and_then(Value::as_str) != Some("RollingUpdate") {
        return;
    }
    if let Some(rolling) = child(strategy, "rollingUpdate") {
        for (field, value) in defaults {
            set(rolling, field, value.clone());
        }
    }
}

pub(super) fn replica_set(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    template(spec);
    set(spec, "replicas", json!(1));
}

pub(super) fn replication_controller(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    template(spec);
    set(spec, "replicas", json!(1));
    let labels = spec.get("template").and_then(|t| t.get("metadata")?.get("labels")).cloned();
    if let Some(labels) = labels {
        set(spec, "selector", labels.clone());
        if let Some(metadata) = child(map, "metadata") {
            set(metadata, "labels", labels);
        }
    }
}

pub(super) fn stateful_set(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    template(spec);
    set(spec, "replicas", json!(1));
    set(spec, "revisionHistoryLimit", json!(10));
    set_text(spec, "podManagementPolicy", "OrderedReady");
    rolling(spec, "updateStrategy", &[("partition", json!(0))]);
    if let Some(policy) = child(spec, "persistentVolumeClaimRetentionPolicy") {
        set_text(policy, "whenDeleted", "Retain");
        set_text(policy, "whenScaled", "Retain");
    }
    for claim in items(spec, "volumeClaimTemplates") {
        set(claim, "apiVersion", json!("v1"));
        set(claim, "kind", json!("PersistentVolumeClaim"));
        super::misc::claim(claim);
    }
}

pub(super) fn daemon_set(map: &mut Fields, live: Option<&Value>) {
    let Some(spec) = child(map, "spec") else { return };
    template(spec);
    set(spec, "revisionHistoryLimit", json!(10));
    rolling(spec, "updateStrategy", &[("maxUnavailable", json!(1)), ("maxSurge", json!(0))]);
    // A field of former versions, kept as an annotation: it counts the changes of the template.
    let template = spec.get("template").cloned();
    let count = match live {
        Some(live) => {
            let old = live["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
            let old: i64 = old.and_then(|text| text.parse().ok()).unwrap_or_default();
            old + i64::from(live["spec"].get("template") != template.as_ref())
        }
        None => 1,
    };
    if let Some(annotations) = child(map, "metadata").and_then(|m| child(m, "annotations")) {
        annotations.insert(TEMPLATE_GENERATION.to_owned(), json!(count.to_string()));
    }
}

/// A job; one that is there already and has no labels gets those of its template.
pub(super) fn job(map: &mut Fields, is_there: bool) {
    if is_there {
        label_like_template(map);
    }
    let Some(spec) = child(map, "spec") else { return };
    template(spec);
    if !spec.contains_key("completions") && !spec.contains_key("parallelism") {
        spec.insert("completions".to_owned(), json!(1));
    }
    set(spec, "parallelism", json!(1));
    let forever = spec.contains_key("backoffLimitPerIndex");
    set(spec, "backoffLimit", json!(if forever { i32::MAX } else { 6 }));
    set_text(spec, "completionMode", "NonIndexed");
    set(spec, "suspend", json!(false));
    set(spec, "manualSelector", json!(false));
    let replacement = if spec.contains_key("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    set_text(spec, "podReplacementPolicy", replacement);
}

/// A job without labels has those of its template.
fn label_like_template(map: &mut Fields) {
    let labels = map.get("spec").and_then(|s| s.get("template")?.get("metadata")?.get("labels")).cloned();
    if let (Some(labels), Some(metadata)) = (labels, child(map, "metadata")) {
        set(metadata, "labels", labels);
    }
}

/// The selector and labels that the server makes up for a job.
pub(super) fn select_own_pods(map: &mut Fields) {
    label_own_pods(map);
    label_like_template(map);
}

fn label_own_pods(map: &mut Fields) {
    let metadata = map.get("metadata").cloned().unwrap_or_default();
    let Some(spec) = child(map, "spec") else { return };
    if spec.get("manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    let uid = metadata["uid"].clone();
    let name = metadata["name"].clone();
    let own = [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ];
    let labels = child(spec, "template").and_then(|t| child(t, "metadata")).and_then(|m| child(m, "labels"));
    if let Some(labels) = labels {
        for (label, value) in own {
            labels.insert(label.to_owned(), value.clone());
        }
    }
    if let Some(selector) = child(spec, "selector").and_then(|s| child(s, "matchLabels")) {
        selector.insert("batch.kubernetes.io/controller-uid".to_owned(), uid);
    }
}

pub(super) fn cron_job(map: &mut Fields) {
    let Some(spec) = child(map, "spec") else { return };
    set_text(spec, "concurrencyPolicy", "Allow");
    set(spec, "suspend", json!(false));
    set(spec, "successfulJobsHistoryLimit", json!(3));
    set(spec, "failedJobsHistoryLimit", json!(1));
    if let Some(job) = existing(spec, "jobTemplate").and_then(|t| existing(t, "spec")) {
        template(job);
    }
}
