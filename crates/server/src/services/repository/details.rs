//! What of a source can be set, for who sets up an application.

use std::sync::Arc;

use ::api::{Application, ApplicationSource};
use applications::{Announcement, ChartValues, SourceDetails};
use rbac::{Action, Object, Resource};
use serde_json::{Map, Value, json};
use tonic::Status;

use super::inside::{permits_source, seen_at, within};
use crate::call::{NoSuchMethod, Reply};
use crate::guard::denied;
use crate::server::Backend;
use crate::services::{Asked, Table, text};

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("repository.RepositoryService/GetAppDetails", details)
}

/// **Shape**: of an application that is there only sources that it has or had; of another one any that its project permits.
/// **Source**: `Server.GetAppDetails`, which asks for the same rights in the same order.
async fn details(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let missing = || Status::invalid_argument("missing payload in request");
    let source = ask.request.get("source").filter(|source| source.is_object()).ok_or_else(missing)?;
    let source: ApplicationSource = serde_json::from_value(source.clone())
        .map_err(|error| Status::invalid_argument(format!("source: {error}")))?;
    let (project, name) = (text(&ask.request, "appProject"), text(&ask.request, "appName"));
    let guard = &ask.caller.guard;
    seen_at(&backend, guard, (&source.repo_url, project))?;
    let decide = |action| {
        let object = Object::in_project(project, None, name);
        guard.decide(Resource::Applications, action, object).map(drop)
    };
    decide(Action::Get)?;
    let (namespace, own) = name.split_once('/').unwrap_or((&backend.namespace, name));
    let app = match backend.apps.index().get(&(namespace.to_owned(), own.to_owned())) {
        Some(known) => {
            let app =
                serde_json::from_slice(known.text()).ok().and_then(|app| Application::from_value(app).ok());
            let app = app.ok_or_else(denied)?;
            let number = |field| ask.request.get(field).and_then(Value::as_i64).unwrap_or_default();
            let place = usize::try_from(number("sourceIndex")).map_err(|_| denied())?;
            if app.spec.project_name() != project || !has_or_had(&app, &source, place, number("versionId")) {
                return Err(denied());
            }
            app
        }
        None => {
            decide(Action::Create)?;
            new(&backend, (namespace, own), project, &source)?
        }
    };
    permits_source(&backend, project, &source.repo_url)?;
    let found = within(&source.repo_url, backend.controller.source_details(&app, &source)).await?;
    Ok(shown(&found).into())
}

/// An application that is not there yet.
fn new(
    backend: &Backend,
    (namespace, name): (&str, &str),
    project: &str,
    source: &ApplicationSource,
) -> Result<Application, Status> {
    let name = if name.is_empty() { "new" } else { name };
    let namespace = if namespace.is_empty() { &backend.namespace } else { namespace };
    let app = json!({
        "apiVersion": ::api::names::API_VERSION, "kind": "Application",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"project": project, "destination": {}, "source": source},
    });
    Application::from_value(app).map_err(|error| Status::invalid_argument(error.to_string()))
}

/// Whether an application has a source at this place, or was synced from it: at the commit that it was synced to.
///
/// **Source**: `isSourceInHistory`.
fn has_or_had(app: &Application, source: &ApplicationSource, place: usize, version: i64) -> bool {
    if app.spec.sources().get(place) == Some(source) {
        return true;
    }
    let at = |one: &ApplicationSource, revision: &str| {
        *source == ApplicationSource { target_revision: revision.to_owned(), ..one.clone() }
    };
    app.status.history.iter().any(|entry| match &entry.source {
        Some(one) if entry.sources.is_empty() => at(one, &entry.revision),
        _ => {
            let synced = entry.sources.get(place).zip(entry.revisions.get(place));
            entry.id == version && synced.is_some_and(|(one, revision)| at(one, revision))
        }
    })
}

/// A `RepoAppDetailsResponse`.
fn shown(found: &SourceDetails) -> Value {
    match found {
        SourceDetails::Directory => json!({"type": "Directory"}),
        SourceDetails::Kustomize(images) => {
            json!({"type": "Kustomize", "kustomize": said([("images", json!(images))])})
        }
        SourceDetails::Helm(chart) => json!({"type": "Helm", "helm": of_chart(chart)}),
        SourceDetails::Plugin(parameters) => {
            let all: Vec<Value> = parameters.iter().map(announced).collect();
            json!({"type": "Plugin", "plugin": said([("parametersAnnouncement", json!(all))])})
        }
    }
}

fn of_chart(chart: &ChartValues) -> Value {
    let parameters = chart.parameters.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let files = chart.file_parameters.iter().map(|file| json!({"name": file.name, "path": file.path}));
    said([
        ("valueFiles", json!(chart.value_files)),
        ("values", json!(chart.values)),
        ("parameters", parameters.collect()),
        ("fileParameters", files.collect()),
    ])
}

fn announced(one: &Announcement) -> Value {
    said([
        ("name", json!(one.name)),
        ("title", json!(one.title)),
        ("tooltip", json!(one.tooltip)),
        ("required", json!(one.required)),
        ("itemType", json!(one.item_type)),
        ("collectionType", json!(one.collection_type)),
        ("string", json!(one.string)),
        ("array", json!(one.array)),
        ("map", json!(one.map)),
    ])
}

/// The fields that say something.
fn said<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let empty = [json!(""), json!(false), json!([]), json!({})];
    let fields = fields.into_iter().filter(|(_, value)| !empty.contains(value));
    Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_that_the_application_has_or_had() {
        let source = |path: &str, revision: &str| json!({"repoURL": "https://e.org/r", "path": path, "targetRevision": revision});
        let app = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a", "namespace": "argocd"},
            "spec": {"destination": {}, "sources": [source("a", "HEAD"), source("b", "HEAD")]},
            "status": {"history": [
                {"id": 1, "deployedAt": "2026-01-01T00:00:00Z", "revision": "c1", "source": source("old", "HEAD")},
                {"id": 2, "deployedAt": "2026-01-01T00:00:00Z", "revisions": ["c2", "c3"], "sources": [source("x", "HEAD"), source("y", "HEAD")]},
            ]},
        });
        let app = Application::from_value(app).unwrap();
        for (path, revision, place, version, expected) in [
            ("a", "HEAD", 0, 0, true),
            ("a", "HEAD", 1, 0, false),
            ("b", "HEAD", 1, 0, true),
            ("b", "main", 1, 0, false),
            ("old", "c1", 0, 0, true),
            ("old", "HEAD", 0, 0, false),
            ("y", "c3", 1, 2, true),
            ("y", "c3", 1, 1, false),
            ("y", "c3", 7, 2, false),
        ] {
            let source = serde_json::from_value(source(path, revision)).unwrap();
            assert_eq!(
                has_or_had(&app, &source, place, version),
                expected,
                "{path} {revision} {place} {version}"
            );
        }
    }
}
