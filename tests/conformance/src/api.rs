//! Requests by path, with errors that show what was seen last.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A client in one namespace. Resources are named as in paths: `apps/v1/deployments`, `v1/pods`.
#[derive(Clone)]
pub struct Api {
    client: kube::Client,
    namespace: String,
}

impl Api {
    /// Makes the namespace.
    ///
    /// # Errors
    /// The namespace exists, or the API server refuses.
    pub async fn in_new_namespace(client: kube::Client, namespace: &str) -> Result<Self> {
        let api = Self { client, namespace: namespace.to_owned() };
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        api.send("POST", "/api/v1/namespaces", "application/json", &body).await?;
        Ok(api)
    }

    fn path(&self, resource: &str) -> String {
        let (version, plural) = resource.rsplit_once('/').unwrap_or(("v1", resource));
        let root = if version.contains('/') { "apis" } else { "api" };
        format!("/{root}/{version}/namespaces/{}/{plural}", self.namespace)
    }

    /// Creates an object.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn create(&self, resource: &str, object: &Value) -> Result<Value> {
        // A namespace's default service account may come a moment later than the namespace.
        for _ in 0..100 {
            match self.send("POST", &self.path(resource), "application/json", object).await {
                Err(error) if format!("{error:#}").contains("error looking up service account") => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                other => return other,
            }
        }
        bail!("the default service account did not come")
    }

    /// Merge-patches an object.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn patch(&self, resource: &str, name: &str, patch: &Value) -> Result<Value> {
        let path = format!("{}/{name}", self.path(resource));
        self.send("PATCH", &path, "application/merge-patch+json", patch).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn delete(&self, resource: &str, name: &str) -> Result<Value> {
        self.send("DELETE", &format!("{}/{name}", self.path(resource)), "application/json", &json!({})).await
    }

    /// One object.
    ///
    /// # Errors
    /// It is not there.
    pub async fn get(&self, resource: &str, name: &str) -> Result<Value> {
        self.request(http::Request::get(format!("{}/{name}", self.path(resource))).body(Vec::new())?).await
    }

    /// All objects of a resource in the namespace.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn list(&self, resource: &str) -> Result<Vec<Value>> {
        let list = self.request(http::Request::get(self.path(resource)).body(Vec::new())?).await?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until an object is as wanted and returns it.
    ///
    /// # Errors
    /// It isn't in time; the error shows its status.
    pub async fn until(
        &self,
        what: &str,
        resource: &str,
        name: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let start = tokio::time::Instant::now();
        loop {
            let seen = self.get(resource, name).await.unwrap_or_default();
            if wanted(&seen) {
                return Ok(seen);
            }
            if start.elapsed() > super::stories_patience() {
                bail!("{what}: {resource} {name} is still {}; pods: {}", seen, self.pods_text().await);
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until the list of a resource is as wanted and returns it.
    ///
    /// # Errors
    /// It isn't in time; the error shows the items' names.
    pub async fn until_list(
        &self,
        what: &str,
        resource: &str,
        wanted: impl Fn(&[Value]) -> bool,
    ) -> Result<Vec<Value>> {
        let start = tokio::time::Instant::now();
        loop {
            let seen = self.list(resource).await?;
            if wanted(&seen) {
                return Ok(seen);
            }
            if start.elapsed() > super::stories_patience() {
                let names: Vec<_> = seen.iter().map(|o| o["metadata"]["name"].to_string()).collect();
                bail!("{what}: {resource} are still {names:?}; pods: {}", self.pods_text().await);
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn pods_text(&self) -> String {
        let pods = self.list("v1/pods").await.unwrap_or_default();
        pods.iter()
            .map(|pod| format!("{} {}", pod["metadata"]["name"], pod["status"]))
            .collect::<Vec<_>>()
            .join("\n")
    }

    async fn send(&self, method: &str, uri: &str, content_type: &str, body: &Value) -> Result<Value> {
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header(http::header::CONTENT_TYPE, content_type)
            .body(body.to_string().into_bytes())?;
        self.request(request).await
    }

    async fn request(&self, request: http::Request<Vec<u8>>) -> Result<Value> {
        let what = format!("{} {}", request.method(), request.uri());
        self.client.request(request).await.context(what)
    }
}
