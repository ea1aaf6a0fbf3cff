//! Links that operators want shown beside applications and their objects.

use std::sync::Arc;

use ::api::Application;
use ::links::{Shown, evaluate, parse};
use rbac::Action;
use serde_json::{Value, json};
use tonic::Status;

use super::application::live;
use super::site::{object, refused, visit};
use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/ListLinks", of_application)?;
    table.one("application.ApplicationService/ListResourceLinks", of_object)?;
    table.plain("project.ProjectService/ListLinks", of_project)
}

/// **Source**: `Server.ListLinks`.
async fn of_application(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let place = (text(&ask.request, "namespace"), text(&ask.request, "name"));
    let (value, _) = live(&backend, &ask, &Action::Get, place).await?;
    let app = Application::from_value(value.clone())
        .map_err(|error| Status::failed_precondition(error.to_string()))?;
    let data = json!({"application": value, "app": value, "cluster": cluster(&backend, &app)});
    shown(&backend, "application.links", data)
}

/// **Source**: `Server.ListResourceLinks`. Of a Secret the link is made of placeholders.
async fn of_object(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let visited = visit(&backend, &ask.caller.guard, &ask.request, &[Action::Get], "name").await?;
    let found = object(&visited, &ask.request)?;
    let read = visited.site.read(&found, text(&ask.request, "version")).await;
    let read = read.map_err(|error| refused("error getting resource", &error))?;
    let data = json!({
        "resource": visited.site.masked(&read).to_value(), "application": visited.value, "app": visited.value,
        "cluster": cluster(&backend, &visited.app), "project": project(&backend, &visited.app),
    });
    shown(&backend, "resource.links", data)
}

/// **Source**: `Server.ListLinks` of projects.
fn of_project(backend: &Backend, ask: &Asked) -> Result<Value, Status> {
    let (project, _) = backend.projects.one(&ask.caller.guard, Action::Get, text(&ask.request, "name"))?;
    let mut value = project.value().clone();
    if let Some(map) = value.as_object_mut() {
        map.remove("status");
    }
    links(backend, "project.links", json!({ "project": value }))
}

fn shown(backend: &Backend, setting: &str, data: Value) -> Result<Reply, Status> {
    links(backend, setting, data).map(Reply::from)
}

/// A `LinksResponse`.
fn links(backend: &Backend, setting: &str, mut data: Value) -> Result<Value, Status> {
    if let Some(map) = data.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    let settings = backend.settings.current();
    let links = parse(settings.config.get(setting).map_or("", String::as_str));
    let links = links.map_err(|error| Status::failed_precondition(format!("{setting}: {error}")))?;
    let (links, problems) = evaluate(&links, &data, backend.now().as_second());
    for problem in problems {
        tracing::warn!(setting, problem, "a link was left out");
    }
    let one = |link: &Shown| {
        let mut value = json!({"title": link.title, "url": link.url});
        for (name, said) in [("description", &link.description), ("iconClass", &link.icon_class)] {
            if let Some(said) = said {
                value[name] = json!(said);
            }
        }
        value
    };
    Ok(json!({"items": links.iter().map(one).collect::<Vec<_>>()}))
}

/// The cluster of an application, without how to log in there.
fn cluster(backend: &Backend, app: &Application) -> Value {
    let (settings, to) = (backend.settings.current(), &app.spec.destination);
    let found = settings.clusters.iter().find(|secret| {
        if to.server.is_empty() { secret.name == to.name } else { secret.server == to.server }
    });
    match found {
        Some(secret) => json!({
            "server": secret.server, "name": secret.name, "namespaces": secret.namespaces, "project": secret.project,
        }),
        None => json!({"server": to.server, "name": to.name}),
    }
}

/// The project without the tokens of its roles. No part of it is shown but what an operator's template puts into an address.
fn project(backend: &Backend, app: &Application) -> Value {
    let key = (backend.namespace.clone(), app.spec.project_name().to_owned());
    let project = backend.projects.index().get(&key);
    project.map_or(Value::Null, |project| {
        let mut value = project.value().clone();
        if let Some(map) = value.as_object_mut() {
            map.remove("status");
        }
        value
    })
}
