//! Clusters to deploy to, as Secrets hold them.

use std::collections::BTreeMap;

use api::names::{IN_CLUSTER_NAME, IN_CLUSTER_SERVER, annotation, label};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::Secret;
use crate::fields::{Fields, SecretError};

/// Annotation of what the server made.
const MANAGED_BY: &str = "managed-by";

/// A Secret that names a cluster.
///
/// **Source**: the peer's `SecretToCluster`; the keys `shard` and the annotations of sharding mean nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterSecret {
    /// Name of the Secret.
    pub secret_name: String,
    /// URL of the API server, without a slash at its end.
    pub server: String,
    /// Name by which destinations may say it; the URL where the Secret has none.
    pub name: String,
    /// The project that it belongs to; to none where empty.
    pub project: String,
    /// The only namespaces that are looked at; all where empty.
    pub namespaces: Vec<String>,
    /// Whether cluster-wide kinds are looked at although `namespaces` is set.
    pub cluster_resources: bool,
    /// How to reach it and to log in.
    pub config: ClusterConfig,
    /// Whether its applications rest: the annotation `argocd.argoproj.io/skip-reconcile`.
    pub skip_reconcile: bool,
    /// Labels of the Secret that are somebody's own.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the Secret that are somebody's own.
    pub annotations: BTreeMap<String, String>,
}

/// Labels and annotations of a cluster's Secret that are somebody's own: not those that say what it is, who made it, or what was applied,
/// which would be all that is secret in it.
pub fn own_words(secret: &Value) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let of = |field: &str, others: &[&str]| {
        let all = secret.get("metadata").and_then(|metadata| metadata.get(field)?.as_object());
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        let own = all.into_iter().flatten().filter(|(key, _)| !others.contains(&key.as_str()));
        own.filter_map(text).collect()
    };
    let ours = [MANAGED_BY, annotation::LAST_APPLIED, annotation::REFRESH];
    (of("labels", &[label::SECRET_TYPE]), of("annotations", &ours))
}

/// How a cluster is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterConfig {
    /// User, for basic authentication.
    pub username: String,
    /// Password, for basic authentication.
    pub password: Option<Secret>,
    /// A bearer token.
    pub bearer_token: Option<Secret>,
    /// Trust, and a client certificate.
    pub tls: TlsClientConfig,
    /// A token of AWS's, for EKS.
    pub aws: Option<AwsAuth>,
    /// A program that hands out credentials.
    pub exec: Option<ExecProvider>,
    /// The way out, which may hold a password.
    pub proxy_url: Option<Secret>,
}

/// Trust, and a client certificate. Certificates and keys are PEM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsClientConfig {
    /// Take any certificate.
    pub insecure: bool,
    /// The name that the server's certificate is held against, instead of the URL's host.
    pub server_name: String,
    /// Certificate authorities.
    pub ca_data: Vec<u8>,
    /// Client certificate.
    pub cert_data: Vec<u8>,
    /// Its key.
    pub key_data: Option<Secret<Vec<u8>>>,
}

/// An EKS cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AwsAuth {
    /// Its name in AWS.
    pub cluster_name: String,
    /// A role to take on before; none where empty.
    pub role_arn: String,
    /// A profile of the machine's AWS settings; none where empty.
    pub profile: String,
}

/// A program that hands out credentials, as in a kubeconfig's `exec`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecProvider {
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What is added to its environment.
    pub env: BTreeMap<String, Secret>,
    /// Version of what it is asked and answers, `client.authentication.k8s.io/v1` and the like.
    pub api_version: String,
    /// What to do where it is missing.
    pub install_hint: String,
}

impl ClusterSecret {
    /// Reads a Secret: its decoded data, and what an annotation of it says.
    pub fn parse(
        secret_name: &str,
        data: &BTreeMap<String, Vec<u8>>,
        skip_reconcile: bool,
    ) -> Result<Self, SecretError> {
        let fields = Fields(data);
        let server = fields.text("server")?.ok_or(SecretError::Missing { key: "server" })?;
        let server = server.trim_end_matches('/').to_owned();
        let namespaces = fields.text("namespaces")?.unwrap_or_default();
        let namespaces = namespaces.split(',').map(str::trim).filter(|name| !name.is_empty());
        let config = match data.get("config").filter(|config| !config.trim_ascii().is_empty()) {
            None => ClusterConfig::default(),
            Some(config) => config_of(config)?,
        };
        Ok(Self {
            secret_name: secret_name.to_owned(),
            name: fields.text("name")?.unwrap_or_else(|| server.clone()),
            project: fields.text("project")?.unwrap_or_default(),
            namespaces: namespaces.map(str::to_owned).collect(),
            cluster_resources: fields.truth("clusterResources")?,
            config,
            skip_reconcile,
            server,
            ..Self::default()
        })
    }
}

fn config_of(text: &[u8]) -> Result<ClusterConfig, SecretError> {
    // The error would repeat what it could not read.
    let expected = "a cluster's config in JSON";
    let config: Config =
        serde_json::from_slice(text).map_err(|_| SecretError::Malformed { key: "config", expected })?;
    let pem = |text: &Option<String>, key: &'static str| match text.as_deref() {
        None | Some("") => Ok(Vec::new()),
        Some(text) => {
            STANDARD.decode(text.trim()).map_err(|_| SecretError::Malformed { key, expected: "in base64" })
        }
    };
    let secret = |text: Option<String>| {
        text.map(|text| text.trim().to_owned()).filter(|t| !t.is_empty()).map(Secret::new)
    };
    let tls = config.tls_client_config.unwrap_or_default();
    let key_data = pem(&tls.key_data, "config.tlsClientConfig.keyData")?;
    Ok(ClusterConfig {
        username: config.username.unwrap_or_default(),
        password: config.password.filter(|text| !text.is_empty()).map(Secret::new),
        bearer_token: secret(config.bearer_token),
        tls: TlsClientConfig {
            insecure: tls.insecure.unwrap_or_default(),
            server_name: tls.server_name.unwrap_or_default(),
            ca_data: pem(&tls.ca_data, "config.tlsClientConfig.caData")?,
            cert_data: pem(&tls.cert_data, "config.tlsClientConfig.certData")?,
            key_data: (!key_data.is_empty()).then(|| Secret::new(key_data)),
        },
        aws: config.aws_auth_config.map(|aws| AwsAuth {
            cluster_name: aws.cluster_name.unwrap_or_default(),
            role_arn: aws.role_arn.unwrap_or_default(),
            profile: aws.profile.unwrap_or_default(),
        }),
        exec: config.exec_provider_config.map(|exec| ExecProvider {
            command: exec.command.unwrap_or_default(),
            args: exec.args.unwrap_or_default(),
            env: exec.env.into_iter().flatten().map(|(name, value)| (name, Secret::new(value))).collect(),
            api_version: exec.api_version.unwrap_or_default(),
            install_hint: exec.install_hint.unwrap_or_default(),
        }),
        proxy_url: secret(config.proxy_url),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    username: Option<String>,
    password: Option<String>,
    bearer_token: Option<String>,
    tls_client_config: Option<Tls>,
    aws_auth_config: Option<Aws>,
    exec_provider_config: Option<Exec>,
    proxy_url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tls {
    insecure: Option<bool>,
    server_name: Option<String>,
    ca_data: Option<String>,
    cert_data: Option<String>,
    key_data: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Aws {
    cluster_name: Option<String>,
    #[serde(rename = "roleARN")]
    role_arn: Option<String>,
    profile: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exec {
    command: Option<String>,
    args: Option<Vec<String>>,
    env: Option<BTreeMap<String, String>>,
    api_version: Option<String>,
    install_hint: Option<String>,
}

/// All clusters that are configured, in the order of their Secrets' names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clusters(Vec<ClusterSecret>);

impl Clusters {
    /// Puts them in order.
    pub fn new(clusters: impl IntoIterator<Item = ClusterSecret>) -> Self {
        let mut all: Vec<ClusterSecret> = clusters.into_iter().collect();
        all.sort_by(|left, right| left.secret_name.cmp(&right.secret_name));
        Self(all)
    }

    /// Every one of them. The cluster that this runs in is among them only where a Secret says something of it.
    pub fn iter(&self) -> impl Iterator<Item = &ClusterSecret> {
        self.0.iter()
    }

    /// The cluster of a URL; the first by its Secret's name where several have it.
    pub fn by_server(&self, server: &str) -> Option<&ClusterSecret> {
        let server = server.trim_end_matches('/');
        self.0.iter().find(|cluster| cluster.server == server)
    }

    /// The URLs of the clusters of a name, each once.
    ///
    /// **Shape**: the cluster that this runs in is `in-cluster`, unless a Secret of its URL gives it another name.
    pub fn servers_named(&self, name: &str) -> Vec<&str> {
        let mut servers: Vec<&str> = self
            .0
            .iter()
            .filter(|cluster| cluster.name == name)
            .map(|cluster| cluster.server.as_str())
            .collect();
        if name == IN_CLUSTER_NAME && self.by_server(IN_CLUSTER_SERVER).is_none() {
            servers.push(IN_CLUSTER_SERVER);
        }
        servers.sort_unstable();
        servers.dedup();
        servers
    }
}

#[cfg(test)]
mod tests;
