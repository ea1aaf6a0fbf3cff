//! What runs pods.

use serde_json::{Value, json};

use super::{Errors, immutable, list, metadata, not_negative, pods, schedule, selector, text};
use crate::status::FieldError;

const STATEFUL: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

fn template(spec: &Value, restart: &[&str], errors: &mut Errors) {
    let template = &spec["template"];
    errors.extend(metadata::labels(&template["metadata"]["labels"], "spec.template.labels"));
    pods::check_with(&template["spec"], "spec.template.spec", list(spec, "volumeClaimTemplates"), errors);
    let policy = text(&template["spec"], "restartPolicy");
    if !policy.is_empty() && !restart.contains(&policy) && ["Always", "OnFailure", "Never"].contains(&policy)
    {
        let field = "spec.template.spec.restartPolicy";
        errors.push(FieldError::not_supported(field, json!(policy), restart));
    }
}

pub(super) fn deployment(spec: &Value, errors: &mut Errors) {
    not_negative(spec, "replicas", "spec", errors);
    selector::check(spec, errors);
    template(spec, &["Always"], errors);
    for field in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        not_negative(spec, field, "spec", errors);
    }
    strategy(&spec["strategy"], "spec.strategy", &["Recreate", "RollingUpdate"], errors);
}

fn strategy(strategy: &Value, path: &str, allowed: &[&str], errors: &mut Errors) {
    let kind = text(strategy, "type");
    if !allowed.contains(&kind) {
        errors.push(FieldError::not_supported(format!("{path}.type"), json!(kind), allowed));
    } else if kind != "RollingUpdate" && strategy["rollingUpdate"].is_object() {
        let why = format!("may not be specified when strategy `type` is '{kind}'");
        errors.push(FieldError::forbidden(format!("{path}.rollingUpdate"), why));
    }
}

pub(super) fn replica_set(spec: &Value, errors: &mut Errors) {
    not_negative(spec, "replicas", "spec", errors);
    not_negative(spec, "minReadySeconds", "spec", errors);
    selector::check(spec, errors);
    template(spec, &["Always"], errors);
}

pub(super) fn stateful_set(spec: &Value, errors: &mut Errors) {
    not_negative(spec, "replicas", "spec", errors);
    selector::check(spec, errors);
    template(spec, &["Always"], errors);
    let update = text(&spec["updateStrategy"], "type");
    if !["RollingUpdate", "OnDelete"].contains(&update) {
        let why = "must be 'RollingUpdate' or 'OnDelete'";
        errors.push(FieldError::invalid("spec.updateStrategy", spec["updateStrategy"].clone(), why));
    }
}

pub(super) fn stateful_set_change(new: &Value, old: &Value, errors: &mut Errors) {
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        for field in STATEFUL {
            spec[field] = Value::Null;
        }
        spec
    };
    if fixed(new) != fixed(old) {
        errors.push(FieldError::forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
             'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ));
    }
}

pub(super) fn daemon_set(spec: &Value, errors: &mut Errors) {
    selector::check(spec, errors);
    template(spec, &["Always"], errors);
    not_negative(spec, "minReadySeconds", "spec", errors);
    strategy(&spec["updateStrategy"], "spec.updateStrategy", &["RollingUpdate", "OnDelete"], errors);
}

/// A job's spec, which may be a cron job's template.
pub(super) fn job(spec: &Value, path: &str, errors: &mut Errors) {
    let restart = text(&spec["template"]["spec"], "restartPolicy");
    pods::check(&spec["template"]["spec"], &format!("{path}.template.spec"), errors);
    if restart == "Always" || restart.is_empty() {
        errors.push(FieldError::required(
            format!("{path}.template.spec.restartPolicy"),
            "valid values: \"OnFailure\", \"Never\"",
        ));
    }
    for field in
        ["parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"]
    {
        not_negative(spec, field, path, errors);
    }
}

pub(super) fn job_change(new: &Value, old: &Value, errors: &mut Errors) {
    immutable(new, old, "selector", "spec.selector", errors);
    if new["completionMode"] != "Indexed" {
        immutable(new, old, "completions", "spec.completions", errors);
    }
    immutable(new, old, "completionMode", "spec.completionMode", errors);
    // A suspended job that never ran may still be given to other nodes.
    let fixed = |spec: &Value| {
        let mut template = spec["template"].clone();
        if old["suspend"] == true {
            for field in ["affinity", "nodeSelector", "tolerations", "schedulingGates"] {
                template["spec"][field] = Value::Null;
            }
            template["metadata"]["annotations"] = Value::Null;
            template["metadata"]["labels"] = Value::Null;
        }
        template
    };
    if fixed(new) != fixed(old) {
        errors.push(FieldError::invalid("spec.template", new["template"].clone(), "field is immutable"));
    }
}

pub(super) fn cron_job(spec: &Value, errors: &mut Errors) {
    let given = text(spec, "schedule");
    if given.is_empty() {
        errors.push(FieldError::required("spec.schedule", ""));
    } else if let Some(why) = schedule::complaint(given) {
        errors.push(FieldError::invalid("spec.schedule", json!(given), why));
    }
    let policy = text(spec, "concurrencyPolicy");
    let allowed = ["Allow", "Forbid", "Replace"];
    if !allowed.contains(&policy) {
        errors.push(FieldError::not_supported("spec.concurrencyPolicy", json!(policy), &allowed));
    }
    for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        not_negative(spec, field, "spec", errors);
    }
    job(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", errors);
}

pub(super) fn autoscaler(spec: &Value, errors: &mut Errors) {
    let (least, most) =
        (spec["minReplicas"].as_i64().unwrap_or(1), spec["maxReplicas"].as_i64().unwrap_or_default());
    if least < 1 {
        let why = "must be greater than or equal to 1";
        errors.push(FieldError::invalid("spec.minReplicas", json!(least), why));
    }
    if most < 1 {
        errors.push(FieldError::invalid("spec.maxReplicas", json!(most), "must be greater than 0"));
    }
    if most < least {
        let why = "must be greater than or equal to `minReplicas`";
        errors.push(FieldError::invalid("spec.maxReplicas", json!(most), why));
    }
    for field in ["kind", "name"] {
        super::required(&spec["scaleTargetRef"], field, &format!("spec.scaleTargetRef.{field}"), errors);
    }
}
