//! Changes of accounts, as merge patches of the objects that hold them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::account::{ADMIN, Account, Capability, IssuedToken};
use crate::read::prefix;

/// A change of one account. Nothing of it is in the objects until the patches are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    prefix: String,
    secret: Map<String, Value>,
    config: Map<String, Value>,
}

/// Merge patches for `argocd-secret` and `argocd-cm`; `None` where there is nothing to change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Patches {
    /// For the Secret. Its values are secret.
    pub secret: Option<Value>,
    /// For the ConfigMap.
    pub config: Option<Value>,
}

/// Why an account cannot be changed so. The texts are the peer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The id is taken.
    #[error("account already has token with id '{0}'")]
    TokenExists(String),
    /// There is no such token.
    #[error("token with id '{0}' does not exist")]
    NoToken(String),
    /// The account has no tokens.
    #[error("account '{0}' does not have apiKey capability")]
    NoCapability(String),
}

impl Change {
    fn of(account: &Account) -> Self {
        Self { prefix: prefix(&account.name), secret: Map::new(), config: Map::new() }
    }

    /// Another password, by its hash. All sessions and tokens from before end.
    pub fn password(account: &Account, hash: &str, now: Timestamp) -> Self {
        let mut change = Self::of(account);
        change.set_secret("password", hash);
        change.set_secret("passwordMtime", &api::format_time(now));
        change
    }

    /// A token more.
    ///
    /// **Errors**: the id is taken, or the account may have no tokens.
    pub fn add_token(account: &Account, token: IssuedToken) -> Result<Self, ChangeError> {
        if account.tokens.iter().any(|known| known.id == token.id) {
            return Err(ChangeError::TokenExists(token.id));
        }
        if !account.has(Capability::ApiKey) {
            return Err(ChangeError::NoCapability(account.name.clone()));
        }
        let tokens: Vec<_> = account.tokens.iter().cloned().chain([token]).collect();
        Ok(Self::tokens(account, &tokens))
    }

    /// A token less.
    ///
    /// **Errors**: there is none of that id.
    pub fn remove_token(account: &Account, id: &str) -> Result<Self, ChangeError> {
        let tokens: Vec<_> = account.tokens.iter().filter(|token| token.id != id).cloned().collect();
        if tokens.len() == account.tokens.len() {
            return Err(ChangeError::NoToken(id.to_owned()));
        }
        Ok(Self::tokens(account, &tokens))
    }

    fn tokens(account: &Account, tokens: &[IssuedToken]) -> Self {
        let mut change = Self::of(account);
        if tokens.is_empty() {
            change.secret.insert(format!("{}.tokens", change.prefix), Value::Null);
        } else {
            let list: Vec<_> = tokens.iter().map(token_text).collect();
            change.set_secret("tokens", &format!("[{}]", list.join(",")));
        }
        change
    }

    /// Enabled or disabled. The default, enabled, is not written.
    pub fn enable(account: &Account, enabled: bool) -> Self {
        let mut change = Self::of(account);
        let value = if enabled { Value::Null } else { "false".into() };
        change.config.insert(format!("{}.enabled", change.prefix), value);
        if account.name == ADMIN && enabled {
            // Either key disables it.
            change.config.insert("accounts.admin.enabled".to_owned(), Value::Null);
        }
        change
    }

    fn set_secret(&mut self, suffix: &str, value: &str) {
        self.secret.insert(format!("{}.{suffix}", self.prefix), BASE64_STANDARD.encode(value).into());
    }

    /// The patches, to be applied only to the objects in the versions that the account was read from: what somebody else has changed
    /// meanwhile must not be undone.
    pub fn patches(self, secret_version: &str, config_version: &str) -> Patches {
        let patch = |data: Map<String, Value>, version: &str| {
            (!data.is_empty()).then(|| json!({ "metadata": { "resourceVersion": version }, "data": data }))
        };
        Patches { secret: patch(self.secret, secret_version), config: patch(self.config, config_version) }
    }
}

/// `{"id":…,"iat":…,"exp":…}` in the peer's order.
fn token_text(token: &IssuedToken) -> String {
    let id = Value::from(token.id.as_str());
    match token.exp {
        0 => format!(r#"{{"id":{id},"iat":{}}}"#, token.iat),
        exp => format!(r#"{{"id":{id},"iat":{},"exp":{exp}}}"#, token.iat),
    }
}
