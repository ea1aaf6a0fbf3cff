//! What a new installation lacks.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::account::{ADMIN, Accounts};
use crate::password::{PasswordError, hash};

/// Length of the first password: 95 bits.
const PASSWORD_LETTERS: usize = 16;
/// Letters of the first password.
const LETTERS: &[u8; 63] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
/// Length of the sessions' key, in bytes.
const KEY_BYTES: usize = 32;

/// What has to be written.
#[derive(Clone, PartialEq, Default)]
pub struct Prepared {
    /// The admin's password, for the Secret `argocd-initial-admin-secret` under `password`. To be written before the patch: else nobody
    /// would know it.
    pub initial_password: Option<String>,
    /// A merge patch for `argocd-secret`; `None` where nothing is lacking.
    pub patch: Option<Value>,
}

/// Without the password.
impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("initial_password", &self.initial_password.is_some())
            .field("patch", &self.patch.is_some())
            .finish()
    }
}

/// Makes the admin's first password (where `admin` is enabled and has none) and the key of the sessions (where there is none).
///
/// **Shape**: 16 letters; the key is the base64 of 32 bytes, itself a text. Both are made of `random` alone.
/// **Errors**: none that can happen; hashing has one in its signature.
/// **Source**: `SettingsManager.InitializeSettings`.
pub fn prepare(
    accounts: &Accounts,
    secret: &BTreeMap<String, Vec<u8>>,
    resource_version: &str,
    random: &mut dyn FnMut(&mut [u8]),
    now: Timestamp,
) -> Result<Prepared, PasswordError> {
    let mut data = Map::new();
    let mut set = |key: &str, value: &str| {
        data.insert(key.to_owned(), BASE64_STANDARD.encode(value).into());
    };
    let mut initial_password = None;
    if let Some(admin) = accounts.get(ADMIN).filter(|admin| admin.enabled) {
        if !admin.has_password() {
            let password = password(random);
            let mut salt = [0; 16];
            random(&mut salt);
            set("admin.password", &hash(&password, salt)?);
            initial_password = Some(password);
        }
        if initial_password.is_some() || admin.password_mtime.is_none() {
            set("admin.passwordMtime", &api::format_time(now));
        }
    }
    if secret.get("server.secretkey").is_none_or(Vec::is_empty) {
        let mut key = [0; KEY_BYTES];
        random(&mut key);
        set("server.secretkey", &BASE64_STANDARD.encode(key));
    }
    let patch = (!data.is_empty())
        .then(|| json!({ "metadata": { "resourceVersion": resource_version }, "data": data }));
    Ok(Prepared { initial_password, patch })
}

/// Each letter is as likely as any other: bytes that would favour some are thrown away.
fn password(random: &mut dyn FnMut(&mut [u8])) -> String {
    let fair = u8::MAX - u8::MAX % 63;
    let mut password = String::with_capacity(PASSWORD_LETTERS);
    while password.len() < PASSWORD_LETTERS {
        let mut bytes = [0; PASSWORD_LETTERS];
        random(&mut bytes);
        let fair_bytes = bytes.into_iter().filter(|byte| *byte < fair);
        let letters = fair_bytes.filter_map(|byte| LETTERS.get(usize::from(byte % 63)));
        password.extend(letters.map(|letter| char::from(*letter)).take(PASSWORD_LETTERS - password.len()));
    }
    password
}
