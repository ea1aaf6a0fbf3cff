//! `/scale`, of the built-in kinds that have it and of custom ones.

use std::sync::Arc;

use bytes::Bytes;
use merge::{Operation, PatchError};
use serde_json::{Value, json};

use crate::{
    convert, decode,
    fields::Writer,
    prepare::Part,
    read,
    registry::Kind,
    reply::Answer,
    route::Target,
    service::Context,
    status::{ApiError, ApiResult, FieldError},
    write,
};

/// GET, PUT or PATCH of a Scale.
pub(crate) fn answer(context: &mut Context, target: &Target, verb: &str, body: &Bytes) -> ApiResult<Answer> {
    let kind = Arc::clone(&target.kind);
    if verb == "get" {
        let live = convert::read(&kind, &*read::find(context, target)?);
        let (spec, _, _) = paths(&kind);
        if kind.custom.is_some() && look(&live, &spec).is_none() {
            return Err(ApiError::internal(format!("the spec replicas field {spec:?} does not exist")));
        }
        return Ok(Answer::json(200, &show(&kind, &live)));
    }
    let content_type = context.content_type.clone();
    let media = content_type.split(';').next().unwrap_or_default().trim().to_owned();
    let sent = decode::parse(&content_type, body)?.value;
    let writer = Writer::of(context, Operation::Update, "scale")?;
    let stored = write::change(context, target, Part::Scale, &writer, |_, live| {
        let scale = show(&kind, live);
        let wanted = match (verb, media.as_str()) {
            ("update", _) => sent.clone(),
            (_, "application/json-patch+json") => {
                merge::json_patch(&scale, &sent).map_err(|e| refused(&e))?
            }
            _ => merge::json_merge_patch(scale, &sent),
        };
        let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or_default();
        if replicas < 0 {
            let error =
                FieldError::invalid("spec.replicas", json!(replicas), "must be greater than or equal to 0");
            let scale_kind =
                Kind { kind: "Scale".to_owned(), group: "autoscaling".to_owned(), ..Kind::clone(&kind) };
            return Err(ApiError::invalid(&scale_kind, &target.name, &[error]));
        }
        let mut new = live.clone();
        let (spec, _, _) = paths(&kind);
        put(&mut new, &spec, json!(replicas));
        if let Some(revision) = wanted["metadata"]["resourceVersion"].as_str().filter(|r| !r.is_empty()) {
            new["metadata"]["resourceVersion"] = json!(revision);
        }
        Ok(new)
    })?;
    let live = convert::read(&kind, &stored);
    Ok(Answer::json(200, &show(&kind, &live)))
}

fn refused(error: &PatchError) -> ApiError {
    match error {
        PatchError::Malformed(why) => ApiError::bad_request(why.clone()),
        PatchError::DoesNotFit(why) => ApiError::new(422, "Invalid", why.clone()),
    }
}

/// Where replicas, current replicas and the selector are.
fn paths(kind: &Kind) -> (String, String, Option<String>) {
    match kind.custom.as_ref().and_then(|c| c.scale.clone()) {
        Some(scale) => (scale.spec, scale.status, scale.selector),
        None => (".spec.replicas".to_owned(), ".status.replicas".to_owned(), None),
    }
}

fn show(kind: &Kind, live: &Value) -> Value {
    let (spec, status, selector) = paths(kind);
    let metadata = &live["metadata"];
    let mut about = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if !metadata[field].is_null() {
            about[field] = metadata[field].clone();
        }
    }
    let mut shown = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": about, "spec": {},
        "status": {"replicas": look(live, &status).and_then(Value::as_i64).unwrap_or_default()},
    });
    let replicas = look(live, &spec).and_then(Value::as_i64).unwrap_or_default();
    if replicas != 0 {
        shown["spec"]["replicas"] = json!(replicas);
    }
    let text = match (&kind.custom, selector) {
        (Some(_), Some(path)) => look(live, &path).and_then(Value::as_str).map(str::to_owned),
        (Some(_), None) => None,
        (None, _) => Some(selector_text(&live["spec"]["selector"])),
    };
    if let Some(text) = text.filter(|t| !t.is_empty()) {
        shown["status"]["selector"] = json!(text);
    }
    shown
}

/// A label selector as a query writes it.
pub(crate) fn selector_text(selector: &Value) -> String {
    let mut parts = Vec::new();
    let labels = selector["matchLabels"].as_object().or_else(|| {
        // A replication controller's selector is the map itself.
        selector.as_object().filter(|m| m.values().all(Value::is_string))
    });
    for (key, value) in labels.into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        parts.push(match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.join(",")
}

fn look<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.trim_start_matches('.').split('.').try_fold(value, |value, step| value.get(step))
}

fn put(value: &mut Value, path: &str, new: Value) {
    let mut slot = value;
    for step in path.trim_start_matches('.').split('.') {
        if !slot.is_object() {
            *slot = json!({});
        }
        slot = &mut slot[step];
    }
    *slot = new;
}
