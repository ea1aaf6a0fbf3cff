//! What is found in repositories: branches, tags, charts, and directories that applications may be of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::api::Project;
use filetree::{Kind, Store, TreePath};
use rbac::{Action, Object, Resource};
use serde_json::{Value, json};
use tonic::Status;

use super::decide;
use crate::call::{NoSuchMethod, Reply};
use crate::guard::{Guard, denied};
use crate::server::Backend;
use crate::services::{Asked, Table, text};

/// How long a repository is waited for.
const ASKING: Duration = Duration::from_secs(60);
/// Directories that are looked into.
const DIRECTORIES: usize = 20_000;
/// Levels of directories that are looked into.
const LEVELS: usize = 64;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("repository.RepositoryService/ListRefs", |backend, ask| async move {
        let (url, project) = place(&backend, &ask)?;
        let refs = within(&url, backend.controller.repository_refs(&url, &project)).await?;
        Ok(json!({"branches": refs.branches, "tags": refs.tags}).into())
    })?;
    table.one("repository.RepositoryService/ListOCITags", |backend, ask| async move {
        let (url, project) = place(&backend, &ask)?;
        let tags = within(&url, backend.controller.artifact_tags(&url, &project)).await?;
        Ok(json!({ "tags": tags }).into())
    })?;
    table.one("repository.RepositoryService/GetHelmCharts", |backend, ask| async move {
        let (url, project) = place(&backend, &ask)?;
        let charts = within(&url, backend.controller.repository_charts(&url, &project)).await?;
        let items = charts.into_iter().map(|(name, versions)| json!({"name": name, "versions": versions}));
        Ok(json!({"items": items.collect::<Vec<_>>()}).into())
    })?;
    table.one("repository.RepositoryService/ListApps", apps)
}

/// Where a request looks, if the caller may get the repository: by the project's own credentials, or by those of all.
fn place(backend: &Backend, ask: &Asked) -> Result<(String, String), Status> {
    let (url, project) = (text(&ask.request, "repo"), text(&ask.request, "appProject"));
    seen_at(backend, &ask.caller.guard, (url, project))
}

pub(super) fn seen_at(
    backend: &Backend,
    guard: &Guard,
    (url, project): (&str, &str),
) -> Result<(String, String), Status> {
    let snapshot = backend.settings.current();
    let mut all = snapshot.repositories.repositories();
    let own = all.any(|one| one.project == project && ::api::same_repository(&one.url, url));
    let scope = if own { project } else { "" };
    decide(guard, Action::Get, scope, url)?;
    Ok((url.to_owned(), scope.to_owned()))
}

/// Whether a project permits a repository; one that is not there is told like one that may not be seen.
///
/// **Source**: `Server.isRepoPermittedInProject`.
pub(super) fn permits_source(backend: &Backend, project: &str, url: &str) -> Result<(), Status> {
    let known = backend.projects.index().get(&(backend.namespace.clone(), project.to_owned()));
    let known = known.ok_or_else(denied)?;
    let (all, snapshot) = (backend.projects.index().all(), backend.settings.current());
    let of = |name: &str| all.iter().map(|one| &one.project).find(|one| one.metadata.name == name);
    let whole = ::api::project::completed(&known.project, &snapshot.settings, of);
    if Project::new(&whole).permits_source(url).is_err() {
        return Err(Status::permission_denied(format!(
            "repository '{}' not permitted in project '{project}'",
            ::api::redact_url(url)
        )));
    }
    Ok(())
}

pub(super) async fn within<T>(
    url: &str,
    asked: impl Future<Output = Result<T, String>>,
) -> Result<T, Status> {
    let name = || ::api::redact_url(url);
    match tokio::time::timeout(ASKING, Box::pin(asked)).await {
        Ok(outcome) => outcome.map_err(|error| Status::failed_precondition(format!("{}: {error}", name()))),
        Err(_) => Err(Status::deadline_exceeded(format!("{} does not answer in time", name()))),
    }
}

/// **Source**: `Server.ListApps`: it takes the right to make or change the application that it is looked up for.
async fn apps(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (url, scope) = place(&backend, &ask)?;
    let (project, name) = (text(&ask.request, "appProject"), text(&ask.request, "appName"));
    let may = |action| {
        let object = Object::in_project(project, None, name);
        ask.caller.guard.may(Resource::Applications, action, object).is_some()
    };
    if !may(Action::Create) && !may(Action::Update) {
        return Err(denied());
    }
    permits_source(&backend, project, &url)?;
    let revision = text(&ask.request, "revision");
    let files = within(&url, backend.controller.repository_files(&url, revision, &scope)).await?;
    let found = tokio::task::spawn_blocking(move || directories(&*files)).await;
    let found = found
        .map_err(|_| Status::internal("the repository could not be read"))?
        .map_err(|error| Status::failed_precondition(error.to_string()))?;
    let items = found.into_iter().map(|(path, kind)| json!({"path": path, "type": kind}));
    Ok(json!({"items": items.collect::<Vec<Value>>()}).into())
}

/// Directories that a tool knows by a file in them, each with the tool. **Source**: `discovery.Discover`.
fn directories(files: &dyn Store) -> Result<BTreeMap<String, &'static str>, filetree::FileError> {
    let mut found = BTreeMap::new();
    let (mut next, mut seen) = (vec![(TreePath::root(), 0)], 0);
    while let Some((path, level)) = next.pop() {
        seen += 1;
        if seen > DIRECTORIES {
            break;
        }
        for entry in files.list(&path)? {
            let tool = match entry.name.as_str() {
                "Chart.yaml" => Some("Helm"),
                "kustomization.yaml" | "kustomization.yml" | "Kustomization" => Some("Kustomize"),
                _ => None,
            };
            let below = path.join(&entry.name);
            match (entry.kind, tool) {
                (Kind::Directory, _) if level < LEVELS => next.extend(below.map(|below| (below, level + 1))),
                (Kind::File { .. }, Some(tool)) => {
                    let name = if path.is_root() { "." } else { path.as_str() };
                    found.insert(name.to_owned(), tool);
                }
                _ => {}
            }
        }
    }
    Ok(found)
}
