//! What is below an object: status, scale, bindings, evictions, and reviews of access.

use std::sync::Arc;

use bytes::Bytes;
use merge::Operation;
use serde_json::{Value, json};

use crate::{
    convert, decode,
    delete::{self, DeleteOptions},
    exec,
    fields::{Writer, seconds},
    forward, logs, namespaces,
    prepare::Part,
    read,
    registry::Kind,
    reply::Answer,
    route::Target,
    scale,
    service::Context,
    status::{ApiError, ApiResult, FieldError},
    store::Key,
    write,
};

/// Answers a request for a subresource.
pub(crate) fn answer(context: &mut Context, target: &Target, verb: &str, body: &Bytes) -> ApiResult<Answer> {
    let kind = Arc::clone(&target.kind);
    let Some(sub) = kind.subresources.iter().find(|s| s.name == target.subresource) else {
        return Err(ApiError::no_such_resource());
    };
    let plain = if verb == "apply" { "patch" } else { verb };
    if !sub.verbs.iter().any(|v| v == plain) {
        return Err(ApiError::method_not_allowed());
    }
    match (target.subresource.as_str(), plain) {
        ("status", "get") => read::get(context, target),
        ("status", "update") => {
            let object = decode::object(context, &kind, body)?;
            let (stored, _) = write::update_object(context, target, object, Part::Status)?;
            Ok(Answer::object(context, &kind, &stored, 200))
        }
        ("status", "patch") => {
            let (stored, _) = write::patch_object(context, target, body, Part::Status)?;
            Ok(Answer::object(context, &kind, &stored, 200))
        }
        ("scale", _) => scale::answer(context, target, plain, body),
        ("finalize", "update") => finalize(context, target, body),
        ("binding", "create") => bind(context, target, body),
        ("eviction", "create") => evict(context, target, body),
        ("ephemeralcontainers" | "resize", "get") => read::get(context, target),
        ("ephemeralcontainers", "update") => edit_part(context, target, body, "ephemeralcontainers"),
        ("resize", "update") => edit_part(context, target, body, "resize"),
        ("ephemeralcontainers", "patch") => patch_part(context, target, body, "ephemeralcontainers"),
        ("resize", "patch") => patch_part(context, target, body, "resize"),
        ("approval", "get") => read::get(context, target),
        ("approval", "update") => edit_part(context, target, body, "approval"),
        ("approval", "patch") => patch_part(context, target, body, "approval"),
        ("token", "create") => token(context, target, body),
        ("log", "get") => logs::answer(context, target),
        ("exec", "get" | "create") => exec::answer(context, target),
        ("portforward", "get" | "create") => forward::answer(context, target),
        (other, _) => Err(ApiError::new(
            501,
            "NotImplemented",
            format!("the Kubernetes simulator does not serve {}/{other}", kind.plural),
        )),
    }
}

fn edit_part(context: &mut Context, target: &Target, body: &Bytes, name: &'static str) -> ApiResult<Answer> {
    let object = decode::object(context, &target.kind, body)?;
    let (stored, _) = write::update_object(context, target, object, Part::Other(name))?;
    Ok(Answer::object(context, &target.kind, &stored, 200))
}

fn patch_part(context: &mut Context, target: &Target, body: &Bytes, name: &'static str) -> ApiResult<Answer> {
    let (stored, _) = write::patch_object(context, target, body, Part::Other(name))?;
    Ok(Answer::object(context, &target.kind, &stored, 200))
}

/// PUT of a namespace's `spec.finalizers`.
fn finalize(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let object = decode::object(context, &target.kind, body)?;
    let finalizers = object["spec"]["finalizers"].clone();
    let writer = Writer::of(context, Operation::Update, "finalize")?;
    let stored = write::change(context, target, Part::Other("finalize"), &writer, |_, live| {
        let mut new = live.clone();
        if finalizers.as_array().is_none_or(Vec::is_empty) {
            new["spec"] = json!({});
        } else {
            new["spec"]["finalizers"] = finalizers.clone();
        }
        Ok(new)
    })?;
    namespaces::end(&context.sim, &target.name);
    Ok(Answer::object(context, &target.kind, &stored, 200))
}

fn success(code: u16) -> Answer {
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code});
    Answer::json(code, &status)
}

/// POST of a Binding: the scheduler's word on where a pod runs.
fn bind(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let content_type = context.content_type.clone();
    let binding = decode::parse(&content_type, body)?.value;
    if binding["metadata"]["name"] != target.name.as_str() {
        return Err(ApiError::bad_request("name in URL does not match name in Binding object"));
    }
    let node = binding["target"]["name"].as_str().unwrap_or_default().to_owned();
    if node.is_empty() {
        let kind = Kind { kind: "Binding".to_owned(), ..Kind::clone(&target.kind) };
        return Err(ApiError::invalid(&kind, &target.name, &[FieldError::required("target.name", "")]));
    }
    let now = seconds(context.now);
    let writer = Writer::of(context, Operation::Update, "binding")?;
    let kind = Arc::clone(&target.kind);
    write::change(context, target, Part::Other("binding"), &writer, |_, live| {
        let bound = live["spec"]["nodeName"].as_str().unwrap_or_default();
        if !bound.is_empty() {
            let why = format!("pod {} is already assigned to node {bound:?}", target.name);
            return Err(ApiError::conflict(&kind, &target.name, &why).renamed("pods/binding"));
        }
        let mut new = live.clone();
        new["spec"]["nodeName"] = json!(node);
        let scheduled = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null,
            "lastTransitionTime": now});
        let conditions = new["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let mut conditions: Vec<Value> =
            conditions.into_iter().filter(|c| c["type"] != "PodScheduled").collect();
        conditions.push(scheduled);
        new["status"]["conditions"] = Value::Array(conditions);
        Ok(new)
    })?;
    Ok(success(201))
}

/// POST of an Eviction: a deletion. Disruption budgets are respected by their recorded `disruptionsAllowed`.
fn evict(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let content_type = context.content_type.clone();
    let eviction = decode::parse(&content_type, body)?.value;
    let pod = read::find(context, target)?;
    let registry = Arc::clone(&context.sim.lock().registry);
    if let Some(kind) = registry.find("policy", "v1", "poddisruptionbudgets") {
        let mut state = context.sim.lock();
        let budgets: Vec<Value> = state
            .collection(&kind.storage)
            .scan(&target.namespace, None)
            .map(|budget| convert::read(kind, budget))
            .collect();
        drop(state);
        let selects = |budget: &Value| {
            let labels = budget["spec"]["selector"]["matchLabels"].as_object();
            labels.is_some_and(|labels| {
                labels.iter().all(|(k, v)| {
                    pod.labels.iter().any(|(key, value)| key == k && Some(value.as_str()) == v.as_str())
                })
            })
        };
        let blocking =
            budgets.iter().find(|b| selects(b) && b["status"]["disruptionsAllowed"].as_i64() == Some(0));
        if blocking.is_some() {
            let mut error = ApiError::new(
                429,
                "TooManyRequests",
                "Cannot evict pod as it would violate the pod's disruption budget.",
            );
            error.retry_after = Some(10);
            return Err(error);
        }
    }
    let (options, dry_run) = DeleteOptions::from_value(context, &eviction["deleteOptions"])?;
    let key = Key::new(&target.namespace, &target.name);
    delete::delete_object(&context.sim, &target.kind, &key, &options, dry_run)?;
    Ok(success(201))
}

/// POST of a TokenRequest: a token that means something to this simulator alone.
fn token(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let content_type = context.content_type.clone();
    let mut request = decode::parse(&content_type, body)?.value;
    if !request.is_object() {
        return Err(ApiError::bad_request("the body of the request is no TokenRequest"));
    }
    read::find(context, target)?;
    let token = format!("kubesim-{}{}", context.sim.new_uid(), context.sim.new_uid());
    let seconds_left = request["spec"]["expirationSeconds"].as_i64().unwrap_or(3600);
    let end =
        context.now.saturating_add(jiff::SignedDuration::from_secs(seconds_left)).unwrap_or(context.now);
    request["apiVersion"] = json!("authentication.k8s.io/v1");
    request["kind"] = json!("TokenRequest");
    request["metadata"] = json!({"name": target.name, "namespace": target.namespace, "creationTimestamp": seconds(context.now)});
    request["status"] = json!({"token": token, "expirationTimestamp": seconds(end)});
    if !context.dry_run {
        context.sim.set_identity(
            token,
            crate::access::Identity {
                user: format!("system:serviceaccount:{}:{}", target.namespace, target.name),
                groups: vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{}", target.namespace),
                    "system:authenticated".to_owned(),
                ],
                access: crate::access::Access::Bindings,
            },
        );
    }
    Ok(Answer::json(201, &request))
}
