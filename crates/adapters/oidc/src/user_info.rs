//! What a provider says of a user when it is asked, and what it is asked by.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use reqwest::{StatusCode, header};
use serde_json::Value;

use crate::error::Error;
use crate::exchange::Tokens;
use crate::provider::{Provider, RENEWED_EVERY_SECONDS, UserFlights, lock};
use crate::token::Claims;
use crate::web;

/// Most users that something is kept of.
const USERS: usize = 10_000;
const INFO: &str = "user info";

/// What is known here of users while their sessions last; [`crate::Shelf`] has what others need of it.
#[derive(Default)]
pub(crate) struct Users {
    kept: Mutex<BTreeMap<String, Kept>>,
    /// Users of whom new tokens could not be had.
    refused: Recent,
    /// Users of whom others were asked for newer tokens.
    recalled: Recent,
    asking: UserFlights<Value>,
    pub(crate) refreshing: UserFlights<Option<Tokens>>,
}

/// What was tried of users a moment ago: when, in seconds since 1970.
#[derive(Default)]
struct Recent(Mutex<BTreeMap<String, i64>>);

impl Recent {
    fn has(&self, subject: &str, now: i64) -> bool {
        lock(&self.0).get(subject).is_some_and(|at| (*at..*at + RENEWED_EVERY_SECONDS).contains(&now))
    }

    fn set(&self, subject: &str, now: i64) {
        let mut tried = lock(&self.0);
        if tried.len() >= USERS {
            tried.retain(|_, at| (*at..*at + RENEWED_EVERY_SECONDS).contains(&now));
        }
        if tried.len() < USERS {
            tried.insert(subject.to_owned(), now);
        }
    }
}

struct Kept {
    tokens: Tokens,
    /// What it said, and until when that counts.
    info: Option<(Arc<Value>, i64)>,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Users(…)")
    }
}

impl Users {
    pub(crate) fn remember(&self, tokens: &Tokens) {
        let mut kept = lock(&self.kept);
        let claims = &tokens.claims;
        if kept.len() >= USERS && !kept.contains_key(&claims.subject) {
            // Whoever's session ends first loses least.
            let first = kept
                .iter()
                .min_by_key(|(_, kept)| kept.tokens.claims.expires_at)
                .map(|(subject, _)| subject.clone());
            if let Some(first) = first {
                kept.remove(&first);
            }
        }
        kept.insert(claims.subject.clone(), Kept { tokens: tokens.clone(), info: None });
    }

    pub(crate) fn tokens_of(&self, subject: &str) -> Option<Tokens> {
        lock(&self.kept).get(subject).map(|kept| kept.tokens.clone())
    }

    pub(crate) fn forget(&self, subject: &str) {
        lock(&self.kept).remove(subject);
    }

    /// New tokens could not be had.
    pub(crate) fn refused(&self, subject: &str, now: Timestamp) {
        self.refused.set(subject, now.as_second());
    }

    /// Whether that was a moment ago.
    pub(crate) fn was_refused(&self, subject: &str, now: Timestamp) -> bool {
        self.refused.has(subject, now.as_second())
    }

    fn info_of(&self, subject: &str, now: i64) -> Option<Arc<Value>> {
        let kept = lock(&self.kept);
        let (info, until) = kept.get(subject)?.info.as_ref()?;
        (now < *until).then(|| Arc::clone(info))
    }

    fn set_info(&self, subject: &str, info: Value, until: i64) {
        if let Some(kept) = lock(&self.kept).get_mut(subject) {
            kept.info = Some((Arc::new(info), until));
        }
    }
}

impl Provider {
    /// The claims of a user, with the groups that the provider's user info names, where it is configured to be asked for them.
    ///
    /// **Shape**: `groups` is what the user info says, or nothing; all else is as it was. An answer counts for `userInfoCacheExpiration`,
    /// or as long as the token.
    /// **Errors**: there is no access token of the user (they did not log in by our pages), or it does not count any more;
    /// the provider does not answer, or speaks of somebody else.
    /// **Source**: `ClientApp.SetGroupsFromUserInfo`, `GetUserInfo`.
    pub async fn with_groups(self: &Arc<Self>, mut claims: Claims, now: Timestamp) -> Result<Claims, Error> {
        let Some(place) = self.config().user_info_url() else { return Ok(claims) };
        let info = match self.users.info_of(&claims.subject, now.as_second()) {
            Some(info) => (*info).clone(),
            None => {
                self.users.asking.join(claims.subject.clone(), self.ask_about(&claims, &place, now)).await?
            }
        };
        if let Value::Object(all) = &mut claims.all {
            match info.get("groups") {
                Some(groups) => drop(all.insert("groups".to_owned(), groups.clone())),
                None => drop(all.remove("groups")),
            }
        }
        Ok(claims)
    }

    /// By the token that is known here, or by a newer one that others have.
    async fn ask_about(
        self: &Arc<Self>,
        claims: &Claims,
        place: &str,
        now: Timestamp,
    ) -> Result<Value, Error> {
        let (subject, second) = (&claims.subject, now.as_second());
        let told = self.ask_by_known(claims, place, now).await;
        if !matches!(told, Err(Error::NoAccess)) || self.users.recalled.has(subject, second) {
            return told;
        }
        self.users.recalled.set(subject, second);
        if self.recall(subject, now).await { self.ask_by_known(claims, place, now).await } else { told }
    }

    async fn ask_by_known(
        self: &Arc<Self>,
        claims: &Claims,
        place: &str,
        now: Timestamp,
    ) -> Result<Value, Error> {
        let access = self.users.tokens_of(&claims.subject).map(|tokens| tokens.access);
        let access = access.filter(|access| !access.expose().is_empty()).ok_or(Error::NoAccess)?;
        let request =
            self.client.get(place).bearer_auth(access.expose()).header(header::ACCEPT, "application/json");
        let answer = web::ask(request, INFO).await?;
        let info = match answer.status {
            StatusCode::OK if answer.kind == "application/jwt" => {
                let token = String::from_utf8_lossy(&answer.body);
                self.verify(token.trim(), now).await?.all
            }
            StatusCode::OK => serde_json::from_slice(&answer.body)
                .map_err(|_| Error::Protocol { what: INFO, detail: "it is no JSON".to_owned() })?,
            StatusCode::UNAUTHORIZED => return Err(Error::NoAccess),
            other => return Err(Error::Denied { what: INFO, detail: other.as_u16().to_string() }),
        };
        if info.get("sub").and_then(Value::as_str) != Some(claims.subject.as_str()) {
            return Err(Error::Protocol { what: INFO, detail: "it speaks of another user".to_owned() });
        }
        let cache = i64::try_from(self.config().user_info_cache.as_secs()).unwrap_or(i64::MAX);
        let until = if cache == 0 { claims.expires_at } else { now.as_second().saturating_add(cache) };
        self.users.set_info(&claims.subject, info.clone(), until.min(claims.expires_at));
        Ok(info)
    }
}
