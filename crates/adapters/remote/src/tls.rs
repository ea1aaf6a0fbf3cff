//! Whom we trust, and who we are.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::{Error, Options};

/// The rules of a connection: the system's certificates and those that were given vouch for a server, and one that was given is believed
/// itself, as Go does.
///
/// # Errors
/// What was given is not PEM.
pub(crate) fn config(options: &Options) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let given =
        certificates("the server's certificate", options.certificates.as_deref().unwrap_or_default())?;
    let trust = Trust::new(&provider, given, options.insecure)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(format!("TLS: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust));
    let Some(identity) = &options.identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates("the client certificate", &identity.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes())
        .map_err(|_| Error::Setup("the key of the client certificate is not PEM".to_owned()))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| Error::Setup(format!("the client certificate and its key cannot be used: {error}")))
}

fn certificates(what: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| Error::Setup(format!("{what} is not PEM: {error}")))
}

#[derive(Debug)]
struct Trust {
    provider: Arc<CryptoProvider>,
    given: Vec<CertificateDer<'static>>,
    /// `None`: whatever is shown.
    roots: Option<Arc<WebPkiServerVerifier>>,
}

impl Trust {
    fn new(
        provider: &Arc<CryptoProvider>,
        given: Vec<CertificateDer<'static>>,
        insecure: bool,
    ) -> Result<Self, Error> {
        let provider = Arc::clone(provider);
        if insecure {
            return Ok(Self { provider, given, roots: None });
        }
        let mut store = RootCertStore::empty();
        // A machine without certificates trusts those that were given.
        let (_, _) = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let (_, _) = store.add_parsable_certificates(given.iter().cloned());
        if store.is_empty() {
            return Err(Error::Setup(
                "this machine has no certificates to trust: give the server's with --server-crt, or --insecure".to_owned(),
            ));
        }
        let roots =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider)).build();
        let roots = roots.map_err(|error| Error::Setup(format!("TLS: {error}")))?;
        Ok(Self { provider, given, roots: Some(roots) })
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        match roots.verify_server_cert(certificate, chain, name, ocsp, now) {
            // One that signs itself vouches for nobody else; its name and times were not looked at then.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::Other(_) | CertificateError::UnknownIssuer,
            )) if self.given.iter().any(|given| given == certificate) => {
                let parsed = rustls::server::ParsedCertificate::try_from(certificate)?;
                rustls::client::verify_server_name(&parsed, name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
