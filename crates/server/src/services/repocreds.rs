//! `repocreds.RepoCredsService`: credentials of all repositories below a URL.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::api::names::secret_type;
use rbac::{Action, Decision, Object, Resource};
use serde_json::{Value, json};
use settings::{Repository, Snapshot};
use tonic::Status;

use super::{Asked, Table, different, text};
use crate::audit;
use crate::call::{NoSuchMethod, Reply};
use crate::secrets::{self, Field, Form, LOGIN, Said};
use crate::server::Backend;
use crate::store::{self, Kind, decoded};

/// What is written of credentials, in the peer's layout, beside how to log in. **Source**: `repoCredsToSecret`.
const FIELDS: [Field; 1] = [("url", "url", Form::Text)];

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.plain("repocreds.RepoCredsService/ListRepositoryCredentials", |backend, ask| {
        let snapshot = backend.settings.current();
        let may = |one: &&Repository| decide(ask, Action::Get, &one.url).is_ok();
        let shown = |one: &Repository| {
            let user = one.credentials.username.as_ref().map(|user| user.expose().as_str());
            json!({"url": ::api::redact_url(&one.url), "username": user.unwrap_or_default()})
        };
        let items: Vec<Value> = snapshot.repositories.prefixes().filter(may).map(shown).collect();
        Ok(json!({"metadata": {}, "items": items}))
    })?;
    table.one("repocreds.RepoCredsService/CreateRepositoryCredentials", create)?;
    table.one("repocreds.RepoCredsService/UpdateRepositoryCredentials", update)?;
    table.one("repocreds.RepoCredsService/DeleteRepositoryCredentials", delete)
}

fn decide(ask: &Asked, action: Action, url: &str) -> Result<Decision, Status> {
    ask.caller.guard.decide(Resource::Repositories, action, Object::scoped(None, url))
}

/// Credentials as a request has them, and whether they may be written.
fn wanted(ask: &Asked, action: Action) -> Result<(Said, Repository, Decision), Status> {
    let payload = ask.request.get("creds").filter(|creds| creds.is_object());
    let payload = payload.ok_or_else(|| Status::invalid_argument("missing payload in request"))?;
    let url = text(payload, "url");
    let decision = decide(ask, action, url)?;
    if url.is_empty() {
        return Err(Status::invalid_argument("must specify URL"));
    }
    let said = secrets::said(&[&FIELDS, &LOGIN], payload);
    let name = format!("creds-{}", secrets::fnv(&[url]));
    let read = Repository::parse(&name, &secrets::changed(BTreeMap::new(), &said));
    let read = read.map_err(|error| Status::invalid_argument(format!("repository credentials: {error}")))?;
    Ok((said, read, decision))
}

/// The Secret of these credentials, by their very URL. In the peer those of a shorter one are taken for them.
fn there<'a>(snapshot: &'a Snapshot, url: &str) -> Option<&'a Repository> {
    let plain = |url: &str| ::api::normal_form(url);
    snapshot.repositories.prefixes().find(|one| plain(&one.url) == plain(url))
}

fn log(ask: &Asked, url: &str, decision: &Decision, what: &'static str) {
    audit::done(&ask.caller, what, ("repository credentials", &::api::redact_url(url)), decision);
}

async fn told(backend: &Backend, name: &str, data: &BTreeMap<String, Vec<u8>>) {
    let Ok(written) = Repository::parse(name, data) else { return };
    secrets::told(&backend.settings, |snapshot| snapshot.repositories.prefixes().any(|one| *one == written))
        .await;
}

/// **Source**: `Server.CreateRepositoryCredentials`.
async fn create(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (said, read, decision) = wanted(&ask, Action::Create)?;
    let answer = json!({"url": ::api::redact_url(&read.url)});
    let known = there(&backend.settings.current(), &read.url).map(|one| one.secret_name.clone());
    let name = known.clone().unwrap_or_else(|| read.secret_name.clone());
    let data = secrets::changed(BTreeMap::new(), &said);
    if known.is_none() && secrets::create(&backend.store, secret_type::REPO_CREDS, &name, &data).await? {
        log(&ask, &read.url, &decision, "added credentials of repositories");
        told(&backend, &name, &data).await;
        return Ok(answer.into());
    }
    if ask.request.get("upsert").and_then(Value::as_bool).unwrap_or_default() {
        return write(&backend, &ask, &name, &said).await;
    }
    let secret = backend.store.own(Kind::Secret, &name).await;
    let secret = secret.map_err(|error| store::status("reading the Secret", &error))?;
    let held = secrets::held(&[&FIELDS, &LOGIN], &secret.as_ref().map(decoded).unwrap_or_default());
    let (old, new) = (secrets::meaning(&held), secrets::meaning(&said));
    if old == new { Ok(answer.into()) } else { Err(different("repository credentials", &old, &new)) }
}

async fn update(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (said, read, _) = wanted(&ask, Action::Update)?;
    let name = there(&backend.settings.current(), &read.url).map(|one| one.secret_name.clone());
    let unknown =
        || Status::not_found(format!("repository credentials '{}' not found", ::api::redact_url(&read.url)));
    write(&backend, &ask, &name.ok_or_else(unknown)?, &said).await
}

async fn write(backend: &Backend, ask: &Asked, name: &str, said: &Said) -> Result<Reply, Status> {
    let url = said.get("url").map(String::as_str).unwrap_or_default();
    let decision = decide(ask, Action::Update, url)?;
    let change = |data, _: &mut Value| Ok(secrets::changed(data, said));
    let data = secrets::update(&backend.store, secret_type::REPO_CREDS, name, change).await?;
    log(ask, url, &decision, "changed credentials of repositories");
    told(backend, name, &data).await;
    Ok(json!({"url": ::api::redact_url(url)}).into())
}

async fn delete(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let url = text(&ask.request, "url");
    let decision = decide(&ask, Action::Delete, url)?;
    let name = there(&backend.settings.current(), url).map(|one| one.secret_name.clone());
    let name = name.ok_or_else(|| {
        Status::not_found(format!("repository credentials '{}' not found", ::api::redact_url(url)))
    })?;
    secrets::remove(&backend.store, &name).await?;
    log(&ask, url, &decision, "removed credentials of repositories");
    secrets::told(&backend.settings, |snapshot| {
        !snapshot.repositories.prefixes().any(|one| one.secret_name == name)
    })
    .await;
    Ok(json!({}).into())
}
