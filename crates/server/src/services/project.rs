//! `project.ProjectService`.

use rbac::Action;
use serde_json::{Value, json};
use tonic::Status;

use super::{Asked, Table, text};
use crate::call::NoSuchMethod;
use crate::server::Backend;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.plain("project.ProjectService/List", |backend, ask| {
        let projects = backend.projects.list(&ask.caller.guard);
        let items: Vec<_> = projects.iter().map(|project| project.value().clone()).collect();
        Ok(json!({"metadata": {}, "items": items}))
    })?;
    table.plain("project.ProjectService/Get", |backend, ask| {
        let (project, _) =
            backend.projects.one(&ask.caller.guard, Action::Get, text(&ask.request, "name"))?;
        Ok(project.value().clone())
    })?;
    table.plain("project.ProjectService/GetDetailedProject", detailed)
}

/// A project with its global projects, and the repositories and clusters that belong to it: where they are, and nothing of how to log in.
fn detailed(backend: &Backend, ask: &Asked) -> Result<Value, Status> {
    let name = text(&ask.request, "name");
    let (project, _) = backend.projects.one(&ask.caller.guard, Action::Get, name)?;
    let snapshot = backend.settings.current();
    let globals = ::api::project::globals_of(&project.project, &snapshot.settings);
    let globals: Vec<Value> = globals
        .filter_map(|global| backend.projects.one(&ask.caller.guard, Action::Get, global).ok())
        .map(|(global, _)| global.value().clone())
        .collect();
    let repositories = snapshot.repositories.repositories().filter(|repository| repository.project == name);
    let repositories: Vec<Value> = repositories
        .map(|repository| json!({"repo": ::api::redact_url(&repository.url), "name": repository.name, "project": name}))
        .collect();
    let clusters = snapshot.clusters.iter().filter(|cluster| cluster.project == name);
    let clusters: Vec<Value> = clusters
        .map(|cluster| json!({"server": cluster.server, "name": cluster.name, "project": name}))
        .collect();
    Ok(json!({
        "project": project.value(), "globalProjects": globals, "repositories": repositories, "clusters": clusters,
    }))
}
