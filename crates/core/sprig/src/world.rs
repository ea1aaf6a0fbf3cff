//! What templates ask of the world: time, chance, keys and certificates. All of it is an argument, so that a render can be repeated.

use std::cell::Cell;

/// A moment: seconds and nanoseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds after them, below 1,000,000,000.
    pub nanos: u32,
}

/// The kinds of private keys that `genPrivateKey` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA of 4096 bits, PKCS #1.
    Rsa,
    /// DSA, L2048N256.
    Dsa,
    /// ECDSA on P-256, SEC 1.
    Ecdsa,
    /// Ed25519, PKCS #8.
    Ed25519,
}

/// A certificate and its private key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// `CERTIFICATE`.
    pub cert: String,
    /// `… PRIVATE KEY`.
    pub key: String,
}

/// What a certificate is asked to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest<'a> {
    /// The subject's common name.
    pub common_name: &'a str,
    /// Subject alternative names that are addresses, as text.
    pub addresses: Vec<String>,
    /// Subject alternative names that are host names.
    pub names: Vec<String>,
    /// Days from [`World::now`] that it is valid.
    pub days: i64,
    /// Whether it may sign others.
    pub authority: bool,
    /// Its private key as PEM; `None` for a new RSA key of 2048 bits.
    pub key: Option<&'a str>,
    /// Who signs; `None` for itself.
    pub signer: Option<&'a Pair>,
}

/// The world as templates see it.
pub trait World {
    /// The time.
    fn now(&self) -> Moment;

    /// The IANA name of the zone that Go calls `Local`.
    fn zone(&self) -> &str {
        "UTC"
    }

    /// Fills the buffer with random bytes.
    fn random(&self, bytes: &mut [u8]);

    /// A new private key as PEM.
    ///
    /// **Errors**: a text; the function returns it after `failed to generate private key: `.
    fn private_key(&self, kind: KeyKind) -> Result<String, String>;

    /// A new certificate.
    ///
    /// **Errors**: the whole text of the function's error, such as `parsing private key: no PEM data in input`.
    fn certificate(&self, request: &CertificateRequest<'_>) -> Result<Pair, String>;

    /// Whether the PEM texts are a certificate and a private key. Errors as for [`World::certificate`].
    fn check_pair(&self, cert: &str, key: &str) -> Result<(), String>;

    /// An address of a host. Nobody is asked unless the user allows it, and the answer is empty then.
    fn host_by_name(&self, name: &str) -> String {
        let _ = name;
        String::new()
    }
}

/// A world that stands still and throws the same dice each time: for tests, and to see whether a render depends on the world at all.
///
/// Keys and certificates are PEM in form only.
#[derive(Debug)]
pub struct Fixed {
    now: Moment,
    state: Cell<u64>,
}

impl Fixed {
    /// At that moment, with dice that start from `seed`.
    #[must_use]
    pub fn new(now: Moment, seed: u64) -> Self {
        Self { now, state: Cell::new(seed) }
    }

    fn pem(&self, label: &str) -> String {
        let mut bytes = [0; 36];
        self.random(&mut bytes);
        let body = crate::base64::encode(&bytes);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }
}

impl World for Fixed {
    fn now(&self) -> Moment {
        self.now
    }

    /// SplitMix64.
    fn random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
            self.state.set(state);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^= mixed >> 31;
            for (byte, random) in chunk.iter_mut().zip(mixed.to_le_bytes()) {
                *byte = random;
            }
        }
    }

    fn private_key(&self, kind: KeyKind) -> Result<String, String> {
        Ok(self.pem(match kind {
            KeyKind::Rsa => "RSA PRIVATE KEY",
            KeyKind::Dsa => "DSA PRIVATE KEY",
            KeyKind::Ecdsa => "EC PRIVATE KEY",
            KeyKind::Ed25519 => "PRIVATE KEY",
        }))
    }

    fn certificate(&self, request: &CertificateRequest<'_>) -> Result<Pair, String> {
        let key = request.key.map_or_else(|| self.pem("RSA PRIVATE KEY"), str::to_owned);
        Ok(Pair { cert: self.pem("CERTIFICATE"), key })
    }

    fn check_pair(&self, _cert: &str, _key: &str) -> Result<(), String> {
        Ok(())
    }
}
