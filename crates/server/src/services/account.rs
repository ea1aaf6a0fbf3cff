//! `account.AccountService`: accounts, their passwords and tokens.

use std::sync::Arc;

use accounts::{Account, Accounts, Change, Claims, IssuedToken, Who, token_id};
use api::names::config_map;
use rbac::{Action, Object, Resource};
use serde_json::{Value, json};
use tonic::Status;

use super::{Asked, Table, session, text};
use crate::access::SECRET;
use crate::audit;
use crate::call::{NoSuchMethod, Reply};
use crate::door::Caller;
use crate::secrets;
use crate::server::{Backend, random};
use crate::store::{self, Kind, decoded, version};

/// How often a change that met another one is made again.
const ATTEMPTS: usize = 5;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.plain("account.AccountService/CanI", can_i)?;
    table.plain("account.AccountService/ListAccounts", |backend, ask| {
        let access = backend.access();
        let seen =
            access.accounts.iter().filter(|account| may(&ask.caller, Action::Get, &account.name).is_ok());
        Ok(json!({"items": seen.map(shown).collect::<Vec<_>>()}))
    })?;
    table.plain("account.AccountService/GetAccount", |backend, ask| {
        let name = text(&ask.request, "name");
        may(&ask.caller, Action::Get, name)?;
        backend.access().accounts.get(name).map(shown).ok_or_else(|| unknown(name))
    })?;
    table.one("account.AccountService/UpdatePassword", update_password)?;
    table.one("account.AccountService/CreateToken", create_token)?;
    table.one("account.AccountService/DeleteToken", delete_token)
}

fn unknown(name: &str) -> Status {
    Status::not_found(format!("account '{name}' does not exist"))
}

/// An account as it is shown: nothing of its password.
fn shown(account: &Account) -> Value {
    let tokens: Vec<Value> = account
        .tokens
        .iter()
        .map(|token| json!({"id": token.id, "issuedAt": token.iat, "expiresAt": token.exp}))
        .collect();
    let capabilities: Vec<&str> = account.capabilities.iter().map(|capability| capability.as_str()).collect();
    json!({"name": account.name, "enabled": account.enabled, "capabilities": capabilities, "tokens": tokens})
}

/// Whether the caller may do this to an account, and by which rule. Everybody may do it to their own.
fn may(caller: &Caller, action: Action, name: &str) -> Result<String, Status> {
    let own = caller
        .session
        .as_ref()
        .is_some_and(|session| matches!(&session.who, Who::Account { name: own, .. } if own == name));
    if own {
        return Ok("own account".to_owned());
    }
    let decision = caller.guard.decide(Resource::Accounts, action, Object::named(name))?;
    Ok(decision.rule().text().to_owned())
}

fn can_i(_: &Backend, ask: &Asked) -> Result<Value, Status> {
    let (resource, action, object) =
        (text(&ask.request, "resource"), text(&ask.request, "action"), text(&ask.request, "subresource"));
    let known = Resource::parse(resource).ok_or_else(|| {
        let all: Vec<&str> = Resource::ALL.iter().map(|known| known.as_str()).collect();
        Status::invalid_argument(format!("[{}] does not contain {resource}", all.join(" ")))
    })?;
    let can = ask.caller.guard.may(known, Action::parse(action), Object::parse(known, object)).is_some();
    Ok(json!({"value": if can { "yes" } else { "no" }}))
}

/// Changes an account in `argocd-secret` and `argocd-cm`, as they are when it is written.
async fn change(
    backend: &Backend,
    name: &str,
    change: impl Fn(&Account) -> Result<Change, Status>,
) -> Result<(), Status> {
    let failed = |error: &kube::Error| store::status("changing the account", error);
    for _ in 0..ATTEMPTS {
        let secret = backend
            .store
            .own(Kind::Secret, SECRET)
            .await
            .map_err(|error| failed(&error))?
            .unwrap_or_default();
        let config = backend.store.settings().await.map_err(|error| failed(&error))?.unwrap_or_default();
        let data = config.get("data").and_then(Value::as_object).into_iter().flatten();
        let data = data.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        let (accounts, _) = Accounts::read(&data, &decoded(&secret));
        let account = accounts.get(name).ok_or_else(|| unknown(name))?;
        let patches = change(account)?.patches(version(&secret), version(&config));
        let mut lost = false;
        for (kind, object, patch) in [
            (Kind::Secret, SECRET, &patches.secret),
            (Kind::ConfigMap, config_map::ARGOCD_CM, &patches.config),
        ] {
            let Some(patch) = patch else { continue };
            match backend.store.patch_own(kind, object, patch).await {
                Ok(written) => told(backend, kind, &written).await,
                Err(kube::Error::Api(status)) if status.code == 409 => lost = true,
                Err(error) => return Err(failed(&error)),
            }
        }
        if !lost {
            return Ok(());
        }
    }
    Err(Status::aborted("the account changes all the time; try again"))
}

/// Waits until the settings have what was written, so that the next request finds it.
async fn told(backend: &Backend, kind: Kind, written: &Value) {
    let data = decoded(written);
    secrets::told(&backend.settings, |snapshot| match kind {
        Kind::Secret => snapshot.own_secrets.get(SECRET).is_some_and(|secret| *secret.expose() == data),
        _ => written.get("data").is_none_or(|data| *data == json!(snapshot.config)),
    })
    .await;
    backend.renew_access();
}

async fn update_password(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let request = &ask.request;
    let name =
        Some(text(request, "name")).filter(|name| !name.is_empty()).unwrap_or(ask.caller.name()).to_owned();
    let rule = may(&ask.caller, Action::Update, &name)?;
    let session = ask.caller.session.as_ref();
    let Some(Who::Account { name: own, .. }) = session.map(|session| &session.who) else {
        return Err(Status::invalid_argument(format!(
            "password can only be changed for local users, not user \"{}\"",
            ask.caller.name()
        )));
    };
    // It is the caller's own password that is asked for, whosever is changed.
    let current = text(request, "currentPassword").to_owned();
    let known = session::check(&backend, ask.caller.visit.address, own, current).await;
    known.map_err(|_| Status::invalid_argument("current password does not match"))?;
    let new = text(request, "newPassword").to_owned();
    let mut salt = [0; 16];
    random(&mut salt)?;
    let rules = backend.access().passwords.clone();
    let hash = backend.hashing.turn().await?.run(move || rules.hash(&new, salt)).await?;
    let hash = hash.map_err(|error| Status::invalid_argument(error.to_string()))?;
    let now = backend.now();
    change(&backend, &name, |account| Ok(Change::password(account, &hash, now))).await?;
    audit::done(&ask.caller, "changed a password", ("account", &name), ("update", rule.as_str()));
    Ok(json!({}).into())
}

async fn create_token(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let name = text(&ask.request, "name").to_owned();
    let rule = may(&ask.caller, Action::Update, &name)?;
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    let id = Some(text(&ask.request, "id").to_owned()).filter(|id| !id.is_empty());
    let id = id.unwrap_or_else(|| token_id(bytes));
    let seconds = ask.request.get("expiresIn").and_then(Value::as_i64).unwrap_or_default();
    if seconds < 0 {
        return Err(Status::invalid_argument("expiresIn must not be negative"));
    }
    let (access, now) = (backend.access(), backend.now());
    let key =
        access.key.as_ref().ok_or_else(|| Status::unavailable("the server has no key for sessions yet"))?;
    let claims = Claims::api_key(&name, &id, now, seconds);
    let token = IssuedToken { id, iat: claims.issued_at, exp: claims.expires_at.unwrap_or_default() };
    change(&backend, &name, |account| {
        Change::add_token(account, token.clone())
            .map_err(|error| Status::failed_precondition(error.to_string()))
    })
    .await?;
    let what = format!("made the token {}", token.id);
    audit::done(&ask.caller, &what, ("account", &name), ("update", rule.as_str()));
    Ok(json!({"token": key.sign(&claims)}).into())
}

async fn delete_token(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (name, id) = (text(&ask.request, "name").to_owned(), text(&ask.request, "id").to_owned());
    let rule = may(&ask.caller, Action::Update, &name)?;
    change(&backend, &name, |account| {
        Change::remove_token(account, &id).map_err(|error| Status::not_found(error.to_string()))
    })
    .await?;
    let what = format!("removed the token {id}");
    audit::done(&ask.caller, &what, ("account", &name), ("update", rule.as_str()));
    Ok(json!({}).into())
}
