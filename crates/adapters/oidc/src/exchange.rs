//! Logging in: what a browser is sent to, and what its code is worth.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use net::Secret;
use reqwest::{Client, StatusCode, Url, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::config::Config;
use crate::error::Error;
use crate::provider::{Known, Provider};
use crate::token::Claims;
use crate::web::{self, Answer};

/// What the pod's own token is called where Azure's webhook puts it.
const FEDERATED_TOKEN: &str = "/var/run/secrets/azure/tokens/azure-identity-token";
const TOKENS: &str = "tokens";

/// What stands between a login that is begun and its end.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// Where a browser is sent.
    pub url: String,
    /// Whether the code is bound to the verifier that was given.
    pub bound: bool,
}

/// What a code or a refresh token was worth.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The user's token, to be shown to us from now on.
    pub id: Secret,
    /// What it says; it was verified.
    pub claims: Claims,
    /// For questions to the provider about the user.
    pub access: Secret,
    /// For other tokens.
    pub refresh: Option<Secret>,
}

/// The sum of a verifier that binds a code to it (PKCE's S256).
pub fn challenge_of(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

impl Provider {
    /// Where a browser logs in.
    ///
    /// **Shape**: the code flow. The code is bound to `verifier` where `enablePKCEAuthentication` or the provider says so. With
    /// `refreshTokenThreshold`, `offline_access` is asked for, too, where there is such a scope.
    /// **Errors**: the provider cannot be asked, or gives no codes to browsers (the peer's implicit flow is not done: its tokens are in URLs).
    pub async fn challenge(
        self: &Arc<Self>,
        redirect: &str,
        state: &str,
        nonce: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Challenge, Error> {
        let (known, config) = (self.known(now).await?, self.config());
        let what = "configuration";
        if !known.endpoints.codes {
            let detail = "it has no code flow, and the implicit one is not done".to_owned();
            return Err(Error::Protocol { what, detail });
        }
        let mut url = Url::parse(&known.endpoints.authorization)
            .map_err(|error| Error::Protocol { what, detail: error.to_string() })?;
        let bound = bound(config, &known);
        let mut scopes = config.scopes();
        let offline = !config.refresh_token_threshold.is_zero() && known.endpoints.offline_access;
        if offline && !scopes.iter().any(|scope| scope == "offline_access") {
            scopes.push("offline_access".to_owned());
        }
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("client_id", &config.client_id);
            query.append_pair("redirect_uri", redirect);
            query.append_pair("response_type", "code");
            query.append_pair("scope", &scopes.join(" "));
            query.append_pair("state", state);
            query.append_pair("nonce", nonce);
            if offline {
                // Google gives none without the one, and OpenID Connect none without the other.
                query.append_pair("access_type", "offline").append_pair("prompt", "consent");
            }
            if bound {
                query.append_pair("code_challenge", &challenge_of(verifier));
                query.append_pair("code_challenge_method", "S256");
            }
            if !config.requested_id_token_claims.is_empty() {
                let claims = json!({"id_token": config.requested_id_token_claims});
                query.append_pair("claims", &claims.to_string());
            }
            if !config.domain_hint.is_empty() {
                query.append_pair("domain_hint", &config.domain_hint);
            }
        }
        Ok(Challenge { url: url.into(), bound })
    }

    /// What a code is worth that came back. Its user can be asked about from then on.
    ///
    /// # Errors
    /// The provider does not take it; the token does not count, or belongs to another login than that of this `nonce`.
    pub async fn exchange(
        self: &Arc<Self>,
        code: &str,
        redirect: &str,
        verifier: Option<&str>,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let known = self.known(now).await?;
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect)];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let answer = self.tokens(&known, &fields).await?;
        let tokens = self.read(&answer, Some(nonce), now).await?;
        self.keep(&tokens, now).await;
        Ok(tokens)
    }

    /// Whether a session is to be made anew: it ends within `refreshTokenThreshold`.
    pub fn ends_soon(&self, claims: &Claims, now: Timestamp) -> bool {
        let threshold = i64::try_from(self.config().refresh_token_threshold.as_secs()).unwrap_or(i64::MAX);
        threshold > 0 && claims.expires_at.saturating_sub(now.as_second()) <= threshold
    }

    /// Other tokens for a user by the refresh token that is kept; several who ask at once get the same, and what another replica had made
    /// anew is taken over. `None` where none is kept, another replica is at it, or they could not be had a moment ago
    /// ([`crate::RENEWED_EVERY_SECONDS`]).
    ///
    /// # Errors
    /// The provider does not take it; the new token does not count or is somebody else's.
    pub async fn refresh(self: &Arc<Self>, claims: &Claims, now: Timestamp) -> Result<Option<Tokens>, Error> {
        let subject = &claims.subject;
        if self.users.was_refused(subject, now) {
            return Ok(None);
        }
        let again = async {
            let fresh = || self.users.tokens_of(subject).filter(|kept| !self.ends_soon(&kept.claims, now));
            if let Some(kept) = fresh() {
                return Ok(Some(kept));
            }
            self.recall(subject, now).await;
            if let Some(kept) = fresh() {
                return Ok(Some(kept));
            }
            if self.users.tokens_of(subject).is_none_or(|kept| kept.refresh.is_none()) {
                self.users.refused(subject, now);
                return Ok(None);
            }
            if !self.turn(subject, now).await {
                return Ok(None);
            }
            if let Some(kept) = fresh() {
                return Ok(Some(kept));
            }
            let kept = self.users.tokens_of(subject);
            let refresh = kept.and_then(|kept| kept.refresh).ok_or(Error::NoAccess)?;
            let mut tokens = self.redeem(&refresh, now).await?;
            if tokens.claims.subject != *subject {
                return Err(Error::Protocol { what: TOKENS, detail: "they are of another user".to_owned() });
            }
            tokens.refresh = tokens.refresh.or(Some(refresh));
            self.keep(&tokens, now).await;
            Ok(Some(tokens))
        };
        let outcome = self.users.refreshing.join(subject.clone(), again).await;
        if outcome.is_err() {
            self.users.refused(subject, now);
        }
        outcome
    }

    /// What a refresh token is worth, whoever has kept it.
    ///
    /// # Errors
    /// The provider does not take it; the new token does not count.
    pub async fn redeem(self: &Arc<Self>, refresh: &Secret, now: Timestamp) -> Result<Tokens, Error> {
        let known = self.known(now).await?;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        let answer = self.tokens(&known, &fields).await?;
        self.read(&answer, None, now).await
    }

    async fn read(
        self: &Arc<Self>,
        answer: &Value,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let no_id = || Error::Protocol { what: TOKENS, detail: "there is no id_token among them".to_owned() };
        let id = text("id_token").ok_or_else(no_id)?;
        let claims = self.verify_with(id, nonce, now).await?;
        Ok(Tokens {
            id: Secret::new(id),
            claims,
            access: Secret::new(text("access_token").unwrap_or_default()),
            refresh: text("refresh_token").map(Secret::new),
        })
    }

    /// Asks for tokens as whom we are: by the pod's own token, by our name alone, or by our password, which providers want in a header or
    /// in the body, and do not say of a client in which.
    async fn tokens(&self, known: &Known, fields: &[(&str, &str)]) -> Result<Value, Error> {
        let _turn = self.turns.acquire().await;
        let config = self.config();
        let secret = config.client_secret.expose();
        let place = known.endpoints.token.as_str();
        let ours = [fields, &[("client_id", config.client_id.as_str())]].concat();
        let answer = if config.workload_identity {
            let token = tokio::fs::read_to_string(FEDERATED_TOKEN).await;
            let unread = |error| Error::Unavailable {
                what: TOKENS,
                detail: format!("the pod's own token cannot be read: {error}"),
            };
            let token = token.map_err(unread)?;
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            let more = [("client_assertion_type", kind), ("client_assertion", token.trim())];
            post(&self.client, place, &[&ours[..], &more].concat(), None).await?
        } else if secret.is_empty() {
            post(&self.client, place, &ours, None).await?
        } else {
            let answer = post(&self.client, place, fields, Some(&basic(config))).await?;
            if is_ours_to_prove(&answer) {
                post(&self.client, place, &[&ours[..], &[("client_secret", secret)]].concat(), None).await?
            } else {
                answer
            }
        };
        let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
        if answer.status != StatusCode::OK {
            let detail = value.as_ref().map(error_of).unwrap_or_default();
            return Err(Error::Denied {
                what: TOKENS,
                detail: format!("{} {detail}", answer.status.as_u16()).trim().to_owned(),
            });
        }
        value.ok_or_else(|| Error::Protocol { what: TOKENS, detail: "they are no JSON".to_owned() })
    }
}

/// Whether codes are bound.
fn bound(config: &Config, known: &Known) -> bool {
    config.pkce || known.endpoints.pkce
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn basic(config: &Config) -> String {
    let pair = format!("{}:{}", encoded(&config.client_id), encoded(config.client_secret.expose()));
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

/// Whether it does not believe who we are. The code is still good then.
fn is_ours_to_prove(answer: &Answer) -> bool {
    let error = serde_json::from_slice::<Value>(&answer.body).ok();
    answer.status == StatusCode::UNAUTHORIZED
        || answer.status.is_client_error() && error.is_some_and(|error| error_of(&error) == "invalid_client")
}

/// The name of an error, if it is a name.
fn error_of(answer: &Value) -> &str {
    let name = answer.get("error").and_then(Value::as_str).unwrap_or_default();
    let is_name = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_name { name } else { "an unnamed error" }
}

async fn post(
    client: &Client,
    place: &str,
    fields: &[(&str, &str)],
    authorization: Option<&str>,
) -> Result<Answer, Error> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut request = client
        .post(place)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(body);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    web::ask(request, TOKENS).await
}
