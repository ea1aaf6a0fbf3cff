//! What the server fills in.

mod misc;
mod pods;
mod services;
mod workloads;

use merge::Operation;
use serde_json::{Map, Value, json};

use crate::{crd, registry::Kind, schema, status::FieldError, store::State};

pub(crate) use services::claims;

type Fields = Map<String, Value>;

/// Fills in the defaults of a kind, in a new object or in a new state of `live`, which was sent or comes of an apply.
pub(crate) fn fill(kind: &Kind, object: &mut Value, live: Option<&Value>, operation: Operation) {
    if let Some(custom) = &kind.custom {
        match operation {
            Operation::Apply => merge::default_applied(&custom.merge_type, object),
            Operation::Update => merge::default(&custom.merge_type, object),
        }
        return;
    }
    if let Some(map) = object.as_object_mut() {
        if kind.has_subresource("status") {
            map.entry("status").or_insert_with(|| json!({}));
        }
        match &*kind.storage {
            "pods" => pods::pod(map),
            "services" => services::service(map, live),
            "secrets" => misc::secret(map),
            "namespaces" => misc::namespace(map),
            "persistentvolumeclaims" => misc::claim(map),
            "persistentvolumes" => misc::volume(map),
            "endpoints" => misc::endpoints(map),
            "podtemplates" => workloads::template(map),
            "replicationcontrollers" => workloads::replication_controller(map),
            "deployments.apps" => workloads::deployment(map),
            "replicasets.apps" => workloads::replica_set(map),
            "statefulsets.apps" => workloads::stateful_set(map),
            "daemonsets.apps" => workloads::daemon_set(map, live),
            "jobs.batch" => workloads::job(map, live.is_some()),
            "limitranges" => misc::limit_range(map),
            "cronjobs.batch" => workloads::cron_job(map),
            "horizontalpodautoscalers.autoscaling" => misc::autoscaler(map, &kind.version),
            "networkpolicies.networking.k8s.io" => misc::network_policy(map),
            "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
                misc::binding(map);
            }
            "storageclasses.storage.k8s.io" => misc::storage_class(map),
            "priorityclasses.scheduling.k8s.io" => {
                set(map, "preemptionPolicy", json!("PreemptLowerPriority"))
            }
            "csidrivers.storage.k8s.io" => misc::driver(map),
            "mutatingwebhookconfigurations.admissionregistration.k8s.io" => misc::webhooks(map, true),
            "validatingwebhookconfigurations.admissionregistration.k8s.io" => misc::webhooks(map, false),
            "endpointslices.discovery.k8s.io" => misc::endpoint_slice(map),
            _ if crd::is_definition(kind) => crd::default_definition(map),
            _ => {}
        }
    }
    // Brings in the empty structs of what was filled in; it knows every field, so it cannot refuse one.
    if let Err(error) = schema::clean(kind, object) {
        tracing::debug!(%error, "a defaulted object does not fit its kind");
    }
}

/// What admission and the server's own strategies add to a new object; nobody comes to own these fields.
pub(crate) fn admit(kind: &Kind, object: &mut Value) {
    let Some(map) = object.as_object_mut() else { return };
    match &*kind.storage {
        "pods" => pods::admit(map),
        "namespaces" => misc::activate(map),
        "persistentvolumeclaims" => misc::protect(map, "kubernetes.io/pvc-protection"),
        "persistentvolumes" => {
            misc::protect(map, "kubernetes.io/pv-protection");
            misc::date_phase(map);
        }
        "jobs.batch" => workloads::select_own_pods(map),
        _ if crd::is_definition(kind) => crd::initial_status(map),
        "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => {
            map.entry("rules").or_insert(Value::Null);
        }
        "events" if kind.group.is_empty() => {
            for field in ["eventTime", "firstTimestamp", "lastTimestamp"] {
                map.entry(field).or_insert(Value::Null);
            }
        }
        _ => {}
    }
}

/// Hands out what only one object can have: a Service's addresses and node ports.
pub(crate) fn allocate(
    state: &mut State,
    kind: &Kind,
    object: &mut Value,
    live: Option<&Value>,
) -> Result<(), FieldError> {
    match &*kind.storage {
        "services" => services::allocate(state, object, live),
        "persistentvolumeclaims" if live.is_none() => {
            misc::default_class(state, object);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Sets a field that is absent.
fn set(map: &mut Fields, field: &str, value: Value) {
    if map.get(field).is_none_or(Value::is_null) {
        map.insert(field.to_owned(), value);
    }
}

/// Sets a field that is absent or empty.
fn set_text(map: &mut Fields, field: &str, value: &str) {
    if map.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
        map.insert(field.to_owned(), json!(value));
    }
}

/// A field that is a map, made where absent.
fn child<'a>(map: &'a mut Fields, field: &str) -> Option<&'a mut Fields> {
    set(map, field, json!({}));
    existing(map, field)
}

/// A field that is a map.
fn existing<'a>(map: &'a mut Fields, field: &str) -> Option<&'a mut Fields> {
    map.get_mut(field).and_then(Value::as_object_mut)
}

/// The items of a list of maps.
fn items<'a>(map: &'a mut Fields, field: &str) -> impl Iterator<Item = &'a mut Fields> {
    let list = map.get_mut(field).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}
