//! What happened to an application, what is said of its revisions, and when it may be synced.

use std::sync::Arc;
use std::time::Duration;

use ::api::{Application, ApplicationSource, SyncWindow};
use applications::Revision;
use jiff::Timestamp;
use rbac::Action;
use serde_json::{Value, json};
use tonic::Status;

use super::application::live;
use super::site::{refused, visit};
use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;

/// How long a git server or a chart's repository may take.
const FETCHING: Duration = Duration::from_secs(60);

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("application.ApplicationService/ListResourceEvents", events)?;
    table.one("application.ApplicationService/RevisionMetadata", revision)?;
    table.one("application.ApplicationService/RevisionChartDetails", chart)?;
    table.one("application.ApplicationService/GetOCIMetadata", artifact)?;
    table.one("application.ApplicationService/GetApplicationSyncWindows", windows)
}

/// **Source**: `Server.ListResourceEvents`: of the application itself where no object is named.
async fn events(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let request = &ask.request;
    let visited = visit(&backend, &ask.caller.guard, request, &[Action::Get], "name").await?;
    let (name, uid) = (text(request, "resourceName"), text(request, "resourceUID"));
    let listed = if name.is_empty() && uid.is_empty() {
        visited.site.events_of_itself().await
    } else {
        let live =
            visited.site.find_by_uid(uid, text(request, "resourceNamespace"), name).ok_or_else(|| {
                let app = &visited.app.metadata.name;
                Status::permission_denied(format!("{name} not found as part of application {app}"))
            })?;
        visited.site.events(&live).await
    };
    let mut listed = listed.map_err(|error| refused("error listing resource events", &error))?;
    let items = listed.get_mut("items").map(Value::take).unwrap_or_default();
    Ok(json!({"metadata": listed.get("metadata").cloned().unwrap_or_default(), "items": items}).into())
}

async fn app_and_source(backend: &Backend, ask: &Asked) -> Result<(Application, ApplicationSource), Status> {
    let place = (text(&ask.request, "appNamespace"), text(&ask.request, "name"));
    let (value, _) = live(backend, ask, &Action::Get, place).await?;
    let app =
        Application::from_value(value).map_err(|error| Status::failed_precondition(error.to_string()))?;
    let number = |field: &str| ask.request.get(field).and_then(Value::as_i64);
    let source =
        source(&app, number("versionId"), number("sourceIndex")).map_err(Status::invalid_argument)?;
    Ok((app, source))
}

/// The source of this place, as it is set or as it was in an entry of the history.
///
/// **Source**: `getAppSourceBySourceIndexAndVersionId`.
fn source(app: &Application, version: Option<i64>, index: Option<i64>) -> Result<ApplicationSource, String> {
    let sources = match version {
        None => app.spec.sources().to_vec(),
        Some(id) => {
            if app.status.history.is_empty() {
                return Err(format!("version ID {id} not found because the app has no history"));
            }
            let entry = app.status.history.iter().find(|entry| entry.id == id);
            let entry = entry.ok_or_else(|| format!("revision history not found for version ID {id}"))?;
            if entry.sources.is_empty() {
                entry.source.iter().cloned().collect()
            } else {
                entry.sources.clone()
            }
        }
    };
    let index = index.unwrap_or_default();
    let found = usize::try_from(index).ok().and_then(|index| sources.get(index).cloned());
    found.ok_or_else(|| match sources.len() {
        1 => format!("source index {index} not found because there is only 1 source"),
        count => format!("source index {index} not found because there are only {count} sources"),
    })
}

async fn in_time<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, Status> {
    let done = tokio::time::timeout(FETCHING, work).await;
    let done = done.map_err(|_| Status::deadline_exceeded("the repository does not answer in time"))?;
    done.map_err(Status::failed_precondition)
}

/// **Source**: `Server.RevisionMetadata`.
async fn revision(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (app, source) = app_and_source(&backend, &ask).await?;
    let revision = text(&ask.request, "revision");
    let Revision { note, tags } =
        Box::pin(in_time(backend.controller.revision(&app, &source, revision))).await?;
    let date = Timestamp::from_second(note.date).unwrap_or_default();
    let mut shown = json!({
        "author": note.author, "date": ::api::format_time(date), "message": note.message,
    });
    if !tags.is_empty() {
        shown["tags"] = json!(tags);
    }
    Ok(shown.into())
}

/// **Source**: `Server.GetOCIMetadata`.
async fn artifact(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (app, source) = app_and_source(&backend, &ask).await?;
    let notes = backend.controller.artifact_notes(&app, &source, text(&ask.request, "revision"));
    let notes = Box::pin(in_time(notes)).await?;
    let fields = [
        ("createdAt", "created"),
        ("authors", "authors"),
        ("imageUrl", "url"),
        ("docsUrl", "documentation"),
        ("sourceUrl", "source"),
        ("version", "version"),
        ("description", "description"),
    ];
    let said = fields
        .into_iter()
        .filter_map(|(field, note)| Some((field.to_owned(), notes.get(note)?.as_str().into())));
    Ok(Value::Object(said.collect()).into())
}

/// **Source**: `Server.RevisionChartDetails`.
async fn chart(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (app, source) = app_and_source(&backend, &ask).await?;
    let revision = text(&ask.request, "revision");
    let details = Box::pin(in_time(backend.controller.chart_details(&app, &source, revision))).await?;
    let mut shown = json!({"maintainers": details.maintainers});
    for (name, value) in [("description", details.description), ("home", details.home)] {
        if !value.is_empty() {
            shown[name] = json!(value);
        }
    }
    Ok(shown.into())
}

/// **Source**: `Server.GetApplicationSyncWindows`.
async fn windows(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let place = (text(&ask.request, "appNamespace"), text(&ask.request, "name"));
    let (value, _) = live(&backend, &ask, &Action::Get, place).await?;
    let app =
        Application::from_value(value).map_err(|error| Status::failed_precondition(error.to_string()))?;
    let windows = backend.controller.windows(&app).await;
    let windows = windows.map_err(|error| Status::failed_precondition(error.to_string()))?;
    let shown = |windows: &[SyncWindow]| {
        let one = |window: &SyncWindow| {
            json!({
                "kind": window.kind, "schedule": window.schedule, "duration": window.duration,
                "manualSync": window.manual_sync,
            })
        };
        windows.iter().map(one).collect::<Vec<_>>()
    };
    Ok(json!({
        "activeWindows": shown(&windows.active), "assignedWindows": shown(&windows.assigned), "canSync": windows.can_sync,
    })
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_that_of_its_place_and_entry() {
        let app = json!({
            "metadata": {"name": "a"},
            "spec": {"sources": [{"repoURL": "https://a"}, {"repoURL": "https://b"}]},
            "status": {"history": [{"id": 3, "revision": "x", "source": {"repoURL": "https://old"}}]},
        });
        let app = Application::from_value(app).unwrap();
        for (version, index, expected) in [
            (None, None, Ok("https://a")),
            (None, Some(1), Ok("https://b")),
            (None, Some(2), Err("source index 2 not found because there are only 2 sources")),
            (None, Some(-1), Err("source index -1 not found because there are only 2 sources")),
            (Some(3), None, Ok("https://old")),
            (Some(3), Some(1), Err("source index 1 not found because there is only 1 source")),
            (Some(4), None, Err("revision history not found for version ID 4")),
        ] {
            let found = source(&app, version, index);
            let found = found.as_ref().map(|source| source.repo_url.as_str()).map_err(String::as_str);
            assert_eq!(found, expected, "{version:?} {index:?}");
        }
    }
}
