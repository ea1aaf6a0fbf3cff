//! `RotateAuth`: another token for the ServiceAccount that a cluster is logged in to by.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rbac::Action;
use serde_json::{Value, json};
use settings::{ClusterSecret, Secret};
use tonic::Status;

use super::find;
use super::writing::{test, write};
use crate::call::Reply;
use crate::server::Backend;
use crate::services::{Asked, text};
use crate::store::{self, Kind, Store, decoded};

/// How long the cluster may take to make a token, and how often it is looked for.
const MAKING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_millis(250));

/// What a token of a ServiceAccount says of itself.
struct Account {
    namespace: String,
    name: String,
    /// The Secret that the token is in.
    secret: String,
}

/// **Source**: `ParseServiceAccountToken`.
fn account_of(token: &str) -> Option<Account> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let of = |name: &str| {
        let claim = text(&claims, &format!("kubernetes.io/serviceaccount/{name}")).to_owned();
        // It becomes part of a path.
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        Some(claim).filter(|claim| !claim.is_empty() && claim.chars().all(fine))
    };
    Some(Account {
        namespace: of("namespace")?,
        name: of("service-account.name")?,
        secret: of("secret.name")?,
    })
}

/// **Source**: `Server.RotateAuth`: the new token is tried before the old one goes.
pub(super) async fn rotate(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    for (one, decision) in find(&backend, &ask, &Action::Update)? {
        let unusable = |why: &str| Status::invalid_argument(format!("Cluster '{}' {why}", one.server));
        let token = one.config.bearer_token.as_ref();
        let token = token.ok_or_else(|| unusable("does not use bearer token authentication"))?;
        let account = account_of(token.expose());
        let account =
            account.ok_or_else(|| unusable("has a token that is no ServiceAccount's of a Secret"))?;
        let client = backend.controller.cluster_client(&one).await.map_err(Status::failed_precondition)?;
        let there = Store::new(client, &account.namespace);
        let (name, token) = make(&there, &account).await?;
        let config =
            settings::ClusterConfig { bearer_token: Some(Secret::new(token.clone())), ..one.config.clone() };
        test(&backend, &ClusterSecret { config, ..one.clone() }).await?;
        write(&backend, &ask, &one, &decision, |cluster| {
            let mut cluster = cluster.clone();
            if let Some(config) = cluster.get_mut("config").and_then(Value::as_object_mut) {
                config.insert("bearerToken".to_owned(), json!(token));
                // It is the token that counts from now on.
                if let Some(tls) = config.get_mut("tlsClientConfig").and_then(Value::as_object_mut) {
                    tls.remove("keyData");
                    tls.remove("certData");
                }
            }
            Ok(cluster)
        })
        .await?;
        forget(&there, &account, &name).await?;
    }
    Ok(json!({}).into())
}

fn failed(what: &'static str) -> impl Fn(kube::Error) -> Status {
    move |error| store::status(what, &error)
}

/// Makes a Secret for a token of the account, and waits until the cluster has put one in.
async fn make(there: &Store, account: &Account) -> Result<(String, String), Status> {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {
            "generateName": format!("{}-token-", account.name),
            "annotations": {"kubernetes.io/service-account.name": account.name},
        },
    });
    let made = there.create_in(Kind::Secret, &account.namespace, &secret).await;
    let made = made.map_err(failed("making a token"))?;
    let name = made.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let token = async {
        loop {
            let secret = there.own(Kind::Secret, &name).await.map_err(failed("reading the new token"))?;
            let token = secret.as_ref().map(decoded).unwrap_or_default().remove("token");
            if let Some(token) =
                token.and_then(|token| String::from_utf8(token).ok()).filter(|token| !token.is_empty())
            {
                return Ok(token);
            }
            tokio::time::sleep(MAKING.1).await;
        }
    };
    let token = tokio::time::timeout(MAKING.0, token).await;
    let token = token.unwrap_or_else(|_| {
        Err(Status::deadline_exceeded(format!("the cluster makes no token within {} s", MAKING.0.as_secs())))
    })?;
    Ok((name, token))
}

/// Gives the account the new Secret instead of the old one, which goes. **Source**: `RotateServiceAccountSecrets`.
async fn forget(there: &Store, account: &Account, new: &str) -> Result<(), Status> {
    let known =
        there.own(Kind::ServiceAccount, &account.name).await.map_err(failed("reading the ServiceAccount"))?;
    if let Some(mut known) = known {
        let listed = known.get("secrets").and_then(Value::as_array).cloned().unwrap_or_default();
        let others = listed.into_iter().filter(|one| text(one, "name") != account.secret);
        known["secrets"] = others.chain([json!({ "name": new })]).collect();
        let changed = there.replace(Kind::ServiceAccount, &account.namespace, &account.name, &known).await;
        changed.map_err(failed("changing the ServiceAccount"))?;
    }
    let old = there.own(Kind::Secret, &account.secret).await.map_err(failed("reading the old token"))?;
    let uid =
        old.as_ref().and_then(|old| old.pointer("/metadata/uid")).and_then(Value::as_str).unwrap_or_default();
    if old.is_some() {
        let removed = there.delete(Kind::Secret, &account.namespace, &account.secret, uid).await;
        removed.map_err(failed("removing the old token"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_whose_it_is() {
        let token = |claims: Value| format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let claims = |namespace: &str| {
            json!({
                "kubernetes.io/serviceaccount/namespace": namespace,
                "kubernetes.io/serviceaccount/secret.name": "s",
                "kubernetes.io/serviceaccount/service-account.name": "a",
            })
        };
        for (token, expected) in [
            (token(claims("kube-system")), Some("kube-system/a/s")),
            (token(claims("../secrets")), None),
            (token(json!({})), None),
            ("opaque".to_owned(), None),
            ("a.b.c".to_owned(), None),
        ] {
            let found = account_of(&token).map(|a| format!("{}/{}/{}", a.namespace, a.name, a.secret));
            assert_eq!(found.as_deref(), expected, "{token}");
        }
    }
}
