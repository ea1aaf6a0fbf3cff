//! Objects that actions make from others.

use resource::Object;
use serde_json::{Map, Value, json};

use crate::builtin::owner;
use crate::edit::{at, text};
use crate::{ActionError, Moment};

/// A copy without empty lists and maps: the peer's copy through Lua loses them.
fn copy(value: Option<&Value>) -> Option<Value> {
    match value? {
        Value::Object(map) => {
            let fields: Map<String, Value> =
                map.iter().filter_map(|(name, value)| Some((name.clone(), copy(Some(value))?))).collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(|item| copy(Some(item))).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Null => None,
        other => Some(other.clone()),
    }
}

fn map(value: Option<&Value>) -> Map<String, Value> {
    match copy(value) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn made(value: Value) -> Result<Object, ActionError> {
    Object::from_value(value).map_err(|error| ActionError::State(error.to_string()))
}

/// The name and namespace of what is made: the name grows by the time, to the minute.
fn named(object: &Object, suffix: &str, mut metadata: Map<String, Value>) -> Map<String, Value> {
    metadata.insert("name".to_owned(), format!("{}-{suffix}", object.name()).into());
    if let Some(namespace) = object.namespace() {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    metadata
}

/// A job of a cron job, now.
pub(crate) fn job(object: &Object, now: Moment<'_>) -> Result<Object, ActionError> {
    let template = at(object, &["spec", "jobTemplate"])
        .ok_or_else(|| ActionError::State("the CronJob has no spec.jobTemplate".to_owned()))?;
    // Two digits of the year, as in the peer.
    let minutes = now.minutes();
    let suffix = minutes.get(2..).unwrap_or_default();
    let mut metadata = named(object, suffix, map(template.get("metadata")));
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if let Value::Object(annotations) = annotations {
        annotations.insert("cronjob.kubernetes.io/instantiate".to_owned(), "manual".into());
    }
    let mut owner = owner(object);
    owner.insert("blockOwnerDeletion".to_owned(), true.into());
    owner.insert("controller".to_owned(), true.into());
    metadata.insert("ownerReferences".to_owned(), json!([owner]));
    let spec = map(template.get("spec"));
    made(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}))
}

/// A workflow of a cron workflow, now.
pub(crate) fn scheduled_workflow(object: &Object, now: Moment<'_>) -> Result<Object, ActionError> {
    let of = |name: &str| map(at(object, &["spec", "workflowMetadata", name]));
    let (mut labels, mut annotations) = (of("labels"), of("annotations"));
    labels.insert("workflows.argoproj.io/cron-workflow".to_owned(), object.name().into());
    let instance = "workflows.argoproj.io/controller-instanceid";
    if let Some(id) = object.label(instance) {
        labels.insert(instance.to_owned(), id.into());
    }
    annotations.insert("workflows.argoproj.io/scheduled-time".to_owned(), now.0.into());
    let mut metadata = named(object, &now.minutes(), Map::new());
    metadata.insert("labels".to_owned(), labels.into());
    metadata.insert("annotations".to_owned(), annotations.into());
    metadata.insert("ownerReferences".to_owned(), json!([owner(object)]));
    // The peer puts them beside the metadata, where they do nothing.
    if let Some(finalizers) = copy(at(object, &["spec", "workflowMetadata", "finalizers"])) {
        metadata.insert("finalizers".to_owned(), finalizers);
    }
    let spec = map(at(object, &["spec", "workflowSpec"]));
    made(
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": spec}),
    )
}

/// A workflow that refers to its template.
pub(crate) fn workflow(object: &Object, now: Moment<'_>) -> Result<Object, ActionError> {
    let mut metadata = named(object, &now.minutes(), Map::new());
    let labels = json!({"workflows.argoproj.io/workflow-template": object.name()});
    metadata.insert("labels".to_owned(), labels);
    metadata.insert("ownerReferences".to_owned(), json!([owner(object)]));
    let name = text(object, &["metadata", "name"]);
    let spec = json!({"workflowTemplateRef": {"name": name}});
    made(
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": spec}),
    )
}
