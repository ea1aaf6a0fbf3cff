//! An identity provider of OpenID Connect: what its tokens are worth, and how its users log in.
//!
//! - [`Config`]: `oidc.config` of `argocd-cm`.
//! - [`Provider`]: discovery and keys, fetched when they are needed and kept; verification, code exchange, refresh, user info.
//! - [`Shelf`]: where tokens of users are kept that other replicas and a restart need, by whoever has such a place.
//! - [`open`]: what a token says, by keys, expectations and the time alone. Everything that decides is in there, without I/O.
//!
//! It refuses to know sessions, cookies, policies and pages. What comes from the provider is bounded in time and bytes; nothing that a
//! stranger shows us makes more than one question to the provider in [`RENEWED_EVERY_SECONDS`].
//!
//! ```
//! let text = "{name: Okta, issuer: https://example.com, clientID: argo, clientSecret: $oidc.secret}";
//! let (config, _) = oidc::Config::read(text, false, |key| (key == "oidc.secret").then(|| "hush".to_owned()))?;
//! assert_eq!(config.audiences(), ["argo"]);
//! # Ok::<(), oidc::ConfigError>(())
//! ```

mod config;
mod discovery;
mod error;
mod exchange;
mod keys;
mod provider;
mod shelf;
mod token;
mod user_info;
mod web;

pub use config::{Config, ConfigError};
pub use discovery::Endpoints;
pub use error::Error;
pub use exchange::{Challenge, Tokens, challenge_of};
pub use keys::{Algorithm, Keys};
pub use provider::{Provider, RENEWED_EVERY_SECONDS};
pub use shelf::{Later, Shelf, Shelved, Turn};
pub use token::{Claims, Expected, LEEWAY_SECONDS, Refused, open};
