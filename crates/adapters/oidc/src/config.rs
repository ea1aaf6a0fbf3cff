//! `oidc.config` of `argocd-cm`.

use std::cell::RefCell;
use std::time::Duration;

use net::Secret;
use reqwest::Url;
use serde_json::{Map, Value};

/// Scopes that are asked for where none are named.
const SCOPES: [&str; 4] = ["openid", "profile", "email", "groups"];
/// Most entries of one list.
const ENTRIES: usize = 256;

/// An identity provider, and who we are to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What people call it.
    pub name: String,
    /// Its issuer, as its tokens have it.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// Our password, empty for a public client.
    pub client_secret: Secret,
    /// Who the command line is to it; the same as ours where it is empty.
    pub cli_client_id: String,
    /// `requestedScopes`, as they are written.
    pub requested_scopes: Vec<String>,
    /// `requestedIDTokenClaims`: the claims parameter, by claim.
    pub requested_id_token_claims: Map<String, Value>,
    /// `allowedAudiences`; see [`Config::audiences`].
    pub allowed_audiences: Vec<String>,
    /// Whether a token may be for nobody in particular.
    pub skip_audience_check_when_token_has_no_audience: bool,
    /// Whether groups come from the user info endpoint.
    pub enable_user_info_groups: bool,
    /// Where [`Self::user_info_path`] is instead of below the issuer.
    pub user_info_base_url: String,
    /// Path of the user info endpoint.
    pub user_info_path: String,
    /// How long an answer of it is kept; as long as the token where it is zero.
    pub user_info_cache: Duration,
    /// Where a browser goes that logs out; `{{token}}` and `{{logoutRedirectURL}}` are filled in.
    pub logout_url: String,
    /// Certificates that it is trusted by, instead of the system's.
    pub root_ca: String,
    /// Whether codes are bound to whoever asked for them (PKCE) also where the provider does not announce that it can.
    pub pkce: bool,
    /// Which domain's login is shown.
    pub domain_hint: String,
    /// `azure.useWorkloadIdentity`: whether the token of the pod's service account stands for a password.
    pub workload_identity: bool,
    /// How long before its end a session is made anew by its refresh token; never where it is zero.
    pub refresh_token_threshold: Duration,
    /// `oidc.tls.insecure.skip.verify`: whether any certificate will do.
    pub insecure: bool,
}

/// What is wrong with `oidc.config`. Values are not repeated: they may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is no YAML.
    #[error("it is not YAML: {0}")]
    Yaml(String),
    /// It is not a map.
    #[error("a map was expected")]
    NotAMap,
    /// A field is not what it should be.
    #[error("{field}: {why}")]
    Field {
        /// The field.
        field: &'static str,
        /// What was expected.
        why: String,
    },
}

fn wrong(field: &'static str, why: impl Into<String>) -> ConfigError {
    ConfigError::Field { field, why: why.into() }
}

impl Config {
    /// Reads it; beside it, lines for people about references that lead to nothing.
    ///
    /// **Shape**: a map in YAML with the peer's names. Any text of it that is `$key` stands for that entry of `argocd-secret`, `$name:key`
    /// for one of another Secret; `secret` has them. Numbers and truth values stand for their texts where a text is expected, null for
    /// nothing; unknown names are passed over. `insecure` is `oidc.tls.insecure.skip.verify`.
    /// **Errors**: see [`ConfigError`]; an issuer that is no URL, no client, certificates that are not PEM and durations that are none are
    /// errors, too. The peer goes on without those.
    /// **Source**: `ArgoCDSettings.oidcConfig`, `ReplaceMapSecrets`.
    pub fn read(
        text: &str,
        insecure: bool,
        secret: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let value = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default());
        let value = value.map_err(|error| ConfigError::Yaml(error.to_string()))?;
        let Value::Object(map) = value else { return Err(ConfigError::NotAMap) };
        let missing = RefCell::new(Vec::new());
        let resolve = |text: &str| {
            let Some(key) = text.strip_prefix('$') else { return text.to_owned() };
            secret(key).map(|value| value.trim().to_owned()).unwrap_or_else(|| {
                missing
                    .borrow_mut()
                    .push(format!("there is no ${key} in argocd-secret or the Secret that it names"));
                text.to_owned()
            })
        };
        let fields = Fields { map: &map, resolve: &resolve };
        let azure = match map.get("azure") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(azure)) => azure.clone(),
            Some(_) => return Err(wrong("azure", "a map was expected")),
        };
        let config = Self {
            name: fields.text("name")?,
            issuer: fields.text("issuer")?,
            client_id: fields.text("clientID")?,
            client_secret: Secret::new(fields.text("clientSecret")?),
            cli_client_id: fields.text("cliClientID")?,
            requested_scopes: fields.list("requestedScopes")?,
            requested_id_token_claims: fields.claims("requestedIDTokenClaims")?,
            allowed_audiences: fields.list("allowedAudiences")?,
            skip_audience_check_when_token_has_no_audience: fields
                .truth("skipAudienceCheckWhenTokenHasNoAudience")?,
            enable_user_info_groups: fields.truth("enableUserInfoGroups")?,
            user_info_base_url: fields.text("userInfoBaseURL")?,
            user_info_path: fields.text("userInfoPath")?,
            user_info_cache: fields.duration("userInfoCacheExpiration")?,
            logout_url: fields.text("logoutURL")?,
            root_ca: fields.text("rootCA")?,
            pkce: fields.truth("enablePKCEAuthentication")?,
            domain_hint: fields.text("domainHint")?,
            workload_identity: Fields { map: &azure, resolve: &resolve }.truth("useWorkloadIdentity")?,
            refresh_token_threshold: fields.duration("refreshTokenThreshold")?,
            insecure,
        };
        config.check()?;
        Ok((config, missing.into_inner()))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let issuer =
            web_url(&self.issuer).ok_or_else(|| wrong("issuer", "a URL of http or https was expected"))?;
        if issuer.query().is_some() || issuer.fragment().is_some() {
            return Err(wrong("issuer", "a URL without a query was expected"));
        }
        if self.client_id.is_empty() {
            return Err(wrong("clientID", "is missing"));
        }
        for (field, url) in [("userInfoBaseURL", &self.user_info_base_url), ("logoutURL", &self.logout_url)] {
            if !url.is_empty() && web_url(url).is_none() {
                return Err(wrong(field, "a URL of http or https was expected"));
            }
        }
        if !self.root_ca.is_empty() {
            net::certificates(&self.root_ca).map_err(|why| wrong("rootCA", why))?;
        }
        Ok(())
    }

    /// Whom a token may be for: `allowedAudiences`, or us and the command line where that is empty.
    ///
    /// **Source**: `ArgoCDSettings.OAuth2AllowedAudiences`.
    pub fn audiences(&self) -> Vec<String> {
        if !self.allowed_audiences.is_empty() {
            return self.allowed_audiences.clone();
        }
        [&self.client_id, &self.cli_client_id].into_iter().filter(|id| !id.is_empty()).cloned().collect()
    }

    /// The scopes that are asked for.
    ///
    /// **Source**: `GetScopesOrDefault`.
    pub fn scopes(&self) -> Vec<String> {
        if self.requested_scopes.is_empty() {
            return SCOPES.map(str::to_owned).to_vec();
        }
        self.requested_scopes.clone()
    }

    /// Where its user info is, if groups are to come from there.
    pub(crate) fn user_info_url(&self) -> Option<String> {
        if !self.enable_user_info_groups || self.user_info_path.is_empty() {
            return None;
        }
        let base = if self.user_info_base_url.is_empty() { &self.issuer } else { &self.user_info_base_url };
        Some(format!("{}/{}", base.trim_end_matches('/'), self.user_info_path.trim_start_matches('/')))
    }
}

/// A URL that a browser or we can be sent to.
pub(crate) fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// A map that is read field by field.
struct Fields<'a, R> {
    map: &'a Map<String, Value>,
    resolve: &'a R,
}

impl<R: Fn(&str) -> String> Fields<'_, R> {
    fn read(&self, field: &'static str, value: &Value) -> Result<String, ConfigError> {
        match value {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok((self.resolve)(text)),
            Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
            Value::Array(_) | Value::Object(_) => Err(wrong(field, "a text was expected")),
        }
    }

    fn text(&self, field: &'static str) -> Result<String, ConfigError> {
        self.map.get(field).map_or(Ok(String::new()), |value| self.read(field, value))
    }

    fn truth(&self, field: &'static str) -> Result<bool, ConfigError> {
        match self.text(field)?.as_str() {
            "" | "false" => Ok(false),
            "true" => Ok(true),
            _ => Err(wrong(field, "true or false was expected")),
        }
    }

    fn duration(&self, field: &'static str) -> Result<Duration, ConfigError> {
        let text = self.text(field)?;
        if text.is_empty() {
            return Ok(Duration::ZERO);
        }
        api::parse_duration(&text).map_err(|error| wrong(field, error.to_string()))
    }

    fn list(&self, field: &'static str) -> Result<Vec<String>, ConfigError> {
        match self.map.get(field) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(list)) if list.len() <= ENTRIES => {
                list.iter().map(|value| self.read(field, value)).collect()
            }
            Some(_) => Err(wrong(field, format!("a list of at most {ENTRIES} texts was expected"))),
        }
    }

    /// Claims as the peer knows them: `essential`, `value` and `values` of each.
    fn claims(&self, field: &'static str) -> Result<Map<String, Value>, ConfigError> {
        let map = match self.map.get(field) {
            None | Some(Value::Null) => return Ok(Map::new()),
            Some(Value::Object(map)) if map.len() <= ENTRIES => map,
            Some(_) => return Err(wrong(field, "a map by claim was expected")),
        };
        let claim = |claim: &Value| {
            let claim = match claim {
                Value::Null => return Ok(Value::Null),
                Value::Object(claim) => Fields { map: claim, resolve: self.resolve },
                _ => return Err(wrong(field, "a map by claim was expected")),
            };
            let mut read = Map::new();
            if claim.truth("essential")? {
                read.insert("essential".to_owned(), Value::Bool(true));
            }
            let (value, values) = (claim.text("value")?, claim.list("values")?);
            if !value.is_empty() {
                read.insert("value".to_owned(), value.into());
            }
            if !values.is_empty() {
                read.insert("values".to_owned(), values.into());
            }
            Ok(Value::Object(read))
        };
        map.iter().map(|(name, value)| Ok((name.clone(), claim(value)?))).collect()
    }
}

#[cfg(test)]
mod tests;
