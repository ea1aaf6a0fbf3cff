//! The world that templates see when a chart is rendered for real: the clock, the system's randomness, keys and certificates.
//!
//! It decides nothing about templates; [`sprig::World`] says what is asked. Certificates are those that Sprig 3.3 makes with Go's
//! `crypto/x509`, field by field. DSA keys are refused: no library of ours makes them.

mod certificate;
mod der;
mod key;
mod pem;

use std::time::{SystemTime, UNIX_EPOCH};

use sprig::{CertificateRequest, KeyKind, Moment, Pair, World};

/// The system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl World for System {
    fn now(&self) -> Moment {
        #[expect(clippy::disallowed_methods, reason = "this is where templates get their clock from")]
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => Moment {
                seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                nanos: since.subsec_nanos(),
            },
            Err(_) => Moment { seconds: 0, nanos: 0 },
        }
    }

    /// # Panics
    /// Where the system has no randomness: a password of zeros would be worse.
    fn random(&self, bytes: &mut [u8]) {
        #[expect(clippy::expect_used, reason = "see above")]
        aws_lc_rs::rand::fill(bytes).expect("the system's randomness never fails once it is seeded");
    }

    fn private_key(&self, kind: KeyKind) -> Result<String, String> {
        key::PrivateKey::generate(kind)?.to_pem()
    }

    fn certificate(&self, request: &CertificateRequest<'_>) -> Result<Pair, String> {
        let mut serial = [0; 16];
        self.random(&mut serial);
        certificate::issue(request, self.now(), &serial)
    }

    fn check_pair(&self, cert: &str, key: &str) -> Result<(), String> {
        certificate::read(cert, "decodedCert.Bytes")?;
        key::PrivateKey::from_pem(key)
            .map(drop)
            .map_err(|error| format!("error parsing private key: {error}"))
    }
}

#[cfg(test)]
mod tests;
