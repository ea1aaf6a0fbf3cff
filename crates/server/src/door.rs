//! Lets callers in by their tokens.

use std::net::IpAddr;
use std::sync::Arc;

use ::api::settings::ServerParams;
use accounts::{ISSUER, Session, Who, issuer_of, token_id, verify};
use http::{HeaderMap, HeaderValue, header};
use oidc::{Claims as ExternalClaims, Refused};
use rbac::Subject;
use serde_json::Value;
use tonic::Status;
use url::Url;
use wire::Method;

use crate::address;
use crate::api::{Door, Visit};
use crate::guard::Guard;
use crate::server::{Backend, random};

/// Cookie of a session; a long token is in several.
const COOKIE: &str = "argocd.token";
/// Longest value of one cookie, in bytes.
const COOKIE_BYTES: usize = 4093 - 256;
/// Most cookies that a token may be in.
const COOKIES: usize = 20;
/// Requests of whoever is not logged in.
const SMALL: usize = 64 * 1024;
/// All other requests: the peer's limit for manifests that are sent along.
const LARGE: usize = 200 * 1024 * 1024;

/// Who came in.
pub(crate) struct Caller {
    pub(crate) guard: Guard,
    /// The session, of whoever is logged in.
    pub(crate) session: Option<Session>,
    /// Whether they showed a token of the identity provider that is over, so that a browser begins again there.
    pub(crate) expired: bool,
    /// A token that takes the place of the one that was shown, which ends soon.
    renewed: Option<String>,
    pub(crate) visit: Visit,
}

impl Caller {
    /// The name of whoever is logged in.
    pub(crate) fn name(&self) -> &str {
        self.session.as_ref().map_or("", Session::name)
    }

    /// The same for people who read what happened.
    pub(crate) fn shown(&self) -> &str {
        Some(self.name()).filter(|name| !name.is_empty()).unwrap_or("Unknown user")
    }
}

/// Where whoever has no session comes in, too: to log in, and to learn how to.
fn is_open(method: &Method) -> bool {
    matches!(
        (method.service.as_str(), method.name.as_str()),
        ("version.VersionService" | "session.SessionService", _) | ("cluster.SettingsService", "Get")
    )
}

fn logs_in_or_out(method: &Method) -> bool {
    method.service == "session.SessionService" && matches!(method.name.as_str(), "Create" | "Delete")
}

/// Why a token lets nobody in.
#[derive(Debug, Clone)]
pub(crate) enum Shut {
    /// It was one of the identity provider and is over.
    Expired,
    /// Anything else, in words for whom the token is.
    Why(String),
}

impl From<oidc::Error> for Shut {
    fn from(error: oidc::Error) -> Self {
        match error {
            oidc::Error::Refused(Refused::Expired) => Self::Expired,
            oidc::Error::Refused(_) | oidc::Error::NoAccess => Self::Why(error.to_string()),
            // What happened between us and the provider is for the log.
            oidc::Error::Unavailable { .. } | oidc::Error::Denied { .. } | oidc::Error::Protocol { .. } => {
                tracing::warn!(%error, "a token of the identity provider cannot be judged");
                Self::Why("the identity provider cannot be asked now".to_owned())
            }
        }
    }
}

/// The session that a token stands for, by whoever says to have made it.
///
/// **Source**: `SessionManager.VerifyToken`, `ArgoCDServer.getClaims`.
pub(crate) async fn session(backend: &Backend, token: &str) -> Result<Session, Shut> {
    match issuer_of(token) {
        Some(issuer) if issuer != ISSUER => external(backend, token).await.map(|(session, _)| session),
        _ => own(backend, token),
    }
}

fn own(backend: &Backend, token: &str) -> Result<Session, Shut> {
    let access = backend.access();
    let key = access.key.as_ref().ok_or_else(|| Shut::Why("the server has no key yet".to_owned()))?;
    let revoked = backend.revocations();
    verify(token, key, &access.accounts, &access.tokens, &revoked, backend.now())
        .map_err(|error| Shut::Why(error.to_string()))
}

async fn external(backend: &Backend, token: &str) -> Result<(Session, ExternalClaims), Shut> {
    let access = backend.access();
    let provider =
        access.sso.provider.as_ref().ok_or_else(|| Shut::Why("SSO is not configured".to_owned()))?;
    let now = backend.now();
    let claims = provider.with_groups(provider.verify(token, now).await?, now).await?;
    external_session(backend, &claims).map(|session| (session, claims))
}

fn external_session(backend: &Backend, claims: &ExternalClaims) -> Result<Session, Shut> {
    let groups = rbac::values_of(&claims.all, backend.access().policy.scopes());
    let told = accounts::Claims {
        subject: claims.subject.clone(),
        id: claims.id.clone(),
        issued_at: claims.issued_at.unwrap_or_default(),
        not_before: None,
        expires_at: Some(claims.expires_at),
    };
    let (issuer, name, user) =
        (claims.issuer.clone(), shown_name(claims), rbac::user_of(&claims.all).to_owned());
    Session::external(told, issuer, name, user, groups, &backend.revocations())
        .map_err(|error| Shut::Why(error.to_string()))
}

/// What a user of an identity provider is called: by the address where there is one, or as the provider does.
///
/// **Source**: `sessionmgr.Username`.
pub(crate) fn shown_name(claims: &ExternalClaims) -> String {
    let email = claims.all.get("email").and_then(Value::as_str).unwrap_or_default();
    if email.is_empty() { rbac::user_of(&claims.all).to_owned() } else { email.to_owned() }
}

/// A session with the token that takes the place of the one that was shown, where that ends soon.
async fn with_renewal(backend: &Backend, token: &str) -> Result<(Session, Option<String>), Shut> {
    let now = backend.now();
    if issuer_of(token).is_none_or(|issuer| issuer == ISSUER) {
        let session = own(backend, token)?;
        let mut id = [0; 16];
        let renewed = random(&mut id).ok().and_then(|()| session.renewed(&token_id(id), now));
        let access = backend.access();
        let renewed = renewed.and_then(|claims| Some(access.key.as_ref()?.sign(&claims)));
        return Ok((session, renewed));
    }
    let (session, claims) = external(backend, token).await?;
    let access = backend.access();
    let Some(provider) = &access.sso.provider else { return Ok((session, None)) };
    if !provider.ends_soon(&claims, now) {
        return Ok((session, None));
    }
    match provider.refresh(&claims, now).await {
        Ok(tokens) => Ok((session, tokens.map(|tokens| tokens.id.expose().to_owned()))),
        Err(error) => {
            // The session goes on until its end.
            tracing::warn!(user = session.name(), %error, "a session was not made anew by the identity provider");
            Ok((session, None))
        }
    }
}

/// Somebody who came in.
pub(crate) struct Entered {
    pub(crate) guard: Guard,
    session: Option<Session>,
    expired: bool,
    renewed: Option<String>,
}

impl Entered {
    /// Cookies for a browser whose session is made anew.
    pub(crate) fn renewal(&self, backend: &Backend) -> Vec<HeaderValue> {
        self.renewed
            .as_deref()
            .map(|token| set_cookies(token, &backend.cookie_terms(backend.is_secure())))
            .unwrap_or_default()
    }
}

/// Lets in whoever shows a session, and where it is `open` everybody else, too. A session in cookies counts for pages of ours alone (A108).
pub(crate) async fn admit(backend: &Backend, headers: &HeaderMap, open: bool) -> Result<Entered, Status> {
    let stranger = |expired| {
        let guard = Guard::new(Subject::anonymous(), Arc::clone(&backend.access().policy));
        Entered { guard, session: None, expired, renewed: None }
    };
    if backend.access().open {
        return Ok(stranger(false));
    }
    let shown = match token(headers) {
        Err(_) if open => return Ok(stranger(false)),
        Err(error) => return Err(error),
        Ok(None) if open || backend.access().anonymous => return Ok(stranger(false)),
        Ok(None) => return Err(Status::unauthenticated("no session information")),
        Ok(Some(shown)) => shown,
    };
    if shows_cookies(headers) && !is_own_origin(backend, headers) {
        // The browser lends the session; who asks is a page that somebody else made.
        let text = "a page of another origin asks with the session of this one; url and additionalUrls of argocd-cm say which are ours";
        return if open { Ok(stranger(false)) } else { Err(Status::permission_denied(text)) };
    }
    match with_renewal(backend, &shown).await {
        Ok((session, renewed)) => {
            let subject = match &session.who {
                Who::Account { name, .. } => Subject::account(name),
                Who::ProjectRole { project, role } => Subject::project_role(project, role),
                Who::External { user, groups, .. } => Subject::external(user, groups.clone()),
            };
            let guard = Guard::new(subject, Arc::clone(&backend.access().policy));
            Ok(Entered { guard, session: Some(session), expired: false, renewed })
        }
        Err(shut) if open => Ok(stranger(matches!(shut, Shut::Expired))),
        // Also where one may come in without a token: who shows one wants to be somebody.
        Err(Shut::Expired) => Err(Status::unauthenticated("invalid session: the token is expired")),
        Err(Shut::Why(why)) => Err(Status::unauthenticated(format!("invalid session: {why}"))),
    }
}

impl Door for Arc<Backend> {
    type Caller = Caller;

    async fn enter(&self, visit: Visit) -> Result<Caller, Status> {
        let Entered { guard, session, expired, renewed } =
            admit(self, &visit.headers, visit.method.is_some_and(is_open)).await?;
        Ok(Caller { guard, session, expired, renewed, visit })
    }

    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        match &self.trusted_proxies {
            Some(trusted) => address::of(peer, headers, trusted),
            None => address::of(peer, headers, &self.settings.current().params.server.trusted_proxies),
        }
    }

    fn renewed<'a>(&self, caller: &'a Caller) -> Option<&'a str> {
        // Who logs in or out wants no other session than that.
        let logs = caller.visit.method.is_some_and(logs_in_or_out);
        caller.renewed.as_deref().filter(|_| !logs)
    }

    fn renewal(&self, caller: &Caller) -> Vec<HeaderValue> {
        let renewed = caller.renewed.as_deref();
        renewed.map(|token| set_cookies(token, &self.cookie_terms(self.is_secure()))).unwrap_or_default()
    }

    fn cookies(&self, method: &'static Method, answer: &Value) -> Vec<HeaderValue> {
        if !logs_in_or_out(method) {
            return Vec::new();
        }
        let token = answer.get("token").and_then(Value::as_str).unwrap_or_default();
        set_cookies(token, &self.cookie_terms(self.is_secure()))
    }

    fn params(&self) -> Arc<ServerParams> {
        Arc::clone(&self.settings.current().params.server)
    }

    fn limit(&self, method: &'static Method) -> usize {
        if is_open(method) { SMALL } else { LARGE }
    }
}

/// Whether the token that a request shows is in cookies, which a browser sends whatever page asks.
fn shows_cookies(headers: &HeaderMap) -> bool {
    !headers.contains_key("token") && !headers.contains_key(header::AUTHORIZATION)
}

/// The token that a request shows: in the metadata of gRPC, as a bearer token, or in cookies.
fn token(headers: &HeaderMap) -> Result<Option<String>, Status> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let mut shown = headers.get_all("token").iter();
    if let Some(token) = shown.next() {
        if shown.next().is_some() {
            return Err(Status::unauthenticated("invalid session: there are several tokens"));
        }
        return Ok(Some(text(token)));
    }
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(authorization) = authorizations.next() {
        let authorization = text(authorization);
        let bearer =
            authorization.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        return match bearer.map(|(_, token)| token.trim()) {
            Some(token) if !token.is_empty() && authorizations.next().is_none() => Ok(Some(token.to_owned())),
            _ => Err(Status::unauthenticated("invalid session: the Authorization header is no bearer token")),
        };
    }
    Ok(cookie(headers).filter(|token| !token.is_empty()))
}

/// Whether a page may speak in the name of whoever looks at it: one of the host that is asked, or of a URL of ours. Who is no page says no origin.
pub(crate) fn is_own_origin(backend: &Backend, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
    let Some(origin) = origin.filter(|origin| origin.has_host()) else { return false };
    let host = text(header::HOST).and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    host.is_some_and(|host| host.origin() == origin.origin()) || backend.access().sso.is_own(&origin)
}

/// All cookies of a request.
fn cookies_of(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    texts.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='))
}

/// One cookie of a request.
pub(crate) fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    cookies_of(headers).find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// The token in cookies: `argocd.token`, where it says `3:…` followed by `argocd.token-1` and `-2`.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let first = cookie_of(headers, COOKIE)?;
    let Some((count, part)) = first.split_once(':') else { return Some(first) };
    let count = count.parse::<usize>().ok().filter(|count| (1..=COOKIES).contains(count))?;
    let mut token = part.to_owned();
    for n in 1..count {
        token.push_str(&cookie_of(headers, &format!("{COOKIE}-{n}"))?);
    }
    Some(token)
}

/// What all cookies of ours say beside their values, for whom this path is ours.
pub(crate) fn cookie_terms(base: &str, secure: bool) -> String {
    format!("path={base}; SameSite=lax; httpOnly{}", if secure { "; Secure" } else { "" })
}

/// Cookies that end the session of a browser, for all of the token's that it has.
pub(crate) fn clear_cookies(headers: &HeaderMap, terms: &str) -> Vec<HeaderValue> {
    let names =
        (1..COOKIES).map(|n| format!("{COOKIE}-{n}")).filter(|name| cookie_of(headers, name).is_some());
    std::iter::once(COOKIE.to_owned())
        .chain(names)
        .filter_map(|name| HeaderValue::from_str(&format!("{name}=; {terms}; Max-Age=0")).ok())
        .collect()
}

/// Cookies for a token; an empty one ends the session of a browser.
pub(crate) fn set_cookies(token: &str, terms: &str) -> Vec<HeaderValue> {
    let parts: Vec<String> = token
        .as_bytes()
        .chunks(COOKIE_BYTES)
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    let cookie = |n: usize, part: &str| {
        let name = if n == 0 { COOKIE.to_owned() } else { format!("{COOKIE}-{n}") };
        let ends = if token.is_empty() { "; Max-Age=0" } else { "" };
        HeaderValue::from_str(&format!("{name}={part}; {terms}{ends}")).ok()
    };
    match parts.as_slice() {
        [] => cookie(0, "").into_iter().collect(),
        [one] => cookie(0, one).into_iter().collect(),
        [first, rest @ ..] => {
            let first = format!("{}:{first}", parts.len());
            let rest = rest.iter().enumerate().filter_map(|(n, part)| cookie(n + 1, part));
            cookie(0, &first).into_iter().chain(rest).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_where_clients_put_it() {
        for (headers, expected) in [
            (vec![], Ok(None)),
            (vec![("token", "t")], Ok(Some("t"))),
            (vec![("authorization", "Bearer t")], Ok(Some("t"))),
            (vec![("authorization", "bearer  t ")], Ok(Some("t"))),
            (vec![("cookie", "a=b; argocd.token=t; c=d")], Ok(Some("t"))),
            (
                vec![("cookie", "argocd.token-1=yy; argocd.token=3:xx"), ("cookie", "argocd.token-2=z")],
                Ok(Some("xxyyz")),
            ),
            (vec![("cookie", "argocd.token=3:xx; argocd.token-1=yy")], Ok(None)),
            (vec![("cookie", "argocd.token=999999999:xx")], Ok(None)),
            (vec![("authorization", "Bearer ")], Err(())),
            (vec![("authorization", "Bearer")], Err(())),
            (vec![("authorization", "Basic dDp0")], Err(())),
            (vec![("authorization", "Bearer a"), ("authorization", "Bearer b")], Err(())),
            (vec![("token", "a"), ("token", "b")], Err(())),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.append(*name, value.parse().unwrap());
            }
            let found = token(&map).map_err(|error| assert_eq!(error.code(), tonic::Code::Unauthenticated));
            assert_eq!(found, expected.map(|token: Option<&str>| token.map(str::to_owned)), "{headers:?}");
        }
    }

    #[test]
    fn a_long_token_is_in_several_cookies() {
        for length in [0, 1, COOKIE_BYTES, COOKIE_BYTES + 1, 3 * COOKIE_BYTES] {
            let token = "x".repeat(length);
            let cookies = set_cookies(&token, &cookie_terms("/argo-cd", true));
            assert!(cookies.iter().all(|cookie| cookie.len() <= 4096), "{length}");
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                let text = cookie.to_str().unwrap();
                assert!(text.contains("; path=/argo-cd; SameSite=lax; httpOnly; Secure"), "{text}");
                headers.append("cookie", text.split(';').next().unwrap().parse().unwrap());
            }
            assert_eq!(cookie(&headers), Some(token), "{length}");
        }
    }
}
