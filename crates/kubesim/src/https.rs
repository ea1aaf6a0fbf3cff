use std::{net::SocketAddr, sync::Arc};

use base64::Engine;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

use crate::{access::Identity, service::SimService, sim::KubeSim};

/// Why the simulator cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refuses its configuration.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
}

/// A simulator that is served over HTTPS, until it is shut down or dropped.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens.
    pub addr: SocketAddr,
    /// The bearer token of its administrator.
    pub token: String,
    /// The certificate of its authority, PEM.
    pub ca: String,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Serving {
    /// A kubeconfig for its administrator, YAML; the context is called `kubesim`.
    pub fn kubeconfig(&self) -> String {
        let ca = base64::engine::general_purpose::STANDARD.encode(self.ca.as_bytes());
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: kubesim\nclusters:\n- name: kubesim\n  cluster:\n    \
             server: https://{}\n    certificate-authority-data: {ca}\ncontexts:\n- name: kubesim\n  context:\n    \
             cluster: kubesim\n    user: admin\nusers:\n- name: admin\n  user:\n    token: {}\n",
            self.addr, self.token
        )
    }

    /// Stops listening, ends the connections, and waits for that.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the simulator's listener ended badly");
        }
    }
}

impl KubeSim {
    /// Serves the API over HTTPS with a certificate made for the occasion; every request needs a bearer token.
    /// For loopback addresses: the certificate names `localhost` and the address.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub async fn serve_https(&self, addr: SocketAddr) -> Result<Serving, ServeError> {
        let listener = TcpListener::bind(addr).await.map_err(|source| ServeError::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(|source| ServeError::Listen { addr, source })?;
        let (ca, tls) = tls(addr)?;
        let token = secret()?;
        self.set_identity(token.clone(), Identity::admin());
        let service = SimService::new(self.clone(), true);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(listen(listener, TlsAcceptor::from(Arc::new(tls)), service, stopped));
        Ok(Serving { addr, token, ca, stop, task })
    }
}

/// A token that cannot be guessed: a fresh key's public half would be known to peers, so its private one is used.
fn secret() -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?.serialize_der();
    Ok(key.iter().rev().take(32).map(|byte| format!("{byte:02x}")).collect())
}

fn tls(addr: SocketAddr) -> Result<(String, rustls::ServerConfig), ServeError> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    ca.distinguished_name.push(DnType::CommonName, "kubesim-ca");
    let ca_certificate = ca.self_signed(&ca_key)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![
        "localhost".to_owned(),
        "kubernetes".to_owned(),
        "kubernetes.default.svc".to_owned(),
        addr.ip().to_string(),
    ])?;
    params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    let certificate = params.signed_by(&key, &Issuer::from_params(&ca, &ca_key))?;
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((ca_certificate.pem(), config))
}

async fn listen(
    listener: TcpListener,
    tls: TlsAcceptor,
    service: SimService,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                // Out of file descriptors, most likely: give others the time to end.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let (tls, service) = (tls.clone(), service.clone());
        connections.spawn(async move {
            let stream = match tls.accept(stream).await {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    return;
                }
            };
            let server = auto::Builder::new(TokioExecutor::new());
            let service = TowerToHyperService::new(service);
            if let Err(error) = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await {
                tracing::debug!(error = &*error, "a connection broke");
            }
        });
    }
    connections.shutdown().await;
}
