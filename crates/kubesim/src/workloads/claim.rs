//! PersistentVolumeClaim: bound to the volume that names it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::Controller;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::store::{Id, Store};
use super::value::{is_deleting, name, namespace, part, set, text, uid};

pub(super) const CONTROLLER: Controller = Controller {
    root: Kind::PersistentVolumeClaim,
    watches: &[Kind::PersistentVolume],
    plan,
    related: claim_of_volume,
};

fn claim_of_volume(_: &Store, _: Kind, volume: &Value) -> Vec<Id> {
    let claim = (text(volume, "/spec/claimRef/namespace"), text(volume, "/spec/claimRef/name"));
    vec![(claim.0.to_owned(), claim.1.to_owned())]
}

fn plan(cx: &Cx<'_>, claim: &Value) -> Plan {
    let mut plan = Plan::default();
    if is_deleting(claim) {
        return plan;
    }
    let named = text(claim, "/spec/volumeName");
    if named.is_empty() {
        if let Some(volume) = volume_for(cx, claim) {
            let patch = json!({"spec": {"volumeName": name(volume)}, "metadata": {"annotations": {
                "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}}});
            plan.act(Action::Patch(Kind::PersistentVolumeClaim, claim.clone(), patch));
        } else if text(claim, "/status/phase").is_empty() {
            plan.status(Kind::PersistentVolumeClaim, claim, json!({"phase": "Pending"}));
        }
        return plan;
    }
    let Some(volume) = cx.store.get(Kind::PersistentVolume, "", named) else { return plan };
    let status = json!({"phase": "Bound", "accessModes": part(volume, "/spec/accessModes"),
        "capacity": part(volume, "/spec/capacity")});
    plan.status(Kind::PersistentVolumeClaim, claim, status);
    let mut volume_status = part(volume, "/status");
    if text(&volume_status, "/phase") != "Bound" {
        if !volume_status.is_object() {
            volume_status = json!({});
        }
        set(&mut volume_status, "phase", "Bound");
        plan.status(Kind::PersistentVolume, volume, volume_status);
    }
    plan
}

fn volume_for<'a>(cx: &Cx<'a>, claim: &Value) -> Option<&'a Arc<Value>> {
    cx.store.all(Kind::PersistentVolume).find(|volume| {
        let wanted = text(volume, "/spec/claimRef/uid");
        let names_it = text(volume, "/spec/claimRef/namespace") == namespace(claim)
            && text(volume, "/spec/claimRef/name") == name(claim);
        names_it && (wanted.is_empty() || wanted == uid(claim))
    })
}
