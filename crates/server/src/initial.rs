//! What a new installation lacks: the admin's first password and the sessions' key.

use ::api::names::label;
use accounts::Accounts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use settings::SettingsHandle;

use crate::access::SECRET;
use crate::certificate::{among, names};
use crate::store::{Kind, Store, code, decoded, version};
use crate::tls::Identity;

/// Secret with the admin's first password.
const INITIAL: &str = "argocd-initial-admin-secret";
/// How often it is tried where another server prepares the same.
const ATTEMPTS: usize = 5;

/// Why it cannot be prepared. The source is not shown: it may speak of secrets.
#[derive(Debug, thiserror::Error)]
pub enum InitialError {
    /// A Secret cannot be read or written.
    #[error("{what} failed{}", .code.map_or_else(String::new, |code| format!(": the API server answered {code}")))]
    Request {
        /// What was tried.
        what: &'static str,
        /// The answer's status, where there was one.
        code: Option<u16>,
    },
    /// There is no randomness, or nothing can be hashed.
    #[error("no password can be made")]
    Password,
    /// No certificate can be made.
    #[error("no certificate can be made")]
    Certificate,
    /// Others change the same all the time.
    #[error("it changes all the time")]
    Busy,
}

fn failed(what: &'static str) -> impl Fn(kube::Error) -> InitialError {
    move |error| InitialError::Request { what, code: code(&error) }
}

/// Writes what is lacking. Where several servers start at once, one of them does. The answer is the certificate in `argocd-secret`, which
/// is made where the server is to be `secure` and has none.
pub(crate) async fn prepare(
    store: &Store,
    settings: &SettingsHandle,
    secure: bool,
    now: Timestamp,
) -> Result<Option<Identity>, InitialError> {
    for _ in 0..ATTEMPTS {
        let secret = store.own(Kind::Secret, SECRET).await.map_err(failed("reading argocd-secret"))?;
        let Some(secret) = secret else {
            let created = store.create(Kind::Secret, &own_secret(SECRET, &json!({}))).await;
            match created {
                Err(error) if code(&error) != Some(409) => return Err(failed("making argocd-secret")(error)),
                _ => continue,
            }
        };
        let (data, version) = (decoded(&secret), version(&secret));
        let (accounts, _) = Accounts::read(&settings.current().config, &data);
        let mut failed_random = false;
        let mut random = |bytes: &mut [u8]| failed_random |= crate::server::random(bytes).is_err();
        let prepared = accounts::prepare(&accounts, &data, version, &mut random, now);
        let prepared = prepared.map_err(|_| InitialError::Password)?;
        if failed_random {
            return Err(InitialError::Password);
        }
        if let Some(password) = &prepared.initial_password {
            let data = json!({"password": STANDARD.encode(password)});
            let first = json!({ "data": data });
            // Before the hash, or nobody would know it.
            match store.create(Kind::Secret, &own_secret(INITIAL, &data)).await {
                Ok(()) => {}
                Err(error) if code(&error) == Some(409) => {
                    let patched = store.patch_own(Kind::Secret, INITIAL, &first).await;
                    patched.map_err(failed("writing argocd-initial-admin-secret"))?;
                }
                Err(error) => return Err(failed("making argocd-initial-admin-secret")(error)),
            }
        }
        let known = among(&data);
        let wanted = secure && known.is_none() && settings.current().server_tls.is_none();
        let made = if wanted { Some(made()?) } else { None };
        let tls = made.as_ref().map(entries);
        let own = known.or(made);
        let patch = match (prepared.patch, tls) {
            (None, None) => return Ok(own),
            (Some(patch), None) => patch,
            (patch, Some(tls)) => {
                let empty = || json!({"metadata": {"resourceVersion": version}, "data": {}});
                let mut patch = patch.unwrap_or_else(empty);
                if let Some(data) = patch.get_mut("data").and_then(Value::as_object_mut) {
                    data.extend(tls);
                }
                patch
            }
        };
        match store.patch_own(Kind::Secret, SECRET, &patch).await {
            Ok(_) => return Ok(own),
            Err(error) if code(&error) == Some(409) => {}
            Err(error) => return Err(failed("writing argocd-secret")(error)),
        }
    }
    Err(InitialError::Busy)
}

/// A certificate that nobody vouches for.
fn made() -> Result<Identity, InitialError> {
    Identity::self_signed(names()).map_err(|_| InitialError::Certificate)
}

/// A certificate as the entries of a Secret.
fn entries(identity: &Identity) -> Map<String, Value> {
    let entries = [("tls.crt", &identity.certificate), ("tls.key", &identity.key)];
    entries.map(|(key, text)| (key.to_owned(), Value::from(STANDARD.encode(text)))).into_iter().collect()
}

/// A Secret of the installation.
pub(crate) fn own_secret(name: &str, data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": name, "labels": {label::PART_OF: "argocd", "app.kubernetes.io/name": name}},
        "data": data,
    })
}
