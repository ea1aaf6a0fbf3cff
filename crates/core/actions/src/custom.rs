//! Kinds of operators that have actions of their own.

use resource::Object;
use serde_json::Value;

use crate::builtin::{count, parameter};
use crate::edit::{at, remove, set, text};
use crate::workloads::analysis_is_over;
use crate::{Action, ActionError, Moment};

const PAUSED: &str = "autoscaling.keda.sh/paused";
const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";
const LOOP: &str = "cnpg.io/reconciliationLoop";
const HIBERNATION: &str = "cnpg.io/hibernation";
const HEALTHY: &[&str] = &["status", "instancesStatus", "healthy"];

fn auto_sync(object: &Object) -> bool {
    let automated = &["spec", "syncPolicy", "automated"];
    let enabled = at(object, &["spec", "syncPolicy", "automated", "enabled"]).and_then(Value::as_bool);
    at(object, automated).is_some() && enabled != Some(false)
}

/// Whether a time between refreshes is never.
fn never(object: &Object) -> bool {
    let interval = at(object, &["spec", "refreshInterval"]).map(|value| value.to_string().replace('"', ""));
    let units = ["", "ns", "us", "µs", "ms", "s", "m", "h"];
    interval.is_some_and(|text| units.iter().any(|unit| text.strip_suffix(unit) == Some("0")))
}

fn healthy(object: &Object) -> Vec<&str> {
    let list = at(object, HEALTHY).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

pub(crate) fn actions(object: &Object) -> Vec<Action> {
    let kind = object.group_kind();
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("argoproj.io", "AnalysisRun") => vec![Action::new("terminate").disabled(analysis_is_over(object))],
        ("argoproj.io", "Application") => {
            let title = if auto_sync(object) { "Disable Auto-Sync" } else { "Enable Auto-Sync" };
            vec![Action::new("toggle-auto-sync").title(title)]
        }
        ("external-secrets.io", "ExternalSecret") => {
            let changes = text(object, &["spec", "refreshPolicy"]) == "OnChange";
            vec![Action::new("refresh").disabled(never(object) && !changes)]
        }
        ("external-secrets.io", "PushSecret") => vec![Action::new("push").disabled(never(object))],
        ("core.strimzi.io", "StrimziPodSet") => {
            let rolling = object.annotation("strimzi.io/manual-rolling-update") == Some("true");
            vec![Action::new("rolling-update").disabled(rolling)]
        }
        ("promoter.argoproj.io", "PullRequest") => {
            let open = text(object, &["spec", "state"]) == "open";
            vec![Action::new("merge").icon("code-merge").title("Merge PR").disabled(!open)]
        }
        ("keda.sh", "ScaledObject") => {
            let paused = object.annotation(PAUSED) == Some("true");
            let replicas = object.annotation(PAUSED_REPLICAS);
            let rests = paused || replicas.is_some();
            vec![
                Action::new("pause").icon("pause-circle").disabled(rests),
                Action::new("paused-replicas")
                    .icon("pause-circle")
                    .disabled(paused)
                    .param("replicas", replicas.unwrap_or("0")),
                Action::new("resume").icon("play-circle").disabled(!rests),
            ]
        }
        ("postgresql.cnpg.io", "Cluster") => cluster(object),
        _ => Vec::new(),
    }
}

/// CloudNativePG.
fn cluster(object: &Object) -> Vec<Action> {
    let alone = healthy(object).len() < 2;
    let suspended = object.annotation(LOOP) == Some("disabled");
    let asleep = object.annotation(HIBERNATION) == Some("on");
    vec![
        Action::new("restart").icon("recycle").title("Rollout restart Cluster"),
        Action::new("reload").icon("rotate-right").title("Reload all Configuration"),
        Action::new("promote")
            .icon("angles-up")
            .title("Promote Replica to Primary")
            .disabled(alone)
            .param("instance", "any"),
        if suspended {
            Action::new("resume").icon("play").title("Resume Reconciliation")
        } else {
            Action::new("suspend").icon("pause").title("Suspend Reconciliation")
        },
        if asleep {
            Action::new("rehydrate").icon("play").title("Rehydrate Cluster")
        } else {
            Action::new("hibernate").icon("pause").title("Hibernate Cluster")
        },
    ]
}

pub(crate) fn run(
    object: &Object,
    action: &str,
    params: &[(String, String)],
    now: Moment<'_>,
) -> Result<Option<Object>, ActionError> {
    let kind = object.group_kind();
    let mut changed = object.clone();
    match (kind.group.as_str(), kind.kind.as_str(), action) {
        ("argoproj.io", "AnalysisRun", "terminate") => set(&mut changed, &["spec", "terminate"], true),
        ("argoproj.io", "Application", "toggle-auto-sync") => {
            set(&mut changed, &["spec", "syncPolicy", "automated", "enabled"], !auto_sync(object));
        }
        ("external-secrets.io", "ExternalSecret", "refresh")
        | ("external-secrets.io", "PushSecret", "push") => {
            changed.set_annotation("force-sync", now.0);
        }
        ("core.strimzi.io", "StrimziPodSet", "rolling-update") => {
            changed.set_annotation("strimzi.io/manual-rolling-update", "true");
        }
        ("promoter.argoproj.io", "PullRequest", "merge") => set(&mut changed, &["spec", "state"], "merged"),
        ("keda.sh", "ScaledObject", "pause") => changed.set_annotation(PAUSED, "true"),
        ("keda.sh", "ScaledObject", "paused-replicas") => {
            changed.set_annotation(PAUSED_REPLICAS, count(params, "replicas")?.to_string());
        }
        ("keda.sh", "ScaledObject", "resume") => {
            for name in [PAUSED, PAUSED_REPLICAS] {
                remove(&mut changed, &["metadata", "annotations", name]);
            }
        }
        ("postgresql.cnpg.io", "Cluster", "restart") => {
            changed.set_annotation("kubectl.kubernetes.io/restartedAt", now.0);
        }
        ("postgresql.cnpg.io", "Cluster", "reload") => changed.set_annotation("cnpg.io/reloadedAt", now.0),
        ("postgresql.cnpg.io", "Cluster", "suspend") => changed.set_annotation(LOOP, "disabled"),
        ("postgresql.cnpg.io", "Cluster", "resume") => {
            remove(&mut changed, &["metadata", "annotations", LOOP])
        }
        ("postgresql.cnpg.io", "Cluster", "hibernate") => changed.set_annotation(HIBERNATION, "on"),
        ("postgresql.cnpg.io", "Cluster", "rehydrate") => changed.set_annotation(HIBERNATION, "off"),
        ("postgresql.cnpg.io", "Cluster", "promote") => {
            let chosen = chosen(object, parameter(params, "instance")?)?.to_owned();
            for (field, value) in [
                ("phaseReason", format!("Switching over to {chosen}")),
                ("phase", "Switchover in progress".to_owned()),
                ("targetPrimaryTimestamp", now.0.to_owned()),
                ("targetPrimary", chosen),
            ] {
                set(&mut changed, &["status", field], value);
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(changed))
}

/// The instance to promote: `any` is the one behind the primary, a number is one of the cluster's, else its name.
fn chosen<'a>(object: &'a Object, wanted: &str) -> Result<&'a str, ActionError> {
    let healthy = healthy(object);
    let primary = text(object, &["status", "currentPrimary"]);
    let found = match wanted {
        "any" => {
            let at = healthy.iter().position(|name| *name == primary).map_or(0, |at| at + 1);
            healthy.get(at).or(healthy.first()).copied()
        }
        number if number.parse::<u32>().is_ok() => {
            let name = format!("{}-{number}", object.name());
            healthy.iter().find(|instance| **instance == name).copied()
        }
        name => healthy.iter().find(|instance| **instance == name).copied(),
    };
    let message = || format!("Could not find a healthy instance matching the criteria: {wanted}");
    found.ok_or_else(|| ActionError::State(message()))
}
