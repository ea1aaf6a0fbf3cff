//! The life of namespaces: what is in every cluster, what may be created where, and how one ends.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    convert,
    fields::seconds,
    gc,
    registry::Kind,
    sim::KubeSim,
    status::{ApiError, ApiResult},
    store::{Key, State, Stored},
};

const INITIAL: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Makes the namespaces, the priority classes and the Service that every cluster has.
pub(crate) fn create_initial(sim: &KubeSim) {
    for name in INITIAL {
        let labels = json!({"kubernetes.io/metadata.name": name});
        put(
            sim,
            "",
            "namespaces",
            "",
            name,
            json!({"metadata": {"labels": labels},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}),
        );
        fill(sim, name);
    }
    for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)]
    {
        let description = "Used for system critical pods.";
        put(
            sim,
            "scheduling.k8s.io",
            "priorityclasses",
            "",
            name,
            json!({"metadata": {"generation": 1},
            "value": value, "description": description, "preemptionPolicy": "PreemptLowerPriority"}),
        );
    }
    put(
        sim,
        "",
        "services",
        "default",
        "kubernetes",
        json!({
        "metadata": {"labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "sessionAffinity": "None",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]},
        "status": {"loadBalancer": {}}}),
    );
}

/// Stores an object of the server's own.
fn put(sim: &KubeSim, group: &str, plural: &str, namespace: &str, name: &str, mut object: Value) {
    let registry = Arc::clone(&sim.lock().registry);
    let Some(kind) = registry.find(group, "v1", plural) else { return };
    let metadata = &mut object["metadata"];
    metadata["name"] = json!(name);
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    metadata["uid"] = json!(sim.new_uid());
    metadata["creationTimestamp"] = json!(seconds(sim.now()));
    let mut state = sim.lock();
    if state.get(&kind.storage, &Key::new(namespace, name)).is_none() {
        state.put(kind, convert::store(kind, object));
    }
}

/// What a controller manager puts into a new namespace.
fn fill(sim: &KubeSim, namespace: &str) {
    if !sim.options().namespace_content {
        return;
    }
    put(sim, "", "serviceaccounts", namespace, "default", json!({}));
    put(
        sim,
        "",
        "configmaps",
        namespace,
        "kube-root-ca.crt",
        json!({
        "metadata": {"annotations": {"kubernetes.io/description":
            "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as \
             the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of \
             Kubernetes clusters."}},
        "data": {"ca.crt": ""}}),
    );
}

/// Whether an object may be created in a namespace.
pub(crate) fn admit(state: &State, kind: &Kind, namespace: &str, name: &str) -> ApiResult<()> {
    if !kind.namespaced {
        return Ok(());
    }
    let Some(found) = state.get("namespaces", &Key::new("", namespace)) else {
        return Err(ApiError::named_not_found("", "namespaces", namespace));
    };
    if !found.deleting {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut error = ApiError::forbidden(kind, name, &why);
    let cause = json!([{"reason": "NamespaceTerminating", "field": "metadata.namespace",
        "message": format!("namespace {namespace} is being terminated")}]);
    error.details.get_or_insert_default().insert("causes".to_owned(), cause);
    Err(error)
}

/// What follows the creation of a namespace.
pub(crate) fn after_create(sim: &KubeSim, kind: &Kind, stored: &Stored) {
    if &*kind.storage == "namespaces" {
        fill(sim, &stored.key.name);
    }
}

/// Empties a namespace that is being deleted and, when nothing is left, takes it away.
pub(crate) fn finalize(sim: &KubeSim, name: &str) {
    if !sim.options().garbage_collection {
        return;
    }
    let (registry, content) = {
        let state = sim.lock();
        (Arc::clone(&state.registry), state.in_namespace(name))
    };
    for id in content {
        if let Some(kind) = registry.by_storage(&id.storage) {
            gc::collect(sim, kind, &id.key);
        }
    }
    end(sim, name);
}

/// Takes a namespace away that is being deleted and empty; nothing happens to others.
pub(crate) fn end(sim: &KubeSim, name: &str) {
    if !sim.options().garbage_collection || name.is_empty() {
        return;
    }
    let mut state = sim.lock();
    let registry = Arc::clone(&state.registry);
    let Some(kind) = registry.find("", "v1", "namespaces") else { return };
    let key = Key::new("", name);
    let Some(found) = state.get(&kind.storage, &key).filter(|n| n.deleting).cloned() else { return };
    if state.population(name) > 0 {
        return;
    }
    let mut object = found.object();
    if let Some(Value::Object(spec)) = object.get_mut("spec")
        && spec
            .get("finalizers")
            .and_then(Value::as_array)
            .is_some_and(|f| f.iter().all(|f| f == "kubernetes"))
        && spec.remove("finalizers").is_some()
    {
        state.put(kind, object);
    }
    let free = state.get(&kind.storage, &key).is_some_and(|n| {
        n.finalizers.is_empty() && n.object().get("spec").is_none_or(|spec| spec.get("finalizers").is_none())
    });
    drop(state);
    if free {
        gc::remove(sim, kind, &key);
    }
}
