//! Reviews: questions about rights, answered and not kept.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    access::{self, Access, Attributes, Identity, Rule},
    decode,
    registry::Kind,
    reply::Answer,
    route::Target,
    service::Context,
    status::{ApiError, ApiResult, FieldError},
};

/// POST of a review.
pub(crate) fn answer(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let kind = &target.kind;
    let mut review = decode::object(context, kind, body)?;
    match kind.kind.as_str() {
        "SelfSubjectAccessReview" => {
            let identity = context.identity.clone();
            review["status"] = access_review(context, kind, &review["spec"], &identity)?;
        }
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            let identity = asked_about(&review["spec"]);
            review["status"] = access_review(context, kind, &review["spec"], &identity)?;
        }
        "SelfSubjectRulesReview" => {
            let namespace = review["spec"]["namespace"].as_str().unwrap_or_default().to_owned();
            if namespace.is_empty() {
                let error = FieldError::required("spec.namespace", "");
                return Err(ApiError::invalid(kind, "", &[error]));
            }
            review["status"] = rules_review(context, &namespace);
        }
        "SelfSubjectReview" => {
            let identity = &context.identity;
            review["status"] = json!({"userInfo": {"username": identity.user, "groups": identity.groups}});
        }
        "TokenReview" => {
            let token = review["spec"]["token"].as_str().unwrap_or_default();
            review["status"] = match context.sim.identity(token) {
                Some(i) => json!({"authenticated": true, "user": {"username": i.user, "groups": i.groups}}),
                None => json!({"user": {}}),
            };
        }
        other => {
            let message = format!("the Kubernetes simulator does not answer a {other}");
            return Err(ApiError::new(501, "NotImplemented", message));
        }
    }
    Ok(Answer::json(201, &review))
}

/// Somebody named in a review; what holds for a name is what its bindings say, and all for masters.
fn asked_about(spec: &Value) -> Identity {
    let groups: Vec<String> = spec["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|g| g.as_str().map(str::to_owned))
        .collect();
    let all = groups.iter().any(|g| g == "system:masters");
    Identity {
        user: spec["user"].as_str().unwrap_or_default().to_owned(),
        groups,
        access: if all { Access::All } else { Access::Bindings },
    }
}

fn access_review(context: &Context, kind: &Kind, spec: &Value, identity: &Identity) -> ApiResult<Value> {
    let resource = &spec["resourceAttributes"];
    let other = &spec["nonResourceAttributes"];
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let path = text(other, "path");
    let subresource = text(resource, "subresource");
    let mut name = text(resource, "resource");
    if !subresource.is_empty() {
        name = format!("{name}/{subresource}");
    }
    let (verb, group, namespace, object) = (
        text(if other.is_object() { other } else { resource }, "verb"),
        text(resource, "group"),
        text(resource, "namespace"),
        text(resource, "name"),
    );
    if resource.is_object() == other.is_object() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let error = FieldError::invalid("spec.resourceAttributes", resource.clone(), why);
        return Err(ApiError::invalid(kind, "", &[error]));
    }
    let asked = Attributes {
        verb: &verb,
        group: &group,
        resource: &name,
        namespace: &namespace,
        name: &object,
        path: other.is_object().then_some(path.as_str()),
    };
    let allowed = access::allowed(&context.sim, identity, &asked);
    Ok(if allowed { json!({"allowed": true}) } else { json!({"allowed": false}) })
}

fn rules_review(context: &Context, namespace: &str) -> Value {
    let everything = Rule {
        groups: vec!["*".to_owned()],
        resources: vec!["*".to_owned()],
        names: Vec::new(),
        verbs: vec!["*".to_owned()],
        paths: Vec::new(),
    };
    let rules = match &context.identity.access {
        Access::All => vec![everything],
        Access::Rules(rules) => rules.clone(),
        Access::Bindings => access::bound_rules(&context.sim, &context.identity, namespace),
    };
    let (paths, resources): (Vec<Rule>, Vec<Rule>) = rules.into_iter().partition(|r| !r.paths.is_empty());
    let resources: Vec<Value> = resources
        .iter()
        .map(|r| {
            let mut rule = json!({"verbs": r.verbs, "apiGroups": r.groups, "resources": r.resources});
            if !r.names.is_empty() {
                rule["resourceNames"] = json!(r.names);
            }
            rule
        })
        .collect();
    let paths: Vec<Value> =
        paths.iter().map(|r| json!({"verbs": r.verbs, "nonResourceURLs": r.paths})).collect();
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}
