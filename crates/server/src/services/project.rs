//! `project.ProjectService`.

mod admission;
mod tokens;
mod writing;

use std::sync::Arc;

use ::api::project::Windows;
use rbac::{Action, Object, Resource};
use serde_json::{Value, json};
use tonic::Status;

use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;
use crate::store::{self, Kind};

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.plain("project.ProjectService/List", |backend, ask| {
        let projects = backend.projects.list(&ask.caller.guard);
        let items: Vec<_> = projects.iter().map(|project| project.value().clone()).collect();
        let version = backend.projects.index().newest().to_string();
        Ok(json!({"metadata": {"resourceVersion": version}, "items": items}))
    })?;
    table.one("project.ProjectService/Get", get)?;
    table.plain("project.ProjectService/GetDetailedProject", detailed)?;
    table.plain("project.ProjectService/GetGlobalProjects", |backend, ask| {
        let (project, _) =
            backend.projects.one(&ask.caller.guard, Action::Get, text(&ask.request, "name"))?;
        Ok(json!({"items": globals(backend, ask, &project.project)}))
    })?;
    table.plain("project.ProjectService/GetSyncWindowsState", |backend, ask| {
        let (project, _) =
            backend.projects.one(&ask.caller.guard, Action::Get, text(&ask.request, "name"))?;
        let windows = &project.project.spec.sync_windows;
        let active = Windows::new(windows).active(backend.now());
        let active = active.map_err(|error| Status::failed_precondition(error.to_string()))?;
        let shown: Vec<_> = active.into_iter().filter_map(|place| windows.get(place)).collect();
        Ok(json!({ "windows": shown }))
    })?;
    table.one("project.ProjectService/ListEvents", events)?;
    table.one("project.ProjectService/Create", writing::create)?;
    table.one("project.ProjectService/Update", writing::update)?;
    table.one("project.ProjectService/Delete", writing::delete)?;
    table.one("project.ProjectService/CreateToken", tokens::create)?;
    table.one("project.ProjectService/DeleteToken", tokens::delete)
}

/// `Get`: one, as the API server has it now.
async fn get(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let name = text(&ask.request, "name");
    ask.caller.guard.decide(Resource::Projects, Action::Get, Object::project(name))?;
    let mut project = writing::live(&backend, &ask.caller.guard, Action::Get, name).await?;
    tokens::normalize(&mut project);
    Ok(project.to_value().into())
}

/// The global projects that are for a project and may be seen.
fn globals(backend: &Backend, ask: &Asked, project: &::api::AppProject) -> Vec<Value> {
    let snapshot = backend.settings.current();
    let globals = ::api::project::globals_of(project, &snapshot.settings);
    globals
        .filter_map(|global| backend.projects.one(&ask.caller.guard, Action::Get, global).ok())
        .map(|(global, _)| global.value().clone())
        .collect()
}

/// A project with its global projects, and the repositories and clusters that belong to it: where they are, and nothing of how to log in.
fn detailed(backend: &Backend, ask: &Asked) -> Result<Value, Status> {
    let name = text(&ask.request, "name");
    let (project, _) = backend.projects.one(&ask.caller.guard, Action::Get, name)?;
    let snapshot = backend.settings.current();
    let repositories = snapshot.repositories.repositories().filter(|repository| repository.project == name);
    let repositories: Vec<Value> = repositories
        .map(|repository| json!({"repo": ::api::redact_url(&repository.url), "name": repository.name, "project": name}))
        .collect();
    let clusters = snapshot.clusters.iter().filter(|cluster| cluster.project == name);
    let clusters: Vec<Value> = clusters
        .map(|cluster| json!({"server": cluster.server, "name": cluster.name, "project": name}))
        .collect();
    let mut shown = project.project.clone();
    tokens::normalize(&mut shown);
    Ok(json!({
        "project": shown.to_value(), "globalProjects": globals(backend, ask, &project.project),
        "repositories": repositories, "clusters": clusters,
    }))
}

/// `ListEvents`: what was told of a project in our own namespace.
async fn events(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (project, _) = backend.projects.one(&ask.caller.guard, Action::Get, text(&ask.request, "name"))?;
    let metadata = &project.project.metadata;
    let fields = format!(
        "involvedObject.name={},involvedObject.uid={},involvedObject.namespace={}",
        metadata.name, metadata.uid, metadata.namespace
    );
    let events = backend.store.list(Kind::Event, &backend.namespace, &fields).await;
    events.map(Reply::from).map_err(|error| store::status("listing the events", &error))
}
