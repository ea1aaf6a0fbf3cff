//! One application.

use query::Row;
use rbac::Action;
use serde_json::{Map, Value, json};

use super::Answer;
use super::refusal::Refusal;
use crate::apps::App;
use crate::guard::Guard;
use crate::server::Backend;
use crate::services;

/// One application, as far as it may be seen.
pub(super) fn application(backend: &Backend, guard: &Guard, place: (&str, &str)) -> Result<Answer, Refusal> {
    let position = backend.hub.position();
    let (app, _) = backend.apps.one(guard, &Action::Get, place, "")?;
    Ok(Answer { value: shown(&app), position })
}

/// The objects of an application with all that they made, as the peer's `ResourceTree` answers them.
pub(super) async fn tree(
    backend: &Backend,
    guard: &Guard,
    (namespace, name): (&str, &str),
) -> Result<Answer, Refusal> {
    let position = backend.hub.position();
    let request = json!({"applicationName": name, "appNamespace": namespace});
    let value = services::resource_tree(backend, guard, &request).await?;
    Ok(Answer { value, position })
}

/// The row of an application with `spec`, `conditions`, `operation` (what was asked for), `operationState`, `history`, `resources`, and `why`, the reasons
/// why it is not as git wants it. What it does not have is left out.
pub(super) fn shown(app: &App) -> Value {
    let object: Value = serde_json::from_slice(app.text()).unwrap_or_default();
    let row: &Row = app.row();
    let mut shown = Map::from_iter([("row".to_owned(), row.value())]);
    for (name, pointer) in [
        ("spec", "/spec"),
        ("conditions", "/status/conditions"),
        ("operation", "/operation"),
        ("operationState", "/status/operationState"),
        ("history", "/status/history"),
        ("resources", "/status/resources"),
        ("health", "/status/health"),
        ("reconciledAt", "/status/reconciledAt"),
        ("why", "/status/capstan/why"),
    ] {
        if let Some(value) = object.pointer(pointer) {
            shown.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(shown)
}
