//! Single objects of applications: shown, patched, deleted.

use std::sync::Arc;

use applications::Deletion;
use cluster::PatchForm;
use rbac::Action;
use resource::Object;
use serde_json::{Value, json};
use tonic::Status;

use super::site::{Visited, fine, log, object, refused, visit};
use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/GetResource", get)?;
    table.one("application.ApplicationService/PatchResource", patch)?;
    table.one("application.ApplicationService/DeleteResource", delete)
}

/// The object as a text, with placeholders for what is secret.
fn manifest(visited: &Visited, object: &Object) -> Reply {
    json!({"manifest": visited.site.masked(object).to_value().to_string()}).into()
}

/// **Source**: `Server.GetResource`.
async fn get(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let visited = visit(&backend, &ask.caller.guard, &ask.request, &[Action::Get], "name").await?;
    let live = object(&visited, &ask.request)?;
    let read = visited.site.read(&live, text(&ask.request, "version")).await;
    let read = read.map_err(|error| refused("error getting resource", &error))?;
    Ok(manifest(&visited, &read))
}

/// **Source**: `Server.PatchResource`, which hands on whatever is said to be the type of the patch.
async fn patch(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let request = &ask.request;
    let actions = fine(&backend, &Action::Update, request);
    let visited = visit(&backend, &ask.caller.guard, request, &actions, "name").await?;
    let live = object(&visited, request)?;
    let form = PatchForm::parse(text(request, "patchType")).ok_or_else(|| {
        Status::invalid_argument(format!("patch type '{}' is not supported", text(request, "patchType")))
    })?;
    let patch: Value = serde_json::from_str(text(request, "patch"))
        .map_err(|error| Status::invalid_argument(format!("the patch is no JSON: {error}")))?;
    let patched = visited.site.patch(&live, text(request, "version"), (form, &patch)).await;
    let patched = patched.map_err(|error| refused("error patching resource", &error))?;
    let key = live.key();
    log(&ask.caller, &visited, &key, "patched an object of an application");
    let told = format!("{} patched resource {}/{} '{}'", ask.caller.shown(), key.group, key.kind, key.name);
    visited.site.tell_application("ResourceUpdated", told).await;
    Ok(manifest(&visited, &patched))
}

/// **Source**: `Server.DeleteResource`. We delete the object that was found, and none that came to its name meanwhile.
async fn delete(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let request = &ask.request;
    let actions = fine(&backend, &Action::Delete, request);
    let visited = visit(&backend, &ask.caller.guard, request, &actions, "name").await?;
    let live = object(&visited, request)?;
    let is = |field: &str| request.get(field).and_then(Value::as_bool).unwrap_or_default();
    let how = match (is("orphan"), is("force")) {
        (true, _) => Deletion::Orphan,
        (false, true) => Deletion::Force,
        (false, false) => Deletion::Foreground,
    };
    let deleted = visited.site.delete(&live, how).await;
    deleted.map_err(|error| refused("error deleting resource", &error))?;
    let key = live.key();
    log(&ask.caller, &visited, &key, "deleted an object of an application");
    let told = format!("{} deleted resource {}/{} '{}'", ask.caller.shown(), key.group, key.kind, key.name);
    visited.site.tell_application("ResourceDeleted", told).await;
    Ok(json!({}).into())
}
