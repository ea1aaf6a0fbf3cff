//! The Secret of a cluster, in the peer's layout.

use std::collections::BTreeMap;

use ::api::names::annotation;
use serde_json::{Value, json};
use settings::{ClusterSecret, own_words};
use tonic::Status;

use crate::secrets::fnv;
use crate::services::text;

/// Fields that an update may name; the others are left as they are.
pub(super) const FIELDS: [&str; 8] =
    ["name", "namespaces", "config", "shard", "clusterResources", "labels", "annotations", "project"];

/// The name of a cluster's Secret. **Source**: `URIToSecretName`.
pub(super) fn secret_name(server: &str) -> Result<String, Status> {
    let wrong = || Status::invalid_argument("the cluster's server is no URL");
    let uri: http::Uri = server.parse().map_err(|_| wrong())?;
    let host = uri.host().filter(|_| uri.scheme().is_some()).ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').replace(':', "-").to_lowercase();
    Ok(format!("cluster-{host}-{}", fnv(&[server])))
}

/// A Secret as the API's cluster, with everything that is secret.
pub(super) fn read(secret: &Value, data: &BTreeMap<String, Vec<u8>>) -> Value {
    let of = |key: &str| {
        data.get(key).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    };
    let namespaces: Vec<String> = of("namespaces")
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let config = data.get("config").and_then(|config| serde_json::from_slice::<Value>(config).ok());
    let (labels, annotations) = own_words(secret);
    let mut cluster = json!({
        "server": of("server").trim_end_matches('/'), "name": of("name"), "namespaces": namespaces,
        "config": config.unwrap_or_else(|| json!({})), "clusterResources": of("clusterResources") == "true",
        "project": of("project"), "labels": labels, "annotations": annotations,
    });
    if let Ok(shard) = of("shard").parse::<i64>() {
        cluster["shard"] = json!(shard);
    }
    cluster
}

/// The data of the Secret of a cluster.
pub(super) fn data(cluster: &Value) -> Result<BTreeMap<String, Vec<u8>>, Status> {
    let server = text(cluster, "server").trim_end_matches('/');
    let name = Some(text(cluster, "name")).filter(|name| !name.is_empty()).unwrap_or(server);
    let mut config =
        cluster.get("config").filter(|config| config.is_object()).cloned().unwrap_or_else(|| json!({}));
    // Go writes it whatever it is.
    if config.pointer("/tlsClientConfig/insecure").is_none() {
        config["tlsClientConfig"]["insecure"] = json!(false);
    }
    let mut data = BTreeMap::from([
        ("server".to_owned(), server.as_bytes().to_vec()),
        ("name".to_owned(), name.as_bytes().to_vec()),
        ("config".to_owned(), config.to_string().into_bytes()),
    ]);
    let mut put = |key: &str, value: String| {
        if !value.is_empty() {
            data.insert(key.to_owned(), value.into_bytes());
        }
    };
    let namespaces = cluster.get("namespaces").and_then(Value::as_array).into_iter().flatten();
    put("namespaces", namespaces.filter_map(Value::as_str).collect::<Vec<_>>().join(","));
    put(
        "shard",
        cluster.get("shard").and_then(Value::as_i64).map(|shard| shard.to_string()).unwrap_or_default(),
    );
    let whole = cluster.get("clusterResources").and_then(Value::as_bool).unwrap_or_default();
    put("clusterResources", if whole { "true".to_owned() } else { String::new() });
    put("project", text(cluster, "project").to_owned());
    Ok(data)
}

/// What the settings will read of it. **Errors**: what cannot be.
pub(super) fn parsed(name: &str, data: &BTreeMap<String, Vec<u8>>) -> Result<ClusterSecret, Status> {
    ClusterSecret::parse(name, data, false)
        .map_err(|error| Status::invalid_argument(format!("cluster: {error}")))
}

/// Gives a Secret the labels and annotations that a cluster has, beside ours.
pub(super) fn label(secret: &mut Value, cluster: &Value) -> Result<(), Status> {
    if cluster.pointer("/annotations").and_then(|all| all.get(annotation::LAST_APPLIED)).is_some() {
        return Err(Status::invalid_argument(format!(
            "annotation {} cannot be set",
            annotation::LAST_APPLIED
        )));
    }
    for field in ["labels", "annotations"] {
        let own = cluster.get(field).filter(|own| own.is_object()).cloned();
        secret["metadata"][field] = own.unwrap_or_else(|| json!({}));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_peer() {
        for (server, name) in [
            ("https://kubernetes.default.svc", Some("cluster-kubernetes.default.svc-3396314289")),
            ("https://Host.Example:6443", Some("cluster-host.example-319247285")),
            ("https://[fe80::1]:6443", Some("cluster-fe80--1-625363313")),
            ("no url", None),
            ("host", None),
        ] {
            assert_eq!(secret_name(server).ok().as_deref(), name, "{server}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let cluster = json!({
            "server": "https://a.example", "name": "a", "namespaces": ["x", "y"], "clusterResources": true, "shard": 3,
            "project": "p", "labels": {"env": "prod"}, "annotations": {},
            "config": {"bearerToken": "t", "tlsClientConfig": {"insecure": true}},
        });
        let data = data(&cluster).unwrap();
        let mut secret = json!({"metadata": {"name": "s", "annotations": {"old": "1"}}});
        label(&mut secret, &cluster).unwrap();
        assert_eq!(read(&secret, &data), cluster);
        let text = |key: &str| String::from_utf8_lossy(&data[key]).into_owned();
        assert_eq!(
            (text("namespaces"), text("shard"), text("clusterResources")),
            ("x,y".into(), "3".into(), "true".into())
        );
        assert_eq!(parsed("s", &data).unwrap().project, "p");
    }
}
