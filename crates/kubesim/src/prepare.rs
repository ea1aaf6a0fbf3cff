//! What the server does to an object before it is looked at: metadata, status, generation.

use serde_json::{Map, Value, json};

use crate::{
    registry::Kind,
    route::Target,
    service::Context,
    status::{ApiError, ApiResult, FieldError},
    write,
};

/// Which part of an object a request writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but the status.
    Main,
    /// The status alone.
    Status,
    /// What `/scale` writes.
    Scale,
    /// What another subresource writes, which has seen to it itself.
    Other(&'static str),
}

impl Part {
    /// The subresource, `""` for the object itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::Status => "status",
            Self::Scale => "scale",
            Self::Other(name) => name,
        }
    }
}

/// Longest prefix that a generated name keeps.
const MAX_GENERATED_PREFIX: usize = 58;

/// The prefix of a name that is to be generated.
pub(crate) fn generated_name(object: &Value) -> Option<String> {
    let text = |field: &str| object["metadata"][field].as_str().filter(|t| !t.is_empty());
    match (text("name"), text("generateName")) {
        (None, Some(prefix)) => Some(prefix.chars().take(MAX_GENERATED_PREFIX).collect()),
        _ => None,
    }
}

pub(crate) fn check_namespace(target: &Target, object: &Value) -> ApiResult<()> {
    let given = object["metadata"]["namespace"].as_str().unwrap_or_default();
    if target.kind.namespaced && !given.is_empty() && given != target.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if !target.kind.namespaced && !given.is_empty() {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// What the server fills in and takes away before an object is created.
pub(crate) fn for_create(context: &Context, target: &Target, object: &mut Value) -> ApiResult<()> {
    let kind = &target.kind;
    check_namespace(target, object)?;
    let uid = context.sim.new_uid();
    let generates = generated_name(object).is_some();
    let Some(map) = object.as_object_mut() else {
        return Err(ApiError::bad_request("the body is no object"));
    };
    let metadata = metadata_of(map);
    if metadata.get("resourceVersion").and_then(Value::as_str).is_some_and(|v| !v.is_empty() && v != "0") {
        return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    for field in
        ["resourceVersion", "selfLink", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"]
    {
        metadata.remove(field);
    }
    if kind.namespaced {
        metadata.insert("namespace".to_owned(), json!(target.namespace));
    }
    write::stamp(metadata, uid, context.now);
    if has_generation(kind) {
        metadata.insert("generation".to_owned(), json!(1));
    }
    let named = metadata.get("name").and_then(Value::as_str).is_some_and(|n| !n.is_empty());
    if !named && !generates {
        let error = FieldError::required("metadata.name", "name or generateName is required");
        return Err(ApiError::invalid(kind, "", &[error]));
    }
    if kind.has_subresource("status") && !keeps_status_at_create(kind) {
        map.remove("status");
    }
    Ok(())
}

/// What the server keeps of the live object when somebody writes a part of it.
pub(crate) fn for_update(target: &Target, live: &Value, new: &mut Value, part: Part) -> ApiResult<()> {
    let kind = &target.kind;
    let (Some(old), Some(map)) = (live.as_object(), new.as_object_mut()) else {
        return Err(ApiError::bad_request("the body is no object"));
    };
    let empty = Map::new();
    let old_metadata = old.get("metadata").and_then(Value::as_object).unwrap_or(&empty);
    let metadata = metadata_of(map);
    let text = |metadata: &Map<String, Value>, field: &str| {
        metadata.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let given = text(metadata, "resourceVersion");
    if !given.is_empty() && given != "0" && given != text(old_metadata, "resourceVersion") {
        return Err(ApiError::modified(kind, &target.name));
    }
    let (given, uid) = (text(metadata, "uid"), text(old_metadata, "uid"));
    if !given.is_empty() && given != uid {
        return Err(ApiError::conflict(
            kind,
            &target.name,
            &format!(
                "StorageError: invalid object, Code: 4, Key: /registry/{}/{}/{}, ResourceVersion: 0, \
                 AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object meta: {uid}",
                kind.plural, target.namespace, target.name
            ),
        ));
    }
    if part == Part::Status && !metadata_by_status(kind) {
        let managed = metadata.remove("managedFields");
        *metadata = old_metadata.clone();
        if let Some(managed) = managed {
            metadata.insert("managedFields".to_owned(), managed);
        }
    }
    for field in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
        "selfLink",
    ] {
        match old_metadata.get(field) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
    match part {
        Part::Main | Part::Scale if kind.has_subresource("status") => {
            keep(old, map, |field| field == "status")
        }
        Part::Status => {
            keep(old, map, |field| !matches!(field, "status" | "metadata" | "apiVersion" | "kind"))
        }
        Part::Main | Part::Scale | Part::Other(_) => {}
    }
    Ok(())
}

/// Takes the fields that `which` names from the live object.
fn keep(old: &Map<String, Value>, new: &mut Map<String, Value>, which: impl Fn(&str) -> bool) {
    new.retain(|field, _| !which(field));
    for (field, value) in old.iter().filter(|(field, _)| which(field)) {
        new.insert(field.clone(), value.clone());
    }
}

/// Counts a change of what the user wants.
pub(crate) fn bump_generation(kind: &Kind, live: &Value, new: &mut Value) {
    if !has_generation(kind) {
        return;
    }
    let ignored = |field: &str| {
        matches!(field, "apiVersion" | "kind" | "metadata")
            || (field == "status" && kind.has_subresource("status"))
    };
    let wanted = |object: &Value| -> Map<String, Value> {
        let all = object.as_object().into_iter().flatten();
        all.filter(|(field, _)| !ignored(field)).map(|(f, v)| (f.clone(), v.clone())).collect()
    };
    let changed = wanted(live) != wanted(new)
        || (&*kind.storage == "deployments.apps"
            && live["metadata"].get("annotations") != new["metadata"].get("annotations"))
        || (&*kind.storage == "endpointslices.discovery.k8s.io"
            && live["metadata"].get("labels") != new["metadata"].get("labels"));
    if changed {
        let generation = live["metadata"]["generation"].as_i64().unwrap_or_default();
        new["metadata"]["generation"] = json!(generation + 1);
    }
}

/// Whether the server counts generations of a kind.
pub(crate) fn has_generation(kind: &Kind) -> bool {
    kind.custom.is_some()
        || matches!(
            kind.qualified().as_str(),
            "priorityclasses.scheduling.k8s.io"
                | "ingressclasses.networking.k8s.io"
                | "networkpolicies.networking.k8s.io"
                | "ingresses.networking.k8s.io"
                | "endpointslices.discovery.k8s.io"
                | "poddisruptionbudgets.policy"
                | "resourceslices.resource.k8s.io"
                | "deviceclasses.resource.k8s.io"
                | "flowschemas.flowcontrol.apiserver.k8s.io"
                | "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
                | "daemonsets.apps"
                | "statefulsets.apps"
                | "deployments.apps"
                | "replicasets.apps"
                | "jobs.batch"
                | "cronjobs.batch"
                | "pods"
                | "podtemplates"
                | "replicationcontrollers"
                | "validatingadmissionpolicies.admissionregistration.k8s.io"
                | "validatingadmissionpolicybindings.admissionregistration.k8s.io"
                | "mutatingwebhookconfigurations.admissionregistration.k8s.io"
                | "validatingwebhookconfigurations.admissionregistration.k8s.io"
                | "customresourcedefinitions.apiextensions.k8s.io"
        )
}

/// Kinds that must be updated with a resourceVersion.
pub(crate) fn allows_unconditional_update(kind: &Kind) -> bool {
    kind.custom.is_none()
        && !matches!(
            kind.qualified().as_str(),
            "validatingadmissionpolicies.admissionregistration.k8s.io"
                | "validatingadmissionpolicybindings.admissionregistration.k8s.io"
                | "mutatingwebhookconfigurations.admissionregistration.k8s.io"
                | "validatingwebhookconfigurations.admissionregistration.k8s.io"
                | "leases.coordination.k8s.io"
                | "runtimeclasses.node.k8s.io"
                | "poddisruptionbudgets.policy"
                | "csidrivers.storage.k8s.io"
                | "csinodes.storage.k8s.io"
                | "csistoragecapacities.storage.k8s.io"
                | "volumeattachments.storage.k8s.io"
                | "customresourcedefinitions.apiextensions.k8s.io"
                | "apiservices.apiregistration.k8s.io"
        )
}

/// Kinds that a PUT creates where they are not there.
pub(crate) fn allows_create_on_update(kind: &Kind) -> bool {
    matches!(
        kind.qualified().as_str(),
        "leases.coordination.k8s.io"
            | "endpoints"
            | "events"
            | "limitranges"
            | "services"
            | "runtimeclasses.node.k8s.io"
            | "clusterroles.rbac.authorization.k8s.io"
            | "clusterrolebindings.rbac.authorization.k8s.io"
            | "roles.rbac.authorization.k8s.io"
            | "rolebindings.rbac.authorization.k8s.io"
    )
}

/// Kubelets bring the status of their nodes along.
fn keeps_status_at_create(kind: &Kind) -> bool {
    matches!(&*kind.storage, "nodes")
}

/// Kinds whose `/status` also writes labels and annotations.
fn metadata_by_status(kind: &Kind) -> bool {
    matches!(&*kind.storage, "pods" | "nodes" | "namespaces" | "persistentvolumes" | "persistentvolumeclaims")
}

/// Whether something outside of metadata still holds an object that is being deleted.
pub(crate) fn is_held_by_spec(kind: &Kind, object: &Value) -> bool {
    &*kind.storage == "namespaces" && object["spec"]["finalizers"].as_array().is_some_and(|f| !f.is_empty())
}

/// `metadata`, which decoding has made sure of.
fn metadata_of(map: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let slot = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut().expect("made an object above")
}
