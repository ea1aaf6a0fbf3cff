//! What the environment says; the binary is where it is read.

use std::time::Duration;

use applications::Proxies;

/// One variable, if it is set to a text.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The pause between waves of a sync, in whole seconds: `ARGOCD_SYNC_WAVE_DELAY`. As in the peer, what is no number says nothing.
pub(crate) fn wave_delay() -> Option<Duration> {
    let seconds = variable("ARGOCD_SYNC_WAVE_DELAY")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Namespaces of Applications beside the controller's own: `ARGOCD_APPLICATION_NAMESPACES`, separated by commas.
pub(crate) fn application_namespaces() -> Vec<String> {
    let all = variable("ARGOCD_APPLICATION_NAMESPACES").unwrap_or_default();
    all.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect()
}

/// The ways out: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
pub(crate) fn proxies() -> Proxies {
    Proxies::from_environment(variable)
}
