//! HorizontalPodAutoscaler: keeps a workload between its bounds. There is no load here, so inside them it is content.

use std::sync::Arc;

use serde_json::{Value, json};

use super::condition::{condition, since};
use super::engine::Controller;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::store::{Id, Store, id};
use super::value::{generation, int, int_or, is_deleting, name, namespace, set, text};

pub(super) const CONTROLLER: Controller = Controller {
    root: Kind::HorizontalPodAutoscaler,
    watches: &[Kind::Deployment, Kind::StatefulSet],
    plan,
    related,
};

const TARGET: &str = "/spec/scaleTargetRef";

fn related(store: &Store, kind: Kind, target: &Value) -> Vec<Id> {
    let all = store.all(Kind::HorizontalPodAutoscaler);
    let aims = |scaler: &&Arc<Value>| {
        namespace(scaler) == namespace(target)
            && text(scaler, "/spec/scaleTargetRef/name") == name(target)
            && text(scaler, "/spec/scaleTargetRef/kind") == kind.name()
    };
    all.filter(aims).map(|scaler| id(scaler)).collect()
}

fn target<'a>(cx: &Cx<'a>, scaler: &Value) -> Option<(Kind, &'a Arc<Value>)> {
    let wanted = scaler.pointer(TARGET)?;
    let kinds = [Kind::Deployment, Kind::StatefulSet];
    let kind = kinds.into_iter().find(|kind| kind.name() == text(wanted, "/kind"))?;
    Some((kind, cx.store.get(kind, namespace(scaler), text(wanted, "/name"))?))
}

fn plan(cx: &Cx<'_>, scaler: &Value) -> Plan {
    let mut plan = Plan::default();
    if is_deleting(scaler) {
        return plan;
    }
    let now = cx.stamp();
    let Some((kind, target)) = target(cx, scaler) else {
        let message = "the HPA controller was unable to get the target's current scale: not found";
        let conditions = [since(scaler, condition("AbleToScale", false, "FailedGetScale", message), &now)];
        let status = json!({"currentReplicas": 0, "desiredReplicas": 0, "currentMetrics": null,
            "conditions": conditions});
        plan.status(Kind::HorizontalPodAutoscaler, scaler, status);
        return plan;
    };
    let current = int_or(target, "/spec/replicas", 1);
    let (low, high) = (int_or(scaler, "/spec/minReplicas", 1), int(scaler, "/spec/maxReplicas"));
    // Scaled to zero, a workload is left alone, as in the peer.
    let desired = if current == 0 { 0 } else { current.max(low).min(high) };
    if desired != current {
        plan.act(Action::Patch(kind, Value::clone(target), json!({"spec": {"replicas": desired}})));
    }
    let active = if current == 0 {
        let message = "scaling is disabled since the replica count of the target is zero";
        condition("ScalingActive", false, "ScalingDisabled", message)
    } else {
        let message =
            "the HPA was able to successfully calculate a replica count from the simulator's metrics";
        condition("ScalingActive", true, "ValidMetricFound", message)
    };
    let conditions = [
        condition("AbleToScale", true, "ReadyForNewScale", "recommended size matches current size"),
        active,
        condition(
            "ScalingLimited",
            false,
            "DesiredWithinRange",
            "the desired count is within the acceptable range",
        ),
    ];
    let conditions: Vec<Value> = conditions.into_iter().map(|c| since(scaler, c, &now)).collect();
    let mut status = json!({"currentReplicas": int(target, "/status/replicas"), "desiredReplicas": desired,
        "currentMetrics": null, "conditions": conditions});
    if generation(scaler) > 0 {
        set(&mut status, "observedGeneration", generation(scaler));
    }
    plan.status(Kind::HorizontalPodAutoscaler, scaler, status);
    plan
}
