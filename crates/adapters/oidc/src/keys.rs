//! The keys of a provider, and the signatures that they make.

use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

/// Most keys of one set that are read.
const MAX_KEYS: usize = 100;
/// Most keys that one signature is held against.
const MAX_TRIED: usize = 10;
/// Longest part of a key, in bytes: RSA of 8,192 bits.
const MAX_PART_BYTES: usize = 1025;

/// How a token is signed. There is nothing here that has a shared secret, or no key at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "names of RFC 7518 and 8037")]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

impl Algorithm {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Rs256, "RS256"),
        (Self::Rs384, "RS384"),
        (Self::Rs512, "RS512"),
        (Self::Ps256, "PS256"),
        (Self::Ps384, "PS384"),
        (Self::Ps512, "PS512"),
        (Self::Es256, "ES256"),
        (Self::Es384, "ES384"),
        (Self::Es512, "ES512"),
        (Self::EdDsa, "EdDSA"),
    ];

    /// Reads a name. `none`, HS256 and others are none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(algorithm, _)| *algorithm)
    }
}

/// What a key is made of.
#[derive(Debug)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// On this curve: a point, uncompressed.
    Curve(Curve, Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    fn parse(name: &str) -> Option<(Self, usize)> {
        match name {
            "P-256" => Some((Self::P256, 32)),
            "P-384" => Some((Self::P384, 48)),
            "P-521" => Some((Self::P521, 66)),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The one that it is for, where it says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

/// A set of keys.
#[derive(Debug, Default)]
pub struct Keys(Vec<Key>);

/// What came of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signed {
    /// By one of the keys.
    Well,
    /// There is no such key.
    NoKey,
    /// By none of those that it could be.
    Badly,
}

impl Keys {
    /// Reads a set of keys (JWKS). Keys that are not for signatures, of unknown kinds, or malformed are passed over: others of the set count
    /// all the same, as RFC 7517 asks for.
    ///
    /// # Errors
    /// It is no such set.
    pub fn read(json: &[u8]) -> Result<Self, &'static str> {
        let value: Value = serde_json::from_slice(json).map_err(|_| "the keys are no JSON")?;
        let list = value.get("keys").and_then(Value::as_array).ok_or("there is no list of keys")?;
        if list.len() > MAX_KEYS {
            return Err("there are more than 100 keys");
        }
        Ok(Self(list.iter().filter_map(Key::read).collect()))
    }

    /// Whether one of these keys made a signature. The key that the token names is asked, and where it names none, those that fit.
    pub(crate) fn verify(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> Signed {
        let named = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let mut fitting =
            self.0.iter().filter(named).filter(|key| key.fits(algorithm)).take(MAX_TRIED).peekable();
        if fitting.peek().is_none() {
            return Signed::NoKey;
        }
        if fitting.any(|key| key.made(algorithm, signed, signature)) { Signed::Well } else { Signed::Badly }
    }
}

impl Key {
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let part = |name: &str| {
            let part = BASE64_URL_SAFE_NO_PAD.decode(text(name)?.trim_end_matches('=')).ok()?;
            (!part.is_empty() && part.len() <= MAX_PART_BYTES).then_some(part)
        };
        if text("use").is_some_and(|what| what != "sig") {
            return None;
        }
        let operations = value.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|all| !all.iter().any(|one| one == "verify")) {
            return None;
        }
        let algorithm = match value.get("alg") {
            None | Some(Value::Null) => None,
            // A key for something that we do not know is none of ours.
            Some(name) => Some(Algorithm::parse(name.as_str()?)?),
        };
        let material = match text("kty")? {
            "RSA" => {
                let bare = |part: Vec<u8>| part.into_iter().skip_while(|byte| *byte == 0).collect();
                Material::Rsa { n: bare(part("n")?), e: bare(part("e")?) }
            }
            "EC" => {
                let (curve, length) = Curve::parse(text("crv")?)?;
                let coordinate = |name: &str| part(name).filter(|part| part.len() == length);
                Material::Curve(curve, [&[4], &*coordinate("x")?, &*coordinate("y")?].concat())
            }
            "OKP" if text("crv")? == "Ed25519" => Material::Ed25519(part("x").filter(|x| x.len() == 32)?),
            _ => return None,
        };
        Some(Self { id: text("kid").map(str::to_owned), algorithm, material })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{EdDsa, Es256, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        let kind = match &self.material {
            Material::Rsa { .. } => matches!(algorithm, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512),
            Material::Curve(Curve::P256, _) => algorithm == Es256,
            Material::Curve(Curve::P384, _) => algorithm == Es384,
            Material::Curve(Curve::P521, _) => algorithm == Es512,
            Material::Ed25519(_) => algorithm == EdDsa,
        };
        kind && self.algorithm.is_none_or(|own| own == algorithm)
    }

    fn made(&self, algorithm: Algorithm, signed: &[u8], sum: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => {
                let how = match algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
                    Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
                    Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 | Algorithm::EdDsa => {
                        return false;
                    }
                };
                RsaPublicKeyComponents { n, e }.verify(how, signed, sum).is_ok()
            }
            Material::Curve(curve, point) => {
                let how = match curve {
                    Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
                    Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
                    Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED,
                };
                UnparsedPublicKey::new(how, point).verify(signed, sum).is_ok()
            }
            Material::Ed25519(point) => {
                UnparsedPublicKey::new(&signature::ED25519, point).verify(signed, sum).is_ok()
            }
        }
    }
}
