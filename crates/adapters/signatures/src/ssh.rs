//! Signatures by SSH keys, as `ssh-keygen -Y sign` makes them and git keeps them (`gpg.format=ssh`).
//!
//! **Source**: OpenSSH's PROTOCOL.sshsig and PROTOCOL.u2f; RFC 4253, 5656, 8332 and 8709 for keys. The peer knows OpenPGP alone.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256, Sha512};

use crate::status::Verdict;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
/// What git signs under: a signature for something else says nothing of a commit.
const NAMESPACE: &[u8] = b"git";
/// Bit of a security key's answer: somebody touched it.
const TOUCHED: u8 = 1;
/// Types of keys as they begin a line.
const TYPES: [&str; 3] = ["ssh-", "ecdsa-sha2-", "sk-"];

/// Public keys by their bytes.
#[derive(Debug, Default)]
pub(crate) struct Keys(BTreeSet<Vec<u8>>);

/// Whether a text of the keyring holds SSH keys.
pub(crate) fn is_keys(text: &str) -> bool {
    TYPES.iter().any(|kind| text.trim_start().starts_with(kind))
}

/// Whether a signature is by an SSH key.
pub(crate) fn is_signature(signature: &[u8]) -> bool {
    signature.starts_with(BEGIN.as_bytes())
}

impl Keys {
    /// Reads lines as in `authorized_keys`, without options; what is none is passed over.
    pub(crate) fn new(keys: &BTreeMap<String, String>) -> Self {
        let lines = keys.iter().filter(|(_, text)| is_keys(text));
        let lines = lines.flat_map(|(name, text)| text.lines().map(move |line| (name, line.trim())));
        let mut all = BTreeSet::new();
        for (name, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let blob = line.split_whitespace().nth(1).and_then(|text| STANDARD.decode(text).ok());
            match blob.filter(|blob| Key::read(blob).is_some()) {
                Some(blob) => drop(all.insert(blob)),
                None => tracing::warn!(
                    key = name,
                    "a public SSH key cannot be read, or is of no kind that is known"
                ),
            }
        }
        Self(all)
    }

    pub(crate) fn verify(&self, signed: &[u8], signature: &[u8]) -> Verdict {
        let unknown = |reason: &str| Verdict::Unknown { reason: reason.to_owned() };
        let Some(found) = Signature::read(signature) else { return unknown("it is no signature") };
        let key = fingerprint(&found.key);
        if !self.0.contains(&found.key) {
            return Verdict::Unknown { reason: format!("key {key} is not in the keyring") };
        }
        let Some(message) = found.message(signed) else {
            return unknown("it is not for git, or its hash is not known");
        };
        match Key::read(&found.key) {
            Some(public) if public.holds(&message, &found.signature) == Some(true) => {
                Verdict::Good { primary: key.clone(), key, cipher: public.cipher() }
            }
            Some(_) => Verdict::Invalid { key, reason: "bad signature" },
            None => unknown("its key is of no kind that is known"),
        }
    }
}

/// `SHA256:` and the sum in base64, as `ssh-keygen -l` shows it.
fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

/// Reads the wire's forms; an end that comes too soon is `None`.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    /// A number that is not negative, without what stands in front of its digits.
    fn unsigned(&mut self) -> Option<&'a [u8]> {
        let digits = self.string()?;
        let first = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len());
        digits.get(first..)
    }
}

fn put(into: &mut Vec<u8>, text: &[u8]) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(text);
}

struct Signature {
    key: Vec<u8>,
    namespace: Vec<u8>,
    reserved: Vec<u8>,
    hash: Vec<u8>,
    signature: Vec<u8>,
}

impl Signature {
    fn read(armored: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(armored).ok()?.trim();
        let text = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
        let text: String = text.split_whitespace().collect();
        let bytes = STANDARD.decode(text).ok()?;
        let mut reader = Reader(bytes.strip_prefix(MAGIC)?);
        if reader.number()? != 1 {
            return None;
        }
        let mut string = || reader.string().map(<[u8]>::to_vec);
        let (key, namespace, reserved) = (string()?, string()?, string()?);
        let (hash, signature) = (string()?, string()?);
        reader.0.is_empty().then_some(Self { key, namespace, reserved, hash, signature })
    }

    /// What the key signed, for this text.
    fn message(&self, signed: &[u8]) -> Option<Vec<u8>> {
        let sum = match self.hash.as_slice() {
            b"sha512" => Sha512::digest(signed).to_vec(),
            b"sha256" => Sha256::digest(signed).to_vec(),
            _ => return None,
        };
        if self.namespace != NAMESPACE {
            return None;
        }
        let mut message = MAGIC.to_vec();
        for part in [&self.namespace, &self.reserved, &self.hash, &sum] {
            put(&mut message, part);
        }
        Some(message)
    }
}

/// A public key, and its type's name.
struct Key<'a> {
    kind: &'a [u8],
    numbers: Numbers<'a>,
}

enum Numbers<'a> {
    Ed25519 { key: &'a [u8], application: Option<&'a [u8]> },
    Ecdsa { curve: &'static Curve, point: &'a [u8], application: Option<&'a [u8]> },
    Rsa { exponent: &'a [u8], modulus: &'a [u8] },
}

struct Curve {
    name: &'static [u8],
    algorithm: &'static dyn VerificationAlgorithm,
    /// Bytes of one of the two numbers of a signature.
    size: usize,
}

static CURVES: [Curve; 3] = [
    Curve { name: b"nistp256", algorithm: &ECDSA_P256_SHA256_FIXED, size: 32 },
    Curve { name: b"nistp384", algorithm: &ECDSA_P384_SHA384_FIXED, size: 48 },
    Curve { name: b"nistp521", algorithm: &ECDSA_P521_SHA512_FIXED, size: 66 },
];

impl<'a> Key<'a> {
    fn read(blob: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(blob);
        let kind = reader.string()?;
        let numbers = match kind {
            b"ssh-ed25519" => Numbers::Ed25519 { key: reader.string()?, application: None },
            b"sk-ssh-ed25519@openssh.com" => {
                Numbers::Ed25519 { key: reader.string()?, application: Some(reader.string()?) }
            }
            b"ssh-rsa" => Numbers::Rsa { exponent: reader.unsigned()?, modulus: reader.unsigned()? },
            _ => {
                let name = reader.string()?;
                let curve = CURVES.iter().find(|curve| curve.name == name)?;
                let point = reader.string()?;
                let application = match kind {
                    b"sk-ecdsa-sha2-nistp256@openssh.com" => Some(reader.string()?),
                    _ if kind.strip_prefix(b"ecdsa-sha2-") == Some(name) => None,
                    _ => return None,
                };
                Numbers::Ecdsa { curve, point, application }
            }
        };
        reader.0.is_empty().then_some(Self { kind, numbers })
    }

    fn cipher(&self) -> &'static str {
        match self.numbers {
            Numbers::Ed25519 { .. } => "SSH ED25519",
            Numbers::Ecdsa { .. } => "SSH ECDSA",
            Numbers::Rsa { .. } => "SSH RSA",
        }
    }

    /// Whether this key made the signature; `None` is one that cannot be read.
    fn holds(&self, message: &[u8], signature: &[u8]) -> Option<bool> {
        let mut reader = Reader(signature);
        let kind = reader.string()?;
        let made = reader.string()?;
        // RSA's keys sign by several names.
        if kind != self.kind && !matches!(self.numbers, Numbers::Rsa { .. }) {
            return None;
        }
        match &self.numbers {
            Numbers::Rsa { exponent, modulus } => {
                let algorithm = match kind {
                    b"rsa-sha2-512" => &RSA_PKCS1_2048_8192_SHA512,
                    b"rsa-sha2-256" => &RSA_PKCS1_2048_8192_SHA256,
                    // Its sums are SHA-1's.
                    _ => return None,
                };
                Some(
                    RsaPublicKeyComponents { n: modulus, e: exponent }
                        .verify(algorithm, message, made)
                        .is_ok(),
                )
            }
            Numbers::Ed25519 { key, application } => {
                let message = touched(*application, &mut reader, message)?;
                Some(UnparsedPublicKey::new(&ED25519, key).verify(&message, made).is_ok())
            }
            Numbers::Ecdsa { curve, point, application } => {
                let message = touched(*application, &mut reader, message)?;
                let mut numbers = Reader(made);
                let mut fixed = Vec::with_capacity(2 * curve.size);
                for number in [numbers.unsigned()?, numbers.unsigned()?] {
                    fixed.extend(std::iter::repeat_n(0, curve.size.checked_sub(number.len())?));
                    fixed.extend_from_slice(number);
                }
                Some(UnparsedPublicKey::new(curve.algorithm, point).verify(&message, &fixed).is_ok())
            }
        }
    }
}

/// What a security key signs in place of the message, if it is one.
fn touched(application: Option<&[u8]>, reader: &mut Reader<'_>, message: &[u8]) -> Option<Vec<u8>> {
    let Some(application) = application else { return reader.0.is_empty().then(|| message.to_vec()) };
    let flags = reader.take(1)?;
    let counter = reader.take(4)?;
    let there = reader.0.is_empty() && flags.iter().all(|flags| flags & TOUCHED == TOUCHED);
    let mut whole = Sha256::digest(application).to_vec();
    whole.extend_from_slice(flags);
    whole.extend_from_slice(counter);
    whole.extend_from_slice(&Sha256::digest(message));
    there.then_some(whole)
}
