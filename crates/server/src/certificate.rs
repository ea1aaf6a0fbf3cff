//! Which certificate the server shows: that of `argocd-server-tls`, else that of `argocd-secret`, which the server makes where there is none.

use std::collections::BTreeMap;

use settings::Snapshot;

use crate::tls::{Certificates, Identity, TlsError};

/// The certificate among the entries of a Secret.
pub(crate) fn among(entries: &BTreeMap<String, Vec<u8>>) -> Option<Identity> {
    let text = |key: &str| {
        let bytes = entries.get(key).filter(|bytes| !bytes.is_empty())?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    Some(Identity { certificate: text("tls.crt")?, key: text("tls.key")? })
}

/// The one that the settings have.
pub(crate) fn of(settings: &Snapshot) -> Option<Identity> {
    let outside = settings.server_tls.as_ref().and_then(|secret| among(secret.expose()));
    outside.or_else(|| among(settings.own_secret()))
}

/// What is shown from the start: what the settings have, else `own`, else one that is made for now.
pub(crate) fn first(settings: &Snapshot, own: Option<Identity>) -> Result<Certificates, TlsError> {
    let outside = settings.server_tls.as_ref().and_then(|secret| among(secret.expose()));
    for identity in outside.into_iter().chain(own) {
        match Certificates::new(&identity) {
            Ok(certificates) => return Ok(certificates),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a certificate cannot be used");
            }
        }
    }
    Certificates::new(&Identity::self_signed(names())?)
}

/// Shows what the settings have now, where that is another one than `shown`; one that cannot be used leaves the one before.
pub(crate) fn renew(
    certificates: &Certificates,
    settings: &Snapshot,
    shown: Option<Identity>,
) -> Option<Identity> {
    let now = of(settings);
    let Some(identity) = now.as_ref().filter(|_| now != shown) else { return shown };
    match certificates.set(identity) {
        Ok(()) => tracing::info!("shows another certificate"),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a certificate cannot be used; the one before stays"
            );
        }
    }
    now
}

/// Names of a certificate that the server makes for itself: those by which it is reached in the cluster.
///
/// **Source**: `SettingsManager.InitializeSettings`.
pub(crate) fn names() -> Vec<String> {
    let names = [
        "localhost",
        "argocd-server",
        "argocd-server.argocd",
        "argocd-server.argocd.svc",
        "argocd-server.argocd.svc.cluster.local",
    ];
    names.map(str::to_owned).into()
}
