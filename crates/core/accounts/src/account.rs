//! What an account is.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The account that every installation has.
pub const ADMIN: &str = "admin";

/// What an account may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Logging in with a password.
    Login,
    /// Having tokens made.
    ApiKey,
}

impl Capability {
    /// The word of `argocd-cm` and of a token's subject.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::ApiKey => "apiKey",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Login, Self::ApiKey].into_iter().find(|capability| capability.as_str() == word)
    }
}

/// A token that was made for an account or a project's role, as it is on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedToken {
    /// Its `jti`.
    #[serde(default)]
    pub id: String,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub iat: i64,
    /// When it ends, in seconds since 1970; never where 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub exp: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// An account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Whether it may be used at all.
    pub enabled: bool,
    /// What for, in the order in which it is written.
    pub capabilities: Vec<Capability>,
    /// Its tokens.
    pub tokens: Vec<IssuedToken>,
    /// When its password was changed last. Tokens that were made before are void.
    pub password_mtime: Option<Timestamp>,
    pub(crate) password_hash: String,
}

/// Without the hash.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .field("enabled", &self.enabled)
            .field("capabilities", &self.capabilities)
            .field("tokens", &self.tokens)
            .field("password_mtime", &self.password_mtime)
            .finish_non_exhaustive()
    }
}

impl Account {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            enabled: true,
            capabilities: Vec::new(),
            tokens: Vec::new(),
            password_mtime: None,
            password_hash: String::new(),
        }
    }

    /// Whether it may be used so.
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Whether it has a password.
    pub fn has_password(&self) -> bool {
        !self.password_hash.is_empty()
    }
}

/// All accounts by their names; `admin` is always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts(pub(crate) BTreeMap<String, Account>);

impl Accounts {
    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Account> {
        self.0.get(name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.0.values()
    }
}

/// A key of `argocd-cm` or `argocd-secret` that cannot be read. Values of the Secret are not shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The key.
    pub key: String,
    /// What is wrong, and what follows.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.why)
    }
}
