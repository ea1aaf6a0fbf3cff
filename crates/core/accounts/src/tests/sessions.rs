//! Tokens: A79, A89, A90, A94 to A97, and the peer's own verdicts.

use std::collections::BTreeMap;

use api::AppProject;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::*;

const MADE: i64 = 1_700_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(MADE + second).unwrap()
}

fn key() -> SigningKey {
    SigningKey::new(b"the key".to_vec()).unwrap()
}

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    config: BTreeMap<String, String>,
    secret: BTreeMap<String, String>,
    #[serde(default)]
    projects: Vec<Value>,
    token: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    error: String,
    ours: Option<String>,
    #[serde(default)]
    claims: Map<String, Value>,
    #[serde(default)]
    header: Map<String, Value>,
    alg: Option<String>,
    key: Option<String>,
}

fn project(value: Value) -> AppProject {
    AppProject::from_value(value).unwrap()
}

#[test]
fn tokens_have_the_peers_verdicts() {
    let mut accepted = 0;
    for line in include_str!("../../tests/cases/sessions.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let secret: BTreeMap<_, _> =
            case.secret.iter().map(|(key, value)| (key.clone(), value.clone().into_bytes())).collect();
        let (accounts, _) = Accounts::read(&case.config, &secret);
        let mut projects = ProjectTokens::default();
        case.projects.into_iter().for_each(|value| projects.set(&project(value)));
        let key = SigningKey::new(secret["server.secretkey"].clone()).unwrap();
        let session = verify(
            &case.token,
            &key,
            &accounts,
            &projects,
            &Revocations::default(),
            "2026-11-22T00:00:00Z".parse().unwrap(),
        );
        let peer = if case.error.is_empty() { case.subject.as_str() } else { "refused" };
        let expected = case.ours.as_deref().unwrap_or(peer);
        assert_ne!(Some(peer), case.ours.as_deref(), "{}: no difference", case.name);
        let name = session.as_ref().map_or("refused", Session::name);
        assert_eq!(name, expected, "{}: {session:?}; the peer: {}", case.name, case.error);
        accepted += usize::from(session.is_ok());
        // What the peer's library makes of our claims, we make as well.
        let plain = case.alg.is_none() && case.key.is_none() && case.header.is_empty();
        if let (true, Ok(session)) = (plain, &session) {
            let made = key.sign(&session.claims);
            assert_eq!(key.open(&made, at(0)), Ok(session.claims.clone()), "{}", case.name);
            assert_eq!(issuer_of(&case.token), case.claims["iss"].as_str().map(str::to_owned));
        }
    }
    assert!(accepted > 15, "{accepted}");
}

/// golang-jwt with `RegisteredClaims`, as the peer makes its tokens.
#[test]
fn a_token_is_the_peers_to_the_byte() {
    let claims = Claims::log_in("admin", "3f1c", at(0), 86_400);
    let token = SigningKey::new(b"secret".to_vec()).unwrap().sign(&claims);
    assert_eq!(token, include_str!("../../tests/cases/login.jwt").trim());
}

fn login() -> Claims {
    Claims::log_in("admin", "id-1", at(0), 86_400)
}

fn check(token: &str, second: i64) -> Result<Session, SessionError> {
    let (accounts, _) = Accounts::read(&BTreeMap::new(), &BTreeMap::new());
    verify(token, &key(), &accounts, &ProjectTokens::default(), &Revocations::default(), at(second))
}

#[test]
fn times_count_to_the_second() {
    let token = key().sign(&login());
    for (second, expected) in [
        (-61, Err(TokenError::NotYet)),
        (-60, Ok(())),
        (0, Ok(())),
        (86_399, Ok(())),
        (86_400, Err(TokenError::Expired)),
    ] {
        let result = check(&token, second).map(|_| ()).map_err(|error| match error {
            SessionError::Token(error) => error,
            other => panic!("{other}"),
        });
        assert_eq!(result, expected, "{second}");
    }
}

#[test]
fn a_login_that_ends_soon_is_renewed_for_as_long_as_it_was() {
    let token = key().sign(&login());
    for (second, renewed) in [(0, false), (86_100, false), (86_101, true), (86_399, true)] {
        let session = check(&token, second).unwrap();
        let next = session.renewed("id-2", at(second));
        assert_eq!(next.is_some(), renewed, "{second}");
        if let Some(next) = next {
            assert_eq!(next, Claims::log_in("admin", "id-2", at(second), 86_400));
            assert!(check(&key().sign(&next), second).is_ok());
        }
    }
    let config = [("accounts.ci".to_owned(), "apiKey".to_owned())].into();
    let secret = [("accounts.ci.tokens".to_owned(), br#"[{"id":"id-1"}]"#.to_vec())].into();
    let (accounts, problems) = Accounts::read(&config, &secret);
    assert_eq!(problems, []);
    let token = key().sign(&Claims::api_key("ci", "id-1", at(0), 60));
    let none = (ProjectTokens::default(), Revocations::default());
    let session = verify(&token, &key(), &accounts, &none.0, &none.1, at(59)).unwrap();
    assert_eq!(session.renewed("id-2", at(59)), None, "tokens of accounts are made anew by people");
}

/// A95: with another key no session counts.
#[test]
fn another_key_ends_all_sessions() {
    let old = SigningKey::new(b"the key before".to_vec()).unwrap();
    let ended = check(&old.sign(&login()), 1);
    assert_eq!(ended, Err(SessionError::Token(TokenError::Signature)));
}

#[test]
fn every_byte_of_a_token_counts() {
    let token = key().sign(&login());
    for i in 0..token.len() {
        for other in ['A', '_', '.', '=', ' ', 'é'] {
            let mut changed: Vec<char> = token.chars().collect();
            if changed[i] == other {
                continue;
            }
            changed[i] = other;
            let changed: String = changed.into_iter().collect();
            assert!(check(&changed, 1).is_err(), "{i} {other}");
        }
    }
    for text in [
        "",
        ".",
        "..",
        "...",
        &"a".repeat(1 << 20),
        &format!("{token}.x"),
        &format!(" {token}"),
        &format!("{token}\n"),
    ] {
        assert!(check(text, 1).is_err(), "{text:.40}");
    }
    for end in 0..token.len() {
        assert!(check(token.get(..end).unwrap(), 1).is_err(), "{end}");
    }
}

/// A94: what was logged out stays so, also for replicas and after a restart, until it would have ended.
#[test]
fn a_revoked_token_stays_revoked() {
    let (accounts, _) = Accounts::read(&BTreeMap::new(), &BTreeMap::new());
    let claims = login();
    let token = key().sign(&claims);
    let mut here = Revocations::default();
    assert!(here.revoke(&claims, at(1)));
    let mut there: Revocations = serde_json::from_str("{\"id-9\":1800000000}").unwrap();
    there.join(&serde_json::from_str(&serde_json::to_string(&here).unwrap()).unwrap());
    for revoked in [&here, &there] {
        let result = verify(&token, &key(), &accounts, &ProjectTokens::default(), revoked, at(2));
        assert_eq!(result, Err(SessionError::Revoked));
    }
    let other = Claims::log_in("admin", "id-2", at(90_000), 10);
    assert!(here.revoke(&other, at(90_000)));
    assert_eq!(
        serde_json::to_string(&here).unwrap(),
        format!("{{\"id-2\":{}}}", MADE + 90_010),
        "the first has ended"
    );
    assert!(!here.revoke(&Claims::log_in("admin", "", at(0), 0), at(0)));
}

/// A79: a role's token ends with its role, its project or its entry, at once.
#[test]
fn a_token_of_a_project_ends_with_what_it_stands_on() {
    let whole = json!({"metadata": {"name": "demo"}, "spec": {"roles": [
        {"name": "ci", "jwtTokens": [{"id": "id-1", "iat": MADE}]},
        {"name": "other", "jwtTokens": [{"id": "id-2", "iat": MADE}]},
    ]}});
    let (accounts, _) = Accounts::read(&BTreeMap::new(), &BTreeMap::new());
    let token = key().sign(&Claims::project_role("demo", "ci", "id-1", at(0), 0));
    let mut tokens = ProjectTokens::default();
    let mut check = |value: Option<Value>| {
        match value {
            Some(value) => tokens.set(&project(value)),
            None => tokens.remove("demo"),
        }
        verify(&token, &key(), &accounts, &tokens, &Revocations::default(), at(5)).is_ok()
    };
    assert!(check(Some(whole.clone())));
    for path in ["/spec/roles/0/jwtTokens/0", "/spec/roles/0"] {
        let mut less = whole.clone();
        let (list, _) = path.rsplit_once('/').unwrap();
        less.pointer_mut(list).unwrap().as_array_mut().unwrap().remove(0);
        assert!(!check(Some(less)), "{path}");
        assert!(check(Some(whole.clone())));
    }
    assert!(!check(None));
}

/// Whom to ask is found in tokens that are too long to be ours, and in none without bounds.
#[test]
fn issuers_of_long_tokens() {
    let idp = |groups: usize| {
        let claims = json!({"iss": "https://idp.example.com", "groups": vec!["a group of people"; groups]});
        format!(
            "e30.{}.c2ln",
            base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, claims.to_string())
        )
    };
    for (groups, expected) in [(1, true), (5_000, true), (20_000, false)] {
        assert_eq!(issuer_of(&idp(groups)).is_some_and(|issuer| issuer.ends_with("example.com")), expected);
    }
    assert_eq!(check(&idp(5_000), 1), Err(SessionError::Token(TokenError::Malformed("it is too long"))));
}

#[test]
fn ids_are_random_uuids() {
    assert_eq!(token_id([0; 16]), "00000000-0000-4000-8000-000000000000");
    assert_eq!(token_id([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}
