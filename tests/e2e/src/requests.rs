//! The Kubernetes API as a test uses it: paths and JSON.

use anyhow::{Context as _, Result};
use http::{Method, Request};
use serde_json::{Value, json};

/// Requests by path.
#[derive(Clone)]
pub struct Api {
    client: kube::Client,
}

impl Api {
    /// Requests of `client`.
    pub fn new(client: kube::Client) -> Self {
        Self { client }
    }

    /// Any request; the answer's body, or the server's refusal as an error.
    pub async fn send(&self, method: Method, path: &str, kind: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request =
            Request::builder().method(method.clone()).uri(path).header("content-type", kind).body(body)?;
        self.client.request(request).await.with_context(|| format!("{method} {path}"))
    }

    /// An object or a list, `None` where it is absent.
    pub async fn get(&self, path: &str) -> Result<Option<Value>> {
        let request = Request::get(path).body(Vec::new())?;
        match self.client.request(request).await {
            Ok(value) => Ok(Some(value)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error).with_context(|| format!("GET {path}")),
        }
    }

    /// Deletes an object; an absent one is fine.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let request = Request::delete(path).body(Vec::new())?;
        match self.client.request::<Value>(request).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error).with_context(|| format!("DELETE {path}")),
        }
    }

    /// Takes a Lease from its holder, who is dead, so that the next one need not wait for it.
    pub async fn vacate(&self, lease: &str) -> Result<()> {
        match self.get(lease).await? {
            Some(_) => self.patch(lease, &json!({"spec": {"holderIdentity": ""}})).await.map(drop),
            None => Ok(()),
        }
    }

    /// Merges a patch into an object.
    pub async fn patch(&self, path: &str, patch: &Value) -> Result<Value> {
        self.send(Method::PATCH, path, "application/merge-patch+json", Some(patch)).await
    }

    /// Applies an object, as `kubectl apply --server-side` does.
    pub async fn apply(&self, object: &Value) -> Result<Value> {
        let path = format!("{}?fieldManager=kubectl&force=true", self.path_of(object).await?);
        self.send(Method::PATCH, &path, "application/apply-patch+yaml", Some(object)).await
    }

    /// Where an object lies, by discovery; a kind that was just defined is waited for.
    pub async fn path_of(&self, object: &Value) -> Result<String> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("/apiVersion"), text("/kind"));
        let base = if api_version.contains('/') {
            format!("/apis/{api_version}")
        } else {
            format!("/api/{api_version}")
        };
        let found =
            testkit::eventually_some(&format!("{api_version} {kind} is served"), crate::PATIENCE, || async {
                let list = self.get(&base).await?;
                let resources = list.as_ref().and_then(|list| list["resources"].as_array());
                let one = resources
                    .into_iter()
                    .flatten()
                    .find(|r| r["kind"] == kind && !r["name"].as_str().unwrap_or_default().contains('/'));
                Ok::<_, anyhow::Error>(one.cloned())
            })
            .await;
        let plural = found["name"].as_str().context("no plural")?.to_owned();
        let name = text("/metadata/name");
        if found["namespaced"] != true {
            return Ok(format!("{base}/{plural}/{name}"));
        }
        let namespace = Some(text("/metadata/namespace")).filter(|n| !n.is_empty()).unwrap_or("default");
        Ok(format!("{base}/namespaces/{namespace}/{plural}/{name}"))
    }
}
