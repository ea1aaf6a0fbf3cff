//! Puts what an installation needs into a cluster, by server-side apply.

use anyhow::{Context as _, Result, bail};
use http::Request;
use kube::Client;
use serde_json::Value;

/// Tries for a kind whose definition was applied just before.
const TRIES: u32 = 50;
/// Pause between them.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Applies one object; its kind is one of those that an installation or the playground has.
pub(crate) async fn apply(client: &Client, object: &Value) -> Result<()> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
    let plural = match kind {
        "CustomResourceDefinition" => "customresourcedefinitions",
        "Namespace" => "namespaces",
        "ConfigMap" => "configmaps",
        "Secret" => "secrets",
        "AppProject" => "appprojects",
        "Application" => "applications",
        other => bail!("{other} {name} is not part of an installation"),
    };
    let root = if version.contains('/') { "apis" } else { "api" };
    let place = match text("/metadata/namespace") {
        "" => format!("/{root}/{version}/{plural}/{name}"),
        namespace => format!("/{root}/{version}/namespaces/{namespace}/{plural}/{name}"),
    };
    let mut tries = 0;
    loop {
        let request = Request::patch(format!("{place}?fieldManager=capstan&force=true"))
            .header("content-type", "application/apply-patch+yaml")
            .body(serde_json::to_vec(object)?)?;
        match client.request::<Value>(request).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 && tries < TRIES => tries += 1,
            Err(error) => return Err(error).with_context(|| format!("{kind} {name} could not be applied")),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
