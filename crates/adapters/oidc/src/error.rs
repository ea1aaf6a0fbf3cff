//! Why a provider did not help.

use crate::token::Refused;

/// Why something could not be had of a provider, or does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A token does not count.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The provider could not be asked.
    #[error("the identity provider cannot be asked for {what}: {detail}")]
    Unavailable {
        /// What for.
        what: &'static str,
        /// What happened, without secrets.
        detail: String,
    },
    /// It said no.
    #[error("the identity provider gives no {what}: {detail}")]
    Denied {
        /// What was asked for.
        what: &'static str,
        /// Its error's name, without secrets.
        detail: String,
    },
    /// It answered what cannot be understood.
    #[error("the identity provider's {what} cannot be used: {detail}")]
    Protocol {
        /// Which answer.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Nothing is kept of the user that it could be asked by.
    #[error("the identity provider cannot be asked about this user without another login")]
    NoAccess,
}
