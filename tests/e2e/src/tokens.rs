//! Tokens of service accounts on a simulated cluster.
#![expect(clippy::unwrap_used, reason = "a helper of tests")]

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use kubesim::{Identity, KubeSim};
use serde_json::json;

use crate::Api;

/// What the controller manager does in a real cluster: Secrets for tokens of ServiceAccounts get one. It goes on until it is dropped.
///
/// # Panics
/// The cluster does not answer.
pub async fn make_tokens(sim: KubeSim) {
    const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";
    let api = Api::new(sim.client());
    for round in 0.. {
        let listed = api.get(SECRETS).await.unwrap().unwrap_or_default();
        for mut secret in listed["items"].as_array().cloned().unwrap_or_default() {
            let account = secret["metadata"]["annotations"]["kubernetes.io/service-account.name"].clone();
            if account.is_null() || secret["data"].get("token").is_some() {
                continue;
            }
            let claims = json!({
                "kubernetes.io/serviceaccount/namespace": "kube-system", "round": round,
                "kubernetes.io/serviceaccount/secret.name": secret["metadata"]["name"],
                "kubernetes.io/serviceaccount/service-account.name": account,
            });
            let token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
            sim.set_identity(token.clone(), Identity::admin());
            secret["data"] = json!({"token": BASE64_STANDARD.encode(&token)});
            (secret["apiVersion"], secret["kind"]) = (json!("v1"), json!("Secret"));
            let metadata = secret["metadata"].as_object_mut().unwrap();
            metadata.retain(|field, _| matches!(field.as_str(), "name" | "namespace" | "annotations"));
            api.apply(&secret).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
