//! Keeps what others store for us from being read or changed by them.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

/// What is sealed; nothing that was sealed for one purpose is taken for another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Logins by the identity provider that are under way, in browsers.
    Logins,
    /// Tokens of the identity provider's users, in Secrets.
    Tokens,
}

impl Purpose {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Logins => b"capstan: logins by an identity provider",
            Self::Tokens => b"capstan: tokens of an identity provider",
        }
    }
}

/// A key (AES-256-GCM). It follows from the key of the sessions, so that all replicas have the same and a restart keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Seal(Arc<RandomizedNonceKey>);

impl Seal {
    pub(crate) fn new(secret: &[u8], purpose: Purpose) -> Option<Self> {
        let mut bytes = [0; 32];
        let base = Salt::new(HKDF_SHA256, &[]).extract(secret);
        base.expand(&[purpose.text()], HKDF_SHA256).ok()?.fill(&mut bytes).ok()?;
        RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok().map(|key| Self(Arc::new(key)))
    }

    /// `beside` is not kept, and has to be the same when it is opened.
    pub(crate) fn close(&self, mut bytes: Vec<u8>, beside: &[u8]) -> Option<Vec<u8>> {
        let nonce = self.0.seal_in_place_append_tag(Aad::from(beside), &mut bytes).ok()?;
        Some([nonce.as_ref().as_slice(), &bytes].concat())
    }

    pub(crate) fn open(&self, sealed: &[u8], beside: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let mut bytes = rest.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.0.open_in_place(nonce, Aad::from(beside), &mut bytes).ok()?.len();
        bytes.truncate(opened);
        Some(bytes)
    }
}
