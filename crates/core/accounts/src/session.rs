//! What a token of ours is worth now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{Accounts, Capability};
use crate::project_tokens::ProjectTokens;
use crate::token::{Claims, SigningKey, TokenError};

/// How long before its end a session is renewed, in seconds.
pub const RENEWED_BEFORE_SECONDS: i64 = 300;
/// Most tokens that are revoked at one time. A session lasts a day by default, and most end by themselves.
const MAX_REVOKED: usize = 10_000;

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// An account's, by a login or made as a token.
    Account {
        /// The account.
        name: String,
        /// By what.
        by: Capability,
    },
    /// A project's role.
    ProjectRole {
        /// The project.
        project: String,
        /// The role.
        role: String,
    },
    /// A user of an identity provider.
    External {
        /// Who made the token.
        issuer: String,
        /// What the user is called.
        name: String,
        /// Who it is to policies; a name can be given to others.
        user: String,
        /// What the claims hold that policies speak of, as `scopes` of `argocd-rbac-cm` names them.
        groups: Vec<String>,
    },
}

/// A token that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub who: Who,
    /// What it says.
    pub claims: Claims,
    /// Whether it ends soon and may be renewed.
    renewable: bool,
}

impl Session {
    /// That of a token which an identity provider made and the caller has verified.
    ///
    /// **Shape**: `claims.id` tells the token from all others, ours included. **Errors**: it was logged out.
    /// **Source**: `SessionManager.VerifyToken`, which looks for no revocation of such tokens.
    pub fn external(
        claims: Claims,
        issuer: String,
        name: String,
        user: String,
        groups: Vec<String>,
        revoked: &Revocations,
    ) -> Result<Self, SessionError> {
        if claims.id.is_empty() || revoked.have(&claims.id) {
            return Err(SessionError::Revoked);
        }
        Ok(Self { who: Who::External { issuer, name, user, groups }, claims, renewable: false })
    }

    /// Who made the token.
    pub fn issuer(&self) -> &str {
        match &self.who {
            Who::External { issuer, .. } => issuer,
            Who::Account { .. } | Who::ProjectRole { .. } => crate::token::ISSUER,
        }
    }

    /// The name of whoever it is: an account's, `proj:<project>:<role>`, or what a user of an identity provider is called.
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Account { name, .. } | Who::External { name, .. } => name,
            Who::ProjectRole { .. } => &self.claims.subject,
        }
    }

    /// A session that follows it, as long as it was, where it ends within [`RENEWED_BEFORE_SECONDS`]; only logins are renewed.
    pub fn renewed(&self, id: &str, now: Timestamp) -> Option<Claims> {
        let end = self.claims.expires_at.filter(|_| self.renewable)?;
        Some(Claims::log_in(self.name(), id, now, end.saturating_sub(self.claims.issued_at)))
    }
}

/// Why a token does not count. To the outside each is the same 401; the texts are for logs and for whom the token is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The token itself.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Its subject is nobody's name.
    #[error("the subject {0} is of no account and no project's role")]
    Subject(String),
    /// There is no such account.
    #[error("account '{0}' does not exist")]
    NoAccount(String),
    /// The account is disabled.
    #[error("account {0} is disabled")]
    Disabled(String),
    /// The account may not be used so (any more).
    #[error("account {name} does not have '{}' capability", capability.as_str())]
    NoCapability {
        /// The account.
        name: String,
        /// What it lacks.
        capability: Capability,
    },
    /// It was revoked, or has no id to tell.
    #[error("token is revoked, please re-login")]
    Revoked,
    /// It is not among the account's tokens (any more).
    #[error("account {name} does not have token with id {id}")]
    NotListed {
        /// The account.
        name: String,
        /// The token.
        id: String,
    },
    /// The password was changed after it was made.
    #[error("account password has changed since token issued")]
    PasswordChanged,
    /// It is not among the tokens of the project's role (any more).
    #[error("JWT token for role '{role}' issued at '{issued_at}' does not exist in project '{project}'")]
    NotInProject {
        /// The project.
        project: String,
        /// The role.
        role: String,
        /// When it was made, in seconds since 1970.
        issued_at: i64,
    },
}

/// What a token is worth now. Nothing is remembered: what was changed a moment ago counts.
///
/// **Errors**: [`SessionError`], in the peer's order.
/// **Source**: `SessionManager.Parse`. Where we differ: see [`SigningKey::open`] and [`ProjectTokens`]; a revoked token of a project's
/// role is void, too; a subject of another form than the three is nobody (in the peer `a:b` is the account `a` by `apiKey`).
pub fn verify(
    token: &str,
    key: &SigningKey,
    accounts: &Accounts,
    projects: &ProjectTokens,
    revoked: &Revocations,
    now: Timestamp,
) -> Result<Session, SessionError> {
    let claims = key.open(token, now)?;
    let who = who(&claims.subject)?;
    match &who {
        Who::ProjectRole { project, role } => {
            if !projects.have(project, role, &claims.id, claims.issued_at) {
                let (project, role) = (project.clone(), role.clone());
                return Err(SessionError::NotInProject { project, role, issued_at: claims.issued_at });
            }
            if revoked.have(&claims.id) {
                return Err(SessionError::Revoked);
            }
        }
        Who::Account { name, by } => check_account(name, *by, &claims, accounts, revoked)?,
        // No token of ours names one.
        Who::External { .. } => return Err(SessionError::Subject(claims.subject)),
    }
    let login = matches!(who, Who::Account { by: Capability::Login, .. });
    let soon =
        claims.expires_at.is_some_and(|end| end.saturating_sub(now.as_second()) < RENEWED_BEFORE_SECONDS);
    Ok(Session { who, claims, renewable: login && soon })
}

/// Reads a subject. A bare name is an old token of an account.
fn who(subject: &str) -> Result<Who, SessionError> {
    let parts: Vec<&str> = subject.splitn(4, ':').collect();
    let account = |name: &str, by| Ok(Who::Account { name: name.to_owned(), by });
    match parts.as_slice() {
        ["proj", project, role] if !project.is_empty() && !role.is_empty() => {
            Ok(Who::ProjectRole { project: (*project).to_owned(), role: (*role).to_owned() })
        }
        [name, "login"] if !name.is_empty() => account(name, Capability::Login),
        [name, "apiKey"] | [name] if !name.is_empty() => account(name, Capability::ApiKey),
        _ => Err(SessionError::Subject(subject.to_owned())),
    }
}

fn check_account(
    name: &str,
    by: Capability,
    claims: &Claims,
    accounts: &Accounts,
    revoked: &Revocations,
) -> Result<(), SessionError> {
    let name = name.to_owned();
    let Some(account) = accounts.get(&name) else { return Err(SessionError::NoAccount(name)) };
    if !account.enabled {
        return Err(SessionError::Disabled(name));
    }
    if !account.has(by) {
        return Err(SessionError::NoCapability { name, capability: by });
    }
    if claims.id.is_empty() || revoked.have(&claims.id) {
        return Err(SessionError::Revoked);
    }
    if by == Capability::ApiKey && !account.tokens.iter().any(|token| token.id == claims.id) {
        return Err(SessionError::NotListed { name, id: claims.id.clone() });
    }
    if account.password_mtime.is_some_and(|changed| claims.issued_at < changed.as_second()) {
        return Err(SessionError::PasswordChanged);
    }
    Ok(())
}

/// Tokens that were logged out before their end. Data, so that replicas can share it and a restart keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revocations(BTreeMap<String, i64>);

impl Revocations {
    /// Revokes a token, until it would have ended anyway. `false` where it is not worth a place any more, or there is no place left:
    /// the caller must not say that it is revoked then.
    #[must_use = "without a place the token still counts"]
    pub fn revoke(&mut self, claims: &Claims, now: Timestamp) -> bool {
        self.0.retain(|_, end| *end > now.as_second());
        let known = self.0.contains_key(&claims.id);
        if claims.id.is_empty() || !known && self.0.len() >= MAX_REVOKED {
            return false;
        }
        self.0.insert(claims.id.clone(), claims.expires_at.unwrap_or(i64::MAX));
        true
    }

    /// What others have revoked, too.
    pub fn join(&mut self, other: &Self) {
        for (id, end) in &other.0 {
            let known = self.0.entry(id.clone()).or_insert(*end);
            *known = (*known).max(*end);
        }
    }

    fn have(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }
}
