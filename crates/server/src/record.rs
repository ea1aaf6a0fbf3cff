//! Sessions that were ended and logins that failed, written down: they outlive a restart, and replicas share them.

use std::sync::Arc;
use std::time::Duration;

use accounts::{Claims, Revocations};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use settings::Snapshot;
use tonic::Status;

use crate::initial::own_secret;
use crate::server::Backend;
use crate::store::{Kind, code, decoded, status, version};

/// Secret in which they are.
const SECRET: &str = "capstan-sessions";
const REVOKED: &str = "revoked";
const FAILURES: &str = "failures";
/// Pairs of account and source that are written down.
const FAILURES_WRITTEN: usize = 2_000;
/// How often it is tried where others write, too.
const ATTEMPTS: usize = 10;
/// Failed logins are written down together, at most this often.
const PAUSE: Duration = Duration::from_secs(1);
/// After a write that failed.
const LATER: Duration = Duration::from_secs(10);

/// Ends a session, here and on all replicas.
///
/// # Errors
/// Where it cannot be written down: then it has ended here, and nobody must be told that it has everywhere.
pub(crate) async fn revoke(backend: &Backend, claims: &Claims) -> Result<(), Status> {
    if !backend.revocations().revoke(claims, backend.now()) {
        return Err(Status::resource_exhausted("too many sessions were ended; this one ends by itself"));
    }
    backend.changed.send_replace(());
    write(backend)
        .await
        .map_err(|error| status("the session ended here, and it was not written down", &error))
}

/// Takes over what is written down.
pub(crate) fn recall(backend: &Backend, settings: &Snapshot) {
    let Some(record) = settings.own_secrets.get(SECRET) else { return };
    let text = |key: &str| record.expose().get(key).and_then(|bytes| std::str::from_utf8(bytes).ok());
    if let Some(revoked) = text(REVOKED).and_then(|text| serde_json::from_str::<Revocations>(text).ok()) {
        backend.revocations().join(&revoked);
    }
    if let Some(failures) = text(FAILURES) {
        backend.failures().read(failures, &backend.limits, backend.now());
    }
}

/// Writes failed logins down, for as long as it is polled.
pub(crate) async fn keep(backend: Arc<Backend>) {
    loop {
        backend.failed.notified().await;
        let pause = match write(&backend).await {
            Ok(()) => PAUSE,
            Err(error) => {
                tracing::warn!(code = ?code(&error), "failed logins could not be written down");
                backend.failed.notify_one();
                LATER
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Writes what is known here, together with what others have written.
async fn write(backend: &Backend) -> Result<(), kube::Error> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let secret = backend.store.own(Kind::Secret, SECRET).await?;
        let before = secret.as_ref().map(decoded).unwrap_or_default();
        if let Some(others) = before.get(REVOKED).and_then(|text| serde_json::from_slice(text).ok()) {
            backend.revocations().join(&others);
        }
        if let Some(others) = before.get(FAILURES).and_then(|text| std::str::from_utf8(text).ok()) {
            backend.failures().read(others, &backend.limits, backend.now());
        }
        let revoked = json!(*backend.revocations()).to_string();
        let failures = backend.failures().write(&backend.limits, backend.now(), FAILURES_WRITTEN);
        let data = json!({REVOKED: STANDARD.encode(revoked), FAILURES: STANDARD.encode(failures)});
        let written = match &secret {
            None => backend.store.create(Kind::Secret, &own_secret(SECRET, &data)).await,
            Some(secret) => {
                let patch = json!({"metadata": {"resourceVersion": version(secret)}, "data": data});
                backend.store.patch_own(Kind::Secret, SECRET, &patch).await.map(drop)
            }
        };
        match written {
            Err(error) if code(&error) == Some(409) && attempt < ATTEMPTS => {}
            written => return written,
        }
    }
}
