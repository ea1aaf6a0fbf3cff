//! Gateway API, where parents and listeners have conditions of their own.

use resource::Object;
use serde_json::Value;

use super::{conditions, filled};
use crate::read::{at, below, field, items};
use crate::{Health, Status};

fn of_type<'a>(list: &'a [Value], kind: &str) -> Option<&'a Value> {
    list.iter().find(|condition| field(condition, "type") == kind)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Refused, unresolved, or not programmed yet; `what` stands in front of listeners.
fn verdict(list: &[Value], prefix: &str, what: &str) -> Option<Health> {
    for kind in ["ResolvedRefs", "Accepted"] {
        let refused = list.iter().find(|c| field(c, "type") == kind && field(c, "status") == "False");
        if let Some(refused) = refused {
            let default = format!("Failed condition: {kind}");
            let message = refused.get("message").and_then(Value::as_str).unwrap_or(&default);
            return Some(Health::new(Status::Degraded, format!("{prefix}{message}")));
        }
    }
    let waiting = list.iter().find(|c| field(c, "type") == "Programmed" && field(c, "status") != "True")?;
    let default = format!("{what} is still being programmed");
    let message = waiting.get("message").and_then(Value::as_str).unwrap_or(&default);
    Some(Health::new(Status::Progressing, format!("{prefix}{message}")))
}

/// The gateway itself, then each of its listeners.
pub(super) fn gateway(object: &Object, _: &[String]) -> Option<Health> {
    if let Some(health) = verdict(conditions(object), "", "Gateway") {
        return Some(health);
    }
    let listeners = items(object, &["status", "listeners"]);
    let of = |listener| verdict(list(listener, "conditions"), "Listener: ", "Listener");
    if let Some(health) = listeners.iter().find_map(of) {
        return Some(health);
    }
    let judged = at(object, &["status", "conditions"]).is_some() || !listeners.is_empty();
    Some(if judged {
        Health::new(Status::Healthy, "Gateway is healthy")
    } else {
        Health::new(Status::Progressing, "Waiting for Gateway status")
    })
}

/// Any parent that refuses it breaks a route; one that is not there yet holds it; one good parent is enough else.
pub(super) fn tls_route(object: &Object, _: &[String]) -> Option<Health> {
    let now = at(object, &["metadata", "generation"]);
    let (mut healthy, mut programming, mut waiting) = (false, None, None);
    for parent in items(object, &["status", "parents"]) {
        let conditions = list(parent, "conditions");
        let current = |condition: &Value| {
            let seen = condition.get("observedGeneration").filter(|seen| !seen.is_null());
            now.is_none() || seen.is_none() || seen == now
        };
        if conditions.is_empty() || !conditions.iter().all(current) {
            continue;
        }
        let name = below(parent, &["parentRef", "name"]).and_then(Value::as_str).unwrap_or_default();
        let (resolved, accepted) = (of_type(conditions, "ResolvedRefs"), of_type(conditions, "Accepted"));
        for (kind, condition) in [("ResolvedRefs", resolved), ("Accepted", accepted)] {
            if let Some(condition) = condition.filter(|condition| field(condition, "status") == "False") {
                let default = format!("Failed condition: {kind}");
                let message = filled(condition, "message").unwrap_or(&default);
                return Some(Health::new(Status::Degraded, format!("Parent {name}: {message}")));
            }
        }
        let programmed = of_type(conditions, "Programmed").filter(|c| field(c, "status") != "True");
        let yes = |condition: Option<&Value>| condition.is_some_and(|c| field(c, "status") == "True");
        if let Some(condition) = programmed {
            let message = condition.get("message").and_then(Value::as_str);
            let message = message.unwrap_or("Route is still being programmed");
            programming.get_or_insert_with(|| format!("Parent {name}: {message}"));
        } else if yes(accepted) && yes(resolved) {
            healthy = true;
        } else {
            waiting.get_or_insert_with(|| format!("Parent {name}: Waiting for TLSRoute conditions"));
        }
    }
    Some(match (programming, healthy, waiting) {
        (Some(message), _, _) => Health::new(Status::Progressing, message),
        (None, true, _) => Health::new(Status::Healthy, "TLSRoute is healthy"),
        (None, false, Some(message)) => Health::new(Status::Progressing, message),
        (None, false, None) => Health::new(Status::Progressing, "Waiting for TLSRoute status"),
    })
}

/// Kinds that end in `Policy` are judged by their ancestors; others are Healthy when they are there.
pub(super) fn airlock(object: &Object, _: &[String]) -> Option<Health> {
    let kind = object.group_kind().kind;
    let healthy = Health::new(Status::Healthy, format!("{kind} is healthy"));
    if !kind.ends_with("Policy") {
        return Some(healthy);
    }
    let now = at(object, &["metadata", "generation"]);
    let ancestors = items(object, &["status", "ancestors"]);
    let name =
        |ancestor| below(ancestor, &["ancestorRef", "name"]).and_then(Value::as_str).unwrap_or_default();
    for ancestor in ancestors.iter().filter(|_| now.is_some()) {
        if list(ancestor, "conditions").iter().any(|condition| condition.get("observedGeneration") != now) {
            let message = format!("Waiting for Ancestor {} to update {kind} status", name(ancestor));
            return Some(Health::new(Status::Progressing, message));
        }
    }
    let mut health = Health::new(Status::Progressing, format!("Waiting for {kind} status"));
    for ancestor in ancestors {
        let about =
            |text: &str| Health::new(Status::Degraded, format!("Ancestor {}: {text}", name(ancestor)));
        let conditions = list(ancestor, "conditions");
        let judged = ["Accepted", "ResolvedRefs"];
        let refused =
            conditions.iter().find(|c| judged.contains(&field(c, "type")) && field(c, "status") != "True");
        if let Some(condition) = refused {
            return Some(about(field(condition, "message")));
        }
        health = match of_type(conditions, "Accepted") {
            Some(_) => healthy.clone(),
            None => about(&format!("{kind} is not accepted")),
        };
    }
    Some(health)
}
