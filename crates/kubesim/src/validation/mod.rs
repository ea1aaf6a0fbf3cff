//! What is not acceptable, in the server's words. For built-in kinds not all of the server's rules, but those that
//! users and controllers meet.

mod config;
mod metadata;
pub(crate) mod names;
mod network;
mod pods;
mod rbac;
mod schedule;
mod selector;
mod workloads;

use serde_json::{Value, json};

use crate::{prepare::Part, registry::Kind, status::FieldError};

type Errors = Vec<FieldError>;

/// What is wrong with a new object.
pub(crate) fn create(kind: &Kind, object: &Value) -> Errors {
    let mut errors = metadata::check(kind, object);
    errors.extend(contents(kind, object));
    errors
}

/// What is allowed in a new object and may yet surprise.
pub(crate) fn warnings(kind: &Kind, object: &Value) -> Vec<String> {
    let names_pods = matches!(
        &*kind.storage,
        "deployments.apps" | "replicasets.apps" | "replicationcontrollers" | "jobs.batch" | "cronjobs.batch"
    );
    let wrong = names::label_1123(text(&object["metadata"], "name"));
    if !names_pods || wrong.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is \
         recommended: [{}]",
        wrong.join(" ")
    )]
}

/// What is wrong with a new state of an object.
pub(crate) fn update(kind: &Kind, object: &Value, live: &Value, part: Part) -> Errors {
    let mut errors = metadata::check_update(kind, object, live);
    if part == Part::Status && kind.custom.is_none() {
        return errors;
    }
    // What is going away may stay as it is.
    let dying = live["metadata"]["deletionTimestamp"].is_string() && object["spec"] == live["spec"];
    if !dying {
        errors.extend(contents(kind, object));
        if matches!(part, Part::Main | Part::Scale) {
            errors.extend(change(kind, object, live));
        }
    }
    errors
}

fn contents(kind: &Kind, object: &Value) -> Errors {
    if let Some(custom) = &kind.custom {
        return merge::validate(&custom.merge_type, object)
            .into_iter()
            .map(|v| FieldError::raw(v.path.trim_start_matches('.'), v.message))
            .collect();
    }
    let mut errors = Errors::new();
    let spec = &object["spec"];
    match &*kind.storage {
        "pods" => pods::check(spec, "spec", &mut errors),
        "deployments.apps" => workloads::deployment(spec, &mut errors),
        "replicasets.apps" => workloads::replica_set(spec, &mut errors),
        "statefulsets.apps" => workloads::stateful_set(spec, &mut errors),
        "daemonsets.apps" => workloads::daemon_set(spec, &mut errors),
        "jobs.batch" => workloads::job(spec, "spec", &mut errors),
        "cronjobs.batch" => workloads::cron_job(spec, &mut errors),
        "services" => network::service(spec, &mut errors),
        "ingresses.networking.k8s.io" => network::ingress(spec, &mut errors),
        "secrets" => config::secret(object, &mut errors),
        "configmaps" => config::config_map(object, &mut errors),
        "persistentvolumeclaims" => config::claim(spec, &mut errors),
        "horizontalpodautoscalers.autoscaling" => workloads::autoscaler(spec, &mut errors),
        "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => {
            rbac::role(kind, object, &mut errors);
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            rbac::binding(kind, object, &mut errors);
        }
        "storageclasses.storage.k8s.io" => required(object, "provisioner", "provisioner", &mut errors),
        _ => {}
    }
    errors
}

/// What may not be changed.
fn change(kind: &Kind, object: &Value, live: &Value) -> Errors {
    let mut errors = Errors::new();
    let (spec, old) = (&object["spec"], &live["spec"]);
    match &*kind.storage {
        "pods" => pods::change(spec, old, &mut errors),
        "deployments.apps" | "replicasets.apps" | "daemonsets.apps" => {
            immutable(spec, old, "selector", "spec.selector", &mut errors);
        }
        "statefulsets.apps" => workloads::stateful_set_change(spec, old, &mut errors),
        "jobs.batch" => workloads::job_change(spec, old, &mut errors),
        "services" => network::service_change(spec, old, &mut errors),
        "secrets" | "configmaps" => config::change(object, live, &mut errors),
        "persistentvolumeclaims" => config::claim_change(spec, old, &mut errors),
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            rbac::binding_change(object, live, &mut errors);
        }
        "storageclasses.storage.k8s.io" => {
            for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
                if object[field] != live[field] {
                    let why = if field == "parameters" || field == "provisioner" {
                        format!("updates to {field} are forbidden.")
                    } else {
                        "field is immutable".to_owned()
                    };
                    errors.push(FieldError::forbidden(field, why));
                }
            }
        }
        "priorityclasses.scheduling.k8s.io" if object["value"] != live["value"] => {
            errors.push(FieldError::invalid("value", object["value"].clone(), "field is immutable"));
        }
        _ => {}
    }
    errors
}

fn immutable(new: &Value, old: &Value, field: &str, path: &str, errors: &mut Errors) {
    if new[field] != old[field] {
        errors.push(FieldError::invalid(path, new[field].clone(), "field is immutable"));
    }
}

/// A text that must be there.
fn required(object: &Value, field: &str, path: &str, errors: &mut Errors) {
    if object[field].as_str().is_none_or(str::is_empty) {
        errors.push(FieldError::required(path, ""));
    }
}

/// A number that may not be negative.
fn not_negative(object: &Value, field: &str, path: &str, errors: &mut Errors) {
    if let Some(number) = object[field].as_i64().filter(|n| *n < 0) {
        let path = format!("{path}.{field}");
        errors.push(FieldError::invalid(path, json!(number), "must be greater than or equal to 0"));
    }
}

/// The items of a list.
fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object[field].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}
