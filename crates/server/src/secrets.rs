//! Secrets of repositories and clusters, in the peer's layout.

use std::collections::BTreeMap;
use std::time::Duration;

use ::api::names::label;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use settings::{SettingsHandle, Snapshot};
use tonic::Status;

use crate::store::{self, Kind, Store, code, decoded};

/// Annotation of what the server made, and its value: only that may be deleted by the server.
const MANAGED: (&str, &str) = ("managed-by", "argocd.argoproj.io");
/// How often a write that met another one is made again.
const ATTEMPTS: usize = 5;
/// How long whoever has written waits for the settings to tell.
const TOLD: Duration = Duration::from_secs(2);

/// The form of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    /// `true` or `false`.
    Truth,
    Number,
}

/// A field of a request, the key of the Secret that it is written to, and how.
pub(crate) type Field = (&'static str, &'static str, Form);

/// How to log in to repositories, and what goes with that: the keys of a repository's Secret and of one for all below a URL.
pub(crate) const LOGIN: [Field; 22] = [
    ("username", "username", Form::Text),
    ("password", "password", Form::Text),
    ("bearerToken", "bearerToken", Form::Text),
    ("sshPrivateKey", "sshPrivateKey", Form::Text),
    ("enableOCI", "enableOCI", Form::Truth),
    ("insecureOCIForceHttp", "insecureOCIForceHttp", Form::Truth),
    ("tlsClientCertData", "tlsClientCertData", Form::Text),
    ("tlsClientCertKey", "tlsClientCertKey", Form::Text),
    ("type", "type", Form::Text),
    ("githubAppPrivateKey", "githubAppPrivateKey", Form::Text),
    ("githubAppID", "githubAppID", Form::Number),
    ("githubAppInstallationID", "githubAppInstallationID", Form::Number),
    ("githubAppEnterpriseBaseUrl", "githubAppEnterpriseBaseUrl", Form::Text),
    ("gcpServiceAccountKey", "gcpServiceAccountKey", Form::Text),
    ("proxy", "proxy", Form::Text),
    ("noProxy", "noProxy", Form::Text),
    ("forceHttpBasicAuth", "forceHttpBasicAuth", Form::Truth),
    ("useAzureWorkloadIdentity", "useAzureWorkloadIdentity", Form::Truth),
    ("azureServicePrincipalClientId", "azureServicePrincipalClientId", Form::Text),
    ("azureServicePrincipalClientSecret", "azureServicePrincipalClientSecret", Form::Text),
    ("azureServicePrincipalTenantId", "azureServicePrincipalTenantId", Form::Text),
    ("azureActiveDirectoryEndpoint", "azureActiveDirectoryEndpoint", Form::Text),
];

/// What is said of each key.
pub(crate) type Said = BTreeMap<&'static str, String>;

/// What a request says of each key, all of them.
pub(crate) fn said(fields: &[&[Field]], request: &Value) -> Said {
    let none = Map::new();
    let request = request.as_object().unwrap_or(&none);
    let of = |(field, key, form): &Field| {
        // Queries write some of them in another case.
        let value = request.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| value);
        let text = match form {
            Form::Text => value.and_then(Value::as_str).unwrap_or_default().to_owned(),
            Form::Truth => value.and_then(Value::as_bool).unwrap_or_default().to_string(),
            Form::Number => value.and_then(Value::as_i64).unwrap_or_default().to_string(),
        };
        (*key, text)
    };
    fields.iter().copied().flatten().map(of).collect()
}

fn is_zero(value: &str) -> bool {
    matches!(value, "" | "false" | "0")
}

/// The keys that say something, to be held against each other.
pub(crate) fn meaning(said: &Said) -> Value {
    said.iter()
        .filter(|(_, value)| !is_zero(value))
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect()
}

/// What a Secret says of each key.
pub(crate) fn held(fields: &[&[Field]], data: &BTreeMap<String, Vec<u8>>) -> Said {
    let of = |(_, key, _): &Field| {
        let value = data.get(*key).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        (*key, value.unwrap_or_default())
    };
    fields.iter().copied().flatten().map(of).collect()
}

/// The data of a Secret after a request: keys that are there or that say something.
pub(crate) fn changed(mut data: BTreeMap<String, Vec<u8>>, said: &Said) -> BTreeMap<String, Vec<u8>> {
    for (key, value) in said {
        if data.contains_key(*key) || !is_zero(value) {
            data.insert((*key).to_owned(), value.clone().into_bytes());
        }
    }
    data
}

/// The 32 bits of FNV-1a over all parts.
pub(crate) fn fnv(parts: &[&str]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn encoded(data: &BTreeMap<String, Vec<u8>>) -> Value {
    data.iter().map(|(key, value)| (key.clone(), json!(STANDARD.encode(value)))).collect()
}

/// Makes a Secret. `false` where there is one of this name, whose label says that it is one of ours.
pub(crate) async fn create(
    store: &Store,
    kind: &str,
    name: &str,
    data: &BTreeMap<String, Vec<u8>>,
) -> Result<bool, Status> {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": name, "labels": {label::SECRET_TYPE: kind}, "annotations": {MANAGED.0: MANAGED.1},
        },
        "data": encoded(data),
    });
    match store.create(Kind::Secret, &secret).await {
        Ok(()) => Ok(true),
        Err(error) if code(&error) == Some(409) => {
            let there = store.own(Kind::Secret, name).await;
            let there =
                there.map_err(|error| store::status("reading the Secret", &error))?.unwrap_or_default();
            let labelled =
                there.pointer("/metadata/labels").and_then(|labels| labels.get(label::SECRET_TYPE));
            if labelled.is_none() {
                return Err(Status::invalid_argument(format!(
                    "secret \"{name}\" doesn't have the proper \"{}\" label: please fix the secret or delete it",
                    label::SECRET_TYPE
                )));
            }
            Ok(false)
        }
        Err(error) => Err(store::status("making the Secret", &error)),
    }
}

/// Changes a Secret, as it is when it is written; the answer is its data afterwards.
pub(crate) async fn update(
    store: &Store,
    kind: &str,
    name: &str,
    change: impl Fn(BTreeMap<String, Vec<u8>>, &mut Value) -> Result<BTreeMap<String, Vec<u8>>, Status>,
) -> Result<BTreeMap<String, Vec<u8>>, Status> {
    for _ in 0..ATTEMPTS {
        let there = store.own(Kind::Secret, name).await;
        let there = there.map_err(|error| store::status("reading the Secret", &error))?;
        let mut secret = there.ok_or_else(|| Status::not_found(format!("secret \"{name}\" not found")))?;
        let data = change(decoded(&secret), &mut secret)?;
        secret["data"] = encoded(&data);
        secret["metadata"]["labels"][label::SECRET_TYPE] = json!(kind);
        secret["metadata"]["annotations"][MANAGED.0] = json!(MANAGED.1);
        let namespace = secret.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
        match store.replace(Kind::Secret, namespace, name, &secret).await {
            Ok(_) => return Ok(data),
            Err(error) if code(&error) == Some(409) => {}
            Err(error) => return Err(store::status("changing the Secret", &error)),
        }
    }
    Err(Status::aborted(format!("secret {name} changes all the time; try again")))
}

/// Deletes a Secret that the server made; of another one the label goes, so that it means nothing any more.
///
/// **Source**: `db.deleteSecret`.
pub(crate) async fn remove(store: &Store, name: &str) -> Result<(), Status> {
    let failed = |error: kube::Error| store::status("removing the Secret", &error);
    let Some(secret) = store.own(Kind::Secret, name).await.map_err(failed)? else { return Ok(()) };
    let text = |pointer: &str| secret.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text(&format!("/metadata/annotations/{}", MANAGED.0)) == MANAGED.1 {
        let (namespace, uid) = (text("/metadata/namespace"), text("/metadata/uid"));
        return store.delete(Kind::Secret, namespace, name, uid).await.map_err(failed);
    }
    let patch = json!({"metadata": {
        "resourceVersion": text("/metadata/resourceVersion"), "labels": {label::SECRET_TYPE: null},
    }});
    store.patch_own(Kind::Secret, name, &patch).await.map(drop).map_err(failed)
}

/// Waits until the settings say what was written, for a short time: whoever has written finds it then.
pub(crate) async fn told(settings: &SettingsHandle, done: impl Fn(&Snapshot) -> bool) {
    let mut changes = settings.subscribe();
    let waiting = async {
        drop(changes.wait_for(|snapshot| done(snapshot)).await);
    };
    drop(tokio::time::timeout(TOLD, waiting).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [Field; 4] = [
        ("repo", "url", Form::Text),
        ("password", "password", Form::Text),
        ("enableOCI", "enableOCI", Form::Truth),
        ("githubAppID", "githubAppID", Form::Number),
    ];

    #[test]
    fn names_have_the_peers_sum() {
        // Of Go's hash/fnv, New32a.
        for (parts, sum) in
            [(&[""][..], 2_166_136_261), (&["a"], 3_826_002_220), (&["foo", "bar"], 0xbf9c_f968)]
        {
            assert_eq!(fnv(parts), sum, "{parts:?}");
        }
    }

    #[test]
    fn keys_are_written_where_they_say_something_or_are_there() {
        let request = json!({"repo": "u", "enableOci": true});
        let said = said(&[&FIELDS], &request);
        let text = |data: &BTreeMap<String, Vec<u8>>| {
            let text =
                |(key, value): (&String, &Vec<u8>)| format!("{key}={}", String::from_utf8_lossy(value));
            data.iter().map(text).collect::<Vec<_>>().join(" ")
        };
        let before: BTreeMap<_, _> =
            [("password".to_owned(), b"old".to_vec()), ("theirs".to_owned(), b"x".to_vec())].into();
        for (data, expected) in
            [(BTreeMap::new(), "enableOCI=true url=u"), (before, "enableOCI=true password= theirs=x url=u")]
        {
            let data = changed(data, &said);
            assert_eq!(text(&data), expected);
            assert_eq!(meaning(&held(&[&FIELDS], &data)), meaning(&said), "{expected}");
        }
    }
}
