//! What a cloud gives: addresses for load balancers and Ingresses, volumes for claims.

use serde_json::{Value, json};

use super::engine::{Controller, unrelated};
use super::hash;
use super::kinds::Kind;
use super::plan::{Action, Cx, Plan};
use super::store::{Id, Store};
use super::template::set_annotation;
use super::value::{annotation, is_deleting, items, name, namespace, part, set, text, uid};

pub(super) const CONTROLLERS: [Controller; 4] = [
    Controller { root: Kind::Service, watches: &[], plan: load_balancer, related: unrelated },
    Controller { root: Kind::Ingress, watches: &[], plan: ingress, related: unrelated },
    Controller { root: Kind::PersistentVolumeClaim, watches: &[], plan: provision, related: unrelated },
    Controller {
        root: Kind::PersistentVolume,
        watches: &[Kind::PersistentVolumeClaim],
        plan: reclaim,
        related: volume_of_claim,
    },
];

const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
const PROVISIONER: &str = "simulated-cloud";

/// An address in the range kept for documentation (RFC 5737).
fn address(object: &Value) -> String {
    format!("203.0.113.{}", hash::of_text(uid(object)) % 250 + 2)
}

fn load_balancer(_: &Cx<'_>, service: &Value) -> Plan {
    let mut plan = Plan::default();
    if text(service, "/spec/type") == "LoadBalancer" && !is_deleting(service) {
        give_address(&mut plan, Kind::Service, service, &json!([{"ip": address(service), "ipMode": "VIP"}]));
    }
    plan
}

fn ingress(_: &Cx<'_>, ingress: &Value) -> Plan {
    let mut plan = Plan::default();
    if !is_deleting(ingress) {
        give_address(&mut plan, Kind::Ingress, ingress, &json!([{"ip": address(ingress)}]));
    }
    plan
}

fn give_address(plan: &mut Plan, kind: Kind, object: &Value, address: &Value) {
    if items(object, "/status/loadBalancer/ingress").is_empty() {
        let mut status = part(object, "/status");
        if !status.is_object() {
            status = json!({});
        }
        set(&mut status, "loadBalancer", json!({"ingress": address}));
        plan.status(kind, object, status);
    }
}

fn volume_name(claim: &Value) -> String {
    format!("pvc-{}", uid(claim))
}

fn volume_of_claim(_: &Store, _: Kind, claim: &Value) -> Vec<Id> {
    vec![(String::new(), volume_name(claim))]
}

/// Makes a volume for a claim that has none; binding the two is the controller manager's part.
fn provision(cx: &Cx<'_>, claim: &Value) -> Plan {
    let mut plan = Plan::default();
    let bound = !text(claim, "/spec/volumeName").is_empty();
    if bound || is_deleting(claim) || cx.store.get(Kind::PersistentVolume, "", &volume_name(claim)).is_some()
    {
        return plan;
    }
    let mut spec = json!({"capacity": {"storage": part(claim, "/spec/resources/requests/storage")},
        "accessModes": part(claim, "/spec/accessModes"), "persistentVolumeReclaimPolicy": "Delete",
        "volumeMode": part(claim, "/spec/volumeMode"),
        "hostPath": {"path": format!("/simulated/{}/{}", namespace(claim), name(claim)), "type": ""},
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace(claim),
            "name": name(claim), "uid": uid(claim)}});
    if let Some(class) = claim.pointer("/spec/storageClassName") {
        set(&mut spec, "storageClassName", class.clone());
    }
    let mut volume = json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": volume_name(claim)}, "spec": spec});
    set_annotation(&mut volume, PROVISIONED_BY, PROVISIONER);
    plan.act(Action::Create(Kind::PersistentVolume, volume));
    plan
}

/// Deletes a volume that was made for a claim which is gone.
fn reclaim(cx: &Cx<'_>, volume: &Value) -> Plan {
    let mut plan = Plan::default();
    let claim_uid = text(volume, "/spec/claimRef/uid");
    if annotation(volume, PROVISIONED_BY) == PROVISIONER
        && !is_deleting(volume)
        && cx.store.with_uid(claim_uid).is_none()
    {
        plan.act(Action::Delete(Kind::PersistentVolume, volume.clone(), None));
    }
    plan
}
