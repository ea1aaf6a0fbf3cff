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

/// What is kept of users while their sessions last. In memory alone: after a restart they log in again where it is needed.
#[derive(Default)]
pub(crate) struct Users {
    kept: Mutex<BTreeMap<String, Kept>>,
    asking: UserFlights<Value>,
    pub(crate) refreshing: UserFlights<Tokens>,
}

struct Kept {
    tokens: Tokens,
    /// When new ones could not be had, in seconds since 1970.
    refused: Option<i64>,
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
        kept.insert(claims.subject.clone(), Kept { tokens: tokens.clone(), refused: None, info: None });
    }

    pub(crate) fn tokens_of(&self, subject: &str) -> Option<Tokens> {
        lock(&self.kept).get(subject).map(|kept| kept.tokens.clone())
    }

    /// New tokens could not be had.
    pub(crate) fn refused(&self, subject: &str, now: Timestamp) {
        if let Some(kept) = lock(&self.kept).get_mut(subject) {
            kept.refused = Some(now.as_second());
        }
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
    /// Forgets what is kept of a user who logs out.
    pub fn forget(&self, subject: &str) {
        lock(&self.users.kept).remove(subject);
    }

    /// Whether a user's tokens can be had anew, as far as is known: not for [`RENEWED_EVERY_SECONDS`] after they could not.
    pub fn can_refresh(&self, subject: &str, now: Timestamp) -> bool {
        lock(&self.users.kept).get(subject).is_some_and(|kept| {
            let recent = |at: i64| (at..at + RENEWED_EVERY_SECONDS).contains(&now.as_second());
            kept.tokens.refresh.is_some() && !kept.refused.is_some_and(recent)
        })
    }

    /// The claims of a user, with the groups that the provider's user info names, where it is configured to be asked for them.
    ///
    /// **Shape**: `groups` is what the user info says, or nothing; all else is as it was. An answer counts for `userInfoCacheExpiration`,
    /// or as long as the token.
    /// **Errors**: there is no access token of the user (they did not log in by our pages since the start), or it does not count any more;
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

    async fn ask_about(
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
