//! What objects of an application would become if they were applied, by a dry run of the API server.

use std::sync::Arc;

use rbac::Action;
use resource::{Object, ResourceKey};
use serde_json::{Value, json};
use tonic::Status;

use super::site::{foreign, refused, visit};
use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;

/// Objects of one request; the client asks for one at a time.
const OBJECTS: usize = 1_000;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/ServerSideDiff", differences)
}

/// An object that is asked about.
struct Question {
    key: ResourceKey,
    target: Option<Object>,
    /// As the caller was shown it.
    live: Option<Object>,
    hook: bool,
}

/// **Source**: `Server.ServerSideDiff`. What is live is read from the cluster and not believed; both sides have to be of an object that the
/// application has.
async fn differences(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let questions = questions(&ask.request)?;
    let visited = visit(&backend, &ask.caller.guard, &ask.request, &[Action::Get], "appName").await?;
    if let Some(question) = questions.iter().find(|question| !visited.site.manages(&question.key)) {
        return Err(foreign(&visited, &question.key));
    }
    let (mut items, mut any) = (Vec::new(), false);
    for Question { key, target, live, hook } in questions {
        let found = visited.site.predict(&key, target, live.as_ref()).await;
        let found = found.map_err(|error| refused(&format!("error comparing {key}"), &error))?;
        any |= found.modified;
        let side = |value: Option<Value>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
        items.push(json!({
            "group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name, "hook": hook,
            "targetState": side(found.target), "liveState": side(found.live), "modified": found.modified,
            "resourceVersion": found.resource_version,
        }));
    }
    Ok(json!({"items": items, "modified": any}).into())
}

fn questions(request: &Value) -> Result<Vec<Question>, Status> {
    let list =
        |field: &str| request.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (live, targets) = (list("liveResources"), list("targetManifests"));
    let count = live.len().max(targets.len());
    if count > OBJECTS {
        return Err(Status::invalid_argument(format!("at most {OBJECTS} objects can be compared at once")));
    }
    (0..count).map(|index| question(live.get(index), targets.get(index))).collect()
}

fn question(live: Option<&Value>, target: Option<&Value>) -> Result<Question, Status> {
    let object = |said: &str, what: &str| -> Result<Option<Object>, Status> {
        if said.is_empty() || said == "null" {
            return Ok(None);
        }
        let value: Value = serde_json::from_str(said)
            .map_err(|error| Status::invalid_argument(format!("error unmarshaling {what}: {error}")))?;
        let object = Object::from_value(value);
        object.map(Some).map_err(|error| Status::invalid_argument(format!("{what}: {error}")))
    };
    let target = object(target.and_then(Value::as_str).unwrap_or_default(), "target manifest")?;
    let key = match (live, &target) {
        (Some(live), _) => {
            let field = |name| text(live, name);
            ResourceKey::new(field("group"), field("kind"), field("namespace"), field("name"))
        }
        (None, Some(target)) => target.key(),
        (None, None) => return Err(Status::invalid_argument("there is neither a live object nor a target")),
    };
    let shown = object(live.map_or("", |live| text(live, "liveState")), "live state")?;
    for object in [&shown, &target].into_iter().flatten() {
        matches(&key, object)?;
    }
    let hook = live.and_then(|live| live.get("hook")?.as_bool()).unwrap_or_default();
    let target = target.map(|target| in_namespace(target, &key));
    Ok(Question { key, target, live: shown, hook })
}

/// **Errors**: the object is another one than it is said to be.
fn matches(key: &ResourceKey, object: &Object) -> Result<(), Status> {
    let own = object.key();
    for (what, expected, got) in [
        ("name", &key.name, &own.name),
        ("group", &key.group, &own.group),
        ("kind", &key.kind, &own.kind),
        ("namespace", &key.namespace, &own.namespace),
    ] {
        // A manifest need not say where it goes.
        if expected != got && !(what == "namespace" && got.is_empty()) {
            return Err(Status::permission_denied(format!(
                "{what} mismatch: expected {expected}, got {got}"
            )));
        }
    }
    Ok(())
}

fn in_namespace(mut object: Object, key: &ResourceKey) -> Object {
    if !key.namespace.is_empty() {
        object.metadata_mut().insert("namespace".to_owned(), json!(key.namespace));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_of_the_object_that_is_named() {
        let object = |kind: &str, namespace: &str, name: &str| {
            json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}})
                .to_string()
        };
        let named =
            |live: String| json!({"kind": "ConfigMap", "namespace": "n", "name": "a", "liveState": live});
        let (own, null) = (object("ConfigMap", "n", "a"), "null".to_owned());
        for (row, live, target, error) in [
            ("both", own.clone(), own.clone(), None),
            ("only live", own.clone(), String::new(), None),
            ("only a target", null.clone(), own.clone(), None),
            ("without a namespace", null.clone(), object("ConfigMap", "", "a"), None),
            (
                "another name",
                object("ConfigMap", "n", "b"),
                own.clone(),
                Some("name mismatch: expected a, got b"),
            ),
            (
                "another target",
                own.clone(),
                object("ConfigMap", "n", "b"),
                Some("name mismatch: expected a, got b"),
            ),
            (
                "another namespace",
                null,
                object("ConfigMap", "m", "a"),
                Some("namespace mismatch: expected n, got m"),
            ),
            (
                "another kind",
                own,
                object("Secret", "n", "a"),
                Some("kind mismatch: expected ConfigMap, got Secret"),
            ),
        ] {
            let asked = question(Some(&named(live)), Some(&json!(target)));
            let found = asked.err().map(|status| (status.code(), status.message().to_owned()));
            let expected = error.map(|error| (tonic::Code::PermissionDenied, error.to_owned()));
            assert_eq!(found, expected, "{row}");
        }
        assert!(question(None, None).is_err());
    }
}
