//! A provider: what is known of it, and its verdict on tokens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use net::{Flights, Proxies};
use reqwest::Client;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::discovery::Endpoints;
use crate::error::Error;
use crate::keys::Keys;
use crate::shelf::Shelf;
use crate::token::{Claims, Expected, Refused, Token};
use crate::user_info::Users;
use crate::web;

/// How often a provider is asked for its keys at most, in seconds, whatever tokens we are shown.
pub const RENEWED_EVERY_SECONDS: i64 = 10;
/// How old keys are before they are asked for anew, in seconds.
const FRESH_SECONDS: i64 = 600;
/// How old keys may become while the provider cannot be asked, in seconds.
const KEPT_SECONDS: i64 = 24 * 3600;

/// Questions for tokens that are under way at one time; who comes later waits.
const TURNS: usize = 32;

/// A provider. It is asked when something is needed of it, and what it says is kept.
#[derive(Debug)]
pub struct Provider {
    config: Config,
    pub(crate) client: Client,
    known: Mutex<Option<Arc<Known>>>,
    /// When it was asked last; held while it is asked.
    asked: tokio::sync::Mutex<Option<(i64, Error)>>,
    pub(crate) users: Users,
    pub(crate) shelf: Option<Arc<dyn Shelf>>,
    /// Turns at asking for tokens: strangers can have codes of theirs tried.
    pub(crate) turns: Semaphore,
}

/// What it said of itself.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) endpoints: Endpoints,
    keys: Keys,
    /// When, in seconds since 1970.
    at: i64,
}

impl Provider {
    /// One that was not asked yet. `proxies` are the ways out.
    ///
    /// # Errors
    /// No client can be made with the certificates or proxies; a sentence.
    pub fn new(config: Config, proxies: &Proxies) -> Result<Self, String> {
        let client = web::client(&config, proxies)?;
        let (known, asked, users) = (Mutex::default(), tokio::sync::Mutex::default(), Users::default());
        let (shelf, turns) = (None, Semaphore::new(TURNS));
        Ok(Self { config, client, known, asked, users, shelf, turns })
    }

    /// As it is configured.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What a token says, if this provider made it for us and it counts now.
    ///
    /// A token by a key that we do not know has the keys asked for anew, at most every [`RENEWED_EVERY_SECONDS`], and only if all else of it
    /// is as it should be. Keys older than ten minutes are asked for anew beside; while that fails they count for a day.
    ///
    /// # Errors
    /// See [`Refused`]; the provider could not be asked.
    pub async fn verify(self: &Arc<Self>, token: &str, now: Timestamp) -> Result<Claims, Error> {
        self.verify_with(token, None, now).await
    }

    /// As [`Self::verify`]; a token that answers a login has its nonce.
    pub(crate) async fn verify_with(
        self: &Arc<Self>,
        token: &str,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Claims, Error> {
        let token = Token::read(token)?;
        let mut expected = self.expected(nonce);
        // Who shows us something for others has nobody asked, the first time, too.
        token.check(&expected, now)?;
        let known = self.known(now).await?;
        expected.algorithms.clone_from(&known.endpoints.algorithms);
        match token.open(&known.keys, &expected, now) {
            Err(refused @ (Refused::UnknownKey | Refused::Signature)) => {
                let Ok(newer) = self.renew(Some(&known), now).await else { return Err(refused.into()) };
                if Arc::ptr_eq(&newer, &known) {
                    return Err(refused.into());
                }
                expected.algorithms.clone_from(&newer.endpoints.algorithms);
                Ok(token.open(&newer.keys, &expected, now)?)
            }
            verdict => Ok(verdict?),
        }
    }

    fn expected(&self, nonce: Option<&str>) -> Expected {
        let audiences = self.config.audiences();
        // Where it is written down who may come, it need not have been given to one of us.
        let presenters =
            if self.config.allowed_audiences.is_empty() { audiences.clone() } else { Vec::new() };
        Expected {
            issuer: self.config.issuer.clone(),
            audiences,
            presenters,
            audience_optional: self.config.skip_audience_check_when_token_has_no_audience,
            algorithms: Vec::new(),
            nonce: nonce.map(str::to_owned),
        }
    }

    /// What is known of it; it is asked where that is nothing or too old.
    pub(crate) async fn known(self: &Arc<Self>, now: Timestamp) -> Result<Arc<Known>, Error> {
        let known = self.current();
        let age = known.as_ref().map(|known| now.as_second().saturating_sub(known.at));
        match (known, age) {
            (Some(known), Some(..=FRESH_SECONDS)) => Ok(known),
            (Some(known), Some(..=KEPT_SECONDS)) => {
                // Nobody waits for it, and nobody asks while somebody does.
                if self.asked.try_lock().is_ok_and(|asked| !is_recent(&asked, now)) {
                    let (own, seen) = (Arc::clone(self), Arc::clone(&known));
                    tokio::spawn(async move { own.renew(Some(&seen), now).await.map(drop) });
                }
                Ok(known)
            }
            (known, _) => self.renew(known.as_ref(), now).await,
        }
    }

    fn current(&self) -> Option<Arc<Known>> {
        lock(&self.known).clone()
    }

    /// Asks it again, or takes what somebody else has asked for since it was `seen`.
    async fn renew(&self, seen: Option<&Arc<Known>>, now: Timestamp) -> Result<Arc<Known>, Error> {
        let mut asked = self.asked.lock().await;
        if let Some(known) = self.current()
            && seen.is_none_or(|seen| !Arc::ptr_eq(seen, &known))
        {
            return Ok(known);
        }
        if let Some((_, error)) = asked.as_ref().filter(|_| is_recent(&asked, now)) {
            return Err(error.clone());
        }
        let second = now.as_second();
        let outcome = self.ask(second).await;
        let failed = match &outcome {
            Ok(_) => Error::Refused(Refused::UnknownKey),
            Err(error) => error.clone(),
        };
        *asked = Some((second, failed));
        match outcome {
            Ok(known) => {
                let known = Arc::new(known);
                *lock(&self.known) = Some(Arc::clone(&known));
                Ok(known)
            }
            Err(error) => {
                tracing::warn!(issuer = %self.config.issuer, %error, "the identity provider did not say who it is");
                Err(error)
            }
        }
    }

    async fn ask(&self, at: i64) -> Result<Known, Error> {
        let issuer = &self.config.issuer;
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let what = "its configuration";
        let body = web::get(&self.client, &place, what).await?;
        let endpoints = Endpoints::read(&body, issuer)
            .map_err(|detail| Error::Protocol { what: "configuration", detail: detail.to_owned() })?;
        let body = web::get(&self.client, &endpoints.keys, "its keys").await?;
        let keys = Keys::read(&body)
            .map_err(|detail| Error::Protocol { what: "keys", detail: detail.to_owned() })?;
        Ok(Known { endpoints, keys, at })
    }
}

/// Whether it was asked a moment ago.
fn is_recent(asked: &Option<(i64, Error)>, now: Timestamp) -> bool {
    asked.as_ref().is_some_and(|(at, _)| (*at..*at + RENEWED_EVERY_SECONDS).contains(&now.as_second()))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Questions about users that are under way.
pub(crate) type UserFlights<T> = Flights<String, Result<T, Error>>;
