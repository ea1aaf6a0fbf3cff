//! Accounts of the installation and their sessions: who may log in, what a token is worth, how often one may be wrong.
//!
//! Everything is a function of what `argocd-cm` and `argocd-secret` hold, of the time and of random bytes, which are arguments.
//! Changes come back as merge patches. Tokens of identity providers are read elsewhere; rights are `rbac`'s.
//!
//! - [`Accounts`] reads both objects in the peer's layout; [`Change`] writes back.
//! - [`Accounts::log_in`] checks a password, in the same time whether there is such an account or not.
//! - [`Claims`] are made and signed here; [`verify`] gives a [`Session`] or the reason why not.
//! - [`Failures`] counts failed logins for each account and source.
//! - [`prepare`] makes what a new installation lacks: the admin's password and the key of the sessions.
//!
//! Source: Argo CD 3.2 and 3.6 `util/session`, `util/settings/accounts.go`, `util/password`; where we differ is said at each item.
//!
//! ```
//! use accounts::{Accounts, Claims, ProjectTokens, Revocations, SigningKey, verify};
//!
//! let key = SigningKey::new(b"some secret".to_vec())?;
//! let now = "2026-01-02T03:04:05Z".parse()?;
//! let token = key.sign(&Claims::log_in("admin", "an-id", now, 86_400));
//! let (accounts, _) = Accounts::read(&Default::default(), &Default::default());
//! let session = verify(&token, &key, &accounts, &ProjectTokens::default(), &Revocations::default(), now)?;
//! assert_eq!(session.name(), "admin");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account;
mod change;
mod limiter;
mod password;
mod prepare;
mod project_tokens;
mod read;
mod session;
mod token;

pub use account::{ADMIN, Account, Accounts, Capability, IssuedToken, Problem};
pub use change::{Change, ChangeError, Patches};
pub use limiter::{Failures, Limits, Locked, Source};
pub use password::{LoginError, MAX_NAME_BYTES, PasswordError, PasswordRules};
pub use prepare::{Prepared, prepare};
pub use project_tokens::ProjectTokens;
pub use session::{RENEWED_BEFORE_SECONDS, Revocations, Session, SessionError, Who, verify};
pub use token::{Claims, ISSUER, KeyError, LEEWAY_SECONDS, SigningKey, TokenError, issuer_of, token_id};

#[cfg(test)]
mod tests;
