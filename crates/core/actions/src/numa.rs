//! Numaflow's kinds and Numaplane's rollouts of them.

use resource::Object;

use crate::Action;
use crate::edit::{at, remove, set, text};

const STRATEGIES: &str = "numaflow.numaproj.io/allowed-resume-strategies";
const STRATEGY: &str = "numaflow.numaproj.io/resume-strategy";
const UPGRADE: &str = "numaplane.numaproj.io/upgrade-state";
const PROMOTE: &str = "numaplane.numaproj.io/force-promote";
const LOSS: &str = "numaplane.numaproj.io/allow-data-loss";
const DELETION: &str = "numaplane.numaproj.io/marked-for-deletion";

/// Where a kind keeps what it runs: its own spec, or that of what it rolls out.
struct Kind {
    phase: &'static [&'static str],
    annotations: &'static [&'static str],
    replicas: Option<&'static [&'static str]>,
    /// The kind that rolls it out and then decides whether it rests.
    parent: &'static str,
    rolls_out: bool,
}

const MONO: Kind = Kind {
    phase: &["spec", "lifecycle", "desiredPhase"],
    // Where the peer looks; the objects themselves have theirs in `metadata`.
    annotations: &["spec", "metadata", "annotations", STRATEGIES],
    replicas: Some(&["spec", "replicas"]),
    parent: "MonoVertexRollout",
    rolls_out: false,
};
const PIPELINE: Kind = Kind { replicas: None, parent: "PipelineRollout", ..MONO };
const MONO_ROLLOUT: Kind = Kind {
    phase: &["spec", "monoVertex", "spec", "lifecycle", "desiredPhase"],
    annotations: &["spec", "monoVertex", "metadata", "annotations", STRATEGIES],
    replicas: None,
    parent: "",
    rolls_out: true,
};
const PIPELINE_ROLLOUT: Kind = Kind {
    phase: &["spec", "pipeline", "spec", "lifecycle", "desiredPhase"],
    annotations: &["spec", "pipeline", "metadata", "annotations", STRATEGIES],
    ..MONO_ROLLOUT
};

fn kind(object: &Object) -> Option<&'static Kind> {
    let kind = object.group_kind();
    Some(match (kind.group.as_str(), kind.kind.as_str()) {
        ("numaflow.numaproj.io", "MonoVertex") => &MONO,
        ("numaflow.numaproj.io", "Pipeline") => &PIPELINE,
        ("numaplane.numaproj.io", "MonoVertexRollout") => &MONO_ROLLOUT,
        ("numaplane.numaproj.io", "PipelineRollout") => &PIPELINE_ROLLOUT,
        _ => return None,
    })
}

fn label<'a>(object: &'a Object, name: &str) -> &'a str {
    text(object, &["metadata", "labels", name])
}

/// Whether a rollout decides when it rests; what has outlived its rollout is anybody's.
fn is_a_childs(object: &Object, kind: &Kind) -> bool {
    let owners = at(object, &["metadata", "ownerReferences"]).and_then(|owners| owners.as_array());
    let child = owners.into_iter().flatten().any(|owner| owner["kind"] == kind.parent);
    let expired = kind.parent == PIPELINE.parent && label(object, UPGRADE) == "recyclable-expired";
    child && !expired
}

pub(crate) fn actions(object: &Object) -> Vec<Action> {
    let mut found = Vec::new();
    let name = object.kind();
    if let Some(kind) = kind(object) {
        let free = !is_a_childs(object, kind);
        let paused = text(object, kind.phase) == "Paused";
        let strategies = text(object, kind.annotations);
        let fast = matches!(strategies, "fast" | "slow, fast");
        found.extend([
            Action::new("pause").solid("pause").disabled(!free || paused),
            Action::new("unpause-gradual")
                .solid("play")
                .title("Unpause (gradual)")
                .disabled(!free || !paused || strategies == "fast"),
            Action::new("unpause-fast")
                .solid("play")
                .title("Unpause (fast)")
                .disabled(!free || !paused || !fast),
        ]);
    }
    if matches!(name, "InterStepBufferService" | "MonoVertex" | "Pipeline") {
        let tried = matches!(label(object, UPGRADE), "in-progress" | "trial");
        let mut promote = Action::new("force-promote").solid("forward");
        if name != "InterStepBufferService" {
            promote = promote.title("Force Promote");
        }
        found.push(promote.disabled(!tried || label(object, PROMOTE) == "true"));
    }
    if name == "Pipeline" {
        let over = matches!(label(object, UPGRADE), "recyclable" | "recyclable-expired");
        found.push(Action::new("delete").solid("trash").title("Delete").disabled(!over));
    }
    if name == "PipelineRollout" {
        let drains = text(object, &["status", "upgradeInProgress"]) == "PipelinePauseAndDrain";
        let allowed = object.annotation(LOSS) == Some("true");
        found.extend([
            Action::new("allow-data-loss")
                .solid("unlock")
                .title("Allow (Possible) Data Loss")
                .disabled(!drains),
            Action::new("disallow-data-loss").solid("lock").title("Disallow Data Loss").disabled(!allowed),
        ]);
    }
    found
}

pub(crate) fn run(object: &Object, action: &str) -> Option<Object> {
    let mut changed = object.clone();
    let of = kind(object);
    match (action, of) {
        ("pause", Some(kind)) => set(&mut changed, kind.phase, "Paused"),
        ("unpause-fast" | "unpause-gradual", Some(kind)) => {
            let fast = action == "unpause-fast";
            set(&mut changed, kind.phase, "Running");
            match kind.replicas {
                _ if kind.rolls_out => {
                    set(&mut changed, &["spec", "strategy", "pauseResume", "fastResume"], fast)
                }
                Some(replicas) if !fast => remove(&mut changed, replicas),
                Some(_) => {}
                None => changed.set_annotation(STRATEGY, if fast { "fast" } else { "slow" }),
            }
        }
        ("force-promote", _) if !of.is_some_and(|kind| kind.rolls_out) => {
            set(&mut changed, &["metadata", "labels", PROMOTE], "true");
        }
        ("delete", _) if object.kind() == "Pipeline" => changed.set_annotation(DELETION, "true"),
        ("allow-data-loss" | "disallow-data-loss", _) if object.kind() == "PipelineRollout" => {
            let allowed = action == "allow-data-loss";
            changed.set_annotation(LOSS, if allowed { "true" } else { "false" });
        }
        _ => return None,
    }
    Some(changed)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::discover;

    fn object(kind: &str, fields: &Value) -> Object {
        let group = if kind.ends_with("Rollout") { "numaplane.numaproj.io" } else { "numaflow.numaproj.io" };
        let mut value = json!({"apiVersion": format!("{group}/v1alpha1"), "kind": kind, "metadata": {"name": "a"}, "spec": {}});
        for (name, field) in fields.as_object().into_iter().flatten() {
            match value.get_mut(name).and_then(Value::as_object_mut) {
                Some(map) => map.extend(field.as_object().cloned().unwrap_or_default()),
                None => value[name] = field.clone(),
            }
        }
        Object::from_value(value).unwrap()
    }

    fn on_offer(object: &Object) -> String {
        let offered = discover(object).into_iter().filter(|action| !action.disabled);
        offered.map(|action| action.name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_on_offer_hangs_on_phase_parent_and_upgrade() {
        let paused = json!({"lifecycle": {"desiredPhase": "Paused"}});
        let child = |kind: &str, labels: Value| json!({"metadata": {"ownerReferences": [{"kind": kind}], "labels": labels}});
        let strategies = |names: &str| json!({"spec": {"pipeline": {"metadata": {"annotations": {STRATEGIES: names}}, "spec": paused.clone()}}});
        let labelled = |name: &str, value: &str| json!({"metadata": {"labels": {name: value}}});
        for (row, kind, fields, expected) in [
            ("runs", "MonoVertex", json!({}), "pause"),
            ("rests", "MonoVertex", json!({"spec": paused}), "unpause-gradual"),
            ("of a rollout", "MonoVertex", child("MonoVertexRollout", json!({})), ""),
            ("of another parent", "Pipeline", child("MonoVertexRollout", json!({})), "pause"),
            (
                "expired",
                "Pipeline",
                child("PipelineRollout", json!({UPGRADE: "recyclable-expired"})),
                "delete pause",
            ),
            ("recyclable", "Pipeline", child("PipelineRollout", json!({UPGRADE: "recyclable"})), "delete"),
            ("tried", "MonoVertex", labelled(UPGRADE, "trial"), "force-promote pause"),
            ("tried", "InterStepBufferService", labelled(UPGRADE, "in-progress"), "force-promote"),
            (
                "promoted",
                "InterStepBufferService",
                json!({"metadata": {"labels": {UPGRADE: "trial", PROMOTE: "true"}}}),
                "",
            ),
            ("rolls out", "PipelineRollout", json!({}), "pause"),
            ("slow", "PipelineRollout", strategies("slow"), "unpause-gradual"),
            ("fast", "PipelineRollout", strategies("fast"), "unpause-fast"),
            ("both", "PipelineRollout", strategies("slow, fast"), "unpause-fast unpause-gradual"),
            (
                "drains",
                "PipelineRollout",
                json!({"status": {"upgradeInProgress": "PipelinePauseAndDrain"}}),
                "allow-data-loss pause",
            ),
            (
                "may lose",
                "PipelineRollout",
                json!({"metadata": {"annotations": {LOSS: "true"}}}),
                "disallow-data-loss pause",
            ),
            ("has none", "ISBServiceRollout", json!({}), ""),
        ] {
            assert_eq!(on_offer(&object(kind, &fields)), expected, "{kind} that {row}");
        }
    }

    #[test]
    fn what_they_change() {
        for (kind, action, pointer, expected) in [
            ("MonoVertex", "pause", "/spec/lifecycle/desiredPhase", json!("Paused")),
            ("MonoVertex", "unpause-gradual", "/spec/replicas", Value::Null),
            ("MonoVertex", "unpause-fast", "/spec/replicas", json!(3)),
            (
                "Pipeline",
                "unpause-gradual",
                "/metadata/annotations/numaflow.numaproj.io~1resume-strategy",
                json!("slow"),
            ),
            (
                "Pipeline",
                "delete",
                "/metadata/annotations/numaplane.numaproj.io~1marked-for-deletion",
                json!("true"),
            ),
            (
                "InterStepBufferService",
                "force-promote",
                "/metadata/labels/numaplane.numaproj.io~1force-promote",
                json!("true"),
            ),
            ("MonoVertexRollout", "pause", "/spec/monoVertex/spec/lifecycle/desiredPhase", json!("Paused")),
            ("MonoVertexRollout", "unpause-fast", "/spec/strategy/pauseResume/fastResume", json!(true)),
            ("PipelineRollout", "unpause-gradual", "/spec/strategy/pauseResume/fastResume", json!(false)),
            (
                "PipelineRollout",
                "disallow-data-loss",
                "/metadata/annotations/numaplane.numaproj.io~1allow-data-loss",
                json!("false"),
            ),
        ] {
            let changed = run(&object(kind, &json!({"spec": {"replicas": 3}})), action).unwrap().to_value();
            assert_eq!(changed.pointer(pointer).cloned().unwrap_or_default(), expected, "{kind} {action}");
        }
        for (kind, action) in
            [("PipelineRollout", "force-promote"), ("MonoVertex", "delete"), ("ISBServiceRollout", "pause")]
        {
            assert_eq!(run(&object(kind, &json!({})), action), None, "{kind} {action}");
        }
    }
}
