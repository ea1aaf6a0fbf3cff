//! What git wants and what the cluster has, for those who look: by the controller's own functions.

use std::sync::Arc;
use std::time::Duration;

use ::api::{Application, SyncStatusCode};
use applications::{Evaluation, What};
use rbac::Action;
use resource::Object;
use serde_json::{Value, json};
use tonic::Status;

use super::application::live;
use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;

/// How long rendering and comparing may take.
const EVALUATING: Duration = Duration::from_secs(90);

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/GetManifests", manifests)?;
    table.one("application.ApplicationService/ManagedResources", managed)
}

async fn evaluate(
    backend: &Backend,
    ask: &Asked,
    name: &str,
    what: &What,
) -> Result<(Application, Evaluation), Status> {
    let place = (text(&ask.request, "appNamespace"), name);
    let (value, _) = live(backend, ask, &Action::Get, place).await?;
    evaluate_value(backend, value, what).await
}

/// The same of an Application as the API server has it.
pub(super) async fn evaluate_value(
    backend: &Backend,
    value: Value,
    what: &What,
) -> Result<(Application, Evaluation), Status> {
    let app =
        Application::from_value(value).map_err(|error| Status::failed_precondition(error.to_string()))?;
    let name = &app.metadata.name;
    let evaluation = Box::pin(backend.controller.evaluate(&app, what));
    let evaluation = tokio::time::timeout(EVALUATING, evaluation)
        .await
        .map_err(|_| Status::deadline_exceeded(format!("application {name} is not rendered in time")))?;
    let evaluation = evaluation.map_err(|unrendered| Status::failed_precondition(unrendered.to_string()))?;
    Ok((app, evaluation))
}

/// **Source**: `Server.GetManifests`; values of Secrets are masked.
async fn manifests(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let revision = Some(text(&ask.request, "revision").to_owned()).filter(|revision| !revision.is_empty());
    let what = What { revision, desired_only: true, ..What::default() };
    let (app, evaluation) = evaluate(&backend, &ask, text(&ask.request, "name"), &what).await?;
    Ok(answer(&app, &evaluation))
}

/// A `ManifestResponse`.
pub(super) fn answer(app: &Application, evaluation: &Evaluation) -> Reply {
    let shown = evaluation.desired.iter().map(|(object, _)| json!(masked(Some(object), None, evaluation).0));
    json!({
        "manifests": shown.collect::<Vec<_>>(),
        "namespace": app.spec.destination.namespace,
        "server": app.spec.destination.server,
        "revision": evaluation.revisions.first().cloned().unwrap_or_default(),
    })
    .into()
}

/// Both sides of an object as JSON texts, with placeholders for the values of Secrets; `null` where there is none, as the peer has it.
fn masked(desired: Option<&Object>, live: Option<&Object>, evaluation: &Evaluation) -> (String, String) {
    let (desired_masked, live_masked) = compare::mask(desired, live, &evaluation.rules);
    let text = |masked: Option<Object>, object: Option<&Object>| {
        masked.as_ref().or(object).map_or_else(|| "null".to_owned(), |object| object.to_value().to_string())
    };
    (text(desired_masked, desired), text(live_masked, live))
}

/// **Source**: `Server.ManagedResources`. What is predicted of an object is what a dry run of the API server makes of it where both exist and
/// differ, or what git wants of it where the server refuses that; the peer reckons it by itself. The fields that are ignored are left out on
/// both sides.
async fn managed(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (app, evaluation) = evaluate(
        &backend,
        &ask,
        text(&ask.request, "applicationName"),
        &What { predicted: true, ..What::default() },
    )
    .await?;
    let takes = |field: &str, is: &str| {
        let wanted = text(&ask.request, field);
        wanted.is_empty() || wanted == is
    };
    let mut items = Vec::new();
    for state in evaluation.comparison.iter().flat_map(|comparison| &comparison.resources) {
        let key = &state.key;
        if !(takes("namespace", &key.namespace)
            && takes("name", &key.name)
            && takes("group", &key.group)
            && takes("kind", &key.kind)
            && takes("version", &state.version))
        {
            continue;
        }
        let desired = evaluation.desired.iter().map(|(object, _)| object).find(|object| {
            let own = object.key();
            (&own.group, &own.kind, &own.name) == (&key.group, &key.kind, &key.name)
                && (own.namespace == key.namespace
                    || own.namespace.is_empty() && key.namespace == app.spec.destination.namespace)
        });
        let live = evaluation.live.get(key);
        let (target, live_text) = masked(desired, live, &evaluation);
        let (predicted, normalized) = match (desired, live) {
            (Some(desired), Some(live)) if state.sync == SyncStatusCode::Synced => {
                let (_, normalized) = compare::normalized(desired, live, &evaluation.rules);
                (normalized.to_string(), normalized.to_string())
            }
            (Some(desired), Some(live)) => {
                let predicted = evaluation.predicted.get(key).unwrap_or(desired);
                let (predicted, live) = compare::normalized(predicted, live, &evaluation.rules);
                (predicted.to_string(), live.to_string())
            }
            _ => (target.clone(), live_text.clone()),
        };
        items.push(json!({
            "group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name,
            "targetState": target, "liveState": live_text,
            "normalizedLiveState": normalized, "predictedLiveState": predicted,
            "resourceVersion": live.map(Object::resource_version).unwrap_or_default(),
            "modified": state.sync == SyncStatusCode::OutOfSync,
        }));
    }
    Ok(json!({ "items": Value::Array(items) }).into())
}
