//! How a cluster is reached that nobody's kubeconfig names: from what its Secret says to a client.

mod exec;
mod issuer;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use net::Secret;
use serde_json::json;
use tower::service_fn;

use crate::error::chain;
pub use exec::ExecProgram;
use issuer::Session;
pub use issuer::{Credential, Issuer};

/// How long a connection may take until it is there, TLS included.
const CONNECT: Duration = Duration::from_secs(10);

/// Where a cluster is, whom it trusts, and who we are.
#[derive(Debug, Clone)]
pub struct Login {
    /// URL of its API server.
    pub server: String,
    /// Takes any certificate.
    pub insecure: bool,
    /// The name that its certificate is held against; the URL's host where empty.
    pub server_name: String,
    /// Its certificate authorities, PEM; those of the machine where empty.
    pub ca: Vec<u8>,
    /// Who we are.
    pub identity: Identity,
    /// The way out.
    pub proxy: Option<Secret>,
}

/// Who we are to a cluster.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Nobody.
    Anonymous,
    /// A user with a password.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// Whoever has this token.
    Bearer(Secret),
    /// The holder of a certificate.
    Certificate {
        /// PEM.
        certificate: Vec<u8>,
        /// PEM.
        key: Secret,
    },
    /// Whoever a program says.
    Exec(ExecProgram),
    /// Whoever somebody else says, time after time.
    Issued(Issuer),
}

/// Why there is no client for a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// What the Secret says cannot be used. It is not repeated.
    #[error("its Secret cannot be used: {0}")]
    Unusable(String),
    /// Who hands out credentials did not.
    #[error("{0}")]
    Exec(String),
}

impl Login {
    /// A client. Nothing is sent yet, but who hands out credentials is asked for the first: what fails at once is said at once, and
    /// better.
    pub async fn client(&self) -> Result<kube::Client, LoginError> {
        let issuer = match &self.identity {
            Identity::Exec(program) => Issuer::program(program.clone()),
            Identity::Issued(issuer) => issuer.clone(),
            Identity::Anonymous
            | Identity::Basic { .. }
            | Identity::Bearer(_)
            | Identity::Certificate { .. } => {
                return self.plain().await;
            }
        };
        let session = Arc::new(Session::new(self.clone(), issuer));
        session.begin().await?;
        let sends = move |request: http::Request<kube::client::Body>| {
            let session = Arc::clone(&session);
            async move { session.send(request).await }
        };
        Ok(kube::Client::new(service_fn(sends), "default"))
    }

    /// A client of an identity that stays.
    async fn plain(&self) -> Result<kube::Client, LoginError> {
        let unusable = |why: String| LoginError::Unusable(self.without_secrets(&why));
        let file: Kubeconfig =
            serde_json::from_value(self.kubeconfig()).map_err(|error| unusable(chain(&error)))?;
        let options = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(file, &options)
            .await
            .map_err(|error| unusable(chain(&error)))?;
        // This crate tries again by itself, and knows what may be repeated.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT);
        let builder = ClientBuilder::try_from(config).map_err(|error| unusable(chain(&error)))?;
        Ok(builder.build())
    }

    fn kubeconfig(&self) -> serde_json::Value {
        let mut cluster = json!({"server": self.server});
        if self.insecure {
            cluster["insecure-skip-tls-verify"] = json!(true);
        } else if !self.ca.is_empty() {
            cluster["certificate-authority-data"] = json!(STANDARD.encode(&self.ca));
        }
        if !self.server_name.is_empty() {
            cluster["tls-server-name"] = json!(self.server_name);
        }
        if let Some(proxy) = &self.proxy {
            cluster["proxy-url"] = json!(proxy.expose());
        }
        let user = match &self.identity {
            Identity::Anonymous | Identity::Exec(_) | Identity::Issued(_) => json!({}),
            Identity::Basic { username, password } => {
                json!({"username": username, "password": password.expose()})
            }
            Identity::Bearer(token) => json!({"token": token.expose()}),
            Identity::Certificate { certificate, key } => json!({
                "client-certificate-data": STANDARD.encode(certificate), "client-key-data": STANDARD.encode(key.expose()),
            }),
        };
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        })
    }

    /// A library's error may repeat what it could not read.
    fn without_secrets(&self, text: &str) -> String {
        let mut secrets: Vec<&Secret> = self.proxy.iter().collect();
        match &self.identity {
            Identity::Basic { password, .. } => secrets.push(password),
            Identity::Bearer(token) => secrets.push(token),
            Identity::Certificate { key, .. } => secrets.push(key),
            Identity::Anonymous | Identity::Exec(_) | Identity::Issued(_) => {}
        }
        net::without(text, &secrets)
    }
}
