//! What a provider says of itself.

use serde_json::Value;

use crate::config::web_url;
use crate::keys::Algorithm;

/// Where a provider is asked what, and what it can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where browsers log in.
    pub authorization: String,
    /// Where codes become tokens.
    pub token: String,
    /// Where its keys are.
    pub keys: String,
    /// How it signs, of what we know; RS256 where it does not say.
    pub algorithms: Vec<Algorithm>,
    /// Whether it gives codes to browsers.
    pub codes: bool,
    /// Whether it binds codes to whoever asked for them (PKCE by S256).
    pub pkce: bool,
    /// Whether it gives refresh tokens to whoever asks for `offline_access`.
    pub offline_access: bool,
}

impl Endpoints {
    /// Reads `.well-known/openid-configuration`.
    ///
    /// **Errors**: why it is none of this issuer's, a sentence. Its issuer must be the one that is configured, to the letter; where that is
    /// had by https, so must be everything.
    /// **Source**: `go-oidc`'s `NewProvider`.
    pub fn read(json: &[u8], issuer: &str) -> Result<Self, &'static str> {
        let value: Value = serde_json::from_slice(json).map_err(|_| "what it says of itself is no JSON")?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let list = |name: &str| {
            let list = value.get(name).and_then(Value::as_array);
            list.map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>())
        };
        if text("issuer") != issuer {
            return Err("it calls itself by another issuer than oidc.config does");
        }
        let secure = issuer.starts_with("https:");
        let place = |name: &str, why| {
            let url = web_url(text(name)).ok_or(why)?;
            if secure && url.scheme() != "https" {
                return Err("it has parts without TLS");
            }
            Ok(url.into())
        };
        let algorithms = match list("id_token_signing_alg_values_supported") {
            Some(names) if !names.is_empty() => names.into_iter().filter_map(Algorithm::parse).collect(),
            _ => vec![Algorithm::Rs256],
        };
        if algorithms.is_empty() {
            return Err("it signs in no way that is permitted");
        }
        Ok(Self {
            authorization: place("authorization_endpoint", "it does not say where to log in")?,
            token: place("token_endpoint", "it does not say where tokens are had")?,
            keys: place("jwks_uri", "it does not say where its keys are")?,
            algorithms,
            codes: list("response_types_supported").is_none_or(|all| all.contains(&"code")),
            pkce: list("code_challenge_methods_supported").is_some_and(|all| all.contains(&"S256")),
            // Only recommended, so that who does not say which scopes there are has this one, too.
            offline_access: list("scopes_supported").is_none_or(|all| all.contains(&"offline_access")),
        })
    }
}
