//! `gpgkey.GPGKeyService`: public keys that commits may be signed with, in `argocd-gpg-keys-cm`.

use std::sync::Arc;

use ::api::names::config_map;
use rbac::{Action, Decision, Object, Resource};
use serde_json::{Value, json};
use signatures::{PublicKey, public_keys};
use tonic::Status;

use super::{Asked, Table, text};
use crate::audit;
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;
use crate::{config_maps, secrets};

/// Longest text of keys that is sent, in bytes.
const TEXT: usize = 1 << 20;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.one("gpgkey.GPGKeyService/List", list)?;
    table.one("gpgkey.GPGKeyService/Get", get)?;
    table.one("gpgkey.GPGKeyService/Create", create)?;
    table.one("gpgkey.GPGKeyService/Delete", delete)
}

fn decide(ask: &Asked, action: Action) -> Result<Decision, Status> {
    ask.caller.guard.decide(Resource::GpgKeys, action, Object::named(""))
}

async fn keys_of(text: &str) -> Result<Vec<(PublicKey, String)>, Status> {
    public_keys(text).await.map_err(|error| Status::failed_precondition(error.to_string()))
}

fn shown(key: &PublicKey, data: &str) -> Value {
    json!({
        "keyID": key.id, "fingerprint": key.fingerprint, "owner": key.owner, "trust": "unknown", "subType": key.kind,
        "keyData": data,
    })
}

/// Keys of OpenPGP; those for SSH signatures, which stand in the same ConfigMap, the peer does not know.
async fn list(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    decide(&ask, Action::Get)?;
    let snapshot = backend.settings.current();
    let texts: Vec<&str> = snapshot.gpg_keys.values().map(String::as_str).collect();
    let known = if texts.is_empty() { Vec::new() } else { keys_of(&texts.join("\n")).await? };
    let known = known.iter().filter(|(key, _)| snapshot.gpg_keys.contains_key(&key.id));
    let items: Vec<Value> = known.map(|(key, _)| shown(key, "")).collect();
    Ok(json!({"metadata": {}, "items": items}).into())
}

/// The id that a text means: 16 digits, or the last ones of 40.
fn id_of(text: &str) -> Result<&str, Status> {
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = match text.len() {
        16 => Some(text),
        40 => text.get(24..),
        _ => None,
    };
    id.filter(|_| hex).ok_or_else(|| Status::invalid_argument("KeyID is malformed or empty"))
}

async fn get(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    decide(&ask, Action::Get)?;
    let id = id_of(text(&ask.request, "keyID"))?;
    let unknown = || Status::not_found(format!("no such key: {id}"));
    let snapshot = backend.settings.current();
    let data = snapshot.gpg_keys.get(id).ok_or_else(unknown)?;
    let keys = keys_of(data).await?;
    let (key, _) = keys.iter().find(|(key, _)| key.id == id).ok_or_else(unknown)?;
    Ok(shown(key, data).into())
}

/// **Source**: `Server.Create`: keys that are there already are passed over and named.
async fn create(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let decision = decide(&ask, Action::Create)?;
    let data = ask.request.get("publickey").map(|key| text(key, "keyData").trim()).unwrap_or_default();
    if data.is_empty() {
        return Err(Status::invalid_argument("submitted key data is empty"));
    }
    if data.len() > TEXT {
        return Err(Status::invalid_argument(format!("submitted key data is longer than {TEXT} bytes")));
    }
    let keys = keys_of(data).await?;
    if keys.is_empty() {
        return Err(Status::invalid_argument("submitted key data has no public key"));
    }
    let (mut created, mut skipped) = (Vec::new(), Vec::new());
    config_maps::change(&backend.store, config_map::GPG_KEYS, |known| {
        (created, skipped) = (Vec::new(), Vec::new());
        for (key, armored) in &keys {
            if known.contains_key(&key.id) {
                skipped.push(key.id.clone());
            } else {
                known.insert(key.id.clone(), armored.clone());
                created.push(shown(key, armored));
            }
        }
        Ok(!created.is_empty())
    })
    .await?;
    log(&ask, &decision, keys.iter().map(|(key, _)| key.id.as_str()), "added public keys");
    secrets::told(&backend.settings, |snapshot| {
        keys.iter().all(|(key, _)| snapshot.gpg_keys.contains_key(&key.id))
    })
    .await;
    Ok(json!({"created": {"metadata": {}, "items": created}, "skipped": skipped}).into())
}

async fn delete(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let decision = decide(&ask, Action::Delete)?;
    let id = text(&ask.request, "keyID").to_owned();
    config_maps::change(&backend.store, config_map::GPG_KEYS, |known| match known.remove(&id) {
        Some(_) => Ok(true),
        None => Err(Status::not_found(format!("no such key configured: {id:?}"))),
    })
    .await?;
    log(&ask, &decision, [id.as_str()], "removed a public key");
    secrets::told(&backend.settings, |snapshot| !snapshot.gpg_keys.contains_key(&id)).await;
    Ok(json!({}).into())
}

fn log<'a>(ask: &Asked, decision: &Decision, ids: impl IntoIterator<Item = &'a str>, what: &'static str) {
    let ids = ids.into_iter().collect::<Vec<_>>().join(", ");
    audit::done(&ask.caller, what, ("public key", &ids), decision);
}
