//! `/auth/login`, `/auth/callback` and `/auth/logout`: browsers that log in by the identity provider, and out.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use oidc::{Error, Provider};
use url::Url;

use super::TEXT;
use super::auth_state::{LOGIN_SECONDS, Pending};
use crate::api::Origin;
use crate::audit;
use crate::body::{Body, Incoming, answer as reply};
use crate::door;
use crate::record;
use crate::server::{Backend, random};

/// Cookie of a login that is under way.
const STATE_COOKIE: &str = "argocd.oauthstate";
/// Longest value of a query that is read, in bytes.
const VALUE_BYTES: usize = 8 << 10;

/// What is answered instead of a page. The texts are ours: nothing of a request is repeated to a browser.
type Refusal = (StatusCode, &'static str);

const NO_SSO: Refusal = (StatusCode::NOT_FOUND, "SSO is not configured\n");
const NO_URL: Refusal = (StatusCode::NOT_FOUND, "logins by SSO need url in argocd-cm\n");
const NO_KEY: Refusal = (StatusCode::SERVICE_UNAVAILABLE, "the server has no key for sessions yet\n");
const ELSEWHERE: Refusal = (
    StatusCode::BAD_REQUEST,
    "Invalid redirect URL: the protocol and host (including port) must match and the path must be within allowed URLs if provided\n",
);
const NOT_BEGUN: Refusal = (
    StatusCode::BAD_REQUEST,
    "this login was not begun by this browser, took too long, or is over already; begin again\n",
);
const REFUSED: Refusal = (StatusCode::BAD_REQUEST, "the identity provider refused the login\n");
const INVALID: Refusal =
    (StatusCode::UNAUTHORIZED, "the identity provider's answer is not valid for this login\n");
const AWAY: Refusal = (StatusCode::BAD_GATEWAY, "the identity provider cannot be asked now\n");

/// Sends a browser to the identity provider.
///
/// **Shape**: `return_url` is where it goes after that, below `url` or one of `additionalUrls`. **Source**: `ClientApp.HandleLogin`; ours
/// has a nonce, too.
pub(super) async fn login(backend: &Arc<Backend>, request: &Request<Incoming>) -> Response<Body> {
    begin(backend, request).await.unwrap_or_else(refuse)
}

async fn begin(backend: &Arc<Backend>, request: &Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let access = backend.access();
    let provider = access.sso.provider.as_ref().ok_or(NO_SSO)?;
    let own = access.sso.own_url(host(request)).ok_or(NO_URL)?;
    let key = access.state_key.as_ref().ok_or(NO_KEY)?;
    let wanted = value(request, "return_url").unwrap_or_default();
    let place = access.sso.return_url(&wanted).ok_or(ELSEWHERE)?;
    let redirect = callback(own);
    let (state, nonce, verifier) = (chance()?, chance()?, chance()?);
    let now = backend.now();
    let challenge = provider.challenge(&redirect, &state, &nonce, &verifier, now).await;
    let challenge = challenge.map_err(|error| told(&error))?;
    let verifier = challenge.bound.then_some(verifier);
    let pending = Pending { state, nonce, verifier, redirect, place: place.into(), at: now.as_second() };
    let cookie = pending.seal(key).ok_or(NO_KEY)?;
    Ok(send(&challenge.url, [state_cookie(&cookie, LOGIN_SECONDS, &terms(backend))]))
}

/// Takes a browser back that has a code for us.
///
/// **Source**: `ClientApp.HandleCallback`. There a login can come back again, and the provider's error is repeated.
pub(super) async fn callback_page(backend: &Arc<Backend>, request: &Request<Incoming>) -> Response<Body> {
    let mut response = end(backend, request).await.unwrap_or_else(refuse);
    let over = state_cookie("", 0, &terms(backend));
    response.headers_mut().extend(over.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

async fn end(backend: &Arc<Backend>, request: &Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let access = backend.access();
    let provider = access.sso.provider.as_ref().ok_or(NO_SSO)?;
    let key = access.state_key.as_ref().ok_or(NO_KEY)?;
    let now = backend.now();
    let kept = door::cookie_of(request.headers(), STATE_COOKIE).ok_or(NOT_BEGUN)?;
    let state = value(request, "state").ok_or(NOT_BEGUN)?;
    let pending = Pending::open(key, &kept, &state, now).ok_or(NOT_BEGUN)?;
    if !backend.returned.first(&pending, now) {
        return Err(NOT_BEGUN);
    }
    // RFC 9207: an answer of another provider is none to us.
    if value(request, "iss").is_some_and(|issuer| issuer != provider.config().issuer) {
        return Err(INVALID);
    }
    if let Some(error) = value(request, "error") {
        let description = value(request, "error_description").unwrap_or_default();
        let (error, description) = (net::excerpt(&error), net::excerpt(&description));
        tracing::warn!(error, description, "the identity provider refused a login");
        return Err(REFUSED);
    }
    let code = value(request, "code").filter(|code| !code.is_empty()).ok_or(INVALID)?;
    let Pending { verifier, redirect, nonce, place, .. } = pending;
    let tokens = provider.exchange(&code, &redirect, verifier.as_deref(), &nonce, now).await;
    let tokens = tokens.map_err(|error| told(&error))?;
    let from = request.extensions().get::<Origin>().map(|origin| origin.0);
    let what = format!("logged in by SSO at {}", tokens.claims.issuer);
    audit::session(&door::shown_name(&tokens.claims), from, true, &what);
    // As settings have it now, not as they were when it began.
    let place = access.sso.return_url(&place).ok_or(ELSEWHERE)?;
    let cookies = door::set_cookies(tokens.id.expose(), &terms(backend));
    Ok(send(place.as_str(), cookies))
}

/// Ends the session of a browser, here and, where `logoutURL` says so, at the identity provider.
///
/// **Source**: `logout.Handler`; a browser without a session is sent on like any other.
pub(super) async fn logout(backend: &Arc<Backend>, request: &Request<Incoming>) -> Response<Body> {
    let access = backend.access();
    let own = access.sso.own_url(host(request)).map(|url| url.as_str().trim_end_matches('/').to_owned());
    let own = own.unwrap_or_default();
    let token = door::cookie(request.headers()).unwrap_or_default();
    let mut place = if own.is_empty() { backend.base() } else { own.clone() };
    if let Ok(session) = door::session(backend, &token).await {
        if let Err(error) = record::revoke(backend, &session.claims).await {
            tracing::warn!(user = session.name(), %error, "a session goes on until its end, or on other replicas");
        }
        if let Some(provider) = access.sso.provider.as_ref().filter(|_| session.issuer() != accounts::ISSUER)
        {
            provider.forget(&session.claims.subject, backend.now()).await;
            if let Some(url) = logout_url(provider, &token, &own) {
                place = url;
            }
        }
        let from = request.extensions().get::<Origin>().map(|origin| origin.0);
        audit::session(session.name(), from, true, "logged out");
    }
    send(&place, door::clear_cookies(request.headers(), &terms(backend)))
}

fn logout_url(provider: &Provider, token: &str, own: &str) -> Option<String> {
    let url = &provider.config().logout_url;
    (!url.is_empty()).then(|| url.replace("{{token}}", token).replace("{{logoutRedirectURL}}", own))
}

fn callback(own: &Url) -> String {
    format!("{}/auth/callback", own.as_str().trim_end_matches('/'))
}

/// 256 bits that nobody can guess.
fn chance() -> Result<String, Refusal> {
    let mut bytes = [0; 32];
    random(&mut bytes).map_err(|_| NO_KEY)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// What cookies of a browser say that comes by `url`.
fn terms(backend: &Backend) -> String {
    backend.cookie_terms(backend.is_secure() || backend.access().sso.is_secure())
}

fn host(request: &Request<Incoming>) -> Option<&str> {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
}

/// A value of the query, if it is there once.
fn value(request: &Request<Incoming>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    let value = values.next()?.1.into_owned();
    (values.next().is_none() && value.len() <= VALUE_BYTES).then_some(value)
}

fn state_cookie(value: &str, seconds: i64, terms: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{STATE_COOKIE}={value}; {terms}; Max-Age={seconds}")).ok()
}

/// What a browser is told of an error, of which the log has the whole.
fn told(error: &Error) -> Refusal {
    tracing::warn!(%error, "a login by SSO failed");
    match error {
        Error::Refused(_) | Error::Denied { .. } | Error::NoAccess => INVALID,
        Error::Unavailable { .. } | Error::Protocol { .. } => AWAY,
    }
}

fn refuse((status, text): Refusal) -> Response<Body> {
    let mut response = reply(status, TEXT, text);
    keep_private(response.headers_mut());
    response
}

/// Sends a browser elsewhere.
fn send(place: &str, cookies: impl IntoIterator<Item = impl Into<Option<HeaderValue>>>) -> Response<Body> {
    let mut response = reply(StatusCode::SEE_OTHER, TEXT, "");
    let headers = response.headers_mut();
    match HeaderValue::from_str(place) {
        Ok(place) => drop(headers.insert(header::LOCATION, place)),
        Err(_) => return refuse(AWAY),
    }
    headers.extend(cookies.into_iter().filter_map(Into::into).map(|cookie| (header::SET_COOKIE, cookie)));
    keep_private(headers);
    response
}

/// Codes are in addresses: no cache keeps them, and no other site learns them.
fn keep_private(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}
