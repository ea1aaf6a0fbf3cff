//! `repository.RepositoryService`: repositories and what is found in them. Credentials are taken and never answered.

mod details;
mod inside;
mod writing;

use std::sync::Arc;

use rbac::{Action, Decision, Object, Resource};
use serde_json::{Value, json};
use settings::{Repository, RepositoryType, Snapshot};
use tonic::Status;

use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply};
use crate::guard::{Guard, denied};
use crate::server::Backend;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("repository.RepositoryService/List", list)?;
    table.one("repository.RepositoryService/ListRepositories", list)?;
    table.one("repository.RepositoryService/Get", get)?;
    details::add(table)?;
    inside::add(table)?;
    writing::add(table)
}

/// What the policy calls a repository.
fn object(project: &str, url: &str) -> Object {
    Object::scoped(Some(project), url)
}

fn decide(guard: &Guard, action: Action, project: &str, url: &str) -> Result<Decision, Status> {
    guard.decide(Resource::Repositories, action, object(project, url))
}

/// The repositories that may be seen, by project and URL.
fn seen<'a>(guard: &Guard, snapshot: &'a Snapshot) -> Vec<&'a Repository> {
    let mut all: Vec<&Repository> = snapshot
        .repositories
        .repositories()
        .filter(|one| {
            let object = object(&one.project, &one.url);
            guard.may(Resource::Repositories, Action::Get, object).is_some()
        })
        .collect();
    all.sort_by_key(|one| format!("{}/{}", one.project, one.url));
    all
}

/// The one that a request means: the only one of its URL where no project is said, else that of the project.
///
/// **Source**: `getRepository` of the server.
fn find<'a>(guard: &Guard, snapshot: &'a Snapshot, request: &Value) -> Result<&'a Repository, Status> {
    let (url, project) = (text(request, "repo"), text(request, "appProject"));
    let mut found = seen(guard, snapshot);
    found.retain(|one| ::api::same_repository(&one.url, url));
    match found.as_slice() {
        [] => Err(denied()),
        [one] if project.is_empty() => Ok(one),
        several => several.iter().find(|one| one.project == project).copied().ok_or_else(|| {
            Status::not_found(format!(
                "repository not found for url \"{}\" and project \"{project}\"",
                ::api::redact_url(url)
            ))
        }),
    }
}

fn kind(kind: RepositoryType) -> &'static str {
    match kind {
        RepositoryType::Git => "git",
        RepositoryType::Helm => "helm",
        RepositoryType::Oci => "oci",
    }
}

/// A repository as it is shown. **Source**: `Repository.Sanitized`; we leave out what is secret in URLs of proxies, too.
fn shown(snapshot: &Snapshot, one: &Repository, connection: &Value) -> Value {
    let own = &one.credentials;
    let app = own.github_app.as_ref();
    let inherited =
        !own.are_there() && snapshot.repositories.lookup(&one.url, &one.project).credentials.are_there();
    json!({
        "repo": ::api::redact_url(&one.url),
        "type": kind(one.repository_type),
        "name": one.name,
        "project": one.project,
        "insecure": one.insecure || one.insecure_ignore_host_key || one.insecure_oci_force_http,
        "enableLfs": one.enable_lfs,
        "enableOCI": one.enable_oci,
        "proxy": one.proxy.as_ref().map(|proxy| ::api::redact_url(proxy.expose())).unwrap_or_default(),
        "noProxy": one.no_proxy,
        "forceHttpBasicAuth": one.force_http_basic_auth,
        "inheritedCreds": inherited,
        "githubAppID": app.map(|app| app.id).unwrap_or_default(),
        "githubAppInstallationID": app.map(|app| app.installation_id).unwrap_or_default(),
        "githubAppEnterpriseBaseUrl": app.map(|app| app.enterprise_base_url.as_str()).unwrap_or_default(),
        "useAzureWorkloadIdentity": own.use_azure_workload_identity,
        "connectionState": connection,
    })
}

async fn with_state(backend: &Backend, snapshot: &Snapshot, some: &[&Repository], fresh: bool) -> Vec<Value> {
    let places = some.iter().map(|one| (one.url.clone(), one.project.clone())).collect();
    let states = backend.connections.of(&backend.controller, snapshot, places, fresh, || backend.now()).await;
    some.iter().zip(&states).map(|(one, state)| shown(snapshot, one, state)).collect()
}

fn is_fresh(ask: &Asked) -> bool {
    ask.request.get("forceRefresh").and_then(Value::as_bool).unwrap_or_default()
}

async fn list(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let snapshot = backend.settings.current();
    let all = seen(&ask.caller.guard, &snapshot);
    let items = with_state(&backend, &snapshot, &all, is_fresh(&ask)).await;
    Ok(json!({"metadata": {}, "items": items}).into())
}

async fn get(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let snapshot = backend.settings.current();
    let one = find(&ask.caller.guard, &snapshot, &ask.request)?;
    let mut shown = with_state(&backend, &snapshot, &[one], is_fresh(&ask)).await;
    shown.pop().map(Reply::from).ok_or_else(denied)
}
