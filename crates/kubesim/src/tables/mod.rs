//! Tables: what `kubectl get` prints.

mod access;
mod age;
mod cluster;
mod config;
mod custom;
mod network;
mod pods;
mod workloads;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{convert, registry::Kind, service::Context, store::Stored};

/// How much of each object goes into its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Metadata,
    Object,
    Nothing,
}

impl Wanted {
    pub(crate) fn of(context: &Context) -> Self {
        match context.query.get("includeObject") {
            "Object" => Self::Object,
            "None" => Self::Nothing,
            _ => Self::Metadata,
        }
    }
}

/// Columns in short, and what stands in them for one object at a given time. A column is `Name`, with `#` behind it
/// for an integer, `?` for a boolean, `@` for a date, `!` for the name of the object, and `*` if only `-o wide` shows it.
type Printer = (&'static [&'static str], fn(&Value, Timestamp) -> Vec<Value>);

/// A Table of some objects, with or without its headings.
pub(crate) fn table<'a>(
    kind: &Kind,
    objects: impl IntoIterator<Item = &'a Arc<Stored>>,
    now: Timestamp,
    wanted: Wanted,
    headings: bool,
) -> Value {
    let printer = printer(kind);
    let mut revision = None;
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|stored| {
            let object = convert::read(kind, stored);
            revision = Some(object["metadata"]["resourceVersion"].clone());
            let shown = match wanted {
                Wanted::Object => object.clone(),
                Wanted::Metadata => json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                    "metadata": object["metadata"]}),
                Wanted::Nothing => Value::Null,
            };
            let cells = match &kind.custom {
                Some(custom) => custom::cells(&custom.columns, &object, now),
                None => printer.1(&object, now),
            };
            json!({"cells": cells, "object": shown})
        })
        .collect();
    let columns: Vec<Value> = match &kind.custom {
        _ if !headings => Vec::new(),
        Some(custom) => custom::columns(&custom.columns),
        None => printer.0.iter().map(|c| column(c)).collect(),
    };
    // A list puts its own resourceVersion in place of this one.
    let metadata = revision.map_or_else(|| json!({}), |revision| json!({"resourceVersion": revision}));
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns,
        "rows": rows})
}

fn column(short: &str) -> Value {
    let name = short.trim_end_matches(['*', '#', '?', '!', '@']);
    let kind = match short {
        _ if short.contains('#') => "integer",
        _ if short.contains('?') => "boolean",
        _ if short.contains('@') => "date",
        _ => "string",
    };
    let format = if name == "Name" || short.contains('!') { "name" } else { "" };
    let priority = i32::from(short.contains('*'));
    json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
}

fn printer(kind: &Kind) -> Printer {
    match &*kind.storage {
        "pods" => (pods::COLUMNS, pods::cells),
        "deployments.apps" => (workloads::DEPLOYMENT, workloads::deployment),
        "replicasets.apps" | "replicationcontrollers" => (workloads::REPLICA_SET, workloads::replica_set),
        "statefulsets.apps" => (workloads::STATEFUL_SET, workloads::stateful_set),
        "daemonsets.apps" => (workloads::DAEMON_SET, workloads::daemon_set),
        "jobs.batch" => (workloads::JOB, workloads::job),
        "cronjobs.batch" => (workloads::CRON_JOB, workloads::cron_job),
        "controllerrevisions.apps" => (workloads::REVISION, workloads::revision),
        "horizontalpodautoscalers.autoscaling" => (workloads::AUTOSCALER, workloads::autoscaler),
        "poddisruptionbudgets.policy" => (workloads::BUDGET, workloads::budget),
        "services" => (network::SERVICE, network::service),
        "endpoints" => (network::ENDPOINTS, network::endpoints),
        "endpointslices.discovery.k8s.io" => (network::SLICE, network::slice),
        "ingresses.networking.k8s.io" => (network::INGRESS, network::ingress),
        "ingressclasses.networking.k8s.io" => (network::CLASS, network::class),
        "networkpolicies.networking.k8s.io" => (network::POLICY, network::policy),
        "configmaps" => (config::CONFIG_MAP, config::config_map),
        "secrets" => (config::SECRET, config::secret),
        "persistentvolumeclaims" => (config::CLAIM, config::claim),
        "persistentvolumes" => (config::VOLUME, config::volume),
        "storageclasses.storage.k8s.io" => (config::STORAGE_CLASS, config::storage_class),
        "serviceaccounts" => (access::ACCOUNT, access::account),
        "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => {
            (access::ROLE, access::role)
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            (access::BINDING, access::binding)
        }
        "limitranges" => (cluster::DEFINITION, cluster::definition),
        "namespaces" => (cluster::NAMESPACE, cluster::namespace),
        "nodes" => (cluster::NODE, cluster::node),
        "events" => (cluster::EVENT, cluster::event),
        "leases.coordination.k8s.io" => (cluster::LEASE, cluster::lease),
        "priorityclasses.scheduling.k8s.io" => (cluster::PRIORITY, cluster::priority),
        "customresourcedefinitions.apiextensions.k8s.io" => (cluster::DEFINITION, cluster::definition),
        "apiservices.apiregistration.k8s.io" => (cluster::API_SERVICE, cluster::api_service),
        _ => (cluster::PLAIN, cluster::plain),
    }
}

fn name(object: &Value) -> Value {
    object["metadata"]["name"].clone()
}

/// The time since the object was made.
fn age(object: &Value, now: Timestamp) -> Value {
    json!(age::since(&object["metadata"]["creationTimestamp"], now))
}

fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_default().to_owned()
}

fn number(object: &Value, field: &str) -> i64 {
    object[field].as_i64().unwrap_or_default()
}

/// The items of a list.
fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object[field].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn or(text: String, empty: &str) -> String {
    if text.is_empty() { empty.to_owned() } else { text }
}

/// Names and images of a template's containers.
fn containers(template: &Value) -> [Value; 2] {
    let containers = list(&template["spec"], "containers");
    let join = |field: &str| json!(containers.iter().map(|c| text(c, field)).collect::<Vec<_>>().join(","));
    [join("name"), join("image")]
}

/// A label selector, or `<none>`.
fn selector(selector: &Value) -> Value {
    json!(or(crate::scale::selector_text(selector), "<none>"))
}
