//! Lets callers in by their tokens.

use std::sync::Arc;

use accounts::{Session, Who, verify};
use http::{HeaderMap, HeaderValue, header};
use rbac::Subject;
use serde_json::Value;
use tonic::Status;
use wire::Method;

use crate::api::{Door, Visit};
use crate::guard::Guard;
use crate::server::Backend;

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

impl Door for Arc<Backend> {
    type Caller = Caller;

    async fn enter(&self, visit: Visit) -> Result<Caller, Status> {
        let access = self.access();
        let guard = |subject| Guard::new(subject, Arc::clone(&access.policy));
        let stranger = |visit| Caller { guard: guard(Subject::anonymous()), session: None, visit };
        let open = is_open(visit.method);
        let token = match token(&visit.headers) {
            Err(_) if open => return Ok(stranger(visit)),
            Err(error) => return Err(error),
            Ok(None) if open || access.anonymous => return Ok(stranger(visit)),
            Ok(None) => return Err(Status::unauthenticated("no session information")),
            Ok(Some(token)) => token,
        };
        let Some(key) = &access.key else {
            return Err(Status::unauthenticated("invalid session: the server has no key yet"));
        };
        let revoked = self.revocations();
        match verify(&token, key, &access.accounts, &access.tokens, &revoked, self.now()) {
            Ok(session) => {
                let subject = match &session.who {
                    Who::Account { name, .. } => Subject::account(name),
                    Who::ProjectRole { project, role } => Subject::project_role(project, role),
                };
                Ok(Caller { guard: guard(subject), session: Some(session), visit })
            }
            Err(_) if open => Ok(stranger(visit)),
            // Also where one may come in without a token: who shows one wants to be somebody.
            Err(error) => Err(Status::unauthenticated(format!("invalid session: {error}"))),
        }
    }

    fn cookies(&self, method: &'static Method, answer: &Value) -> Vec<HeaderValue> {
        let logs_in = matches!(method.name.as_str(), "Create" | "Delete");
        if method.service != "session.SessionService" || !logs_in {
            return Vec::new();
        }
        let token = answer.get("token").and_then(Value::as_str).unwrap_or_default();
        set_cookies(token, self.is_secure())
    }

    fn limit(&self, method: &'static Method) -> usize {
        if is_open(method) { SMALL } else { LARGE }
    }
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

/// The token in cookies: `argocd.token`, where it says `3:…` followed by `argocd.token-1` and `-2`.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let all: Vec<(&str, &str)> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .collect();
    let of = |name: &str| all.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let first = of(COOKIE)?;
    let Some((count, part)) = first.split_once(':') else { return Some(first.to_owned()) };
    let count = count.parse::<usize>().ok().filter(|count| (1..=COOKIES).contains(count))?;
    let mut token = part.to_owned();
    for n in 1..count {
        token.push_str(of(&format!("{COOKIE}-{n}"))?);
    }
    Some(token)
}

/// Cookies for a token; an empty one ends the session of a browser.
fn set_cookies(token: &str, secure: bool) -> Vec<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let attributes = format!("path=/; SameSite=lax; httpOnly{secure}");
    let parts: Vec<String> = token
        .as_bytes()
        .chunks(COOKIE_BYTES)
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    let cookie = |n: usize, part: &str| {
        let name = if n == 0 { COOKIE.to_owned() } else { format!("{COOKIE}-{n}") };
        let ends = if token.is_empty() { "; Max-Age=0" } else { "" };
        HeaderValue::from_str(&format!("{name}={part}; {attributes}{ends}")).ok()
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
            let cookies = set_cookies(&token, true);
            assert!(cookies.iter().all(|cookie| cookie.len() <= 4096), "{length}");
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                let text = cookie.to_str().unwrap();
                assert!(text.contains("; path=/; SameSite=lax; httpOnly; Secure"), "{text}");
                headers.append("cookie", text.split(';').next().unwrap().parse().unwrap());
            }
            assert_eq!(cookie(&headers), Some(token), "{length}");
        }
    }
}
