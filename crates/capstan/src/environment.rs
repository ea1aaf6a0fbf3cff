//! What the environment says; the binary is where it is read.

use applications::Proxies;

/// One variable, if it is set to a text.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The ways out: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
pub(crate) fn proxies() -> Proxies {
    Proxies::from_environment(variable)
}
