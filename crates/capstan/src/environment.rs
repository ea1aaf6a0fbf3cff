//! What the environment says; the binary is where it is read.

use std::path::PathBuf;
use std::time::Duration;

use applications::{AwsEnvironment, Proxies};

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

/// Whether signatures are verified: not with `ARGOCD_GPG_ENABLED=false`, as in the peer.
pub(crate) fn signatures() -> bool {
    let off = variable("ARGOCD_GPG_ENABLED")
        .is_some_and(|text| ["false", "no"].iter().any(|word| text.trim().eq_ignore_ascii_case(word)));
    if off {
        tracing::warn!("signatures are not verified, whatever projects ask for: ARGOCD_GPG_ENABLED says so");
    }
    !off
}

/// A switch in Go's words for true and false, if it is set to one of them.
pub(crate) fn switch(name: &str) -> Option<bool> {
    api::settings::parse_bool(variable(name)?.trim())
}

/// Namespaces of Applications beside the controller's own: `ARGOCD_APPLICATION_NAMESPACES`, separated by commas.
pub(crate) fn application_namespaces() -> Vec<String> {
    list("ARGOCD_APPLICATION_NAMESPACES")
}

fn list(name: &str) -> Vec<String> {
    let all = variable(name).unwrap_or_default();
    all.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// Programs that cluster Secrets may name to get credentials from: `CAPSTAN_CREDENTIAL_PROGRAMS`, separated by commas.
pub(crate) fn credential_programs() -> Vec<String> {
    list("CAPSTAN_CREDENTIAL_PROGRAMS")
}

/// Where the sockets of config management plugins are: `ARGOCD_PLUGINSOCKFILEPATH`, else where the peer's sidecars put them.
pub(crate) fn plugin_sockets() -> PathBuf {
    let given = variable("ARGOCD_PLUGINSOCKFILEPATH").filter(|path| !path.is_empty());
    given.map_or_else(|| PathBuf::from(applications::PLUGIN_SOCKETS), PathBuf::from)
}

/// The ways out: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
pub(crate) fn proxies() -> Proxies {
    Proxies::from_environment(variable)
}

/// Who we are to AWS: the variables of its SDKs, which EKS puts into pods.
pub(crate) fn aws() -> AwsEnvironment {
    AwsEnvironment::from_variables(variable)
}
