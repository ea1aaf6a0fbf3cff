//! `session.SessionService`: logging in and out.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use accounts::{Claims, LoginError, Session, Source, Who, token_id};
use serde_json::json;
use tonic::Status;

use super::{Asked, Table, text};
use crate::audit;
use crate::call::{NoSuchMethod, Reply};
use crate::record;
use crate::server::{Backend, random};

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("session.SessionService/Create", create)?;
    table.one("session.SessionService/Delete", async |backend, ask: Asked| {
        if let Some(session) = &ask.caller.session {
            if let (Who::External { .. }, Some(provider)) = (&session.who, &backend.access().sso.provider) {
                provider.forget(&session.claims.subject, backend.now()).await;
            }
            record::revoke(&backend, &session.claims).await?;
            audit::session(session.name(), ask.caller.visit.address, true, "logged out");
        }
        Ok(json!({"token": ""}).into())
    })?;
    table.plain("session.SessionService/GetUserInfo", |_, ask| {
        let session = ask.caller.session.as_ref();
        let groups = match session.map(|session| &session.who) {
            Some(Who::External { groups, .. }) => groups.as_slice(),
            Some(Who::Account { .. } | Who::ProjectRole { .. }) | None => &[],
        };
        // The word by which the peer's pages know that it is the provider's session that is over.
        let issuer = session.map_or(if ask.caller.expired { "sso" } else { "" }, Session::issuer);
        let (logged_in, name) = (session.is_some(), ask.caller.name());
        Ok(json!({"loggedIn": logged_in, "username": name, "iss": issuer, "groups": groups}))
    })
}

/// A session for whoever knows the password of an account.
async fn create(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (name, password) =
        (text(&ask.request, "username").to_owned(), text(&ask.request, "password").to_owned());
    if !text(&ask.request, "token").is_empty() {
        return Err(Status::unauthenticated(
            "token-based session creation no longer supported. please upgrade argocd cli to v0.7+",
        ));
    }
    let checked = check(&backend, ask.caller.visit.address, &name, password).await;
    let counters = &backend.counters;
    if checked.is_ok() { &counters.logins } else { &counters.refused_logins }.fetch_add(1, Relaxed);
    checked?;
    let access = backend.access();
    let key =
        access.key.as_ref().ok_or_else(|| Status::unavailable("the server has no key for sessions yet"))?;
    let mut id = [0; 16];
    random(&mut id)?;
    let claims = Claims::log_in(&name, &token_id(id), backend.now(), access.session_seconds);
    audit::session(&name, ask.caller.visit.address, true, "logged in");
    Ok(json!({"token": key.sign(&claims)}).into())
}

/// Whether somebody knows an account's password. Failures are counted, and after too many nobody is heard for a while.
pub(super) async fn check(
    backend: &Arc<Backend>,
    address: Option<IpAddr>,
    name: &str,
    password: String,
) -> Result<(), Status> {
    let source = Source::of(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    // A few at a time, whoever asks: hashing is dear.
    let turn = backend.hashing.turn().await?;
    let heard = backend.failures().check(name, source, &backend.limits, backend.now());
    let refused = || Status::unauthenticated(LoginError::Invalid.to_string());
    heard.map_err(|_| refused())?;
    // Counted before it is known: of those that come at once no more are heard than permitted.
    backend.failures().failed(name, source, &backend.limits, backend.now());
    let (access, account) = (backend.access(), name.to_owned());
    let work = move || access.accounts.log_in(&account, &password).map(drop);
    let outcome = turn.run(work).await?;
    if outcome.as_ref().err() == Some(&LoginError::Invalid) {
        audit::session(name, address, false, "failed login");
        backend.failed.notify_one();
    } else {
        backend.failures().succeeded(name, source);
    }
    outcome.map_err(|error| Status::unauthenticated(error.to_string()))
}
