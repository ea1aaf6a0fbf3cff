//! What can be done to objects of applications beyond applying what git says.

use std::sync::Arc;

use ::api::names::{APPLICATION, GROUP};
use rbac::Action;
use resource::Object;
use serde_json::{Value, json};
use tonic::Status;

use super::site::{Visited, key, log, object, refused, visit};
use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;

/// Parameters of one action.
const PARAMETERS: usize = 100;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/ListResourceActions", list)?;
    table.one("application.ApplicationService/RunResourceAction", run)?;
    table.one("application.ApplicationService/RunResourceActionV2", run)
}

/// Whether the request is about the application itself, which is no object of its own.
fn is_itself(request: &Value) -> bool {
    let key = key(request);
    key.kind == APPLICATION && key.group == GROUP && key.name == text(request, "name")
}

fn itself(visited: &Visited) -> Result<Object, Status> {
    Object::from_value(visited.value.clone()).map_err(|error| Status::internal(error.to_string()))
}

/// **Source**: `Server.ListResourceActions`.
async fn list(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let visited = visit(&backend, &ask.caller.guard, &ask.request, &[Action::Get], "name").await?;
    let object = if is_itself(&ask.request) {
        itself(&visited)?
    } else {
        let live = object(&visited, &ask.request)?;
        let read = visited.site.read(&live, "").await;
        read.map_err(|error| refused("error getting resource", &error))?
    };
    let offered = visited.site.actions(&object).await;
    let offered = offered.map_err(|error| refused("error getting available actions", &error))?;
    let shown = offered.into_iter().map(|action| {
        let params = action.params.iter().map(|param| json!({"name": param.name}));
        json!({
            "name": action.name, "disabled": action.disabled, "iconClass": action.icon_class,
            "displayName": action.display_name, "params": params.collect::<Vec<_>>(),
        })
    });
    Ok(json!({"actions": shown.collect::<Vec<_>>()}).into())
}

/// **Source**: `Server.RunResourceActionV2`. The right is that to `action/<group>/<kind>/<action>`.
async fn run(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let request = &ask.request;
    let key = key(request);
    let name = text(request, "action");
    let action = Action::Run { group: key.group.clone(), kind: key.kind.clone(), name: name.to_owned() };
    let parameters = parameters(request)?;
    let visited = visit(&backend, &ask.caller.guard, request, &[action], "name").await?;
    let failed = |error| refused("error running the action", &error);
    if is_itself(request) {
        let run = visited.site.run_on_itself(&itself(&visited)?, name, &parameters).await;
        run.map_err(failed)?;
        log(&ask.caller, &visited, &key, "ran an action on an application");
        visited
            .site
            .tell_application("ResourceActionRan", format!("{} ran action {name}", ask.caller.shown()))
            .await;
        return Ok(json!({}).into());
    }
    let live = object(&visited, request)?;
    visited.site.run(&live, name, &parameters).await.map_err(failed)?;
    log(&ask.caller, &visited, &key, "ran an action on an object of an application");
    let user = ask.caller.shown();
    let told = format!("{user} ran action {name} on resource {}/{}/{}", key.group, key.kind, key.name);
    visited.site.tell_application("ResourceActionRan", told).await;
    visited.site.tell(&live, "ResourceActionRan", format!("{user} ran action {name}")).await;
    Ok(json!({}).into())
}

fn parameters(request: &Value) -> Result<Vec<(String, String)>, Status> {
    let said = request.get("resourceActionParameters").and_then(Value::as_array);
    let said = said.map(Vec::as_slice).unwrap_or_default();
    if said.len() > PARAMETERS {
        return Err(Status::invalid_argument(format!("an action has at most {PARAMETERS} parameters")));
    }
    Ok(said.iter().map(|one| (text(one, "name").to_owned(), text(one, "value").to_owned())).collect())
}
