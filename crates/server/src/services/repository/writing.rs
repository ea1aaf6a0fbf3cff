//! Repositories that are added, changed and removed, and whether credentials are good.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::api::names::secret_type;
use rbac::{Action, Decision};
use serde_json::{Value, json};
use settings::{Repository, Snapshot};
use tonic::Status;

use super::{decide, find};
use crate::audit;
use crate::call::{NoSuchMethod, Reply};
use crate::connections::test;
use crate::secrets::{self, Field, Form, LOGIN, Said};
use crate::server::Backend;
use crate::services::{Asked, Table, different, text};

/// What is written of a repository, in the peer's layout, beside how to log in. **Source**: `repositoryToSecret`.
const FIELDS: [Field; 7] = [
    ("name", "name", Form::Text),
    ("project", "project", Form::Text),
    ("repo", "url", Form::Text),
    ("insecureIgnoreHostKey", "insecureIgnoreHostKey", Form::Truth),
    ("insecure", "insecure", Form::Truth),
    ("enableLfs", "enableLfs", Form::Truth),
    ("depth", "depth", Form::Number),
];

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    for name in ["Create", "CreateRepository"] {
        table.one(&format!("repository.RepositoryService/{name}"), create)?;
    }
    for name in ["Update", "UpdateRepository"] {
        table.one(&format!("repository.RepositoryService/{name}"), update)?;
    }
    for name in ["Delete", "DeleteRepository"] {
        table.one(&format!("repository.RepositoryService/{name}"), delete)?;
    }
    table.one("repository.RepositoryService/ValidateAccess", validate)
}

/// A repository as a request has it.
struct Wanted {
    said: Said,
    repository: Repository,
    data: BTreeMap<String, Vec<u8>>,
}

impl Wanted {
    fn new(request: &Value) -> Result<Self, Status> {
        let mut said = secrets::said(&[&FIELDS, &LOGIN], request);
        let kind = said.entry("type").or_default();
        if kind.is_empty() {
            "git".clone_into(kind);
        }
        let data = secrets::changed(BTreeMap::new(), &said);
        let repository = Repository::parse(&name_of(&said), &data)
            .map_err(|error| Status::invalid_argument(format!("repository: {error}")))?;
        Ok(Self { said, repository, data })
    }

    /// **Errors**: it does not let us in.
    async fn test(&self, backend: &Backend) -> Result<(), Status> {
        let mut snapshot = Snapshot::clone(&backend.settings.current());
        snapshot.repositories = snapshot.repositories.with(self.repository.clone());
        let place = (self.repository.url.as_str(), self.repository.project.as_str());
        test(&backend.controller, &snapshot, place).await.map_err(|error| {
            Status::failed_precondition(format!("error testing repository connectivity: {error}"))
        })
    }

    fn answer(&self) -> Reply {
        let Repository { url, name, .. } = &self.repository;
        json!({"repo": ::api::redact_url(url), "type": self.said.get("type"), "name": name}).into()
    }

    /// The Secret that has it already.
    fn there(&self, snapshot: &Snapshot) -> Option<String> {
        let Repository { url, project, .. } = &self.repository;
        let mut all = snapshot.repositories.repositories();
        let there = all.find(|one| one.project == *project && ::api::same_repository(&one.url, url));
        there.map(|one| one.secret_name.clone())
    }
}

/// **Source**: `RepoURLToSecretName`.
fn name_of(said: &Said) -> String {
    let part = |key| said.get(key).map(String::as_str).unwrap_or_default();
    format!("repo-{}", secrets::fnv(&[part("url"), part("project")]))
}

fn payload(ask: &Asked) -> Result<&Value, Status> {
    let payload = ask.request.get("repo").filter(|repo| repo.is_object());
    payload.ok_or_else(|| Status::invalid_argument("missing payload in request"))
}

fn log(ask: &Asked, repository: &Repository, decision: &Decision, what: &'static str) {
    let url = ::api::redact_url(&repository.url);
    let name = match repository.project.as_str() {
        "" => url,
        project => format!("{project}/{url}"),
    };
    audit::done(&ask.caller, what, ("repository", &name), decision);
}

/// Waits until a repository is known as it was written.
async fn told(backend: &Backend, name: &str, data: &BTreeMap<String, Vec<u8>>) {
    let Ok(written) = Repository::parse(name, data) else { return };
    secrets::told(&backend.settings, |snapshot| {
        snapshot.repositories.repositories().any(|one| *one == written)
    })
    .await;
}

/// **Source**: `Server.CreateRepository`: one that is of no project is asked first; one that is there already and equal is the answer, and
/// a different one is changed with `upsert` only.
async fn create(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let payload = payload(&ask)?;
    let wanted_url = (text(payload, "project"), text(payload, "repo"));
    let decision = decide(&ask.caller.guard, Action::Create, wanted_url.0, wanted_url.1)?;
    let wanted = Wanted::new(payload)?;
    if wanted.repository.project.is_empty() {
        wanted.test(&backend).await?;
    }
    let name = match wanted.there(&backend.settings.current()) {
        Some(name) => name,
        None => {
            let name = wanted.repository.secret_name.clone();
            if secrets::create(&backend.store, secret_type::REPOSITORY, &name, &wanted.data).await? {
                log(&ask, &wanted.repository, &decision, "added a repository");
                told(&backend, &name, &wanted.data).await;
                return Ok(wanted.answer());
            }
            name
        }
    };
    let upsert = ask.request.get("upsert").and_then(Value::as_bool).unwrap_or_default();
    if !upsert {
        let secret = backend.store.own(crate::store::Kind::Secret, &name).await;
        let secret = secret.map_err(|error| crate::store::status("reading the Secret", &error))?;
        let data = secret.as_ref().map(crate::store::decoded).unwrap_or_default();
        let mut there = secrets::held(&[&FIELDS, &LOGIN], &data);
        if there.get("type").is_none_or(String::is_empty) {
            there.insert("type", "git".to_owned());
        }
        let (old, new) = (secrets::meaning(&there), secrets::meaning(&wanted.said));
        return if old == new { Ok(wanted.answer()) } else { Err(different("repository", &old, &new)) };
    }
    write(&backend, &ask, &name, &wanted, &decision).await
}

async fn write(
    backend: &Backend,
    ask: &Asked,
    name: &str,
    wanted: &Wanted,
    decision: &Decision,
) -> Result<Reply, Status> {
    let change = |data, _: &mut Value| Ok(secrets::changed(data, &wanted.said));
    let data = secrets::update(&backend.store, secret_type::REPOSITORY, name, change).await?;
    log(ask, &wanted.repository, decision, "changed a repository");
    told(backend, name, &data).await;
    Ok(wanted.answer())
}

async fn update(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let payload = payload(&ask)?;
    let (project, url) = (text(payload, "project"), text(payload, "repo"));
    let decision = decide(&ask.caller.guard, Action::Update, project, url)?;
    let wanted = Wanted::new(payload)?;
    let name = wanted.there(&backend.settings.current());
    let unknown = || Status::not_found(format!("repo '{}' not found", ::api::redact_url(url)));
    write(&backend, &ask, &name.ok_or_else(unknown)?, &wanted, &decision).await
}

async fn delete(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let snapshot = backend.settings.current();
    let one = find(&ask.caller.guard, &snapshot, &ask.request)?;
    let decision = decide(&ask.caller.guard, Action::Delete, &one.project, &one.url)?;
    secrets::remove(&backend.store, &one.secret_name).await?;
    log(&ask, one, &decision, "removed a repository");
    secrets::told(&backend.settings, |snapshot| {
        !snapshot.repositories.repositories().any(|other| other.secret_name == one.secret_name)
    })
    .await;
    Ok(json!({}).into())
}

/// **Source**: `Server.ValidateAccess`. What is said without credentials has those of a prefix, as it will have.
async fn validate(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (project, url) = (text(&ask.request, "project"), text(&ask.request, "repo"));
    decide(&ask.caller.guard, Action::Create, project, url)?;
    Wanted::new(&ask.request)?.test(&backend).await?;
    Ok(json!({}).into())
}
