//! The server's certificate.

use std::sync::Arc;

use ::api::settings::{ServerParams, TlsVersion};
use arc_swap::ArcSwap;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedCipherSuite};

/// A certificate with its key, both PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The chain, the server's own first.
    pub certificate: String,
    /// The key of the first one.
    pub key: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Why TLS cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate could be made.
    #[error("no certificate could be made")]
    Make(#[from] rcgen::Error),
    /// A text is no PEM of what it should be.
    #[error("the certificate or its key is not readable PEM")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// The TLS library refuses them.
    #[error("the certificate and its key cannot be used")]
    Refused(#[from] rustls::Error),
}

impl Identity {
    /// A certificate for these names that nobody vouches for.
    ///
    /// # Errors
    /// Where a name is none.
    pub fn self_signed(names: Vec<String>) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::OrganizationName, "Capstan");
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    fn certified(&self) -> Result<CertifiedKey, TlsError> {
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        Ok(CertifiedKey::from_der(chain, key, &provider)?)
    }
}

/// The certificate that a port shows now, and how it speaks. Clones share the certificate.
#[derive(Debug, Clone)]
pub struct Certificates {
    shown: Arc<Shown>,
    /// The oldest and the newest version.
    versions: (TlsVersion, TlsVersion),
    /// Cipher suites of TLS 1.2; none for all that are safe.
    ciphers: Vec<String>,
}

#[derive(Debug)]
struct Shown(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificates {
    /// Shows this one.
    ///
    /// # Errors
    /// Where it is no certificate with its key.
    pub fn new(identity: &Identity) -> Result<Self, TlsError> {
        let shown = Arc::new(Shown(ArcSwap::from_pointee(identity.certified()?)));
        Ok(Self { shown, versions: (TlsVersion::V1_2, TlsVersion::V1_3), ciphers: Vec::new() })
    }

    /// The same within what the settings permit.
    pub fn within(self, params: &ServerParams) -> Self {
        Self { versions: params.tls, ciphers: params.ciphers.clone(), ..self }
    }

    /// Shows another one from the next connection on.
    ///
    /// # Errors
    /// As [`Self::new`]; then the one before stays.
    pub fn set(&self, identity: &Identity) -> Result<(), TlsError> {
        self.shown.0.store(Arc::new(identity.certified()?));
        Ok(())
    }

    pub(crate) fn config(&self) -> Result<ServerConfig, TlsError> {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        let named = |suite: &SupportedCipherSuite| format!("{:?}", suite.suite());
        let wanted = |name: &String| self.ciphers.contains(name);
        for unknown in self
            .ciphers
            .iter()
            .filter(|name| !provider.cipher_suites.iter().any(|suite| named(suite) == **name))
        {
            tracing::warn!(suite = unknown, "no such cipher suite can be had (server.tls.ciphers)");
        }
        provider
            .cipher_suites
            .retain(|suite| self.ciphers.is_empty() || suite.tls13().is_some() || wanted(&named(suite)));
        let (oldest, newest) = self.versions;
        let versions: Vec<_> = [(TlsVersion::V1_2, &TLS12), (TlsVersion::V1_3, &TLS13)]
            .into_iter()
            .filter_map(|(version, protocol)| (oldest..=newest).contains(&version).then_some(protocol))
            .collect();
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&versions)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}
